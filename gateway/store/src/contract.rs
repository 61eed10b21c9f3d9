//! What a store does, whatever database stands behind it.

use std::sync::Arc;

use async_trait::async_trait;
use billing::UsageRecord;
use engine::journal::{Batch, Chapter, Entry, Fact};
use model::{ChannelId, ChannelKind, Content, Duration, MessageId, Timestamp};
use smol_str::SmolStr;

use crate::StoreError;

/// The only durable thing in the gateway. One writer, any number of readers.
#[async_trait]
pub trait Store: Send + Sync {
    /// Makes the batch durable, complete and indivisible. Batches come in order of `seq`, without gaps.
    ///
    /// Idempotent: after [`StoreError::Unavailable`] the same batch is committed again until it succeeds.
    /// Every other error is final; nothing of the batch was written.
    async fn commit(&self, batch: Arc<Batch>) -> Result<(), StoreError>;

    /// What a gateway must know before it writes.
    async fn recover(&self) -> Result<Recovery, StoreError>;

    /// Batches of which something is still open, ascending.
    async fn open_births(&self) -> Result<Vec<u64>, StoreError>;

    /// Open batches as they stand: the life so far of every message born in them, and the contents still
    /// held. Chapters come in the order of `births`, those that do not exist are left out. The caller pages.
    async fn chapters(&self, births: &[u64]) -> Result<Vec<Chapter>, StoreError>;

    /// The life of one message, open or ended. `None` when it was never accepted here, or is purged.
    async fn history(&self, message: MessageId) -> Result<Option<Vec<Entry>>, StoreError>;

    /// What a message says, as long as that is held.
    async fn content(&self, message: MessageId) -> Result<Option<Content>, StoreError>;

    /// Messages by party and time, newest first.
    async fn search(&self, query: &Search) -> Result<Vec<MessageId>, StoreError>;

    /// Usage records in the order of their sequence, from after `after`.
    async fn usage(
        &self,
        after: u64,
        limit: u32,
        origin: Option<ChannelId>,
    ) -> Result<Vec<UsageRow>, StoreError>;

    /// The id of a channel, given at its first mention and never reused.
    async fn channel_id(&self, name: &str, kind: ChannelKind) -> Result<ChannelId, StoreError>;

    /// The secret of this name: `fresh` at its first mention, and the same ever after.
    async fn secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError>;

    /// Every channel there ever was, by id.
    async fn channels(&self) -> Result<Vec<Channel>, StoreError>;

    /// Room taken and rows held.
    async fn size(&self) -> Result<StoreSize, StoreError>;

    /// Where the journal and the usage begin and end now, in one snapshot. Everything up to there is
    /// immutable, so reading it in pages later is reading that snapshot.
    async fn bounds(&self) -> Result<Bounds, StoreError>;

    /// Whole batches in order, from after `after`: at most `limit`, at least one if there is one.
    async fn journal(&self, after: u64, limit: u32) -> Result<Vec<Written>, StoreError>;

    /// Drops the journal of batches that closed and are older than `keep`, and expired facts; brings the
    /// database file up to date so that erased content is gone from every file. Usage records stay.
    async fn purge(&self, now: Timestamp, keep: Duration) -> Result<Purged, StoreError>;

    /// Lets go of the database in an orderly way. Nothing may be asked of the store after.
    async fn close(&self);
}

/// See [`Store::recover`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Zero in an empty store.
    pub last_seq: u64,
    /// The highest id ever accepted.
    pub last_message: Option<MessageId>,
    /// Expired ones too, until they are purged.
    pub facts: Vec<Fact>,
    pub channels: Vec<Channel>,
}

/// A channel as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub id: ChannelId,
    pub name: SmolStr,
    pub kind: ChannelKind,
}

/// See [`Store::search`]. Empty is "all, newest first".
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// Digits as written by either side or in E.164 form without `+`, or the id of a messenger user.
    pub party: Option<SmolStr>,
    pub origin: Option<ChannelId>,
    /// Accepted at or after.
    pub from: Option<Timestamp>,
    /// Accepted before.
    pub until: Option<Timestamp>,
    /// Only messages older than this one: the last of the previous page.
    pub before: Option<MessageId>,
    /// At most [`Search::LIMIT_MAX`].
    pub limit: u32,
}

impl Search {
    pub const LIMIT_MAX: u32 = 1_000;
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search")
            .field("party", &self.party.as_ref().map(|party| model::Pii::new(party.as_str())))
            .field("origin", &self.origin)
            .field("from", &self.from)
            .field("until", &self.until)
            .field("before", &self.before)
            .field("limit", &self.limit)
            .finish()
    }
}

/// A usage record as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Ascends by one from record to record (R5).
    pub sequence: u64,
    /// The batch it was committed with.
    pub batch: u64,
    pub rating: Rating,
    pub record: UsageRecord,
}

/// What rating has made of a usage record so far (charging sheet §16, R3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rating {
    /// No tariff yet; rated when there is one.
    Suspended = 0,
    Rated = 1,
    ZeroRated = 2,
    NotChargeable = 3,
}

impl Rating {
    pub const ALL: [Self; 4] = [Self::Suspended, Self::Rated, Self::ZeroRated, Self::NotChargeable];
}

/// See [`Store::bounds`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounds {
    /// The oldest batch held; zero in an empty store.
    pub first_seq: u64,
    pub last_seq: u64,
    /// Where usage ends; zero when there is none.
    pub last_usage: u64,
    /// As [`Store::open_births`].
    pub open_births: Vec<u64>,
}

/// A batch as it stands in the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    pub seq: u64,
    pub at: Timestamp,
    /// Which opening of the store wrote it.
    pub epoch: u64,
    /// Without contents.
    pub entries: Vec<Entry>,
}

/// See [`Store::size`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreSize {
    /// Octets of the database on disk.
    pub octets: u64,
    /// Octets the file system can still take; unknown for a database elsewhere.
    pub free: Option<u64>,
    pub batches: u64,
    pub open_batches: u64,
    pub usage: u64,
    pub facts: u64,
}

/// See [`Store::purge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    pub batches: u64,
    pub facts: u64,
}
