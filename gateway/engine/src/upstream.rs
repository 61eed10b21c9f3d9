//! Finding the message a receipt is about, by the id the network gave.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, Hash},
};

use hashbrown::{DefaultHashBuilder, HashMap};
use model::{ChannelId, MessageId, UpstreamId};

/// (channel, upstream id) -> slot. Keyed by a 64-bit digest, so an entry costs the same for every id.
#[derive(Debug, Default)]
pub(crate) struct Upstream {
    hasher: DefaultHashBuilder,
    slots: HashMap<u64, u32, Digested>,
    /// The digests of messages with several segments, in order.
    segments: HashMap<u32, Box<[u64]>>,
    /// Ids that nothing is awaited of any more, newest last.
    recent: VecDeque<u64>,
    past: HashMap<u64, Past, Digested>,
}

/// How many ids of the past are remembered.
const PAST_MAX: usize = 16_384;

/// What an id stood for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Past {
    pub(crate) message: MessageId,
    pub(crate) birth: u64,
    /// Its final receipt has come: another one is a repetition.
    pub(crate) heard: bool,
}

impl Past {
    pub(crate) const fn heard(message: MessageId, birth: u64) -> Self {
        Self { message, birth, heard: true }
    }

    pub(crate) const fn unheard(message: MessageId, birth: u64) -> Self {
        Self { message, birth, heard: false }
    }
}

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

    /// Nothing is awaited of this id any more: its final receipt has come, or its message has gone on.
    pub(crate) fn settle(&mut self, digest: u64, past: Past) {
        if self.slots.remove(&digest).is_some() {
            self.bury(digest, past);
        }
    }

    fn bury(&mut self, digest: u64, past: Past) {
        if self.recent.len() >= PAST_MAX
            && let Some(oldest) = self.recent.pop_front()
        {
            self.past.remove(&oldest);
        }
        if self.past.insert(digest, past).is_none() {
            self.recent.push_back(digest);
        }
    }

    /// Ids of an earlier leg, as a restart finds them.
    pub(crate) fn recall(&mut self, channel: ChannelId, ids: &[UpstreamId], past: Past) {
        for id in ids {
            self.bury(self.digest(channel, &id.0), past);
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
        let known = several.iter().filter(|digest| self.past.get(*digest).is_some_and(|past| past.heard));
        known.filter(|digest| self.slots.remove(*digest).is_some()).count()
    }

    /// The same, by the number of the segment.
    pub(crate) fn settle_part(&mut self, slot: u32, part: u8, past: Past) {
        if let Some(digest) = self.segments.get(&slot).and_then(|all| all.get(usize::from(part))).copied() {
            self.settle(digest, past);
        }
    }

    /// Forgets everything about a message, but what its ids stood for. A network that gives an id twice means
    /// the newer message.
    pub(crate) fn forget(&mut self, slot: u32, digest: u64, past: Past) {
        let several = self.segments.remove(&slot).unwrap_or_default();
        for digest in several.into_iter().chain([digest]) {
            if self.slots.get(&digest) == Some(&slot) {
                self.settle(digest, past);
            }
        }
    }

    /// What the first of these ids that is remembered stood for.
    pub(crate) fn past(&mut self, channel: ChannelId, spellings: &[UpstreamId]) -> Option<&mut Past> {
        let digest = spellings
            .iter()
            .map(|id| self.digest(channel, &id.0))
            .find(|digest| self.past.contains_key(digest))?;
        self.past.get_mut(&digest)
    }
}

#[derive(Hash)]
struct Pair<'a>(ChannelId, &'a str);
