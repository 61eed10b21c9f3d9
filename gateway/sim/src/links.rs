//! The lines between the gateway and the others: up or down, and what is under way on them.

use model::{AttemptId, ChannelId, Command, MessageId, Outgoing, Receipt, Submission, Timestamp};

/// One side's connection to the gateway.
#[derive(Debug, Default, Clone)]
pub(crate) struct Line {
    pub(crate) up: bool,
    /// The session; another one after every reconnect.
    pub(crate) session: u64,
    /// A line delivers in order: nothing arrives before this.
    pub(crate) free: Timestamp,
    /// Hand-overs the engine was told it may have unanswered.
    pub(crate) room: u32,
    pub(crate) outstanding: u32,
    /// Requests to be made when the line is up again.
    pub(crate) waiting: Vec<usize>,
}

/// Something the gateway handed to a channel.
#[derive(Debug)]
pub(crate) struct HandOver {
    pub(crate) channel: ChannelId,
    pub(crate) process: u32,
    pub(crate) attempt: AttemptId,
    pub(crate) message: MessageId,
    pub(crate) outgoing: Outgoing,
    pub(crate) fate: Fate,
    /// Written to the line, and not lost on it.
    pub(crate) on_way: bool,
    /// The other side has seen it.
    pub(crate) reached: bool,
    /// It is known not to arrive any more: taken back, or given up by the network.
    pub(crate) void: bool,
}

/// What the channel has told the engine about a hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    Sent,
    /// Certainly failed.
    Refused,
    Lost,
    /// Nothing: the process died first.
    Dead,
}

/// Something asked of the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) channel: ChannelId,
    pub(crate) wish: Wish,
    /// In which session it was asked and not answered yet.
    pub(crate) asked: Option<u64>,
    pub(crate) tries: u8,
    /// Asked again when the answer is lost.
    pub(crate) insists: bool,
    pub(crate) done: bool,
    /// For a receipt: message and segment it is about, and whether the journal knew the id when it arrived.
    pub(crate) about: Option<(MessageId, u8)>,
    pub(crate) known: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Wish {
    Submit(Box<Submission>),
    Receipt(Receipt),
    Command(Command),
}

impl Request {
    pub(crate) const fn new(channel: ChannelId, wish: Wish, insists: bool) -> Self {
        Self { channel, wish, asked: None, tries: 0, insists, done: false, about: None, known: false }
    }
}
