//! The side that wants to know (RFC 6665 §4.1).

use sip_message::StatusCode;

use super::header::{Reason, SubscriptionState, Substate};
use crate::timers::Timers;

/// How a subscription of ours stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// SUBSCRIBE sent, no NOTIFY yet: Timer N runs, whether the SUBSCRIBE has its answer or not.
    Waiting,
    /// The notifier has not decided.
    Pending,
    /// It tells us.
    Active,
    /// Over.
    Terminated,
}

/// What may happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A NOTIFY that says so.
    Notified(Substate),
    /// 2xx to a SUBSCRIBE.
    Granted,
    /// A SUBSCRIBE was refused in a way that ends it.
    Refused,
    /// No NOTIFY came.
    TimerN,
    /// Half of the time is over.
    RefreshDue,
    /// All of it is, and no refresh came through.
    Expired,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Do {
    /// SUBSCRIBE again within the dialog.
    Refresh,
    /// It is over; [`Subscriber::again`] says whether and when to begin a new one.
    End,
}

#[rustfmt::skip]
/// (state, trigger, next state, what is done): RFC 6665 §4.1.2, figure 3, with its SUBSCRIBE and NOTIFY in either order. In `Terminated` nothing happens any more.
pub const ROWS: &[(State, Trigger, State, Option<Do>)] = &[
    (State::Waiting, Trigger::Notified(Substate::Pending),    State::Pending,    None),
    (State::Waiting, Trigger::Notified(Substate::Active),     State::Active,     None),
    (State::Waiting, Trigger::Notified(Substate::Terminated), State::Terminated, Some(Do::End)),
    (State::Waiting, Trigger::Granted,                        State::Waiting,    None),
    (State::Waiting, Trigger::Refused,                        State::Terminated, Some(Do::End)),
    (State::Waiting, Trigger::TimerN,                         State::Terminated, Some(Do::End)),
    (State::Waiting, Trigger::RefreshDue,                     State::Waiting,    None),
    (State::Waiting, Trigger::Expired,                        State::Terminated, Some(Do::End)),

    (State::Pending, Trigger::Notified(Substate::Pending),    State::Pending,    None),
    (State::Pending, Trigger::Notified(Substate::Active),     State::Active,     None),
    (State::Pending, Trigger::Notified(Substate::Terminated), State::Terminated, Some(Do::End)),
    (State::Pending, Trigger::Granted,                        State::Pending,    None),
    (State::Pending, Trigger::Refused,                        State::Terminated, Some(Do::End)),
    (State::Pending, Trigger::TimerN,                         State::Pending,    None),
    (State::Pending, Trigger::RefreshDue,                     State::Pending,    Some(Do::Refresh)),
    (State::Pending, Trigger::Expired,                        State::Terminated, Some(Do::End)),

    // A notifier may take its approval back to pending.
    (State::Active,  Trigger::Notified(Substate::Pending),    State::Pending,    None),
    (State::Active,  Trigger::Notified(Substate::Active),     State::Active,     None),
    (State::Active,  Trigger::Notified(Substate::Terminated), State::Terminated, Some(Do::End)),
    (State::Active,  Trigger::Granted,                        State::Active,     None),
    (State::Active,  Trigger::Refused,                        State::Terminated, Some(Do::End)),
    (State::Active,  Trigger::TimerN,                         State::Active,     None),
    (State::Active,  Trigger::RefreshDue,                     State::Active,     Some(Do::Refresh)),
    (State::Active,  Trigger::Expired,                        State::Terminated, Some(Do::End)),
];

/// Whether to subscribe anew once it is over (RFC 6665 §4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// At once.
    Now,
    /// Not before so many seconds.
    After {
        /// Seconds from the last NOTIFY, or from the end.
        seconds: u32,
    },
    /// Not by itself.
    Never,
}

/// When a notifier asks for patience without saying how much.
const PATIENCE_S: u32 = 60;

/// One subscription of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscriber {
    state: State,
    /// Timer N.
    wait_until_us: i64,
    expires_us: i64,
    /// When to refresh; none while a refresh is under way.
    refresh_us: Option<i64>,
    again: Again,
}

const SECOND_US: i64 = 1_000_000;

impl Subscriber {
    /// A SUBSCRIBE for `expires_s` goes out now.
    #[must_use]
    pub fn subscribe(now_us: i64, expires_s: u32, timers: Timers) -> Self {
        Self {
            state: State::Waiting,
            wait_until_us: now_us.saturating_add(timers.patience_us()),
            expires_us: now_us.saturating_add(i64::from(expires_s) * SECOND_US),
            refresh_us: None,
            again: Again::After { seconds: PATIENCE_S },
        }
    }

    /// A SUBSCRIBE, the first or a refresh, was answered 2xx with this Expires.
    pub fn granted(&mut self, now_us: i64, expires_s: u32) -> Option<Do> {
        self.valid_for(now_us, expires_s);
        self.step(Trigger::Granted)
    }

    /// A SUBSCRIBE was refused, or with `None` not answered. The first one ends it; a refresh only when the status says
    /// that there is nothing to refresh (RFC 6665 §4.1.2.2, RFC 5057 §5.3): otherwise it stays until its time is over.
    /// What is to be tried again at once (401, 407, 423) is not reported here.
    pub fn refused(&mut self, now_us: i64, status: Option<StatusCode>) -> Option<Do> {
        const FOR_GOOD: [u16; 10] = [404, 405, 410, 416, 480, 481, 484, 489, 501, 604];
        if self.state == State::Waiting || status.is_some_and(|status| FOR_GOOD.contains(&status.code())) {
            self.again = match status.map(StatusCode::code) {
                // The dialog is gone, not what it was about.
                Some(481) => Again::Now,
                Some(403 | 404 | 405 | 410 | 416 | 484 | 489 | 501 | 603 | 604) => Again::Never,
                _ => Again::After { seconds: PATIENCE_S },
            };
            return self.step(Trigger::Refused);
        }
        // Once more when half of what is left is over.
        let left_us = self.expires_us.saturating_sub(now_us).max(0);
        self.refresh_us = Some(now_us.saturating_add((left_us / 2).max(SECOND_US)));
        None
    }

    /// A NOTIFY came. It is answered 200 in any case; one to a subscription that is over 481.
    pub fn notified(&mut self, now_us: i64, says: SubscriptionState) -> Option<Do> {
        if says.substate == Substate::Terminated {
            let later = Again::After { seconds: says.retry_after_s.unwrap_or(PATIENCE_S) };
            self.again = match says.reason {
                Some(Reason::Deactivated | Reason::Timeout) => Again::Now,
                Some(Reason::Rejected | Reason::NoResource | Reason::Invariant) => Again::Never,
                Some(Reason::Probation | Reason::GiveUp) | None => later,
            };
        } else if let Some(expires_s) = says.expires_s {
            self.valid_for(now_us, expires_s);
        }
        self.step(Trigger::Notified(says.substate))
    }

    /// What is due. A refresh is said once; [`Subscriber::granted`] or [`Subscriber::refused`] follows.
    pub fn due(&mut self, now_us: i64) -> Option<Do> {
        if now_us >= self.expires_us {
            self.again = Again::Now;
            return self.step(Trigger::Expired);
        }
        if self.state == State::Waiting && now_us >= self.wait_until_us {
            return self.step(Trigger::TimerN);
        }
        if self.refresh_us.is_some_and(|at_us| now_us >= at_us) {
            self.refresh_us = None;
            return self.step(Trigger::RefreshDue);
        }
        None
    }

    /// When [`Subscriber::due`] may have something to say; `None` when it is over.
    #[must_use]
    pub fn next_us(&self) -> Option<i64> {
        let wait = (self.state == State::Waiting).then_some(self.wait_until_us);
        let next = [wait, self.refresh_us].into_iter().flatten().fold(self.expires_us, i64::min);
        (self.state != State::Terminated).then_some(next)
    }

    /// How it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether to subscribe anew, once it is over.
    #[must_use]
    pub const fn again(&self) -> Again {
        self.again
    }

    fn step(&mut self, on: Trigger) -> Option<Do> {
        let (_, _, to, act) =
            ROWS.iter().find(|(state, trigger, ..)| *state == self.state && *trigger == on)?;
        self.state = *to;
        *act
    }

    /// Refreshes 600 s before the end, or at half time when there are less than 1200 s (TS 24.229 §5.1.1.3).
    fn valid_for(&mut self, now_us: i64, expires_s: u32) {
        let early_s = if expires_s > 1200 { 600 } else { expires_s / 2 };
        self.expires_us = now_us.saturating_add(i64::from(expires_s) * SECOND_US);
        self.refresh_us = Some(self.expires_us.saturating_sub(i64::from(early_s) * SECOND_US));
    }
}
