//! What SIP statuses mean to the gateway, and the gateway's causes to SIP (rcs sheet §5, §8.2).

use std::time::Duration;

use model::{Cause, Refusal, Retry};
use sip_message::StatusCode;

/// How a refused submission is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    /// Text of a Warning.
    pub(crate) warning: Option<&'static str>,
    /// Whether the sender is told when to come back.
    pub(crate) retry_after: bool,
}

pub(crate) const fn refused(cause: Cause) -> Refused {
    match cause {
        Cause::Malformed | Cause::IdReuse | Cause::WrongCode => row(StatusCode::BAD_REQUEST),
        Cause::BadDestination | Cause::NoRoute | Cause::UnknownSubscriber | Cause::NotFound => {
            row(StatusCode::NOT_FOUND)
        }
        Cause::BadSender => warned("Sender not valid"),
        Cause::SenderNotRegistered => warned("Sender not registered"),
        Cause::OptedOut => warned("Recipient has opted out"),
        Cause::AdvertisingRule => warned("Advertising rule"),
        Cause::QuietHours => warned("Quiet hours"),
        Cause::Policy | Cause::NetworkRefused => warned("127 Service not authorised"),
        Cause::TooLong => Refused {
            status: StatusCode::ENTITY_TOO_LARGE,
            warning: Some("Size exceeded"),
            retry_after: false,
        },
        Cause::Unencodable => row(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        Cause::Unreachable | Cause::Expired | Cause::AttemptsExhausted => {
            row(StatusCode::TEMPORARILY_UNAVAILABLE)
        }
        Cause::Throttled
        | Cause::QueueFull
        | Cause::StoreUnavailable
        | Cause::Draining
        | Cause::NetworkFailure
        | Cause::LinkDown => {
            Refused { status: StatusCode::SERVICE_UNAVAILABLE, warning: None, retry_after: true }
        }
        Cause::TooLate | Cause::Cancelled => row(StatusCode::NOT_ACCEPTABLE_HERE),
        Cause::AnswerLost | Cause::Internal => row(StatusCode::SERVER_INTERNAL_ERROR),
    }
}

const fn row(status: StatusCode) -> Refused {
    Refused { status, warning: None, retry_after: false }
}

const fn warned(text: &'static str) -> Refused {
    Refused { status: StatusCode::FORBIDDEN, warning: Some(text), retry_after: false }
}

/// What a device's or a network's refusal of a message means. `retry_after_s` is its Retry-After.
pub(crate) fn refusal(status: StatusCode, retry_after_s: Option<u32>) -> Refusal {
    let code = status.code();
    let after = |default_s: u32| {
        Retry::After(Duration::from_secs(u64::from(
            retry_after_s.unwrap_or(default_s).min(RETRY_AFTER_S_MAX),
        )))
    };
    let (cause, retry) = match code {
        404 | 604 | 484 | 485 => (Cause::UnknownSubscriber, Retry::OtherRoute),
        // Nobody there now: on registration it is handed over again.
        408 | 410 | 430 | 480 | 486 | 487 | 600 => (Cause::Unreachable, Retry::WhenReachable),
        413 | 513 => (Cause::TooLong, Retry::OtherRoute),
        // Not a device for messages, or not for these.
        405 | 406 | 415 | 416 | 420 | 421 | 488 | 501 | 505 | 606 => (Cause::Unencodable, Retry::OtherRoute),
        429 => (Cause::Throttled, after(5)),
        503 if retry_after_s.is_some() => (Cause::Throttled, after(5)),
        500..=599 => (Cause::NetworkFailure, Retry::Scheduled),
        // Policy, or a person who declined.
        403 | 603 | 607 => (Cause::NetworkRefused, Retry::Never),
        _ => (Cause::NetworkRefused, Retry::OtherRoute),
    };
    Refusal::theirs(cause, retry, u32::from(code))
}

/// Nobody is believed who asks for more than an hour.
const RETRY_AFTER_S_MAX: u32 = 3_600;

/// Of several devices that refused, the one whose word counts: whoever may still take it.
pub(crate) const fn rank(refusal: &Refusal) -> u8 {
    match refusal.retry {
        Retry::WhenReachable => 4,
        Retry::After(_) => 3,
        Retry::Scheduled => 2,
        Retry::OtherRoute => 1,
        Retry::Never => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: u16, retry_after_s: Option<u32>) -> (Cause, Retry) {
        let refusal = refusal(StatusCode::new(code).expect("a status"), retry_after_s);
        assert_eq!(refusal.code, u32::from(code));
        (refusal.cause, refusal.retry)
    }

    /// Rcs sheet §5, §8.2.
    #[test]
    fn each_status_has_its_consequence() {
        assert_eq!(of(404, None), (Cause::UnknownSubscriber, Retry::OtherRoute));
        assert_eq!(of(604, None), (Cause::UnknownSubscriber, Retry::OtherRoute));
        assert_eq!(of(480, None), (Cause::Unreachable, Retry::WhenReachable));
        assert_eq!(of(408, None), (Cause::Unreachable, Retry::WhenReachable));
        assert_eq!(of(413, None), (Cause::TooLong, Retry::OtherRoute));
        assert_eq!(of(415, None), (Cause::Unencodable, Retry::OtherRoute));
        assert_eq!(of(403, None), (Cause::NetworkRefused, Retry::Never));
        assert_eq!(of(603, None), (Cause::NetworkRefused, Retry::Never));
        assert_eq!(of(500, None), (Cause::NetworkFailure, Retry::Scheduled));
        assert_eq!(of(503, None), (Cause::NetworkFailure, Retry::Scheduled));
        assert_eq!(of(503, Some(9)), (Cause::Throttled, Retry::After(Duration::from_secs(9))));
        assert_eq!(of(503, Some(u32::MAX)).1, Retry::After(Duration::from_secs(3_600)));
        assert_eq!(of(302, None), (Cause::NetworkRefused, Retry::OtherRoute));
    }

    #[test]
    fn every_cause_is_a_refusal() {
        for &cause in Cause::ALL {
            assert!(refused(cause).status.code() >= 400, "{cause:?}");
        }
        assert!(refused(Cause::Throttled).retry_after && refused(Cause::StoreUnavailable).retry_after);
        assert_eq!(refused(Cause::NoRoute).status, 404);
        assert_eq!(refused(Cause::Policy).status, 403);
    }
}
