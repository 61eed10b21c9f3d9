//! Proving that the store adds up (charging sheet §16, R1 to R3 and R5).
//!
//! The whole journal is folded again and every billable event it implies is metered again; what comes out
//! must be the usage rows, no more and no less. Works beside a running gateway: everything up to the bounds
//! read at first is immutable. Memory grows with open messages only.

mod fold;
mod report;

use std::collections::{HashMap, VecDeque};

use billing::{UsageKey, UsageRecord};

use self::fold::Fold;
pub use self::report::{Fault, Report};
use crate::{Bounds, Store, StoreError, UsageRow};

/// Batches and rows read at a time.
const BATCHES: u32 = 64;
const ROWS: u32 = 4_096;

/// Checks everything the store holds. `progress` hears how many of how many batches are done.
///
/// # Errors
/// When the store cannot be read, damage included.
pub async fn verify(
    store: &dyn Store,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Report, StoreError> {
    let bounds = store.bounds().await?;
    let mut report = Report::default();
    let mut fold = Fold::new(bounds.first_seq <= 1);
    let mut rows = Rows { store, last: bounds.last_usage, after: 0, read: VecDeque::new() };
    let total = (bounds.last_seq + 1).saturating_sub(bounds.first_seq.max(1));
    let mut seq = bounds.first_seq.saturating_sub(1);
    progress(0, total);
    while seq < bounds.last_seq {
        let page = store.journal(seq, BATCHES).await?;
        let Some(last) = page.last().map(|batch| batch.seq) else { break };
        for batch in page.iter().take_while(|batch| batch.seq <= bounds.last_seq) {
            if batch.seq != seq + 1 {
                purged_meanwhile(store, seq + 1).await?;
                report.fault(Fault::BatchMissing { after: seq, next: batch.seq });
            }
            seq = batch.seq;
            report.batches += 1;
            let implied = fold.batch(batch, &mut report);
            compare(seq, implied, &mut rows, &fold, &mut report).await?;
        }
        seq = seq.max(last.min(bounds.last_seq));
        progress(report.batches, total);
    }
    if seq < bounds.last_seq {
        report.fault(Fault::BatchMissing { after: seq, next: bounds.last_seq });
    }
    // Usage that claims to be from a batch after the last.
    while let Some(row) = rows.next().await? {
        report.row(&row);
        report.fault(Fault::UsageExtra { sequence: row.sequence, key: row.record.key });
    }
    if report.usage_rows > 0 && report.last_sequence != bounds.last_usage {
        report.fault(Fault::SequenceBroken { expected: bounds.last_usage, found: report.last_sequence });
    }
    settle(&fold, &bounds, &mut report);
    Ok(report)
}

/// R2: what the batch implies, and the rows committed with it.
async fn compare(
    seq: u64,
    implied: Vec<UsageRecord>,
    rows: &mut Rows<'_>,
    fold: &Fold,
    report: &mut Report,
) -> Result<(), StoreError> {
    report.usage_implied += implied.len() as u64;
    let mut missing: HashMap<UsageKey, UsageRecord> = HashMap::with_capacity(implied.len());
    for record in implied {
        missing.insert(record.key, record);
    }
    while let Some(row) = rows.next_of(seq).await? {
        report.row(&row);
        let key = row.record.key;
        if row.batch < seq || !missing.contains_key(&key) {
            // The journal of its message may be purged; then nobody can say.
            if !fold.is_purged(key.message) {
                report.fault(Fault::UsageExtra { sequence: row.sequence, key });
            }
        } else if missing.remove(&key).is_some_and(|record| record != row.record) {
            report.fault(Fault::UsageDiffers { sequence: row.sequence, key });
        }
    }
    let mut missing: Vec<UsageKey> = missing.into_keys().collect();
    missing.sort_unstable();
    missing.into_iter().for_each(|key| report.fault(Fault::UsageMissing { seq, key }));
    Ok(())
}

/// R1: every message that has not ended must be found again after a restart.
fn settle(fold: &Fold, bounds: &Bounds, report: &mut Report) {
    let mut open: Vec<_> = fold.open().collect();
    open.sort_unstable();
    report.open = open.len() as u64;
    for (message, birth) in open {
        if bounds.open_births.binary_search(&birth).is_err() {
            report.fault(Fault::FinalMissing { message, birth });
        }
    }
}

/// A gap is no fault when a purge has overtaken us.
async fn purged_meanwhile(store: &dyn Store, wanted: u64) -> Result<(), StoreError> {
    if store.bounds().await?.first_seq > wanted {
        return Err(StoreError::Unavailable("the journal was purged meanwhile; verify again".into()));
    }
    Ok(())
}

/// Usage rows in the order of their sequence.
struct Rows<'a> {
    store: &'a dyn Store,
    after: u64,
    last: u64,
    read: VecDeque<UsageRow>,
}

impl Rows<'_> {
    /// The next row that was committed with this batch or claims an earlier one.
    async fn next_of(&mut self, seq: u64) -> Result<Option<UsageRow>, StoreError> {
        self.fill().await?;
        let due = self.read.front().is_some_and(|row| row.batch <= seq);
        Ok(if due { self.read.pop_front() } else { None })
    }

    async fn next(&mut self) -> Result<Option<UsageRow>, StoreError> {
        self.fill().await?;
        Ok(self.read.pop_front())
    }

    async fn fill(&mut self) -> Result<(), StoreError> {
        if self.read.is_empty() && self.after < self.last {
            self.read = self.store.usage(self.after, ROWS, None).await?.into();
            self.read.truncate(self.read.partition_point(|row| row.sequence <= self.last));
            self.after = self.read.back().map_or(self.last, |row| row.sequence);
        }
        Ok(())
    }
}
