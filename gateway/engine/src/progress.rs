//! What happens to a message after acceptance: outcomes, receipts, deadlines.

use model::{
    Address, Answer, Cause, ChannelId, ChannelKind, Disposition, For, Inbound, Number, Outcome, Party,
    Receipt, Refusal, Retry, Ticket, Timestamp, UpstreamId,
};
use smallvec::SmallVec;

use crate::{
    core::{Core, Parked},
    delivery::{State, Trigger},
    dispatch::{fnv, shown},
    journal::{Accepted, Event},
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

    fn resend(&mut self, key: Key) {
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

    /// A receipt from the network behind `channel`.
    pub(crate) fn receipt(
        &mut self,
        now: Timestamp,
        channel: ChannelId,
        receipt: Receipt,
        ticket: Option<Ticket>,
    ) {
        if self.apply_receipt(now, channel, &receipt, ticket, false) {
            return;
        }
        let limits = self.policy.limits;
        if self.parked.len() < limits.parked_receipts_max {
            self.parked.push_back(Parked { until: now + limits.parked_receipt, channel, receipt, ticket });
        } else if let Some(ticket) = ticket {
            // The network keeps it and tries again.
            self.refuse(ticket, Cause::QueueFull);
        }
    }

    /// True when the receipt needs no further attention here.
    fn apply_receipt(
        &mut self,
        now: Timestamp,
        channel: ChannelId,
        receipt: &Receipt,
        ticket: Option<Ticket>,
        last: bool,
    ) -> bool {
        let (slot, digest, part) = match self.upstream.find(channel, &receipt.upstream) {
            Some(found) => found,
            // Only when no answer has come that would name its id: it may be another message's receipt.
            None => match last.then(|| self.lost_answer(channel, receipt)).flatten() {
                Some(slot) => (slot, 0, 0),
                None => return false,
            },
        };
        if self.hot(slot).is_none() {
            let birth = self.open.at(slot).map_or(0, |open| open.birth);
            let again = Inbound::Receipt { channel, receipt: receipt.clone(), ticket };
            self.cold.entry(birth).or_default().push(again);
            return true;
        }
        let (mut digest, mut part) = (digest, part);
        if digest == 0
            && receipt.state.disposition().is_some()
            && self.open.at(slot).is_some_and(|open| open.segments > 1)
            && let Some(id) = receipt.upstream.first()
        {
            // One of several segments; the others are still to be heard of.
            (digest, part) = self.upstream.learn(channel, id, slot);
        }
        let Some(open) = self.open.at_mut(slot) else { return false };
        let (message, birth) = (open.message, open.birth);
        let finished = receipt.state.disposition();
        let mut ends = finished;
        if let Some(disposition) = finished
            && disposition.is_success()
            && digest != 0
        {
            // A long message is delivered when every segment is.
            open.segments_done += 1;
            if open.segments_done < open.segments && open.upstream == 0 {
                ends = None;
            }
        }
        self.record(
            now,
            message,
            birth,
            Event::Receipt { part, state: receipt.state, code: receipt.code.clone() },
        );
        if finished.is_some() && digest != 0 {
            self.upstream.settle(digest);
        }
        if let Some(disposition) = ends {
            let cause = match disposition {
                Disposition::Delivered | Disposition::HandedOver => None,
                Disposition::Expired => Some(Cause::Expired),
                Disposition::Cancelled => Some(Cause::Cancelled),
                Disposition::Rejected => Some(Cause::NetworkRefused),
                _ => Some(Cause::Unreachable),
            };
            if let Some(code) = &receipt.code {
                self.codes.insert(message, code.clone());
            }
            self.end(now, slot, disposition, cause);
        }
        if let Some(ticket) = ticket {
            self.answer(ticket, Answer::Taken);
        }
        true
    }

    /// A message whose answer was lost has no upstream id; a receipt about the same two numbers can only
    /// mean it, if there is just one.
    fn lost_answer(&self, channel: ChannelId, receipt: &Receipt) -> Option<u32> {
        if self.unknown.is_empty() || self.upstream.was_settled(channel, &receipt.upstream) {
            return None;
        }
        let (to, from) = receipt.about.as_deref()?;
        let between = self.pair(to.reveal(For::Decision), from.reveal(For::Decision));
        match self.unknown.get(&(channel, between))?.as_slice() {
            [only] => Some(only.slot),
            _ => None,
        }
    }

    /// What a receipt about this message will say it is about: the numbers that the channel was given.
    pub(crate) fn between(&self, channel: ChannelId, accepted: &Accepted) -> u64 {
        let (from, to) = shown(self.policy.channel(channel), accepted);
        match (to.reveal(For::Decision), from.reveal(For::Decision)) {
            (Address::Number(to), Address::Number(from)) => self.pair(to, from),
            // Users never appear in receipts.
            _ => 0,
        }
    }

    /// One number for two, whichever way networks write them.
    fn pair(&self, to: &Number, from: &Number) -> u64 {
        let digits = |number: &Number| {
            let e164 = self.policy.numbering.e164(number);
            e164.map_or_else(|| number.digits.clone(), model::Msisdn::digits)
        };
        let octets = format!("{}>{}", digits(from), digits(to));
        fnv(octets.as_bytes())
    }

    /// Receipts whose answer has not come in time: nobody here knows them.
    pub(crate) fn unpark(&mut self, now: Timestamp) {
        let overdue = self.parked.front().is_some_and(|parked| parked.until <= now);
        if !std::mem::take(&mut self.parked_may_match) && !overdue {
            return;
        }
        for _ in 0..self.parked.len() {
            let Some(parked) = self.parked.pop_front() else { break };
            let last = parked.until <= now;
            if self.apply_receipt(now, parked.channel, &parked.receipt, parked.ticket, last) {
                continue;
            }
            if parked.until > now {
                self.parked.push_back(parked);
                continue;
            }
            self.tally.unmatched_receipts += 1;
            if let Some(ticket) = parked.ticket {
                self.answer(ticket, Answer::Taken);
            }
        }
    }

    /// A retry, a schedule or the wait for a lost answer is due.
    pub(crate) fn wake(&mut self, key: Key) {
        let Some(open) = self.open.get(key) else { return };
        match open.state {
            // Where its channel is down it moves on when it arrives there.
            State::Waiting => self.enqueue(key),
            State::Unknown => self.resend(key),
            State::Reporting => self.enqueue_report(key.slot),
            _ => {}
        }
    }

    /// The deadline of a message has passed: its validity, or a window.
    pub(crate) fn deadline(&mut self, now: Timestamp, slot: u32) {
        let Some(open) = self.open.at(slot) else { return };
        let (state, disposition) = (open.state, open.disposition);
        let grace = seconds(now) + 60;
        if state.is_ended() {
            // The sender was away for the whole report window.
            if state == State::Reporting {
                let (message, birth) = (open.message, open.birth);
                self.record(now, message, birth, Event::Reported { given_up: true });
                self.close(slot);
            } else {
                self.open.set_deadline(slot, grace);
            }
            return;
        }
        if state == State::InFlight {
            // Its answer decides; the channel answers or gives up in its own time.
            return self.open.set_deadline(slot, grace);
        }
        if self.hot(slot).is_none() {
            return self.open.set_deadline(slot, seconds(now) + 5);
        }
        match (state, disposition) {
            (State::Sent | State::Unknown, _) => {
                self.end(now, slot, Disposition::Lost, Some(Cause::AnswerLost))
            }
            _ => self.end(now, slot, Disposition::Expired, Some(Cause::Expired)),
        }
    }
}
