//! `message_state`, as an octet and as the seven letters of a receipt's text (SMPP 3.4 §5.2.28).

use crate::Version;

/// How far a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageState {
    /// 5.0: waiting for its time.
    Scheduled = 0,
    /// On its way.
    Enroute = 1,
    /// Delivered.
    Delivered = 2,
    /// Its validity ended first.
    Expired = 3,
    /// Cancelled.
    Deleted = 4,
    /// Cannot be delivered.
    Undeliverable = 5,
    /// Accepted on behalf of the recipient.
    Accepted = 6,
    /// Nobody knows.
    Unknown = 7,
    /// Rejected.
    Rejected = 8,
    /// 5.0: passed over.
    Skipped = 9,
}

impl MessageState {
    /// Every state, by its octet.
    pub const ALL: [Self; 10] = [
        Self::Scheduled,
        Self::Enroute,
        Self::Delivered,
        Self::Expired,
        Self::Deleted,
        Self::Undeliverable,
        Self::Accepted,
        Self::Unknown,
        Self::Rejected,
        Self::Skipped,
    ];

    /// Reads the octet of `message_state`.
    pub fn from_octet(octet: u8) -> Option<Self> {
        Self::ALL.get(usize::from(octet)).copied()
    }

    /// The octet of `message_state`.
    pub const fn octet(self) -> u8 {
        self as u8
    }

    /// Reads `stat:`. Four letters tell all of them apart, so that a word cut off, and one written out
    /// in full, are understood; so is the octet as a digit.
    pub fn from_text(text: &[u8]) -> Option<Self> {
        if let [digit @ b'0'..=b'9'] = text {
            return Self::from_octet(digit - b'0');
        }
        let start = text.first_chunk::<4>()?.to_ascii_uppercase();
        Some(match start.as_slice() {
            b"SCHE" => Self::Scheduled,
            b"ENRO" | b"BUFF" | b"ACKE" => Self::Enroute,
            b"DELI" => Self::Delivered,
            b"EXPI" => Self::Expired,
            b"DELE" => Self::Deleted,
            b"UNDE" | b"FAIL" => Self::Undeliverable,
            b"ACCE" => Self::Accepted,
            b"UNKN" => Self::Unknown,
            b"REJE" => Self::Rejected,
            b"SKIP" => Self::Skipped,
            _ => return None,
        })
    }

    /// The seven letters of `stat:`.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDLD",
            Self::Enroute => "ENROUTE",
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliverable => "UNDELIV",
            Self::Accepted => "ACCEPTD",
            Self::Unknown => "UNKNOWN",
            Self::Rejected => "REJECTD",
            Self::Skipped => "SKIPPED",
        }
    }

    /// What to tell a peer that knows nothing of the two states of 5.0.
    #[must_use]
    pub const fn for_peer(self, version: Version) -> Self {
        match self {
            Self::Scheduled if !version.allows_v50() => Self::Enroute,
            Self::Skipped if !version.allows_v50() => Self::Undeliverable,
            state => state,
        }
    }

    /// Is this the end? Whether ACCEPTD is, peers differ about.
    pub const fn is_final(self, accepted_is_final: bool) -> bool {
        match self {
            Self::Scheduled | Self::Enroute => false,
            Self::Accepted => accepted_is_final,
            Self::Delivered
            | Self::Expired
            | Self::Deleted
            | Self::Undeliverable
            | Self::Unknown
            | Self::Rejected
            | Self::Skipped => true,
        }
    }
}
