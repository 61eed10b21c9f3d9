//! `msrp:` and `msrps:` URIs (RFC 4975 §6, §9).

use std::fmt;

use smol_str::SmolStr;

/// One hop of a path. Cheap to clone; `Debug` does not show it, because it names a host and opens a session.
#[derive(Clone)]
pub struct Uri {
    text: SmolStr,
    secure: bool,
    /// Octets before the host: the scheme and what may stand before an `@`.
    host_at: u16,
    /// Where the host ends, brackets included.
    host_end: u16,
    port: Option<u16>,
    /// The session-id; empty when there is none.
    session_at: u16,
    session_end: u16,
    transport_end: u16,
}

/// Why this is no MSRP URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// Neither `msrp://` nor `msrps://`.
    #[error("no msrp or msrps scheme")]
    Scheme,
    /// No host, or one with strange letters.
    #[error("the host cannot be read")]
    Host,
    /// No number up to 65,535.
    #[error("the port cannot be read")]
    Port,
    /// A letter that no session-id has.
    #[error("the session-id cannot be read")]
    SessionId,
    /// No `;tcp` or a stranger in its place.
    #[error("the transport or a parameter cannot be read")]
    Transport,
    /// Longer than a header line.
    #[error("longer than a line")]
    TooLong,
}

impl Uri {
    /// The port of a host that names none.
    pub const PORT: u16 = 2855;

    /// Reads one URI.
    ///
    /// # Errors
    ///
    /// The first part that cannot be read.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        if text.len() > crate::limits::LINE_OCTETS_MAX {
            return Err(UriError::TooLong);
        }
        let (secure, scheme) = scheme(text)?;
        let rest = text.get(scheme..).unwrap_or_default();
        let authority = rest.find(['/', ';']).unwrap_or(rest.len());
        let (before, after) = rest.split_at(authority);
        let user = before.rfind('@').map_or(0, |at| at + 1);
        let (host, port) = host_and_port(before.get(user..).unwrap_or_default())?;
        let session = match after.strip_prefix('/') {
            Some(path) => path.find(';').unwrap_or(path.len()),
            None => 0,
        };
        let session_at = scheme + authority + usize::from(after.starts_with('/'));
        let session_end = session_at + session;
        let id = text.get(session_at..session_end).unwrap_or_default();
        if !id.bytes().all(is_session_octet) || after.starts_with('/') && id.is_empty() {
            return Err(UriError::SessionId);
        }
        let parameters = text.get(session_end..).and_then(|rest| rest.strip_prefix(';'));
        let parameters = parameters.ok_or(UriError::Transport)?;
        let mut parts = parameters.split(';');
        let transport = parts.next().filter(|part| is_transport(part)).ok_or(UriError::Transport)?;
        if !parts.all(is_parameter) {
            return Err(UriError::Transport);
        }
        let host_at = scheme + user;
        Ok(Self {
            text: text.into(),
            secure,
            host_at: narrow(host_at),
            host_end: narrow(host_at + host),
            port,
            session_at: narrow(session_at),
            session_end: narrow(session_end),
            transport_end: narrow(session_end + 1 + transport.len()),
        })
    }

    /// A URI of ours. `host` is a name or an address literal, IPv6 without brackets; the session-id has all 128
    /// bits of the random values; RFC 4975 §14.1 asks for 80.
    ///
    /// # Errors
    ///
    /// A host that cannot stand in a URI.
    pub fn ours(secure: bool, host: &str, port: u16, random: [u64; 2]) -> Result<Self, UriError> {
        let scheme = if secure { "msrps" } else { "msrp" };
        let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
        let id: String = random.into_iter().flat_map(crate::transaction::spelled).map(char::from).collect();
        Self::parse(&format!("{scheme}://{open}{host}{close}:{port}/{id};tcp"))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `msrps`: only over TLS.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host, without the brackets of an IPv6 literal.
    pub fn host(&self) -> &str {
        self.part(self.host_at, self.host_end).trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, if one is written.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The session-id; relays that were not asked yet have none.
    pub fn session_id(&self) -> Option<&str> {
        Some(self.part(self.session_at, self.session_end)).filter(|id| !id.is_empty())
    }

    /// `tcp`, unless the world has changed.
    pub fn transport(&self) -> &str {
        self.part(self.session_end + 1, self.transport_end)
    }

    /// Do both name the same place? RFC 4975 §6.1: scheme, host and transport in any case, a port that is
    /// written is another one than a port that is not, the session-id octet for octet, the rest not at all.
    pub fn matches(&self, other: &Self) -> bool {
        self.matches_session(other)
            && self.secure == other.secure
            && self.host().eq_ignore_ascii_case(other.host())
            && self.port == other.port
    }

    /// Do both name the same session, whatever a box in the middle made of the host (RFC 6714)?
    pub fn matches_session(&self, other: &Self) -> bool {
        self.session_id() == other.session_id() && self.transport().eq_ignore_ascii_case(other.transport())
    }

    fn part(&self, from: u16, to: u16) -> &str {
        self.text.get(usize::from(from)..usize::from(to)).unwrap_or_default()
    }
}

/// Octet for octet; what names the same place is [`Uri::matches`].
impl PartialEq for Uri {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Uri {}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({} octets)", self.text.len())
    }
}

fn narrow(at: usize) -> u16 {
    // Bounded by a line.
    u16::try_from(at).unwrap_or(u16::MAX)
}

fn scheme(text: &str) -> Result<(bool, usize), UriError> {
    for (secure, scheme) in [(false, "msrp://"), (true, "msrps://")] {
        if text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)) {
            return Ok((secure, scheme.len()));
        }
    }
    Err(UriError::Scheme)
}

/// Octets of the host, brackets included, and the port behind it.
fn host_and_port(text: &str) -> Result<(usize, Option<u16>), UriError> {
    let host = match text.strip_prefix('[') {
        Some(literal) => {
            let end = literal.find(']').ok_or(UriError::Host)?;
            let address = literal.get(..end).unwrap_or_default();
            address.parse::<std::net::Ipv6Addr>().map_err(|_| UriError::Host)?;
            end + 2
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let name = text.get(..end).unwrap_or_default();
            let legal = |octet: u8| octet.is_ascii_alphanumeric() || b"-._".contains(&octet);
            if name.is_empty() || !name.bytes().all(legal) {
                return Err(UriError::Host);
            }
            end
        }
    };
    match text.get(host..).unwrap_or_default() {
        "" => Ok((host, None)),
        rest => {
            let digits = rest.strip_prefix(':').ok_or(UriError::Host)?;
            let legal = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
            let port = if legal { digits.parse().ok() } else { None };
            port.map(|port| (host, Some(port))).ok_or(UriError::Port)
        }
    }
}

fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-._~".contains(&octet)
}

fn is_session_octet(octet: u8) -> bool {
    is_unreserved(octet) || b"+=/".contains(&octet)
}

fn is_transport(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_alphanumeric())
}

fn is_parameter(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_graphic() && !b"\",<>".contains(&octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        Uri::parse(text).unwrap()
    }

    #[test]
    fn rfc4975_9_parts_of_a_uri() {
        let one = uri("msrps://gw.example.net:2855/s1a/2b+c=;tcp;ob");
        assert!(one.is_secure());
        assert_eq!((one.host(), one.port()), ("gw.example.net", Some(2855)));
        assert_eq!((one.session_id(), one.transport()), (Some("s1a/2b+c="), "tcp"));

        let one = uri("MSRP://mina@[2001:db8::7]/x;TCP");
        assert!(!one.is_secure());
        assert_eq!((one.host(), one.port(), one.transport()), ("2001:db8::7", None, "TCP"));

        let relay = uri("msrps://relay.example.net;tcp");
        assert_eq!((relay.host(), relay.session_id()), ("relay.example.net", None));
    }

    #[test]
    fn what_is_no_uri_says_where() {
        for (bad, why) in [
            ("", UriError::Scheme),
            ("sip:a@b", UriError::Scheme),
            ("msrp:/a/b;tcp", UriError::Scheme),
            ("msrp:///b;tcp", UriError::Host),
            ("msrp://a b/c;tcp", UriError::Host),
            ("msrp://[::1/c;tcp", UriError::Host),
            ("msrp://[host]/c;tcp", UriError::Host),
            ("msrp://[::1]x/c;tcp", UriError::Host),
            ("msrp://a:/c;tcp", UriError::Port),
            ("msrp://a:65536/c;tcp", UriError::Port),
            ("msrp://a:+1/c;tcp", UriError::Port),
            ("msrp://a/;tcp", UriError::SessionId),
            ("msrp://a/c d;tcp", UriError::SessionId),
            ("msrp://a/c", UriError::Transport),
            ("msrp://a/c;", UriError::Transport),
            ("msrp://a/c;t-cp", UriError::Transport),
            ("msrp://a/c;tcp;", UriError::Transport),
            ("msrp://a/c;tcp;x y", UriError::Transport),
        ] {
            assert_eq!(Uri::parse(bad).err(), Some(why), "{bad}");
        }
        assert_eq!(Uri::parse(&"m".repeat(2000)).err(), Some(UriError::TooLong));
    }

    #[test]
    fn rfc4975_6_1_comparison() {
        let one = uri("msrp://Host.example:2855/sEs;tcp;a=1");
        assert!(one.matches(&uri("MSRP://u@host.EXAMPLE:2855/sEs;TCP")));
        for other in [
            "msrps://host.example:2855/sEs;tcp",
            "msrp://other.example:2855/sEs;tcp",
            "msrp://host.example/sEs;tcp",
            "msrp://host.example:2856/sEs;tcp",
            "msrp://host.example:2855/ses;tcp",
            "msrp://host.example:2855/sEs;sctp",
        ] {
            assert!(!one.matches(&uri(other)), "{other}");
        }
    }

    #[test]
    fn rfc6714_only_the_session_counts() {
        let one = uri("msrp://host.example:2855/sEs;tcp");
        assert!(one.matches_session(&uri("msrps://192.0.2.9:9/sEs;tcp")));
        assert!(!one.matches_session(&uri("msrp://host.example:2855/sEt;tcp")));
    }

    #[test]
    fn ours_can_be_read_back_and_are_hard_to_guess() {
        let one = Uri::ours(true, "::1", 2855, [1, 2]).unwrap();
        assert_eq!(uri(one.as_str()), one);
        assert_eq!((one.host(), one.port()), ("::1", Some(2855)));
        assert_eq!(one.session_id().map(str::len), Some(26));
        assert!(!one.matches_session(&Uri::ours(true, "::1", 2855, [1, 3]).unwrap()));
        assert!(Uri::ours(true, "a/b", 2855, [1, 3]).is_err());
    }

    #[test]
    fn debug_shows_no_address() {
        assert_eq!(format!("{:?}", uri("msrp://host.example/s;tcp")), "Uri(25 octets)");
    }
}
