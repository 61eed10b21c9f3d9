//! What is due at some instant, beside the timers of transactions and registrations.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Core, slots::Slot};
use crate::translate::Line;

/// What is due. One that comes for something that is gone or was put off changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    /// A device was asked to take a message back and has not said what came of it.
    Revocation(Slot),
    /// A user of the IMS core was registered until now.
    Served(Line),
    /// A subscription to the state of a group ends.
    Watch(Slot),
    /// A handset has not said whether it takes a short message.
    Short(Slot),
    /// A session is to be refreshed, or nobody refreshed it.
    Session(Slot),
    /// An INVITE of ours has waited for long.
    Call(Slot),
    /// The relay of MSRP is to be asked for a path.
    Relay,
    /// A path that it lent may have ended.
    Lease,
}

/// Alarms in their order.
#[derive(Debug, Default)]
pub(super) struct Alarms(BinaryHeap<Reverse<(i64, Alarm)>>);

impl Alarms {
    pub(super) fn set(&mut self, at_us: i64, alarm: Alarm) {
        self.0.push(Reverse((at_us, alarm)));
    }

    pub(super) fn next_us(&self) -> Option<i64> {
        self.0.peek().map(|Reverse((at_us, _))| *at_us)
    }

    fn pop(&mut self, now_us: i64) -> Option<Alarm> {
        if self.next_us()? > now_us {
            return None;
        }
        self.0.pop().map(|Reverse((_, alarm))| alarm)
    }
}

impl Core {
    /// Does all that is due.
    pub(super) fn ring(&mut self, now_us: i64) {
        while let Some(alarm) = self.alarms.pop(now_us) {
            match alarm {
                Alarm::Revocation(slot) => self.revocation_due(slot),
                Alarm::Served(line) => self.served_due(now_us, &line),
                Alarm::Short(slot) => self.short_due(now_us, slot),
                Alarm::Call(slot) => self.call_due(now_us, slot),
                Alarm::Watch(slot) => self.watch_due(now_us, slot),
                Alarm::Relay => self.relay_due(now_us),
                Alarm::Lease => self.leases_due(now_us),
                Alarm::Session(slot) => self.session_due(now_us, slot),
            }
        }
    }
}
