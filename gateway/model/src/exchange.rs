//! What adapters and the engine say to each other. Everything travels in batches; one item is one of these.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::{
    Address, Cause, ChannelId, Content, Disposition, MessageId, Number, Pii, Receipt, Refusal, Submission,
    Timestamp, UpstreamId,
};

/// Where an answer goes: a session of an adapter, and that session's own token (an SMPP sequence number,
/// the index of a message in an HTTP request).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub session: SessionId,
    pub token: u64,
}

/// One live connection or request that waits for answers. Never reused within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// Something that happened outside.
#[derive(Debug, Clone)]
pub enum Inbound {
    /// A message for somebody. Answered after the commit.
    Submit { submission: Arc<Submission>, ticket: Ticket },
    /// How a hand-over ended. Every [`Outgoing`] gets exactly one.
    Outcome { attempt: AttemptId, outcome: Outcome },
    /// A receipt from the network behind `channel`. Answered after the commit when it has a ticket.
    Receipt { channel: ChannelId, receipt: Receipt, ticket: Option<Ticket> },
    /// A request about messages or identities.
    Command { command: Command, ticket: Ticket },
    /// How many hand-overs `channel` can hold unanswered from now on; zero while it is down.
    Room { channel: ChannelId, room: u32 },
    /// Whether somebody can be reached on `channel`. No answer; the newest word holds.
    Presence { channel: ChannelId, number: Pii<Number>, presence: Presence },
    /// What `channel` wants to find again after a restart, in its own words; without a value it is forgotten. Written
    /// down with the next commit, as far as there is room. No answer.
    Keep { channel: ChannelId, key: Bytes, value: Option<Bytes> },
    /// A fleeting event from `channel`, in its own words. No answer, never stored.
    Signal { channel: ChannelId, signal: Signal },
}

/// What a channel knows about a person, and for how long that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    /// Reached there now. What waited for it ([`crate::Retry::WhenReachable`]) is tried at once.
    Here { until: Timestamp },
    /// A user of the channel who is away.
    Away { until: Timestamp },
    /// No user of the channel.
    Nobody { until: Timestamp },
    /// Reached there now, at a handset that takes short messages as they are: octets that are no text, too.
    Handset { until: Timestamp },
}

impl Presence {
    /// Reached there now.
    #[must_use]
    pub const fn is_here(self) -> bool {
        matches!(self, Self::Here { .. } | Self::Handset { .. })
    }
}

/// What the engine did with an inbound item; released only after the commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Stored and metered.
    Accepted(MessageId),
    /// The same submission was accepted before, as this message.
    Duplicate(MessageId),
    Refused(Refusal),
    /// A receipt was applied, or was a harmless repetition.
    Taken,
    /// Where a message stands.
    Standing(Standing),
    /// Commands that change something.
    Done,
    /// How many messages a command touched.
    Count(u32),
    /// A number link was started or completed.
    Link(LinkAnswer),
    /// The message is not open: it ended long ago, or never was. Look it up in the store.
    NotOpen,
}

/// Where a message stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub message: MessageId,
    pub disposition: Disposition,
    pub cause: Option<Cause>,
    pub changed_at: Timestamp,
}

/// Requests about messages, identities and channels.
#[derive(Debug, Clone)]
pub enum Command {
    /// Where does this message of `origin` stand? With `from`, only if that was its sender.
    Query { origin: ChannelId, message: MessageId, from: Option<Pii<Number>> },
    /// Withdraw one message of `origin` that was not handed on yet.
    Cancel { origin: ChannelId, message: MessageId },
    /// Withdraw every waiting message of `origin` between these two (SMPP 3.4 §4.9).
    CancelMatching { origin: ChannelId, from: Pii<Number>, to: Pii<Number> },
    /// Put other content into a waiting message (SMPP 3.4 §4.10).
    Replace {
        origin: ChannelId,
        message: MessageId,
        content: Content,
        scheduled_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
    },
    /// Send a one-time code to `number` to link it to `user` of the messenger `origin`.
    LinkStart { origin: ChannelId, user: SmolStr, number: Pii<Number>, link: u64, code: u32 },
    /// Complete a link with the code the person typed.
    LinkVerify { origin: ChannelId, link: u64, code: u32 },
    /// End a link; a new epoch begins when the number is linked again.
    Unlink { origin: ChannelId, user: SmolStr },
    /// Record or withdraw consent of a number (advertising, night advertising).
    Consent { number: Pii<Number>, scope: ConsentScope, granted: bool },
    /// Stop or resume handing messages to a channel; the backlog is kept.
    Pause { channel: ChannelId, paused: bool },
}

/// What a person may agree to or refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConsentScope {
    /// Everything from businesses; refusal is the 080 opt-out.
    Business,
    Advertising,
    /// Advertising between 21:00 and 08:00.
    NightAdvertising,
}

/// A step of linking a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAnswer {
    pub link: u64,
    /// Set once verified: how many owners this number has had.
    pub epoch: Option<u32>,
    pub number: Pii<Number>,
    pub expires_at: Option<Timestamp>,
}

/// One hand-over that is under way. Opaque to adapters; echoed in the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttemptId {
    pub slot: u32,
    pub generation: u32,
}

/// Something to hand to a channel.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// A message. `from` and `to` are as this channel should show them: a messenger user without a number
    /// has got one from the pool here.
    Message(OutgoingMessage),
    /// A receipt for the network the message came from.
    Report(Report),
    /// Take a message back that was handed over and of which no receipt has come. The outcome is `Sent` when it
    /// will not be shown any more, refused with [`Cause::TooLate`] when it has arrived, and refused with another
    /// cause where it cannot be taken back.
    Revoke(OutgoingMessage),
    /// Typing and read marks: worth nothing when late, so they are never stored and have no outcome.
    Signal(Signal),
}

impl Outgoing {
    /// The hand-over whose outcome is awaited; fleeting signals have none.
    #[must_use]
    pub const fn attempt(&self) -> Option<AttemptId> {
        match self {
            Self::Message(message) | Self::Revoke(message) => Some(message.attempt),
            Self::Report(report) => Some(report.attempt),
            Self::Signal(_) => None,
        }
    }
}

/// A message on its way out.
#[derive(Debug, Clone)]
pub struct OutgoingMessage {
    pub attempt: AttemptId,
    pub message: MessageId,
    pub submission: Arc<Submission>,
    /// Differs from the submission's own where identities were translated.
    pub from: Option<Pii<Address>>,
    pub to: Option<Pii<Address>>,
    /// Concatenation reference, unlikely to repeat towards one destination within hours.
    pub concat_ref: u16,
    /// The network should be asked for a receipt.
    pub want_receipt: bool,
    /// An earlier attempt may have arrived: its answer was lost.
    pub possible_duplicate: bool,
}

/// A receipt on its way back to the sender.
#[derive(Debug, Clone)]
pub struct Report {
    pub attempt: AttemptId,
    pub message: MessageId,
    pub submission: Arc<Submission>,
    pub disposition: Disposition,
    pub cause: Option<Cause>,
    /// The network's own error code, verbatim.
    pub code: Option<SmolStr>,
    pub at: Timestamp,
    pub segments: u16,
    /// The message was read, not only delivered.
    pub displayed: bool,
    /// Still under way: an intermediate notification.
    pub intermediate: bool,
    /// What kind of network has it, where it was handed on.
    pub via: Option<crate::ChannelKind>,
}

/// A fleeting event between two people.
#[derive(Debug, Clone)]
pub struct Signal {
    pub from: Pii<Address>,
    pub to: Pii<Address>,
    pub kind: SignalKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalKind {
    Typing { on: bool },
}

/// How a hand-over ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Taken; one id per segment, in order. An empty list means taken, but receipts cannot be matched.
    Sent(SmallVec<[UpstreamId; 1]>),
    Refused(Refusal),
    /// The answer was lost; neither sent nor failed (invariant I6).
    Unknown,
}
