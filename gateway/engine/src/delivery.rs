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
    /// The time of its leg is over: it is to be taken back from its channel.
    Overdue,
    /// Its channel was asked to take it back.
    Revoking,
    /// Ended; the sender is still to be told.
    Reporting,
    /// The report is on its way.
    ReportInFlight,
    /// Delivered, and nobody has seen it yet; the sender wants to know.
    Unread,
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
    LegOver,
    Ended,
    ReportDispatched,
    ReportTaken,
    ReportDeferred,
    Told,
    Seen,
}

impl State {
    pub const ALL: [Self; 12] = [
        Self::Gathering,
        Self::Waiting,
        Self::Absent,
        Self::InFlight,
        Self::Sent,
        Self::Unknown,
        Self::Overdue,
        Self::Revoking,
        Self::Reporting,
        Self::ReportInFlight,
        Self::Unread,
        Self::Closed,
    ];

    /// The message has its final disposition.
    #[must_use]
    pub fn is_ended(self) -> bool {
        self >= Self::Reporting
    }
}

impl Trigger {
    pub const ALL: [Self; 15] = [
        Self::Complete,
        Self::Dispatched,
        Self::Missed,
        Self::Found,
        Self::Taken,
        Self::Deferred,
        Self::AnswerLost,
        Self::Resend,
        Self::LegOver,
        Self::Ended,
        Self::ReportDispatched,
        Self::ReportTaken,
        Self::ReportDeferred,
        Self::Told,
        Self::Seen,
    ];
}

use State::{
    Absent, Closed, Gathering, InFlight, Overdue, ReportInFlight, Reporting, Revoking, Sent, Unknown, Unread,
    Waiting,
};
use Trigger::{
    AnswerLost, Complete, Deferred, Dispatched, Ended, Found, LegOver, Missed, ReportDeferred,
    ReportDispatched, ReportTaken, Resend, Seen, Taken, Told,
};

/// Every permitted step.
pub const ROWS: &[(State, Trigger, State)] = &[
    // in           on                to
    (Gathering, Complete, Waiting),
    (Gathering, Ended, Reporting), // joined into another segment, cancelled or expired
    (Waiting, Dispatched, InFlight),
    (Waiting, Deferred, Waiting), // the plan moved on
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
    (Sent, LegOver, Overdue),
    (Sent, Deferred, Waiting),  // certainly not delivered, or its leg's time is over
    (Sent, Ended, Reporting),   // by receipt, or the receipt window is over
    (Unknown, Taken, Sent),     // a late answer
    (Unknown, Resend, Waiting), // the policy prefers a duplicate
    (Unknown, Deferred, Waiting), // a late refusal, or its leg's time is over
    (Unknown, Missed, Absent),  // a late refusal: the recipient is away
    (Unknown, LegOver, Overdue),
    (Unknown, Ended, Reporting), // a receipt, or the window is over
    (Overdue, Dispatched, Revoking),
    (Overdue, Deferred, Waiting), // a late refusal; or it cannot be taken back, and goes on
    (Overdue, Taken, Sent),       // it cannot be taken back, and stays
    (Overdue, AnswerLost, Unknown), // the same where its answer was lost
    (Overdue, Ended, Reporting),  // a receipt
    (Revoking, Deferred, Waiting), // taken back, or it cannot be and goes on
    (Revoking, Taken, Sent),      // it has arrived, or cannot be taken back and stays
    (Revoking, AnswerLost, Unknown), // the same where its answer was lost
    (Revoking, Ended, Reporting), // a receipt was faster
    (Reporting, ReportDispatched, ReportInFlight),
    (Reporting, Told, Unread),        // nothing to tell yet but whether it is seen
    (Reporting, ReportTaken, Closed), // nobody wants it, or it is too old
    (ReportInFlight, Told, Unread),   // delivered; whether it is seen is awaited
    (ReportInFlight, ReportTaken, Closed),
    (ReportInFlight, ReportDeferred, Reporting),
    (Unread, Seen, Reporting),
    (Unread, ReportTaken, Closed), // not seen in time
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
