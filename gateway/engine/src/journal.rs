//! The journal: what happened to messages, in order. State is a fold over it.

use std::sync::Arc;

use billing::{Meter, Metered, UsageRecord};
use model::{
    Address, Cause, ChannelId, Content, Disposition, MessageId, Pii, ReceiptState, Refusal, Submission,
    Timestamp, UpstreamId,
};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use smol_str::SmolStr;

/// One step in the life of one message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub message: MessageId,
    pub at: Timestamp,
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Stored, planned and metered; the positive answer follows.
    Accepted(Arc<Accepted>),
    /// The channel took it; one upstream id per segment.
    Sent { channel: ChannelId, parts: SmallVec<[UpstreamId; 1]> },
    /// An attempt failed; the next is due then.
    Deferred { channel: ChannelId, refusal: Refusal, due: Timestamp },
    /// The answer to an attempt was lost; what the policy says is done then.
    AnswerLost { channel: ChannelId, due: Timestamp },
    /// The plan moved on to a later channel. Where that costs something else, what was metered is replaced.
    Rerouted { leg: u8, channel: ChannelId, because: Cause, metered: Option<Metered> },
    /// The channel was asked to take the message back: it will not be shown any more, or the reason why it may be.
    Revocation { channel: ChannelId, refused: Option<Cause> },
    /// The network behind the channel said something about a segment.
    Receipt { part: u8, state: ReceiptState, code: Option<SmolStr> },
    /// Something came back from an earlier hand-over when the message had ended or gone another way: counted,
    /// not applied (invariants I4 and I5).
    LateReceipt { channel: ChannelId, state: ReceiptState },
    /// The content was replaced by its sender; the new content is stored with this entry.
    Replaced { scheduled_at: Option<Timestamp>, expires_at: Timestamp, metered: Metered },
    /// Segments that came one by one were joined; the joined content is stored with this entry, and the
    /// other segments ended as handed over.
    Joined { parts: u8 },
    /// The end, and the channel that had the message then: where it was delivered, that one did it.
    Final { disposition: Disposition, cause: Option<Cause>, channel: Option<ChannelId> },
    /// After its end: a person has seen it.
    Displayed,
    /// Nobody has seen it in time; that is not awaited any more.
    Unread,
    /// The sender has the report, which said that it was seen or did not, or it was given up.
    Reported { given_up: bool, displayed: bool },
}

/// Everything decided at acceptance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// Without its content when read back from the journal; see [`Batch::contents`].
    pub submission: Arc<Submission>,
    pub plan: Plan,
    pub metered: Metered,
    pub expires_at: Timestamp,
}

/// The ordered ways to the recipient. The first leg is tried first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub legs: SmallVec<[ChannelId; 2]>,
    /// Who the recipient sees, where that differs from the submission (pool numbers, linked numbers).
    pub from: Option<Pii<Address>>,
    /// Who the channel addresses, where that differs.
    pub to: Option<Pii<Address>>,
}

/// What one commit makes durable: complete and indivisible.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Ascends by one with every commit of a store, from 1.
    pub seq: u64,
    pub at: Timestamp,
    pub entries: Vec<Entry>,
    /// Content of the messages accepted here, and of those replaced or joined here.
    pub contents: Vec<(MessageId, Content)>,
    pub usage: Vec<UsageRecord>,
    pub facts: Vec<FactChange>,
    /// Earlier batches whose messages these entries speak of, ascending, without this batch itself. This
    /// sparse index is all it takes to find the life of any message again.
    pub touches: Vec<u64>,
    /// Batches whose messages have all ended: their content is erased.
    pub erase: Vec<u64>,
    /// Batches of which nothing is open any more, reports included.
    pub close: Vec<u64>,
}

impl Accepted {
    /// Meters the message on this channel, as it is metered now.
    #[must_use]
    pub fn meter(&self, message: MessageId, channel: ChannelId) -> Meter<'_> {
        let submission = &self.submission;
        Meter {
            message,
            origin: submission.origin,
            channel,
            class: submission.class,
            metered: self.metered,
            charging_id: submission.charging_id.as_ref(),
        }
    }
}

impl Batch {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.facts.is_empty()
    }

    /// The lowest id accepted in this batch.
    #[must_use]
    pub fn first_accepted(&self) -> Option<MessageId> {
        self.entries.iter().find(|e| matches!(e.event, Event::Accepted(_))).map(|e| e.message)
    }
}

/// Small standing knowledge beside messages: links, leases of pool numbers, consent, one-time codes,
/// idempotency keys, paused channels, presence, what channels keep. Changed only together with the entries that cause it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactChange {
    pub kind: FactKind,
    pub key: Vec<u8>,
    /// `None` forgets it.
    pub value: Option<Vec<u8>>,
    /// Forgotten by itself after this.
    pub expires_at: Option<Timestamp>,
}

/// A fact as recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub kind: FactKind,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    pub expires_at: Option<Timestamp>,
}

impl Fact {
    /// What a channel had kept: which channel, and under what key. `None` for other facts.
    #[must_use]
    pub fn kept(&self) -> Option<(ChannelId, &[u8])> {
        let (channel, key) = self.key.split_first_chunk().filter(|_| self.kind == FactKind::Kept)?;
        Some((ChannelId(u16::from_be_bytes(*channel)), key))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum FactKind {
    /// (messenger, user) -> number and epoch.
    Link = 1,
    /// number -> how many owners it has had.
    Epoch = 2,
    /// (number) -> a one-time code under way.
    Challenge = 3,
    /// (pool number, recipient) -> messenger user.
    Lease = 4,
    /// (number, scope) -> granted or refused, when.
    Consent = 5,
    /// (channel, idempotency key) -> message and digest of the body.
    Idempotency = 6,
    /// channel -> paused by an operator.
    Paused = 7,
    /// (channel, number) -> reached there, away, or nobody there.
    Presence = 8,
    /// (channel, key) -> what the channel keeps there.
    Kept = 9,
}

impl FactKind {
    pub const ALL: [Self; 9] = [
        Self::Link,
        Self::Epoch,
        Self::Challenge,
        Self::Lease,
        Self::Consent,
        Self::Idempotency,
        Self::Paused,
        Self::Presence,
        Self::Kept,
    ];
}

/// One batch as read back: the entries of messages born in it, here and in every later batch that touches
/// it, in order, and their contents as far as they are still held.
#[derive(Debug, Clone, PartialEq)]
pub struct Chapter {
    pub birth: u64,
    pub entries: Vec<Entry>,
    pub contents: Vec<(MessageId, Content)>,
}
