//! SIP and MSRP on sockets: UDP, TCP, TLS and DNS.

pub mod resolve;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
}
