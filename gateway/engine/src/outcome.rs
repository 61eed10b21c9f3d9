//! How hand-overs end: taken, refused or lost; and the same of reports.

use model::{
    Cause, ChannelId, ChannelKind, Disposition, Inbound, Outcome, Party, Refusal, Retry, Timestamp,
    UpstreamId,
};
use smallvec::SmallVec;

use crate::{
    core::Core,
    delivery::{State, Trigger},
    journal::Event,
    open::{Key, seconds},
    policy::AnswerLost,
    retry::Next,
};

impl Core {
    /// A hand-over ended.
    pub(crate) fn outcome(&mut self, now: Timestamp, key: Key, outcome: Outcome) {
        let Some(open) = self.open.get(key) else {
            self.tally.stale_outcomes += 1;
            return;
        };
        match open.state {
            State::InFlight => {
                let channel = open.channel;
                self.freed(channel);
                self.message_outcome(now, key, channel, outcome);
            }
            // The answer came after all (F31).
            State::Unknown if outcome != Outcome::Unknown => {
                let channel = open.channel;
                self.message_outcome(now, key, channel, outcome);
            }
            State::ReportInFlight => {
                let origin = open.origin;
                self.freed(origin);
                self.report_outcome(now, key, outcome);
            }
            _ => self.tally.stale_outcomes += 1,
        }
    }

    fn freed(&mut self, channel: ChannelId) {
        let lanes = self.lanes(channel);
        lanes.outstanding = lanes.outstanding.saturating_sub(1);
        self.list(channel);
    }

    fn message_outcome(&mut self, now: Timestamp, key: Key, channel: ChannelId, outcome: Outcome) {
        match outcome {
            Outcome::Sent(parts) => self.sent(now, key, channel, parts),
            Outcome::Refused(refusal) => self.refused(now, key, channel, refusal),
            Outcome::Unknown => self.answer_lost(now, key, channel),
        }
    }

    fn sent(&mut self, now: Timestamp, key: Key, channel: ChannelId, parts: SmallVec<[UpstreamId; 1]>) {
        let Some(open) = self.open.get(key) else { return };
        let (message, birth, was) = (open.message, open.birth, open.state);
        if was == State::Unknown {
            self.forget_unknown(key.slot);
        }
        // Whoever took this one is there for the others.
        if let Some((_, number)) = self.person(key.slot).filter(|_| !self.absent.is_empty()) {
            self.found(channel, number);
        }
        let policy = self.policy.channel(channel);
        let receipts_follow = policy.is_some_and(|policy| policy.gives_receipts) && !parts.is_empty();
        let window = policy.map_or(std::time::Duration::ZERO, |policy| policy.receipt_window);
        let reached =
            policy.is_some_and(|policy| matches!(policy.kind, ChannelKind::Esme | ChannelKind::Messenger));
        if !receipts_follow {
            self.record(now, message, birth, Event::Sent { channel, parts });
            // The other side itself has it; a network that gives no proof may or may not.
            let disposition = if reached { Disposition::Delivered } else { Disposition::HandedOver };
            return self.end(now, key.slot, disposition, None);
        }
        self.upstream.forget(key.slot, 0);
        let digest = self.upstream.insert(channel, &parts, key.slot);
        let done = if was == State::Unknown { self.upstream.settle_known(key.slot) } else { 0 };
        self.parked_may_match = true;
        self.record(now, message, birth, Event::Sent { channel, parts });
        self.step(key.slot, Trigger::Taken);
        let deadline = seconds(now + window);
        if let Some(open) = self.open.at_mut(key.slot) {
            open.upstream = digest;
            open.disposition = Disposition::Sent;
            open.segments_done = u16::try_from(done).unwrap_or(u16::MAX);
        }
        self.open.set_deadline(key.slot, deadline);
        if self.open.hot() > self.policy.limits.hot_max {
            self.open.cool(key.slot);
        }
    }

    fn refused(&mut self, now: Timestamp, key: Key, channel: ChannelId, refusal: Refusal) {
        // Whether it is billed, reported or sent elsewhere needs the whole message.
        let Some(accepted) = self.hot(key.slot) else { return self.retake(key, Outcome::Refused(refusal)) };
        let mut key = key;
        if self.open.at(key.slot).is_some_and(|open| open.state == State::Unknown) {
            self.forget_unknown(key.slot);
            // What was due because nothing was known is due no more.
            let Some(renewed) = self.open.renew(key.slot) else { return };
            key = renewed;
        }
        let Some(open) = self.open.at(key.slot) else { return };
        let (message, birth, leg, attempts) =
            (open.message, open.birth, open.leg, open.attempts.saturating_add(1));
        let schedule = self.policy.channel(channel).map(|policy| policy.retry.clone()).unwrap_or_default();
        let jitter = key.generation.wrapping_mul(0x9e37_79b9) >> 8;
        let step = schedule.next(refusal, attempts, jitter);
        let other = accepted.plan.legs.get(usize::from(leg) + 1).copied();
        let down = refusal.cause == Cause::LinkDown;
        match (step, other) {
            (Next::OtherLeg, Some(next)) => self.reroute(now, key, leg + 1, next, refusal.cause),
            // A channel that is down does not hold up what another one can carry (SMSC failover).
            (Next::Again { .. }, Some(next)) if down && self.lanes(next).room > 0 => {
                self.reroute(now, key, leg + 1, next, refusal.cause)
            }
            (Next::Again { after, counts }, _) => {
                if counts && let Some(open) = self.open.at_mut(key.slot) {
                    open.attempts = attempts;
                }
                let due = now + after;
                self.step(key.slot, Trigger::Deferred);
                // While an answer was awaited another deadline may have held.
                self.open.set_deadline(key.slot, seconds(accepted.expires_at));
                // Slowed down or never sent: not worth a line in the journal, and no attempt was made.
                if counts {
                    self.record(now, message, birth, Event::Deferred { channel, refusal, due });
                }
                self.due.push(std::cmp::Reverse((due, key)));
            }
            (Next::WhenReachable { after }, _) => {
                if let Some(open) = self.open.at_mut(key.slot) {
                    open.attempts = attempts;
                }
                self.open.set_deadline(key.slot, seconds(accepted.expires_at));
                let due = now + after;
                self.record(now, message, birth, Event::Deferred { channel, refusal, due });
                if !self.await_recipient(key, due) {
                    self.step(key.slot, Trigger::Deferred);
                    self.due.push(std::cmp::Reverse((due, key)));
                }
            }
            (Next::GiveUp | Next::OtherLeg, _) => {
                let disposition = match (refusal.by, refusal.cause) {
                    (_, Cause::Expired) => Disposition::Expired,
                    (Party::Gateway, _) | (_, Cause::NetworkRefused | Cause::BadSender | Cause::Policy) => {
                        Disposition::Rejected
                    }
                    _ => Disposition::Undeliverable,
                };
                let cause =
                    if refusal.retry == Retry::Scheduled { Cause::AttemptsExhausted } else { refusal.cause };
                self.end(now, key.slot, disposition, Some(cause));
            }
        }
    }

    pub(crate) fn reroute(&mut self, now: Timestamp, key: Key, leg: u8, channel: ChannelId, because: Cause) {
        self.no_longer_absent(key.slot);
        let Some(open) = self.open.at_mut(key.slot) else { return };
        open.leg = leg;
        open.channel = channel;
        let (message, birth) = (open.message, open.birth);
        let expires_at = open.hot.as_ref().map(|hot| seconds(hot.expires_at));
        self.step(key.slot, Trigger::Deferred);
        if let Some(expires_at) = expires_at {
            self.open.set_deadline(key.slot, expires_at);
        }
        self.record(now, message, birth, Event::Rerouted { leg, channel, because });
        if let Some(key) = self.open.key(key.slot) {
            self.enqueue(key);
        }
    }

    fn answer_lost(&mut self, now: Timestamp, key: Key, channel: ChannelId) {
        let Some(accepted) = self.hot(key.slot) else { return self.retake(key, Outcome::Unknown) };
        let Some(open) = self.open.get(key) else { return };
        let (message, birth) = (open.message, open.birth);
        let policy = self.policy.channel(channel);
        let what = policy.map_or(AnswerLost::Resend, |policy| policy.answer_lost);
        let window = policy.map_or(std::time::Duration::ZERO, |policy| policy.receipt_window);
        let due = match what {
            AnswerLost::Resend => now,
            AnswerLost::ResendAfter(delay) => now + delay,
            AnswerLost::Wait => now + window,
        };
        self.step(key.slot, Trigger::AnswerLost);
        self.record(now, message, birth, Event::AnswerLost { channel, due });
        if let Some(open) = self.open.at_mut(key.slot) {
            open.disposition = Disposition::Unknown;
            open.possible_duplicate = true;
        }
        let between = self.between(channel, &accepted);
        self.unknown.entry((channel, between)).or_default().push(key);
        match what {
            AnswerLost::Resend => self.resend(key),
            AnswerLost::ResendAfter(_) => self.due.push(std::cmp::Reverse((due, key))),
            AnswerLost::Wait => self.open.set_deadline(key.slot, seconds(due)),
        }
    }

    pub(crate) fn resend(&mut self, key: Key) {
        self.forget_unknown(key.slot);
        self.upstream.forget(key.slot, 0);
        if self.step(key.slot, Trigger::Resend) {
            self.enqueue(key);
        }
    }

    pub(crate) fn forget_unknown(&mut self, slot: u32) {
        self.unknown.retain(|_, keys| {
            keys.retain(|key| key.slot != slot);
            !keys.is_empty()
        });
    }

    fn report_outcome(&mut self, now: Timestamp, key: Key, outcome: Outcome) {
        let Some(open) = self.open.get(key) else { return };
        let (message, birth, origin) = (open.message, open.birth, open.origin);
        let again = match outcome {
            Outcome::Sent(_) => None,
            // A receipt that may have arrived is sent again: receipts are idempotent, losses are not.
            Outcome::Unknown => Some(std::time::Duration::ZERO),
            Outcome::Refused(refusal) => {
                let schedule =
                    self.policy.channel(origin).map(|policy| policy.retry.clone()).unwrap_or_default();
                match schedule.next(refusal, 1, key.generation) {
                    Next::Again { after, .. } => Some(after),
                    Next::WhenReachable { after } => Some(after),
                    Next::OtherLeg | Next::GiveUp => {
                        self.record(now, message, birth, Event::Reported { given_up: true });
                        self.step(key.slot, Trigger::ReportTaken);
                        return self.close(key.slot);
                    }
                }
            }
        };
        match again {
            None => {
                self.record(now, message, birth, Event::Reported { given_up: false });
                self.step(key.slot, Trigger::ReportTaken);
                self.close(key.slot);
            }
            Some(delay) => {
                self.step(key.slot, Trigger::ReportDeferred);
                if delay.is_zero() {
                    self.enqueue_report(key.slot);
                } else {
                    self.due.push(std::cmp::Reverse((now + delay, key)));
                }
            }
        }
    }

    /// Does the same again once the message has been read back.
    fn retake(&mut self, key: Key, outcome: Outcome) {
        let Some(open) = self.open.get(key) else { return };
        let (birth, channel, state) = (open.birth, open.channel, open.state);
        if state == State::InFlight {
            // The channel's room was given back already; taking it again gives it back once more.
            self.lanes(channel).outstanding += 1;
        }
        let attempt = model::AttemptId { slot: key.slot, generation: key.generation };
        self.cold.entry(birth).or_default().push(Inbound::Outcome { attempt, outcome });
    }
}
