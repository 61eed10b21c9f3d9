//! `[limits]`: how much of everything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Octets, Period};

/// How much of everything. Over a limit the sender is told so in its own protocol, and nothing grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Messages that have not ended, on disk. Advertising and transactional messages are refused at four
    /// fifths of it, people at nineteen twentieths, one-time passwords at the end.
    #[schemars(range(min = 100, max = 1_000_000_000))]
    pub open_messages_max: u64,
    /// Messages kept decoded in memory; the rest of the backlog waits on disk.
    #[schemars(range(min = 100, max = 10_000_000))]
    pub hot_messages_max: u64,
    /// Batches that were read from connections and wait for the engine. When it is reached, connections are not
    /// read.
    #[schemars(range(min = 1, max = 65_536))]
    pub intake_batches_max: u32,
    /// A commit begins at this many transitions; while one is under way, up to four times as many gather for the
    /// next …
    #[schemars(range(min = 1, max = 65_536))]
    pub batch_messages_max: u32,
    /// … or this long after the one before.
    pub batch_delay: Period,
    /// Idempotency keys, and ids of RCS messages, that are remembered; beyond it the oldest are forgotten before
    /// `policy.idempotency_window` is over. Each takes about 100 octets of memory.
    #[schemars(range(max = 100_000_000))]
    pub idempotency_keys_max: u32,
    /// Receipts that came before the answer they belong to.
    #[schemars(range(max = 10_000_000))]
    pub early_receipts_max: u32,
    /// How long they wait for it.
    pub early_receipt_wait: Period,
    /// Long messages of phones whose segments are not complete.
    #[schemars(range(max = 10_000_000))]
    pub reassembly_max: u32,
    /// How long they wait for the rest.
    pub reassembly_wait: Period,
    /// The text of one message.
    pub text_octets_max: Octets,
    /// How long a stop waits for what is in flight.
    pub drain: Period,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open_messages_max: 5_000_000,
            hot_messages_max: 65_536,
            intake_batches_max: 64,
            batch_messages_max: 512,
            batch_delay: Period::from_millis(2),
            idempotency_keys_max: 1_000_000,
            early_receipts_max: 10_000,
            early_receipt_wait: Period::from_secs(60),
            reassembly_max: 100_000,
            reassembly_wait: Period::from_mins(30),
            text_octets_max: Octets::new(16_384),
            drain: Period::from_secs(30),
        }
    }
}
