//! Addresses: type of number, numbering plan and digits (SMPP 3.4 §5.2.5–5.2.9).

use std::fmt;

use crate::pdu::{EncodeError, Out, out};

/// An address as one of the two TON/NPI/address triples of a PDU.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Address<'a> {
    /// Type of number; see [`ton`].
    pub ton: u8,
    /// Numbering plan; see [`npi`].
    pub npi: u8,
    /// The address octets, whatever alphabet the peer used.
    pub digits: &'a [u8],
}

impl<'a> Address<'a> {
    /// An E.164 number in international form, without `+`.
    pub const fn international(digits: &'a [u8]) -> Self {
        Self { ton: ton::INTERNATIONAL, npi: npi::ISDN, digits }
    }

    /// A sender with letters.
    pub const fn alphanumeric(name: &'a [u8]) -> Self {
        Self { ton: ton::ALPHANUMERIC, npi: npi::UNKNOWN, digits: name }
    }

    /// Does the standard know this type of number?
    pub const fn ton_is_known(&self) -> bool {
        self.ton <= ton::ABBREVIATED
    }

    /// Does the standard know this plan? 13 is not in it, but is what some write for 14.
    pub const fn npi_is_known(&self) -> bool {
        matches!(self.npi, 0 | 1 | 3 | 4 | 6 | 8 | 9 | 10 | 13 | 14 | 18)
    }

    #[inline]
    pub(crate) fn write<O: Out>(
        &self,
        out: &mut O,
        max: usize,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        out.put(&[self.ton, self.npi]);
        out::text(out, self.digits, max, field)
    }
}

impl fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}[{}]", self.ton, self.npi, self.digits.len())
    }
}

/// Types of number.
pub mod ton {
    /// Unknown.
    pub const UNKNOWN: u8 = 0;
    /// International.
    pub const INTERNATIONAL: u8 = 1;
    /// National.
    pub const NATIONAL: u8 = 2;
    /// Network specific.
    pub const NETWORK_SPECIFIC: u8 = 3;
    /// Subscriber number.
    pub const SUBSCRIBER: u8 = 4;
    /// Alphanumeric.
    pub const ALPHANUMERIC: u8 = 5;
    /// Abbreviated, a short code.
    pub const ABBREVIATED: u8 = 6;
}

/// Numbering plans.
pub mod npi {
    /// Unknown.
    pub const UNKNOWN: u8 = 0;
    /// ISDN, E.164.
    pub const ISDN: u8 = 1;
    /// Data, X.121.
    pub const DATA: u8 = 3;
    /// Telex, F.69.
    pub const TELEX: u8 = 4;
    /// Land mobile, E.212.
    pub const LAND_MOBILE: u8 = 6;
    /// National.
    pub const NATIONAL: u8 = 8;
    /// Private.
    pub const PRIVATE: u8 = 9;
    /// ERMES.
    pub const ERMES: u8 = 10;
    /// Internet.
    pub const INTERNET: u8 = 14;
    /// WAP client id.
    pub const WAP: u8 = 18;
}
