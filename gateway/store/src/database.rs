//! What a database does for a store: rows in, rows out. What they mean is decided above, once.

use async_trait::async_trait;
use engine::journal::Fact;
use model::{ChannelId, ChannelKind, MessageId, Timestamp};

use crate::{Bounds, Channel, Purged, StoreError, StoreSize, UsageRow, prepared::Prepared};

#[async_trait]
pub(crate) trait Database: Send + Sync {
    async fn write(&self, prepared: Prepared) -> Result<(), StoreError>;
    async fn bounds(&self) -> Result<Bounds, StoreError>;
    async fn open_births(&self) -> Result<Vec<u64>, StoreError>;
    /// Batches in order from after `after`.
    async fn rows_after(&self, after: u64, limit: u32) -> Result<Vec<Row>, StoreError>;
    /// These batches as far as they exist, in order.
    async fn rows(&self, seqs: &[u64]) -> Result<Vec<Row>, StoreError>;
    /// The newest batch that accepted a message.
    async fn last_accepting(&self) -> Result<Option<Row>, StoreError>;
    /// Batches that accepted messages, newest first, by their first id.
    async fn accepting(&self, page: &Page) -> Result<Vec<Row>, StoreError>;
    /// The only batch in which this message can have been accepted.
    async fn birth(&self, message: MessageId) -> Result<Option<u64>, StoreError>;
    /// Later batches that speak of messages born in these, ascending, each once.
    async fn touches(&self, births: &[u64]) -> Result<Vec<u64>, StoreError>;
    /// Contents held for these births, oldest first within a birth.
    async fn contents(&self, births: &[u64]) -> Result<Vec<Held>, StoreError>;
    async fn usage(
        &self,
        after: u64,
        limit: u32,
        origin: Option<ChannelId>,
    ) -> Result<Vec<UsageRow>, StoreError>;
    async fn facts(&self) -> Result<Vec<Fact>, StoreError>;
    async fn channels(&self) -> Result<Vec<Channel>, StoreError>;
    async fn channel_id(&self, name: &str, kind: ChannelKind) -> Result<Channel, StoreError>;
    async fn secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError>;
    async fn size(&self) -> Result<StoreSize, StoreError>;
    async fn purge(&self, now: Timestamp, before: Timestamp) -> Result<Purged, StoreError>;
    async fn close(&self);
}

/// A row of the journal.
pub(crate) struct Row {
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) epoch: u64,
    pub(crate) first_accepted: Option<MessageId>,
    pub(crate) digest: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

/// Contents as they are held.
pub(crate) struct Held {
    pub(crate) birth: u64,
    /// The batch named in case of damage.
    pub(crate) octets: Vec<u8>,
}

/// A page of batches that accepted messages.
pub(crate) struct Page {
    /// Ids from here on.
    pub(crate) from: MessageId,
    /// Batches whose first id is below this.
    pub(crate) below: i64,
    pub(crate) party: Option<[u8; 4]>,
    pub(crate) limit: u32,
}
