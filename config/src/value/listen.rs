//! Where the gateway listens.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

use super::spelling::{Misspelt, Spelled, spelled};

/// An address and port to listen on, or `"off"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listen {
    Off,
    At(SocketAddr),
}

const HELP: &str = r#"write an IP address and a port, for example "127.0.0.1:8080", "0.0.0.0:8080" or "[::]:8080", or "off""#;

impl Listen {
    #[must_use]
    pub const fn loopback(port: u16) -> Self {
        Self::At(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    }

    #[must_use]
    pub const fn addr(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::At(addr) => Some(addr),
        }
    }

    /// Nobody outside this machine can reach it.
    #[must_use]
    pub const fn is_private(self) -> bool {
        match self {
            Self::Off => true,
            Self::At(addr) => addr.ip().is_loopback(),
        }
    }

    /// Whether both cannot be open at once. Port 0 is a port of the system's choice and never collides.
    #[must_use]
    pub fn collides(self, other: Self) -> bool {
        let (Some(a), Some(b)) = (self.addr(), other.addr()) else { return false };
        a.port() != 0
            && a.port() == b.port()
            && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
    }
}

impl FromStr for Listen {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| {
            Misspelt::new(
                if text.contains(':') {
                    "this is not an address to listen on"
                } else {
                    "this address has no port"
                },
                HELP,
            )
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(addr) => addr.fmt(f),
        }
    }
}

impl Spelled for Listen {
    const EXPECTED: &'static str = r#"an address to listen on, such as "127.0.0.1:8080""#;
}

spelled!(Listen, "Listen", {
    "description": "An IP address and a port, or off.",
    "type": "string",
    "examples": ["127.0.0.1:8080", "0.0.0.0:8080", "[::]:8080", "off"]
});

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> Listen {
        text.parse().unwrap()
    }

    #[test]
    fn any_address_collides_with_each() {
        assert!(listen("0.0.0.0:2775").collides(listen("127.0.0.1:2775")));
        assert!(listen("127.0.0.1:2775").collides(listen("127.0.0.1:2775")));
        assert!(!listen("127.0.0.1:2775").collides(listen("127.0.0.2:2775")));
        assert!(!listen("127.0.0.1:0").collides(listen("127.0.0.1:0")));
        assert!(!listen("off").collides(listen("off")));
    }

    #[test]
    fn a_name_is_not_an_address() {
        assert_eq!("localhost:80".parse::<Listen>().unwrap_err().what, "this is not an address to listen on");
        assert_eq!("8080".parse::<Listen>().unwrap_err().what, "this address has no port");
    }
}
