//! The sections of the file, one struct and one file each.
//!
//! The doc comment of a key is what the operator reads: it becomes the description in the JSON schema. The
//! ranges in `schemars` attributes are enforced when the file is loaded (`load::shape`), so that the schema and
//! the check cannot differ.

mod account;
mod channel;
mod files;
mod http;
mod limits;
mod log;
mod management;
mod messenger;
mod policy;
mod pool;
mod rcs;
mod route;
mod smpp;
mod store;
mod tls;

pub use account::{Account, AccountApi, AccountSmpp, ChargeAt, Class, Receipts};
pub use channel::{Bind, Channel, ChannelKind, Charset, Concatenation, Loopback, MessageIds, SmppLink};
pub use files::Files;
pub use http::Http;
pub use limits::Limits;
pub use log::{Log, LogFormat, LogLevel};
pub use management::Management;
pub use messenger::{Messenger, MessengerKind};
pub use policy::{Advertising, BadZone, Codes, Policy, QuietHours, Retry};
pub use pool::Pool;
pub use rcs::{MsrpRelay, Rcs, RcsDigest, RcsMode, RcsPeer, RcsUser};
pub use route::{Route, Strategy};
pub use smpp::{DefaultAlphabet, OverBinds, Smpp, SmppVersion};
pub use store::Store;
pub use tls::Tls;
