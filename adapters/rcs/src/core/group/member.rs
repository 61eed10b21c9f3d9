//! One person's place in a group (rcs sheet §10.1, §10.2).

use sip_rcs::conference::{Disconnection, Status};

/// How somebody takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Invited, no answer yet.
    Pending,
    /// In the session.
    Connected,
    /// A member without a session: the device is away or has nothing to say. What is said waits.
    Away,
    /// A member without RCS: takes part by short messages or in a messenger.
    Elsewhere,
    /// Left.
    Departed,
    /// Was removed.
    Booted,
    /// Cannot take part.
    Failed,
    /// Declined.
    Busy,
}

/// What happens to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// An INVITE goes to the member.
    Invited,
    /// The member is in a session.
    Joined,
    /// The member has no RCS, and is reached all the same.
    Moved,
    /// Nobody is there now.
    Missed,
    /// The INVITE was refused for good.
    Failed,
    /// The person does not want to.
    Declined,
    /// The session ended; the member did not leave.
    Lost,
    /// The member leaves.
    Left,
    /// The member is removed.
    Removed,
}

#[rustfmt::skip]
/// (state, trigger, next state). Without a row nothing happens.
pub const ROWS: &[(State, Trigger, State)] = &[
    (State::Pending,   Trigger::Joined,   State::Connected),
    (State::Pending,   Trigger::Moved,    State::Elsewhere),
    (State::Pending,   Trigger::Missed,   State::Away),
    (State::Pending,   Trigger::Failed,   State::Failed),
    (State::Pending,   Trigger::Declined, State::Busy),
    (State::Pending,   Trigger::Left,     State::Departed),
    (State::Pending,   Trigger::Removed,  State::Booted),

    (State::Connected, Trigger::Lost,     State::Away),
    (State::Connected, Trigger::Left,     State::Departed),
    (State::Connected, Trigger::Removed,  State::Booted),

    (State::Away,      Trigger::Invited,  State::Pending),
    (State::Away,      Trigger::Joined,   State::Connected),
    (State::Away,      Trigger::Left,     State::Departed),
    (State::Away,      Trigger::Removed,  State::Booted),

    (State::Elsewhere, Trigger::Joined,   State::Connected),
    (State::Elsewhere, Trigger::Failed,   State::Failed),
    (State::Elsewhere, Trigger::Left,     State::Departed),
    (State::Elsewhere, Trigger::Removed,  State::Booted),

    (State::Departed,  Trigger::Invited,  State::Pending),
    (State::Booted,    Trigger::Invited,  State::Pending),
    (State::Failed,    Trigger::Invited,  State::Pending),
    (State::Busy,      Trigger::Invited,  State::Pending),
];

impl State {
    /// Where a trigger leads; `None` when it changes nothing.
    #[must_use]
    pub fn step(self, on: Trigger) -> Option<Self> {
        ROWS.iter().find(|(from, trigger, _)| *from == self && *trigger == on).map(|(.., to)| *to)
    }

    /// Whether the person belongs to the group.
    #[must_use]
    pub const fn is_member(self) -> bool {
        matches!(self, Self::Pending | Self::Connected | Self::Away | Self::Elsewhere)
    }

    /// What the others see. Who is away has not left: clients would show that.
    #[must_use]
    pub const fn shown(self) -> (Status, Option<Disconnection>) {
        match self {
            Self::Pending | Self::Away => (Status::Pending, None),
            Self::Connected | Self::Elsewhere => (Status::Connected, None),
            Self::Departed => (Status::Disconnected, Some(Disconnection::Departed)),
            Self::Booted => (Status::Disconnected, Some(Disconnection::Booted)),
            Self::Failed => (Status::Disconnected, Some(Disconnection::Failed)),
            Self::Busy => (Status::Disconnected, Some(Disconnection::Busy)),
        }
    }
}

/// What an answer to an INVITE says about the member (rcs sheet §8.2). `elsewhere`: members without RCS take part.
#[must_use]
pub(super) const fn refused(status: u16, elsewhere: bool) -> Trigger {
    match status {
        404 | 405 | 415 | 488 | 501 | 604 | 606 if elsewhere => Trigger::Moved,
        603 => Trigger::Declined,
        408 | 480 | 486 | 487 | 491 | 500..=599 | 600 => Trigger::Missed,
        _ => Trigger::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_state_has_two_ways_on_for_one_trigger() {
        for (at, (state, trigger, _)) in ROWS.iter().enumerate() {
            assert!(
                !ROWS[..at].iter().any(|row| (row.0, row.1) == (*state, *trigger)),
                "{state:?} {trigger:?}"
            );
        }
    }

    #[test]
    fn who_belongs_can_always_leave_and_be_removed_and_nobody_else_can() {
        for (state, ..) in ROWS {
            for trigger in [Trigger::Left, Trigger::Removed] {
                assert_eq!(state.step(trigger).is_some(), state.is_member(), "{state:?} {trigger:?}");
            }
            assert!(state.step(Trigger::Left).is_none_or(|to| !to.is_member()));
        }
    }

    /// Rcs sheet §8.2, §10.1.
    #[test]
    fn answers_to_invitations_say_how_somebody_takes_part() {
        assert_eq!(refused(404, true), Trigger::Moved);
        assert_eq!(refused(488, true), Trigger::Moved);
        assert_eq!(refused(404, false), Trigger::Failed);
        assert_eq!(refused(603, true), Trigger::Declined);
        assert_eq!(refused(480, true), Trigger::Missed);
        assert_eq!(refused(503, true), Trigger::Missed);
        assert_eq!(refused(403, true), Trigger::Failed);
    }
}
