//! The data coding scheme octet, TP-DCS (3GPP TS 23.038 §4).

use crate::alphabet::Alphabet;

/// TP-DCS as it came; what it means is asked of it, so a reserved value survives a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dcs(pub u8);

/// Where a handset puts a message (TS 23.038 §4, "message class").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MessageClass {
    /// Class 0: shown at once and not stored.
    Flash = 0,
    /// Class 1: the mobile equipment.
    MobileEquipment = 1,
    /// Class 2: the SIM.
    Sim = 2,
    /// Class 3: the terminal equipment.
    TerminalEquipment = 3,
}

/// What is waiting elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum WaitingKind {
    Voicemail = 0,
    Fax = 1,
    Email = 2,
    Other = 3,
}

/// A message waiting indication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Waiting {
    pub kind: WaitingKind,
    /// Something is waiting; false clears the indication.
    pub is_active: bool,
    /// The text itself may be thrown away after the indicator is set.
    pub discard: bool,
}

impl Dcs {
    /// Default alphabet, no class.
    pub const GSM7: Self = Self(0x00);
    /// Eight-bit data, no class.
    pub const OCTETS: Self = Self(0x04);
    /// UCS-2, no class.
    pub const UCS2: Self = Self(0x08);
    /// KS C 5601: a reserved value of the standard that Korean networks use.
    pub const KS_C_5601: Self = Self(0x84);

    /// The scheme that says this, or `None` when TP-DCS cannot: there is no Latin-1, and Korean text has no
    /// class.
    pub const fn new(alphabet: Alphabet, class: Option<MessageClass>) -> Option<Self> {
        let plain = match alphabet {
            Alphabet::Gsm7 | Alphabet::Gsm7National(_) => Self::GSM7,
            Alphabet::Octets => Self::OCTETS,
            Alphabet::Ucs2 => Self::UCS2,
            Alphabet::Cp949 => {
                return if class.is_none() { Some(Self::KS_C_5601) } else { None };
            }
            Alphabet::Latin1 => return None,
        };
        Some(match class {
            Some(class) => Self(plain.0 | 0x10 | class as u8),
            None => plain,
        })
    }

    /// A message waiting indication; `is_ucs2` needs the text to be kept.
    pub const fn waiting(waiting: Waiting, is_ucs2: bool) -> Self {
        let group = match (waiting.discard, is_ucs2) {
            (true, _) => 0xC0,
            (false, false) => 0xD0,
            (false, true) => 0xE0,
        };
        Self(group | (waiting.is_active as u8) << 3 | waiting.kind as u8)
    }

    /// How the user data is to be read. Reserved values read as the default alphabet (TS 23.038 §4), except the
    /// Korean one; compressed user data is opaque octets.
    pub const fn alphabet(self) -> Alphabet {
        match self.0 {
            0x84 => Alphabet::Cp949,
            0x00..=0x7F if self.is_compressed() => Alphabet::Octets,
            0x00..=0x7F => match self.0 >> 2 & 0b11 {
                1 => Alphabet::Octets,
                2 => Alphabet::Ucs2,
                _ => Alphabet::Gsm7,
            },
            0xE0..=0xEF => Alphabet::Ucs2,
            0xF0..=0xFF if self.0 & 0x04 != 0 => Alphabet::Octets,
            _ => Alphabet::Gsm7,
        }
    }

    /// The message class, when the octet gives one.
    pub const fn class(self) -> Option<MessageClass> {
        let has_class = match self.0 {
            0x00..=0x7F => self.0 & 0x10 != 0,
            0xF0..=0xFF => true,
            _ => false,
        };
        if !has_class {
            return None;
        }
        Some(match self.0 & 0b11 {
            0 => MessageClass::Flash,
            1 => MessageClass::MobileEquipment,
            2 => MessageClass::Sim,
            _ => MessageClass::TerminalEquipment,
        })
    }

    /// Compressed by TS 23.042, which nothing reads any more: to be refused.
    pub const fn is_compressed(self) -> bool {
        self.0 < 0x80 && self.0 & 0x20 != 0
    }

    /// Marked to be deleted after it has been read.
    pub const fn is_auto_delete(self) -> bool {
        matches!(self.0, 0x40..=0x7F)
    }

    /// The message waiting indication, when the octet is one.
    pub const fn indication(self) -> Option<Waiting> {
        let discard = match self.0 {
            0xC0..=0xCF => true,
            0xD0..=0xEF => false,
            _ => return None,
        };
        let kind = match self.0 & 0b11 {
            0 => WaitingKind::Voicemail,
            1 => WaitingKind::Fax,
            2 => WaitingKind::Email,
            _ => WaitingKind::Other,
        };
        Some(Waiting { kind, is_active: self.0 & 0x08 != 0, discard })
    }
}
