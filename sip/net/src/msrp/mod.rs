//! MSRP on connections: TCP and TLS, accepted or dialled.
//!
//! [`Connections`] owns the sockets and hands what they say into one bounded [`Inbox`]; sessions and messages
//! are [`sip_msrp::Endpoint`]'s. [`Node`] is both together, for a driver that has nothing else to do between
//! them.

mod accept;
mod connection;
mod connections;
mod dial;
mod inbox;
mod node;
mod reader;
mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod tls;
mod writer;

pub use sip_msrp::{ConnectionId, Fingerprint, Security};

pub use self::{
    connections::{Connections, Numbers},
    inbox::{Batch, Event, Inbox},
    node::Node,
    settings::{Acceptor, Connector, Proof, Settings, Target},
};
