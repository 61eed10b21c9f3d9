//! Who wants to be woken when.
//!
//! One entry a session and a connection is enough: when it comes up, what is really due is looked at, and the
//! next entry is made. So moving a deadline back, as every message does, costs nothing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{
    ConnectionId, Endpoint, SessionKey,
    states::{Event, Then, step},
};
use crate::{Action, ByteRange, FailureReport, Status, limits};

/// Nobody is asked more often than that, whatever the settings say.
const KEEP_ALIVE_US_MIN: i64 = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Timers(BinaryHeap<Reverse<(i64, Item)>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Session(SessionKey),
    Connection(ConnectionId),
}

impl Timers {
    pub(super) fn next(&self) -> Option<i64> {
        self.0.peek().map(|Reverse((due, _))| *due)
    }

    fn arm(&mut self, item: Item, armed: &mut i64, due: Option<i64>) {
        if let Some(due) = due.filter(|due| *due < *armed) {
            *armed = due;
            self.0.push(Reverse((due, item)));
        }
    }

    fn due(&mut self, now: i64) -> Option<(i64, Item)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop().map(|Reverse(entry)| entry)
    }
}

impl Endpoint {
    pub(super) fn arm_session(&mut self, key: SessionKey) {
        let Some(open) = self.sessions.get_mut(&key) else { return };
        let due = [open.expires_at(), open.incomplete_until()].into_iter().flatten().min();
        self.timers.arm(Item::Session(key), &mut open.armed, due);
    }

    pub(super) fn arm_connection(&mut self, id: ConnectionId) {
        let due = self.connection_due(id);
        let Some(one) = self.connections.get_mut(&id) else { return };
        self.timers.arm(Item::Connection(id), &mut one.armed, due);
    }

    fn connection_due(&self, id: ConnectionId) -> Option<i64> {
        let one = self.connections.get(&id).filter(|one| !one.closing)?;
        let unused = (!one.is_used()).then_some(one.unused_until);
        let kept = one.keeper.map(|_| one.written_at.saturating_add(self.keep_alive_us()));
        let renewed = one.authorisation.as_ref().and_then(|authorisation| authorisation.renew_at);
        [unused, kept, renewed, one.response_due()].into_iter().flatten().min()
    }

    fn keep_alive_us(&self) -> i64 {
        self.settings.keep_alive_us.max(KEEP_ALIVE_US_MIN)
    }

    pub(super) fn fire(&mut self, now: i64, out: &mut Vec<Action>) {
        while let Some((due, item)) = self.timers.due(now) {
            match item {
                Item::Session(key) => {
                    if let Some(open) = self.sessions.get_mut(&key).filter(|open| open.armed == due) {
                        open.armed = i64::MAX;
                        self.fire_session(now, key, out);
                        self.arm_session(key);
                    }
                }
                Item::Connection(id) => {
                    if let Some(one) = self.connections.get_mut(&id).filter(|one| one.armed == due) {
                        one.armed = i64::MAX;
                        self.fire_connection(now, id, out);
                        self.arm_connection(id);
                    }
                }
            }
        }
    }

    fn fire_session(&mut self, now: i64, key: SessionKey, out: &mut Vec<Action>) {
        self.drop_incomplete(now, key);
        let Some(open) = self.sessions.get(&key) else { return };
        if open.expires_at().is_none_or(|due| due > now) {
            return;
        }
        if let Some(Then::End(ending)) = step(open.state, Event::Expire) {
            self.end(now, key, ending, out);
        }
    }

    /// Messages whose missing chunks did not come: nobody heard 200 for them, and who wants reports gets one.
    fn drop_incomplete(&mut self, now: i64, key: SessionKey) {
        loop {
            let Some(open) = self.sessions.get_mut(&key) else { return };
            let late = open.incomplete.iter().position(|one| one.touched_at + limits::CHUNK_WAIT_US <= now);
            let Some(late) = late else { return };
            let one = open.incomplete.swap_remove(late);
            // 408 stands in reports only; for chunks that still come it is 413.
            open.refuse(one.message_id.clone(), Status::STOP_SENDING);
            let Some(id) = open.connection else { continue };
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.incomplete = connection.incomplete.saturating_sub(one.reassembly.octets());
            }
            if one.failure_report != FailureReport::No {
                let range = ByteRange { start: 1, end: None, total: None };
                self.report_back(
                    now,
                    id,
                    &one.from_path,
                    &one.local,
                    &one.message_id,
                    range,
                    Status::TIMED_OUT,
                );
            }
        }
    }

    fn fire_connection(&mut self, now: i64, id: ConnectionId, out: &mut Vec<Action>) {
        while let Some(flight) = self.connections.get_mut(&id).and_then(|one| one.overdue(now)) {
            self.unanswered(now, id, flight, out);
        }
        let keep_alive_us = self.keep_alive_us();
        let Some(one) = self.connections.get_mut(&id).filter(|one| !one.closing) else { return };
        if !one.is_used() && one.unused_until <= now {
            self.shut(id);
            return;
        }
        if one
            .authorisation
            .as_ref()
            .and_then(|authorisation| authorisation.renew_at)
            .is_some_and(|at| at <= now)
        {
            self.renew(now, id);
        }
        let Some(one) = self.connections.get_mut(&id) else { return };
        if one.written_at.saturating_add(keep_alive_us) <= now
            && let Some(keeper) = one.keeper
        {
            one.written_at = now;
            self.send_empty(now, keeper, true);
        }
    }
}
