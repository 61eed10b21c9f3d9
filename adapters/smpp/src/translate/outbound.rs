//! What goes out: messages to an SMSC or to an ESME, receipts to an ESME, and the meaning of answers.

use model::{
    Address, Answer, Cause, Coded, Content, Disposition, For, Number, OutgoingMessage, Party, Pii, Refusal,
    Report, Retry, Submission,
};

use super::{
    Carried, LinkText,
    link::{self, Concatenation},
};
use crate::{
    CommandStatus, Version,
    ids::IdText,
    limits::SHORT_MESSAGE_OCTETS_MAX_V34,
    pdu::{self, DeliverSm, EncodeError, EsmClass, Out, RegisteredDelivery, SubmitSm},
    receipt::{MessageState, OwnReceipt},
    retry::{RetryClass, retry_class},
    time,
    tlv::{Sar, Tag},
};

/// One message as the PDUs it takes on a link, before sequence numbers are given.
#[derive(Debug, Clone)]
pub struct Parts {
    data_coding: u8,
    /// Header and text of each, with its place.
    parts: smallvec::SmallVec<[Part; 1]>,
}

#[derive(Debug, Clone)]
struct Part {
    octets: bytes::Bytes,
    udhi: bool,
    sar: Option<Sar>,
}

impl Parts {
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// Cuts the content of a message for a link.
///
/// # Errors
/// When the link cannot carry it.
pub fn submit_parts(message: &OutgoingMessage, text: &LinkText) -> Result<Parts, Cause> {
    match &message.submission.content {
        Content::Coded(coded) => match text.outward(coded.data_coding) {
            Some(data_coding) => Ok(Parts {
                data_coding,
                parts: smallvec::smallvec![Part {
                    octets: coded.octets.clone(),
                    udhi: coded.udhi,
                    sar: None
                }],
            }),
            None => cut(&link::text_of(&[coded]), message.concat_ref, text),
        },
        Content::Text(content) => cut(content, message.concat_ref, text),
        Content::Rich(rich) => cut(&rich.text, message.concat_ref, text),
    }
}

fn cut(content: &str, reference: u16, text: &LinkText) -> Result<Parts, Cause> {
    let segmentation = sms::segment(content, &text.profile).map_err(|error| match error {
        sms::Unsendable::TooLong { .. } => Cause::TooLong,
        sms::Unsendable::NotEncodable => Cause::Unencodable,
    })?;
    let data_coding = text.data_coding(segmentation.alphabet());
    let whole =
        |octets: &[u8]| Part { octets: bytes::Bytes::copy_from_slice(octets), udhi: false, sar: None };
    let parts = match text.concatenation {
        _ if segmentation.form() == sms::Form::Lms => smallvec::smallvec![whole(segmentation.octets())],
        Concatenation::Payload if segmentation.segments().len() > 1 => {
            smallvec::smallvec![whole(segmentation.octets())]
        }
        Concatenation::Sar => segmentation
            .segments()
            .map(|segment| {
                let sar = (segment.total > 1).then_some(Sar {
                    reference,
                    total: segment.total,
                    number: segment.number,
                });
                Part { octets: bytes::Bytes::copy_from_slice(segment.octets), udhi: false, sar }
            })
            .collect(),
        Concatenation::Header | Concatenation::Payload => segmentation
            .segments()
            .map(|segment| {
                let mut octets = Vec::with_capacity(SHORT_MESSAGE_OCTETS_MAX_V34);
                let udhi = segment.write_unpacked(reference, &mut octets);
                Part { octets: octets.into(), udhi, sar: None }
            })
            .collect(),
    };
    Ok(Parts { data_coding, parts })
}

impl Parts {
    /// Appends the `submit_sm` of one part.
    ///
    /// # Errors
    /// When a field does not fit its place, or the text is too long for `short_message` and the peer knows no
    /// TLVs.
    pub fn encode_submit<O: Out>(
        &self,
        part: usize,
        message: &OutgoingMessage,
        version: Version,
        now_us: i64,
        sequence: u32,
        out: &mut O,
    ) -> Result<(), EncodeError> {
        let Some(this) = self.parts.get(part) else { return Ok(()) };
        let submission = &*message.submission;
        let carried = Carried::decode(&submission.carried);
        let (from, to) =
            (shown(message.from.as_ref(), &submission.from), shown(message.to.as_ref(), &submission.to));
        let validity = submission.expires_at.map(|at| time::relative(at.micros() - now_us));
        let short = is_short(&this.octets, version)?;
        SubmitSm {
            service_type: carried.service_type,
            source: address(&from),
            destination: address(&to),
            esm_class: EsmClass(carried.esm_class & !0x3C).with(if this.udhi {
                EsmClass::UDHI
            } else {
                EsmClass::default()
            }),
            protocol_id: carried.protocol_id,
            priority_flag: carried.priority_flag,
            schedule_delivery_time: &[],
            validity_period: validity.as_ref().map_or(&[], |text| &text[..]),
            registered_delivery: if message.want_receipt {
                RegisteredDelivery::ALWAYS
            } else {
                RegisteredDelivery::NONE
            },
            replace_if_present_flag: 0,
            data_coding: self.data_coding,
            sm_default_msg_id: 0,
            short_message: if short { &this.octets } else { &[] },
            tlvs: Default::default(),
        }
        .encode_with(sequence, out, |tlvs| {
            if !version.allows_tlvs() {
                return Ok(());
            }
            if !short {
                tlvs.put(Tag::MESSAGE_PAYLOAD, &this.octets)?;
            }
            if let Some(sar) = this.sar {
                tlvs.sar(sar)?;
            }
            if let Some(carried) = carried.tlvs {
                tlvs.pass_on(carried, |tlv| allowed(tlv.tag, version))?;
            }
            Ok(())
        })
    }
}

/// Does this go into `short_message`? What does not needs `message_payload`, a TLV.
fn is_short(octets: &[u8], version: Version) -> Result<bool, EncodeError> {
    let short = octets.len() <= SHORT_MESSAGE_OCTETS_MAX_V34;
    if short || version.allows_tlvs() {
        return Ok(short);
    }
    Err(EncodeError::TooLong { field: "short_message", octets_max: SHORT_MESSAGE_OCTETS_MAX_V34 })
}

/// A message to an ESME.
///
/// # Errors
/// The cause when this link cannot carry it, or when a field does not fit.
pub fn deliver_message<O: Out>(
    message: &OutgoingMessage,
    text: &LinkText,
    version: Version,
    sequence: u32,
    out: &mut O,
) -> Result<(), Cause> {
    let submission = &*message.submission;
    let written;
    let (data_coding, udhi, octets): (u8, bool, &[u8]) = match &submission.content {
        Content::Coded(Coded { data_coding, udhi, octets }) if text.outward(*data_coding).is_some() => {
            (text.outward(*data_coding).unwrap_or(0), *udhi, octets)
        }
        other => {
            // To an ESME a long text goes whole: there is no radio between us.
            let whole = LinkText { concatenation: Concatenation::Payload, ..*text };
            let spelled = match other {
                Content::Coded(coded) => cut(&link::text_of(&[coded]), message.concat_ref, &whole)?,
                Content::Text(content) => cut(content, message.concat_ref, &whole)?,
                Content::Rich(rich) => cut(&rich.text, message.concat_ref, &whole)?,
            };
            written = spelled;
            let Some(part) = written.parts.first() else { return Err(Cause::Unencodable) };
            (written.data_coding, part.udhi, &part.octets)
        }
    };
    let carried = Carried::decode(&submission.carried);
    let (from, to) =
        (shown(message.from.as_ref(), &submission.from), shown(message.to.as_ref(), &submission.to));
    let short = is_short(octets, version).map_err(|_| Cause::TooLong)?;
    DeliverSm {
        service_type: carried.service_type,
        source: address(&from),
        destination: address(&to),
        esm_class: if udhi { EsmClass::UDHI } else { EsmClass::default() },
        protocol_id: carried.protocol_id,
        priority_flag: carried.priority_flag,
        data_coding,
        short_message: if short { octets } else { &[] },
        ..DeliverSm::default()
    }
    .encode_with(sequence, out, |tlvs| {
        if !version.allows_tlvs() {
            return Ok(());
        }
        if !short {
            tlvs.put(Tag::MESSAGE_PAYLOAD, octets)?;
        }
        if let Some(carried) = carried.tlvs {
            tlvs.pass_on(carried, |tlv| allowed(tlv.tag, version))?;
        }
        Ok(())
    })
    .map_err(|_| Cause::TooLong)
}

/// A receipt to an ESME, about one of its messages.
///
/// # Errors
/// When an address does not fit; it came in over SMPP, so it does.
pub fn deliver_report<O: Out>(
    report: &Report,
    version: Version,
    sequence: u32,
    out: &mut O,
) -> Result<(), EncodeError> {
    let submission: &Submission = &report.submission;
    let id = IdText::issue(report.message.as_u64());
    let delivered = report.disposition.is_success();
    let (from, to) = (shown(None, &submission.from), shown(None, &submission.to));
    OwnReceipt {
        message_id: id.as_ref().map_or(&[], IdText::as_bytes),
        submitted: 1,
        delivered: u16::from(delivered),
        submitted_us: submission.received_at.micros(),
        done_us: report.at.micros(),
        state: message_state(report.disposition),
        error: report
            .code
            .as_ref()
            .and_then(|code| code.parse().ok())
            .filter(|code| *code < 1_000)
            .unwrap_or(0),
        network_error: None,
        text: &[],
        intermediate: report.intermediate,
    }
    .encode(address(&to), address(&from), version, sequence, out)
}

/// The SMPP state of a disposition (SMS sheet §7).
#[must_use]
pub(crate) const fn message_state(disposition: Disposition) -> MessageState {
    match disposition {
        Disposition::Accepted | Disposition::Sent | Disposition::Unknown => MessageState::Enroute,
        Disposition::Delivered => MessageState::Delivered,
        Disposition::HandedOver => MessageState::Accepted,
        Disposition::Expired => MessageState::Expired,
        Disposition::Cancelled => MessageState::Deleted,
        Disposition::Undeliverable => MessageState::Undeliverable,
        Disposition::Rejected => MessageState::Rejected,
        Disposition::Lost => MessageState::Unknown,
    }
}

/// The status of a response to what was submitted, from the engine's answer.
#[must_use]
pub fn status_of_answer(answer: &Answer, version: Version) -> CommandStatus {
    match answer {
        Answer::Refused(refusal) => status_of_cause(refusal.cause, version),
        Answer::NotOpen => CommandStatus::RINVMSGID,
        _ => CommandStatus::ROK,
    }
}

/// The status that says this cause to an ESME (rows 31–36 of the SMS sheet §1.8).
#[must_use]
pub const fn status_of_cause(cause: Cause, version: Version) -> CommandStatus {
    match cause {
        Cause::BadDestination | Cause::NoRoute | Cause::UnknownSubscriber | Cause::OptedOut => {
            CommandStatus::RINVDSTADR
        }
        Cause::BadSender | Cause::SenderNotRegistered => CommandStatus::RINVSRCADR,
        Cause::TooLong => CommandStatus::RINVMSGLEN,
        Cause::Unencodable => link::unsupported(version.allows_v50()),
        Cause::AdvertisingRule | Cause::QuietHours | Cause::Policy => {
            if version.allows_v50() {
                CommandStatus(0x101)
            } else {
                CommandStatus::RSUBMITFAIL
            }
        }
        Cause::Expired => CommandStatus::RINVEXPIRY,
        Cause::Throttled => CommandStatus::RTHROTTLED,
        Cause::QueueFull => CommandStatus::RMSGQFUL,
        Cause::NotFound => CommandStatus::RINVMSGID,
        Cause::StoreUnavailable | Cause::Draining | Cause::Internal | Cause::LinkDown => {
            CommandStatus::RSYSERR
        }
        _ => CommandStatus::RSUBMITFAIL,
    }
}

/// What an error status of an SMSC means for the message (SMS sheet §1.9). `SlowDown` and `Rebind` are the
/// link's business first and come here only when the link gave up on them.
#[must_use]
pub fn outcome_refusal(status: CommandStatus) -> Refusal {
    let (cause, retry) = match retry_class(status) {
        Some(RetryClass::SlowDown) => (Cause::Throttled, Retry::Scheduled),
        Some(RetryClass::Rebind | RetryClass::BindRefused) => (Cause::LinkDown, Retry::Scheduled),
        Some(RetryClass::Never) => {
            let cause = match status {
                CommandStatus::RINVDSTADR => Cause::BadDestination,
                CommandStatus::RINVSRCADR => Cause::BadSender,
                CommandStatus::RINVMSGLEN => Cause::TooLong,
                CommandStatus::RINVEXPIRY => Cause::Expired,
                _ => Cause::NetworkRefused,
            };
            (cause, Retry::Never)
        }
        Some(RetryClass::Later | RetryClass::Unlisted) | None => (Cause::NetworkFailure, Retry::Scheduled),
    };
    Refusal { by: Party::Network, cause, retry, code: status.0 }
}

/// A number for a link: messenger users have got one before this, see the plan.
fn shown(translated: Option<&Pii<Address>>, own: &Pii<Address>) -> Number {
    match translated.unwrap_or(own).reveal(For::Signalling) {
        Address::Number(number) => number.clone(),
        Address::User(user) => {
            Number { ton: model::Ton::ALPHANUMERIC, npi: model::Npi::UNKNOWN, digits: user.id.clone() }
        }
    }
}

fn address(number: &Number) -> pdu::Address<'_> {
    pdu::Address { ton: number.ton.0, npi: number.npi.0, digits: number.digits.as_bytes() }
}

/// Only a 5.0 peer is sent what 5.0 defines; vendor tags pass.
fn allowed(tag: Tag, version: Version) -> bool {
    version.allows_v50() || !(0x0600..=0x0613).contains(&tag.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{AttemptId, ChannelId, Class, MessageId, ReceiptsWanted, Timestamp};

    use super::*;

    fn message(octets: usize) -> OutgoingMessage {
        let number = || Pii::new(Address::Number(Number::written("+821000000001")));
        let content = Coded { data_coding: 4, udhi: false, octets: vec![0x55; octets].into() };
        OutgoingMessage {
            attempt: AttemptId { slot: 1, generation: 1 },
            message: MessageId::from_u64(1).expect("not zero"),
            submission: Arc::new(Submission {
                id: None,
                origin: ChannelId(1),
                from: number(),
                to: number(),
                class: Class::Person,
                receipts: ReceiptsWanted::NONE,
                received_at: Timestamp::ZERO,
                scheduled_at: None,
                expires_at: None,
                reference: None,
                idempotency_key: None,
                carried: Default::default(),
                part: None,
                charging_id: None,
                elsewhere: None,
                content: Content::Coded(content),
            }),
            from: None,
            to: None,
            concat_ref: 1,
            want_receipt: false,
            possible_duplicate: false,
        }
    }

    #[test]
    fn what_needs_a_payload_is_not_sent_empty_to_a_peer_without_tlvs() {
        let text = LinkText::default();
        for (octets, version, fits) in [
            (254, Version::V33, true),
            (255, Version::V33, false),
            (1_000, Version::V33, false),
            (255, Version::V34, true),
            (1_000, Version::V50, true),
        ] {
            let message = message(octets);
            let mut out = Vec::new();
            let delivered = deliver_message(&message, &text, version, 1, &mut out);
            assert_eq!(delivered, if fits { Ok(()) } else { Err(Cause::TooLong) }, "{octets} at {version:?}");
            assert_eq!(out.len() > octets, fits);

            out.clear();
            let parts = submit_parts(&message, &text).expect("one part");
            assert_eq!(parts.encode_submit(0, &message, version, 0, 1, &mut out).is_ok(), fits);
            assert_eq!(out.len() > octets, fits);
        }
    }
}
