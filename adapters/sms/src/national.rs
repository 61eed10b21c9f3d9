//! National languages of the seven-bit alphabet: locking and single shift tables (3GPP TS 23.038 §6.2.1.2).
//!
//! A locking shift replaces the default alphabet, a single shift replaces the extension table. Both are named
//! in the user data header and hold for that segment only.

use crate::alphabet::NotEncodable;
use crate::gsm7::{self, BASIC, Code, ESCAPE};

mod locking;
mod single;
mod table;

use table::Table;

/// A language with a national table; the value is its identifier (TS 23.040 §9.2.3.24.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Language {
    Turkish = 1,
    Spanish = 2,
    Portuguese = 3,
    Bengali = 4,
    Gujarati = 5,
    Hindi = 6,
    Kannada = 7,
    Malayalam = 8,
    Oriya = 9,
    Punjabi = 10,
    Tamil = 11,
    Telugu = 12,
    Urdu = 13,
}

impl Language {
    /// Every language, in order of identifier.
    pub const ALL: [Self; 13] = [
        Self::Turkish,
        Self::Spanish,
        Self::Portuguese,
        Self::Bengali,
        Self::Gujarati,
        Self::Hindi,
        Self::Kannada,
        Self::Malayalam,
        Self::Oriya,
        Self::Punjabi,
        Self::Tamil,
        Self::Telugu,
        Self::Urdu,
    ];

    /// The language of an identifier; reserved ones read as none, which means the default tables.
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id).checked_sub(1)?).copied()
    }

    /// The identifier on the wire.
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// Whether a locking shift table is defined. Spanish has only a single shift.
    pub const fn has_locking(self) -> bool {
        !matches!(self, Self::Spanish)
    }

    fn locking(self) -> Option<&'static Table> {
        Some(match self {
            Self::Turkish => &locking::TURKISH,
            Self::Spanish => return None,
            Self::Portuguese => &locking::PORTUGUESE,
            Self::Bengali => &locking::BENGALI,
            Self::Gujarati => &locking::GUJARATI,
            Self::Hindi => &locking::HINDI,
            Self::Kannada => &locking::KANNADA,
            Self::Malayalam => &locking::MALAYALAM,
            Self::Oriya => &locking::ORIYA,
            Self::Punjabi => &locking::PUNJABI,
            Self::Tamil => &locking::TAMIL,
            Self::Telugu => &locking::TELUGU,
            Self::Urdu => &locking::URDU,
        })
    }

    fn single(self) -> &'static Table {
        match self {
            Self::Turkish => &single::TURKISH,
            Self::Spanish => &single::SPANISH,
            Self::Portuguese => &single::PORTUGUESE,
            Self::Bengali => &single::BENGALI,
            Self::Gujarati => &single::GUJARATI,
            Self::Hindi => &single::HINDI,
            Self::Kannada => &single::KANNADA,
            Self::Malayalam => &single::MALAYALAM,
            Self::Oriya => &single::ORIYA,
            Self::Punjabi => &single::PUNJABI,
            Self::Tamil => &single::TAMIL,
            Self::Telugu => &single::TELUGU,
            Self::Urdu => &single::URDU,
        }
    }
}

/// Which national tables replace the default ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Shifts {
    /// Replaces the default alphabet.
    pub locking: Option<Language>,
    /// Replaces the extension table.
    pub single: Option<Language>,
}

impl Shifts {
    /// The default alphabet and extension.
    pub const NONE: Self = Self { locking: None, single: None };

    /// Whether the default tables are in use.
    pub const fn is_none(self) -> bool {
        self.locking.is_none() && self.single.is_none()
    }

    /// Appends the text's septets under these tables, one per octet.
    pub fn encode_into(self, text: &str, out: &mut Vec<u8>) -> Result<(), NotEncodable> {
        out.reserve(text.len());
        for (at, c) in text.char_indices() {
            let Some(code) = self.code(c) else {
                return Err(NotEncodable { at });
            };
            code.push_to(out);
        }
        Ok(())
    }

    /// The text of these septets under these tables. A place without a character shows as a space, an unknown
    /// code after the escape as the main table's character.
    pub fn decode(self, septets: &[u8]) -> String {
        let mut text = String::with_capacity(septets.len() * 2);
        let mut septets = septets.iter().map(|septet| septet & 0x7F);
        while let Some(septet) = septets.next() {
            text.push(match septet {
                ESCAPE => match septets.next() {
                    None | Some(ESCAPE) => ' ',
                    Some(next) => self.extension_char(next).unwrap_or_else(|| self.main_char(next)),
                },
                _ => self.main_char(septet),
            });
        }
        text
    }

    /// The shortest code of a character: the main table is asked before the extension.
    pub(crate) fn code(self, c: char) -> Option<Code> {
        let default = gsm7::code(c);
        let main = match self.locking.and_then(Language::locking) {
            Some(table) => table.septet(c).map(Code::main),
            None => default.filter(|code| !code.is_extension()),
        };
        main.or_else(|| match self.single {
            Some(language) => language.single().septet(c).map(Code::extension),
            None => default.filter(|code| code.is_extension()),
        })
    }

    fn main_char(self, septet: u8) -> char {
        match self.locking.and_then(Language::locking) {
            Some(table) => table.char(septet).unwrap_or(' '),
            None => BASIC[usize::from(septet & 0x7F)],
        }
    }

    fn extension_char(self, septet: u8) -> Option<char> {
        match self.single {
            Some(language) => language.single().char(septet),
            None => gsm7::extension_char(septet),
        }
    }
}

/// A set of languages: what a destination is known to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Languages(u16);

impl Languages {
    /// No language.
    pub const NONE: Self = Self(0);
    /// Every language with a table.
    pub const ALL: Self = Self(0b0011_1111_1111_1110);

    /// Whether the set has no language.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set with one more language.
    #[must_use]
    pub const fn with(self, language: Language) -> Self {
        Self(self.0 | 1 << language.id())
    }

    /// Whether the language is in the set.
    pub const fn contains(self, language: Language) -> bool {
        self.0 & 1 << language.id() != 0
    }

    /// The languages, in order of identifier.
    pub fn iter(self) -> impl Iterator<Item = Language> {
        Language::ALL.into_iter().filter(move |&language| self.contains(language))
    }
}

impl FromIterator<Language> for Languages {
    fn from_iter<I: IntoIterator<Item = Language>>(languages: I) -> Self {
        languages.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places filled, and a sum over place and code point that any slip changes.
    fn tally(table: &Table) -> (usize, u32) {
        let places = (0..128).filter_map(|septet| Some((u32::from(septet) + 1, table.char(septet)?)));
        places.fold((0, 0), |(count, sum), (place, c)| (count + 1, sum + place * u32::from(c)))
    }

    #[test]
    fn the_tables_are_those_of_annex_a() {
        #[rustfmt::skip]
        let expected = [
            (Language::Turkish,    (17, 0x10_B81B), Some((127, 0x11_9AF3))),
            (Language::Spanish,    (19, 0x10_47CF), None),
            (Language::Portuguese, (37, 0x14_B4F7), Some((127, 0x13_DF87))),
            (Language::Bengali,    (82, 0x35_2E55), Some((114, 0x8E_392C))),
            (Language::Gujarati,   (70, 0x20_ADDC), Some((120, 0xAB_3BB7))),
            (Language::Hindi,      (88, 0x3F_938A), Some((127, 0xA3_6CB1))),
            (Language::Kannada,    (73, 0x29_73FC), Some((120, 0xCD_B840))),
            (Language::Malayalam,  (82, 0x41_5C5B), Some((120, 0xD5_54A4))),
            (Language::Oriya,      (75, 0x2A_B9FA), Some((116, 0xA9_A358))),
            (Language::Punjabi,    (76, 0x2A_70A0), Some((110, 0x8D_2C29))),
            (Language::Tamil,      (77, 0x30_3151), Some((102, 0x9A_1867))),
            (Language::Telugu,     (78, 0x36_CAF7), Some((120, 0xC2_21BD))),
            (Language::Urdu,       (90, 0x33_DEB5), Some((127, 0x73_D3D5))),
        ];
        assert_eq!(expected.map(|(language, ..)| language), Language::ALL);
        for (language, single, locking) in expected {
            assert_eq!(tally(language.single()), single, "{language:?} single");
            assert_eq!(language.locking().map(tally), locking, "{language:?} locking");
            assert_eq!(language.has_locking(), locking.is_some());
        }
    }

    #[test]
    fn every_character_comes_back_from_its_smallest_septet() {
        for language in Language::ALL {
            for table in [Some(language.single()), language.locking()].into_iter().flatten() {
                for septet in 0..128 {
                    let Some(c) = table.char(septet) else { continue };
                    let smallest = table.septet(c).unwrap();
                    assert!(
                        smallest <= septet && table.char(smallest) == Some(c),
                        "{language:?} {septet:#04x}"
                    );
                }
            }
        }
    }
}
