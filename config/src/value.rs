//! The small words of the file: durations, sizes, addresses, numbers, secrets.
//!
//! Each is parsed once, while the file is read, so that a mistake points at its place in the file and
//! nothing downstream meets a string it must still interpret.

mod answer_lost;
mod cidr;
mod host_port;
mod http_url;
mod listen;
mod msrp_uri;
mod name;
mod number;
mod octets;
mod one_or_many;
mod period;
mod prefix;
mod secret;
mod sender;
mod spelling;
mod store_url;
mod time_of_day;

pub use answer_lost::OnAnswerLost;
pub use cidr::Cidr;
pub use host_port::HostPort;
pub use http_url::HttpUrl;
pub use listen::Listen;
pub use msrp_uri::MsrpUri;
pub use name::Name;
pub use number::NumberPattern;
pub use octets::Octets;
pub use one_or_many::OneOrMany;
pub use period::Period;
pub use prefix::Prefix;
pub use secret::{Credential, Environment, ProcessEnvironment, Secret, SecretError, SecretRef};
pub use sender::{Sender, Senders};
pub use spelling::Misspelt;
pub use store_url::{StoreUrl, StoreUrlError};
pub use time_of_day::TimeOfDay;
