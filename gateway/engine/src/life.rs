//! What every step of a message is made of: entries, queues, its end, and being forgotten.

use std::sync::Arc;

use billing::UsageRecord;
use model::{Cause, ChannelId, Disposition, MessageId, Timestamp};

use crate::{
    core::Core,
    delivery::{State, Trigger, next},
    journal::{Accepted, Entry, Event},
    lanes::Queue,
    open::{Key, Open, seconds},
    upstream::Past,
};

impl Core {
    /// Writes an entry about an open message into the batch under way.
    pub(crate) fn record(&mut self, now: Timestamp, message: MessageId, birth: u64, event: Event) {
        if birth != self.pending.seq && birth != self.touched {
            self.touched = birth;
            self.pending.touches.push(birth);
        }
        self.pending.entries.push(Entry { message, at: now, event });
    }

    pub(crate) fn charge(&mut self, record: Option<UsageRecord>) {
        self.pending.usage.extend(record);
    }

    /// Queues a message when the batch under way is committed.
    pub(crate) fn enqueue(&mut self, key: Key) {
        if let Some(open) = self.open.get(key) {
            self.release.enqueue.push((open.channel, Queue::Message(open.lane), key));
        }
    }

    /// Moves a message along the table. False where the table ignores it.
    pub(crate) fn step(&mut self, slot: u32, trigger: Trigger) -> bool {
        let Some(open) = self.open.at_mut(slot) else { return false };
        let Some(to) = next(open.state, trigger) else { return false };
        open.state = to;
        true
    }

    /// The whole of a message, or `None` after asking for it to be read back.
    pub(crate) fn hot(&mut self, slot: u32) -> Option<Arc<Accepted>> {
        let open = self.open.at(slot)?;
        if let Some(accepted) = &open.hot {
            return Some(accepted.clone());
        }
        let birth = open.birth;
        self.cold.want(birth);
        None
    }

    /// Gives a message its final disposition. Call only when it is hot.
    pub(crate) fn end(&mut self, now: Timestamp, slot: u32, disposition: Disposition, cause: Option<Cause>) {
        self.no_longer_absent(slot);
        let was = self.open.at(slot).map(|open| open.state);
        if !self.step(slot, Trigger::Ended) {
            return;
        }
        let Some(open) = self.open.at_mut(slot) else { return };
        open.disposition = disposition;
        open.cause = cause;
        let (message, birth, origin, channel, digest) =
            (open.message, open.birth, open.origin, open.channel, open.upstream);
        let receipts = open.receipts.get();
        let displayed = receipts.displayed && open.displayed;
        if let Some(accepted) = open.hot.clone() {
            self.charge(accepted.meter(message, channel).ended(now, disposition, cause));
        }
        // Who had it then: that one delivered it, or is asked what became of it.
        let had = was.is_some_and(|was| was >= State::InFlight).then_some(channel);
        self.record(now, message, birth, Event::Final { disposition, cause, channel: had });
        if !self.open.at(slot).is_some_and(|open| self.awaits_display(open)) {
            self.upstream.forget(slot, digest, Past::unheard(message, birth));
        }
        if was.is_some_and(|was| matches!(was, State::Unknown | State::Overdue | State::Revoking)) {
            self.forget_unknown(slot);
        }
        if self.open.ended(birth) && birth != self.pending.seq {
            self.pending.erase.push(birth);
        }
        let told = displayed || if disposition.is_success() { receipts.success } else { receipts.failure };
        let Some(policy) = self.policy.channel(origin) else { return self.close(slot) };
        if !told || !policy.takes_reports {
            return self.rest(now, slot);
        }
        let until = seconds(now + policy.report_window);
        self.open.set_deadline(slot, until);
        self.enqueue_report(slot);
    }

    pub(crate) fn enqueue_report(&mut self, slot: u32) {
        let Some(key) = self.open.renew(slot) else { return };
        if let Some(open) = self.open.at(slot) {
            self.release.enqueue.push((open.origin, Queue::Reports, key));
        }
    }

    /// Nothing more is to be done about a message.
    pub(crate) fn close(&mut self, slot: u32) {
        if !self.codes.is_empty()
            && let Some(open) = self.open.at(slot)
        {
            self.codes.remove(&open.message);
        }
        if let Some(open) =
            self.open.at(slot).filter(|open| open.upstream != 0 && open.receipts.get().displayed)
        {
            let (digest, past) = (open.upstream, Past::unheard(open.message, open.birth));
            self.unread -= usize::from(open.state == State::Unread);
            self.upstream.forget(slot, digest, past);
        }
        if let Some((birth, true)) = self.open.remove(slot)
            && birth != self.pending.seq
        {
            self.open.forget(birth);
            self.cold.closed(birth);
            self.pending.close.push(birth);
        }
    }

    /// A queue that is longer than what its channel takes soon need not be in memory.
    pub(crate) fn cool_if_crowded(&mut self, channel: ChannelId, queue: Queue, key: Key) {
        let lanes = self.lanes(channel);
        // What arrives at a channel that is down is looked at first, see `Core::arrivals`.
        if !lanes.has_room() && !lanes.down {
            self.cool(queue, key);
        }
    }

    pub(crate) fn cool(&mut self, queue: Queue, key: Key) {
        let crowded = self.open.hot() > self.policy.limits.hot_max;
        if crowded && matches!(queue, Queue::Message(_)) && !self.fresh.contains_key(&key.slot) {
            self.open.cool(key.slot);
        }
    }

    pub(crate) fn insert(&mut self, open: Open) -> Key {
        self.open.insert(open)
    }
}
