//! The book kept beside the gateway: every committed batch is folded again, by rules of its own, and
//! compared with what the batch says.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use billing::{ChargeAt, Meter, Metered, UsageEvent, UsageKey, UsageRecord};
use engine::journal::{Accepted, Batch, Entry, Event};
use model::{
    Address, Answer, ChannelId, Class, Content, Disposition, MessageId, Pii, ReceiptState, Retry, Submission,
    Timestamp, UpstreamId,
};

use crate::violation::{Found, Invariant, ensure};

/// What is known for certain about all messages.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) lives: BTreeMap<MessageId, Life>,
    usage: HashSet<UsageKey>,
    pub(crate) accepted: u64,
    pub(crate) finals: BTreeMap<Disposition, u64>,
    pub(crate) usage_records: u64,
    pub(crate) answers_lost: u64,
    pub(crate) rerouted: u64,
    /// Channels told the engine of a lost answer; the journal is still to say so (I6).
    pub(crate) lost: Vec<MessageId>,
    /// Idempotency keys and what they became.
    keys: HashMap<(ChannelId, String), (MessageId, Content)>,
}

/// What keeps its order towards one channel. Classes overtake each other by design: by their lanes, and
/// advertising waits for the morning.
pub(crate) type Flow = (Pii<Address>, Pii<Address>, Class);

/// One message by the committed journal.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) accepted: Arc<Accepted>,
    pub(crate) content: Content,
    pub(crate) expires_at: Timestamp,
    metered: Metered,
    leg: u8,
    pub(crate) channel: ChannelId,
    stage: Stage,
    /// Upstream ids of the hand-over that the network took.
    pub(crate) parts: Vec<UpstreamId>,
    /// Segments with a final receipt.
    pub(crate) receipted: HashSet<u8>,
    pub(crate) end: Option<Disposition>,
    /// Replaced, joined, scheduled or rerouted: its place in the order is not that of its acceptance.
    pub(crate) displaced: bool,
    pub(crate) ever_lost: bool,
    /// When the next attempt is to be made.
    pub(crate) due: Option<Timestamp>,
    /// A replacement came with a schedule of its own.
    replaced_later: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Sent,
    Unknown,
    Ended,
    Reported,
}

impl Book {
    /// Takes a batch that has become durable.
    pub(crate) fn commit(&mut self, batch: &Batch) -> Result<(), Found> {
        let contents: HashMap<MessageId, &Content> =
            batch.contents.iter().map(|(message, content)| (*message, content)).collect();
        let mut implied: BTreeMap<UsageKey, UsageRecord> = BTreeMap::new();
        for entry in &batch.entries {
            let record = self.entry(entry, contents.get(&entry.message).copied())?;
            if let Some(record) = record {
                implied.insert(record.key, record);
            }
        }
        for record in &batch.usage {
            ensure(self.usage.insert(record.key), Invariant::UsageOnce, || {
                format!("a second {} record of one message", record.key.event.as_str())
            })?;
            let expected = implied.remove(&record.key);
            ensure(expected.as_ref() == Some(record), Invariant::UsageOnce, || {
                format!("a {} record is not what the journal implies", record.key.event.as_str())
            })?;
        }
        self.usage_records += batch.usage.len() as u64;
        ensure(implied.is_empty(), Invariant::UsageOnce, || {
            format!("batch {} implies {} usage records more than it has", batch.seq, implied.len())
        })
    }

    fn entry(&mut self, entry: &Entry, content: Option<&Content>) -> Result<Option<UsageRecord>, Found> {
        if let Event::Accepted(accepted) = &entry.event {
            return self.accept(entry, accepted, content);
        }
        let Some(life) = self.lives.get_mut(&entry.message) else {
            return Err((Invariant::OneEnd, "an entry about a message that was never accepted".into()));
        };
        life.forward(entry)?;
        match &entry.event {
            Event::Sent { channel, parts } => {
                life.channel = *channel;
                life.parts = parts.to_vec();
            }
            Event::Deferred { due, refusal, .. } => {
                // Whoever is away is waited for, and not for a moment.
                life.due = (refusal.retry != Retry::WhenReachable).then_some(*due);
            }
            Event::AnswerLost { .. } => {
                life.ever_lost = true;
                self.answers_lost += 1;
                if let Some(at) = self.lost.iter().position(|lost| *lost == entry.message) {
                    self.lost.swap_remove(at);
                }
            }
            Event::Rerouted { leg, channel, .. } => {
                ensure(*leg > life.leg, Invariant::CertainFallback, || {
                    format!("from leg {} to leg {leg} of the plan", life.leg)
                })?;
                life.leg = *leg;
                life.channel = *channel;
                life.displaced = true;
                life.due = None;
                self.rerouted += 1;
            }
            Event::Receipt { part, state, .. } => life.receipt(*part, *state),
            Event::Replaced { expires_at, metered, scheduled_at } => {
                if scheduled_at.is_some() {
                    life.replaced_later = true;
                    life.due = None;
                }
                life.metered = *metered;
                life.expires_at = *expires_at;
                life.replace(content);
            }
            Event::Joined { .. } => life.replace(content),
            Event::Final { disposition, cause } => {
                life.end = Some(*disposition);
                *self.finals.entry(*disposition).or_default() += 1;
                return Ok(life.meter(entry.message).ended(entry.at, *disposition, *cause));
            }
            _ => {}
        }
        Ok(None)
    }

    fn accept(
        &mut self,
        entry: &Entry,
        accepted: &Arc<Accepted>,
        content: Option<&Content>,
    ) -> Result<Option<UsageRecord>, Found> {
        let newest = self.lives.last_key_value().map(|(message, _)| *message);
        ensure(newest < Some(entry.message), Invariant::OneEnd, || {
            "a message is accepted twice, or with an id that does not ascend".into()
        })?;
        let submission = &accepted.submission;
        let life = Life {
            accepted: accepted.clone(),
            content: content.cloned().unwrap_or_default(),
            expires_at: accepted.expires_at,
            metered: accepted.metered,
            leg: 0,
            channel: accepted.first_leg().unwrap_or(submission.origin),
            stage: Stage::Waiting,
            parts: Vec::new(),
            receipted: HashSet::new(),
            end: None,
            displaced: submission.part.is_some(),
            ever_lost: false,
            due: None,
            replaced_later: false,
        };
        let record = life.meter(entry.message).accepted(entry.at);
        self.accepted += 1;
        self.lives.insert(entry.message, life);
        Ok(record)
    }

    pub(crate) fn open(&self) -> u64 {
        self.accepted - self.finals.values().sum::<u64>()
    }

    /// I1: may this answer be given now?
    pub(crate) fn answered(&self, answer: &Answer) -> Result<(), Found> {
        let (Answer::Accepted(message) | Answer::Duplicate(message)) = answer else { return Ok(()) };
        let Some(life) = self.lives.get(message) else {
            return Err((Invariant::AnswerAfterCommit, "the message is not in a committed batch".into()));
        };
        let key = UsageKey { message: *message, leg: 0, event: UsageEvent::Submit };
        let metered = life.metered.charge_at == ChargeAt::Delivery || self.usage.contains(&key);
        ensure(metered, Invariant::AnswerAfterCommit, || "its usage record is not committed".into())
    }

    /// The same key with the same body is the same message; with another body it is refused.
    pub(crate) fn keyed(&mut self, submission: &Submission, answer: &Answer) -> Result<(), Found> {
        let (Answer::Accepted(message) | Answer::Duplicate(message)) = answer else { return Ok(()) };
        let Some(key) = &submission.idempotency_key else { return Ok(()) };
        let first = self
            .keys
            .entry((submission.origin, key.to_string()))
            .or_insert_with(|| (*message, submission.content.clone()));
        ensure(first.0 == *message, Invariant::Answers, || "one idempotency key became two messages".into())?;
        ensure(first.1 == submission.content, Invariant::Answers, || {
            "one idempotency key was taken for two bodies".into()
        })
    }
}

impl Life {
    fn meter(&self, message: MessageId) -> Meter {
        let Self { leg, channel, metered, .. } = *self;
        let submission = &self.accepted.submission;
        Meter { message, leg, origin: submission.origin, channel, class: submission.class, metered }
    }

    fn replace(&mut self, content: Option<&Content>) {
        self.displaced = true;
        if let Some(content) = content {
            self.content = content.clone();
        }
    }

    fn receipt(&mut self, part: u8, state: ReceiptState) {
        if state.disposition().is_some() {
            self.receipted.insert(part);
        }
    }

    /// I2 and I4: what may follow what.
    fn forward(&mut self, entry: &Entry) -> Result<(), Found> {
        use Stage::{Ended, Reported, Sent, Unknown, Waiting};
        let to = match (self.stage, &entry.event) {
            (Waiting | Unknown, Event::Sent { .. }) => Sent,
            (Waiting | Unknown, Event::Deferred { .. } | Event::Rerouted { .. }) => Waiting,
            (Waiting | Unknown, Event::AnswerLost { .. }) => Unknown,
            (Waiting, Event::Joined { .. }) => Waiting,
            (stage @ (Waiting | Unknown), Event::Replaced { .. }) => stage,
            (stage @ (Sent | Unknown), Event::Receipt { .. }) => stage,
            (Waiting | Sent | Unknown, Event::Final { .. }) => Ended,
            (stage @ (Ended | Reported), Event::LateReceipt { .. }) => stage,
            (Ended, Event::ReportDeferred { .. }) => Ended,
            (Ended, Event::Reported { .. }) => Reported,
            (Ended | Reported, Event::Final { .. }) => {
                return Err((Invariant::OneEnd, "a second final state".into()));
            }
            (stage, event) => {
                return Err((Invariant::Forward, format!("{stage:?}, then {}", kind(event))));
            }
        };
        self.stage = to;
        Ok(())
    }

    /// Its last answer was lost, as far as the journal knows.
    pub(crate) fn is_unknown(&self) -> bool {
        self.stage == Stage::Unknown
    }

    /// It should have been handed over by now, if nothing is wrong outside and nothing holds it.
    pub(crate) fn is_stuck(&self, now: Timestamp, waits_for_receipt: bool) -> bool {
        let submission = &self.accepted.submission;
        let night = submission.class == Class::Advertising;
        let held = self.due.is_some_and(|due| due > now)
            || submission.scheduled_at.is_some()
            || submission.part.is_some()
            || self.replaced_later;
        match self.stage {
            Stage::Waiting => !held && !night,
            Stage::Unknown => !waits_for_receipt && !night,
            _ => false,
        }
    }

    /// Who writes to whom, and why, for the order.
    pub(crate) fn flow(&self) -> Flow {
        let submission = &self.accepted.submission;
        (submission.from.clone(), submission.to.clone(), submission.class)
    }
}

pub(crate) const fn kind(event: &Event) -> &'static str {
    match event {
        Event::Accepted(_) => "accepted",
        Event::Sent { .. } => "sent",
        Event::Deferred { .. } => "deferred",
        Event::AnswerLost { .. } => "answer lost",
        Event::Rerouted { .. } => "rerouted",
        Event::Receipt { .. } => "receipt",
        Event::LateReceipt { .. } => "late receipt",
        Event::Replaced { .. } => "replaced",
        Event::Joined { .. } => "joined",
        Event::Final { .. } => "final",
        Event::ReportDeferred { .. } => "report deferred",
        Event::Reported { .. } => "reported",
    }
}
