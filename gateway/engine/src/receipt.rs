//! What networks say about what they took, and which message they mean.

use model::{
    Address, Answer, Cause, ChannelId, ChannelKind, Disposition, For, Inbound, Number, Receipt, ReceiptState,
    Ticket, Timestamp,
};

use crate::{
    core::{Core, Parked},
    dispatch::fnv,
    journal::{Accepted, Event},
    policy::reads_text,
    upstream::Past,
};

impl Core {
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
            // There we name messages ourselves: no other one will ever have this id, and the device waits.
            None if self.kind(channel) == Some(ChannelKind::Rcs)
                && self.upstream.past(channel, &receipt.upstream).is_some() =>
            {
                return self.late_receipt(now, channel, receipt, ticket);
            }
            // Only when no answer has come that would name its id: it may be another message's receipt.
            None if last => match self.lost_answer(channel, receipt) {
                Some(slot) => (slot, 0, 0),
                None => return self.late_receipt(now, channel, receipt, ticket),
            },
            None => return false,
        };
        if self.open.at(slot).is_some_and(|open| open.state.is_ended()) {
            self.receipt_after_end(now, slot, receipt);
            return self.taken(ticket);
        }
        if self.hot(slot).is_none() {
            let birth = self.open.at(slot).map_or(0, |open| open.birth);
            let again = Inbound::Receipt { channel, receipt: receipt.clone(), ticket };
            self.cold.park(birth, again);
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
        let (message, birth, past) = (open.message, open.birth, Past::heard(open.message, open.birth));
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
        // Of one that is delivered it is still to be heard whether a person has seen it.
        let goes_on = ends == Some(Disposition::Delivered)
            && receipt.state != ReceiptState::Displayed
            && self.open.at(slot).is_some_and(|open| self.would_tell_display(open));
        if finished.is_some() && digest != 0 && !goes_on {
            self.upstream.settle(digest, past);
        }
        match ends {
            Some(disposition) => self.ends_by_receipt(now, slot, disposition, receipt),
            None if finished.is_none() => self.under_way(now, slot),
            None => {}
        }
        self.taken(ticket)
    }

    /// The network says what became of the message on this leg.
    fn ends_by_receipt(&mut self, now: Timestamp, slot: u32, disposition: Disposition, receipt: &Receipt) {
        let cause = match disposition {
            Disposition::Delivered | Disposition::HandedOver => None,
            Disposition::Expired => Some(Cause::Expired),
            Disposition::Cancelled => Some(Cause::Cancelled),
            Disposition::Rejected => Some(Cause::NetworkRefused),
            _ => Some(Cause::Unreachable),
        };
        let Some(open) = self.open.at_mut(slot) else { return };
        open.displayed |= receipt.state == ReceiptState::Displayed;
        let (message, channel, leg) = (open.message, open.channel, open.leg);
        // Between short-message networks a failure is the recipient's, and another of them changes nothing.
        let certain =
            matches!(disposition, Disposition::Undeliverable | Disposition::Expired | Disposition::Rejected);
        if certain
            && self.policy.channel(channel).is_some_and(|policy| reads_text(policy.kind))
            && let Some(next) = self.hot(slot).and_then(|accepted| self.next_leg(&accepted, leg))
            && let Some(key) = self.open.key(slot)
        {
            return self.reroute(now, key, next, cause.unwrap_or(Cause::Unreachable), true);
        }
        if let Some(code) = &receipt.code {
            self.codes.insert(message, code.clone());
        }
        self.end(now, slot, disposition, cause);
    }

    /// The message was delivered, and somebody waits to hear that it was seen.
    fn receipt_after_end(&mut self, now: Timestamp, slot: u32, receipt: &Receipt) {
        if receipt.state == ReceiptState::Displayed {
            self.seen(now, slot);
        } else {
            self.tally.unmatched_receipts += u64::from(receipt.state.disposition().is_some());
        }
    }

    /// A receipt of an earlier leg, or after the end: written down once, never applied (invariant I4). False
    /// when nobody here knows its id.
    fn late_receipt(
        &mut self,
        now: Timestamp,
        channel: ChannelId,
        receipt: &Receipt,
        ticket: Option<Ticket>,
    ) -> bool {
        let Some(past) = self.upstream.past(channel, &receipt.upstream) else { return false };
        let (message, birth, repeated) = (past.message, past.birth, past.heard);
        if receipt.state.disposition().is_some() {
            past.heard = true;
            if repeated {
                self.tally.unmatched_receipts += 1;
            } else {
                self.record(now, message, birth, Event::LateReceipt { channel, state: receipt.state });
            }
        }
        self.taken(ticket)
    }

    fn taken(&mut self, ticket: Option<Ticket>) -> bool {
        if let Some(ticket) = ticket {
            self.answer(ticket, Answer::Taken);
        }
        true
    }

    /// A message whose answer was lost has no upstream id; a receipt about the same two numbers can only
    /// mean it, if there is just one.
    fn lost_answer(&mut self, channel: ChannelId, receipt: &Receipt) -> Option<u32> {
        if self.unknown.is_empty() || self.upstream.past(channel, &receipt.upstream).is_some() {
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
        let submission = &accepted.submission;
        let (from, to) = self.addressed(channel, accepted);
        let (from, to) = (from.as_ref().unwrap_or(&submission.from), to.as_ref().unwrap_or(&submission.to));
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
}
