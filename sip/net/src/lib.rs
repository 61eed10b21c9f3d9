//! SIP and MSRP on sockets: UDP, TCP, TLS and DNS.
//!
//! [`Endpoint::bind`] opens the sockets and gives back an [`Inbox`] of [`Batch`]es: parsed messages with the
//! [`Flow`] their answers go by, connections that ended, destinations that were resolved. One driver takes
//! them, and sends with [`Endpoint::send_all`], which never waits.

mod counters;
mod endpoint;
mod inbox;
pub mod msrp;
mod rate;
mod refusal;
pub mod resolve;
mod route;
mod settings;
mod stream;
mod udp;

pub use sip_transaction::{Flow, Transport};

pub use self::{
    counters::{Counter, Counters},
    endpoint::{Endpoint, NoFlow, Target},
    inbox::{Batch, Ended, Event, Inbox},
    rate::SourceRate,
    route::{Choice, DATAGRAM_OCTETS_MAX, answer_address, choose_transport},
    settings::{Listen, Settings, TlsSettings},
};
