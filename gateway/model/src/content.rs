//! What a message says.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Rich;

/// Text, the octets of a short message exactly as a network handed them over, or more than text.
///
/// Octets are not decoded on the way in: a relay between two short-message networks then loses nothing
/// (flash class, ports, national shifts), and only a destination that needs text pays for decoding.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Content {
    /// Unicode in NFC with LF line ends.
    Text(Box<str>),
    Coded(Coded),
    /// Boxed: the common cases stay small.
    Rich(Box<Rich>),
}

/// One short message as it stands on the wire.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Coded {
    /// As SMPP `data_coding` (SMPP 3.4 §5.2.19).
    pub data_coding: u8,
    /// The octets begin with a user data header (TS 23.040 §9.2.3.24).
    pub udhi: bool,
    pub octets: Bytes,
}

impl Default for Content {
    /// Nothing: what is left when content has been erased.
    fn default() -> Self {
        Self::Text(Box::default())
    }
}

impl Content {
    /// Octets held, for limits and memory accounting.
    #[must_use]
    pub fn octets(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Coded(coded) => coded.octets.len(),
            Self::Rich(rich) => rich.octets(),
        }
    }

    /// The words, for networks that only read text; `None` for octets that must be decoded first.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Rich(rich) => Some(&rich.text),
            Self::Coded(_) => None,
        }
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} octets)", text.len()),
            Self::Coded(coded) => write!(f, "{coded:?}"),
            Self::Rich(rich) => write!(f, "{rich:?}"),
        }
    }
}

impl std::fmt::Debug for Coded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Coded(data_coding {:#04x}, udhi {}, {} octets)",
            self.data_coding,
            self.udhi,
            self.octets.len()
        )
    }
}
