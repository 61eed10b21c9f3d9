//! Error classes of the federation (messengers sheet §2.5) and the gateway's causes.

use std::time::Duration;

use model::{Cause, Outcome, Party, Refusal, Retry};
use serde::{Deserialize, Serialize};

/// What the sender of an event may do about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Malformed, too long, used twice: repeating it changes nothing.
    BadRequest,
    /// After an operator's action.
    Auth,
    /// Not a user of that network: another channel may reach them.
    NotRegistered,
    /// Later.
    Unreachable,
    /// The recipient said no.
    Blocked,
    /// A rule said no.
    Policy,
    /// After the given delay.
    Rate,
    /// With back-off.
    Network,
    /// The answer was lost: not automatically.
    Uncertain,
    /// It was taken before: a success.
    Duplicate,
    /// Other content may do.
    Unsupported,
}

impl ErrorClass {
    /// The class a cause is told as.
    #[must_use]
    pub const fn of(cause: Cause) -> Self {
        match cause {
            Cause::Malformed
            | Cause::BadDestination
            | Cause::BadSender
            | Cause::TooLong
            | Cause::IdReuse
            | Cause::NotFound
            | Cause::TooLate => Self::BadRequest,
            Cause::WrongCode => Self::Auth,
            Cause::NoRoute | Cause::UnknownSubscriber => Self::NotRegistered,
            Cause::Expired | Cause::Unreachable | Cause::AttemptsExhausted => Self::Unreachable,
            Cause::OptedOut => Self::Blocked,
            Cause::SenderNotRegistered
            | Cause::AdvertisingRule
            | Cause::QuietHours
            | Cause::Policy
            | Cause::Cancelled
            | Cause::NetworkRefused => Self::Policy,
            Cause::Throttled | Cause::QueueFull => Self::Rate,
            Cause::StoreUnavailable
            | Cause::Draining
            | Cause::NetworkFailure
            | Cause::LinkDown
            | Cause::Internal => Self::Network,
            Cause::AnswerLost => Self::Uncertain,
            Cause::Unencodable => Self::Unsupported,
        }
    }

    /// The class a peer names; `None` for one of a later version.
    pub(super) fn named(name: &str) -> Option<Self> {
        use serde::de::{
            IntoDeserializer,
            value::{Error, StrDeserializer},
        };
        let name: StrDeserializer<'_, Error> = name.into_deserializer();
        Self::deserialize(name).ok()
    }

    /// What a peer's class means for a hand-over; `None` stands for success.
    pub(super) const fn outcome(self, retry_after: Option<Duration>) -> Option<Outcome> {
        let (cause, retry) = match self {
            Self::Duplicate => return None,
            Self::Uncertain => return Some(Outcome::Unknown),
            Self::BadRequest => (Cause::Malformed, Retry::Never),
            Self::Auth => (Cause::LinkDown, Retry::Scheduled),
            Self::NotRegistered => (Cause::UnknownSubscriber, Retry::OtherRoute),
            Self::Unreachable => (Cause::Unreachable, Retry::Scheduled),
            Self::Blocked => (Cause::OptedOut, Retry::Never),
            Self::Policy => (Cause::Policy, Retry::Never),
            Self::Rate => (
                Cause::Throttled,
                match retry_after {
                    Some(delay) => Retry::After(delay),
                    None => Retry::Scheduled,
                },
            ),
            Self::Network => (Cause::NetworkFailure, Retry::Scheduled),
            // Our texts are plain: what a messenger cannot show, a short message may.
            Self::Unsupported => (Cause::Unencodable, Retry::OtherRoute),
        };
        let by = if matches!(self, Self::Blocked) { Party::Recipient } else { Party::Network };
        Some(Outcome::Refused(Refusal { by, cause, retry, code: 0 }))
    }
}
