//! Addresses of web services that the gateway calls.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use super::{
    host_port::is_host_name,
    spelling::{Misspelt, Spelled, spelled},
};

/// An `https://` or `http://` address without user, password and fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl {
    /// `https`.
    pub secure: bool,
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// Path and query, starting with `/`.
    pub path: String,
    text: String,
}

const HELP: &str = r#"write an address such as "https://messenger.example.kr/gateway""#;

impl HttpUrl {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Certainly inside: this machine, or a private network. A name may still turn out to be inside when
    /// it is resolved, which the sender of the call has to look at again.
    #[must_use]
    pub fn is_private(&self) -> bool {
        let name = self.host.trim_end_matches('.').to_ascii_lowercase();
        name == "localhost"
            || name.ends_with(".localhost")
            || name.ends_with(".internal")
            || name.ends_with(".local")
            || self.host.parse().is_ok_and(is_private)
    }
}

/// Not to be reached from the public network (RFC 6890).
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_private_v4(ip),
        IpAddr::V6(ip) => is_private_v6(ip),
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_multicast()
        || a == 0
        || (a == 100 && (64..128).contains(&b))
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
        || ip.is_multicast()
}

impl FromStr for HttpUrl {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let wrong = |what: &'static str| Misspelt::new(what, HELP);
        let (secure, rest) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err(wrong("this is not an http or https address")),
        };
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(wrong("this address has characters that must be percent-encoded"));
        }
        if text.contains('#') {
            return Err(wrong("this address has a fragment, which is never sent"));
        }
        let start = rest.find(['/', '?']).unwrap_or(rest.len());
        let Some((authority, path)) = rest.split_at_checked(start) else {
            return Err(wrong("this is not an http or https address"));
        };
        if authority.contains('@') {
            return Err(wrong("this address has a user or a password in it"));
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if !bracketed.map_or_else(|| is_host_name(host), |host| host.parse::<Ipv6Addr>().is_ok()) {
            return Err(wrong("the host of this address is not a name or an address"));
        }
        let default = if secure { 443 } else { 80 };
        let Some(port) = port.map_or(Some(default), |port| port.parse().ok().filter(|port| *port != 0))
        else {
            return Err(wrong("the port of this address is not a number from 1 to 65535"));
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { secure, host: bracketed.unwrap_or(host).to_owned(), port, path, text: text.to_owned() })
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Spelled for HttpUrl {
    const EXPECTED: &'static str = r#"an address such as "https://messenger.example.kr/gateway""#;
}

spelled!(HttpUrl, "HttpUrl", {
    "description": "An https:// or http:// address without user, password and fragment.",
    "type": "string",
    "pattern": "^https?://",
    "examples": ["https://messenger.example.kr/gateway"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_an_address_apart() {
        let url: HttpUrl = "https://mc.example.kr:8443/omf?x=1".parse().unwrap();
        assert_eq!(
            (url.secure, url.host.as_str(), url.port, url.path.as_str()),
            (true, "mc.example.kr", 8443, "/omf?x=1")
        );
        let url: HttpUrl = "http://[::1]".parse().unwrap();
        assert_eq!((url.secure, url.host.as_str(), url.port, url.path.as_str()), (false, "::1", 80, "/"));
    }

    #[test]
    fn knows_the_inside() {
        for host in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "[::1]",
            "[fd00::1]",
            "[::ffff:10.0.0.1]",
            "localhost",
            "x.internal",
        ] {
            assert!(format!("http://{host}/").parse::<HttpUrl>().unwrap().is_private(), "{host}");
        }
        for host in ["8.8.8.8", "mc.example.kr", "[2001:4860::8888]", "100.128.0.1"] {
            assert!(!format!("http://{host}/").parse::<HttpUrl>().unwrap().is_private(), "{host}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, what) in [
            ("mc.example.kr", "this is not an http or https address"),
            ("ftp://mc.example.kr", "this is not an http or https address"),
            ("https://u:p@mc.example.kr", "this address has a user or a password in it"),
            ("https://mc.example.kr/#x", "this address has a fragment, which is never sent"),
            ("https://mc example.kr/", "this address has characters that must be percent-encoded"),
            ("https://", "the host of this address is not a name or an address"),
            ("https://mc:99999/", "the port of this address is not a number from 1 to 65535"),
        ] {
            assert_eq!(text.parse::<HttpUrl>().unwrap_err().what, what, "{text}");
        }
    }
}
