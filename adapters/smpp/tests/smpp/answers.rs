//! What bad input is answered with: the rows of `sms.md` §1.8 that a codec or a session decides.
//! Rows 8–10 and 29 are in `sessions`.

use smpp::pdu::{
    self, Address, Bind, BothTexts, BroadcastSm, CancelSm, DeliverSm, Destination, EsmClass, Listed, QuerySm,
    RegisteredDelivery, ReplaceSm, SubmitMulti, SubmitSm, SubmitSmResp,
};
use smpp::session::{Party, State};
use smpp::tlv::Leniency::{Lenient, Strict};
use smpp::tlv::{Sar, TlvWriter};
use smpp::{Command, CommandStatus, Header, Tag, Tlvs, Version};

use crate::peer::Peer;

fn submission() -> SubmitSm<'static> {
    SubmitSm {
        source: Address::international(b"15550001"),
        destination: Address::international(b"15550002"),
        short_message: b"hello",
        ..SubmitSm::default()
    }
}

/// A submission on the wire, with what `change` does to it and `tlvs` behind it.
fn wire(
    change: impl FnOnce(&mut SubmitSm<'static>),
    tlvs: impl FnOnce(&mut TlvWriter<'_, Vec<u8>>) -> Result<(), pdu::EncodeError>,
) -> Vec<u8> {
    let mut submit = submission();
    change(&mut submit);
    let mut out = Vec::new();
    submit.encode_with(9, &mut out, tlvs).expect("fits");
    out
}

/// A PDU around a body written by hand.
fn raw(command: u32, body: &[u8]) -> Vec<u8> {
    let header = Header { command: Command::from_id(command), status: CommandStatus::ROK, sequence: 9 };
    [&header.encode(16 + u32::try_from(body.len()).expect("short"))[..], body].concat()
}

/// The body of a PDU written by us.
fn body(pdu: &[u8]) -> Vec<u8> {
    pdu[16..].to_vec()
}

fn submit(octets: &[u8]) -> Peer {
    Peer::message_centre().takes(octets)
}

#[test]
fn row_01_length_below_sixteen() {
    let peer = submit(&crate::hex("0000000F 00000015 00000000 00000007"));
    assert_eq!(peer.answers(), [(Command::GenericNack, CommandStatus::RINVCMDLEN, 7)]);
    assert!(peer.closed);
    let peer = submit(&crate::hex("00000000"));
    assert_eq!(peer.answers(), [(Command::GenericNack, CommandStatus::RINVCMDLEN, 0)]);
}

#[test]
fn row_02_length_above_the_limit() {
    let peer = submit(b"HTTP/1.1 200 OK\r\n");
    let sequence = u32::from_be_bytes(*b" OK\r");
    assert_eq!(peer.answers(), [(Command::GenericNack, CommandStatus::RINVCMDLEN, sequence)]);
    assert!(peer.closed);
}

#[test]
fn row_03_unknown_request() {
    let peer = submit(&raw(0x0001_0200, b"anything"));
    assert_eq!(peer.answers(), [(Command::GenericNack, CommandStatus::RINVCMDID, 9)]);
    assert_eq!((peer.closed, peer.strikes), (false, 1));
}

#[test]
fn row_04_unknown_response_is_never_nacked() {
    let peer = submit(&raw(0x8001_0200, b"anything"));
    assert!(peer.answers().is_empty() && !peer.closed && peer.strikes == 0);
}

#[test]
fn row_05_late_response_is_handed_on_and_not_answered() {
    let peer = submit(&raw(0x8000_0005, b"\0"));
    assert!(peer.answers().is_empty());
    assert_eq!(peer.matched, [9]);
}

#[test]
fn row_06_request_not_legal_here() {
    for (state, strikes) in [(State::Open, 1), (State::BoundRx, 0), (State::Unbound, 1)] {
        let peer = Peer { state, ..Peer::message_centre() }.takes(&wire(|_| (), |_| Ok(())));
        assert_eq!(peer.answers(), [(Command::SubmitSmResp, CommandStatus::RINVBNDSTS, 9)]);
        assert_eq!((peer.closed, peer.strikes), (false, strikes), "{state:?}");
    }
    // An ESME has no business delivering.
    let peer = submit(&raw(5, &body(&wire(|_| (), |_| Ok(())))));
    assert_eq!(peer.answers(), [(Command::DeliverSmResp, CommandStatus::RINVBNDSTS, 9)]);
}

#[test]
fn row_07_second_bind() {
    let mut out = Vec::new();
    let bind = Bind { system_id: b"esme", interface_version: 0x34, ..Bind::default() };
    bind.encode(pdu::BindKind::Transceiver, 9, &mut out).expect("fits");
    let peer = submit(&out);
    assert_eq!(peer.answers(), [(Command::BindTransceiverResp, CommandStatus::RALYBND, 9)]);
    assert_eq!(peer.state, State::BoundTrx);
}

#[test]
fn row_11_text_without_nul() {
    let long = |max| vec![b'7'; max];
    let addr = |digits: &[u8]| [&[1, 1], digits].concat();
    let none = addr(b"\0");
    let rest = [0_u8; 12];
    let cases: [(u32, Vec<Vec<u8>>, CommandStatus); 18] = [
        (4, vec![long(6), rest.to_vec()], CommandStatus::RINVSERTYP),
        (4, vec![vec![0], addr(&long(21)), none.clone(), rest.to_vec()], CommandStatus::RINVSRCADR),
        (4, vec![vec![0], none.clone(), addr(&long(21)), rest.to_vec()], CommandStatus::RINVDSTADR),
        (4, vec![vec![0], none.clone(), none.clone(), vec![0; 3], long(17)], CommandStatus::RINVSCHED),
        (4, vec![vec![0], none.clone(), none.clone(), vec![0; 4], long(17)], CommandStatus::RINVEXPIRY),
        (0x103, vec![vec![0], addr(&long(65))], CommandStatus::RINVSRCADR),
        (0x103, vec![vec![0], none.clone(), addr(&long(65))], CommandStatus::RINVDSTADR),
        (3, vec![long(65), none.clone()], CommandStatus::RINVMSGID),
        (8, vec![vec![0], long(65)], CommandStatus::RINVMSGID),
        (7, vec![vec![0], none.clone(), long(17)], CommandStatus::RINVSCHED),
        (0x21, vec![vec![0], none.clone(), vec![1, 2], long(21)], CommandStatus::RINVDLNAME),
        (0x21, vec![vec![0], none.clone(), vec![1, 1], addr(&long(21))], CommandStatus::RINVDSTADR),
        (0x111, vec![vec![0], none, long(65)], CommandStatus::RINVMSGID),
        (0x113, vec![vec![0], vec![0], addr(&long(21))], CommandStatus::RINVSRCADR),
        (9, vec![long(16)], CommandStatus::RINVSYSID),
        (9, vec![vec![0], long(9)], CommandStatus::RINVPASWD),
        (9, vec![vec![0], vec![0], long(13)], CommandStatus::RINVSYSTYP),
        (9, vec![vec![0], vec![0], vec![0], vec![0x34, 0, 0], long(41)], CommandStatus::RBINDFAIL),
    ];
    for (command, parts, status) in cases {
        let state = if command == 9 { State::Open } else { State::BoundTrx };
        let peer = Peer { state, ..Peer::message_centre() }.takes(&raw(command, &parts.concat()));
        peer.keeps_with(status);
    }
}

#[test]
fn row_12_octets_that_are_not_ascii_are_kept() {
    let sender = Address::alphanumeric(b"Caf\xE9\xFF");
    let octets = wire(|submit| submit.source = sender, |_| Ok(()));
    submit(&octets).keeps_with(CommandStatus::ROK);
    assert_eq!(SubmitSm::decode(&body(&octets), Strict).expect("legal").source, sender);
}

#[test]
fn row_13_sm_length_beyond_the_body() {
    let mut octets = wire(|_| (), |_| Ok(()));
    let at = octets.len() - 6;
    assert_eq!(octets[at], 5, "sm_length");
    octets[at] = 6;
    submit(&octets).keeps_with(CommandStatus::RINVMSGLEN);
}

#[test]
fn row_14_mandatory_part_ends_early_at_every_octet() {
    let whole = body(&wire(|_| (), |_| Ok(())));
    for end in 0..whole.len() - 6 {
        submit(&raw(4, &whole[..end])).keeps_with(CommandStatus::RINVCMDLEN);
    }
    for command in [3, 5, 7, 8, 0x21, 0x102, 0x103, 0x111, 0x112, 0x113] {
        let frame_body: &[u8] = if command == 0x21 { b"\0\0\0\0\x01" } else { b"" };
        let refused = match Command::from_id(command) {
            Command::QuerySm => QuerySm::decode(frame_body, Strict).err(),
            Command::ReplaceSm => ReplaceSm::decode(frame_body, Strict).err(),
            Command::CancelSm => CancelSm::decode(frame_body, Strict).err(),
            Command::DeliverSm => DeliverSm::decode(frame_body, Strict).err(),
            Command::SubmitMulti => SubmitMulti::decode(frame_body, Strict).err(),
            Command::BroadcastSm => BroadcastSm::decode(frame_body, Strict).err(),
            other => {
                let header = Header { command: other, status: CommandStatus::ROK, sequence: 1 };
                pdu::Pdu::decode(smpp::Frame { header, body: frame_body }, Strict).err()
            }
        };
        assert_eq!(refused.map(|error| error.status), Some(CommandStatus::RINVCMDLEN), "{command:#x}");
    }
}

#[test]
fn row_15_stray_octets_behind_the_last_tlv() {
    for stray in 1..=3 {
        let mut octets = body(&wire(|_| (), |tlvs| tlvs.word(Tag::USER_MESSAGE_REFERENCE, 77).map(|_| ())));
        octets.extend(vec![0; stray]);
        submit(&raw(4, &octets)).keeps_with(CommandStatus::RINVTLVSTREAM);
        let lenient = SubmitSm::decode(&octets, Lenient).expect("lenient").tlvs;
        assert_eq!(lenient.user_message_reference(), Ok(Some(77)));
        assert_eq!(usize::from(lenient.dropped()), stray, "counted");
    }
}

#[test]
fn row_16_tlv_longer_than_the_pdu() {
    let mut octets = body(&wire(|_| (), |tlvs| tlvs.word(Tag::USER_MESSAGE_REFERENCE, 77).map(|_| ())));
    octets.extend([0x00, 0x1E, 0x00, 0x41, b'3', b'0']);
    submit(&raw(4, &octets)).keeps_with(CommandStatus::RINVTLVSTREAM);
    let lenient = SubmitSm::decode(&octets, Lenient).expect("lenient").tlvs;
    assert_eq!((lenient.iter().count(), lenient.receipted_message_id()), (1, None));
}

#[test]
fn row_17_known_tlv_of_the_wrong_length() {
    // Somebody needs it: refused.
    let segmented = wire(
        |_| (),
        |tlvs| {
            tlvs.octet(Tag::SAR_MSG_REF_NUM, 1)?.octet(Tag::SAR_TOTAL_SEGMENTS, 2)?;
            tlvs.octet(Tag::SAR_SEGMENT_SEQNUM, 1).map(|_| ())
        },
    );
    submit(&segmented).keeps_with(CommandStatus::RINVTLVLEN);
    // Nobody needs it: kept as it is.
    let opaque = wire(|_| (), |tlvs| tlvs.put(Tag::LANGUAGE_INDICATOR, b"ko").map(|_| ()));
    submit(&opaque).keeps_with(CommandStatus::ROK);
    let octets = body(&opaque);
    let tlvs = SubmitSm::decode(&octets, Strict).expect("legal").tlvs;
    assert_eq!(tlvs.get(Tag::LANGUAGE_INDICATOR), Some(&b"ko"[..]));
    // source_telematics_id has one octet in 3.4, two in 5.0.
    let shape = Tag::SOURCE_TELEMATICS_ID.shape().expect("known");
    assert_eq!((shape.octets_min, shape.octets_max), (1, 2));
}

#[test]
fn row_18_tlvs_not_listed_unknown_or_of_a_vendor() {
    let octets = wire(
        |_| (),
        |tlvs| {
            tlvs.octet(Tag::MESSAGE_STATE, 2)?.put(Tag(0x1403), b"vendor")?;
            tlvs.put(Tag(0x0BAD), &[0; 300]).map(|_| ())
        },
    );
    submit(&octets).keeps_with(CommandStatus::ROK);
    // And passed on octet for octet.
    let octets = body(&octets);
    let incoming = SubmitSm::decode(&octets, Strict).expect("legal");
    let mut out = Vec::new();
    incoming.encode(1, &mut out).expect("fits");
    assert_eq!(body(&out), octets);
    out.clear();
    submission()
        .encode_with(1, &mut out, |more| more.pass_on(incoming.tlvs, |tlv| tlv.tag.is_vendor()).map(|_| ()))
        .expect("fits");
    assert!(body(&out).ends_with(b"\x14\x03\x00\x06vendor"));
}

#[test]
fn row_19_required_tlv_missing_or_impossible() {
    let data = raw(0x103, b"\0\x01\x01123\0\x01\x01456\0\0\0\0");
    submit(&data).keeps_with(CommandStatus::RMISSINGTLV);
    let broadcast = BroadcastSm::default();
    assert_eq!(broadcast.check_mandatory().map_err(|e| e.status), Err(CommandStatus::RMISSINGTLV));
    let area = crate::hex("0606000200 41 0601000300 0000 06040001 05 0605000308 0001");
    let broadcast = BroadcastSm { tlvs: Tlvs::decode(&area, Strict).expect("whole"), ..broadcast };
    assert_eq!(broadcast.check_mandatory().map_err(|e| e.status), Err(CommandStatus::RINVTLVLEN));
}

#[test]
fn row_20_duplicate_of_a_tlv_that_stands_once() {
    let octets = wire(
        |_| (),
        |tlvs| {
            tlvs.word(Tag::USER_MESSAGE_REFERENCE, 1)?.word(Tag::USER_MESSAGE_REFERENCE, 2)?;
            tlvs.put(Tag::CALLBACK_NUM, b"\x01\x01\x011")?
                .put(Tag::CALLBACK_NUM, b"\x01\x01\x012")
                .map(|_| ())
        },
    );
    submit(&octets).keeps_with(CommandStatus::ROK);
    let octets = body(&octets);
    let tlvs = SubmitSm::decode(&octets, Strict).expect("legal").tlvs;
    assert_eq!(tlvs.user_message_reference(), Ok(Some(1)), "the first");
    assert_eq!(tlvs.duplicates(), 1, "callback_num may repeat");
    assert_eq!(tlvs.all(Tag::CALLBACK_NUM).count(), 2);
}

#[test]
fn row_21_text_in_both_places() {
    let octets = wire(|_| (), |tlvs| tlvs.put(Tag::MESSAGE_PAYLOAD, b"payload").map(|_| ()));
    submit(&octets).keeps_with(CommandStatus::RINVMSGLEN);
    let both = BothTexts::PreferPayload;
    Peer { both, ..Peer::message_centre() }.takes(&octets).keeps_with(CommandStatus::ROK);
    let octets = body(&octets);
    let submit_sm = SubmitSm::decode(&octets, Strict).expect("legal");
    assert_eq!(submit_sm.user_data(both).expect("preferred").text, b"payload");
    // An empty one in either place is no second text.
    let empty = wire(|_| (), |tlvs| tlvs.put(Tag::MESSAGE_PAYLOAD, b"").map(|_| ()));
    submit(&empty).keeps_with(CommandStatus::ROK);
    let payload = wire(
        |submit| submit.short_message = b"",
        |tlvs| tlvs.put(Tag::MESSAGE_PAYLOAD, &[b'x'; 65_535]).map(|_| ()),
    );
    submit(&payload).keeps_with(CommandStatus::ROK);
}

#[test]
fn row_22_header_and_sar_tlvs() {
    let sar = Sar { reference: 1, total: 2, number: 1 };
    let octets = wire(
        |submit| {
            submit.esm_class = EsmClass::UDHI;
            submit.short_message = b"\x05\x00\x03\xAA\x02\x01text";
        },
        |tlvs| tlvs.sar(sar).map(|_| ()),
    );
    submit(&octets).keeps_with(CommandStatus::ROK);
    let octets = body(&octets);
    let data = SubmitSm::decode(&octets, Strict).expect("legal").user_data(BothTexts::Refuse).expect("legal");
    assert_eq!((data.header, data.text), (&b"\x05\x00\x03\xAA\x02\x01"[..], &b"text"[..]));
    assert_eq!((data.sar, data.sar_ignored), (None, true));
}

#[test]
fn row_23_header_longer_than_the_user_data() {
    for (text, status) in [
        (&b""[..], CommandStatus::RINVESMCLASS),
        (b"\x05\x00\x03\xAA\x02", CommandStatus::RINVESMCLASS),
        (b"\x05\x00\x03\xAA\x02\x01", CommandStatus::ROK),
    ] {
        let octets = wire(
            |submit| {
                submit.esm_class = EsmClass::UDHI;
                submit.short_message = text;
            },
            |_| Ok(()),
        );
        submit(&octets).keeps_with(status);
    }
}

#[test]
fn row_24_segment_numbers_that_make_no_sense() {
    for (total, number) in [(0, 0), (0, 1), (2, 0), (2, 3)] {
        let octets = wire(|_| (), |tlvs| tlvs.sar(Sar { reference: 1, total, number }).map(|_| ()));
        submit(&octets).keeps_with(CommandStatus::ROK);
        let octets = body(&octets);
        assert_eq!(SubmitSm::decode(&octets, Strict).expect("legal").tlvs.sar(), Ok(None));
    }
    // Two of three are none.
    let octets = body(&wire(
        |_| (),
        |tlvs| tlvs.word(Tag::SAR_MSG_REF_NUM, 1)?.octet(Tag::SAR_TOTAL_SEGMENTS, 2).map(|_| ()),
    ));
    assert_eq!(SubmitSm::decode(&octets, Strict).expect("legal").tlvs.sar(), Ok(None));
}

#[test]
fn row_25_odd_sequence_numbers_are_echoed() {
    for sequence in [0, 0x8000_0000, u32::MAX] {
        let mut out = Vec::new();
        submission().encode(sequence, &mut out).expect("fits");
        assert_eq!(submit(&out).answers(), [(Command::SubmitSmResp, CommandStatus::ROK, sequence)]);
    }
}

#[test]
fn row_26_a_number_in_use_is_answered_twice() {
    let octets = wire(|_| (), |_| Ok(()));
    let peer = submit(&[octets.clone(), octets].concat());
    assert_eq!(peer.answers(), [(Command::SubmitSmResp, CommandStatus::ROK, 9); 2]);
}

#[test]
fn row_27_odd_response_bodies() {
    for (body, id) in [
        (&b""[..], None),
        (b"\0", None),
        (b"abc\0", Some(&b"abc"[..])),
        (b"abc\0\x04\x28\x00\x01\x5A", Some(b"abc")),
        (b"abc\0\x04", Some(b"abc")),
    ] {
        let response = SubmitSmResp::decode(body, Lenient).expect("responses are taken as they are");
        assert_eq!(response.id(), id);
    }
    let loaded = SubmitSmResp::decode(b"\0\x04\x28\x00\x01\x5A", Lenient).expect("a response");
    assert_eq!(loaded.tlvs.congestion_state(), Some(90));
}

#[test]
fn row_28_extra_octets_behind_a_header() {
    let peer = submit(&[raw(0x15, b"extra"), raw(6, b"more")].concat());
    let expected =
        [(Command::EnquireLinkResp, CommandStatus::ROK, 9), (Command::UnbindResp, CommandStatus::ROK, 9)];
    assert_eq!(peer.answers(), expected);
    assert_eq!(submit(&raw(0x8000_0000, b"extra")).matched, [9]);
}

#[test]
fn row_30_values_the_standard_does_not_know() {
    type Change = fn(&mut SubmitSm<'static>);
    let cases: [(Change, CommandStatus); 9] = [
        (|submit| submit.source.ton = 7, CommandStatus::RINVSRCTON),
        (|submit| submit.source.npi = 2, CommandStatus::RINVSRCNPI),
        (|submit| submit.destination.ton = 200, CommandStatus::RINVDSTTON),
        (|submit| submit.destination.npi = 19, CommandStatus::RINVDSTNPI),
        (|submit| submit.priority_flag = 4, CommandStatus::RINVPRTFLG),
        (|submit| submit.replace_if_present_flag = 2, CommandStatus::RINVREPFLAG),
        (|submit| submit.registered_delivery = RegisteredDelivery(0x20), CommandStatus::RINVREGDLVFLG),
        (|submit| submit.registered_delivery = RegisteredDelivery::SUCCESS, CommandStatus::RINVREGDLVFLG),
        (|submit| submit.registered_delivery = RegisteredDelivery(0x1F & !1), CommandStatus::ROK),
    ];
    for (change, status) in cases {
        submit(&wire(change, |_| Ok(()))).keeps_with(status);
    }
    let success = wire(|submit| submit.registered_delivery = RegisteredDelivery::SUCCESS, |_| Ok(()));
    Peer { version: Version::V50, ..Peer::message_centre() }.takes(&success).keeps_with(CommandStatus::ROK);
}

#[test]
fn row_31_34_statuses_a_3_4_peer_does_not_know() {
    for status in [CommandStatus::RINVDCS, CommandStatus::RPROHIBITED] {
        assert_eq!(status.for_peer(Version::V50), status);
        assert_eq!(status.for_peer(Version::V34), CommandStatus::RSUBMITFAIL);
    }
    let vendor = CommandStatus(0x0401);
    assert_eq!(vendor.for_peer(Version::V34), vendor);
}

#[test]
fn row_32_nobody_to_send_to() {
    let octets = wire(|submit| submit.destination.digits = b"", |_| Ok(()));
    submit(&octets).keeps_with(CommandStatus::RINVDSTADR);
}

#[test]
fn row_35_numbers_of_destinations() {
    let multi = |destinations: &[Destination<'_>]| {
        let mut out = Vec::new();
        let multi = SubmitMulti {
            source: Address::international(b"1"),
            destinations: Listed::of(destinations),
            ..SubmitMulti::default()
        };
        multi.encode(9, &mut out).expect("fits");
        out
    };
    let one = Destination::Address(Address::international(b"2"));
    submit(&multi(&[one; 100])).keeps_with(CommandStatus::ROK);
    submit(&multi(&[])).keeps_with(CommandStatus::RINVNUMDESTS);
    submit(&multi(&[one; 101])).keeps_with(CommandStatus::RINVNUMDESTS);
    let mut bad_flag = multi(&[one]);
    let at = bad_flag.iter().rposition(|&octet| octet == b'2').expect("the destination") - 3;
    bad_flag[at] = 3;
    submit(&bad_flag).keeps_with(CommandStatus::RINVDESTFLAG);
    let octets = multi(&[one; 255]);
    let octets = body(&octets);
    let multi = SubmitMulti::decode(&octets, Strict).expect("255 is what the octet holds");
    assert_eq!(multi.check_destinations(Version::V50, 255), Ok(()));
    assert!(multi.check_destinations(Version::V34, 255).is_err(), "254 in 3.4");
}

#[test]
fn row_36_a_refusal_carries_congestion_state_where_the_peer_finds_it() {
    let mut out = Vec::new();
    pdu::answer_with(Command::SubmitSm, CommandStatus::RTHROTTLED, 9, &mut out, |tlvs| {
        tlvs.octet(Tag::CONGESTION_STATE, 99).map(|_| ())
    })
    .expect("fits");
    let octets = body(&out);
    let response = SubmitSmResp::decode(&octets, Strict).expect("whole");
    assert_eq!((response.id(), response.tlvs.congestion_state()), (None, Some(99)));
    // So does a response whose id was left out.
    out.clear();
    SubmitSmResp::default()
        .encode_with(CommandStatus::RSYSERR, 9, &mut out, |tlvs| {
            tlvs.octet(Tag::CONGESTION_STATE, 1).map(|_| ())
        })
        .expect("fits");
    let octets = body(&out);
    assert_eq!(SubmitSmResp::decode(&octets, Strict).expect("whole").tlvs.congestion_state(), Some(1));
}

#[test]
fn row_39_40_a_refused_delivery_still_has_its_nul() {
    for status in [CommandStatus::RX_T_APPN, CommandStatus::RX_P_APPN, CommandStatus::RX_R_APPN] {
        let mut out = Vec::new();
        pdu::answer(Command::DeliverSm, status, 9, &mut out);
        assert_eq!(out.len(), 17);
        assert_eq!(out.last(), Some(&0));
    }
}

#[test]
fn requests_nobody_answers_get_no_answer() {
    for command in [Command::AlertNotification, Command::Outbind, Command::SubmitSmResp, Command::GenericNack]
    {
        let mut out = Vec::new();
        pdu::answer(command, CommandStatus::RSYSERR, 9, &mut out);
        assert!(out.is_empty(), "{command:?}");
    }
    let peer = Peer { state: State::BoundTx, they: Party::MessageCentre, ..Peer::esme() }
        .takes(&raw(0x102, b"\0\0\0\0\0\0"));
    assert_eq!((peer.answers().len(), peer.strikes), (0, 1));
}
