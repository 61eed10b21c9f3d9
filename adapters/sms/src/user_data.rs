//! User data: a header, and text or octets behind it (3GPP TS 23.040 §9.2.3.24).
//!
//! [`decode_text`] reads what SMPP delivers, septets unpacked; [`UserData`] is the field of a TPDU, septets
//! packed behind fill bits.

use std::fmt;

use crate::alphabet::Alphabet;
use crate::gsm7;
use crate::segment::Segment;
use crate::udh::Udh;

/// One user data field, read.
#[derive(Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The header, when one was announced and fits.
    pub header: Option<Udh>,
    /// The alphabet with the header's national tables: what parts of one message are joined in.
    pub alphabet: Alphabet,
    /// The code units behind the header, septets unpacked.
    pub octets: &'a [u8],
    pub body: Body<'a>,
}

/// What is behind the header.
#[derive(Clone, PartialEq, Eq)]
pub enum Body<'a> {
    Text(String),
    /// Eight-bit data.
    Octets(&'a [u8]),
}

impl Decoded<'_> {
    /// The text; `None` for eight-bit data.
    pub fn into_text(self) -> Option<String> {
        match self.body {
            Body::Text(text) => Some(text),
            Body::Octets(_) => None,
        }
    }
}

/// Reads header and text out of octets whose septets are unpacked, as SMPP carries them. `udhi` says that a
/// header is announced; one that would overrun the octets is read as text. Never fails: what cannot be read
/// shows as U+FFFD.
pub fn decode_text(coding: Alphabet, octets: &[u8], udhi: bool) -> Decoded<'_> {
    let (header, octets) = match udhi.then(|| Udh::split(octets)).flatten() {
        Some((header, rest)) => (Some(header), rest),
        None => (None, octets),
    };
    let alphabet = shifted(coding, header.as_ref());
    let body = alphabet.decode(octets).map_or(Body::Octets(octets), Body::Text);
    Decoded { header, alphabet, octets, body }
}

fn shifted(coding: Alphabet, header: Option<&Udh>) -> Alphabet {
    match header {
        Some(header) if coding.is_septets() => Alphabet::gsm7(header.shifts()),
        _ => coding,
    }
}

/// The user data field of a TPDU, unpacked.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct UserData {
    pub header: Option<Udh>,
    /// The code units behind the header, septets unpacked.
    pub octets: Vec<u8>,
    /// Fewer octets came than the length promised.
    pub is_truncated: bool,
}

impl UserData {
    /// The field for one segment of a text.
    pub fn of_segment(segment: &Segment<'_>, reference: u16) -> Self {
        Self { header: segment.header(reference), octets: segment.octets.to_vec(), is_truncated: false }
    }

    /// The text behind the header, `None` for eight-bit data.
    pub fn text(&self, coding: Alphabet) -> Option<String> {
        shifted(coding, self.header.as_ref()).decode(&self.octets)
    }

    /// The alphabet with the header's national tables.
    pub fn alphabet(&self, coding: Alphabet) -> Alphabet {
        shifted(coding, self.header.as_ref())
    }

    /// Reads a field of `length` (TP-UDL: septets or octets by alphabet) out of the octets that follow it.
    /// Missing octets are flagged, octets beyond the length ignored.
    pub fn unpack(alphabet: Alphabet, length: u8, udhi: bool, octets: &[u8]) -> Self {
        let length = usize::from(length);
        let promised = if alphabet.is_septets() { (length * 7).div_ceil(8) } else { length };
        let there = octets.get(..promised);
        let octets = there.unwrap_or(octets);
        let is_truncated = there.is_none();

        let split = udhi.then(|| Udh::split(octets)).flatten();
        if !alphabet.is_septets() {
            let (header, rest) = split.map_or((None, octets), |(header, rest)| (Some(header), rest));
            return Self { header, octets: rest.to_vec(), is_truncated };
        }
        // A header longer than the septets promised is none either.
        let split = split.and_then(|(header, rest)| {
            let left = length.checked_sub(gsm7::header_septets(header.wire_octets()))?;
            Some((header, rest, left))
        });
        match split {
            Some((header, rest, left)) => {
                let fill_bits = gsm7::fill_bits(header.wire_octets());
                Self { header: Some(header), octets: gsm7::unpack(rest, fill_bits, left), is_truncated }
            }
            None => Self { header: None, octets: gsm7::unpack(octets, 0, length), is_truncated },
        }
    }

    /// Reads a field of packed septets whose length nobody states, as some SMPP peers send it. Seven spare bits
    /// of zeros or of CR at the end are taken for filling.
    pub fn unpack_unmeasured(udhi: bool, octets: &[u8]) -> Self {
        let length = u8::try_from(octets.len() * 8 / 7).unwrap_or(u8::MAX);
        let mut data = Self::unpack(Alphabet::Gsm7, length, udhi, octets);
        let filling = [Some(&0x00), Some(&0x0D)];
        if (octets.len() * 8).is_multiple_of(7) && filling.contains(&data.octets.last()) {
            data.octets.pop();
        }
        data
    }

    /// Appends the field, its length octet first. `None`, and nothing appended, when it is longer than
    /// `octets_max` or than its length octet can say.
    #[must_use]
    pub fn pack_into(&self, alphabet: Alphabet, octets_max: usize, out: &mut Vec<u8>) -> Option<()> {
        let header_octets = self.header.as_ref().map_or(0, Udh::wire_octets);
        let (length, octets, fill_bits) = if alphabet.is_septets() {
            let length = gsm7::header_septets(header_octets) + self.octets.len();
            (length, (length * 7).div_ceil(8), gsm7::fill_bits(header_octets))
        } else {
            let length = header_octets + self.octets.len();
            (length, length, 0)
        };
        if octets > octets_max {
            return None;
        }
        out.push(u8::try_from(length).ok()?);
        if let Some(header) = &self.header {
            header.write_to(out);
        }
        if alphabet.is_septets() {
            gsm7::pack_into(&self.octets, fill_bits, out);
        } else {
            out.extend_from_slice(&self.octets);
        }
        Some(())
    }
}

/// Sizes only: the octets are somebody's message.
impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserData")
            .field("header", &self.header)
            .field("octets", &self.octets.len())
            .field("is_truncated", &self.is_truncated)
            .finish()
    }
}

/// Sizes only.
impl fmt::Debug for Decoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded")
            .field("header", &self.header)
            .field("alphabet", &self.alphabet)
            .field("octets", &self.octets.len())
            .finish_non_exhaustive()
    }
}

/// Sizes only.
impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text[{}]", text.len()),
            Self::Octets(octets) => write!(f, "Octets[{}]", octets.len()),
        }
    }
}
