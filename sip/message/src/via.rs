//! Via (RFC 3261 §20.42, RFC 3581).

use std::net::IpAddr;

use rsip::Transport;

use crate::fault::Malformed;
use crate::octets::{self, find_outside, is_space, skip_spaces, trim};
use crate::params::{Param, Params};
use crate::uri::{self, Host};

/// One Via value, read where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Via<'a> {
    /// As written: `UDP`, `TLS`, or something else.
    pub transport_text: &'a str,
    /// Host of sent-by.
    pub host: Host<'a>,
    /// Port of sent-by, when written.
    pub port: Option<u16>,
    /// The branch; `None` or without the cookie from an RFC 2543 peer.
    pub branch: Option<&'a str>,
    /// Where the request came from, as the next hop saw it.
    pub received: Option<IpAddr>,
    /// RFC 3581.
    pub rport: Rport,
    /// All parameters.
    pub params: Params<'a>,
}

/// The `rport` parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rport {
    /// Not there.
    Absent,
    /// There without a value: the sender asks to be answered where it sent from.
    Asked,
    /// Filled in by the next hop.
    Port(u16),
}

impl<'a> Via<'a> {
    /// Every branch of RFC 3261 begins so.
    pub const COOKIE: &'static str = "z9hG4bK";

    /// Of one value of the list.
    ///
    /// # Errors
    /// [`Malformed`] says which part cannot be read.
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        match Self::parse_prefix(value)? {
            (via, []) => Ok(via),
            _ => Err(Malformed::Trailing),
        }
    }

    /// The Via that `octets` begin with, and what stands behind it: nothing, or something that begins with a comma.
    pub(crate) fn parse_prefix(octets: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let (mut via, rest) = Self::without_params(octets)?;
        let mut sound = true;
        let (params, rest) = Params::parse_prefix(rest, |param| sound &= via.take(param))?;
        via.params = params;
        match rest {
            _ if !sound => Err(Malformed::Params),
            [] | [b',', ..] => Ok((via, rest)),
            _ => Err(Malformed::Params),
        }
    }

    /// As much of `octets` as is a Via, so that a request whose top Via has broken parameters can be answered.
    pub(crate) fn readable_prefix(octets: &'a [u8]) -> Option<&'a [u8]> {
        let (mut via, mut rest) = Self::without_params(octets).ok()?;
        while rest.first() == Some(&b';') {
            let (param, after) = rest.split_at(find_outside(rest, b';', 1));
            let mut sound = true;
            if Params::parse_prefix(param, |param| sound &= via.take(param)).map(|(_, rest)| rest) != Ok(b"")
                || !sound
            {
                break;
            }
            rest = after;
        }
        Some(trim(&octets[..octets.len() - rest.len()]))
    }

    /// Protocol and sent-by, and the rest.
    fn without_params(octets: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let rest = expect_token(octets, b"SIP").ok_or(Malformed::Via)?;
        // Any version: a request of another one is still answered (505).
        let rest = skip_spaces(expect_slash(rest)?);
        let (version, rest) = rest.split_at(octets::run(rest, octets::TOKEN));
        let rest = skip_spaces(expect_slash(rest)?);
        let (transport, rest) = rest.split_at(octets::run(rest, octets::TOKEN));
        if version.is_empty() || transport.is_empty() || !rest.first().copied().is_some_and(is_space) {
            return Err(Malformed::Via);
        }
        let rest = skip_spaces(rest);
        let (len, host) = uri::host(rest).ok_or(Malformed::Host)?;
        let mut rest = skip_spaces(&rest[len..]);
        let mut port = None;
        if let [b':', after @ ..] = rest {
            let after = skip_spaces(after);
            let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
            port = Some(uri::parse_port(&after[..digits]).ok_or(Malformed::Host)?);
            rest = skip_spaces(&after[digits..]);
        }
        let via = Self {
            transport_text: octets::text(transport),
            host,
            port,
            branch: None,
            received: None,
            rport: Rport::Absent,
            params: Params::EMPTY,
        };
        Ok((via, rest))
    }

    /// Keeps a parameter that has a field; whether it can be read.
    fn take(&mut self, param: Param<'a>) -> bool {
        match (param.name.len(), param.value) {
            (6, Some(value)) if param.name.eq_ignore_ascii_case("branch") => {
                self.branch = Some(octets::text(value));
            }
            (5, None) if param.name.eq_ignore_ascii_case("rport") => self.rport = Rport::Asked,
            (5, Some(digits)) if param.name.eq_ignore_ascii_case("rport") => match uri::parse_port(digits) {
                Some(port) => self.rport = Rport::Port(port),
                None => return false,
            },
            // RFC 5118 §4.5: with brackets or without.
            (8, Some(value)) if param.name.eq_ignore_ascii_case("received") => {
                match Host::parse(octets::text(value)) {
                    Some(Host::Ip(address)) => self.received = Some(address),
                    _ => return false,
                }
            }
            _ => {}
        }
        true
    }

    /// The transport, when it is one we have a word for.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        let is = |text: &str| self.transport_text.eq_ignore_ascii_case(text);
        Some(match () {
            () if is("UDP") => Transport::Udp,
            () if is("TCP") => Transport::Tcp,
            () if is("TLS") => Transport::Tls,
            () if is("SCTP") => Transport::Sctp,
            () if is("TLS-SCTP") => Transport::TlsSctp,
            () if is("WS") => Transport::Ws,
            () if is("WSS") => Transport::Wss,
            () => return None,
        })
    }

    /// Port of sent-by, or the transport's own.
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or_else(|| match self.transport() {
            Some(Transport::Tls | Transport::TlsSctp) => 5061,
            Some(Transport::Ws) => 80,
            Some(Transport::Wss) => 443,
            _ => 5060,
        })
    }

    /// The branch when it may serve as a key: with the cookie, and with something behind it (RFC 3261 §17.2.3).
    #[must_use]
    pub fn unique_branch(&self) -> Option<&'a str> {
        self.branch.filter(|branch| {
            branch.len() > Self::COOKIE.len()
                && branch
                    .get(..Self::COOKIE.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(Self::COOKIE))
        })
    }
}

fn expect_token<'a>(octets: &'a [u8], token: &[u8]) -> Option<&'a [u8]> {
    let rest = skip_spaces(octets);
    let (start, rest) = rest.split_at_checked(token.len())?;
    start.eq_ignore_ascii_case(token).then_some(rest)
}

fn expect_slash(octets: &[u8]) -> Result<&[u8], Malformed> {
    match skip_spaces(octets) {
        [b'/', rest @ ..] => Ok(rest),
        _ => Err(Malformed::Via),
    }
}
