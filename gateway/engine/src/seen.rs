//! Messages that came with a key of their sender's: the same key and the same body again are the same message.
//!
//! Only digests are kept, oldest first. Beyond the limit the oldest is forgotten, as if its time were over. All keys of
//! one batch are one fact: a row for each would cost more than the message itself.

use std::collections::VecDeque;

use hashbrown::HashMap;
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
}

#[derive(Debug, Clone, Copy)]
struct Known {
    message: MessageId,
    body: [u8; 8],
    until: Timestamp,
}

/// One key as it is written down: digest, message, digest of the body, time in µs.
const RECORD: usize = 16 + 8 + 8 + 8;

#[derive(Debug, Default)]
pub(crate) struct Seen {
    by_key: HashMap<KeyDigest, Known>,
    order: VecDeque<KeyDigest>,
    /// Records of the batch under way.
    fresh: Vec<u8>,
    fresh_until: Timestamp,
}

impl Seen {
    /// The message that a key was used for, with the digest of its body.
    pub(crate) fn get(&self, key: KeyDigest, now: Timestamp) -> Option<(MessageId, [u8; 8])> {
        self.by_key.get(&key).filter(|known| known.until > now).map(|known| (known.message, known.body))
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
        self.insert(key, Known { message, body, until });
        self.bound(max);
    }

    fn insert(&mut self, key: KeyDigest, known: Known) {
        if self.by_key.insert(key, known).is_none() {
            self.order.push_back(key);
        }
    }

    /// Forgets the oldest beyond `max`.
    pub(crate) fn bound(&mut self, max: usize) {
        while self.by_key.len() > max
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_key.remove(&oldest);
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
        while let Some(oldest) = self.order.front()
            && self.by_key.get(oldest).is_none_or(|known| known.until <= now)
        {
            self.by_key.remove(oldest);
            self.order.pop_front();
        }
    }

    pub(crate) fn recover(&mut self, fact: &Fact) -> Option<()> {
        // Once a key was a row of its own: channel and key, then message and body.
        if let Ok(value) = <[u8; 16]>::try_from(fact.value.as_slice()) {
            let (message, body) = value.split_first_chunk::<8>()?;
            let message = MessageId::from_u64(u64::from_be_bytes(*message))?;
            let known = Known { message, body: body.try_into().ok()?, until: fact.expires_at? };
            self.insert(KeyDigest::of_octets(&[&fact.key]), known);
            return Some(());
        }
        let (records, rest) = fact.value.as_chunks::<RECORD>();
        for record in records {
            let (key, record) = record.split_first_chunk::<16>()?;
            let (message, record) = record.split_first_chunk::<8>()?;
            let (body, until) = record.split_first_chunk::<8>()?;
            let until = Timestamp::from_micros(i64::from_be_bytes(until.try_into().ok()?));
            let message = MessageId::from_u64(u64::from_be_bytes(*message))?;
            self.insert(KeyDigest(*key), Known { message, body: *body, until });
        }
        rest.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!((seen.by_key.len(), seen.order.len()), (1, 1));
        assert!(seen.get(key("d"), at(60)).is_some());
    }
}
