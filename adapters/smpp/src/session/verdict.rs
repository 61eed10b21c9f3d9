//! What a header alone decides: handle it, match it, refuse it, or let it be.

use super::{Party, State, may};
use crate::{Command, CommandStatus, Header};

/// What to do with a PDU, before its body has been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum Verdict {
    /// A legal request: decode it, do it, answer it. Any sequence number is as good as another, one
    /// that is already in use too: each request gets its answer.
    Handle,
    /// A response: complete the request it answers. If there is none it is a *late response*: never
    /// answered, but told to whoever owned the request.
    Match,
    /// Answer with this status (see [`answer`](crate::pdu::answer)) and keep the link.
    Refuse {
        /// The status to answer with.
        status: CommandStatus,
        /// Counts towards the number of such things after which the link is closed.
        strike: bool,
    },
    /// No answer is due; keep the link.
    Ignore {
        /// Counts towards the number of such things after which the link is closed.
        strike: bool,
    },
}

/// Judges a PDU that `by` has sent us in `state`.
#[inline]
pub fn verdict(header: &Header, by: Party, state: State) -> Verdict {
    let command = header.command;
    if state == State::Closed {
        return Verdict::Ignore { strike: false };
    }
    match command {
        Command::GenericNack => Verdict::Match,
        Command::Unknown(_) if command.is_response() => Verdict::Ignore { strike: false },
        Command::Unknown(_) => Verdict::Refuse { status: CommandStatus::RINVCMDID, strike: true },
        _ if command.is_response() => Verdict::Match,
        _ if may(by, command, state) => Verdict::Handle,
        _ if command.is_bind() && by == Party::Esme && state.is_bound() => {
            Verdict::Refuse { status: CommandStatus::RALYBND, strike: false }
        }
        _ if command.response().is_none() => Verdict::Ignore { strike: true },
        _ => Verdict::Refuse { status: CommandStatus::RINVBNDSTS, strike: !state.is_bound() },
    }
}

/// What a `generic_nack` that matches an outstanding request means for the link. The request itself
/// has failed with the nack's status either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum NackVerdict {
    /// The link is in order.
    Keep,
    /// The peer has lost track of where our PDUs begin.
    Close,
}

/// Judges the status of a `generic_nack`.
pub const fn nack_verdict(status: CommandStatus) -> NackVerdict {
    match status {
        CommandStatus::RINVCMDLEN => NackVerdict::Close,
        _ => NackVerdict::Keep,
    }
}
