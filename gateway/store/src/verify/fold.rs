//! The journal, folded again: who is open, and what was billable.

use std::collections::HashMap;

use billing::{Meter, Metered, UsageRecord};
use engine::journal::{Accepted, Entry, Event};
use model::{ChannelId, Class, MessageId, Timestamp};
use smol_str::SmolStr;

use super::report::{Fault, Report};
use crate::Written;

pub(super) struct Fold {
    lives: HashMap<MessageId, Life>,
    /// The journal is held from its beginning.
    complete: bool,
    first: Option<MessageId>,
    last: Option<MessageId>,
}

/// As much of an open message as metering its end takes.
struct Life {
    birth: u64,
    origin: ChannelId,
    channel: ChannelId,
    class: Class,
    metered: Metered,
    charging_id: Option<SmolStr>,
}

impl Fold {
    pub(super) fn new(complete: bool) -> Self {
        Self { lives: HashMap::new(), complete, first: None, last: None }
    }

    pub(super) fn open(&self) -> impl Iterator<Item = (MessageId, u64)> {
        self.lives.iter().map(|(message, life)| (*message, life.birth))
    }

    /// Accepted before the journal that is still held begins.
    pub(super) fn is_purged(&self, message: MessageId) -> bool {
        !self.complete && self.first.is_none_or(|first| message < first)
    }

    /// Takes a batch and gives the usage records it implies.
    pub(super) fn batch(&mut self, batch: &Written, report: &mut Report) -> Vec<UsageRecord> {
        let mut implied = Vec::new();
        for entry in &batch.entries {
            self.entry(batch.seq, entry, report, &mut implied);
        }
        implied
    }

    fn entry(&mut self, seq: u64, entry: &Entry, report: &mut Report, implied: &mut Vec<UsageRecord>) {
        let message = entry.message;
        match &entry.event {
            Event::Accepted(accepted) => {
                report.accepted += 1;
                if self.last.is_some_and(|last| message <= last) {
                    report.fault(Fault::AcceptedOutOfOrder { message, seq });
                }
                self.first.get_or_insert(message);
                self.last = Some(message);
                let life = Life::new(seq, accepted);
                implied.extend(life.meter(message).accepted(entry.at));
                self.lives.insert(message, life);
            }
            Event::Final { disposition, cause, .. } => {
                let Some(life) = self.lives.remove(&message) else {
                    if !self.is_purged(message) {
                        report.fault(Fault::FinalTwice { message, seq });
                    }
                    return;
                };
                report.finals += 1;
                implied.extend(life.meter(message).ended(entry.at, *disposition, *cause));
            }
            // After the end. Late receipts also come from an earlier leg while the message is open.
            Event::LateReceipt { .. } | Event::Displayed | Event::Unread | Event::Reported { .. } => {
                if self.last.is_none_or(|last| message > last) && !self.is_purged(message) {
                    report.fault(Fault::Stray { message, seq });
                }
            }
            event => {
                if let Some(life) = self.lives.get_mut(&message) {
                    life.step(message, entry.at, event, implied);
                } else if !self.is_purged(message) {
                    report.fault(Fault::Stray { message, seq });
                }
            }
        }
    }
}

impl Life {
    fn new(birth: u64, accepted: &Accepted) -> Self {
        let submission = &accepted.submission;
        let channel = accepted.plan.legs.first().copied().unwrap_or(submission.origin);
        let (origin, class, metered) = (submission.origin, submission.class, accepted.metered);
        Self { birth, origin, channel, class, metered, charging_id: submission.charging_id.clone() }
    }

    fn step(&mut self, message: MessageId, at: Timestamp, event: &Event, implied: &mut Vec<UsageRecord>) {
        match event {
            Event::Rerouted { channel, metered: None, .. } | Event::Sent { channel, .. } => {
                self.channel = *channel;
            }
            Event::Rerouted { channel, because, metered: Some(metered), .. } => {
                implied.push(self.meter(message).replaced(at, *because));
                self.channel = *channel;
                self.metered = *metered;
                implied.extend(self.meter(message).accepted(at));
            }
            Event::Replaced { metered, .. } => self.metered = *metered,
            _ => {}
        }
    }

    fn meter(&self, message: MessageId) -> Meter<'_> {
        let Self { origin, channel, class, metered, .. } = *self;
        Meter { message, origin, channel, class, metered, charging_id: self.charging_id.as_ref() }
    }
}
