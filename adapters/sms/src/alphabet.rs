//! In which alphabet a text travels, and how many code units it takes there.

use crate::national::Shifts;
use crate::{cp949, gsm7, latin1, ucs2};

/// The alphabet of one user data field.
///
/// Text in the seven-bit alphabets is handled *unpacked* everywhere in this crate, one septet per octet, the
/// way SMPP carries it; [`gsm7::pack`] is applied only where a TPDU is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// The default alphabet with its extension table (TS 23.038 §6.2.1).
    Gsm7,
    /// The seven-bit alphabet with national tables (TS 23.038 §6.2.1.2), named in the user data header.
    Gsm7National(Shifts),
    /// Eight-bit data: not text.
    Octets,
    /// ISO 8859-1, on SMPP links that ask for it.
    Latin1,
    /// KS C 5601 in its CP949 form, as Korean networks use it.
    Cp949,
    /// UTF-16, most significant octet first.
    Ucs2,
}

impl Alphabet {
    /// The seven-bit alphabet under these shifts; plain [`Alphabet::Gsm7`] when there are none.
    pub fn gsm7(shifts: Shifts) -> Self {
        if shifts.is_none() { Self::Gsm7 } else { Self::Gsm7National(shifts) }
    }

    /// Whether lengths of this alphabet are counted in septets.
    pub const fn is_septets(self) -> bool {
        matches!(self, Self::Gsm7 | Self::Gsm7National(_))
    }

    /// The national tables in use.
    pub const fn shifts(self) -> Shifts {
        match self {
            Self::Gsm7National(shifts) => shifts,
            _ => Shifts::NONE,
        }
    }

    /// Bits of one code unit on the air: a septet, an octet or a 16-bit unit.
    pub const fn unit_bits(self) -> usize {
        match self {
            Self::Gsm7 | Self::Gsm7National(_) => 7,
            Self::Octets | Self::Latin1 | Self::Cp949 => 8,
            Self::Ucs2 => 16,
        }
    }

    /// Octets of one code unit as this crate hands it over (septets unpacked).
    pub const fn unit_octets(self) -> usize {
        match self {
            Self::Ucs2 => 2,
            _ => 1,
        }
    }

    /// How many code units fit beside a header of `header_octets` (its length octet included) in a user data
    /// field of `octets_max`. Septets start on a septet boundary, so the header's fill bits count.
    pub const fn capacity(self, octets_max: usize, header_octets: usize) -> usize {
        if self.is_septets() {
            (octets_max * 8 / 7).saturating_sub(gsm7::header_septets(header_octets))
        } else {
            octets_max.saturating_sub(header_octets) * 8 / self.unit_bits()
        }
    }

    /// Code units of the whole text, or `None` when some character has no code here. Does not allocate.
    pub fn units(self, text: &str) -> Option<usize> {
        match self {
            Self::Gsm7 => gsm7::septets(text),
            Self::Gsm7National(shifts) => {
                text.chars().try_fold(0, |sum, c| Some(sum + cost(shifts.code(c)?)))
            }
            Self::Octets => None,
            Self::Latin1 => text.chars().try_fold(0, |sum, c| (u32::from(c) < 0x100).then_some(sum + 1)),
            Self::Cp949 => cp949::octets(text),
            Self::Ucs2 => Some(ucs2::units(text)),
        }
    }

    /// Code units of one character of a text that [`Alphabet::units`] has accepted.
    pub(crate) fn char_units(self, c: char) -> usize {
        match self {
            Self::Gsm7 => gsm7::code(c).map_or(1, cost),
            Self::Gsm7National(shifts) => shifts.code(c).map_or(1, cost),
            Self::Octets | Self::Latin1 => 1,
            Self::Cp949 => 1 + usize::from(!c.is_ascii()),
            Self::Ucs2 => c.len_utf16(),
        }
    }

    /// Appends the text's code units, septets unpacked.
    pub fn encode_into(self, text: &str, out: &mut Vec<u8>) -> Result<(), NotEncodable> {
        match self {
            Self::Gsm7 => gsm7::encode_into(text, out),
            Self::Gsm7National(shifts) => shifts.encode_into(text, out),
            Self::Octets => Err(NotEncodable { at: 0 }),
            Self::Latin1 => latin1::encode_into(text, out),
            Self::Cp949 => cp949::encode_into(text, out),
            Self::Ucs2 => {
                ucs2::encode_into(text, out);
                Ok(())
            }
        }
    }

    /// The text of these code units (septets unpacked), or `None` for eight-bit data.
    pub fn decode(self, octets: &[u8]) -> Option<String> {
        Some(match self {
            Self::Gsm7 => gsm7::decode(octets),
            Self::Gsm7National(shifts) => shifts.decode(octets),
            Self::Octets => return None,
            Self::Latin1 => latin1::decode(octets),
            Self::Cp949 => cp949::decode(octets),
            Self::Ucs2 => ucs2::decode(octets),
        })
    }
}

fn cost(code: gsm7::Code) -> usize {
    1 + usize::from(code.is_extension())
}

/// A character has no code in the alphabet asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the character at octet {at} of the text has no code in this alphabet")]
pub struct NotEncodable {
    /// Where the character starts, as an octet position in the UTF-8 text.
    pub at: usize,
}
