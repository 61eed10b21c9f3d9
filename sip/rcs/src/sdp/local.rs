//! Our side of a session, and how it is written.

use std::net::IpAddr;

use super::{Direction, Setup, Types};
use crate::private::Private;
use crate::sink::{Sink, put_number};

/// What we say about a stream of messages. Chance comes in: the ids and the path are the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Digits only: some peers refuse anything else. The version is raised with every new offer.
    pub session_id: u64,
    pub session_version: u64,
    /// Where connections are taken.
    pub address: IpAddr,
    pub port: u16,
    /// Our MSRP URI, or several with a relay.
    pub path: Private<String>,
    pub tls: bool,
    /// Of our certificate, `SHA-256 AB:CD:…`; TLS only.
    pub fingerprint: Option<String>,
    /// `ActPass` in an offer as a rule. In an answer it is what we would rather be.
    pub setup: Setup,
    /// Whether we connect to the address of the medium (RFC 6714).
    pub cema: bool,
    pub accept_types: Types,
    pub accept_wrapped_types: Types,
    /// Octets of the largest message we take.
    pub max_size: Option<u64>,
    pub direction: Direction,
    /// Further attributes of the stream: `file-selector`, `chatroom`, …
    pub more: Vec<(String, Private<String>)>,
}

/// The port of a side that opens the connection itself (RFC 4145 §4.1).
const PORT_DISCARD: u16 = 9;

impl Local {
    /// Writes our offer.
    pub fn offer(&self, out: &mut impl Sink) {
        self.write_session(out);
        self.write_media(out, self.setup, self.direction, self.cema);
    }

    pub(super) fn write_session(&self, out: &mut impl Sink) {
        out.put(b"v=0\r\no=- ");
        put_number(out, self.session_id);
        out.put(b" ");
        put_number(out, self.session_version);
        out.put(b" ");
        self.write_address(out);
        out.put(b"\r\ns=-\r\nc=");
        self.write_address(out);
        out.put(b"\r\nt=0 0\r\n");
    }

    pub(super) fn write_media(&self, out: &mut impl Sink, setup: Setup, direction: Direction, cema: bool) {
        let port = if setup == Setup::Active { PORT_DISCARD } else { self.port };
        out.put(b"m=message ");
        put_number(out, u64::from(port));
        out.put(if self.tls { b" TCP/TLS/MSRP *\r\n".as_slice() } else { b" TCP/MSRP *\r\n" });
        attribute(out, "path", &self.path);
        attribute(out, "setup", setup.name());
        attribute(out, "connection", "new");
        if cema {
            attribute(out, "msrp-cema", "");
        }
        if let Some(fingerprint) = self.fingerprint.as_ref().filter(|_| self.tls) {
            attribute(out, "fingerprint", fingerprint);
        }
        attribute(out, "accept-types", &self.accept_types.to_string());
        if !self.accept_wrapped_types.is_empty() {
            attribute(out, "accept-wrapped-types", &self.accept_wrapped_types.to_string());
        }
        if let Some(size) = self.max_size {
            out.put(b"a=max-size:");
            put_number(out, size);
            out.put(b"\r\n");
        }
        attribute(out, direction.name(), "");
        for (name, value) in &self.more {
            attribute(out, name, value);
        }
    }

    fn write_address(&self, out: &mut impl Sink) {
        let family = if self.address.is_ipv4() { "IP4" } else { "IP6" };
        out.put(format!("IN {family} {}", self.address).as_bytes());
    }
}

/// What would end the line is left out.
pub(super) fn attribute(out: &mut impl Sink, name: &str, value: &str) {
    out.put(b"a=");
    put_line(out, name);
    if !value.is_empty() {
        out.put(b":");
        put_line(out, value);
    }
    out.put(b"\r\n");
}

pub(super) fn put_line(out: &mut impl Sink, text: &str) {
    text.split(char::is_control).for_each(|piece| out.put(piece.as_bytes()));
}
