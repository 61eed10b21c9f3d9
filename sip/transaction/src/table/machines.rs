//! The rows.

use super::{Do, Ignored, Machine, Row, State, Trigger, index};
use crate::timers::Timer;

use Do::*;
use State::*;
use Timer::{A, B, C, D, E, F, G, H, I, J, K, L, LateHundred, M, TwoHundred};
use Trigger::{Ack, Cancel, Copy, Failure, Fired, Provisional, Success, TransportFailed};

const fn row(state: State, on: Trigger, to: State, act: &'static [Do]) -> Row {
    Row { state, on, to, act }
}

const fn ignored(states: &'static [State], on: &'static [Trigger], because: &'static str) -> Ignored {
    Ignored { states, on, because }
}

#[rustfmt::skip]
const INVITE_CLIENT_ROWS: &[Row] = &[
    //  in           on                to            do
    row(Calling,     Fired(A),         Calling,      &[Again, Double(A)]),
    row(Calling,     Fired(B),         Terminated,   &[TimedOut]),
    row(Calling,     Provisional,      Proceeding,   &[Quiet, Deliver, Arm(C)]),
    row(Calling,     Success,          Accepted,     &[Quiet, Deliver, Arm(M)]),
    row(Calling,     Failure,          Completed,    &[Quiet, Acknowledge, Deliver, Arm(D)]),
    row(Calling,     Cancel,           Withdrawn,    &[]),
    row(Calling,     TransportFailed,  Terminated,   &[Failed]),

    row(Withdrawn,   Fired(A),         Withdrawn,    &[Again, Double(A)]),
    row(Withdrawn,   Fired(B),         Terminated,   &[TimedOut]),
    row(Withdrawn,   Provisional,      Cancelling,   &[Quiet, Deliver, SendCancel, Arm(B)]),
    row(Withdrawn,   Success,          Accepted,     &[Quiet, Deliver, Arm(M)]),
    row(Withdrawn,   Failure,          Completed,    &[Quiet, Acknowledge, Deliver, Arm(D)]),
    row(Withdrawn,   TransportFailed,  Terminated,   &[Failed]),

    row(Proceeding,  Fired(C),         Cancelling,   &[SendCancel, Arm(B)]),
    row(Proceeding,  Provisional,      Proceeding,   &[Deliver, Arm(C)]),
    row(Proceeding,  Success,          Accepted,     &[Deliver, Arm(M)]),
    row(Proceeding,  Failure,          Completed,    &[Acknowledge, Deliver, Arm(D)]),
    row(Proceeding,  Cancel,           Cancelling,   &[SendCancel, Arm(B)]),
    row(Proceeding,  TransportFailed,  Terminated,   &[Failed]),

    row(Cancelling,  Fired(B),         Terminated,   &[TimedOut]),
    row(Cancelling,  Provisional,      Cancelling,   &[Deliver]),
    row(Cancelling,  Success,          Accepted,     &[Deliver, Arm(M)]),
    row(Cancelling,  Failure,          Completed,    &[Acknowledge, Deliver, Arm(D)]),
    row(Cancelling,  TransportFailed,  Terminated,   &[Failed]),

    row(Completed,   Failure,          Completed,    &[Acknowledge]),
    row(Completed,   Fired(D),         Terminated,   &[]),
    row(Completed,   TransportFailed,  Terminated,   &[]),

    row(Accepted,    Success,          Accepted,     &[Deliver]),
    row(Accepted,    Fired(M),         Terminated,   &[]),
];

/// RFC 3261 figure 5 with RFC 6026 §7.2; `Withdrawn` and `Cancelling` are RFC 3261 §9.1.
pub const INVITE_CLIENT: Machine = Machine {
    name: "INVITE client",
    source: "RFC 3261 §17.1.1 and §9.1, RFC 6026 §7.2",
    states: &[Calling, Withdrawn, Proceeding, Cancelling, Completed, Accepted],
    triggers: &[
        Provisional,
        Success,
        Failure,
        Cancel,
        TransportFailed,
        Fired(A),
        Fired(B),
        Fired(C),
        Fired(D),
        Fired(M),
    ],
    start: &[Transmit, Arm(A), Arm(B)],
    rows: INVITE_CLIENT_ROWS,
    ignored: &[
        ignored(&[Withdrawn, Cancelling], &[Cancel], "it was cancelled already"),
        ignored(
            &[Completed, Accepted],
            &[Cancel],
            "CANCEL has no effect after a final answer (RFC 3261 §9.1)",
        ),
        ignored(&[Completed, Accepted], &[Provisional], "a provisional answer that was overtaken"),
        ignored(&[Completed], &[Success], "the user has its final answer; one INVITE has one outcome here"),
        ignored(&[Accepted], &[Failure], "another fork failed; the user has a 2xx"),
        ignored(&[Accepted], &[TransportFailed], "nothing is left to send; further 2xx may come another way"),
        ignored(&[Proceeding, Cancelling, Completed, Accepted], &[Fired(A)], "stopped by the first answer"),
        ignored(
            &[Proceeding, Completed, Accepted],
            &[Fired(B)],
            "one end hand: another timer took its place",
        ),
        ignored(
            &[Calling, Withdrawn, Cancelling, Completed, Accepted],
            &[Fired(C)],
            "runs in Proceeding only",
        ),
        ignored(
            &[Calling, Withdrawn, Proceeding, Cancelling, Accepted],
            &[Fired(D)],
            "runs in Completed only",
        ),
        ignored(
            &[Calling, Withdrawn, Proceeding, Cancelling, Completed],
            &[Fired(M)],
            "runs in Accepted only",
        ),
    ],
    index: index(INVITE_CLIENT_ROWS),
};

#[rustfmt::skip]
const INVITE_SERVER_ROWS: &[Row] = &[
    //  in             on                   to             do
    row(Proceeding,    Copy,                Proceeding,    &[Again]),
    row(Proceeding,    Fired(Timer::Hundred), Proceeding,  &[Hundred]),
    row(Proceeding,    Fired(C),            Completed,     &[Quiet, Refuse, Arm(G), Arm(H)]),
    row(Proceeding,    Provisional,         Proceeding,    &[Quiet, Transmit, Arm(C)]),
    row(Proceeding,    Success,             Accepted,      &[Quiet, Transmit, Arm(TwoHundred), Arm(L)]),
    row(Proceeding,    Failure,             Completed,     &[Quiet, Transmit, Arm(G), Arm(H)]),
    row(Proceeding,    Cancel,              Proceeding,    &[DeliverCancel]),

    row(Completed,     Copy,                Completed,     &[Again]),
    row(Completed,     Fired(G),            Completed,     &[Again, Double(G)]),
    row(Completed,     Fired(H),            Terminated,    &[Unacknowledged]),
    row(Completed,     Ack,                 Confirmed,     &[Quiet, Arm(I)]),

    row(Confirmed,     Fired(I),            Terminated,    &[]),

    row(Accepted,      Fired(TwoHundred),   Accepted,      &[Again, Double(TwoHundred)]),
    row(Accepted,      Fired(L),            Terminated,    &[Unacknowledged]),
    row(Accepted,      Ack,                 Acknowledged,  &[Quiet, DeliverAck]),

    row(Acknowledged,  Fired(L),            Terminated,    &[]),
];

/// RFC 3261 figure 7 with RFC 6026 §7.1; repeating the 2xx and waiting for its ACK is RFC 3261 §13.3.1.4.
pub const INVITE_SERVER: Machine = Machine {
    name: "INVITE server",
    source: "RFC 3261 §17.2.1 and §13.3.1.4, RFC 6026 §7.1",
    states: &[Proceeding, Completed, Confirmed, Accepted, Acknowledged],
    triggers: &[
        Copy,
        Ack,
        Cancel,
        Provisional,
        Success,
        Failure,
        Fired(Timer::Hundred),
        Fired(C),
        Fired(G),
        Fired(H),
        Fired(I),
        Fired(L),
        Fired(TwoHundred),
    ],
    start: &[Deliver, Arm(Timer::Hundred), Arm(C)],
    rows: INVITE_SERVER_ROWS,
    ignored: &[
        ignored(&[Proceeding], &[Ack], "there is nothing yet to acknowledge"),
        ignored(&[Confirmed, Acknowledged], &[Ack], "a copy of an ACK that was taken"),
        ignored(
            &[Confirmed, Accepted, Acknowledged],
            &[Copy],
            "absorbed: the answer arrived, or the 2xx is repeated anyway",
        ),
        ignored(
            &[Completed, Confirmed, Accepted, Acknowledged],
            &[Cancel],
            "CANCEL has no effect after a final answer (RFC 3261 §9.2)",
        ),
        ignored(
            &[Completed, Confirmed, Accepted, Acknowledged],
            &[Provisional, Success, Failure],
            "one request has one final answer and nothing after it",
        ),
        ignored(
            &[Completed, Confirmed, Accepted, Acknowledged],
            &[Fired(Timer::Hundred), Fired(C)],
            "stopped by the final answer",
        ),
        ignored(
            &[Proceeding, Confirmed, Accepted, Acknowledged],
            &[Fired(G), Fired(H)],
            "run in Completed only",
        ),
        ignored(&[Proceeding, Completed, Accepted, Acknowledged], &[Fired(I)], "runs in Confirmed only"),
        ignored(&[Proceeding, Completed, Confirmed], &[Fired(L), Fired(TwoHundred)], "run after a 2xx only"),
        ignored(&[Acknowledged], &[Fired(TwoHundred)], "stopped by the ACK"),
    ],
    index: index(INVITE_SERVER_ROWS),
};

#[rustfmt::skip]
const CLIENT_ROWS: &[Row] = &[
    //  in           on                to            do
    row(Trying,      Fired(E),         Trying,       &[Again, Double(E)]),
    row(Trying,      Fired(F),         Terminated,   &[TimedOut]),
    row(Trying,      Provisional,      Proceeding,   &[Deliver]),
    row(Trying,      Success,          Completed,    &[Quiet, Deliver, Arm(K)]),
    row(Trying,      Failure,          Completed,    &[Quiet, Deliver, Arm(K)]),
    row(Trying,      TransportFailed,  Terminated,   &[Failed]),

    row(Proceeding,  Fired(E),         Proceeding,   &[Again, Flat(E)]),
    row(Proceeding,  Fired(F),         Terminated,   &[TimedOut]),
    row(Proceeding,  Provisional,      Proceeding,   &[Deliver]),
    row(Proceeding,  Success,          Completed,    &[Quiet, Deliver, Arm(K)]),
    row(Proceeding,  Failure,          Completed,    &[Quiet, Deliver, Arm(K)]),
    row(Proceeding,  TransportFailed,  Terminated,   &[Failed]),

    row(Completed,   Fired(K),         Terminated,   &[]),
];

/// RFC 3261 figure 6.
pub const CLIENT: Machine = Machine {
    name: "non-INVITE client",
    source: "RFC 3261 §17.1.2",
    states: &[Trying, Proceeding, Completed],
    triggers: &[Provisional, Success, Failure, TransportFailed, Fired(E), Fired(F), Fired(K)],
    start: &[Transmit, Arm(E), Arm(F)],
    rows: CLIENT_ROWS,
    ignored: &[
        ignored(&[Completed], &[Provisional, Success, Failure], "a copy of an answer that was delivered"),
        ignored(&[Completed], &[TransportFailed], "nothing is left to send"),
        ignored(&[Completed], &[Fired(E), Fired(F)], "stopped by the final answer"),
        ignored(&[Trying, Proceeding], &[Fired(K)], "runs in Completed only"),
    ],
    index: index(CLIENT_ROWS),
};

#[rustfmt::skip]
const SERVER_ROWS: &[Row] = &[
    //  in           on                        to            do
    row(Trying,      Fired(LateHundred), Proceeding,  &[Hundred]),
    row(Trying,      Fired(F),                 Terminated,   &[]),
    row(Trying,      Success,                  Completed,    &[Quiet, Transmit, Arm(J)]),
    row(Trying,      Failure,                  Completed,    &[Quiet, Transmit, Arm(J)]),

    row(Proceeding,  Copy,                     Proceeding,   &[Hundred]),
    row(Proceeding,  Fired(F),                 Terminated,   &[]),
    row(Proceeding,  Success,                  Completed,    &[Quiet, Transmit, Arm(J)]),
    row(Proceeding,  Failure,                  Completed,    &[Quiet, Transmit, Arm(J)]),

    row(Completed,   Copy,                     Completed,    &[Again]),
    row(Completed,   Fired(J),                 Terminated,   &[]),
];

/// RFC 3261 figure 8 with RFC 4320.
pub const SERVER: Machine = Machine {
    name: "non-INVITE server",
    source: "RFC 3261 §17.2.2, RFC 4320 §4",
    states: &[Trying, Proceeding, Completed],
    triggers: &[Copy, Provisional, Success, Failure, Fired(LateHundred), Fired(F), Fired(J)],
    start: &[Deliver, Arm(LateHundred), Arm(F)],
    rows: SERVER_ROWS,
    ignored: &[
        ignored(&[Trying], &[Copy], "there is nothing yet to say again"),
        ignored(
            &[Trying, Proceeding],
            &[Provisional],
            "100 is said by the layer, nothing else may be (RFC 4320 §4.1)",
        ),
        ignored(
            &[Completed],
            &[Provisional, Success, Failure],
            "one request has one final answer and nothing after it",
        ),
        ignored(&[Proceeding, Completed], &[Fired(LateHundred)], "said already, or needless"),
        ignored(&[Completed], &[Fired(F)], "stopped by the final answer"),
        ignored(&[Trying, Proceeding], &[Fired(J)], "runs in Completed only"),
    ],
    index: index(SERVER_ROWS),
};
