//! SIP and MSRP on sockets: UDP, TCP, TLS and DNS.

pub mod resolve;

pub use sip_transaction::{Flow, Transport};
