//! SIP messages: octets to a canonical head, and back.
//!
//! Everything from outside passes the gate of this crate first: framing, unfolding, compact names, limits, the grammar of
//! the headers that decide where a message goes. What comes out is a [`Message`] whose header values are slices of the
//! octets received and whose body is untouched. `rsip` supplies the vocabulary (methods, transports, status codes, typed
//! values, see [`vocabulary`]); no octet reaches it that was not checked here.

mod address;
mod build;
mod check;
mod cseq;
pub mod date;
pub mod digest;
mod fault;
mod framer;
mod headers;
mod judge;
mod limits;
mod lines;
mod message;
mod method;
pub mod multipart;
mod name;
mod octets;
mod params;
mod read;
mod salvage;
mod status;
#[cfg(feature = "testing")]
pub mod torture;
mod uri;
pub mod values;
mod via;
pub mod vocabulary;
mod write;

pub use address::{Contacts, NameAddr};
pub use build::RequestBuilder;
pub use cseq::CSeq;
pub use fault::{Fault, Malformed, Unreadable};
pub use framer::{Frame, Framer};
pub use headers::{HeaderValue, Headers};
pub use judge::{Objection, Served, judge};
pub use limits::Limits;
pub use message::{Message, Request, Response};
pub use method::Method;
pub use name::Name;
pub use octets::List;
pub use params::{Param, Params, Quoted};
pub use read::parse_datagram;
pub use rsip::Transport;
pub use status::{Class, StatusCode};
pub use uri::{Host, Scheme, Telephone, Uri, UriRef};
pub use via::{Rport, Via};
