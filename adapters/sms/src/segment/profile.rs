//! What one destination or peer can take: the only input of segmentation besides the text.

use crate::national::Languages;

/// User data of one short message on the air (TS 23.040 §9.2.3.24).
pub const USER_DATA_OCTETS_MAX: u8 = 140;
/// A segment must still hold something beside the longest header we write (13 octets).
pub const USER_DATA_OCTETS_MIN: u8 = 20;
/// The concatenation elements count segments in one octet.
pub const SEGMENTS_MAX: u8 = 255;
/// Korean operators' limit for LMS content.
pub const LMS_OCTETS_MAX: u16 = 2_000;

/// The one-octet-or-less alphabet tried before all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Narrow {
    /// The default alphabet, 160 septets.
    Gsm7,
    /// ISO 8859-1, for links that ask for it; only for text that the default alphabet also holds, because
    /// message centres convert to it and drop the rest.
    Latin1,
    /// None: routes that take CP949 or UCS-2 only, and count ASCII as one octet.
    Off,
}

/// What happens to a text longer than one short message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Long {
    /// It travels in up to so many segments, at most [`SEGMENTS_MAX`].
    Segments(u8),
    /// It becomes one long message (LMS) of up to so many octets, as Korean relays sell it.
    Lms(u16),
    /// It is refused.
    Refuse,
}

/// Octets of the concatenation reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceWidth {
    /// 153 septets, 134 octets or 67 characters of UCS-2 in a segment.
    Eight,
    /// 152, 133 or 66; collides less often.
    Sixteen,
}

/// What one destination or peer can take. Start from a named profile and change what differs.
///
/// Whatever the profile says, a text is refused rather than altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Profile {
    narrow: Narrow,
    single_shifts: Languages,
    locking_shifts: Languages,
    has_cp949: bool,
    has_ucs2: bool,
    octets_max: u8,
    long: Long,
    width: ReferenceWidth,
}

impl Profile {
    /// The worldwide default: GSM 7-bit or UCS-2, 140 octets, segments with an 8-bit reference.
    pub const GSM: Self = Self {
        narrow: Narrow::Gsm7,
        single_shifts: Languages::NONE,
        locking_shifts: Languages::NONE,
        has_cp949: false,
        has_ucs2: true,
        octets_max: USER_DATA_OCTETS_MAX,
        long: Long::Segments(SEGMENTS_MAX),
        width: ReferenceWidth::Eight,
    };

    /// Korean person-to-person since August 2013: 160 Latin or 70 Hangul in one message.
    pub const KOREA: Self = Self { has_cp949: true, ..Self::GSM };

    /// Korean application-to-person: CP949 only, 90 octets, longer texts as LMS up to 2,000 octets. What CP949
    /// cannot spell is refused, for the route to fall back to a richer channel.
    pub const KOREA_A2P: Self = Self {
        narrow: Narrow::Off,
        has_ucs2: false,
        octets_max: 90,
        long: Long::Lms(LMS_OCTETS_MAX),
        ..Self::KOREA
    };

    /// Korean person-to-person until July 2013: CP949 only, 80 octets, nothing longer.
    pub const KOREA_2012: Self = Self { octets_max: 80, long: Long::Refuse, ..Self::KOREA_A2P };

    /// With this narrow alphabet.
    #[must_use]
    pub const fn with_narrow(self, narrow: Narrow) -> Self {
        Self { narrow, ..self }
    }

    /// With the national single shift tables the destination reads.
    #[must_use]
    pub const fn with_single_shifts(self, languages: Languages) -> Self {
        Self { single_shifts: languages, ..self }
    }

    /// With the national locking shift tables the destination reads.
    #[must_use]
    pub const fn with_locking_shifts(self, languages: Languages) -> Self {
        Self { locking_shifts: languages, ..self }
    }

    /// With or without CP949.
    #[must_use]
    pub const fn with_cp949(self, has_cp949: bool) -> Self {
        Self { has_cp949, ..self }
    }

    /// With or without UCS-2.
    #[must_use]
    pub const fn with_ucs2(self, has_ucs2: bool) -> Self {
        Self { has_ucs2, ..self }
    }

    /// With this much user data in one message, kept within [`USER_DATA_OCTETS_MIN`] and
    /// [`USER_DATA_OCTETS_MAX`].
    #[must_use]
    pub const fn with_octets_max(self, octets: u8) -> Self {
        let octets_max = match octets {
            0..USER_DATA_OCTETS_MIN => USER_DATA_OCTETS_MIN,
            USER_DATA_OCTETS_MIN..=USER_DATA_OCTETS_MAX => octets,
            _ => USER_DATA_OCTETS_MAX,
        };
        Self { octets_max, ..self }
    }

    /// With this fate of longer texts. No segments, or a single one, is the same as refusing.
    #[must_use]
    pub const fn with_long(self, long: Long) -> Self {
        Self { long, ..self }
    }

    /// With this reference width.
    #[must_use]
    pub const fn with_reference(self, width: ReferenceWidth) -> Self {
        Self { width, ..self }
    }

    /// The narrow alphabet.
    pub const fn narrow(&self) -> Narrow {
        self.narrow
    }

    /// The single shift tables the destination reads.
    pub const fn single_shifts(&self) -> Languages {
        self.single_shifts
    }

    /// The locking shift tables the destination reads.
    pub const fn locking_shifts(&self) -> Languages {
        self.locking_shifts
    }

    /// Whether CP949 is offered.
    pub const fn has_cp949(&self) -> bool {
        self.has_cp949
    }

    /// Whether UCS-2 is offered.
    pub const fn has_ucs2(&self) -> bool {
        self.has_ucs2
    }

    /// User data octets of one message.
    pub const fn octets_max(&self) -> usize {
        self.octets_max as usize
    }

    /// The fate of longer texts.
    pub const fn long(&self) -> Long {
        self.long
    }

    /// The reference width.
    pub const fn reference(&self) -> ReferenceWidth {
        self.width
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::GSM
    }
}
