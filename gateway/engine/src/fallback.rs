//! From one leg of a plan to a later one: which can take over, and what that costs (invariant I5).

use std::sync::Arc;

use billing::{Metered, UsageService};
use model::{Cause, ChannelId, ChannelKind, Content, Disposition, Timestamp};

use crate::{
    core::Core,
    delivery::{State, Trigger},
    journal::{Accepted, Event},
    open::{Key, seconds},
    upstream::Past,
};

/// A leg that can take over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leg {
    pub(crate) leg: u8,
    pub(crate) channel: ChannelId,
    /// Where it costs something else than what was metered.
    metered: Option<Metered>,
}

impl Core {
    /// The next leg after this one that can carry the message.
    pub(crate) fn next_leg(&self, accepted: &Accepted, leg: u8) -> Option<Leg> {
        let later = (0..).zip(&accepted.plan.legs).skip(usize::from(leg) + 1);
        later.into_iter().find_map(|(leg, &channel)| {
            let metered = self.measure(channel, leg, accepted).ok()?;
            Some(Leg { leg, channel, metered })
        })
    }

    /// What the message uses there, where that differs from what was metered.
    fn measure(&self, channel: ChannelId, leg: u8, accepted: &Accepted) -> Result<Option<Metered>, Cause> {
        let kind = self.policy.channel(channel).ok_or(Cause::NoRoute)?.kind;
        let submission = &*accepted.submission;
        if !self.has_sender_on(channel, submission, accepted.metered.to) {
            return Err(Cause::BadSender);
        }
        let segments = self.count(channel, &self.content_on(channel, submission))?;
        let (service, metered) = (service(Some(kind)), accepted.metered);
        let same = (service, segments) == (metered.service, metered.segments);
        let other = Metered { service, segments, leg, replaces: Some(metered.leg), ..metered };
        Ok((!same).then_some(other))
    }

    /// How many billable units a content is on this channel.
    pub(crate) fn count(&self, channel: ChannelId, content: &Content) -> Result<u16, Cause> {
        match self.kind(channel) {
            Some(ChannelKind::Smsc | ChannelKind::Esme) => self.texts.segments(channel, content),
            Some(ChannelKind::Messenger | ChannelKind::Http | ChannelKind::Rcs) | None => Ok(1),
        }
    }

    /// Another leg takes over. Call only when the message is hot. `certain`: what was handed over before is
    /// known not to arrive.
    pub(crate) fn reroute(&mut self, now: Timestamp, key: Key, to: Leg, because: Cause, certain: bool) {
        let slot = key.slot;
        self.no_longer_absent(slot);
        self.leave_leg(slot);
        let Some(accepted) = self.hot(slot) else { return };
        let Some(open) = self.open.at_mut(slot) else { return };
        let (message, birth, from, was) = (open.message, open.birth, open.channel, open.state);
        open.leg = to.leg;
        open.channel = to.channel;
        open.attempts = 0;
        open.lost = 0;
        open.kept = false;
        open.possible_duplicate |= !certain && was > State::InFlight;
        self.step(slot, Trigger::Deferred);
        let Leg { leg, channel, mut metered } = to;
        let lent = self.lend_on(channel, &accepted.submission, accepted.metered.to);
        if let (Some(metered), Some(lent)) = (&mut metered, lent) {
            metered.from = Some(lent);
        }
        self.record(now, message, birth, Event::Rerouted { leg, channel, because, metered });
        let accepted = match metered {
            None => accepted,
            Some(metered) => {
                self.charge(Some(accepted.meter(message, from).replaced(now, because)));
                let accepted = Arc::new(Accepted { metered, ..(*accepted).clone() });
                self.charge(accepted.meter(message, channel).accepted(now));
                self.open.heat(slot, accepted.clone());
                self.fresh.insert(slot, self.pending.seq);
                accepted
            }
        };
        let until = self.by(slot, &accepted, seconds(accepted.expires_at));
        self.open.set_deadline(slot, until);
        // Whatever still names it in a queue or a timer of the earlier leg is over.
        if let Some(key) = self.open.renew(slot) {
            self.enqueue(key);
        }
    }

    /// What still comes back from the leg that is left is late from now on.
    fn leave_leg(&mut self, slot: u32) {
        let Some(open) = self.open.at_mut(slot) else { return };
        let (message, birth, channel) = (open.message, open.birth, open.channel);
        let digest = std::mem::take(&mut open.upstream);
        let unanswered =
            open.disposition == Disposition::Unknown && matches!(open.state, State::Unknown | State::Overdue);
        let key = Key { slot, generation: open.generation };
        if open.state > State::InFlight {
            self.upstream.forget(slot, digest, Past::unheard(message, birth));
            self.forget_unknown(slot);
        }
        if unanswered {
            self.gone.push(key, message, birth, channel);
        }
    }
}

pub(crate) const fn service(kind: Option<ChannelKind>) -> UsageService {
    match kind {
        Some(ChannelKind::Messenger | ChannelKind::Http) | None => UsageService::Messenger,
        Some(ChannelKind::Esme) => UsageService::Esme,
        Some(ChannelKind::Smsc) => UsageService::Sms,
        Some(ChannelKind::Rcs) => UsageService::Rcs,
    }
}
