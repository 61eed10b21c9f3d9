//! PDUs that come in: messages, receipts, replacements.

use std::sync::Arc;

use bytes::Bytes;
use model::{
    Address, ChannelId, Class, Coded, Content, Npi, Number, Part, Pii, Receipt, ReceiptState, ReceiptsWanted,
    Submission, Timestamp, Ton, UpstreamId,
};
use smol_str::SmolStr;

use super::{Carried, LinkText};
use crate::{
    CommandStatus, Version,
    ids::{IdText, Learned, candidates},
    pdu::{
        self, BothTexts, DataSm, DecodeError, DeliverSm, EsmClass, Problem, RegisteredDelivery, ReplaceSm,
        SubmitMulti, SubmitSm, UserData,
    },
    receipt::{MessageState, ReceiptFields},
    time::DeliveryWindow,
    tlv::Tlvs,
};

/// What every reading needs to know about where the PDU came from.
#[derive(Debug, Clone, Copy)]
pub struct From<'a> {
    pub origin: ChannelId,
    pub text: &'a LinkText,
    pub class: Class,
    pub version: Version,
    pub now: Timestamp,
}

/// A `submit_sm` as a submission. Errors carry the status to answer with.
pub fn submission_of_submit(pdu: &SubmitSm<'_>, from: &From<'_>) -> Result<Arc<Submission>, CommandStatus> {
    pdu.check(from.version).map_err(status)?;
    let user = pdu.user_data(BothTexts::Refuse).map_err(status)?;
    let window = window(pdu.schedule_delivery_time, pdu.validity_period, &pdu.tlvs, from.now)?;
    Ok(Arc::new(Submission {
        scheduled_at: window.not_before_us.map(Timestamp::from_micros),
        expires_at: window.expires_us.map(Timestamp::from_micros),
        receipts: receipts_wanted(pdu.registered_delivery),
        class: class(from.class, pdu.priority_flag),
        carried: Carried {
            service_type: pdu.service_type,
            protocol_id: pdu.protocol_id,
            priority_flag: pdu.priority_flag,
            esm_class: pdu.esm_class.0 & !EsmClass::UDHI.0,
            tlvs: tlvs(&pdu.tlvs),
        }
        .encode(),
        ..base(&pdu.source, &pdu.destination, pdu.data_coding, &user, from)?
    }))
}

/// A `deliver_sm` that is a message.
pub fn submission_of_deliver(pdu: &DeliverSm<'_>, from: &From<'_>) -> Result<Arc<Submission>, CommandStatus> {
    let user = pdu.user_data(BothTexts::PreferPayload).map_err(status)?;
    Ok(Arc::new(Submission {
        carried: Carried {
            service_type: pdu.service_type,
            protocol_id: pdu.protocol_id,
            priority_flag: pdu.priority_flag,
            esm_class: pdu.esm_class.0 & !EsmClass::UDHI.0,
            tlvs: tlvs(&pdu.tlvs),
        }
        .encode(),
        ..base(&pdu.source, &pdu.destination, pdu.data_coding, &user, from)?
    }))
}

/// A `data_sm` that is a message.
pub fn submission_of_data(pdu: &DataSm<'_>, from: &From<'_>) -> Result<Arc<Submission>, CommandStatus> {
    pdu.check(from.version).map_err(status)?;
    // Its text is nowhere else (SMPP 3.4 §4.7.1).
    if pdu.tlvs.message_payload().is_none() {
        return Err(CommandStatus::RMISSINGTLV);
    }
    let user = pdu.user_data().map_err(status)?;
    let window = window(&[], &[], &pdu.tlvs, from.now)?;
    Ok(Arc::new(Submission {
        expires_at: window.expires_us.map(Timestamp::from_micros),
        receipts: receipts_wanted(pdu.registered_delivery),
        carried: Carried {
            service_type: pdu.service_type,
            esm_class: pdu.esm_class.0 & !EsmClass::UDHI.0,
            tlvs: tlvs(&pdu.tlvs),
            ..Carried::default()
        }
        .encode(),
        ..base(&pdu.source, &pdu.destination, pdu.data_coding, &user, from)?
    }))
}

/// One destination of a `submit_multi`.
pub fn submission_of_multi(
    pdu: &SubmitMulti<'_>,
    destination: pdu::Address<'_>,
    from: &From<'_>,
) -> Result<Arc<Submission>, CommandStatus> {
    let single = SubmitSm {
        service_type: pdu.service_type,
        source: pdu.source,
        destination,
        esm_class: pdu.esm_class,
        protocol_id: pdu.protocol_id,
        priority_flag: pdu.priority_flag,
        schedule_delivery_time: pdu.schedule_delivery_time,
        validity_period: pdu.validity_period,
        registered_delivery: pdu.registered_delivery,
        replace_if_present_flag: pdu.replace_if_present_flag,
        data_coding: pdu.data_coding,
        sm_default_msg_id: pdu.sm_default_msg_id,
        short_message: pdu.short_message,
        tlvs: pdu.tlvs,
    };
    submission_of_submit(&single, from)
}

/// The new content of a `replace_sm`, with the schedule and validity it names.
pub fn replacement(
    pdu: &ReplaceSm<'_>,
    from: &From<'_>,
) -> Result<(Content, Option<Timestamp>, Option<Timestamp>), CommandStatus> {
    let user = pdu.user_data(EsmClass::default(), BothTexts::Refuse).map_err(status)?;
    let window = window(pdu.schedule_delivery_time, pdu.validity_period, &pdu.tlvs, from.now)?;
    // data_coding cannot change, and the PDU does not repeat it: text by the link's default alphabet.
    let content = Content::Coded(Coded {
        data_coding: from.text.inward(0),
        udhi: false,
        octets: Bytes::copy_from_slice(user.text),
    });
    Ok((
        content,
        window.not_before_us.map(Timestamp::from_micros),
        window.expires_us.map(Timestamp::from_micros),
    ))
}

fn base(
    source: &pdu::Address<'_>,
    destination: &pdu::Address<'_>,
    data_coding: u8,
    user: &UserData<'_>,
    from: &From<'_>,
) -> Result<Submission, CommandStatus> {
    let part = part(user);
    Ok(Submission {
        id: None,
        origin: from.origin,
        from: number(source, CommandStatus::RINVSRCADR)?,
        to: number(destination, CommandStatus::RINVDSTADR)?,
        class: from.class,
        receipts: ReceiptsWanted::NONE,
        received_at: from.now,
        scheduled_at: None,
        expires_at: None,
        reference: None,
        idempotency_key: None,
        carried: Bytes::new(),
        part,
        charging_id: None,
        elsewhere: None,
        // Copied on purpose: a slice would keep the whole receive buffer alive for as long as the message is open.
        content: Content::Coded(Coded {
            data_coding: from.text.inward(data_coding),
            udhi: !user.header.is_empty(),
            octets: if user.header.is_empty() {
                Bytes::copy_from_slice(user.text)
            } else {
                [user.header, user.text].concat().into()
            },
        }),
    })
}

fn part(user: &UserData<'_>) -> Option<Part> {
    if let Some(sar) = user.sar {
        return (sar.total > 1 && (1..=sar.total).contains(&sar.number)).then_some(Part {
            reference: sar.reference,
            total: sar.total,
            number: sar.number,
        });
    }
    if user.header.is_empty() {
        return None;
    }
    let (header, _) = sms::Udh::split(user.header)?;
    let concatenation = header.concatenation()?;
    let reference = match concatenation.reference {
        sms::udh::Reference::Eight(reference) => u16::from(reference),
        sms::udh::Reference::Sixteen(reference) => reference,
    };
    (concatenation.total > 1).then_some(Part {
        reference,
        total: concatenation.total,
        number: concatenation.number,
    })
}

fn number(address: &pdu::Address<'_>, bad: CommandStatus) -> Result<Pii<Address>, CommandStatus> {
    written_number(address).map(|number| Pii::new(Address::Number(number))).ok_or(bad)
}

/// A number as the gateway keeps it; `None` when it is a plus and nothing more. Octets that are no UTF-8 are
/// read as Latin-1: an address is never refused for its letters (row 12).
pub(crate) fn written_number(address: &pdu::Address<'_>) -> Option<Number> {
    let digits = match std::str::from_utf8(address.digits) {
        Ok(digits) => SmolStr::new(digits),
        Err(_) => address.digits.iter().map(|&octet| char::from(octet)).collect(),
    };
    match digits.strip_prefix('+') {
        Some("") if address.ton <= 1 => None,
        Some(rest) if address.ton <= 1 => {
            Some(Number { ton: Ton::INTERNATIONAL, npi: Npi(address.npi), digits: rest.into() })
        }
        _ => Some(Number { ton: Ton(address.ton), npi: Npi(address.npi), digits }),
    }
}

fn window(
    schedule: &[u8],
    validity: &[u8],
    tlvs: &Tlvs<'_>,
    now: Timestamp,
) -> Result<DeliveryWindow, CommandStatus> {
    let time_to_live = if tlvs.is_empty() { None } else { tlvs.qos_time_to_live().map_err(status)? };
    DeliveryWindow::read(schedule, validity, time_to_live, now.micros())
}

fn receipts_wanted(flags: RegisteredDelivery) -> ReceiptsWanted {
    ReceiptsWanted {
        success: flags.asks_for(true),
        failure: flags.asks_for(false),
        intermediate: flags.asks_for_intermediate(),
        displayed: false,
    }
}

/// An ESME says what is urgent by its priority flag; what is advertising only its account can say.
const fn class(account: Class, priority_flag: u8) -> Class {
    match (account, priority_flag) {
        (Class::Person | Class::Transactional, 3) => Class::OneTimePassword,
        (class, _) => class,
    }
}

fn tlvs<'a>(tlvs: &Tlvs<'a>) -> Option<Tlvs<'a>> {
    (!tlvs.is_empty()).then_some(*tlvs)
}

fn status(error: DecodeError) -> CommandStatus {
    let _: Problem = error.problem;
    error.status
}

/// A receipt in a `deliver_sm` or `data_sm`, with every spelling of its id that may match, best first.
/// `source` and `destination` are those of the receipt: recipient and sender of the message.
#[must_use]
pub fn receipt(
    fields: &ReceiptFields<'_>,
    source: &pdu::Address<'_>,
    destination: &pdu::Address<'_>,
    learned: &Learned,
) -> Receipt {
    let spelled = |id: IdText| candidates(&id, learned.hint()).map(|(_, id)| id).collect::<Vec<_>>();
    let upstream =
        fields.ids().flat_map(spelled).filter_map(|id| id.as_str().map(|id| UpstreamId(id.into()))).collect();
    let state = match fields.state {
        _ if fields.intermediate => ReceiptState::Enroute,
        Some(MessageState::Delivered) => ReceiptState::Delivered,
        Some(MessageState::Expired) => ReceiptState::Expired,
        Some(MessageState::Deleted) => ReceiptState::Deleted,
        Some(MessageState::Undeliverable) => ReceiptState::Undeliverable,
        Some(MessageState::Accepted) => ReceiptState::Accepted,
        Some(MessageState::Rejected | MessageState::Skipped) => ReceiptState::Rejected,
        Some(MessageState::Unknown) => ReceiptState::Unknown,
        Some(MessageState::Enroute | MessageState::Scheduled) | None => ReceiptState::Enroute,
    };
    let plain = |address: &pdu::Address<'_>| Number {
        ton: Ton(address.ton),
        npi: Npi(address.npi),
        digits: String::from_utf8_lossy(address.digits).trim_start_matches('+').into(),
    };
    Receipt {
        upstream,
        state,
        code: fields.error.as_ref().and_then(IdText::as_str).filter(|code| *code != "000").map(SmolStr::new),
        at: fields.done_us.map(Timestamp::from_micros),
        about: Some(Box::new((Pii::new(plain(source)), Pii::new(plain(destination))))),
    }
}
