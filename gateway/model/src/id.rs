//! Identifiers. A message has one id everywhere: in SMPP, over HTTP, in the journal and in a usage record.
//!
//! SMPP partners convert ids through signed 64-bit integers and hexadecimal, so an id we issue is decimal,
//! without leading zero and at most 18 digits long. It also carries its time of acceptance, which makes ids
//! ascend in the order of acceptance and lets the journal be searched by id without an index per message.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::Timestamp;

/// 41 bits of milliseconds since 2024, then 18 bits of sequence: below 10^18 until the year 2093.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId(u64);

const EPOCH_MS: i64 = 1_704_067_200_000;
const SEQUENCE_BITS: u32 = 18;
const ID_MAX: u64 = (1 << (41 + SEQUENCE_BITS)) - 1;

impl MessageId {
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Refuses what cannot have been issued by us.
    #[must_use]
    pub const fn from_u64(value: u64) -> Option<Self> {
        if value == 0 || value > ID_MAX { None } else { Some(Self(value)) }
    }

    /// When the message was accepted, to the millisecond.
    #[must_use]
    pub fn accepted_at(self) -> Timestamp {
        Timestamp::from_millis(EPOCH_MS + i64::try_from(self.0 >> SEQUENCE_BITS).unwrap_or(0))
    }

    /// The smallest id that a message accepted at `at` can have; for searches by time.
    #[must_use]
    pub fn first_at(at: Timestamp) -> Self {
        let millis = u64::try_from((at.millis() - EPOCH_MS).max(0)).unwrap_or(0);
        Self((millis << SEQUENCE_BITS).clamp(1, ID_MAX))
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The text is not an id that we issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message id is 1 to 18 decimal digits")]
pub struct NotAnId;

impl FromStr for MessageId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        if text.is_empty() || text.len() > 18 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAnId);
        }
        text.parse().ok().and_then(Self::from_u64).ok_or(NotAnId)
    }
}

/// Issues ascending ids. One per store: the sequence is what makes them unique.
#[derive(Debug, Default)]
pub struct MessageIds {
    last: u64,
}

impl MessageIds {
    /// Continues after `last`, the highest id ever issued by this store.
    #[must_use]
    pub const fn after(last: Option<MessageId>) -> Self {
        Self {
            last: match last {
                Some(id) => id.0,
                None => 0,
            },
        }
    }

    /// Never repeats and never descends, even when the clock does.
    pub fn next(&mut self, now: Timestamp) -> MessageId {
        let earliest = MessageId::first_at(now).0;
        self.last = earliest.max(self.last + 1);
        MessageId(self.last)
    }
}

/// The id another network gave to what we handed it (`submit_sm_resp`, an IMDN Message-ID, an HTTP id).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UpstreamId(pub SmolStr);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_when_the_clock_steps_back() {
        let mut ids = MessageIds::default();
        let a = ids.next(Timestamp::from_secs(1_800_000_000));
        let b = ids.next(Timestamp::from_secs(1_700_000_000));
        assert!(b > a);
        assert_eq!(a.accepted_at(), Timestamp::from_secs(1_800_000_000));
    }

    #[test]
    fn ids_are_at_most_eighteen_digits_for_decades() {
        let mut ids = MessageIds::default();
        let id = ids.next(Timestamp::from_secs(3_800_000_000)); // year 2090
        assert!(id.to_string().len() <= 18);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("0".parse::<MessageId>(), Err(NotAnId));
        assert_eq!("9999999999999999999".parse::<MessageId>(), Err(NotAnId));
    }
}
