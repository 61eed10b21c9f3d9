//! The side that tells (RFC 6665 §4.2).

use sip_message::StatusCode;

use super::header::{Reason, SubscriptionState, Substate};

/// How a subscription of somebody else stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Nobody has decided whether he may know.
    Pending,
    /// He may.
    Active,
    /// Over.
    Terminated,
}

/// What may happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// SUBSCRIBE again, with time left.
    Refreshed,
    /// SUBSCRIBE with `Expires: 0`.
    Unsubscribed,
    /// He may know.
    Approved,
    /// He may not.
    Rejected,
    /// What it is about has changed.
    Changed,
    /// What it is about is no more.
    Gone,
    /// His time is over.
    Expired,
    /// NOTIFY was refused for good, or not answered.
    NotifyFailed,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Do {
    /// NOTIFY with the state as it is.
    Notify,
    /// NOTIFY for the last time, for this reason.
    NotifyLast(Reason),
}

#[rustfmt::skip]
/// (state, trigger, next state, what is done): RFC 6665 §4.2.2. In `Terminated` nothing happens any more; a pending one hears nothing of changes.
pub const ROWS: &[(State, Trigger, State, Option<Do>)] = &[
    (State::Pending, Trigger::Refreshed,    State::Pending,    Some(Do::Notify)),
    (State::Pending, Trigger::Unsubscribed, State::Terminated, Some(Do::NotifyLast(Reason::Timeout))),
    (State::Pending, Trigger::Approved,     State::Active,     Some(Do::Notify)),
    (State::Pending, Trigger::Rejected,     State::Terminated, Some(Do::NotifyLast(Reason::Rejected))),
    (State::Pending, Trigger::Changed,      State::Pending,    None),
    (State::Pending, Trigger::Gone,         State::Terminated, Some(Do::NotifyLast(Reason::NoResource))),
    (State::Pending, Trigger::Expired,      State::Terminated, Some(Do::NotifyLast(Reason::Timeout))),
    (State::Pending, Trigger::NotifyFailed, State::Terminated, None),

    (State::Active,  Trigger::Refreshed,    State::Active,     Some(Do::Notify)),
    (State::Active,  Trigger::Unsubscribed, State::Terminated, Some(Do::NotifyLast(Reason::Timeout))),
    (State::Active,  Trigger::Approved,     State::Active,     None),
    (State::Active,  Trigger::Rejected,     State::Terminated, Some(Do::NotifyLast(Reason::Rejected))),
    (State::Active,  Trigger::Changed,      State::Active,     Some(Do::Notify)),
    (State::Active,  Trigger::Gone,         State::Terminated, Some(Do::NotifyLast(Reason::NoResource))),
    (State::Active,  Trigger::Expired,      State::Terminated, Some(Do::NotifyLast(Reason::Timeout))),
    (State::Active,  Trigger::NotifyFailed, State::Terminated, None),
];

/// How long subscriptions may be.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Shorter is refused with 423, unless it is zero.
    pub expires_s_min: u32,
    /// Longer is cut.
    pub expires_s_max: u32,
    /// When nothing is asked.
    pub expires_s_default: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { expires_s_min: 60, expires_s_max: 86_400, expires_s_default: 3_600 }
    }
}

/// A subscription shorter than is allowed: 423 with Min-Expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expires below {min_s} s")]
pub struct TooBrief {
    /// For Min-Expires.
    pub min_s: u32,
}

/// One subscription of somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notifier {
    state: State,
    reason: Option<Reason>,
    expires_us: i64,
}

const SECOND_US: i64 = 1_000_000;

impl Notifier {
    /// Of a SUBSCRIBE that came outside any subscription; `expires_s` is its Expires. It is answered 200 with
    /// [`Notifier::left_s`] as Expires, and a NOTIFY follows at once in any case (RFC 6665 §4.2.1.2): a fetch with
    /// `Expires: 0` is over with it.
    ///
    /// # Errors
    /// [`TooBrief`].
    pub fn of_subscribe(
        now_us: i64,
        expires_s: Option<u32>,
        approved: bool,
        settings: &Settings,
    ) -> Result<Self, TooBrief> {
        let expires_s = granted(expires_s, settings)?;
        let state = match (expires_s, approved) {
            (0, _) => State::Terminated,
            (_, true) => State::Active,
            (_, false) => State::Pending,
        };
        Ok(Self {
            state,
            reason: (state == State::Terminated).then_some(Reason::Timeout),
            expires_us: now_us.saturating_add(i64::from(expires_s) * SECOND_US),
        })
    }

    /// A SUBSCRIBE within it. Answered 200 with [`Notifier::left_s`] as Expires; one to a subscription that is over is
    /// answered 481.
    ///
    /// # Errors
    /// [`TooBrief`], with nothing changed.
    pub fn refresh(
        &mut self,
        now_us: i64,
        expires_s: Option<u32>,
        settings: &Settings,
    ) -> Result<Option<Do>, TooBrief> {
        let expires_s = granted(expires_s, settings)?;
        if self.state != State::Terminated {
            self.expires_us = now_us.saturating_add(i64::from(expires_s) * SECOND_US);
        }
        Ok(self.step(if expires_s == 0 { Trigger::Unsubscribed } else { Trigger::Refreshed }))
    }

    /// Anything else that happens.
    pub fn step(&mut self, on: Trigger) -> Option<Do> {
        let (_, _, to, act) =
            ROWS.iter().find(|(state, trigger, ..)| *state == self.state && *trigger == on)?;
        self.state = *to;
        if let Some(Do::NotifyLast(reason)) = act {
            self.reason = Some(*reason);
        }
        *act
    }

    /// A NOTIFY was answered, or with `None` was not (RFC 6665 §4.2.2): what is no success ends the subscription, but
    /// for a challenge and for a peer that asks to be spared for a while (Retry-After).
    pub fn notified(&mut self, status: Option<StatusCode>, retry_after: bool) -> Option<Do> {
        let goes_on = status.is_some_and(|status| {
            status.is_success()
                || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED)
                || (retry_after && status != StatusCode::NO_SUCH_DIALOG)
        });
        if goes_on { None } else { self.step(Trigger::NotifyFailed) }
    }

    /// What is due: the last NOTIFY, once his time is over.
    pub fn due(&mut self, now_us: i64) -> Option<Do> {
        if now_us < self.expires_us { None } else { self.step(Trigger::Expired) }
    }

    /// When [`Notifier::due`] has something to say; `None` when it is over.
    #[must_use]
    pub fn next_us(&self) -> Option<i64> {
        (self.state != State::Terminated).then_some(self.expires_us)
    }

    /// How it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Seconds left, rounded up.
    #[must_use]
    pub fn left_s(&self, now_us: i64) -> u32 {
        let left_us = self.expires_us.saturating_sub(now_us).max(0);
        u32::try_from((left_us + SECOND_US - 1) / SECOND_US).unwrap_or(u32::MAX)
    }

    /// For Subscription-State of a NOTIFY.
    #[must_use]
    pub fn subscription_state(&self, now_us: i64) -> SubscriptionState {
        let substate = match self.state {
            State::Pending => Substate::Pending,
            State::Active => Substate::Active,
            State::Terminated => Substate::Terminated,
        };
        SubscriptionState {
            substate,
            expires_s: (self.state != State::Terminated).then(|| self.left_s(now_us)),
            reason: self.reason,
            retry_after_s: None,
        }
    }
}

fn granted(asked_s: Option<u32>, settings: &Settings) -> Result<u32, TooBrief> {
    match asked_s.unwrap_or(settings.expires_s_default) {
        s if s > 0 && s < settings.expires_s_min => Err(TooBrief { min_s: settings.expires_s_min }),
        s => Ok(s.min(settings.expires_s_max)),
    }
}
