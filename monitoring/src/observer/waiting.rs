//! Which messages wait for the answer of their first attempt, and in which lane.
//!
//! The entry of an attempt names neither the lane nor whether it is the first one, so acceptance leaves a mark here. The
//! table never grows: a message whose place is taken is simply not timed, unless it goes before the one that
//! is there. Whether a message is timed is settled when it is accepted, not by how it fares,
//! so the sample does not flatter.

use model::{Lane, MessageId};

/// Half a megabyte.
const PLACES_BITS: u32 = 16;
/// Ids are below 2^59 (see `model::MessageId`); the lane stands above them.
const LANE_SHIFT: u32 = 62;
const ID_MASK: u64 = (1 << LANE_SHIFT) - 1;

pub(super) struct Waiting {
    /// Zero is free.
    places: Box<[u64]>,
}

impl Waiting {
    pub(super) fn new() -> Self {
        Self { places: vec![0; 1 << PLACES_BITS].into() }
    }

    pub(super) fn insert(&mut self, message: MessageId, lane: Lane) {
        let mark = (lane as u64) << LANE_SHIFT | message.as_u64();
        let place = self.place(message);
        if *place == 0 || *place >> LANE_SHIFT > lane as u64 {
            *place = mark;
        }
    }

    /// The lane, if this message is timed and was not attempted before.
    pub(super) fn take(&mut self, message: MessageId) -> Option<Lane> {
        let place = self.place(message);
        if *place & ID_MASK != message.as_u64() {
            return None;
        }
        let lane = Lane::ALL.get(usize::try_from(*place >> LANE_SHIFT).ok()?).copied();
        *place = 0;
        lane
    }

    /// It ended without an attempt.
    pub(super) fn forget(&mut self, message: MessageId) {
        let place = self.place(message);
        if *place & ID_MASK == message.as_u64() {
            *place = 0;
        }
    }

    /// Ids ascend in bursts; multiplying by 2^64 / φ spreads them evenly.
    fn place(&mut self, message: MessageId) -> &mut u64 {
        let hash = message.as_u64().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = usize::try_from(hash >> (u64::BITS - PLACES_BITS)).unwrap_or(0);
        &mut self.places[place]
    }
}

#[cfg(test)]
mod tests {
    use model::{MessageIds, Timestamp};

    use super::*;

    fn ids(count: usize) -> Vec<MessageId> {
        let mut ids = MessageIds::default();
        (0..count).map(|_| ids.next(Timestamp::from_secs(1_800_000_000))).collect()
    }

    #[test]
    fn a_message_is_timed_once() {
        let id = ids(1)[0];
        let mut waiting = Waiting::new();
        waiting.insert(id, Lane::Bulk);
        assert_eq!(waiting.take(id), Some(Lane::Bulk));
        assert_eq!(waiting.take(id), None);
        waiting.insert(id, Lane::Urgent);
        waiting.forget(id);
        assert_eq!(waiting.take(id), None);
    }

    #[test]
    fn a_full_table_keeps_the_older_and_the_more_urgent() {
        let all = ids(1 << 18);
        let mut waiting = Waiting::new();
        all.iter().for_each(|id| waiting.insert(*id, Lane::Bulk));
        let kept: Vec<_> = all.iter().filter(|id| waiting.take(**id).is_some()).collect();
        assert!(kept.len() > 60_000, "{} of 65536 places used", kept.len());
        assert!(kept.iter().filter(|id| id.as_u64() < all[1 << 17].as_u64()).count() > kept.len() * 9 / 10);

        all.iter().for_each(|id| waiting.insert(*id, Lane::Bulk));
        let urgent = all[all.len() - 1];
        waiting.insert(urgent, Lane::Urgent);
        assert_eq!(waiting.take(urgent), Some(Lane::Urgent));
    }
}
