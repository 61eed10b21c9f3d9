//! What can go wrong with a store, sorted by what the caller does about it.

/// Texts of these errors never hold personal data: they name rows, never what is in them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Out of reach, full or busy. Whether an interrupted commit took place is unknown; committing the same
    /// batch again finds out and is harmless.
    #[error("the store is not available: {0}")]
    Unavailable(Box<str>),
    /// Another process has opened the store for writing since. This one must stop.
    #[error("another gateway owns the store now")]
    Fenced,
    /// The batch number is taken by another batch: two writers, or a writer that forgot.
    #[error("batch {seq} was already written with other contents")]
    Conflict { seq: u64 },
    /// Batches ascend by one.
    #[error("batch {seq} came where batch {expected} is due")]
    OutOfOrder { seq: u64, expected: u64 },
    /// The batch holds a usage record whose key exists already (invariant I3). Nothing of it was written.
    #[error("batch {seq} would charge a billable event twice")]
    Duplicate { seq: u64 },
    /// What was read back is not what was written.
    #[error("batch {seq} is damaged: {what}")]
    Corrupt { seq: u64, what: &'static str },
    /// More than one commit can take.
    #[error("{what} is {got}, at most {max} in one batch")]
    TooLarge { what: &'static str, got: usize, max: usize },
    /// Opened for reading only.
    #[error("the store was opened for reading only")]
    ReadOnly,
    /// A channel keeps its kind: its journal would be misread otherwise.
    #[error("channel {0} exists with another kind")]
    OtherKind(Box<str>),
    /// The database has another layout than this version reads.
    #[error("the store has layout {found}, this version knows up to {known}")]
    Layout { found: i64, known: i64 },
    /// The database does not do what we ask of it.
    #[error("the store misbehaves: {0}")]
    Broken(Box<str>),
}

impl StoreError {
    /// Doing the same again may succeed. Everything else needs a person.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
