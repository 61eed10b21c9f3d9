//! Messages that came with a key of their sender's: the same key and the same body again are the same message.
//!
//! Only digests are kept, oldest first. Beyond the limit the oldest is forgotten, as if its time were over. All keys of
//! one batch are one fact: a row for each would cost more than the message itself.
//!
//! There may be a million of them, and they come with the messages: one table that grows by doubling would stand still
//! for a tenth of a second while it does. So records lie in pieces, and the index is divided into many small tables.

use std::collections::VecDeque;

use hashbrown::{HashTable, hash_table::Entry};
use model::{ChannelId, MessageId, Timestamp};
use sha2::{Digest, Sha256};

use crate::journal::{Fact, FactChange, FactKind};

/// Of the channel and the key: what nobody finds twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyDigest([u8; 16]);

impl KeyDigest {
    pub(crate) fn of(origin: ChannelId, key: &str) -> Self {
        Self::of_octets(&[&origin.0.to_be_bytes(), key.as_bytes()])
    }

    fn of_octets(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        parts.iter().for_each(|part| hash.update(part));
        Self(hash.finalize().first_chunk().copied().unwrap_or_default())
    }

    /// Its table, and its hash there: octets of a digest are as good as any.
    fn place(self) -> (usize, u64) {
        let [shard, _, _, _, _, _, _, _, hash @ ..] = self.0;
        (usize::from(shard), u64::from_be_bytes(hash))
    }
}

#[derive(Debug, Clone, Copy)]
struct Known {
    key: KeyDigest,
    message: MessageId,
    body: [u8; 8],
    until: Timestamp,
}

/// One key as it is written down: digest, message, digest of the body, time in µs.
const RECORD: usize = 16 + 8 + 8 + 8;
/// Tables of the index, by the first octet of the digest.
const SHARDS: usize = 1 << 8;
/// Records in one piece of memory.
const PIECE: usize = 4_096;

/// Records in the order in which they came, each with a number: the one before plus one.
#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<Vec<Known>>,
    /// The number of the first record of the first piece.
    first: u32,
    /// Records of the first piece that are forgotten.
    gone: usize,
}

impl Queue {
    fn len(&self) -> usize {
        self.end() - self.gone
    }

    /// Where the next one goes, seen from the first record of the first piece.
    fn end(&self) -> usize {
        self.pieces.back().map_or(0, |last| (self.pieces.len() - 1) * PIECE + last.len())
    }

    fn push(&mut self, known: Known) -> u32 {
        let number = self.first.wrapping_add(self.end() as u32);
        if self.pieces.back().is_none_or(|last| last.len() == PIECE) {
            self.pieces.push_back(Vec::with_capacity(PIECE));
        }
        if let Some(last) = self.pieces.back_mut() {
            last.push(known);
        }
        number
    }

    fn get(&self, number: u32) -> Option<&Known> {
        let at = number.wrapping_sub(self.first) as usize;
        self.pieces.get(at / PIECE)?.get(at % PIECE)
    }

    fn oldest(&self) -> Option<&Known> {
        self.pieces.front()?.get(self.gone)
    }

    fn pop(&mut self) -> Option<(u32, Known)> {
        let known = *self.oldest()?;
        let number = self.first.wrapping_add(self.gone as u32);
        self.gone += 1;
        if self.gone == PIECE {
            self.pieces.pop_front();
            self.first = self.first.wrapping_add(PIECE as u32);
            self.gone = 0;
        }
        Some((number, known))
    }
}

#[derive(Debug)]
pub(crate) struct Seen {
    queue: Queue,
    /// Numbers of records by their digest.
    index: Vec<HashTable<u32>>,
    /// Records of the batch under way.
    fresh: Vec<u8>,
    fresh_until: Timestamp,
}

impl Default for Seen {
    fn default() -> Self {
        let index = (0..SHARDS).map(|_| HashTable::new()).collect();
        Self { queue: Queue::default(), index, fresh: Vec::new(), fresh_until: Timestamp::default() }
    }
}

impl Seen {
    /// The message that a key was used for, with the digest of its body.
    pub(crate) fn get(&self, key: KeyDigest, now: Timestamp) -> Option<(MessageId, [u8; 8])> {
        let (shard, hash) = key.place();
        let is = |number: &u32| self.queue.get(*number).is_some_and(|known| known.key == key);
        let known = self.queue.get(*self.index.get(shard)?.find(hash, is)?)?;
        (known.until > now).then_some((known.message, known.body))
    }

    /// Remembers a key, at most `max` of them.
    pub(crate) fn remember(
        &mut self,
        key: KeyDigest,
        message: MessageId,
        body: [u8; 8],
        until: Timestamp,
        max: usize,
    ) {
        self.fresh.extend_from_slice(&key.0);
        self.fresh.extend_from_slice(&message.as_u64().to_be_bytes());
        self.fresh.extend_from_slice(&body);
        self.fresh.extend_from_slice(&until.micros().to_be_bytes());
        self.fresh_until = self.fresh_until.max(until);
        self.insert(Known { key, message, body, until });
        self.bound(max);
    }

    /// A key whose time was over is found under its newer record from now on.
    fn insert(&mut self, known: Known) {
        let (shard, hash) = known.key.place();
        let Self { queue, index, .. } = self;
        let number = queue.push(known);
        let Some(table) = index.get_mut(shard) else { return };
        let is = |number: &u32| queue.get(*number).is_some_and(|one| one.key == known.key);
        let hash_of = |number: &u32| queue.get(*number).map_or(0, |one| one.key.place().1);
        match table.entry(hash, is, hash_of) {
            Entry::Occupied(mut older) => *older.get_mut() = number,
            Entry::Vacant(place) => drop(place.insert(number)),
        }
    }

    fn forget_oldest(&mut self) {
        let Some((number, known)) = self.queue.pop() else { return };
        let (shard, hash) = known.key.place();
        if let Some(table) = self.index.get_mut(shard)
            && let Ok(entry) = table.find_entry(hash, |one| *one == number)
        {
            entry.remove();
        }
    }

    /// Forgets the oldest beyond `max`.
    pub(crate) fn bound(&mut self, max: usize) {
        while self.queue.len() > max {
            self.forget_oldest();
        }
    }

    /// Keys that wait to be written down.
    pub(crate) const fn fresh(&self) -> usize {
        self.fresh.len() / RECORD
    }

    /// What is to be written down with this batch.
    pub(crate) fn take(&mut self, batch: u64) -> Option<FactChange> {
        if self.fresh.is_empty() {
            return None;
        }
        Some(FactChange {
            kind: FactKind::Idempotency,
            key: batch.to_be_bytes().into(),
            value: Some(std::mem::take(&mut self.fresh)),
            expires_at: Some(std::mem::take(&mut self.fresh_until)),
        })
    }

    /// Forgets what has expired, as far as it is the oldest.
    pub(crate) fn sweep(&mut self, now: Timestamp) {
        while self.queue.oldest().is_some_and(|known| known.until <= now) {
            self.forget_oldest();
        }
    }

    pub(crate) fn recover(&mut self, fact: &Fact) -> Option<()> {
        // Once a key was a row of its own: channel and key, then message and body.
        if let Ok(value) = <[u8; 16]>::try_from(fact.value.as_slice()) {
            let (message, body) = value.split_first_chunk::<8>()?;
            let message = MessageId::from_u64(u64::from_be_bytes(*message))?;
            let key = KeyDigest::of_octets(&[&fact.key]);
            self.insert(Known { key, message, body: body.try_into().ok()?, until: fact.expires_at? });
            return Some(());
        }
        let (records, rest) = fact.value.as_chunks::<RECORD>();
        for record in records {
            let (key, record) = record.split_first_chunk::<16>()?;
            let (message, record) = record.split_first_chunk::<8>()?;
            let (body, until) = record.split_first_chunk::<8>()?;
            let until = Timestamp::from_micros(i64::from_be_bytes(until.try_into().ok()?));
            let message = MessageId::from_u64(u64::from_be_bytes(*message))?;
            self.insert(Known { key: KeyDigest(*key), message, body: *body, until });
        }
        rest.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Seen {
        fn indexed(&self) -> usize {
            self.index.iter().map(HashTable::len).sum()
        }
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + secs)
    }

    fn key(key: &str) -> KeyDigest {
        KeyDigest::of(ChannelId(1), key)
    }

    fn message(id: u64) -> MessageId {
        MessageId::from_u64(id).expect("an id")
    }

    fn three() -> Seen {
        let mut seen = Seen::default();
        for (id, name) in (1..).zip(["a", "b", "c"]) {
            seen.remember(key(name), message(id), [id as u8; 8], at(60), 10);
        }
        seen
    }

    fn recovered(fact: FactChange) -> Seen {
        let mut seen = Seen::default();
        let FactChange { kind, key, value, expires_at } = fact;
        seen.recover(&Fact { kind, key, value: value.expect("a value"), expires_at }).expect("is read");
        seen
    }

    #[test]
    fn a_batch_of_keys_is_one_fact_and_comes_back() {
        let mut seen = three();
        let fact = seen.take(7).expect("something to write");
        assert_eq!((fact.key.as_slice(), fact.expires_at), (&7_u64.to_be_bytes()[..], Some(at(60))));
        assert_eq!(seen.take(8), None, "written once");
        let back = recovered(fact);
        for (id, name) in (1..).zip(["a", "b", "c"]) {
            assert_eq!(back.get(key(name), at(0)), Some((message(id), [id as u8; 8])));
        }
        assert_eq!(back.get(KeyDigest::of(ChannelId(2), "a"), at(0)), None, "keys belong to a channel");
        assert_eq!(back.get(key("a"), at(60)), None, "its time is over");
    }

    #[test]
    fn a_key_that_was_a_row_of_its_own_is_still_known() {
        let value = [44_u64.to_be_bytes(), [1; 8]].concat();
        let fact = FactChange {
            kind: FactKind::Idempotency,
            key: [&1_u16.to_be_bytes()[..], b"k"].concat(),
            value: Some(value),
            expires_at: Some(at(60)),
        };
        assert_eq!(recovered(fact).get(key("k"), at(0)), Some((message(44), [1; 8])));
    }

    #[test]
    fn beyond_the_limit_the_oldest_is_forgotten_and_the_expired_leave() {
        let mut seen = three();
        seen.remember(key("d"), message(4), [4; 8], at(90), 3);
        assert_eq!(seen.get(key("a"), at(0)), None);
        assert!(["b", "c", "d"].iter().all(|name| seen.get(key(name), at(0)).is_some()));
        seen.sweep(at(60));
        assert_eq!((seen.queue.len(), seen.indexed()), (1, 1));
        assert!(seen.get(key("d"), at(60)).is_some());
    }

    #[test]
    fn a_key_used_again_after_its_time_is_the_newer_message() {
        let mut seen = Seen::default();
        seen.remember(key("a"), message(1), [1; 8], at(60), 10);
        seen.remember(key("a"), message(2), [2; 8], at(120), 10);
        assert_eq!(seen.get(key("a"), at(61)), Some((message(2), [2; 8])));
        seen.sweep(at(60));
        assert_eq!(seen.get(key("a"), at(61)), Some((message(2), [2; 8])), "only the older record has left");
    }

    /// Numbers go on over many pieces, and around the end of their octets.
    #[test]
    fn what_is_not_forgotten_is_found_whatever_came_and_went() {
        let mut seen = Seen::default();
        seen.queue.first = u32::MAX - 5_000;
        let max = 2 * PIECE + 7;
        let last = 5 * PIECE as u64;
        for id in 1..=last {
            seen.remember(key(&id.to_string()), message(id), id.to_be_bytes(), at(60), max);
        }
        let known = |id: u64| seen.get(key(&id.to_string()), at(0));
        let kept = last - max as u64;
        assert!((1..=kept).all(|id| known(id).is_none()));
        assert!((kept + 1..=last).all(|id| known(id) == Some((message(id), id.to_be_bytes()))));
        assert_eq!((seen.queue.len(), seen.indexed()), (max, max));
        assert!(seen.queue.pieces.len() <= 4, "pieces that are forgotten are given back");
    }
}
