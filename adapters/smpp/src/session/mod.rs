//! What may be said when: the session states of SMPP as one table (SMPP 3.4 §2.2, SMPP 5.0 §2.3).
//!
//! Both ends share the table; the only difference between them is who is asking.

mod bind;
mod timers;
mod verdict;

pub use bind::{BindManners, BindRefusal};
pub use timers::{Due, TimerOptions, Timers};
pub use verdict::{NackVerdict, Verdict, nack_verdict, verdict};

use crate::{Command, CommandStatus};
use Party::{Either, Esme, MessageCentre};
use State::{BoundRx, BoundTrx, BoundTx, Closed, Open, Outbound, Unbound};
use Then::{OnAnswer, OnSight, OnSuccess, Stay};

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Connected, not bound.
    Open,
    /// The message centre sent `outbind`.
    Outbound,
    /// The ESME submits.
    BoundTx,
    /// The ESME receives.
    BoundRx,
    /// Both.
    BoundTrx,
    /// After `unbind`; the connection is about to close.
    Unbound,
    /// No connection.
    Closed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [Open, Outbound, BoundTx, BoundRx, BoundTrx, Unbound, Closed];

    /// Bound in any direction.
    pub const fn is_bound(self) -> bool {
        matches!(self, BoundTx | BoundRx | BoundTrx)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// The client of a message centre.
    Esme,
    /// The message centre.
    MessageCentre,
    /// In the table only: both may.
    Either,
}

/// What a request does to the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Then {
    /// Nothing.
    Stay,
    /// Moves as soon as it is seen; it has no answer.
    OnSight(State),
    /// Moves with a positive answer.
    OnSuccess(State),
    /// Moves with any answer.
    OnAnswer(State),
}

/// One request: who may send it in which states, and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The request.
    pub command: Command,
    /// Who may send it.
    pub by: Party,
    states: u8,
    /// What it does.
    pub then: Then,
}

impl Row {
    /// May `by` send this in `state`?
    pub const fn allows(&self, by: Party, state: State) -> bool {
        let who = matches!(
            (self.by, by),
            (Either, _) | (Esme, Esme) | (MessageCentre, MessageCentre) | (_, Either)
        );
        who && self.states & state.bit() != 0
    }
}

const fn row(command: Command, by: Party, states: &[State], then: Then) -> Row {
    let mut set = 0;
    let mut at = 0;
    while at < states.len() {
        set |= states[at].bit();
        at += 1;
    }
    Row { command, by, states: set, then }
}

const SUBMITS: &[State] = &[BoundTx, BoundTrx];
const RECEIVES: &[State] = &[BoundRx, BoundTrx];
const BOUND: &[State] = &[BoundTx, BoundRx, BoundTrx];
/// 5.0 lets `enquire_link` through before and after a bind; 3.4 peers do it all the same.
const CONNECTED: &[State] = &[Open, Outbound, BoundTx, BoundRx, BoundTrx, Unbound];

/// The table. What is on top is asked for most.
pub const ROWS: &[Row] = &[
    //  request                      said by        in these states     and then
    row(Command::SubmitSm, Esme, SUBMITS, Stay),
    row(Command::DeliverSm, MessageCentre, RECEIVES, Stay),
    row(Command::EnquireLink, Either, CONNECTED, Stay),
    row(Command::DataSm, Esme, SUBMITS, Stay),
    row(Command::DataSm, MessageCentre, RECEIVES, Stay),
    row(Command::SubmitMulti, Esme, SUBMITS, Stay),
    row(Command::QuerySm, Esme, SUBMITS, Stay),
    row(Command::CancelSm, Esme, SUBMITS, Stay),
    row(Command::ReplaceSm, Esme, SUBMITS, Stay),
    row(Command::BroadcastSm, Esme, SUBMITS, Stay),
    row(Command::QueryBroadcastSm, Esme, SUBMITS, Stay),
    row(Command::CancelBroadcastSm, Esme, SUBMITS, Stay),
    row(Command::AlertNotification, MessageCentre, RECEIVES, Stay),
    row(Command::BindTransmitter, Esme, &[Open], OnSuccess(BoundTx)),
    row(Command::BindReceiver, Esme, &[Open, Outbound], OnSuccess(BoundRx)),
    row(Command::BindTransceiver, Esme, &[Open, Outbound], OnSuccess(BoundTrx)),
    row(Command::Outbind, MessageCentre, &[Open], OnSight(Outbound)),
    row(Command::Unbind, Either, BOUND, OnAnswer(Unbound)),
];

/// May `by` send this request now?
pub fn may(by: Party, request: Command, state: State) -> bool {
    ROWS.iter().any(|row| row.command == request && row.allows(by, state))
}

/// Where the session stands once a legal request has been seen, before its answer.
pub fn after_request(request: Command, state: State) -> State {
    match then(request) {
        OnSight(next) => next,
        _ => state,
    }
}

/// Where the session stands once a legal request has been answered with `status`.
pub fn after_answer(request: Command, status: CommandStatus, state: State) -> State {
    match then(request) {
        OnSuccess(next) if status.is_ok() => next,
        OnAnswer(next) => next,
        _ => state,
    }
}

fn then(request: Command) -> Then {
    ROWS.iter().find(|row| row.command == request).map_or(Stay, |row| row.then)
}
