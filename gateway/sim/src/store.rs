//! A store in memory that does what the contract of the real one says, and fails on request.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use engine::journal::{Accepted, Batch, Chapter, Entry, Event, Fact, FactKind};
use model::{Content, MessageId, Timestamp};

/// What is durable: all that is left after a crash.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    pub(crate) last_seq: u64,
    pub(crate) last_message: Option<MessageId>,
    facts: BTreeMap<(FactKind, Vec<u8>), Fact>,
    /// Lives of the messages of each batch, in order.
    entries: BTreeMap<u64, Vec<Entry>>,
    contents: HashMap<u64, BTreeMap<MessageId, Content>>,
    births: HashMap<MessageId, u64>,
    open: BTreeSet<u64>,
}

/// The batch breaks the contract between engine and store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("batch {given} comes after batch {last}")]
    OutOfOrder { last: u64, given: u64 },
    #[error("an entry speaks of a message that was never accepted")]
    Stranger,
    #[error("an entry speaks of a message of batch {0}, which the batch does not say it touches")]
    Untouched(u64),
    #[error("batch {0} is closed a second time, or never was")]
    NotOpen(u64),
}

impl MemoryStore {
    /// Idempotent for the last batch, as the real one is.
    pub(crate) fn commit(&mut self, batch: &Batch) -> Result<(), Refused> {
        if batch.seq == self.last_seq {
            return Ok(());
        }
        if batch.seq != self.last_seq + 1 {
            return Err(Refused::OutOfOrder { last: self.last_seq, given: batch.seq });
        }
        self.last_seq = batch.seq;
        for entry in &batch.entries {
            self.enter(batch, entry)?;
        }
        for (message, content) in &batch.contents {
            let birth = *self.births.get(message).ok_or(Refused::Stranger)?;
            self.contents.entry(birth).or_default().insert(*message, content.clone());
        }
        for change in &batch.facts {
            let key = (change.kind, change.key.clone());
            match &change.value {
                Some(value) => {
                    let (kind, key_octets) = key.clone();
                    let (value, expires_at) = (value.clone(), change.expires_at);
                    self.facts.insert(key, Fact { kind, key: key_octets, value, expires_at });
                }
                None => {
                    self.facts.remove(&key);
                }
            }
        }
        for birth in &batch.erase {
            self.contents.remove(birth);
        }
        for birth in &batch.close {
            if !self.open.remove(birth) {
                return Err(Refused::NotOpen(*birth));
            }
            self.contents.remove(birth);
        }
        Ok(())
    }

    fn enter(&mut self, batch: &Batch, entry: &Entry) -> Result<(), Refused> {
        let (birth, held) = match &entry.event {
            Event::Accepted(accepted) => {
                self.births.insert(entry.message, batch.seq);
                self.open.insert(batch.seq);
                self.last_message = self.last_message.max(Some(entry.message));
                (batch.seq, Entry { event: Event::Accepted(without_content(accepted)), ..entry.clone() })
            }
            _ => (*self.births.get(&entry.message).ok_or(Refused::Stranger)?, entry.clone()),
        };
        if birth != batch.seq && batch.touches.binary_search(&birth).is_err() {
            return Err(Refused::Untouched(birth));
        }
        self.entries.entry(birth).or_default().push(held);
        Ok(())
    }

    pub(crate) fn open_births(&self) -> Vec<u64> {
        self.open.iter().copied().collect()
    }

    /// Closed batches are left out: the real store may have purged them.
    pub(crate) fn chapters(&self, births: &[u64]) -> Vec<Chapter> {
        let chapter = |birth: &u64| {
            let contents = self.contents.get(birth).into_iter().flatten();
            Some(Chapter {
                birth: *birth,
                entries: self.entries.get(birth)?.clone(),
                contents: contents.map(|(message, content)| (*message, content.clone())).collect(),
            })
        };
        births.iter().filter(|birth| self.open.contains(birth)).filter_map(chapter).collect()
    }

    /// Forgotten by the store itself when their time is over.
    pub(crate) fn facts(&self, now: Timestamp) -> impl Iterator<Item = &Fact> {
        self.facts.values().filter(move |fact| fact.expires_at.is_none_or(|at| at > now))
    }

    pub(crate) fn fact(&self, kind: FactKind, key: &[u8]) -> Option<&Fact> {
        self.facts.get(&(kind, key.to_vec()))
    }

    /// Batches of which content is still held.
    pub(crate) fn held(&self) -> usize {
        self.contents.len()
    }
}

fn without_content(accepted: &Accepted) -> Arc<Accepted> {
    let mut submission = (*accepted.submission).clone();
    submission.content = Content::default();
    Arc::new(Accepted { submission: Arc::new(submission), ..accepted.clone() })
}
