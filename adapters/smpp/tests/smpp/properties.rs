//! What holds for every PDU and for any octets.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use smpp::pdu::{
    Address, AlertNotification, Bind, BindKind, BindResp, BroadcastSm, BroadcastSmResp, CancelBroadcastSm,
    CancelSm, DataSm, DataSmResp, DeliverSm, DeliverSmResp, Destination, EncodeError, EsmClass, Listed,
    Outbind, Pdu, QueryBroadcastSm, QueryBroadcastSmResp, QuerySm, QuerySmResp, RegisteredDelivery,
    ReplaceSm, SubmitMulti, SubmitMultiResp, SubmitSm, SubmitSmResp, Unsuccessful,
};
use smpp::receipt::ReceiptFields;
use smpp::tlv::Leniency::{self, Lenient, Strict};
use smpp::{Command, CommandStatus, Frame, Framer, Header, Tag, Tlvs};

/// Contents for any PDU.
#[derive(Debug, Clone)]
struct Pieces {
    id: Vec<u8>,
    short: Vec<u8>,
    one: (u8, u8, Vec<u8>),
    two: (u8, u8, Vec<u8>),
    long: (u8, u8, Vec<u8>),
    times: [Vec<u8>; 2],
    octets: [u8; 7],
    message: Vec<u8>,
    tlvs: Vec<u8>,
    present: bool,
    many: u8,
}

fn text(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(1_u8..=255, 0..max)
}

fn tlv_area() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop_oneof![proptest::sample::select(Tag::NAMED.to_vec()).prop_map(|tag| tag.0), any::<u16>()];
    vec((tag, vec(any::<u8>(), 0..20)), 0..6).prop_map(|tlvs| {
        let mut area = Vec::new();
        for (tag, value) in tlvs {
            area.extend(tag.to_be_bytes());
            area.extend((value.len() as u16).to_be_bytes());
            area.extend(value);
        }
        area
    })
}

prop_compose! {
    fn pieces()(
        id in text(65),
        short in text(6),
        one in (any::<u8>(), any::<u8>(), text(21)),
        two in (any::<u8>(), any::<u8>(), text(21)),
        long in (any::<u8>(), any::<u8>(), text(65)),
        times in [text(17), text(17)],
        octets in any::<[u8; 7]>(),
        message in vec(any::<u8>(), 0..=255),
        tlvs in tlv_area(),
        present in any::<bool>(),
        many in 1_u8..=255,
    ) -> Pieces {
        Pieces { id, short, one, two, long, times, octets, message, tlvs, present, many }
    }
}

fn address((ton, npi, digits): &(u8, u8, Vec<u8>)) -> Address<'_> {
    Address { ton: *ton, npi: *npi, digits }
}

/// Every PDU there is, filled with the pieces.
fn all<'a>(
    pieces: &'a Pieces,
    destinations: &'a [Destination<'a>],
    refused: &'a [Unsuccessful<'a>],
) -> Vec<Pdu<'a>> {
    let tlvs = Tlvs::decode(&pieces.tlvs, Strict).expect("whole");
    let (source, destination, long) = (address(&pieces.one), address(&pieces.two), address(&pieces.long));
    let [schedule_delivery_time, validity_period] = [&pieces.times[0][..], &pieces.times[1][..]];
    let [a, b, c, d, e, f, g] = pieces.octets;
    let (esm_class, registered_delivery) = (EsmClass(a), RegisteredDelivery(b));
    let (service_type, message_id, short_message) = (&pieces.short[..], &pieces.id[..], &pieces.message[..]);
    // What has no id has nothing behind it either: that is what "no body" means.
    let (optional_id, optional_tlvs) =
        if pieces.present { (Some(message_id), tlvs) } else { (None, Tlvs::EMPTY) };
    let optional_system = optional_id.map(|_| service_type);
    let unsuccessful = if pieces.present { Listed::of(refused) } else { Listed::default() };
    let bind = Bind {
        system_id: service_type,
        password: service_type,
        system_type: service_type,
        interface_version: a,
        addr_ton: b,
        addr_npi: c,
        address_range: source.digits,
        tlvs,
    };
    let submit = SubmitSm {
        service_type,
        source,
        destination,
        esm_class,
        protocol_id: c,
        priority_flag: d,
        schedule_delivery_time,
        validity_period,
        registered_delivery,
        replace_if_present_flag: e,
        data_coding: f,
        sm_default_msg_id: g,
        short_message,
        tlvs,
    };
    let deliver = DeliverSm {
        service_type,
        source,
        destination,
        esm_class,
        protocol_id: c,
        priority_flag: d,
        schedule_delivery_time,
        validity_period,
        registered_delivery,
        replace_if_present_flag: e,
        data_coding: f,
        sm_default_msg_id: g,
        short_message,
        tlvs,
    };
    let multi = SubmitMulti {
        service_type,
        source,
        destinations: Listed::of(destinations),
        esm_class,
        protocol_id: c,
        priority_flag: d,
        schedule_delivery_time,
        validity_period,
        registered_delivery,
        replace_if_present_flag: e,
        data_coding: f,
        sm_default_msg_id: g,
        short_message,
        tlvs,
    };
    let broadcast = BroadcastSm {
        service_type,
        source,
        message_id,
        priority_flag: a,
        schedule_delivery_time,
        validity_period,
        replace_if_present_flag: b,
        data_coding: c,
        sm_default_msg_id: d,
        tlvs,
    };
    let replace = ReplaceSm {
        message_id,
        source,
        schedule_delivery_time,
        validity_period,
        registered_delivery,
        sm_default_msg_id: c,
        short_message,
        tlvs,
    };
    let query_resp =
        QuerySmResp { message_id, final_date: validity_period, message_state: a, error_code: b, tlvs };
    let data = DataSm {
        service_type,
        source: long,
        destination,
        esm_class,
        registered_delivery,
        data_coding: c,
        tlvs,
    };
    let mut all = vec![
        Pdu::Outbind(Outbind { system_id: service_type, password: service_type, tlvs }),
        Pdu::SubmitSm(submit),
        Pdu::DeliverSm(deliver),
        Pdu::SubmitMulti(multi),
        Pdu::DataSm(data),
        Pdu::QuerySm(QuerySm { message_id, source, tlvs }),
        Pdu::QuerySmResp(query_resp),
        Pdu::CancelSm(CancelSm { service_type, message_id, source, destination, tlvs }),
        Pdu::ReplaceSm(replace),
        Pdu::AlertNotification(AlertNotification { source: long, esme: long, tlvs }),
        Pdu::BroadcastSm(broadcast),
        Pdu::QueryBroadcastSm(QueryBroadcastSm { message_id, source, tlvs }),
        Pdu::CancelBroadcastSm(CancelBroadcastSm { service_type, message_id, source, tlvs }),
        Pdu::SubmitSmResp(SubmitSmResp { message_id: optional_id, tlvs: optional_tlvs }),
        Pdu::DeliverSmResp(DeliverSmResp { message_id: optional_id, tlvs: optional_tlvs }),
        Pdu::DataSmResp(DataSmResp { message_id: optional_id, tlvs: optional_tlvs }),
        Pdu::SubmitMultiResp(SubmitMultiResp { message_id: optional_id, unsuccessful, tlvs: optional_tlvs }),
        Pdu::BroadcastSmResp(BroadcastSmResp { message_id: optional_id, tlvs: optional_tlvs }),
        Pdu::QueryBroadcastSmResp(QueryBroadcastSmResp { message_id: optional_id, tlvs: optional_tlvs }),
    ];
    for kind in [BindKind::Transmitter, BindKind::Receiver, BindKind::Transceiver] {
        all.push(Pdu::Bind(kind, bind));
        all.push(Pdu::BindResp(kind, BindResp { system_id: optional_system, tlvs: optional_tlvs }));
    }
    for command in [
        Command::Unbind,
        Command::UnbindResp,
        Command::EnquireLink,
        Command::EnquireLinkResp,
        Command::GenericNack,
        Command::CancelSmResp,
        Command::ReplaceSmResp,
        Command::CancelBroadcastSmResp,
    ] {
        all.push(Pdu::Empty(command));
    }
    all
}

fn decode_any(command: Command, body: &[u8], leniency: Leniency) -> bool {
    let header = Header { command, status: CommandStatus::ROK, sequence: 1 };
    let Ok(pdu) = Pdu::decode(Frame { header, body }, leniency) else { return false };
    // Nothing in a log may show contents, or choke on them.
    assert!(format!("{pdu:?}").is_ascii());
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_decodes_to_itself(pieces in pieces(), sequence in any::<u32>(), status in any::<u32>()) {
        let destinations: Vec<_> = (0..pieces.many)
            .map(|nth| if nth % 3 == 0 { Destination::List(&pieces.short) } else {
                Destination::Address(address(&pieces.two))
            })
            .collect();
        let refused: Vec<_> = (0..pieces.many)
            .map(|nth| Unsuccessful { address: address(&pieces.one), status: CommandStatus(nth.into()) })
            .collect();
        let all = all(&pieces, &destinations, &refused);
        let mut seen = std::collections::HashSet::new();
        let (mut out, mut growing) = (BytesMut::new(), Vec::new());
        for pdu in &all {
            pdu.encode(CommandStatus(status), sequence, &mut out).expect("within every limit");
            pdu.encode(CommandStatus(status), sequence, &mut growing).expect("within every limit");
        }
        prop_assert_eq!(&out[..], &growing[..], "both buffers hold the same");
        let batch = Framer::default().cut(&mut out);
        prop_assert!(out.is_empty());
        let mut frames = batch.frames();
        for pdu in &all {
            let frame = frames.next().expect("one frame for each");
            seen.insert(frame.header.command);
            prop_assert_eq!(frame.header.sequence, sequence);
            let expected = if frame.header.command.is_response() { status } else { 0 };
            prop_assert_eq!(frame.header.status, CommandStatus(expected));
            let decoded = Pdu::decode(frame, Strict);
            prop_assert_eq!(decoded.as_ref(), Ok(pdu));
        }
        prop_assert_eq!(seen.len(), Command::ALL.len(), "every command of the standard took part");
    }

    #[test]
    fn any_octets_decode_or_are_refused(body in vec(any::<u8>(), 0..300)) {
        for &command in Command::ALL {
            let strict = decode_any(command, &body, Strict);
            let lenient = decode_any(command, &body, Lenient);
            prop_assert!(lenient || !strict, "lenient takes whatever strict takes");
        }
    }

    #[test]
    fn a_pdu_with_octets_changed_decodes_or_is_refused(
        pieces in pieces(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let destinations = [Destination::Address(address(&pieces.two)); 2];
        for pdu in all(&pieces, &destinations, &[]) {
            let mut out = Vec::new();
            pdu.encode(CommandStatus::ROK, 1, &mut out).expect("within every limit");
            let header = Header::decode(out.first_chunk().expect("a header"));
            let body = &mut out[16..];
            for (at, octet) in &changes {
                if !body.is_empty() {
                    body[at.index(body.len())] = *octet;
                }
            }
            decode_any(header.command, body, Strict);
            decode_any(header.command, body, Lenient);
        }
    }

    #[test]
    fn any_octets_can_be_asked_for_tlvs(area in vec(any::<u8>(), 0..200)) {
        let tlvs = Tlvs::decode(&area, Lenient).expect("lenient never refuses");
        let octets: usize = tlvs.iter().map(|tlv| tlv.value.len() + 4).sum();
        prop_assert_eq!(octets + usize::from(tlvs.dropped()), area.len());
        if let Ok(Some(sar)) = tlvs.sar() {
            prop_assert!((1..=sar.total).contains(&sar.number));
        }
        prop_assert!(tlvs.duplicates() <= tlvs.iter().count());
        prop_assert!(tlvs.congestion_state().is_none_or(|load| load <= 100));
        prop_assert!(tlvs.receipted_message_id().is_none_or(|id| !id.is_empty() && !id.contains(&0)));
    }

    #[test]
    fn any_octets_read_as_a_receipt(
        esm_class in any::<u8>(),
        text in prop_oneof![
            vec(any::<u8>(), 0..255),
            "(id:|sub:|dlvrd:|submit date:|done date:|stat:|err:|text:|[ -~]|:| ){0,60}"
                .prop_map(String::into_bytes),
        ],
        area in vec(any::<u8>(), 0..60),
    ) {
        let tlvs = Tlvs::decode(&area, Lenient).expect("lenient never refuses");
        let receipt = ReceiptFields::read(EsmClass(esm_class), &text, &tlvs);
        prop_assert!(receipt.ids().count() <= 2);
        for id in receipt.ids() {
            prop_assert!(smpp::ids::candidates(&id, None).count() <= smpp::ids::Transform::ALL.len());
        }
    }

    #[test]
    fn any_octets_read_as_a_time(text in vec(any::<u8>(), 0..20), now in -i64::MAX / 4..i64::MAX / 4) {
        if let Ok(Some(_)) = smpp::time::parse(&text, now) {
            prop_assert_eq!(text.len(), smpp::time::TIME_OCTETS);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_no_trace() {
    let mut out = b"before".to_vec();
    let long = [b'7'; 21];
    let submit = SubmitSm { destination: Address::international(&long), ..SubmitSm::default() };
    let error = submit.encode(1, &mut out);
    assert_eq!(error, Err(EncodeError::TooLong { field: "destination_addr", octets_max: 20 }));
    let submit = SubmitSm { service_type: b"A\0B", ..SubmitSm::default() };
    assert_eq!(submit.encode(1, &mut out), Err(EncodeError::NulInside { field: "service_type" }));
    let submit = SubmitSm { short_message: &[0; 256], ..SubmitSm::default() };
    assert!(submit.encode(1, &mut out).is_err());
    let too_many = [Destination::List(b"x"); 256];
    let multi = SubmitMulti { destinations: Listed::of(&too_many), ..SubmitMulti::default() };
    assert!(multi.encode(1, &mut out).is_err());
    let payload = vec![0; 65_536];
    let refused = SubmitSm::default()
        .encode_with(1, &mut out, |tlvs| tlvs.put(Tag::MESSAGE_PAYLOAD, &payload).map(|_| ()));
    assert!(refused.is_err());
    assert_eq!(out, b"before");
}

#[test]
fn no_log_shows_a_number_or_a_text() {
    let submit = SubmitSm {
        source: Address::international(b"15550001"),
        short_message: b"a private word",
        ..SubmitSm::default()
    };
    let bind = Bind { system_id: b"esme", password: b"secret", ..Bind::default() };
    for shown in [format!("{submit:?}"), format!("{bind:?}")] {
        for private in ["1555", "private", "secret"] {
            assert!(!shown.contains(private), "{shown}");
        }
    }
}
