//! The four transaction machines as rows: RFC 3261 §17 with RFC 6026 and RFC 4320.
//!
//! The layer runs these rows, the test below walks every pair of state and trigger, and [`picture`] draws them.

mod machines;
mod picture;

use crate::timers::Timer;

pub use machines::{CLIENT, INVITE_CLIENT, INVITE_SERVER, SERVER};
pub use picture::{picture, rows_as_text};

/// Where a transaction is. Not every machine has every state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// INVITE sent, nothing heard.
    Calling,
    /// The same, and its user no longer wants it: CANCEL has to wait for a provisional answer (RFC 3261 §9.1).
    Withdrawn,
    /// Request sent or received, no answer yet.
    Trying,
    /// Provisional answers only.
    Proceeding,
    /// CANCEL sent, no final answer yet.
    Cancelling,
    /// Final answer received or sent.
    Completed,
    /// ACK received.
    Confirmed,
    /// INVITE answered with 2xx (RFC 6026).
    Accepted,
    /// ACK of the 2xx received.
    Acknowledged,
    /// Over; the entry is removed.
    Terminated,
}

/// What may happen to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A copy of the request came in.
    Copy,
    /// The ACK of the final answer came in.
    Ack,
    /// CANCEL: received for it (server) or wanted by the user (INVITE client).
    Cancel,
    /// 1xx, received (client) or given by the user (server).
    Provisional,
    /// 2xx, received or given.
    Success,
    /// 3xx to 6xx, received or given.
    Failure,
    /// The transport cannot carry it: connection gone, port unreachable.
    TransportFailed,
    /// A timer ran out.
    Fired(Timer),
}

/// What a row does, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Do {
    /// Gives the message to the user.
    Deliver,
    /// Sends what the user gave: the request, or the answer.
    Transmit,
    /// Sends the same octets once more.
    Again,
    /// Sends 100 Trying.
    Hundred,
    /// Sends the ACK of a 3xx to 6xx (RFC 3261 §17.1.1.3).
    Acknowledge,
    /// Sends CANCEL as a transaction of its own (RFC 3261 §9.1).
    SendCancel,
    /// Tells the user that the peer no longer wants it.
    DeliverCancel,
    /// Gives the ACK of a 2xx to the user.
    DeliverAck,
    /// Refuses for a user who stays silent: 408 (INVITE only, RFC 4320 §4.2).
    Refuse,
    /// Tells the user that nothing came back.
    TimedOut,
    /// Tells the user that it could not be carried.
    Failed,
    /// Tells the user that no ACK came.
    Unacknowledged,
    /// Starts a timer.
    Arm(Timer),
    /// Starts it again after twice the pause, capped as [`Timer`] says.
    Double(Timer),
    /// Starts it again after T2.
    Flat(Timer),
    /// Stops repeating.
    Quiet,
}

/// One row of a machine.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// In this state,
    pub state: State,
    /// on this,
    pub on: Trigger,
    /// it goes there
    pub to: State,
    /// and does this.
    pub act: &'static [Do],
}

/// A pair that changes nothing, and why that is right.
#[derive(Debug)]
pub struct Ignored {
    /// In any of these states,
    pub states: &'static [State],
    /// any of these
    pub on: &'static [Trigger],
    /// changes nothing, because
    pub because: &'static str,
}

/// A transaction machine.
#[derive(Debug)]
pub struct Machine {
    /// Its name in RFC 3261.
    pub name: &'static str,
    /// Where it is specified.
    pub source: &'static str,
    /// Its states but `Terminated`; the first is where it starts.
    pub states: &'static [State],
    /// What can happen to it.
    pub triggers: &'static [Trigger],
    /// What it does when it starts.
    pub start: &'static [Do],
    /// What it does then.
    pub rows: &'static [Row],
    /// What changes nothing.
    pub ignored: &'static [Ignored],
    /// Row number plus one by state and trigger; 0 for none. Made from `rows`.
    index: Index,
}

type Index = [[u8; TRIGGERS]; STATES];

const STATES: usize = State::Terminated as usize + 1;
const TRIGGERS: usize = 7 + 16;

impl Trigger {
    const fn number(self) -> usize {
        match self {
            Self::Copy => 0,
            Self::Ack => 1,
            Self::Cancel => 2,
            Self::Provisional => 3,
            Self::Success => 4,
            Self::Failure => 5,
            Self::TransportFailed => 6,
            Self::Fired(timer) => 7 + timer as usize,
        }
    }
}

impl Machine {
    /// The row for `on` in `state`; `None` means that nothing changes.
    #[must_use]
    pub fn row(&self, state: State, on: Trigger) -> Option<&'static Row> {
        let number = self.index[state as usize][on.number()];
        self.rows.get(usize::from(number).checked_sub(1)?)
    }

    /// The state it starts in.
    #[must_use]
    pub const fn first(&self) -> State {
        self.states[0]
    }
}

/// Numbers the rows; refuses at compile time two rows for one pair.
const fn index(rows: &[Row]) -> Index {
    let mut index = [[0_u8; TRIGGERS]; STATES];
    let mut at = 0;
    while at < rows.len() {
        let cell = &mut index[rows[at].state as usize][rows[at].on.number()];
        assert!(*cell == 0, "one row for one pair of state and trigger");
        assert!(at < 255, "rows are numbered in an octet");
        *cell = at as u8 + 1;
        at += 1;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timers::{Hand, Timers};

    const ALL: [&Machine; 4] = [&INVITE_CLIENT, &INVITE_SERVER, &CLIENT, &SERVER];

    fn excuses(machine: &Machine, state: State, on: Trigger) -> usize {
        machine.ignored.iter().filter(|i| i.states.contains(&state) && i.on.contains(&on)).count()
    }

    /// Every pair has exactly one row or exactly one excuse.
    #[test]
    fn every_pair_of_state_and_trigger_is_decided_once() {
        for machine in ALL {
            for &state in machine.states {
                for &on in machine.triggers {
                    let decided = usize::from(machine.row(state, on).is_some()) + excuses(machine, state, on);
                    assert_eq!(decided, 1, "{}: {state:?} on {on:?}", machine.name);
                }
            }
        }
    }

    #[test]
    fn rows_name_only_states_and_triggers_of_their_machine() {
        for machine in ALL {
            let known = |state| state == State::Terminated || machine.states.contains(&state);
            for row in machine.rows {
                assert!(machine.states.contains(&row.state), "{}: {row:?}", machine.name);
                assert!(known(row.to) && machine.triggers.contains(&row.on), "{}: {row:?}", machine.name);
                assert!(excuses(machine, row.state, row.on) == 0, "{}: {row:?} is excused too", machine.name);
            }
            for ignored in machine.ignored {
                assert!(ignored.because.len() > 10);
                assert!(ignored.states.iter().all(|s| machine.states.contains(s)), "{ignored:?}");
                assert!(ignored.on.iter().all(|t| machine.triggers.contains(t)), "{ignored:?}");
            }
        }
    }

    /// A timer is armed exactly where its firing has a row, so no clock runs for nothing and none is missed.
    #[test]
    fn timers_that_are_armed_are_awaited() {
        for machine in ALL {
            let starts = machine.start.iter().map(|act| (machine.first(), *act));
            let later = machine.rows.iter().flat_map(|row| row.act.iter().map(move |act| (row.to, *act)));
            for (state, act) in starts.chain(later) {
                if let Do::Arm(timer) | Do::Double(timer) | Do::Flat(timer) = act {
                    assert!(
                        machine.row(state, Trigger::Fired(timer)).is_some(),
                        "{}: {timer:?} runs in {state:?} and nobody waits for it",
                        machine.name
                    );
                }
            }
            for &on in machine.triggers {
                let Trigger::Fired(timer) = on else { continue };
                let armed = machine.start.iter().chain(machine.rows.iter().flat_map(|row| row.act));
                assert!(armed.clone().any(|act| *act == Do::Arm(timer)), "{}: {timer:?}", machine.name);
            }
        }
    }

    /// Nothing stays for ever: in every state an end hand is running, whatever path led there.
    #[test]
    fn every_state_has_an_end() {
        for machine in ALL {
            // Walk all paths, carrying which end timer is set.
            let set = |before: Option<Timer>, acts: &[Do]| {
                acts.iter().fold(before, |end, act| match act {
                    Do::Arm(timer) if timer.hand() == Hand::End => Some(*timer),
                    _ => end,
                })
            };
            let mut seen = vec![(machine.first(), set(None, machine.start))];
            let mut at = 0;
            while at < seen.len() {
                let (state, end) = seen[at];
                at += 1;
                let timer = end.unwrap_or_else(|| panic!("{}: no end in {state:?}", machine.name));
                assert!(Timers::CORE.first_us(timer, true).is_some());
                assert!(
                    machine.row(state, Trigger::Fired(timer)).is_some_and(|row| row.to != state),
                    "{}: {timer:?} does not end {state:?}",
                    machine.name
                );
                for &on in machine.triggers {
                    let Some(row) = machine.row(state, on) else { continue };
                    let next = (row.to, set(end, row.act));
                    if row.to != State::Terminated && !seen.contains(&next) {
                        seen.push(next);
                    }
                }
            }
            for state in machine.states {
                assert!(seen.iter().any(|(s, _)| s == state), "{}: {state:?} is never reached", machine.name);
            }
        }
    }

    /// RFC 4320 §4.2, RFC 3261 §17.2.2: no 408 to a non-INVITE request, no repeated final answer on our own.
    #[test]
    fn a_non_invite_server_never_says_408_and_repeats_only_when_asked() {
        for row in SERVER.rows {
            assert!(!row.act.contains(&Do::Refuse));
            assert!(!row.act.contains(&Do::Again) || row.on == Trigger::Copy);
        }
    }
}
