//! What a sender wants to know: `imdn.Disposition-Notification` (RFC 5438 §6.2).

use std::ops::{BitOr, BitOrAssign};

use crate::cpim::{Cpim, Field};
use crate::mime::Kind;
use crate::sink::Sink;

/// A set of wanted notifications.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Requested(u8);

const VALUES: &[(&str, Requested)] = &[
    ("positive-delivery", Requested::POSITIVE_DELIVERY),
    ("negative-delivery", Requested::NEGATIVE_DELIVERY),
    ("processing", Requested::PROCESSING),
    ("display", Requested::DISPLAY),
    ("interworking", Requested::INTERWORKING),
];

impl Requested {
    pub const NONE: Self = Self(0);
    pub const POSITIVE_DELIVERY: Self = Self(1);
    pub const NEGATIVE_DELIVERY: Self = Self(2);
    pub const PROCESSING: Self = Self(4);
    pub const DISPLAY: Self = Self(8);
    /// OMA CPM: tell me when it leaves as SMS or MMS.
    pub const INTERWORKING: Self = Self(16);

    /// Reads a list; values that we do not know, and parameters, are passed over.
    #[must_use]
    pub fn read(value: &str) -> Self {
        let mut wanted = Self::NONE;
        for value in value.split(',') {
            let value = value.split_once(';').map_or(value, |(value, _)| value).trim_ascii();
            if let Some((_, known)) = VALUES.iter().find(|(name, _)| name.eq_ignore_ascii_case(value)) {
                wanted |= *known;
            }
        }
        wanted
    }

    /// What a message asks for. A notification and an is-composing indication never ask.
    #[must_use]
    pub fn of(message: &Cpim) -> Self {
        let mut wanted = Self::NONE;
        for header in message.all(Field::DispositionNotification) {
            wanted |= header.text().map_or(Self::NONE, Self::read);
        }
        if wanted.is_empty() || matches!(message.kind(), Kind::Imdn | Kind::IsComposing) {
            return Self::NONE;
        }
        wanted
    }

    pub fn write(self, out: &mut impl Sink) {
        let mut first = true;
        for (name, _) in VALUES.iter().filter(|(_, value)| self.contains(*value)) {
            if !first {
                out.put(b", ");
            }
            first = false;
            out.put(name.as_bytes());
        }
    }

    /// Whether everything of `other` is wanted.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Requested {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Requested {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl std::fmt::Debug for Requested {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = VALUES.iter().filter(|(_, value)| self.contains(*value)).map(|(name, _)| name);
        f.debug_set().entries(names).finish()
    }
}
