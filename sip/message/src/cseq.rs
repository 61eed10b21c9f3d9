//! CSeq (RFC 3261 §20.16).

use std::fmt;

use crate::method::Method;
use crate::octets::{self, is_space};

/// A sequence number and the method it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// Below 2³¹.
    pub number: u32,
    /// As in the request line.
    pub method: Method,
}

impl CSeq {
    /// Numbers end here (RFC 3261 §8.1.1.5).
    pub const NUMBER_MAX: u32 = (1 << 31) - 1;

    /// Of a header value.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value = octets::trim(value);
        let at = value.iter().position(|&b| is_space(b))?;
        let (digits, method) = value.split_at(at);
        let number = octets::number(digits).ok().filter(|&n| n <= Self::NUMBER_MAX)?;
        Some(Self { number, method: Method::parse(octets::trim(method))? })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}
