//! The gateway's causes as those of the relay layer, and back (TS 24.011 §8.2.5.4, TS 23.040 §9.2.3.22, rcs sheet §12.1).

use model::{Cause, Refusal, Retry};
use sms::{
    rp,
    tpdu::{Direction, FailureCause},
};

/// Why a submission is not taken: RP-Cause, and TP-FCS in the report.
pub(super) const fn refused(cause: Cause) -> (rp::Cause, FailureCause) {
    match cause {
        Cause::BadDestination | Cause::UnknownSubscriber | Cause::NotFound | Cause::NoRoute => {
            (rp::Cause::UNASSIGNED_NUMBER, FailureCause::INVALID_ADDRESS)
        }
        Cause::BadSender | Cause::SenderNotRegistered => {
            (rp::Cause::OPERATOR_DETERMINED_BARRING, FailureCause::NO_SC_SUBSCRIPTION)
        }
        Cause::OptedOut
        | Cause::AdvertisingRule
        | Cause::QuietHours
        | Cause::Policy
        | Cause::NetworkRefused => (rp::Cause::CALL_BARRED, FailureCause::DESTINATION_BARRED),
        Cause::Throttled | Cause::QueueFull => (rp::Cause::CONGESTION, FailureCause::SC_BUSY),
        Cause::StoreUnavailable
        | Cause::Draining
        | Cause::NetworkFailure
        | Cause::LinkDown
        | Cause::AnswerLost
        | Cause::Unreachable
        | Cause::Internal => (rp::Cause::TEMPORARY_FAILURE, FailureCause::SC_SYSTEM_FAILURE),
        Cause::Unencodable => (rp::Cause::SEMANTICALLY_INCORRECT, FailureCause::DCS_ERROR),
        Cause::TooLong | Cause::Malformed => (rp::Cause::SEMANTICALLY_INCORRECT, FailureCause::UNSPECIFIED),
        Cause::Expired => (rp::Cause::TRANSFER_REJECTED, FailureCause::VP_NOT_SUPPORTED),
        Cause::IdReuse => (rp::Cause::TRANSFER_REJECTED, FailureCause::DUPLICATE_REJECTED),
        Cause::AttemptsExhausted | Cause::TooLate | Cause::Cancelled | Cause::WrongCode => {
            (rp::Cause::TRANSFER_REJECTED, FailureCause::UNSPECIFIED)
        }
    }
}

/// What a handset's RP-ERROR means for a message that was to be delivered. `failure` is the TP-FCS of its report: some
/// handsets say only there what the relay layer has a cause for.
pub(super) fn refusal(cause: rp::Cause, failure: Option<FailureCause>) -> Refusal {
    let code = u32::from(cause.0);
    match (cause.as_received(Direction::FromMobile), failure) {
        // Full: it says when there is room again.
        (rp::Cause::MEMORY_CAPACITY_EXCEEDED, _)
        | (_, Some(FailureCause::MEMORY_EXCEEDED | FailureCause::SIM_STORAGE_FULL)) => {
            Refusal::theirs(Cause::Unreachable, Retry::WhenReachable, code)
        }
        // In a moment.
        (_, Some(FailureCause::SIM_TOOLKIT_BUSY)) => {
            Refusal::theirs(Cause::NetworkFailure, Retry::Scheduled, code)
        }
        _ => Refusal::theirs(Cause::NetworkFailure, Retry::OtherRoute, code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_handset_is_waited_for_and_a_broken_one_is_not() {
        let full = refusal(rp::Cause::MEMORY_CAPACITY_EXCEEDED, None);
        assert_eq!((full.cause, full.retry, full.code), (Cause::Unreachable, Retry::WhenReachable, 22));
        let of = |failure| {
            let refusal = refusal(rp::Cause::PROTOCOL_ERROR, failure);
            (refusal.cause, refusal.retry)
        };
        assert_eq!(of(Some(FailureCause::SIM_STORAGE_FULL)), (Cause::Unreachable, Retry::WhenReachable));
        assert_eq!(of(Some(FailureCause::MEMORY_EXCEEDED)), (Cause::Unreachable, Retry::WhenReachable));
        assert_eq!(of(Some(FailureCause::SIM_TOOLKIT_BUSY)), (Cause::NetworkFailure, Retry::Scheduled));
        assert_eq!(of(Some(FailureCause::ERROR_IN_MS)), (Cause::NetworkFailure, Retry::OtherRoute));
        assert_eq!(of(None), (Cause::NetworkFailure, Retry::OtherRoute));
    }

    #[test]
    fn every_refusal_has_a_cause_that_the_network_may_send() {
        for &cause in Cause::ALL {
            let (said, _) = refused(cause);
            assert_eq!(said.as_received(Direction::ToMobile), said, "{cause:?}");
        }
    }
}
