//! URIs: `sip:`, `sips:` (RFC 3261 §19.1), `tel:` (RFC 3966), and any other scheme as opaque text.

mod compare;
mod telephone;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smol_str::SmolStr;

pub use telephone::Telephone;

use crate::fault::Malformed;
use crate::octets::{self, Part, is_host_octet, is_uri_part};
use crate::params::Params;

/// What a URI begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Any other: a request to it is answered 416.
    Other,
}

/// A host: an address, compared by value, or a name, compared without case.
#[derive(Debug, Clone, Copy)]
pub enum Host<'a> {
    /// IPv4, or IPv6 that was written in brackets.
    Ip(IpAddr),
    /// A name.
    Name(&'a str),
}

/// A URI: its text, and where its parts are. `Uri` owns its text, [`UriRef`] borrows it.
#[derive(Clone, Copy)]
pub struct Uri<T = SmolStr> {
    text: T,
    parts: Parts,
}

/// A URI read where it stands.
pub type UriRef<'a> = Uri<&'a str>;

/// Offsets into the text. Everything up to `after_scheme` is the scheme and its colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts {
    scheme: Scheme,
    after_scheme: u16,
    /// End of the user part; 0 without one.
    user_end: u16,
    /// End of user and password, where the `@` is; 0 without one.
    at: u16,
    host_start: u16,
    host_end: u16,
    port: Option<u16>,
    /// Where the first `;` is, or the end of what comes before.
    params: u16,
    /// Where the `?` is, or the end.
    headers: u16,
}

/// Longest URI, in octets.
const OCTETS_MAX: usize = 8 * 1024;

impl<'a> UriRef<'a> {
    /// Of octets that are a URI and nothing else.
    ///
    /// # Errors
    /// [`Malformed::Uri`] for anything that is none.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Malformed> {
        if octets.len() > OCTETS_MAX {
            return Err(Malformed::Uri);
        }
        let colon = octets.iter().take(32).position(|&b| b == b':').ok_or(Malformed::Uri)?;
        let scheme = match &octets[..colon] {
            s if s.eq_ignore_ascii_case(b"sip") => Scheme::Sip,
            s if s.eq_ignore_ascii_case(b"sips") => Scheme::Sips,
            s if s.eq_ignore_ascii_case(b"tel") => Scheme::Tel,
            [first, rest @ ..]
                if first.is_ascii_alphabetic()
                    && rest.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) =>
            {
                Scheme::Other
            }
            _ => return Err(Malformed::Uri),
        };
        let parts = match scheme {
            Scheme::Sip | Scheme::Sips => sip(octets, scheme, colon + 1),
            Scheme::Tel => tel(octets, colon + 1),
            Scheme::Other => opaque(octets, colon + 1),
        };
        let text = std::str::from_utf8(octets).map_err(|_| Malformed::Uri)?;
        Ok(Self { text, parts: parts.ok_or(Malformed::Uri)? })
    }

    /// The same, owning its text.
    #[must_use]
    pub fn to_uri(self) -> Uri {
        Uri { text: SmolStr::new(self.text), parts: self.parts }
    }
}

fn offset(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

fn sip(octets: &[u8], scheme: Scheme, start: usize) -> Option<Parts> {
    let rest = &octets[start..];
    // An `@` may stand nowhere but behind the user part (RFC 3261 §25.1), so the first one ends it.
    let (user_end, at, host_start) = match octets::find(rest, b'@', 0) {
        Some(at) => {
            let info = &rest[..at];
            let colon = info.iter().position(|&b| b == b':');
            let user = &info[..colon.unwrap_or(at)];
            if user.is_empty() || !is_uri_part(user, Part::User) {
                return None;
            }
            if let Some(colon) = colon
                && !is_uri_part(&info[colon + 1..], Part::User)
            {
                return None;
            }
            (offset(start + user.len()), offset(start + at), start + at + 1)
        }
        None => (0, 0, start),
    };
    let (host_len, _) = host(&octets[host_start..])?;
    let host_end = host_start + host_len;
    let mut i = host_end;
    let mut port = None;
    if octets.get(i) == Some(&b':') {
        let digits = octets[i + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        port = Some(parse_port(&octets[i + 1..i + 1 + digits])?);
        i += 1 + digits;
    }
    let params = i;
    let headers = octets::find(octets, b'?', i).unwrap_or(octets.len());
    if headers > params {
        let [b';', list @ ..] = &octets[params..headers] else { return None };
        let param = |param: &[u8]| {
            let mut halves = param.splitn(2, |&b| b == b'=');
            let name = halves.next().unwrap_or_default();
            !name.is_empty()
                && is_uri_part(name, Part::Param)
                && halves.next().is_none_or(|value| !value.is_empty() && is_uri_part(value, Part::Param))
        };
        if !list.split(|&b| b == b';').all(param) {
            return None;
        }
    }
    if let Some(list) = octets.get(headers + 1..)
        && (list.is_empty() || !is_uri_part(list, Part::Header))
    {
        return None;
    }
    Some(Parts {
        scheme,
        after_scheme: offset(start),
        user_end,
        at,
        host_start: offset(host_start),
        host_end: offset(host_end),
        port,
        params: offset(params),
        headers: offset(headers),
    })
}

fn tel(octets: &[u8], start: usize) -> Option<Parts> {
    let number = octets[start..].iter().position(|&b| b == b';').map_or(octets.len(), |at| start + at);
    let ok =
        |&b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b'(' | b')' | b'*' | b'#');
    if number == start || !octets[start..number].iter().all(ok) {
        return None;
    }
    if number < octets.len() {
        Params::parse(&octets[number..]).ok()?;
        if !octets.iter().all(u8::is_ascii_graphic) {
            return None;
        }
    }
    let mut parts = empty(Scheme::Tel, start, octets.len());
    parts.params = offset(number);
    Some(parts)
}

fn opaque(octets: &[u8], start: usize) -> Option<Parts> {
    let ok = |&b: &u8| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"');
    (start < octets.len() && octets.iter().all(ok)).then(|| empty(Scheme::Other, start, octets.len()))
}

fn empty(scheme: Scheme, start: usize, end: usize) -> Parts {
    let end = offset(end);
    Parts {
        scheme,
        after_scheme: offset(start),
        user_end: 0,
        at: 0,
        host_start: end,
        host_end: end,
        port: None,
        params: end,
        headers: end,
    }
}

/// A port, 1 to 65535.
pub(crate) fn parse_port(digits: &[u8]) -> Option<u16> {
    octets::number(digits).ok().and_then(|n| u16::try_from(n).ok()).filter(|&port| port != 0)
}

/// The host that `octets` begin with, and how many octets it takes.
pub(crate) fn host(octets: &[u8]) -> Option<(usize, Host<'_>)> {
    if let [b'[', rest @ ..] = octets {
        let end = rest.iter().take(64).position(|&b| b == b']')?;
        let address: Ipv6Addr = octets::text(&rest[..end]).parse().ok()?;
        return Some((end + 2, Host::Ip(address.into())));
    }
    let len = octets.iter().take_while(|&&b| is_host_octet(b)).count();
    let name = octets::text(&octets[..len]);
    if name.is_empty() || name.starts_with('.') {
        return None;
    }
    let last = octets[len - 1];
    if (last.is_ascii_digit() || last == b'.')
        && let Ok(address) = name.parse::<Ipv4Addr>()
    {
        return Some((len, Host::Ip(address.into())));
    }
    Some((len, Host::Name(name)))
}

impl<T: AsRef<str>> Uri<T> {
    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_ref()
    }

    fn slice(&self, from: u16, to: u16) -> &str {
        self.as_str().get(usize::from(from)..usize::from(to)).unwrap_or("")
    }

    /// What it begins with.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.parts.scheme
    }

    /// The scheme as written, without the colon.
    #[must_use]
    pub fn scheme_text(&self) -> &str {
        self.slice(0, self.parts.after_scheme.saturating_sub(1))
    }

    /// The user part as written, escapes included; `None` without one and for other schemes than `sip:` and `sips:`.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        (self.parts.user_end > 0).then(|| self.slice(self.parts.after_scheme, self.parts.user_end))
    }

    /// The password, if somebody still writes one.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        (self.parts.at > self.parts.user_end).then(|| self.slice(self.parts.user_end + 1, self.parts.at))
    }

    /// The host of `sip:` and `sips:`.
    #[must_use]
    pub fn host(&self) -> Option<Host<'_>> {
        host(self.slice(self.parts.host_start, self.parts.host_end).as_bytes()).map(|(_, host)| host)
    }

    /// The host as written, brackets included; empty for other schemes.
    #[must_use]
    pub fn host_text(&self) -> &str {
        self.slice(self.parts.host_start, self.parts.host_end)
    }

    /// The port, when written.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.parts.port
    }

    /// The number of `tel:` as written, separators included.
    #[must_use]
    pub fn tel_number(&self) -> Option<&str> {
        (self.parts.scheme == Scheme::Tel).then(|| self.slice(self.parts.after_scheme, self.parts.params))
    }

    /// The parameters of the URI.
    #[must_use]
    pub fn params(&self) -> Params<'_> {
        Params::unchecked(self.slice(self.parts.params, self.parts.headers).as_bytes())
    }

    /// What stands behind `?`, or empty. Never act on it without thought (RFC 3261 §19.1.5).
    #[must_use]
    pub fn headers(&self) -> &str {
        self.slice(self.parts.headers.saturating_add(1), offset(self.as_str().len()))
    }

    /// Borrows the text.
    #[must_use]
    pub fn view(&self) -> UriRef<'_> {
        Uri { text: self.text.as_ref(), parts: self.parts }
    }
}

impl Uri {
    /// Of text that is a URI and nothing else.
    ///
    /// # Errors
    /// [`Malformed::Uri`] for anything that is none.
    pub fn new(text: &str) -> Result<Self, Malformed> {
        UriRef::parse(text.as_bytes()).map(UriRef::to_uri)
    }
}

impl std::str::FromStr for Uri {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::new(text)
    }
}

impl<T: AsRef<str>> fmt::Display for Uri<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Addresses of people stay out of logs: only the scheme and the length.
impl<T: AsRef<str>> fmt::Debug for Uri<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({:?}, {} octets)", self.parts.scheme, self.as_str().len())
    }
}

impl<'a> Host<'a> {
    /// Of text that is a host and nothing else; IPv6 with or without brackets.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::Ip(address));
        }
        host(text.as_bytes()).filter(|&(len, _)| len == text.len()).map(|(_, host)| host)
    }

    /// The address, if it is one; IPv4 written as mapped IPv6 is IPv4.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(address.to_canonical()),
            Self::Name(_) => None,
        }
    }
}

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ip(a), Self::Ip(b)) => a.to_canonical() == b.to_canonical(),
            (Self::Name(a), Self::Name(b)) => {
                a.trim_end_matches('.').eq_ignore_ascii_case(b.trim_end_matches('.'))
            }
            _ => false,
        }
    }
}

impl Eq for Host<'_> {}

/// As it stands in a URI or a Via: IPv6 in brackets.
impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}
