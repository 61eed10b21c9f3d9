//! A batch, made ready for the database: everything that can be done before a connection is taken.

use std::{collections::HashMap, sync::Arc};

use engine::journal::{Batch, FactChange};
use model::{Content, MessageId};
use sha2::{Digest, Sha256};

use crate::{StoreError, frame, party};

/// Rows of one kind in one batch. A batch of the engine is a fiftieth of that. The statements for SQLite
/// count as far.
const ROWS_MAX: usize = 100_000;

pub(crate) struct Prepared {
    pub(crate) batch: Arc<Batch>,
    pub(crate) digest: frame::Digest32,
    pub(crate) payload: Vec<u8>,
    pub(crate) first_accepted: Option<MessageId>,
    /// Of the messages accepted here; empty when there are none.
    pub(crate) hashes: Vec<u8>,
    /// Something stays open after this batch.
    pub(crate) opens: bool,
    /// What the messages accepted here say, unless they have all ended in the same breath.
    pub(crate) contents: Option<Vec<u8>>,
    /// New contents of messages accepted earlier.
    pub(crate) overrides: Vec<(MessageId, Vec<u8>)>,
    /// Earlier batches, those that close left out.
    pub(crate) erase: Vec<u64>,
    /// Earlier batches.
    pub(crate) close: Vec<u64>,
    /// Places in `batch.facts`: the last word on each key.
    pub(crate) facts: Vec<usize>,
}

impl Prepared {
    pub(crate) fn new(batch: Arc<Batch>) -> Result<Self, StoreError> {
        let seq = batch.seq;
        for (what, got) in [
            ("entries", batch.entries.len()),
            ("contents", batch.contents.len()),
            ("usage records", batch.usage.len()),
            ("facts", batch.facts.len()),
            ("touched batches", batch.touches.len()),
            ("ended batches", batch.erase.len().max(batch.close.len())),
        ] {
            if got > ROWS_MAX {
                return Err(StoreError::TooLarge { what, got, max: ROWS_MAX });
            }
        }
        let (payload, digest) = frame::journal(&batch, rest(&batch))?;
        let first_accepted = batch.first_accepted();
        let closes = batch.close.contains(&seq);
        let opens = first_accepted.is_some() && !closes;
        let (own, earlier) = split(&batch, first_accepted);
        let contents =
            (opens && !batch.erase.contains(&seq)).then(|| frame::contents(seq, &own)).transpose()?;
        let overrides = earlier
            .into_iter()
            .map(|(message, content)| Ok((message, frame::contents(seq, &[(message, content)])?)))
            .collect::<Result<_, StoreError>>()?;
        let close: Vec<u64> = batch.close.iter().copied().filter(|birth| *birth != seq).collect();
        let erase =
            batch.erase.iter().copied().filter(|birth| *birth != seq && !close.contains(birth)).collect();
        Ok(Self {
            hashes: party::hashes(&batch),
            facts: last_words(&batch.facts),
            digest,
            payload,
            first_accepted,
            opens,
            contents,
            overrides,
            erase,
            close,
            batch,
        })
    }

    /// Octets this will add to a write-ahead log, roughly.
    pub(crate) fn weight(&self) -> u64 {
        const PAGES: usize = 10 * 4096;
        const USAGE: usize = 160;
        let blobs = self.payload.len() + self.hashes.len() + self.contents.as_ref().map_or(0, Vec::len);
        u64::try_from(PAGES + blobs + self.batch.usage.len() * USAGE).unwrap_or(u64::MAX)
    }
}

type Contents<'a> = Vec<(MessageId, &'a Content)>;

/// Contents of messages accepted here, and of others. Ids ascend in the order of acceptance, so the lowest
/// id accepted here tells them apart. Of several contents of one message the last counts.
fn split(batch: &Batch, first: Option<MessageId>) -> (Contents<'_>, Contents<'_>) {
    let mut own: Contents<'_> = Vec::with_capacity(batch.contents.len());
    let mut earlier: Contents<'_> = Vec::new();
    for (message, content) in &batch.contents {
        let list = if first.is_some_and(|first| *message >= first) { &mut own } else { &mut earlier };
        list.push((*message, content));
    }
    for list in [&mut own, &mut earlier] {
        if !list.is_sorted_by(|a, b| a.0 < b.0) {
            // Stable, so the last of equals is the newest.
            list.sort_by_key(|(message, _)| *message);
            list.reverse();
            list.dedup_by_key(|(message, _)| *message);
            list.reverse();
        }
    }
    (own, earlier)
}

fn last_words(facts: &[FactChange]) -> Vec<usize> {
    let mut last = HashMap::with_capacity(facts.len());
    for (place, fact) in facts.iter().enumerate() {
        last.insert((fact.kind, fact.key.as_slice()), place);
    }
    let mut places: Vec<usize> = last.into_values().collect();
    places.sort_unstable();
    places
}

/// Stands for what a batch holds beside entries. Neither contents nor facts go into it, only how many there
/// are: a digest that outlives an erased text would be a way to guess it.
fn rest(batch: &Batch) -> u64 {
    let mut hash = Sha256::new();
    for list in [&batch.touches, &batch.erase, &batch.close] {
        hash.update(list.len().to_be_bytes());
        list.iter().for_each(|seq| hash.update(seq.to_be_bytes()));
    }
    hash.update(batch.contents.len().to_be_bytes());
    hash.update(batch.facts.len().to_be_bytes());
    for record in &batch.usage {
        hash.update(record.key.message.as_u64().to_be_bytes());
        hash.update([record.key.leg, record.key.event as u8]);
    }
    u64::from_be_bytes(hash.finalize().as_slice().first_chunk().copied().unwrap_or_default())
}
