//! The time of a leg is over: the message is taken back where the channel can do that, and goes on (invariant
//! I5; RCS sheet §16.1).

use std::collections::VecDeque;

use hashbrown::HashMap;
use model::{
    AttemptId, Cause, ChannelId, Disposition, Duration, Inbound, Lane, MessageId, Outcome, Outgoing,
    OutgoingMessage, ReceiptState, Timestamp,
};

use crate::{
    core::Core,
    delivery::{State, Trigger},
    journal::{Accepted, Event},
    lanes::Queue,
    open::{Key, seconds},
    policy::AnswerLost,
};

/// How long a revocation waits for room on its channel before it counts as unanswered.
const ROOM_WAIT: Duration = Duration::from_secs(30);

/// Hand-overs of earlier legs whose answer may still come.
const GONE_MAX: usize = 16_384;

/// See [`GONE_MAX`]; the oldest give way.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    known: HashMap<Key, (MessageId, u64, ChannelId)>,
    order: VecDeque<Key>,
}

impl Gone {
    pub(crate) fn push(&mut self, key: Key, message: MessageId, birth: u64, channel: ChannelId) {
        if self.order.len() >= GONE_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        if self.known.insert(key, (message, birth, channel)).is_none() {
            self.order.push_back(key);
        }
    }

    fn take(&mut self, key: Key) -> Option<(MessageId, u64, ChannelId)> {
        if self.known.is_empty() { None } else { self.known.remove(&key) }
    }
}

impl Core {
    /// When the time of this leg is over, while there is another one.
    pub(crate) fn leg_end(&self, channel: ChannelId, leg: u8, accepted: &Accepted) -> Option<u32> {
        accepted.plan.legs.get(usize::from(leg) + 1)?;
        let wait = self.policy.channel(channel)?.leg_wait?;
        let submission = &accepted.submission;
        let begin =
            submission.scheduled_at.map_or(submission.received_at, |at| at.max(submission.received_at));
        Some(seconds(begin + wait))
    }

    /// `until`, or the end of its leg's time where that comes first.
    pub(crate) fn by(&self, slot: u32, accepted: &Accepted, until: u32) -> u32 {
        let Some(open) = self.open.at(slot).filter(|open| !open.kept) else { return until };
        self.leg_end(open.channel, open.leg, accepted).map_or(until, |end| end.min(until))
    }

    pub(crate) fn is_leg_over(&self, now: Timestamp, slot: u32, accepted: &Accepted) -> bool {
        let Some(open) = self.open.at(slot).filter(|open| !open.kept) else { return false };
        self.leg_end(open.channel, open.leg, accepted).is_some_and(|end| i64::from(end) <= now.secs())
    }

    /// The network has it, and no receipt has come in the time of the leg. Call only when it is hot.
    pub(crate) fn overdue(&mut self, now: Timestamp, key: Key, accepted: &Accepted) {
        let Some(open) = self.open.get(key) else { return };
        let (channel, leg, unknown) = (open.channel, open.leg, open.state == State::Unknown);
        let policy = self.policy.channel(channel);
        if policy.is_some_and(|policy| policy.revokes) {
            if self.step(key.slot, Trigger::LegOver) {
                self.open.set_deadline(key.slot, seconds(now + ROOM_WAIT));
                self.release.enqueue.push((channel, Queue::Message(Lane::Urgent), key));
            }
            return;
        }
        // Nobody knows whether it arrived, and a loss is preferred to a duplicate there.
        let stays = unknown && policy.is_some_and(|policy| policy.answer_lost == AnswerLost::Wait);
        match self.next_leg(accepted, leg).filter(|_| !stays) {
            Some(next) => self.reroute(now, key, next, Cause::Unreachable, false),
            None => self.stays(now, key.slot),
        }
    }

    /// Hands the revocation over.
    pub(crate) fn revoke(
        &mut self,
        channel: ChannelId,
        key: Key,
        accepted: &std::sync::Arc<Accepted>,
    ) -> Option<Outgoing> {
        let open = self.open.get(key)?;
        let (message, birth, segments) = (open.message, open.birth, open.segments);
        if open.disposition == Disposition::Unknown {
            self.gone.push(key, message, birth, channel);
        }
        self.step(key.slot, Trigger::Dispatched);
        let attempt = self.open.renew(key.slot)?;
        self.revoking.insert(attempt, channel);
        let (from, to) = self.addressed(channel, accepted);
        Some(Outgoing::Revoke(OutgoingMessage {
            attempt: AttemptId { slot: attempt.slot, generation: attempt.generation },
            message,
            submission: self.readable(channel, &accepted.submission),
            from,
            to,
            concat_ref: 0,
            want_receipt: segments > 0,
            possible_duplicate: false,
        }))
    }

    /// The channel says what became of a revocation.
    pub(crate) fn revocation(&mut self, now: Timestamp, key: Key, channel: ChannelId, outcome: Outcome) {
        let open = self.open.get(key).filter(|open| open.state == State::Revoking);
        if let Some(birth) = open.map(|open| open.birth)
            && self.hot(key.slot).is_none()
        {
            let attempt = AttemptId { slot: key.slot, generation: key.generation };
            self.cold.park(birth, Inbound::Outcome { attempt, outcome });
            return;
        }
        self.revoking.remove(&key);
        self.freed(channel);
        self.revocation_ended(now, key, outcome);
    }

    /// Decides what follows; also when the channel never had room for the revocation.
    pub(crate) fn revocation_ended(&mut self, now: Timestamp, key: Key, outcome: Outcome) {
        let Some(open) =
            self.open.get(key).filter(|open| matches!(open.state, State::Overdue | State::Revoking))
        else {
            return;
        };
        let (message, birth, channel, leg) = (open.message, open.birth, open.channel, open.leg);
        let Some(accepted) = self.hot(key.slot) else { return };
        let refused = match outcome {
            Outcome::Sent(_) => None,
            Outcome::Refused(refusal) => Some(refusal.cause),
            Outcome::Unknown => Some(Cause::AnswerLost),
        };
        self.record(now, message, birth, Event::Revocation { channel, refused });
        let loses = self.policy.channel(channel).is_some_and(|policy| policy.answer_lost == AnswerLost::Wait);
        let goes_on = refused.is_none_or(|cause| cause != Cause::TooLate && !loses);
        match self.next_leg(&accepted, leg).filter(|_| goes_on) {
            Some(next) => self.reroute(now, key, next, Cause::Unreachable, refused.is_none()),
            None => self.stays(now, key.slot),
        }
    }

    /// It stays with this leg for good, and waits for its receipt.
    fn stays(&mut self, now: Timestamp, slot: u32) {
        let Some(open) = self.open.at_mut(slot) else { return };
        open.kept = true;
        let (channel, unknown) = (open.channel, open.disposition == Disposition::Unknown);
        self.step(slot, if unknown { Trigger::AnswerLost } else { Trigger::Taken });
        let window = self.policy.channel(channel).map_or(Duration::ZERO, |policy| policy.receipt_window);
        self.open.set_deadline(slot, seconds(now + window));
    }

    /// An answer that nobody waits for any more. One of an earlier leg is counted, not applied.
    pub(crate) fn late_outcome(&mut self, now: Timestamp, key: Key, outcome: &Outcome) {
        match self.gone.take(key) {
            Some((message, birth, channel)) if matches!(outcome, Outcome::Sent(_)) => {
                let state = ReceiptState::Accepted;
                self.record(now, message, birth, Event::LateReceipt { channel, state });
            }
            _ => self.tally.stale_outcomes += 1,
        }
    }
}
