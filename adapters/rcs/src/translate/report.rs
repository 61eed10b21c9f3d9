//! Disposition notifications and the gateway's receipts (rcs sheet §7.2, §13.5).

use model::{ChannelKind, Disposition, Number, Pii, Receipt, ReceiptState, Report, Timestamp, UpstreamId};
use sip_rcs::imdn::{self, Requested};
use smallvec::smallvec;
use smol_str::SmolStr;

/// What a notification about a message of ours is to the gateway; `None` when it changes nothing.
#[must_use]
pub fn receipt_of(
    report: &imdn::Report<'_>,
    at: Option<i64>,
    about: Option<(Number, Number)>,
) -> Option<Receipt> {
    use imdn::Disposition as Said;
    let state = match report.disposition {
        Said::Delivered => ReceiptState::Delivered,
        Said::Displayed => ReceiptState::Displayed,
        Said::Failed => ReceiptState::Undeliverable,
        Said::DeliveryForbidden => ReceiptState::Rejected,
        Said::DeliveryError => ReceiptState::Unknown,
        Said::Processed | Said::Stored | Said::LegacySms | Said::LegacyMms => ReceiptState::Enroute,
        // Whoever shows nobody what was read has it all the same, and told so before.
        Said::DisplayForbidden
        | Said::DisplayError
        | Said::ProcessingForbidden
        | Said::ProcessingError
        | Said::InterworkingError
        | Said::Unknown(_) => return None,
    };
    let code = match state {
        ReceiptState::Delivered | ReceiptState::Displayed => None,
        _ => Some(SmolStr::new_static(report.disposition.status())),
    };
    Some(Receipt {
        upstream: smallvec![UpstreamId(SmolStr::new(&report.message_id))],
        state,
        code,
        at: at.map(Timestamp::from_micros),
        about: about.map(|(recipient, sender)| Box::new((Pii::new(recipient), Pii::new(sender)))),
    })
}

/// What a receipt is to the sender, who asked for `wanted`; `None` when there is nothing to say.
#[must_use]
pub fn say(report: &Report, wanted: Requested) -> Option<imdn::Disposition> {
    use imdn::Disposition as Say;
    let said = if report.displayed {
        Say::Displayed
    } else if report.intermediate {
        match report.via {
            Some(ChannelKind::Smsc) if wanted.contains(Requested::INTERWORKING) => Say::LegacySms,
            _ => Say::Processed,
        }
    } else {
        match report.disposition {
            Disposition::Delivered => Say::Delivered,
            Disposition::Accepted | Disposition::Sent | Disposition::Unknown | Disposition::HandedOver => {
                Say::Processed
            }
            Disposition::Expired | Disposition::Cancelled | Disposition::Undeliverable => Say::Failed,
            Disposition::Rejected => Say::DeliveryForbidden,
            Disposition::Lost => Say::DeliveryError,
        }
    };
    wanted.contains(said.asked_by()).then_some(said)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{Address, AttemptId, ChannelId, Class, MessageIds, ReceiptsWanted, Submission};
    use sip_rcs::imdn::Disposition as Imdn;

    use super::*;

    fn report(disposition: Disposition) -> Report {
        let number = || Pii::new(Address::Number(Number::written("+821011110001")));
        Report {
            attempt: AttemptId { slot: 0, generation: 0 },
            message: MessageIds::default().next(Timestamp::ZERO),
            submission: Arc::new(Submission {
                id: None,
                origin: ChannelId(1),
                from: number(),
                to: number(),
                class: Class::Person,
                receipts: ReceiptsWanted::FINAL,
                received_at: Timestamp::ZERO,
                scheduled_at: None,
                expires_at: None,
                reference: None,
                idempotency_key: None,
                carried: bytes::Bytes::new(),
                part: None,
                charging_id: None,
                elsewhere: None,
                content: model::Content::default(),
            }),
            disposition,
            cause: None,
            code: None,
            at: Timestamp::ZERO,
            segments: 1,
            displayed: false,
            intermediate: false,
            via: None,
        }
    }

    const ALL: [Requested; 5] = [
        Requested::POSITIVE_DELIVERY,
        Requested::NEGATIVE_DELIVERY,
        Requested::PROCESSING,
        Requested::DISPLAY,
        Requested::INTERWORKING,
    ];

    /// Rcs sheet §13.5, column by column.
    #[test]
    fn each_end_has_its_notification() {
        let all = ALL.into_iter().fold(Requested::NONE, |all, one| all | one);
        for (disposition, said) in [
            (Disposition::Delivered, Imdn::Delivered),
            (Disposition::HandedOver, Imdn::Processed),
            (Disposition::Expired, Imdn::Failed),
            (Disposition::Cancelled, Imdn::Failed),
            (Disposition::Undeliverable, Imdn::Failed),
            (Disposition::Rejected, Imdn::DeliveryForbidden),
            (Disposition::Lost, Imdn::DeliveryError),
        ] {
            assert_eq!(say(&report(disposition), all), Some(said), "{disposition:?}");
            assert_eq!(say(&report(disposition), Requested::NONE), None, "{disposition:?}");
        }
        let read = Report { displayed: true, ..report(Disposition::Delivered) };
        assert_eq!(say(&read, all), Some(Imdn::Displayed));
        assert_eq!(say(&read, Requested::POSITIVE_DELIVERY), None, "nobody asked for display");
    }

    /// Rcs sheet §13.2: interworking when the SMSC has it, and never without being asked.
    #[test]
    fn a_message_that_left_as_a_short_message_says_so_when_asked() {
        let on = Report { intermediate: true, via: Some(ChannelKind::Smsc), ..report(Disposition::Sent) };
        assert_eq!(say(&on, Requested::INTERWORKING | Requested::PROCESSING), Some(Imdn::LegacySms));
        assert_eq!(say(&on, Requested::PROCESSING), Some(Imdn::Processed));
        assert_eq!(say(&on, Requested::POSITIVE_DELIVERY), None);
        let on = Report { via: Some(ChannelKind::Messenger), ..on };
        assert_eq!(say(&on, Requested::INTERWORKING), None);
    }

    #[test]
    fn notifications_become_receipts() {
        let of = |disposition| {
            let report = imdn::Report {
                message_id: "M1".into(),
                date_time: "".into(),
                recipient: None,
                original_recipient: None,
                disposition,
            };
            receipt_of(&report, Some(5), None).map(|receipt| receipt.state)
        };
        assert_eq!(of(Imdn::Delivered), Some(ReceiptState::Delivered));
        assert_eq!(of(Imdn::Displayed), Some(ReceiptState::Displayed));
        assert_eq!(of(Imdn::Failed), Some(ReceiptState::Undeliverable));
        assert_eq!(of(Imdn::DeliveryForbidden), Some(ReceiptState::Rejected));
        assert_eq!(of(Imdn::DeliveryError), Some(ReceiptState::Unknown));
        assert_eq!(of(Imdn::LegacySms), Some(ReceiptState::Enroute));
        // A user who hides what was read is no failure.
        assert_eq!(of(Imdn::DisplayForbidden), None);
    }
}
