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
    upstream::Past,
};

impl Core {
    /// A hand-over ended.
    pub(crate) fn outcome(&mut self, now: Timestamp, key: Key, outcome: Outcome) {
        if !self.revoking.is_empty()
            && let Some(&channel) = self.revoking.get(&key)
        {
            return self.revocation(now, key, channel, outcome);
        }
        let Some(open) = self.open.get(key) else { return self.late_outcome(now, key, &outcome) };
        match open.state {
            State::InFlight => {
                let channel = open.channel;
                self.freed(channel);
                self.message_outcome(now, key, channel, outcome);
            }
            // The answer came after all (F31).
            State::Unknown | State::Overdue if outcome != Outcome::Unknown => {
                let channel = open.channel;
                self.message_outcome(now, key, channel, outcome);
            }
            State::ReportInFlight => {
                let origin = open.origin;
                self.freed(origin);
                self.report_outcome(now, key, outcome);
            }
            _ => self.late_outcome(now, key, &outcome),
        }
    }

    pub(crate) fn freed(&mut self, channel: ChannelId) {
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
        if matches!(was, State::Unknown | State::Overdue) {
            self.forget_unknown(key.slot);
        }
        // Whoever took this one is there for the others.
        if !self.absent.is_empty()
            && let Some((_, number)) = self.person(key.slot)
        {
            self.found(now, channel, number);
        }
        let policy = self.policy.channel(channel);
        let receipts_follow = policy.is_some_and(|policy| policy.gives_receipts) && !parts.is_empty();
        let window = policy.map_or(std::time::Duration::ZERO, |policy| policy.receipt_window);
        let reached =
            policy.is_some_and(|policy| matches!(policy.kind, ChannelKind::Esme | ChannelKind::Messenger));
        if !receipts_follow {
            if let Some(open) = self.open.at(key.slot)
                && open.receipts.get().displayed
                && reached
            {
                // It is delivered, and may still be seen.
                let digest = self.upstream.insert(channel, &parts, key.slot);
                if let Some(open) = self.open.at_mut(key.slot) {
                    open.upstream = digest;
                }
                self.parked_may_match = true;
            }
            self.record(now, message, birth, Event::Sent { channel, parts });
            // The other side itself has it; a network that gives no proof may or may not.
            let disposition = if reached { Disposition::Delivered } else { Disposition::HandedOver };
            return self.end(now, key.slot, disposition, None);
        }
        self.upstream.forget(key.slot, 0, Past::unheard(message, birth));
        let digest = self.upstream.insert(channel, &parts, key.slot);
        let done = if was == State::InFlight { 0 } else { self.upstream.settle_known(key.slot) };
        self.parked_may_match = true;
        self.record(now, message, birth, Event::Sent { channel, parts });
        if let Some(open) = self.open.at_mut(key.slot) {
            open.upstream = digest;
            // It stayed because nobody knew; now somebody does.
            open.kept = false;
            open.disposition = Disposition::Sent;
            open.segments_done = u16::try_from(done).unwrap_or(u16::MAX);
        }
        if was == State::Overdue {
            // It is still to be taken back.
            return;
        }
        self.step(key.slot, Trigger::Taken);
        let mut deadline = seconds(now + window);
        if let Some(open) = self.open.at(key.slot)
            && let Some(accepted) = &open.hot
        {
            deadline = self.by(key.slot, accepted, deadline);
        }
        self.open.set_deadline(key.slot, deadline);
        self.under_way(now, key.slot);
        if self.open.hot() > self.policy.limits.hot_max {
            self.open.cool(key.slot);
        }
    }

    fn refused(&mut self, now: Timestamp, key: Key, channel: ChannelId, refusal: Refusal) {
        // Whether it is billed, reported or sent elsewhere needs the whole message.
        let Some(accepted) = self.hot(key.slot) else { return self.retake(key, Outcome::Refused(refusal)) };
        let mut key = key;
        let unknown = |state| matches!(state, State::Unknown | State::Overdue);
        if self.open.at(key.slot).is_some_and(|open| unknown(open.state)) {
            self.forget_unknown(key.slot);
            // What was due because nothing was known is due no more.
            let Some(renewed) = self.open.renew(key.slot) else { return };
            key = renewed;
        }
        // It is not there, so nothing keeps it there.
        if let Some(open) = self.open.at_mut(key.slot) {
            open.kept = false;
        }
        let Some(open) = self.open.at(key.slot) else { return };
        let (message, birth, leg, attempts) =
            (open.message, open.birth, open.leg, open.attempts.saturating_add(1));
        let schedule = self.policy.channel(channel).map(|policy| policy.retry.clone()).unwrap_or_default();
        let jitter = key.generation.wrapping_mul(0x9e37_79b9) >> 8;
        let step = schedule.next(refusal, attempts, jitter);
        let over = self.is_leg_over(now, key.slot, &accepted);
        let other = self.next_leg(&accepted, leg);
        let down = refusal.cause == Cause::LinkDown;
        match (step, other) {
            (Next::OtherLeg, Some(next)) => self.reroute(now, key, next, refusal.cause, true),
            // The time of this leg is over: it is not tried there again.
            (Next::Again { .. } | Next::WhenReachable { .. }, Some(next)) if over => {
                self.reroute(now, key, next, refusal.cause, true);
            }
            // A channel that is down does not hold up what another one can carry (SMSC failover).
            (Next::Again { .. }, Some(next)) if down && self.lanes(next.channel).room > 0 => {
                self.reroute(now, key, next, refusal.cause, true);
            }
            (Next::Again { after, counts }, _) => {
                if counts && let Some(open) = self.open.at_mut(key.slot) {
                    open.attempts = attempts;
                }
                let due = now + after;
                self.step(key.slot, Trigger::Deferred);
                // While an answer was awaited another deadline may have held.
                let until = self.by(key.slot, &accepted, seconds(accepted.expires_at));
                self.open.set_deadline(key.slot, until);
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
                let until = self.by(key.slot, &accepted, seconds(accepted.expires_at));
                self.open.set_deadline(key.slot, until);
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
            open.lost = open.lost.saturating_add(1);
            // A message that its peer never answers for must not go round for ever (F50).
            if what != AnswerLost::Wait && open.lost >= self.policy.limits.lost_answers_max {
                let leg = open.leg;
                return match self.next_leg(&accepted, leg) {
                    Some(next) => self.reroute(now, key, next, Cause::AnswerLost, false),
                    None => self.end(now, key.slot, Disposition::Lost, Some(Cause::AttemptsExhausted)),
                };
            }
        }
        let between = self.between(channel, &accepted);
        self.unknown.entry((channel, between)).or_default().push(key);
        // Its deadline may have passed while the answer was awaited: now it is not tried there once more.
        if what != AnswerLost::Wait
            && self.is_leg_over(now, key.slot, &accepted)
            && self.open.at(key.slot).is_some_and(|open| self.next_leg(&accepted, open.leg).is_some())
        {
            return self.overdue(now, key, &accepted);
        }
        match what {
            AnswerLost::Resend => self.resend(key),
            AnswerLost::ResendAfter(_) => self.due.push(std::cmp::Reverse((due, key))),
            AnswerLost::Wait => {
                let until = self.by(key.slot, &accepted, seconds(due));
                self.open.set_deadline(key.slot, until);
            }
        }
    }

    pub(crate) fn resend(&mut self, key: Key) {
        let Some(open) = self.open.get(key) else { return };
        let past = Past::unheard(open.message, open.birth);
        self.forget_unknown(key.slot);
        self.upstream.forget(key.slot, 0, past);
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
        let origin = open.origin;
        let again = match outcome {
            Outcome::Sent(_) => return self.report_taken(now, key.slot, false),
            // A receipt that may have arrived is sent again: receipts are idempotent, losses are not.
            Outcome::Unknown => std::time::Duration::ZERO,
            Outcome::Refused(refusal) => {
                let schedule =
                    self.policy.channel(origin).map(|policy| policy.retry.clone()).unwrap_or_default();
                match schedule.next(refusal, 1, key.generation) {
                    Next::Again { after, .. } | Next::WhenReachable { after } => after,
                    Next::OtherLeg | Next::GiveUp => return self.report_taken(now, key.slot, true),
                }
            }
        };
        self.step(key.slot, Trigger::ReportDeferred);
        if again.is_zero() {
            self.enqueue_report(key.slot);
        } else {
            self.due.push(std::cmp::Reverse((now + again, key)));
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
        self.cold.park(birth, Inbound::Outcome { attempt, outcome });
    }
}
