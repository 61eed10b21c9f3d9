//! Handing over: from the queues of a channel to the channel, as far as it has room.

use std::sync::Arc;

use model::{
    Address, AttemptId, Cause, ChannelId, ChannelKind, Coded, Content, Disposition, For, Lane, Outgoing,
    OutgoingMessage, Pii, Report, Submission, Timestamp,
};

use crate::{
    core::Core,
    delivery::{State, Trigger},
    gates::{self, Verdict},
    journal::{Accepted, Plan},
    lanes::{Lanes, Queue},
    open::Key,
    policy::{AnswerLost, ChannelPolicy, reads_text},
};

/// How far ahead cold messages are read back.
const READ_AHEAD: usize = 2_048;

/// Destinations whose next concatenation reference is remembered.
const REFERENCES_MAX: usize = 100_000;

impl Core {
    pub(crate) fn dispatch_channel(
        &mut self,
        now: Timestamp,
        channel: ChannelId,
        lanes: &mut Lanes,
    ) -> Vec<Outgoing> {
        let mut outgoing = Vec::new();
        self.arrivals(now, channel, lanes);
        if lanes.leaving && lanes.down && !lanes.paused {
            self.leave(now, channel, lanes);
        }
        while lanes.has_room() {
            let Some((queue, key)) = lanes.pop() else { break };
            let message = matches!(queue, Queue::Message(_));
            if message && self.withdrawn.contains_key(&key) {
                // It may still come back after a crash, and those behind it must not be ahead of it then.
                lanes.push_front(queue, key);
                self.held.push(channel);
                break;
            }
            let Some(open) = self.open.get(key) else { continue };
            if message && self.fresh.contains_key(&key.slot) {
                // What it says now is not durable yet.
                lanes.push_front(queue, key);
                self.held.push(channel);
                break;
            }
            let state = open.state;
            let wanted = match queue {
                Queue::Message(_) => matches!(state, State::Waiting | State::Overdue),
                Queue::Reports => state == State::Reporting,
            };
            if !wanted {
                continue;
            }
            let Some(accepted) = open.hot.clone() else {
                let birth = open.birth;
                lanes.push_front(queue, key);
                self.read_ahead(birth, lanes, queue);
                break;
            };
            let handed = match queue {
                Queue::Message(_) if state == State::Overdue => self.revoke(channel, key, &accepted),
                Queue::Message(_) => self.hand_over(now, channel, key, accepted),
                Queue::Reports => self.hand_back(now, key, accepted),
            };
            if let Some(item) = handed {
                lanes.outstanding += 1;
                outgoing.push(item);
            }
        }
        outgoing
    }

    /// What has come since the last time: to the end of its queue, or, where the channel is down, on along
    /// its plan.
    fn arrivals(&mut self, now: Timestamp, channel: ChannelId, lanes: &mut Lanes) {
        for (queue, key) in lanes.take_arrivals() {
            let down = lanes.down && !lanes.paused && matches!(queue, Queue::Message(_));
            if !(down && self.moves_on(now, channel, key)) {
                lanes.stay(queue, key);
                self.cool(queue, key);
            }
        }
    }

    /// The channel has gone down: everything that waits for it is looked at once. What is not in memory is
    /// read back and looked at then.
    fn leave(&mut self, now: Timestamp, channel: ChannelId, lanes: &mut Lanes) {
        lanes.leaving = false;
        if !self.any_room() {
            // Nowhere to go: a backlog is not read back for nothing. A channel that comes up asks again.
            return;
        }
        for lane in Lane::ALL {
            let queue = Queue::Message(lane);
            let mut staying = Vec::new();
            let mut cold = 0;
            while cold < READ_AHEAD
                && let Some(key) = lanes.pop_from(queue)
            {
                let Some(open) = self.open.get(key) else { continue };
                if open.hot.is_none() {
                    cold += 1;
                    let birth = open.birth;
                    self.cold.want(birth);
                    staying.push(key);
                } else if !self.moves_on(now, channel, key) {
                    staying.push(key);
                }
            }
            staying.into_iter().rev().for_each(|key| lanes.push_front(queue, key));
        }
    }

    /// A channel that is down does not hold up what the next one of the plan can carry.
    pub(crate) fn moves_on(&mut self, now: Timestamp, channel: ChannelId, key: Key) -> bool {
        let Some(open) = self.open.get(key).filter(|open| open.state == State::Waiting) else { return false };
        let (leg, uncertain) = (open.leg, open.possible_duplicate);
        let Some(accepted) = &open.hot else { return false };
        let Some(next) = self.next_leg(accepted, leg) else { return false };
        if self.lanes(next.channel).room == 0 {
            return false;
        }
        // It may have arrived already, and a loss is preferred to a duplicate there.
        let waits = self.policy.channel(channel).is_some_and(|policy| policy.answer_lost == AnswerLost::Wait);
        if uncertain && waits {
            return false;
        }
        self.reroute(now, key, next, Cause::LinkDown, true);
        true
    }

    /// A channel has gone up or down, or can hold more or less.
    pub(crate) fn room(&mut self, channel: ChannelId, room: u32) {
        let lanes = self.lanes(channel);
        let before = std::mem::replace(&mut lanes.room, room);
        let was_down = std::mem::replace(&mut lanes.down, room == 0);
        // A channel that says again that it is down has nothing new to look at.
        lanes.leaving |= room == 0 && !was_down;
        self.list(channel);
        if before == 0 && room > 0 {
            // Others that are down may have something for it.
            for other in self.down() {
                self.lanes(other).leaving = true;
                self.list(other);
            }
        }
    }

    /// Asks for the batch that is needed now and for those needed soon; [`Core::loaded`] lists the channel again.
    fn read_ahead(&mut self, birth: u64, lanes: &mut Lanes, queue: Queue) {
        self.cold.want(birth);
        let mut births: Vec<u64> = lanes
            .ahead(queue, READ_AHEAD)
            .filter_map(|key| self.open.get(key))
            .filter(|o| o.hot.is_none())
            .map(|o| o.birth)
            .collect();
        births.dedup();
        for birth in births {
            self.cold.want(birth);
        }
    }

    fn hand_over(
        &mut self,
        now: Timestamp,
        channel: ChannelId,
        key: Key,
        accepted: Arc<Accepted>,
    ) -> Option<Outgoing> {
        let submission = &accepted.submission;
        if accepted.expires_at <= now {
            self.end(now, key.slot, Disposition::Expired, Some(Cause::Expired));
            return None;
        }
        // Night rules are asked again at every attempt: a message may have waited into the night.
        if let Some(korea) = &self.policy.korea {
            let to = accepted.metered.to;
            if let Verdict::Hold(until) = gates::quiet_hours(korea, submission.class, to, &self.known, now) {
                self.due.push(std::cmp::Reverse((until, key)));
                return None;
            }
        }
        if self.joins_the_absent(key) {
            return None;
        }
        self.step(key.slot, Trigger::Dispatched);
        let attempt = self.open.renew(key.slot)?;
        let counted = self.segments_on(channel, &accepted);
        let open = self.open.at_mut(key.slot)?;
        open.segments = counted;
        // Receipts that came for an earlier attempt say nothing about the segments of this one.
        open.segments_done = 0;
        let (message, segments, possible_duplicate) = (open.message, open.segments, open.possible_duplicate);
        let policy = self.policy.channel(channel);
        let want_receipt = policy.is_some_and(|policy| policy.gives_receipts);
        let (from, to) = self.addressed(channel, &accepted);
        let concat_ref = if segments > 1 { self.reference(&accepted) } else { 0 };
        Some(Outgoing::Message(OutgoingMessage {
            attempt: AttemptId { slot: attempt.slot, generation: attempt.generation },
            message,
            submission: self.readable(channel, &accepted.submission),
            from,
            to,
            concat_ref,
            want_receipt,
            possible_duplicate,
        }))
    }

    /// Sender and recipient, where this channel is given others than the submission names. A plan may lead through a
    /// messenger and then to a phone: each is addressed in its own words. A group of RCS is addressed by its name, and
    /// hears from numbers.
    pub(crate) fn addressed(
        &self,
        channel: ChannelId,
        accepted: &Accepted,
    ) -> (Option<Pii<Address>>, Option<Pii<Address>>) {
        let plan = &accepted.plan;
        let from = self.sender_on(channel, accepted);
        match self.policy.channel(channel) {
            Some(policy) if policy.kind == ChannelKind::Messenger => (from, plan.to.clone()),
            policy => (from.or_else(|| plan.from.clone()), group(policy, plan).cloned()),
        }
    }

    /// Whether this channel is given text in the place of these octets. On RCS, what is no text is for handsets.
    pub(crate) fn reads(&self, channel: ChannelId, coded: &Coded) -> bool {
        match self.kind(channel) {
            Some(ChannelKind::Rcs) => self.texts.is_text(coded),
            kind => kind.is_some_and(reads_text),
        }
    }

    /// The message as this channel reads it: a network of texts has no use for the octets of another.
    pub(crate) fn readable(&self, channel: ChannelId, submission: &Arc<Submission>) -> Arc<Submission> {
        match &submission.content {
            _ if submission.elsewhere.is_some() && channel != submission.origin => {
                let content = self.content_on(channel, submission).into_owned();
                Arc::new(Submission { content, ..(**submission).clone() })
            }
            Content::Coded(coded) if self.reads(channel, coded) => {
                let content = Content::Text(self.texts.text(submission.origin, &[coded]));
                Arc::new(Submission { content, ..(**submission).clone() })
            }
            _ => submission.clone(),
        }
    }

    /// How many segments a message takes on this leg of its plan: it was counted for the one that is metered.
    pub(crate) fn segments_on(&self, channel: ChannelId, accepted: &Accepted) -> u16 {
        let metered = accepted.metered;
        if accepted.plan.legs.get(usize::from(metered.leg)) == Some(&channel) {
            return metered.segments;
        }
        self.count(channel, &self.content_on(channel, &accepted.submission)).unwrap_or(metered.segments)
    }

    /// A counter per destination: two long texts to one phone never share a reference (SMS sheet §2.6).
    fn reference(&mut self, accepted: &Accepted) -> u16 {
        let to = accepted.plan.to.as_ref().unwrap_or(&accepted.submission.to);
        let digest = recipient_digest(to);
        if self.references.len() >= REFERENCES_MAX {
            self.references.clear();
        }
        let start = (digest >> 24) as u16;
        let reference = self.references.entry(digest).or_insert(start);
        *reference = reference.wrapping_add(1);
        *reference
    }

    fn hand_back(&mut self, now: Timestamp, key: Key, accepted: Arc<Accepted>) -> Option<Outgoing> {
        self.step(key.slot, Trigger::ReportDispatched);
        let attempt = self.open.renew(key.slot)?;
        let open = self.open.at_mut(key.slot)?;
        // First that it arrived, where that was asked for; then that it was read.
        let arrived = open.told || !open.receipts.get().success;
        open.told_displayed = open.displayed && open.receipts.get().displayed && arrived;
        let open = self.open.at(key.slot)?;
        let delivered = open.disposition.is_success() && !accepted.plan.legs.is_empty();
        Some(Outgoing::Report(Report {
            attempt: AttemptId { slot: attempt.slot, generation: attempt.generation },
            message: open.message,
            submission: accepted.submission.clone(),
            disposition: open.disposition,
            cause: open.cause,
            code: self.codes.get(&open.message).cloned(),
            at: now,
            segments: open.segments,
            displayed: open.told_displayed,
            intermediate: false,
            via: if delivered { self.kind(open.channel) } else { None },
        }))
    }
}

/// Stable within a process; only used to tell recipients apart.
pub(crate) fn recipient_digest(address: &Pii<Address>) -> u64 {
    let octets = match address.reveal(For::Decision) {
        Address::Number(number) => number.digits.as_bytes(),
        Address::User(user) => user.id.as_bytes(),
    };
    fnv(octets)
}

pub(crate) fn fnv(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The group of this channel that a plan leads to.
fn group<'a>(channel: Option<&ChannelPolicy>, plan: &'a Plan) -> Option<&'a Pii<Address>> {
    let channel = channel.filter(|channel| channel.kind == ChannelKind::Rcs)?;
    plan.to.as_ref().filter(
        |to| matches!(to.reveal(For::Decision), Address::User(user) if user.messenger == channel.name),
    )
}
