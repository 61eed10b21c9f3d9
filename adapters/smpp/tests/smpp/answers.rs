//! What bad input is answered with: the rows of `sms.md` §1.8 that a codec or a session decides.
//! Rows 8–10 and 29 are in `sessions`, rows 15–24 in `user_data`.

use smpp::pdu::{
    self, Address, Bind, BroadcastSm, CancelSm, DeliverSm, Destination, Listed, QuerySm, RegisteredDelivery,
    ReplaceSm, SubmitMulti, SubmitSm, SubmitSmResp,
};
use smpp::session::{Party, State};
use smpp::tlv::Leniency::{Lenient, Strict};
use smpp::{Command, CommandStatus, Header, Tag, Version};

use crate::peer::{Peer, body, raw, submission, submit, wire};

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
