//! The little SDP that MSRP needs (RFC 8866, RFC 4975 §8, RFC 4145, RFC 6135, RFC 6714, RFC 5547).
//!
//! [`read`] takes any description apart as far as a stream of messages is concerned and keeps the attributes that it
//! does not know. [`Local`] is our side: [`Local::offer`], then [`Local::accept`] for the answer that came, or
//! [`Local::answer`] to an offer. Both end in [`Agreed`].

mod local;
mod negotiate;
mod path;
mod read;
mod types;

use std::net::IpAddr;

pub use local::Local;
pub use negotiate::{Agreed, Answer, Connect, Refused, Role};
pub use path::{SESSION_OCTETS_MAX, Target, target};
pub use read::{SdpError, read};
pub use types::Types;

use crate::mime;
use crate::private::Private;

/// Octets of a description.
pub const SDP_OCTETS_MAX: usize = 16 * 1024;
/// Media of a description.
pub const MEDIA_MAX: usize = 8;
/// Attributes of one medium.
pub const ATTRIBUTES_MAX: usize = 64;

/// A description as it was received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sdp {
    /// Whether the session id is a number: some peers refuse one that is not.
    pub numeric_id: bool,
    /// The address for all media without one of their own.
    pub connection: Option<Private<IpAddrText>>,
    pub media: Vec<Media>,
}

/// One medium.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Media {
    /// `message`, `audio`, …
    pub kind: String,
    /// Zero when it is refused or over.
    pub port: u16,
    /// `TCP/MSRP`, `TCP/TLS/MSRP`, …
    pub protocol: String,
    /// What follows the protocol: `*`.
    pub formats: String,
    pub connection: Option<Private<IpAddrText>>,
    attributes: Vec<(String, Private<String>)>,
}

/// An address of a `c=` line: a host name is lawful there, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpAddrText(String);

impl AsRef<str> for IpAddrText {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl IpAddrText {
    /// The address; `None` for a host name.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }
}

/// Who opens the connection (RFC 4145 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Setup {
    Active,
    Passive,
    ActPass,
    HoldConn,
}

const SETUPS: &[(&str, Setup)] = &[
    ("active", Setup::Active),
    ("passive", Setup::Passive),
    ("actpass", Setup::ActPass),
    ("holdconn", Setup::HoldConn),
];

/// Who sends messages, seen from the one who says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    #[default]
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

const DIRECTIONS: &[(&str, Direction)] = &[
    ("sendrecv", Direction::SendRecv),
    ("sendonly", Direction::SendOnly),
    ("recvonly", Direction::RecvOnly),
    ("inactive", Direction::Inactive),
];

impl Setup {
    #[must_use]
    pub fn name(self) -> &'static str {
        SETUPS.iter().find(|(_, setup)| *setup == self).map_or("", |(name, _)| name)
    }
}

impl Direction {
    #[must_use]
    pub fn name(self) -> &'static str {
        DIRECTIONS.iter().find(|(_, direction)| *direction == self).map_or("", |(name, _)| name)
    }

    /// The same seen from the other side.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            both => both,
        }
    }

    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// What is left when one side wants this and the other lets through that, both seen from one side.
    const fn and(self, other: Self) -> Self {
        match (self.sends() && other.sends(), self.receives() && other.receives()) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }
}

impl Media {
    /// A stream of messages that is not refused.
    #[must_use]
    pub fn is_msrp(&self) -> bool {
        self.is_message() && self.port != 0
    }

    fn is_message(&self) -> bool {
        let plain = self.protocol.eq_ignore_ascii_case("TCP/MSRP");
        self.kind.eq_ignore_ascii_case("message") && (plain || self.is_tls())
    }

    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.protocol.eq_ignore_ascii_case("TCP/TLS/MSRP")
    }

    /// The value of an attribute, empty for one that just stands there.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All attributes in order.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// MSRP URIs from the one to connect to, to the endpoint.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        self.attribute("path").unwrap_or_default().split_ascii_whitespace()
    }

    /// What may be sent as such; `*` when nobody says.
    #[must_use]
    pub fn accept_types(&self) -> Types {
        self.attribute("accept-types").map_or_else(Types::any, Types::read)
    }

    /// What may be sent inside CPIM only; text when nobody says. Notifications then go by MESSAGE.
    #[must_use]
    pub fn accept_wrapped_types(&self) -> Types {
        Types::read(self.attribute("accept-wrapped-types").unwrap_or(mime::TEXT))
    }

    /// `None` when absent or unknown.
    #[must_use]
    pub fn setup(&self) -> Option<Setup> {
        let said = self.attribute("setup")?;
        SETUPS.iter().find(|(name, _)| name.eq_ignore_ascii_case(said)).map(|&(_, setup)| setup)
    }

    #[must_use]
    pub fn direction(&self) -> Direction {
        let said = |(name, _): &&(&str, Direction)| self.attribute(name).is_some();
        DIRECTIONS.iter().find(said).map_or(Direction::SendRecv, |&(_, direction)| direction)
    }

    /// Octets of the largest message that is taken.
    #[must_use]
    pub fn max_size(&self) -> Option<u64> {
        self.attribute("max-size").and_then(|size| size.trim_ascii().parse().ok())
    }

    /// RFC 6714: the connection is made to the address of the medium, not to that of the path.
    #[must_use]
    pub fn is_cema(&self) -> bool {
        self.attribute("msrp-cema").is_some()
    }

    /// `SHA-256 AB:CD:…`.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&str> {
        self.attribute("fingerprint")
    }
}
