//! Open messages in memory: a slab of small records, grouped by the batch they were accepted in.
//!
//! A waiting message costs about eighty octets here: the record, its place in its batch and in its queue. Content and addresses of what does not fit in memory stay in the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hashbrown::HashMap;
use model::{Cause, ChannelId, Disposition, Lane, MessageId, ReceiptsWanted, Timestamp};

use crate::{delivery::State, journal::Accepted};

/// What must be at hand about an open message at any time.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) message: MessageId,
    /// The batch it was accepted in.
    pub(crate) birth: u64,
    /// The rest, while it is in memory.
    pub(crate) hot: Option<Arc<Accepted>>,
    /// Digest of the upstream id of the only segment; see [`crate::upstream`].
    pub(crate) upstream: u64,
    /// Changes with every attempt and every new owner of the slot, so that late answers find nobody.
    pub(crate) generation: u32,
    /// Seconds since 1970 after which something must happen: expiry, the end of a receipt window.
    pub(crate) deadline: u32,
    pub(crate) attempts: u16,
    /// Answers lost on this leg.
    pub(crate) lost: u8,
    pub(crate) segments: u16,
    /// Segments whose receipt has come.
    pub(crate) segments_done: u16,
    pub(crate) origin: ChannelId,
    pub(crate) channel: ChannelId,
    pub(crate) state: State,
    pub(crate) leg: u8,
    pub(crate) lane: Lane,
    pub(crate) receipts: Wanted,
    pub(crate) disposition: Disposition,
    pub(crate) cause: Option<Cause>,
    pub(crate) possible_duplicate: bool,
    /// It stays with its leg although the time of that is over.
    pub(crate) kept: bool,
    pub(crate) displayed: bool,
    /// The sender was told how it ended, or will not be.
    pub(crate) told: bool,
    /// The report on its way says that it was displayed.
    pub(crate) told_displayed: bool,
}

/// What its sender wants to hear, in one octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted(u8);

impl Wanted {
    const SUCCESS: u8 = 1;
    const FAILURE: u8 = 2;
    const INTERMEDIATE: u8 = 4;
    const DISPLAYED: u8 = 8;

    pub(crate) const fn get(self) -> ReceiptsWanted {
        ReceiptsWanted {
            success: self.0 & Self::SUCCESS != 0,
            failure: self.0 & Self::FAILURE != 0,
            intermediate: self.0 & Self::INTERMEDIATE != 0,
            displayed: self.0 & Self::DISPLAYED != 0,
        }
    }

    /// Whether it is seen matters no more.
    pub(crate) const fn do_not_await_display(&mut self) {
        self.0 &= !Self::DISPLAYED;
    }
}

impl From<ReceiptsWanted> for Wanted {
    fn from(wanted: ReceiptsWanted) -> Self {
        let ReceiptsWanted { success, failure, intermediate, displayed } = wanted;
        let bit = |wanted: bool, bit: u8| if wanted { bit } else { 0 };
        Self(
            bit(success, Self::SUCCESS)
                | bit(failure, Self::FAILURE)
                | bit(intermediate, Self::INTERMEDIATE)
                | bit(displayed, Self::DISPLAYED),
        )
    }
}

/// A slot and the generation it had: valid as long as both still match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    // First, so that what is due at one moment goes in the order in which it came (invariant I7).
    pub(crate) generation: u32,
    pub(crate) slot: u32,
}

/// The messages accepted in one batch.
#[derive(Debug)]
struct Birth {
    /// Ids ascend with acceptance, so the first one of each batch is index enough.
    first: MessageId,
    slots: Vec<u32>,
    unended: u32,
    unclosed: u32,
    /// When its messages are looked at next.
    check: u32,
}

/// Slots in one piece of the slab.
const PIECE: usize = 4_096;

#[derive(Debug, Default)]
pub(crate) struct OpenMessages {
    /// In pieces of a fixed size: one that grew by doubling would hold half of its memory in vain.
    slab: Vec<Vec<Option<Open>>>,
    free: Vec<u32>,
    births: HashMap<u64, Birth>,
    firsts: BTreeMap<MessageId, u64>,
    count: usize,
    /// (second, batch): when a batch holds something that is due.
    checks: BTreeSet<(u32, u64)>,
    generation: u32,
    hot: usize,
}

impl OpenMessages {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn hot(&self) -> usize {
        self.hot
    }

    pub(crate) fn insert(&mut self, mut open: Open) -> Key {
        self.generation = self.generation.wrapping_add(1);
        open.generation = self.generation;
        self.hot += usize::from(open.hot.is_some());
        let (message, birth, deadline) = (open.message, open.birth, open.deadline);
        let generation = open.generation;
        let ended = open.state.is_ended();
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.grow(),
        };
        if let Some(place) = self.place(slot) {
            *place = Some(open);
        }
        self.count += 1;
        let group = self.births.entry(birth).or_insert_with(|| {
            self.firsts.insert(message, birth);
            Birth { first: message, slots: Vec::new(), unended: 0, unclosed: 0, check: 0 }
        });
        group.slots.push(slot);
        group.unended += u32::from(!ended);
        group.unclosed += 1;
        self.check_by(birth, deadline);
        Key { slot, generation }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Open> {
        self.at(key.slot).filter(|open| open.generation == key.generation)
    }

    /// One more slot, empty.
    fn grow(&mut self) -> u32 {
        if self.slab.last().is_none_or(|piece| piece.len() == PIECE) {
            self.slab.push(Vec::with_capacity(PIECE));
        }
        let full = self.slab.len().saturating_sub(1) * PIECE;
        let Some(piece) = self.slab.last_mut() else { return u32::MAX };
        piece.push(None);
        u32::try_from(full + piece.len() - 1).unwrap_or(u32::MAX)
    }

    fn place(&mut self, slot: u32) -> Option<&mut Option<Open>> {
        self.slab.get_mut(slot as usize / PIECE)?.get_mut(slot as usize % PIECE)
    }

    pub(crate) fn at(&self, slot: u32) -> Option<&Open> {
        self.slab.get(slot as usize / PIECE)?.get(slot as usize % PIECE)?.as_ref()
    }

    pub(crate) fn at_mut(&mut self, slot: u32) -> Option<&mut Open> {
        self.place(slot)?.as_mut()
    }

    pub(crate) fn key(&self, slot: u32) -> Option<Key> {
        self.at(slot).map(|open| Key { slot, generation: open.generation })
    }

    pub(crate) fn find(&self, message: MessageId) -> Option<Key> {
        let (_, birth) = self.firsts.range(..=message).next_back()?;
        self.members(*birth).find(|(member, _)| *member == message).map(|(_, key)| key)
    }

    /// The open messages of a batch.
    pub(crate) fn members(&self, birth: u64) -> impl Iterator<Item = (MessageId, Key)> + '_ {
        let slots = self.births.get(&birth).map(|group| group.slots.as_slice()).unwrap_or_default();
        slots.iter().filter_map(move |&slot| {
            let open = self.at(slot).filter(|open| open.birth == birth)?;
            Some((open.message, Key { slot, generation: open.generation }))
        })
    }

    /// A new generation: everything that still refers to the old one is stale.
    pub(crate) fn renew(&mut self, slot: u32) -> Option<Key> {
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let open = self.at_mut(slot)?;
        open.generation = generation;
        Some(Key { slot, generation })
    }

    pub(crate) fn heat(&mut self, slot: u32, accepted: Arc<Accepted>) {
        let Some(open) = self.at_mut(slot) else { return };
        let was_cold = open.hot.replace(accepted).is_none();
        self.hot += usize::from(was_cold);
    }

    pub(crate) fn cool(&mut self, slot: u32) {
        let Some(open) = self.at_mut(slot) else { return };
        let was_hot = open.hot.take().is_some();
        self.hot -= usize::from(was_hot);
    }

    /// Moves the deadline of a message; its batch is looked at in time.
    pub(crate) fn set_deadline(&mut self, slot: u32, deadline: u32) {
        let Some(open) = self.at_mut(slot) else { return };
        open.deadline = deadline;
        let birth = open.birth;
        self.check_by(birth, deadline);
    }

    fn check_by(&mut self, birth: u64, second: u32) {
        let Some(group) = self.births.get_mut(&birth) else { return };
        if group.check == 0 || second < group.check {
            self.checks.remove(&(group.check, birth));
            group.check = second;
            self.checks.insert((second, birth));
        }
    }

    /// Slots whose deadline has passed. Call again until it returns nothing.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<u32> {
        let second = u32::try_from(now.secs()).unwrap_or(u32::MAX);
        let mut due = Vec::new();
        while due.is_empty()
            && let Some(&(check, birth)) = self.checks.first()
            && check <= second
        {
            self.checks.pop_first();
            let Some(group) = self.births.get_mut(&birth) else { continue };
            group.check = 0;
            let mut next = u32::MAX;
            for &slot in &group.slots {
                match self
                    .slab
                    .get(slot as usize / PIECE)
                    .and_then(|piece| piece.get(slot as usize % PIECE)?.as_ref())
                {
                    Some(open) if open.birth == birth && open.deadline <= second => due.push(slot),
                    Some(open) if open.birth == birth => next = next.min(open.deadline),
                    _ => {}
                }
            }
            // Those that are due set their own new deadline or go away; look again a minute later in any case.
            self.check_by(birth, if due.is_empty() { next } else { next.min(second + 60) });
        }
        due
    }

    pub(crate) fn next_check(&self) -> Option<Timestamp> {
        self.checks.first().map(|&(second, _)| Timestamp::from_secs(i64::from(second)))
    }

    /// Every message of this batch has its final disposition.
    pub(crate) fn all_ended(&self, birth: u64) -> bool {
        self.births.get(&birth).is_some_and(|group| group.unended == 0)
    }

    /// Nothing is left to do about any message of this batch.
    pub(crate) fn all_closed(&self, birth: u64) -> bool {
        self.births.get(&birth).is_some_and(|group| group.unclosed == 0)
    }

    /// Forgets a batch of which nothing is open.
    pub(crate) fn forget(&mut self, birth: u64) {
        if let Some(group) = self.births.remove(&birth) {
            self.checks.remove(&(group.check, birth));
            self.firsts.remove(&group.first);
        }
    }

    /// The message has its final disposition.
    pub(crate) fn ended(&mut self, birth: u64) -> bool {
        let Some(group) = self.births.get_mut(&birth) else { return false };
        group.unended = group.unended.saturating_sub(1);
        group.unended == 0
    }

    /// Forgets a closed message. True when it was the last of its batch so far.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<(u64, bool)> {
        let open = self.place(slot)?.take()?;
        self.hot -= usize::from(open.hot.is_some());
        self.count -= 1;
        self.free.push(slot);
        let group = self.births.get_mut(&open.birth)?;
        group.unclosed -= 1;
        Some((open.birth, group.unclosed == 0))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        (0..)
            .zip(self.slab.iter().flatten())
            .filter_map(|(slot, open)| open.as_ref().map(|o| Key { slot, generation: o.generation }))
    }
}

/// Whole seconds, rounded up: a deadline is never early.
pub(crate) fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.micros().div_euclid(1_000_000) + i64::from(at.micros().rem_euclid(1_000_000) > 0))
        .unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sender_wants_to_hear_is_kept_as_it_was() {
        for bits in 0..16_u8 {
            let bit = |number: u8| bits & (1 << number) != 0;
            let wanted =
                ReceiptsWanted { success: bit(0), failure: bit(1), intermediate: bit(2), displayed: bit(3) };
            let mut kept = Wanted::from(wanted);
            assert_eq!(kept.get(), wanted);
            kept.do_not_await_display();
            assert_eq!(kept.get(), ReceiptsWanted { displayed: false, ..wanted });
        }
    }

    #[test]
    fn a_waiting_message_is_small() {
        assert!(size_of::<Option<Open>>() <= 64, "{}", size_of::<Option<Open>>());
    }
}
