//! Where a session stands: with a connection, before one, or after one.

use std::collections::VecDeque;

use smol_str::SmolStr;

use super::{ConnectionId, outbox::Outbox, reports::Reportable};
use crate::{Ending, FailureReport, Headers, Path, Reassembly, Session, Status, Uri, limits};

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum State {
    /// Agreed on, not connected yet.
    Waiting,
    /// Bound to a connection.
    Bound,
    /// Its connection is gone; another one may come.
    Parted,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Event {
    /// A connection was found for it.
    Bind,
    /// Its connection is gone.
    Lose,
    /// None can be opened.
    Unreachable,
    /// It has stood there for as long as it may.
    Expire,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Then {
    Go(State),
    End(Ending),
}

struct Row(State, Event, Then);

/// RCS sheet §8.4: 32 s for the connection, 10 s for another one, and the idle time.
const ROWS: &[Row] = &[
    Row(State::Waiting, Event::Bind, Then::Go(State::Bound)),
    Row(State::Waiting, Event::Unreachable, Then::End(Ending::NeverConnected)),
    Row(State::Waiting, Event::Expire, Then::End(Ending::NeverConnected)),
    Row(State::Bound, Event::Lose, Then::Go(State::Parted)),
    Row(State::Bound, Event::Expire, Then::End(Ending::Idle)),
    Row(State::Parted, Event::Bind, Then::Go(State::Bound)),
    Row(State::Parted, Event::Unreachable, Then::End(Ending::ConnectionLost)),
    Row(State::Parted, Event::Expire, Then::End(Ending::ConnectionLost)),
];

/// The only way from state to state; `None`: let it be.
pub(super) fn step(state: State, event: Event) -> Option<Then> {
    ROWS.iter().find(|row| row.0 == state && row.1 == event).map(|row| row.2)
}

/// One session and everything that is under way in it.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) session: Session,
    pub(super) state: State,
    /// While it is bound.
    pub(super) connection: Option<ConnectionId>,
    /// When it came into its state.
    pub(super) since: i64,
    /// When the last message went or came.
    pub(super) active_at: i64,
    pub(super) outbox: Outbox,
    pub(super) incomplete: Vec<Incomplete>,
    /// Messages that were refused before their last chunk.
    pub(super) refused: VecDeque<(SmolStr, Status)>,
    pub(super) reportable: VecDeque<Reportable>,
    /// The timer that is set.
    pub(super) armed: i64,
}

/// A message of which something is missing. `Debug` shows lengths only.
#[derive(Debug)]
pub(super) struct Incomplete {
    pub(super) message_id: SmolStr,
    pub(super) reassembly: Reassembly,
    pub(super) touched_at: i64,
    pub(super) content_type: SmolStr,
    pub(super) headers: Headers,
    pub(super) from_path: Path,
    pub(super) local: Uri,
    pub(super) failure_report: FailureReport,
    pub(super) success_report: bool,
}

impl Open {
    pub(super) fn new(now: i64, session: Session) -> Self {
        Self {
            session,
            state: State::Waiting,
            connection: None,
            since: now,
            active_at: now,
            outbox: Outbox::default(),
            incomplete: Vec::new(),
            refused: VecDeque::new(),
            reportable: VecDeque::new(),
            armed: i64::MAX,
        }
    }

    /// When its state expires.
    pub(super) fn expires_at(&self) -> Option<i64> {
        match self.state {
            State::Waiting => Some(self.since + limits::BIND_WAIT_US),
            State::Parted => Some(self.since + limits::REBIND_WAIT_US),
            State::Bound => self.session.idle_us.map(|idle| self.active_at.saturating_add(idle)),
        }
    }

    /// When the first incomplete message is given up.
    pub(super) fn incomplete_until(&self) -> Option<i64> {
        self.incomplete.iter().map(|one| one.touched_at + limits::CHUNK_WAIT_US).min()
    }

    /// Remembers a refusal for the chunks that are still under way.
    pub(super) fn refuse(&mut self, message_id: SmolStr, status: Status) {
        if self.refused.len() == limits::REFUSED_MAX {
            self.refused.pop_front();
        }
        self.refused.push_back((message_id, status));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_event_has_one_row_or_a_reason() {
        let ignored = [
            (State::Waiting, Event::Lose, "it has none to lose"),
            (State::Bound, Event::Bind, "another request on the same connection"),
            (State::Bound, Event::Unreachable, "the other end was faster"),
            (State::Parted, Event::Lose, "it is gone already"),
        ];
        for state in [State::Waiting, State::Bound, State::Parted] {
            for event in [Event::Bind, Event::Lose, Event::Unreachable, Event::Expire] {
                let rows = ROWS.iter().filter(|row| row.0 == state && row.1 == event).count();
                let reasons = ignored.iter().filter(|row| row.0 == state && row.1 == event).count();
                assert_eq!(rows + reasons, 1, "{state:?} {event:?}");
                assert_eq!(step(state, event).is_some(), rows == 1);
            }
        }
    }
}
