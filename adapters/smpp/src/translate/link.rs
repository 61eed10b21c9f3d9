//! How text is written and read on one SMPP link: a matter of agreement, not of the protocol.

use model::{Cause, Coded, Content};
use sms::{Alphabet, Profile, Unsendable, decode_text, udh::Udh};

use crate::status::CommandStatus;

/// What `data_coding` 0 means to a peer (SMPP 3.4 §5.2.19 leaves it open).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DefaultAlphabet {
    /// One septet of the GSM default alphabet per octet.
    #[default]
    Gsm7,
    Latin1,
    Ascii,
}

/// How a text of several segments goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Concatenation {
    /// A user data header in each segment.
    #[default]
    Header,
    /// The `sar_` TLVs.
    Sar,
    /// One PDU with `message_payload`; the peer cuts.
    Payload,
}

/// Text on one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkText {
    pub default_alphabet: DefaultAlphabet,
    pub profile: Profile,
    pub concatenation: Concatenation,
    /// `data_coding` of CP949: 0x0E by the standard, 0x84 on some Korean networks.
    pub korean_data_coding: u8,
}

impl Default for LinkText {
    fn default() -> Self {
        Self {
            default_alphabet: DefaultAlphabet::Gsm7,
            profile: Profile::GSM,
            concatenation: Concatenation::Header,
            korean_data_coding: 0x0E,
        }
    }
}

/// Inside the gateway `data_coding` 0 is the GSM default alphabet; a link that means something else by it
/// is translated where it comes in and where it goes out.
const LATIN1: u8 = 0x03;
const ASCII: u8 = 0x01;

impl LinkText {
    /// What the gateway calls the `data_coding` that this peer wrote.
    pub(super) const fn inward(&self, data_coding: u8) -> u8 {
        match (data_coding, self.default_alphabet) {
            (0, DefaultAlphabet::Latin1) => LATIN1,
            (0, DefaultAlphabet::Ascii) => ASCII,
            (other, _) => other,
        }
    }

    /// What this peer calls a `data_coding` of the gateway; `None` when the octets must be written anew.
    pub(super) const fn outward(&self, data_coding: u8) -> Option<u8> {
        match (data_coding, self.default_alphabet) {
            (0, DefaultAlphabet::Gsm7) => Some(0),
            (0, _) => None,
            (LATIN1, DefaultAlphabet::Latin1) | (ASCII, DefaultAlphabet::Ascii) => Some(0),
            (other, _) => Some(other),
        }
    }

    /// The `data_coding` for text in this alphabet.
    pub(super) const fn data_coding(&self, alphabet: Alphabet) -> u8 {
        match alphabet {
            Alphabet::Gsm7 | Alphabet::Gsm7National(_) => 0x00,
            Alphabet::Octets => 0x04,
            Alphabet::Latin1 => match self.default_alphabet {
                DefaultAlphabet::Latin1 => 0x00,
                DefaultAlphabet::Gsm7 | DefaultAlphabet::Ascii => LATIN1,
            },
            Alphabet::Cp949 => self.korean_data_coding,
            Alphabet::Ucs2 => 0x08,
        }
    }

    /// Segments that `content` takes on this link.
    ///
    /// # Errors
    /// `TooLong` or `Unencodable`.
    pub fn segments(&self, content: &Content) -> Result<u16, Cause> {
        match content {
            // One PDU came in, one goes out.
            Content::Coded(coded) if self.outward(coded.data_coding).is_some() => Ok(1),
            Content::Coded(coded) => self.count(&text_of(&[coded])),
            Content::Text(text) => self.count(text),
            Content::Rich(rich) => self.count(&rich.text),
        }
    }

    fn count(&self, text: &str) -> Result<u16, Cause> {
        match sms::count(text, &self.profile) {
            Ok(count) => Ok(u16::from(count.segments)),
            Err(Unsendable::TooLong { .. }) => Err(Cause::TooLong),
            Err(Unsendable::NotEncodable) => Err(Cause::Unencodable),
        }
    }
}

/// The alphabet behind a `data_coding` of the gateway (SMPP 3.4 §5.2.19, TS 23.038 §4).
pub(super) const fn alphabet(data_coding: u8) -> Alphabet {
    match data_coding {
        0x01 | 0x03 => Alphabet::Latin1,
        0x02 | 0x04 => Alphabet::Octets,
        0x08 | 0x18 | 0xE0..=0xEF => Alphabet::Ucs2,
        0x0E | 0x84 => Alphabet::Cp949,
        // Message classes: bit 2 says eight-bit data.
        0xF0..=0xFF if data_coding & 0x04 != 0 => Alphabet::Octets,
        _ => Alphabet::Gsm7,
    }
}

/// The text of segments in order. Segments in one alphabet are joined before they are read, because a badly
/// cut text may break a character in two.
#[must_use]
pub fn text_of(segments: &[&Coded]) -> String {
    let same = segments.windows(2).all(|pair| match pair {
        [a, b] => a.data_coding == b.data_coding,
        _ => true,
    });
    if !same {
        return segments.iter().map(|segment| text_of(&[segment])).collect();
    }
    let Some(first) = segments.first() else { return String::new() };
    let mut octets = Vec::new();
    let mut read_in = alphabet(first.data_coding);
    for segment in segments {
        let decoded = decode_text(alphabet(segment.data_coding), &segment.octets, segment.udhi);
        read_in = decoded.alphabet;
        octets.extend_from_slice(decoded.octets);
    }
    // Eight-bit data is no text; people see that something came.
    read_in.decode(&octets).unwrap_or_else(|| format!("[{} octets]", octets.len()))
}

/// Words for a person: neither eight-bit data nor addressed to an application (TS 23.040 §9.2.3.24.3).
#[must_use]
pub fn is_text(coded: &Coded) -> bool {
    let header = || if coded.udhi { Udh::split(&coded.octets) } else { None };
    alphabet(coded.data_coding) != Alphabet::Octets && header().is_none_or(|(udh, _)| udh.ports().is_none())
}

/// How a peer is told that an alphabet is not supported (row 31).
pub(super) const fn unsupported(is_v50: bool) -> CommandStatus {
    if is_v50 { CommandStatus(0x104) } else { CommandStatus::RSUBMITFAIL }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_surrogate_pair_cut_in_two_is_read_whole() {
        let smile = "😀".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        let half =
            |octets: &[u8]| Coded { data_coding: 8, udhi: false, octets: Bytes::copy_from_slice(octets) };
        let (a, b) = (half(&smile[..2]), half(&smile[2..]));
        assert_eq!(text_of(&[&a, &b]), "😀");
    }

    #[test]
    fn what_is_for_a_machine_is_no_text() {
        let coded = |data_coding, udhi, octets: &'static [u8]| Coded {
            data_coding,
            udhi,
            octets: Bytes::from_static(octets),
        };
        assert!(is_text(&coded(0, false, b"hello")));
        assert!(is_text(&coded(8, true, &[5, 0, 3, 7, 2, 1, 0, 0x41])), "a segment");
        assert!(!is_text(&coded(4, false, &[1, 2, 3])), "eight-bit data");
        assert!(!is_text(&coded(0xf6, false, &[1, 2, 3])), "for the SIM card");
        assert!(!is_text(&coded(0, true, &[6, 5, 4, 0x0b, 0x84, 0, 0, 0x41])), "for a port");
    }

    #[test]
    fn the_meaning_of_zero_is_translated_at_both_ends() {
        let latin = LinkText { default_alphabet: DefaultAlphabet::Latin1, ..LinkText::default() };
        let gsm = LinkText::default();
        assert_eq!(latin.inward(0), 3);
        assert_eq!(gsm.outward(3), Some(3));
        assert_eq!(latin.outward(3), Some(0));
        assert_eq!(latin.outward(0), None, "septets mean nothing to a peer that reads Latin-1");
        assert_eq!(gsm.outward(0xF0), Some(0xF0), "classes pass");
    }
}
