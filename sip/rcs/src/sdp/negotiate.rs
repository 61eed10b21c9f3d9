//! Offer and answer (RFC 3264 as far as MSRP goes).

use super::local::{attribute, put_line};
use super::path::target;
use super::{Direction, Local, Media, Sdp, Setup, Types};
use crate::private::Private;
use crate::sink::Sink;

/// Why there is no session: the INVITE is answered with 488, or ended after such an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    #[error("no stream of messages")]
    NoMsrp,
    #[error("no MSRP URI in the path")]
    Path,
    #[error("both sides want to open the connection, or neither")]
    Setup,
    #[error("TLS and plain do not go together")]
    Security,
    #[error("the medium is refused")]
    Declined,
}

/// Which end of the connection we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// We open the connection and send at once.
    Active,
    /// We wait for it.
    Passive,
}

/// Where an active end connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// An address or a host name, without brackets.
    pub host: Private<String>,
    pub port: u16,
}

/// A session that both sides want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    pub role: Role,
    pub tls: bool,
    /// The path of the peer in order, for `To-Path`.
    pub path: Vec<Private<String>>,
    pub connect: Connect,
    /// Both sides connect to the address of the medium; then only session ids of URIs are compared.
    pub cema: bool,
    /// There is something between us that rewrites the medium but not the path, and we do not connect as it wants:
    /// another offer with the path equal to the medium and without CEMA is due (RFC 6714 §4.2).
    pub middle_box: bool,
    /// `SHA-256 AB:CD:…` of the peer's certificate.
    pub fingerprint: Option<String>,
    /// What we may send as such.
    pub may_send: Types,
    /// What we may send inside CPIM.
    pub may_wrap: Types,
    /// Octets of the largest message the peer takes.
    pub max_size: Option<u64>,
    /// Seen from us.
    pub direction: Direction,
}

impl Agreed {
    /// Whether a content may be sent inside CPIM. Notifications that may not go by MESSAGE instead.
    #[must_use]
    pub fn takes_wrapped(&self, content_type: &str) -> bool {
        let carrier = self.may_send.admits(crate::mime::CPIM);
        carrier && (self.may_wrap.admits(content_type) || self.may_send.admits(content_type))
    }
}

/// An answer to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub body: Vec<u8>,
    pub agreed: Agreed,
}

/// Attributes of an offered file that the answer repeats (RFC 5547 §8.3).
const REPEATED: [&str; 2] = ["file-selector", "file-transfer-id"];

impl Local {
    /// Answers an offer: the first stream of messages is taken, every other medium is refused.
    pub fn answer(&self, offer: &Sdp) -> Result<Answer, Refused> {
        let at = offer.media.iter().position(Media::is_msrp).ok_or(Refused::NoMsrp)?;
        let media = &offer.media[at];
        if media.is_tls() != self.tls {
            return Err(Refused::Security);
        }
        // Without a word the one who offers connects (RFC 4975 §8.5).
        let setup = match media.setup().unwrap_or(Setup::Active) {
            Setup::Active => Setup::Passive,
            Setup::Passive => Setup::Active,
            Setup::ActPass if self.setup == Setup::Passive => Setup::Passive,
            // Who answers opens the connection, as a rule (RFC 6135 §4.3).
            Setup::ActPass => Setup::Active,
            Setup::HoldConn => return Err(Refused::Setup),
        };
        let agreed = self.agree(offer, media, setup)?;
        let mut body = Vec::with_capacity(512);
        self.write_session(&mut body);
        for (other, media) in offer.media.iter().enumerate() {
            if other == at {
                self.write_media(&mut body, setup, agreed.direction, agreed.cema);
                for name in REPEATED {
                    let said = self.more.iter().any(|(mine, _)| mine == name);
                    if let Some(value) = media.attribute(name).filter(|_| !said) {
                        attribute(&mut body, name, value);
                    }
                }
            } else {
                refuse(&mut body, media);
            }
        }
        Ok(Answer { body, agreed })
    }

    /// Takes the answer to our offer.
    pub fn accept(&self, answer: &Sdp) -> Result<Agreed, Refused> {
        let media = answer.media.iter().find(|media| media.is_message()).ok_or(Refused::NoMsrp)?;
        if media.port == 0 {
            return Err(Refused::Declined);
        }
        if media.is_tls() != self.tls {
            return Err(Refused::Security);
        }
        let setup = match (self.setup, media.setup()) {
            (Setup::Active | Setup::ActPass, Some(Setup::Passive)) => Setup::Active,
            (Setup::Passive | Setup::ActPass, Some(Setup::Active)) => Setup::Passive,
            // A peer that does not know the attribute waits for us (RFC 4975 §8.5).
            (Setup::Active | Setup::ActPass, None) => Setup::Active,
            _ => return Err(Refused::Setup),
        };
        self.agree(answer, media, setup)
    }

    fn agree(&self, peer: &Sdp, media: &Media, setup: Setup) -> Result<Agreed, Refused> {
        let path: Vec<_> = media.path().map(|uri| Private(uri.to_owned())).collect();
        let first = path.first().and_then(|uri| target(uri)).ok_or(Refused::Path)?;
        if path.iter().any(|uri| target(uri).is_none()) || first.tls != self.tls {
            return Err(Refused::Path);
        }
        let cema = self.cema && media.is_cema();
        let medium = media.connection.as_ref().or(peer.connection.as_ref());
        // A side that opens the connection names the discard port, which says nothing.
        let opens = media.setup() == Some(Setup::Active);
        let as_medium = |uri: &Private<String>| {
            target(uri).is_some_and(|uri| {
                medium.is_none_or(|medium| same_host(medium, uri.host)) && (opens || media.port == uri.port)
            })
        };
        let undisturbed = cema || path.iter().any(as_medium);
        let connect = match medium {
            Some(medium) if cema => Connect { host: Private(medium.to_string()), port: media.port },
            _ => Connect { host: Private(first.host.to_owned()), port: first.port },
        };
        Ok(Agreed {
            role: if setup == Setup::Active { Role::Active } else { Role::Passive },
            tls: self.tls,
            connect,
            cema,
            middle_box: !undisturbed,
            fingerprint: media.fingerprint().map(str::to_owned),
            may_send: media.accept_types(),
            may_wrap: media.accept_wrapped_types(),
            max_size: media.max_size(),
            direction: self.direction.and(media.direction().reversed()),
            path,
        })
    }
}

/// Addresses are compared by value, names without case.
fn same_host(one: &str, other: &str) -> bool {
    match (one.parse::<std::net::IpAddr>(), other.parse::<std::net::IpAddr>()) {
        (Ok(one), Ok(other)) => one.to_canonical() == other.to_canonical(),
        _ => one.eq_ignore_ascii_case(other),
    }
}

/// The same medium with port 0 (RFC 3264 §6).
fn refuse(out: &mut impl Sink, media: &Media) {
    out.put(b"m=");
    put_line(out, &media.kind);
    out.put(b" 0 ");
    put_line(out, &media.protocol);
    out.put(b" ");
    put_line(out, if media.formats.is_empty() { "*" } else { &media.formats });
    out.put(b"\r\n");
}
