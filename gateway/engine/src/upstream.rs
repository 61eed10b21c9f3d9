//! Finding the message a receipt is about, by the id the network gave.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashMap};
use model::{ChannelId, UpstreamId};

/// (channel, upstream id) -> slot. Keyed by a 64-bit digest, so an entry costs the same for every id.
#[derive(Debug, Default)]
pub(crate) struct Upstream {
    hasher: DefaultHashBuilder,
    slots: HashMap<u64, u32, Digested>,
    /// The digests of messages with several segments, in order.
    segments: HashMap<u32, Box<[u64]>>,
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
        self.slots.remove(&digest);
    }

    /// Forgets everything about a message.
    pub(crate) fn forget(&mut self, slot: u32, digest: u64) {
        if digest != 0 {
            self.slots.remove(&digest);
        }
        if let Some(several) = self.segments.remove(&slot) {
            for digest in several {
                self.slots.remove(&digest);
            }
        }
    }
}

#[derive(Hash)]
struct Pair<'a>(ChannelId, &'a str);
