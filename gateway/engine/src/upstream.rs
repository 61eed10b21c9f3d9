//! Finding the message a receipt is about, by the id the network gave.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, Hash},
};

use hashbrown::{DefaultHashBuilder, HashMap, HashSet};
use model::{ChannelId, UpstreamId};

/// (channel, upstream id) -> slot. Keyed by a 64-bit digest, so an entry costs the same for every id.
#[derive(Debug, Default)]
pub(crate) struct Upstream {
    hasher: DefaultHashBuilder,
    slots: HashMap<u64, u32, Digested>,
    /// The digests of messages with several segments, in order.
    segments: HashMap<u32, Box<[u64]>>,
    /// Ids whose final receipt has come, newest last.
    recent: VecDeque<u64>,
    settled: HashSet<u64, Digested>,
}

/// How many settled ids are remembered.
const SETTLED_MAX: usize = 16_384;

/// The key is a digest already.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Digested;

#[derive(Debug, Default)]
pub(crate) struct Identity(u64);

impl std::hash::Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

impl BuildHasher for Digested {
    type Hasher = Identity;

    fn build_hasher(&self) -> Identity {
        Identity::default()
    }
}

impl Upstream {
    pub(crate) fn len(&self) -> usize {
        self.slots.len() + self.segments.len()
    }

    fn digest(&self, channel: ChannelId, id: &str) -> u64 {
        // Zero means "none" in the records.
        self.hasher.hash_one(Pair(channel, id)).max(1)
    }

    /// Remembers the ids of a message. Returns the digest for its record.
    pub(crate) fn insert(&mut self, channel: ChannelId, ids: &[UpstreamId], slot: u32) -> u64 {
        let digests: smallvec::SmallVec<[u64; 1]> =
            ids.iter().map(|id| self.digest(channel, &id.0)).collect();
        for &digest in &digests {
            self.slots.insert(digest, slot);
        }
        match digests.as_slice() {
            [] => 0,
            [only] => *only,
            several => {
                self.segments.insert(slot, several.into());
                0
            }
        }
    }

    /// The slot and segment behind the first spelling that is known.
    pub(crate) fn find(&self, channel: ChannelId, spellings: &[UpstreamId]) -> Option<(u32, u64, u8)> {
        spellings.iter().find_map(|id| {
            let digest = self.digest(channel, &id.0);
            let slot = *self.slots.get(&digest)?;
            let part =
                self.segments.get(&slot).and_then(|all| all.iter().position(|d| *d == digest)).unwrap_or(0);
            Some((slot, digest, u8::try_from(part).unwrap_or(u8::MAX)))
        })
    }

    /// One segment has its final receipt.
    pub(crate) fn settle(&mut self, digest: u64) {
        if self.slots.remove(&digest).is_none() {
            return;
        }
        if self.recent.len() >= SETTLED_MAX
            && let Some(oldest) = self.recent.pop_front()
        {
            self.settled.remove(&oldest);
        }
        if self.settled.insert(digest) {
            self.recent.push_back(digest);
        }
    }

    /// Takes the id of one more segment of a message whose answer, with all its ids, was lost.
    pub(crate) fn learn(&mut self, channel: ChannelId, id: &UpstreamId, slot: u32) -> (u64, u8) {
        let digest = self.digest(channel, &id.0);
        self.slots.insert(digest, slot);
        let mut known = self.segments.remove(&slot).unwrap_or_default().into_vec();
        let part = known.len();
        known.push(digest);
        self.segments.insert(slot, known.into());
        (digest, u8::try_from(part).unwrap_or(u8::MAX))
    }

    /// The ids of a message have come after receipts for some of them: settles those again. Says how many.
    pub(crate) fn settle_known(&mut self, slot: u32) -> usize {
        let Some(several) = self.segments.get(&slot) else { return 0 };
        let known = several.iter().filter(|digest| self.settled.contains(*digest));
        known.filter(|digest| self.slots.remove(*digest).is_some()).count()
    }

    /// The same, by the number of the segment.
    pub(crate) fn settle_part(&mut self, slot: u32, part: u8) {
        if let Some(digest) = self.segments.get(&slot).and_then(|all| all.get(usize::from(part))).copied() {
            self.settle(digest);
        }
    }

    /// Forgets everything about a message. A network that gives an id twice means the newer message.
    pub(crate) fn forget(&mut self, slot: u32, digest: u64) {
        let several = self.segments.remove(&slot).unwrap_or_default();
        for digest in several.into_iter().chain([digest]) {
            if self.slots.get(&digest) == Some(&slot) {
                self.settle(digest);
            }
        }
    }

    /// A receipt with this id was here not long ago: another one is a repetition.
    pub(crate) fn was_settled(&self, channel: ChannelId, spellings: &[UpstreamId]) -> bool {
        spellings.iter().any(|id| self.settled.contains(&self.digest(channel, &id.0)))
    }
}

#[derive(Hash)]
struct Pair<'a>(ChannelId, &'a str);
