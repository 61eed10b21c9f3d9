//! TLVs: the optional parameters behind a PDU's mandatory part (SMPP 3.4 §5.3, SMPP 5.0 §4.8).
//!
//! The area is judged once, when a PDU is decoded, and then read lazily: what a peer appended and
//! nobody asks for costs nothing, and is passed on octet for octet.

mod read;
mod tag;
mod write;

use std::fmt;

pub use read::{NetworkErrorCode, Sar};
pub use tag::{Shape, Tag};
pub use write::TlvWriter;

use crate::CommandStatus;
use crate::pdu::{DecodeError, Problem};

/// How forgiving the TLV area is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Leniency {
    /// A malformed area refuses the PDU: for requests that cost money.
    #[default]
    Strict,
    /// A malformed tail is dropped and counted: for receipts and mobile-originated messages, which
    /// real message centres do send broken, and for responses.
    Lenient,
}

/// A TLV area that has been walked once: every TLV in it is whole.
#[derive(Clone, Copy, Default)]
pub struct Tlvs<'a> {
    area: &'a [u8],
    dropped: u16,
}

/// One TLV.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Its tag.
    pub tag: Tag,
    /// Exactly the octets its length claims.
    pub value: &'a [u8],
}

impl<'a> Tlvs<'a> {
    /// No TLVs.
    pub const EMPTY: Self = Self { area: &[], dropped: 0 };

    /// Judges a TLV area. `Lenient` keeps what is whole and counts the rest.
    #[inline]
    pub fn decode(area: &'a [u8], leniency: Leniency) -> Result<Self, DecodeError> {
        if area.is_empty() {
            return Ok(Self::EMPTY);
        }
        let mut left = area;
        while let Some((_, rest)) = split(left) {
            left = rest;
        }
        if left.is_empty() {
            return Ok(Self { area, dropped: 0 });
        }
        match leniency {
            Leniency::Strict => Err(DecodeError {
                status: CommandStatus::RINVTLVSTREAM,
                field: "tlv",
                problem: if left.len() < 4 { Problem::Stray } else { Problem::Overrun },
            }),
            Leniency::Lenient => Ok(Self {
                area: area.get(..area.len() - left.len()).unwrap_or_default(),
                dropped: u16::try_from(left.len()).unwrap_or(u16::MAX),
            }),
        }
    }

    /// The TLVs in wire order.
    #[inline]
    pub const fn iter(&self) -> Iter<'a> {
        Iter { left: self.area }
    }

    /// True when there are none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// The octets as they came, without a dropped tail.
    #[inline]
    pub const fn octets(&self) -> &'a [u8] {
        self.area
    }

    /// Octets of a malformed tail that lenient reading left out; 0 when the area was in order.
    pub const fn dropped(&self) -> u16 {
        self.dropped
    }

    /// TLVs that repeat a tag which may stand only once; the first one counts.
    pub fn duplicates(&self) -> usize {
        let mut seen = 0;
        let mut rest = self.iter();
        while let Some(tlv) = rest.next() {
            // Counted from the earlier one, so each surplus TLV is met once: as the next of its tag.
            if !tlv.tag.repeats() && rest.clone().any(|later| later.tag == tlv.tag) {
                seen += 1;
            }
            if seen == usize::from(u8::MAX) {
                break;
            }
        }
        seen
    }
}

impl<'a> IntoIterator for Tlvs<'a> {
    type Item = Tlv<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl PartialEq for Tlvs<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.area == other.area
    }
}

impl Eq for Tlvs<'_> {}

impl fmt::Debug for Tlvs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Tlv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}[{}]", self.tag, self.value.len())
    }
}

/// Walks a TLV area.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    left: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = Tlv<'a>;

    #[inline]
    fn next(&mut self) -> Option<Tlv<'a>> {
        let (tlv, left) = split(self.left)?;
        self.left = left;
        Some(tlv)
    }
}

/// The first TLV and what follows it; `None` when there is none, or not all of it.
#[inline]
fn split(area: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
    let ([t0, t1, l0, l1], rest) = area.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([*l0, *l1])))?;
    Some((Tlv { tag: Tag(u16::from_be_bytes([*t0, *t1])), value }, rest))
}
