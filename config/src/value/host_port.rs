//! Where a peer listens.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use super::spelling::{Misspelt, Spelled, spelled};

/// A host name or address, and a port. Names are resolved at each connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
}

const HELP: &str = r#"write a host and a port, for example "smsc.example.net:2775", "192.0.2.1:2775" or "[2001:db8::1]:2775""#;

impl HostPort {
    /// The address, when the host is one rather than a name.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        self.host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, self.port))
    }

    /// Certainly on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.socket_addr().is_some_and(|addr| addr.ip().is_loopback())
    }
}

/// A host name as in RFC 1123 §2.1.
pub(super) fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.strip_suffix('.').unwrap_or(text).split('.').all(label)
}

impl FromStr for HostPort {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(Misspelt::new("this address has no port", HELP));
        };
        let Some(port) = port.parse::<u16>().ok().filter(|port| *port != 0) else {
            return Err(Misspelt::new("the port is not a number from 1 to 65535", HELP));
        };
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let sound = match bracketed {
            Some(host) => host.parse::<Ipv6Addr>().is_ok(),
            None => is_host_name(host),
        };
        if !sound {
            return Err(Misspelt::new("the host is not a name or an address", HELP));
        }
        Ok(Self { host: bracketed.unwrap_or(host).to_owned(), port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Spelled for HostPort {
    const EXPECTED: &'static str = r#"a host and a port, such as "smsc.example.net:2775""#;
}

spelled!(HostPort, "HostPort", {
    "description": "A host name or address, and a port.",
    "type": "string",
    "examples": ["smsc.example.net:2775", "192.0.2.1:2775", "[2001:db8::1]:2775"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_addresses() {
        for text in ["smsc.example.net:2775", "127.0.0.1:2775", "[2001:db8::1]:2775"] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
        assert!("[::1]:2775".parse::<HostPort>().unwrap().is_loopback());
        assert!("localhost:2775".parse::<HostPort>().unwrap().is_loopback());
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, what) in [
            ("smsc", "this address has no port"),
            ("smsc:", "the port is not a number from 1 to 65535"),
            ("smsc:0", "the port is not a number from 1 to 65535"),
            ("smsc:70000", "the port is not a number from 1 to 65535"),
            ("tcp://smsc:2775", "the host is not a name or an address"),
            ("2001:db8::1:2775", "the host is not a name or an address"),
            (":2775", "the host is not a name or an address"),
        ] {
            assert_eq!(text.parse::<HostPort>().unwrap_err().what, what, "{text}");
        }
    }
}
