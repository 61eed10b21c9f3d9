//! SMS-DELIVER, SMS-STATUS-REPORT and SMS-SUBMIT-REPORT (TS 23.040 §9.2.2.1, §9.2.2.2a, §9.2.2.3).

use model::{Address, Cause, Coded, Content, Disposition, OutgoingMessage, Report};
use sms::{
    Profile, Udh, Unsendable,
    dcs::Dcs,
    tpdu::{Deliver, FailureCause, Parameters, Pid, Status, StatusReport, SubmitReport, Tpdu},
    user_data::UserData,
};

use super::{Kept, dcs_of, stamp, tpdu_address};
use crate::translate::letter::words_of;

/// How a service centre writes.
#[derive(Debug, Clone, Copy)]
pub struct Centre {
    /// Its clock, in quarters of an hour east of UTC.
    pub quarter_hours: i8,
    /// How text is written and cut.
    pub profile: Profile,
}

/// The SMS-DELIVERs of a message, in order: the same octets whenever it is tried again with that concatenation
/// reference. `kept` is what its sender said, when it came as a short message.
///
/// # Errors
/// `BadSender` when its sender cannot be shown, `TooLong` and `Unencodable` by its text.
pub fn deliver_tpdus(
    message: &OutgoingMessage,
    from: &Address,
    kept: Option<&Kept>,
    reference: u16,
    centre: Centre,
) -> Result<Vec<Vec<u8>>, Cause> {
    let submission = &*message.submission;
    let originator = from.number().and_then(tpdu_address).ok_or(Cause::BadSender)?;
    let (dcs, parts) = match &submission.content {
        Content::Coded(coded) => match whole(coded, kept) {
            Some(whole) => whole,
            None => cut(&words_of(&submission.content), reference, &centre.profile)?,
        },
        content => cut(&words_of(content), reference, &centre.profile)?,
    };
    let timestamp = stamp(submission.received_at.secs(), centre.quarter_hours);
    let last = parts.len().saturating_sub(1);
    let tpdus = parts.into_iter().enumerate().map(|(at, user_data)| {
        let deliver = Deliver {
            more_to_send: at < last,
            loop_prevention: false,
            status_report_indication: submission.receipts.any_final(),
            reply_path: kept.is_some_and(|kept| kept.reply_path),
            originator: originator.clone(),
            pid: Pid(kept.map_or(0, |kept| kept.pid)),
            dcs,
            timestamp,
            user_data,
        };
        Tpdu::Deliver(deliver).encode().map_err(|_| Cause::TooLong)
    });
    tpdus.collect()
}

/// A short message as it came; `None` when it has no such form on the air, or does not fit there.
fn whole(coded: &Coded, kept: Option<&Kept>) -> Option<(Dcs, Vec<UserData>)> {
    // What came with a coding keeps all of it.
    let dcs = match kept.map(|kept| Dcs(kept.dcs)) {
        Some(dcs) if super::data_coding_of(dcs) == Some(coded.data_coding) => dcs,
        _ => dcs_of(coded.data_coding)?,
    };
    let (header, octets) = match coded.udhi.then(|| Udh::split(&coded.octets)).flatten() {
        Some((header, rest)) => (Some(header), rest),
        None => (None, &coded.octets[..]),
    };
    let data = UserData { header, octets: octets.to_vec(), is_truncated: false };
    let mut room = Vec::new();
    data.pack_into(dcs.alphabet(), usize::from(sms::segment::USER_DATA_OCTETS_MAX), &mut room)?;
    Some((dcs, vec![data]))
}

fn cut(text: &str, reference: u16, profile: &Profile) -> Result<(Dcs, Vec<UserData>), Cause> {
    let segmentation = sms::segment(text, profile).map_err(|error| match error {
        Unsendable::TooLong { .. } => Cause::TooLong,
        Unsendable::NotEncodable => Cause::Unencodable,
    })?;
    if segmentation.form() != sms::Form::Sms {
        return Err(Cause::TooLong);
    }
    let dcs = Dcs::new(segmentation.alphabet(), None).ok_or(Cause::Unencodable)?;
    let parts = segmentation.segments().map(|segment| UserData::of_segment(&segment, reference));
    Ok((dcs, parts.collect()))
}

/// The TP-ST of how a message ended (sms sheet §7, rcs sheet §13.5); `None` while it has not.
#[must_use]
pub const fn status_of(disposition: Disposition, cause: Option<Cause>) -> Option<Status> {
    Some(match disposition {
        Disposition::Accepted | Disposition::Sent | Disposition::Unknown => return None,
        Disposition::Delivered => Status::RECEIVED,
        Disposition::HandedOver => Status::FORWARDED,
        Disposition::Expired => Status::EXPIRED,
        Disposition::Cancelled => Status::DELETED_BY_ORIGINATOR,
        // Connection rejected.
        Disposition::Rejected => Status(0x42),
        // An error there, and nobody tries any more.
        Disposition::Lost => Status(0x65),
        Disposition::Undeliverable => match cause {
            // No interworking.
            Some(Cause::Unencodable | Cause::TooLong) => Status(0x45),
            // Given up: no response, congestion.
            Some(Cause::Unreachable | Cause::AttemptsExhausted) => Status(0x62),
            Some(Cause::Throttled | Cause::QueueFull | Cause::NetworkFailure | Cause::LinkDown) => {
                Status(0x60)
            }
            _ => Status::NOT_OBTAINABLE,
        },
    })
}

/// The SMS-STATUS-REPORT about a message; `None` when there is nothing to say, or nobody asked.
#[must_use]
pub fn status_report_tpdu(
    report: &Report,
    recipient: &Address,
    kept: &Kept,
    centre: Centre,
) -> Option<Vec<u8>> {
    // A handset knows nothing of what is read, nor of what is under way.
    if !kept.report_wanted || report.displayed || report.intermediate {
        return None;
    }
    let status = status_of(report.disposition, report.cause)?;
    let report = StatusReport {
        more_to_send: false,
        loop_prevention: false,
        is_about_command: false,
        reference: kept.reference,
        recipient: recipient.number().and_then(tpdu_address)?,
        timestamp: stamp(kept.taken_s, centre.quarter_hours),
        discharge_time: stamp(report.at.secs(), centre.quarter_hours),
        status,
        parameters: Parameters::default(),
    };
    Tpdu::StatusReport(report).encode().ok()
}

/// The SMS-SUBMIT-REPORT in the answer to an SMS-SUBMIT that was taken then; with a failure cause in an RP-ERROR.
#[must_use]
pub fn submit_report_tpdu(
    taken_s: i64,
    failure_cause: Option<FailureCause>,
    centre: Centre,
) -> Option<Vec<u8>> {
    let timestamp = stamp(taken_s, centre.quarter_hours);
    Tpdu::SubmitReport(SubmitReport { failure_cause, timestamp, parameters: Parameters::default() })
        .encode()
        .ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use model::{
        AttemptId, ChannelId, Class, MessageIds, Number, Pii, ReceiptsWanted, Submission, Timestamp,
    };
    use sms::tpdu::{Carrier, Direction};

    use super::*;

    const CENTRE: Centre = Centre { quarter_hours: 36, profile: Profile::GSM };

    fn address(text: &str) -> Address {
        Address::Number(Number::written(text))
    }

    fn message(content: Content) -> OutgoingMessage {
        OutgoingMessage {
            attempt: AttemptId { slot: 0, generation: 0 },
            message: MessageIds::default().next(Timestamp::ZERO),
            submission: Arc::new(Submission {
                id: None,
                origin: ChannelId(1),
                from: Pii::new(address("01012345678")),
                to: Pii::new(address("+821011110001")),
                class: Class::Person,
                receipts: ReceiptsWanted::NONE,
                // 2012-01-21 12:30:36 +09:00
                received_at: Timestamp::from_secs(1_327_116_636),
                scheduled_at: None,
                expires_at: None,
                reference: None,
                idempotency_key: None,
                carried: Bytes::new(),
                part: None,
                charging_id: None,
                elsewhere: None,
                content,
            }),
            from: None,
            to: None,
            concat_ref: 0x1234,
            want_receipt: true,
            possible_duplicate: false,
        }
    }

    fn tpdus(content: Content, kept: Option<&Kept>) -> Result<Vec<Vec<u8>>, Cause> {
        deliver_tpdus(&message(content), &address("01012345678"), kept, 0x1234, CENTRE)
    }

    #[test]
    fn a_short_text_is_one_tpdu_octet_for_octet() {
        let written = tpdus(Content::Text("hellohello".into()), None).expect("written");
        // No more to send; sender 01012345678 of unknown type; GSM; 2012-01-21 12:30:36 +09:00; ten septets.
        let expected = [
            &[0x04, 0x0B, 0x81, 0x10, 0x10, 0x32, 0x54, 0x76, 0xF8, 0x00, 0x00][..],
            &[0x21, 0x10, 0x12, 0x21, 0x03, 0x63, 0x63, 0x0A],
            &[0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37],
        ];
        assert_eq!(written, [expected.concat()]);
    }

    #[test]
    fn korean_is_ucs2_and_long_korean_two_parts() {
        let text = "안녕하세요 ".repeat(12);
        let written = tpdus(Content::Text(text.trim_end().into()), None).expect("written");
        assert_eq!(written.len(), 2);
        let mut read = String::new();
        for (at, octets) in written.iter().enumerate() {
            let Ok(Tpdu::Deliver(deliver)) = Tpdu::decode(octets, Direction::ToMobile, Carrier::Data) else {
                panic!("an SMS-DELIVER")
            };
            assert_eq!((deliver.dcs, deliver.more_to_send), (Dcs::UCS2, at == 0));
            // The low octet of the reference, two parts, this part.
            assert_eq!(&octets[19..25], [5, 0, 3, 0x34, 2, u8::try_from(at).expect("small") + 1]);
            read.push_str(&deliver.user_data.text(sms::Alphabet::Ucs2).expect("text"));
        }
        assert_eq!(read, text.trim_end());
    }

    #[test]
    fn a_short_message_passes_as_it_came() {
        let kept = Kept {
            reference: 1,
            pid: 0x41,
            dcs: 0x19,
            reply_path: true,
            report_wanted: false,
            taken_s: 0,
            back: None,
        };
        let octets = Bytes::from_static(&[6, 5, 4, 0x0B, 0x84, 0, 0, 0xD5, 0x5C]);
        let coded = Content::Coded(Coded { data_coding: 8, udhi: true, octets: octets.clone() });
        let written = tpdus(coded, Some(&kept)).expect("written");
        assert_eq!(written.len(), 1);
        assert_eq!(written[0][0], 0x04 | 0x40 | 0x80, "header, reply path");
        assert_eq!(&written[0][9..11], [0x41, 0x19]);
        assert_eq!(&written[0][18..], [&[9][..], &octets].concat());
        // Latin-1 has no form on the air: it is written anew.
        let coded =
            Content::Coded(Coded { data_coding: 3, udhi: false, octets: Bytes::from_static(b"\xe9") });
        let written = tpdus(coded, None).expect("written");
        assert_eq!(&written[0][18..], [1, 0x05], "the é of the default alphabet");
        // More than fits is cut.
        let coded = Content::Coded(Coded { data_coding: 0, udhi: false, octets: vec![b'x'; 254].into() });
        assert_eq!(tpdus(coded, None).map(|parts| parts.len()), Ok(2));
    }

    #[test]
    fn a_sender_without_a_number_cannot_be_shown() {
        let user = Address::User(model::User { messenger: "tictoc".into(), id: "mina".into() });
        let refused = deliver_tpdus(&message(Content::Text("x".into())), &user, None, 1, CENTRE);
        assert_eq!(refused, Err(Cause::BadSender));
    }

    /// Rcs sheet §13.5, sms sheet §7.
    #[test]
    fn each_end_has_its_status() {
        let of = |disposition, cause| status_of(disposition, cause).map(|status| status.0);
        assert_eq!(of(Disposition::Delivered, None), Some(0x00));
        assert_eq!(of(Disposition::HandedOver, None), Some(0x01));
        assert_eq!(of(Disposition::Expired, Some(Cause::Expired)), Some(0x46));
        assert_eq!(of(Disposition::Cancelled, None), Some(0x47));
        assert_eq!(of(Disposition::Rejected, Some(Cause::Policy)), Some(0x42));
        assert_eq!(of(Disposition::Undeliverable, Some(Cause::UnknownSubscriber)), Some(0x43));
        assert_eq!(of(Disposition::Undeliverable, Some(Cause::Unencodable)), Some(0x45));
        assert_eq!(of(Disposition::Undeliverable, Some(Cause::AttemptsExhausted)), Some(0x62));
        assert_eq!(of(Disposition::Lost, None), Some(0x65));
        assert_eq!(of(Disposition::Sent, None), None);
    }
}
