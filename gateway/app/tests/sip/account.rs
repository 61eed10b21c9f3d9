//! How a phone of a test reaches its registrar.

use std::net::SocketAddr;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
    /// With whatever certificate the other side has.
    Tls,
}

impl Transport {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// A subscription.
#[derive(Clone, Copy)]
pub(crate) struct Account<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    /// The registrar, over this transport.
    pub(crate) registrar: SocketAddr,
    pub(crate) transport: Transport,
}

pub(crate) const DOMAIN: &str = "ims.example";
pub(crate) const PASSWORD: &str = "secret";

impl<'a> Account<'a> {
    pub(crate) fn new(user: &'a str, registrar: SocketAddr, transport: Transport) -> Self {
        Self { user, password: PASSWORD, registrar, transport }
    }
}

/// `sip:user@ims.example`.
pub(crate) fn uri(user: &str) -> String {
    format!("sip:{user}@{DOMAIN}")
}
