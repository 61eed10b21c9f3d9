//! Splitting a text into short-message segments (3GPP TS 23.040 §9.2.3.24, TS 23.038 §6).
//!
//! The alphabet is chosen once for the whole text, and the text is never altered. Billing counts what this
//! module returns: [`count`] and [`segment`] make the same decision by the same code, from the text and the
//! [`Profile`] alone. The reference number is the sender's, and is given when a segment is written.

use std::fmt;

use smallvec::SmallVec;

use crate::alphabet::Alphabet;
use crate::udh::{Concatenation, Reference, Udh};

mod choose;
mod cut;
mod profile;

pub use profile::{
    LMS_OCTETS_MAX, Long, Narrow, Profile, ReferenceWidth, SEGMENTS_MAX, USER_DATA_OCTETS_MAX,
    USER_DATA_OCTETS_MIN,
};

/// What a text costs on a route, without cutting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Count {
    pub alphabet: Alphabet,
    pub form: Form,
    /// Short messages it takes, at least one; one for a long message.
    pub segments: u8,
    /// Code units of the whole text: septets, octets or 16-bit units.
    pub units: u32,
}

/// As what a text travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// One short message or several segments of one.
    Sms,
    /// One long message by the carrier's LMS service.
    Lms,
}

/// Why a route cannot carry a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unsendable {
    /// Longer than the route carries. Units are of the alphabet the text would travel in.
    #[error("the text takes {units} code units, at most {units_max} fit")]
    TooLong { units: u32, units_max: u32 },
    /// No alphabet of the route has a code for every character.
    #[error("no alphabet of the route can spell the text")]
    NotEncodable,
}

/// What a text costs on a route: the metering path. Does not allocate.
pub fn count(text: &str, profile: &Profile) -> Result<Count, Unsendable> {
    choose::choose(text, profile).map(|plan| plan.count)
}

/// The segments of a text on a route.
pub fn segment(text: &str, profile: &Profile) -> Result<Segmentation, Unsendable> {
    let plan = choose::choose(text, profile)?;
    let Count { alphabet, segments, .. } = plan.count;
    let mut octets = Vec::new();
    // The plan measured every character in this alphabet.
    alphabet.encode_into(text, &mut octets).map_err(|_| Unsendable::NotEncodable)?;
    let mut ends = SmallVec::new();
    if plan.is_plain {
        ends.extend((1..usize::from(segments)).map(|full| full * plan.capacity));
    } else if segments > 1 {
        cut::cuts(text, alphabet, plan.capacity, |units| {
            ends.push(units * alphabet.unit_octets());
            true
        });
    }
    ends.push(octets.len());
    debug_assert_eq!(ends.len(), usize::from(segments), "counting and cutting agree");
    Ok(Segmentation { count: plan.count, width: profile.reference(), octets, ends })
}

/// One text, encoded and cut.
#[derive(Clone, PartialEq, Eq)]
pub struct Segmentation {
    count: Count,
    width: ReferenceWidth,
    octets: Vec<u8>,
    /// Where each segment ends in `octets`.
    ends: SmallVec<[usize; 4]>,
}

impl Segmentation {
    /// Alphabet, form and number of segments.
    pub fn count(&self) -> Count {
        self.count
    }

    /// The alphabet of every segment.
    pub fn alphabet(&self) -> Alphabet {
        self.count.alphabet
    }

    /// Short message or long message.
    pub fn form(&self) -> Form {
        self.count.form
    }

    /// The whole text's code units without any header, septets unpacked: what SMPP's message_payload or an LMS
    /// carries.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The segments in order.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = Segment<'_>> {
        let total = self.count.segments;
        self.ends.iter().enumerate().map(move |(at, &end)| {
            let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
            Segment {
                number: u8::try_from(at + 1).unwrap_or(total),
                total,
                alphabet: self.count.alphabet,
                width: self.width,
                octets: self.octets.get(start..end).unwrap_or_default(),
            }
        })
    }
}

/// Sizes only: the octets are somebody's message.
impl fmt::Debug for Segmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segmentation")
            .field("count", &self.count)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

/// One short message of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// From one to `total`.
    pub number: u8,
    pub total: u8,
    pub alphabet: Alphabet,
    width: ReferenceWidth,
    /// The code units without header, septets unpacked.
    pub octets: &'a [u8],
}

impl Segment<'_> {
    /// The header this segment needs, `None` when it needs none. An 8-bit profile uses the low octet of the
    /// reference.
    pub fn header(&self, reference: u16) -> Option<Udh> {
        let shifts = self.alphabet.shifts();
        if self.total <= 1 && shifts.is_none() {
            return None;
        }
        let mut header = Udh::new();
        if let Some(concatenation) = self.concatenation(reference) {
            header.push_concatenation(concatenation);
        }
        header.push_shifts(shifts);
        Some(header)
    }

    /// What the concatenation element, or SMPP's sar_ parameters, say. `None` for a lone segment.
    pub fn concatenation(&self, reference: u16) -> Option<Concatenation> {
        if self.total <= 1 {
            return None;
        }
        let reference = match self.width {
            ReferenceWidth::Eight => Reference::Eight(reference.to_be_bytes()[1]),
            ReferenceWidth::Sixteen => Reference::Sixteen(reference),
        };
        Concatenation::new(reference, self.total, self.number)
    }

    /// Appends header and code units as SMPP's short_message carries them: septets unpacked, no fill bits. True
    /// when there is a header, so that the sender sets the UDHI bit of esm_class.
    pub fn write_unpacked(&self, reference: u16, out: &mut Vec<u8>) -> bool {
        let header = self.header(reference);
        if let Some(header) = &header {
            header.write_to(out);
        }
        out.extend_from_slice(self.octets);
        header.is_some()
    }
}

/// Place and size only.
impl fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment")
            .field("number", &self.number)
            .field("total", &self.total)
            .field("alphabet", &self.alphabet)
            .field("octets", &self.octets.len())
            .finish_non_exhaustive()
    }
}
