//! Where octets came from and where octets go.

use std::net::SocketAddr;

/// How SIP travels below the transactions (RFC 3261 §18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams: requests and answers are repeated by the transactions.
    Udp,
    /// A stream in the clear.
    Tcp,
    /// A stream under TLS.
    Tls,
}

impl Transport {
    /// Whether the transport repeats what is lost itself, so that transactions need not.
    #[must_use]
    pub const fn reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// The name in `sent-protocol` of a Via.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// The port when a `sent-by` or a URI names none (RFC 3261 §19.1.2).
    #[must_use]
    pub const fn port_default(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }
}

/// One way to a peer: a listener or connection of ours and the address at its other end.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The listening socket (UDP) or the connection (TCP, TLS), numbered by whoever owns the sockets.
    pub id: u32,
    /// The peer's address.
    pub remote: SocketAddr,
    /// How octets travel on it.
    pub transport: Transport,
    /// The row of `Settings::classes` that holds for it: its timers and our name on it. A row that
    /// does not exist stands for row 0.
    pub class: u8,
}

impl Flow {
    /// Whether the transport repeats what is lost itself.
    #[must_use]
    pub const fn reliable(&self) -> bool {
        self.transport.reliable()
    }
}

impl std::fmt::Debug for Flow {
    /// Leaves the peer's address out: it is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}/{}", self.transport.name(), self.id, self.class)
    }
}
