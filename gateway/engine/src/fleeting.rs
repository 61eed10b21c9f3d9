//! What is worth nothing when late: intermediate notifications, typing marks. Not stored, not repeated, and
//! dropped where a channel has no room.

use hashbrown::HashMap;
use model::{
    Address, AttemptId, ChannelId, ChannelKind, Class, For, Number, Outgoing, Pii, Report, Signal, Timestamp,
};

use crate::{core::Core, destination::Journey, presence::Reach};

/// No message has this slot: the attempts of what is fleeting do.
const NO_SLOT: u32 = u32::MAX;

/// Notifications: those that may go now, and those whose outcome would give back their room.
#[derive(Debug, Default)]
pub(crate) struct Fleeting {
    pub(crate) passing: Vec<(ChannelId, Outgoing)>,
    under_way: HashMap<u32, ChannelId>,
    counted: u32,
}

impl Fleeting {
    pub(crate) fn len(&self) -> usize {
        self.under_way.len()
    }
}

/// How many typing marks are passed on in a second.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    second: i64,
    passed: u32,
}

impl Core {
    /// Tells a sender who wants to know that the message is under way, and where.
    pub(crate) fn under_way(&mut self, now: Timestamp, slot: u32) {
        let Some(open) = self.open.at(slot).filter(|open| open.receipts.get().intermediate) else { return };
        // Where it would have to be read back first it is not worth it.
        let Some(accepted) = &open.hot else { return };
        self.fleeting.counted = self.fleeting.counted.wrapping_add(1);
        let origin = open.origin;
        let report = Report {
            attempt: AttemptId { slot: NO_SLOT, generation: self.fleeting.counted },
            message: open.message,
            submission: accepted.submission.clone(),
            disposition: open.disposition,
            cause: None,
            code: None,
            at: now,
            segments: open.segments,
            displayed: false,
            intermediate: true,
            via: self.kind(open.channel),
        };
        self.release.fleeting.push((origin, Outgoing::Report(report)));
    }

    /// What there is room for now.
    pub(crate) fn dispatch_fleeting(&mut self) -> Vec<(ChannelId, Outgoing)> {
        let mut passed = std::mem::take(&mut self.fleeting.passing);
        passed.retain(|(channel, outgoing)| {
            let lanes = self.lanes(*channel);
            let fits = lanes.has_room();
            // A signal has no outcome, and so takes no room.
            if fits && let Some(attempt) = outgoing.attempt() {
                lanes.outstanding += 1;
                self.fleeting.under_way.insert(attempt.generation, *channel);
            }
            fits
        });
        passed
    }

    /// The outcome of an intermediate notification: nothing but room.
    pub(crate) fn fleeting_outcome(&mut self, attempt: AttemptId) -> bool {
        if attempt.slot != NO_SLOT {
            return false;
        }
        // Late answers come twice.
        if let Some(channel) = self.fleeting.under_way.remove(&attempt.generation) {
            self.freed(channel);
        }
        true
    }

    /// Passes a typing mark on to where a message between these two would go first, if that is a network that
    /// knows such marks. Never gives anybody a number for it.
    pub(crate) fn signal(&mut self, now: Timestamp, origin: ChannelId, signal: Signal) {
        if !self.signals.allow(now, self.policy.limits.signals_per_second_max) {
            return;
        }
        let numbering = &self.policy.numbering;
        let number_of = |address: &Address| address.number().and_then(|number| numbering.e164(number));
        let (from, to) = (signal.from.reveal(For::Decision), signal.to.reveal(For::Decision));
        let to_e164 = number_of(to);
        let class = Class::Person;
        let journey = Journey { now, origin, class, to, to_e164, from_e164: number_of(from), coded: None };
        let Ok(plan) = self.destination(journey) else { return };
        let Some(&channel) = plan.legs.first() else { return };
        let (from, to) = match (self.kind(channel), from) {
            (Some(ChannelKind::Messenger), _) => (Some(signal.from.clone()), plan.to),
            (Some(ChannelKind::Rcs), from) => {
                let here = to_e164.and_then(|to| self.known.presences.reach(channel, to, now));
                let from = match from {
                    Address::Number(_) => Some(signal.from.clone()),
                    Address::User(user) => self
                        .known
                        .number_of(origin, &user.id, to_e164)
                        .map(|number| Pii::new(Address::Number(Number::international(number)))),
                };
                (from.filter(|_| here.is_some_and(Reach::is_here)), None)
            }
            _ => return,
        };
        let Some(from) = from else { return };
        let signal = Signal { from, to: to.unwrap_or(signal.to), kind: signal.kind };
        self.fleeting.passing.push((channel, Outgoing::Signal(signal)));
    }
}

impl Signals {
    fn allow(&mut self, now: Timestamp, max: u32) -> bool {
        if now.secs() != self.second {
            *self = Self { second: now.secs(), passed: 0 };
        }
        self.passed = self.passed.saturating_add(1);
        self.passed <= max
    }
}
