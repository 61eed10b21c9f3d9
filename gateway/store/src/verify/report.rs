//! What verification found.

use billing::UsageKey;
use model::MessageId;

use crate::{Rating, UsageRow};

/// Kept by name; more are only counted.
const FAULTS_KEPT: usize = 1_000;

/// See [`super::verify()`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Report {
    pub batches: u64,
    /// R1: accepted = final + open.
    pub accepted: u64,
    pub finals: u64,
    pub open: u64,
    /// R2: implied by the journal, and found.
    pub usage_implied: u64,
    pub usage_rows: u64,
    /// R3: rows by what rating has made of them, in the order of [`Rating::ALL`].
    pub ratings: [u64; Rating::ALL.len()],
    /// R5: where usage ends.
    pub last_sequence: u64,
    /// The first thousand.
    pub faults: Vec<Fault>,
    /// All of them.
    pub fault_count: u64,
}

/// Something does not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    #[error("the journal goes from batch {after} to batch {next}")]
    BatchMissing { after: u64, next: u64 },
    #[error("message {message} was accepted twice, or out of order, in batch {seq}")]
    AcceptedOutOfOrder { message: MessageId, seq: u64 },
    #[error("batch {seq} speaks of message {message}, which is not open")]
    Stray { message: MessageId, seq: u64 },
    #[error("message {message} ended in batch {seq} without being open")]
    FinalTwice { message: MessageId, seq: u64 },
    #[error("message {message} never ended, and nobody waits for it any more: batch {birth} is closed")]
    FinalMissing { message: MessageId, birth: u64 },
    #[error("batch {seq} implies usage {}, which is missing", .key.id())]
    UsageMissing { seq: u64, key: UsageKey },
    #[error("usage row {sequence} ({}) has no billable event", .key.id())]
    UsageExtra { sequence: u64, key: UsageKey },
    #[error("usage row {sequence} ({}) is not what was metered", .key.id())]
    UsageDiffers { sequence: u64, key: UsageKey },
    #[error("usage sequence {expected} was due, {found} was found")]
    SequenceBroken { expected: u64, found: u64 },
}

impl Report {
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.fault_count == 0
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_KEPT {
            self.faults.push(fault);
        }
    }

    /// R3 and R5 of one row.
    pub(super) fn row(&mut self, row: &UsageRow) {
        let (expected, found) = (self.last_sequence + 1, row.sequence);
        if expected != found {
            self.fault(Fault::SequenceBroken { expected, found });
        }
        self.last_sequence = found;
        self.usage_rows += 1;
        if let Some(count) = self.ratings.get_mut(usize::from(row.rating as u8)) {
            *count += 1;
        }
    }
}
