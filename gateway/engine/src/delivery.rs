//! The life of a message as a table: state, trigger, next state. Anything else is ignored, with a reason.

/// Where an open message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// One segment of several that must be joined first.
    Gathering,
    /// Queued, or waiting for its time.
    Waiting,
    /// Waiting until its recipient is there.
    Absent,
    /// Handed to the channel; its answer is awaited.
    InFlight,
    /// The network took it; a receipt is awaited.
    Sent,
    /// The answer was lost.
    Unknown,
    /// Ended; the sender is still to be told.
    Reporting,
    /// The report is on its way.
    ReportInFlight,
    /// Nothing more to do.
    Closed,
}

/// What can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Trigger {
    Complete,
    Dispatched,
    Missed,
    Found,
    Taken,
    Deferred,
    AnswerLost,
    Resend,
    Ended,
    ReportDispatched,
    ReportTaken,
    ReportDeferred,
}

impl State {
    pub const ALL: [Self; 9] = [
        Self::Gathering,
        Self::Waiting,
        Self::Absent,
        Self::InFlight,
        Self::Sent,
        Self::Unknown,
        Self::Reporting,
        Self::ReportInFlight,
        Self::Closed,
    ];

    /// The message has its final disposition.
    #[must_use]
    pub fn is_ended(self) -> bool {
        self >= Self::Reporting
    }
}

impl Trigger {
    pub const ALL: [Self; 12] = [
        Self::Complete,
        Self::Dispatched,
        Self::Missed,
        Self::Found,
        Self::Taken,
        Self::Deferred,
        Self::AnswerLost,
        Self::Resend,
        Self::Ended,
        Self::ReportDispatched,
        Self::ReportTaken,
        Self::ReportDeferred,
    ];
}

use State::{Absent, Closed, Gathering, InFlight, ReportInFlight, Reporting, Sent, Unknown, Waiting};
use Trigger::{
    AnswerLost, Complete, Deferred, Dispatched, Ended, Found, Missed, ReportDeferred, ReportDispatched,
    ReportTaken, Resend, Taken,
};

/// Every permitted step.
pub const ROWS: &[(State, Trigger, State)] = &[
    // in           on                to
    (Gathering, Complete, Waiting),
    (Gathering, Ended, Reporting), // joined into another segment, cancelled or expired
    (Waiting, Dispatched, InFlight),
    (Waiting, Deferred, Waiting), // the plan moved to a channel that is down
    (Waiting, Missed, Absent),    // behind others who wait for the same person
    (Waiting, Ended, Reporting),  // expired, cancelled
    (Absent, Found, Waiting),     // the recipient is there, or may be
    (Absent, Deferred, Waiting),  // the plan moved on, or its time was changed
    (Absent, Ended, Reporting),   // expired, cancelled
    (InFlight, Taken, Sent),
    (InFlight, Deferred, Waiting),
    (InFlight, Missed, Absent), // refused: the recipient is away
    (InFlight, AnswerLost, Unknown),
    (InFlight, Ended, Reporting), // refused for good, or taken where no receipt follows
    (Sent, Ended, Reporting),     // by receipt, or the receipt window is over
    (Unknown, Taken, Sent),       // a late answer
    (Unknown, Resend, Waiting),   // the policy prefers a duplicate
    (Unknown, Deferred, Waiting), // a late refusal
    (Unknown, Missed, Absent),    // the same: the recipient is away
    (Unknown, Ended, Reporting),  // a receipt, or the window is over
    (Reporting, ReportDispatched, ReportInFlight),
    (Reporting, ReportTaken, Closed), // nobody wants it, or it is too old
    (ReportInFlight, ReportTaken, Closed),
    (ReportInFlight, ReportDeferred, Reporting),
];

/// The step from `state` on `trigger`, or `None` where the trigger changes nothing: a receipt for what has
/// ended, an answer to an attempt that is no longer awaited, a timer that came too late.
#[must_use]
pub const fn next(state: State, trigger: Trigger) -> Option<State> {
    TABLE[state as usize][trigger as usize]
}

/// The rows as a matrix, built at compile time, because this is asked for every event of every message.
const TABLE: [[Option<State>; Trigger::ALL.len()]; State::ALL.len()] = {
    let mut table = [[None; Trigger::ALL.len()]; State::ALL.len()];
    let mut row = 0;
    while row < ROWS.len() {
        let (state, trigger, to) = ROWS[row];
        table[state as usize][trigger as usize] = Some(to);
        row += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_the_table_once() {
        for &(state, trigger, to) in ROWS {
            assert_eq!(next(state, trigger), Some(to));
            assert_eq!(
                ROWS.iter().filter(|r| (r.0, r.1) == (state, trigger)).count(),
                1,
                "{state:?} {trigger:?}"
            );
        }
        let permitted = State::ALL
            .iter()
            .flat_map(|&s| Trigger::ALL.iter().map(move |&t| (s, t)))
            .filter(|&(s, t)| next(s, t).is_some());
        assert_eq!(permitted.count(), ROWS.len());
    }

    #[test]
    fn what_has_ended_never_comes_back() {
        for state in State::ALL.into_iter().filter(|s| s.is_ended()) {
            for trigger in Trigger::ALL {
                assert!(next(state, trigger).is_none_or(State::is_ended), "{state:?} {trigger:?}");
            }
        }
        assert!(Trigger::ALL.into_iter().all(|t| next(Closed, t).is_none()));
    }

    #[test]
    fn every_open_state_can_end() {
        for state in State::ALL.into_iter().filter(|s| !s.is_ended()) {
            assert_eq!(next(state, Ended), Some(Reporting));
        }
    }
}
