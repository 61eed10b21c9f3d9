//! MSRP URIs as far as a description needs them: where to connect, and which session (RFC 4975 §6).

/// Octets of a session id.
pub const SESSION_OCTETS_MAX: usize = 128;

/// Where an MSRP URI points. Borrowed from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    pub tls: bool,
    /// Without the brackets of an IPv6 address.
    pub host: &'a str,
    pub port: u16,
    /// Empty for a relay without a session.
    pub session: &'a str,
}

/// The default of RFC 4975 §15.4 when a URI names no port.
const PORT_DEFAULT: u16 = 2855;

/// Takes an MSRP URI apart. `None` for anything else.
#[must_use]
pub fn target(uri: &str) -> Option<Target<'_>> {
    let (scheme, rest) = uri.split_once("://")?;
    let tls = match scheme {
        _ if scheme.eq_ignore_ascii_case("msrps") => true,
        _ if scheme.eq_ignore_ascii_case("msrp") => false,
        _ => return None,
    };
    let (rest, parameters) = rest.split_once(';')?;
    let (transport, _) = parameters.split_once(';').unwrap_or((parameters, ""));
    let (authority, session) = rest.split_once('/').unwrap_or((rest, ""));
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    let (host, port) = match address.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']')?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => address.split_once(':').map_or((address, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Some(PORT_DEFAULT), |port| port.parse().ok())?;
    let legal =
        transport.eq_ignore_ascii_case("tcp") && !host.is_empty() && session.len() <= SESSION_OCTETS_MAX;
    legal.then_some(Target { tls, host, port, session })
}

impl std::fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("tls", &self.tls).field("port", &self.port).finish_non_exhaustive()
    }
}
