//! Handing over: from the queues of a channel to the channel, as far as it has room.

use std::sync::Arc;

use model::{Address, AttemptId, ChannelId, For, Outgoing, OutgoingMessage, Pii, Report, Timestamp};

use crate::{
    core::Core,
    delivery::{State, Trigger},
    gates::{self, Verdict},
    journal::Accepted,
    lanes::{Lanes, Queue},
    open::Key,
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
        while lanes.has_room() {
            let Some((queue, key)) = lanes.pop() else { break };
            let Some(open) = self.open.get(key) else { continue };
            let wanted = match queue {
                Queue::Message(_) => State::Waiting,
                Queue::Reports => State::Reporting,
            };
            if open.state != wanted {
                continue;
            }
            let Some(accepted) = open.hot.clone() else {
                let birth = open.birth;
                lanes.push_front(queue, key);
                self.read_ahead(birth, lanes, queue);
                break;
            };
            let handed = match queue {
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

    /// Asks for the batch that is needed now and for those needed soon; [`Core::loaded`] lists the channel again.
    fn read_ahead(&mut self, birth: u64, lanes: &mut Lanes, queue: Queue) {
        self.want(birth);
        let mut births: Vec<u64> = lanes
            .ahead(queue, READ_AHEAD)
            .filter_map(|key| self.open.get(key))
            .filter(|o| o.hot.is_none())
            .map(|o| o.birth)
            .collect();
        births.dedup();
        for birth in births {
            self.want(birth);
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
        // Night rules are asked again at every attempt: a message may have waited into the night.
        if let Some(korea) = &self.policy.korea {
            let to = accepted.metered.to;
            if let Verdict::Hold(until) = gates::quiet_hours(korea, submission.class, to, &self.known, now) {
                self.due.push(std::cmp::Reverse((until, key)));
                return None;
            }
        }
        self.step(key.slot, Trigger::Dispatched);
        let attempt = self.open.renew(key.slot)?;
        let open = self.open.at(key.slot)?;
        let (message, segments, possible_duplicate) = (open.message, open.segments, open.possible_duplicate);
        let want_receipt = self.policy.channel(channel).is_some_and(|policy| policy.gives_receipts);
        let concat_ref = if segments > 1 { self.reference(&accepted) } else { 0 };
        Some(Outgoing::Message(OutgoingMessage {
            attempt: AttemptId { slot: attempt.slot, generation: attempt.generation },
            message,
            submission: accepted.submission.clone(),
            from: accepted.plan.from.clone(),
            to: accepted.plan.to.clone(),
            concat_ref,
            want_receipt,
            possible_duplicate,
        }))
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
        let open = self.open.at(key.slot)?;
        Some(Outgoing::Report(Report {
            attempt: AttemptId { slot: attempt.slot, generation: attempt.generation },
            message: open.message,
            submission: accepted.submission.clone(),
            disposition: open.disposition,
            cause: open.cause,
            code: self.codes.get(&open.message).cloned(),
            at: now,
            segments: open.segments,
            displayed: false,
            intermediate: false,
        }))
    }
}

/// Stable within a process; only used to tell recipients apart.
pub(crate) fn recipient_digest(address: &Pii<Address>) -> u64 {
    let octets = match address.reveal(For::Decision) {
        Address::Number(number) => number.digits.as_bytes(),
        Address::User(user) => user.id.as_bytes(),
    };
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
