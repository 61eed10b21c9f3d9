//! The book kept beside the gateway: every committed batch is folded again, by rules of its own, and
//! compared with what the batch says.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use billing::{ChargeAt, Meter, Metered, UsageEvent, UsageKey, UsageOutcome, UsageRecord};
use engine::{
    Policy,
    journal::{Accepted, Batch, Entry, Event},
};
use model::{
    Address, Answer, Cause, ChannelId, Class, Content, Disposition, Duration, MessageId, Pii, ReceiptState,
    Retry, Submission, Timestamp, UpstreamId,
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
    pub(crate) late: u64,
    pub(crate) taken_back: u64,
    pub(crate) displayed: u64,
    /// What is charged for each message, reversals taken off.
    charges: HashMap<MessageId, i32>,
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
    scheduled_at: Option<Timestamp>,
    /// The leg before this one.
    pub(crate) left: Option<Left>,
    /// What became of taking it back from this leg.
    revocation: Option<Option<Cause>>,
    /// The network of this leg said that it cannot deliver.
    failed: bool,
    /// Its last answer was lost.
    unknown: bool,
    /// Receipts of earlier legs, or after the end.
    pub(crate) late: u32,
    displayed: bool,
    told_displayed: bool,
    stage: Stage,
    /// Upstream ids of the hand-over that the network of this leg took.
    pub(crate) parts: Vec<UpstreamId>,
    /// Those of earlier legs.
    pub(crate) earlier: Vec<(ChannelId, UpstreamId)>,
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

/// A leg that was left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    pub(crate) channel: ChannelId,
    pub(crate) leg: u8,
    pub(crate) revocation: Option<Option<Cause>>,
    pub(crate) failed: bool,
    /// Its answer was lost, and has not come since.
    pub(crate) unknown: bool,
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
            let records = self.entry(entry, contents.get(&entry.message).copied())?;
            implied.extend(records.into_iter().map(|record| (record.key, record)));
        }
        for record in &batch.usage {
            ensure(self.usage.insert(record.key), Invariant::UsageOnce, || {
                format!("a second {} record of one message", record.key.event.as_str())
            })?;
            let expected = implied.remove(&record.key);
            ensure(expected.as_ref() == Some(record), Invariant::UsageOnce, || {
                format!("a {} record is not what the journal implies", record.key.event.as_str())
            })?;
            let charges = self.charges.entry(record.key.message).or_default();
            *charges += match (record.key.event, record.outcome) {
                (UsageEvent::Reversal, _) => -1,
                (UsageEvent::Deliver, UsageOutcome::Replaced) => 0,
                (UsageEvent::Submit | UsageEvent::Deliver, _) => 1,
            };
        }
        self.usage_records += batch.usage.len() as u64;
        ensure(implied.is_empty(), Invariant::UsageOnce, || {
            format!("batch {} implies {} usage records more than it has", batch.seq, implied.len())
        })
    }

    fn entry(&mut self, entry: &Entry, content: Option<&Content>) -> Result<Vec<UsageRecord>, Found> {
        if let Event::Accepted(accepted) = &entry.event {
            return self.accept(entry, accepted, content).map(|record| record.into_iter().collect());
        }
        let Some(life) = self.lives.get_mut(&entry.message) else {
            return Err((Invariant::OneEnd, "an entry about a message that was never accepted".into()));
        };
        life.forward(entry)?;
        match &entry.event {
            Event::Sent { channel, parts } => {
                life.channel = *channel;
                life.parts = parts.to_vec();
                life.unknown = false;
                life.revocation = None;
            }
            Event::Deferred { due, refusal, .. } => {
                // Whoever is away is waited for, and not for a moment.
                life.due = (refusal.retry != Retry::WhenReachable).then_some(*due);
            }
            Event::AnswerLost { .. } => {
                life.ever_lost = true;
                life.unknown = true;
                self.answers_lost += 1;
                if let Some(at) = self.lost.iter().position(|lost| *lost == entry.message) {
                    self.lost.swap_remove(at);
                }
            }
            Event::Rerouted { leg, channel, because, metered } => {
                ensure(*leg > life.leg, Invariant::CertainFallback, || {
                    format!("from leg {} to leg {leg} of the plan", life.leg)
                })?;
                let replaced = metered.map(|_| life.meter(entry.message).replaced(entry.at, *because));
                life.left = Some(Left {
                    channel: life.channel,
                    leg: life.leg,
                    revocation: life.revocation.take(),
                    failed: std::mem::take(&mut life.failed),
                    unknown: std::mem::take(&mut life.unknown),
                });
                let parts = std::mem::take(&mut life.parts);
                life.earlier.extend(parts.into_iter().map(|id| (life.channel, id)));
                life.leg = *leg;
                life.channel = *channel;
                life.displaced = true;
                life.due = None;
                self.rerouted += 1;
                if let Some(metered) = metered {
                    life.metered = *metered;
                    let taken_over = life.meter(entry.message).accepted(entry.at);
                    return Ok(replaced.into_iter().chain(taken_over).collect());
                }
            }
            Event::Revocation { refused, .. } => {
                life.revocation = Some(*refused);
                self.taken_back += u64::from(refused.is_none());
            }
            Event::LateReceipt { .. } => {
                life.late += 1;
                self.late += 1;
            }
            Event::Displayed => {
                ensure(life.end == Some(Disposition::Delivered), Invariant::Forward, || {
                    "displayed and not delivered".into()
                })?;
                life.displayed = true;
                life.told_displayed = false;
                self.displayed += 1;
            }
            Event::Reported { displayed, given_up } => {
                life.told_displayed |= *displayed || *given_up;
            }
            Event::Receipt { part, state, .. } => life.receipt(*part, *state),
            Event::Replaced { expires_at, metered, scheduled_at } => {
                if scheduled_at.is_some() {
                    life.scheduled_at = *scheduled_at;
                    life.replaced_later = true;
                    life.due = None;
                }
                life.metered = *metered;
                life.expires_at = *expires_at;
                life.replace(content);
            }
            Event::Joined { .. } => life.replace(content),
            Event::Final { disposition, cause, .. } => {
                life.end = Some(*disposition);
                *self.finals.entry(*disposition).or_default() += 1;
                let record = life.meter(entry.message).ended(entry.at, *disposition, *cause);
                return Ok(record.into_iter().collect());
            }
            Event::Accepted(_) | Event::Unread => {}
        }
        Ok(Vec::new())
    }

    /// I3 at the end: whoever got a message is charged for it once, whichever way it took.
    pub(crate) fn charged_once(&self) -> Result<(), Found> {
        for (message, life) in &self.lives {
            let charges = self.charges.get(message).copied().unwrap_or_default();
            let success = life.end.is_some_and(Disposition::is_success);
            ensure(charges == 1 || (!success && charges == 0), Invariant::UsageOnce, || {
                format!("{message} is charged {charges} times in the end")
            })?;
        }
        Ok(())
    }

    /// Who wants to know that a message was seen, and whose message was, has been told.
    pub(crate) fn displays_told(&self) -> Result<(), Found> {
        for (message, life) in &self.lives {
            let wanted = life.accepted.submission.receipts.displayed && life.displayed;
            ensure(!wanted || life.told_displayed, Invariant::Answers, || {
                format!("{message} was seen, and its sender was not told")
            })?;
        }
        Ok(())
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
            left: None,
            scheduled_at: submission.scheduled_at,
            unknown: false,
            revocation: None,
            failed: false,
            late: 0,
            displayed: false,
            told_displayed: false,
            channel: accepted.first_leg().unwrap_or(submission.origin),
            stage: Stage::Waiting,
            parts: Vec::new(),
            earlier: Vec::new(),
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
    fn meter(&self, message: MessageId) -> Meter<'_> {
        let Self { channel, metered, .. } = *self;
        let submission = &self.accepted.submission;
        let (origin, class) = (submission.origin, submission.class);
        Meter { message, origin, channel, class, metered, charging_id: submission.charging_id.as_ref() }
    }

    /// Until when this leg may have the message.
    pub(crate) fn leg_end(&self, policy: &Policy, channel: ChannelId, leg: u8) -> Option<Timestamp> {
        self.accepted.plan.legs.get(usize::from(leg) + 1)?;
        let wait = policy.channel(channel)?.leg_wait?;
        let received = self.accepted.submission.received_at;
        Some(self.scheduled_at.unwrap_or(received).max(received) + wait)
    }

    /// The network has it, and its leg's time has long been over.
    pub(crate) fn is_forgotten(&self, policy: &Policy, now: Timestamp) -> bool {
        let end = self.leg_end(policy, self.channel, self.leg);
        self.stage == Stage::Sent
            && self.revocation.is_none()
            && !self.replaced_later
            && end.is_some_and(|end| now.since(end) > Duration::from_secs(120))
    }

    fn replace(&mut self, content: Option<&Content>) {
        self.displaced = true;
        if let Some(content) = content {
            self.content = content.clone();
        }
    }

    fn receipt(&mut self, part: u8, state: ReceiptState) {
        // What is seen has arrived, and the one receipt says both.
        self.displayed |= state == ReceiptState::Displayed;
        if let Some(disposition) = state.disposition() {
            self.receipted.insert(part);
            self.failed |= !disposition.is_success();
        }
    }

    /// I2 and I4: what may follow what.
    fn forward(&mut self, entry: &Entry) -> Result<(), Found> {
        use Stage::{Ended, Reported, Sent, Unknown, Waiting};
        let to = match (self.stage, &entry.event) {
            (Waiting | Unknown, Event::Sent { .. }) => Sent,
            (Waiting | Unknown, Event::Deferred { .. }) => Waiting,
            (Waiting | Sent | Unknown, Event::Rerouted { .. }) => Waiting,
            (stage @ (Sent | Unknown), Event::Revocation { .. }) => stage,
            // Its answer was lost and came while it was being taken back.
            (Sent, Event::Deferred { .. }) if self.ever_lost => Waiting,
            (Waiting | Unknown, Event::AnswerLost { .. }) => Unknown,
            (Waiting, Event::Joined { .. }) => Waiting,
            (stage @ (Waiting | Unknown), Event::Replaced { .. }) => stage,
            (stage @ (Sent | Unknown), Event::Receipt { .. }) => stage,
            (Waiting | Sent | Unknown, Event::Final { .. }) => Ended,
            (stage, Event::LateReceipt { .. }) => stage,
            (stage @ (Ended | Reported), Event::Displayed) if !self.displayed => stage,
            (Ended | Reported, Event::Unread) if !self.displayed => Reported,
            (Ended, Event::Reported { .. }) => Reported,
            // Once more, to say that it was seen.
            (Reported, Event::Reported { .. }) if self.displayed && !self.told_displayed => Reported,
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
            Stage::Unknown => !waits_for_receipt && !night && self.revocation.is_none(),
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
        Event::Revocation { .. } => "revocation",
        Event::Displayed => "displayed",
        Event::Unread => "not displayed in time",
        Event::Reported { .. } => "reported",
    }
}
