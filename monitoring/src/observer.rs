//! The observer: committed batches become counters and log lines (invariant I12).
//!
//! It runs once per commit, on the path of every message, so it counts a batch in plain integers and adds
//! each child once at the end.

mod narrate;
mod tally;
mod waiting;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use engine::journal::{Accepted, Batch, Entry, Event};
use model::{Cause, Disposition, MessageId};

use crate::{
    Registry,
    label::{AttemptEnd, CauseClass, End, Label, Transition},
    registry::{Channels, count},
};
use tally::Tally;

/// Fed with committed batches, in order, by whoever commits.
pub struct Observer {
    registry: Arc<Registry>,
    tally: Mutex<Tally>,
}

impl Observer {
    #[must_use]
    pub fn new(registry: Arc<Registry>) -> Self {
        let tally = Mutex::new(Tally::new(&registry.metrics));
        Self { registry, tally }
    }

    /// The batch is durable; committing it took this long. Answers may be released before or after.
    pub fn committed(&self, batch: &Batch, took: Duration) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let channels = self.registry.channels();
        tally.begin(channels.len());
        Counting { tally: &mut tally, channels: &channels, batch, took, usage_at: 0, receipt_for: None }
            .run();
        tally.flush(&self.registry.metrics, &channels);

        let metrics = &self.registry.metrics;
        metrics.journal_batch_rows.observe(f64::from(u32::try_from(batch.entries.len()).unwrap_or(u32::MAX)));
        metrics.journal_append.observe(took.as_secs_f64());
        metrics.journal_seq.set(count(batch.seq));
        narrate::batch(batch, took, &channels);
    }
}

impl Observer {
    /// What the engine counted beside transitions since the last call, and what waits now; about once a second.
    pub fn core(&self, tally: &engine::Tally, depths: &[engine::Depth]) {
        let metrics = &self.registry.metrics;
        metrics.receipts_unmatched.inc_by(tally.unmatched_receipts);
        metrics.outcomes_stale.inc_by(tally.stale_outcomes);
        metrics.duplicates.inc_by(tally.duplicates);
        for (child, refused) in metrics.messages_rejected.children().iter().zip(tally.refused) {
            child.inc_by(refused);
        }
        let channels = self.registry.channels();
        for depth in depths {
            channels.get(depth.channel).depth(depth);
        }
    }
}

/// One batch being counted.
struct Counting<'a> {
    tally: &'a mut Tally,
    channels: &'a Channels,
    batch: &'a Batch,
    took: Duration,
    /// Usage records stand in the order of the entries that caused them, so each search goes on from the last.
    usage_at: usize,
    /// The message whose receipt was the last entry: an end right after it came from that receipt.
    receipt_for: Option<MessageId>,
}

impl Counting<'_> {
    fn run(&mut self) {
        for entry in &self.batch.entries {
            self.entry(entry);
        }
        for record in &self.batch.usage {
            self.tally.usage(record);
        }
        for change in &self.batch.facts {
            self.tally.fact(change);
        }
    }

    fn entry(&mut self, entry: &Entry) {
        self.tally.transition(Transition::of(&entry.event));
        match &entry.event {
            Event::Accepted(accepted) => self.accepted(entry, accepted),
            Event::Sent { channel, parts } => {
                let segments = u32::try_from(parts.len()).unwrap_or(u32::MAX).max(1);
                let tally = self.tally.channel(*channel);
                tally.attempts[AttemptEnd::Ok.index()] += 1;
                tally.segments += segments;
                self.attempted(entry);
            }
            Event::Deferred { channel, refusal, .. } => {
                let end = AttemptEnd::deferred(refusal.cause);
                self.tally.channel(*channel).attempts[end.index()] += 1;
                self.attempted(entry);
            }
            Event::AnswerLost { channel, .. } => {
                self.tally.channel(*channel).attempts[AttemptEnd::Timeout.index()] += 1;
                self.attempted(entry);
            }
            Event::Rerouted { channel, because, .. } => {
                self.tally.channel(*channel).fallbacks[CauseClass::of(*because).index()] += 1;
            }
            Event::Receipt { state, .. } => self.tally.receipts[state.index()] += 1,
            Event::LateReceipt { state, .. } => self.tally.receipts_late[state.index()] += 1,
            Event::Final { disposition, cause, .. } => self.ended(entry, *disposition, *cause),
            Event::Replaced { .. }
            | Event::Joined { .. }
            | Event::Revocation { .. }
            | Event::Displayed
            | Event::Unread
            | Event::Reported { .. } => {}
        }
        self.receipt_for = matches!(entry.event, Event::Receipt { .. }).then_some(entry.message);
    }

    fn accepted(&mut self, entry: &Entry, accepted: &Accepted) {
        let submission = &accepted.submission;
        self.tally.accepted += 1;
        self.tally.channel(submission.origin).accepted[submission.class.index()] += 1;
        if let Some(kind) = self.channels.get(submission.origin).kind() {
            let until_commit = self.batch.at.since(submission.received_at) + self.took;
            self.tally.accept_duration[kind.index()].observe(until_commit.as_secs_f64());
        }
        if submission.scheduled_at.is_none() {
            self.tally.waiting.insert(entry.message, submission.class.lane());
        }
    }

    /// An attempt has its answer; the first one is timed.
    fn attempted(&mut self, entry: &Entry) {
        if let Some(lane) = self.tally.waiting.take(entry.message) {
            let delay = entry.at.since(entry.message.accepted_at());
            self.tally.first_attempt[lane.index()].observe(delay.as_secs_f64());
        }
    }

    fn ended(&mut self, entry: &Entry, disposition: Disposition, cause: Option<Cause>) {
        let Some(end) = End::of(disposition) else { return };
        self.tally.ends[end.index()] += 1;
        if disposition == Disposition::Delivered {
            let delay = entry.at.since(entry.message.accepted_at());
            self.tally.submit_to_deliver.observe(delay.as_secs_f64());
        }
        if let Some(cause) = cause.filter(|_| !disposition.is_success()) {
            self.tally.failed[cause.index()] += 1;
            if self.ended_by_attempt(entry.message, disposition, cause) {
                self.attempt_failed_for_good(entry);
            }
        }
        self.tally.waiting.forget(entry.message);
    }

    /// The journal has no entry of its own for an attempt that failed for good: the end says it.
    fn ended_by_attempt(&self, message: MessageId, disposition: Disposition, cause: Cause) -> bool {
        let from_outside = !matches!(
            CauseClass::of(cause),
            CauseClass::Policy | CauseClass::Storage | CauseClass::Draining | CauseClass::Internal
        );
        matches!(disposition, Disposition::Undeliverable | Disposition::Rejected)
            && from_outside
            && cause != Cause::AnswerLost // counted with its own entry
            && self.receipt_for != Some(message)
    }

    /// Which channel it was stands on the usage record that every failure cuts in the same batch.
    fn attempt_failed_for_good(&mut self, entry: &Entry) {
        let (done, next) = self.batch.usage.split_at(self.usage_at);
        let found = next.iter().chain(done).position(|record| record.key.message == entry.message);
        let Some(found) = found else { return };
        let place = (self.usage_at + found) % self.batch.usage.len();
        self.usage_at = place;
        let channel = self.batch.usage[place].channel;
        self.tally.channel(channel).attempts[AttemptEnd::Permanent.index()] += 1;
        self.attempted(entry);
    }
}
