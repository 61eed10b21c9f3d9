//! Bad input, by the rows of the SMS sheet §1.8: the answer of each, and that the link survives.

use model::Cause;
use smpp::{
    Command, CommandStatus, Tag, Version,
    pdu::{Address, BindKind, EsmClass, RegisteredDelivery, SubmitSm},
    server::ServerSettings,
};

use crate::{
    desk::{Desk, accepted, account, digits, refused, settings},
    esme::{Esme, encoded, plain, raw, submit},
};

const SUBMIT: u32 = 0x04;
const MULTI: u32 = 0x21;

/// Sends this and wants this answer; the link must live, and the gateway have heard nothing.
async fn refuses(
    desk: &mut Desk,
    esme: &mut Esme,
    octets: &[u8],
    answer: Command,
    status: CommandStatus,
    sequence: u32,
) {
    esme.write(octets).await;
    esme.answered(answer, status, sequence).await;
    esme.is_up().await;
    assert!(desk.nothing());
}

/// A `submit_sm` refused with this status.
async fn submit_refused(version: Version, pdu: SubmitSm<'_>, status: CommandStatus) {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound_as(&desk, BindKind::Transmitter, version).await;
    let octets = encoded(&pdu, 5);
    refuses(&mut desk, &mut esme, &octets, Command::SubmitSmResp, status, 5).await;
}

/// A `submit_sm` with TLVs behind it, in raw octets.
fn with_tlvs(pdu: &SubmitSm<'_>, tlvs: &[u8]) -> Vec<u8> {
    let body = encoded(pdu, 5).split_off(16);
    raw(SUBMIT, 5, &[&body, tlvs].concat())
}

/// These octets are taken as a submission of this text.
async fn takes(octets: &[u8], sequence: u32, text: &str) {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    esme.write(octets).await;
    let (taken, ticket) = desk.text().await;
    assert_eq!(taken, text);
    desk.answer(ticket, accepted(1));
    esme.accepted(sequence, "1").await;
    esme.is_up().await;
}

#[tokio::test]
async fn row_01_a_length_below_a_header_is_nacked_and_closed() {
    for bound in [false, true] {
        let desk = Desk::start().await;
        let mut esme = if bound { Esme::bound(&desk).await } else { Esme::connect(desk.address).await };
        let mut octets = raw(SUBMIT, 7, &[]);
        octets[3] = 15;
        esme.write(&octets).await;
        esme.answered(Command::GenericNack, CommandStatus::RINVCMDLEN, 7).await;
        esme.closed().await;
    }
    let desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    esme.write(&[0, 0, 0, 4]).await;
    esme.answered(Command::GenericNack, CommandStatus::RINVCMDLEN, 0).await;
    esme.closed().await;
}

#[tokio::test]
async fn row_01_what_came_before_is_answered_before_the_close() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    esme.write(&[submit(2, "good"), vec![0; 64]].concat()).await;
    let (_, ticket) = desk.text().await;
    esme.answered(Command::GenericNack, CommandStatus::RINVCMDLEN, 0).await;
    desk.answer(ticket, accepted(1));
    esme.accepted(2, "1").await;
    esme.closed().await;
}

#[tokio::test]
async fn row_02_a_length_above_the_limit_is_nacked_and_closed_unread() {
    let desk = Desk::with(ServerSettings { pdu_octets_max: 1_000, ..settings() }, account()).await;
    let mut esme = Esme::bound(&desk).await;
    let mut octets = raw(SUBMIT, 9, &vec![0; 200_000]);
    octets[..4].copy_from_slice(&1_001_u32.to_be_bytes());
    esme.write(&octets).await;
    esme.answered(Command::GenericNack, CommandStatus::RINVCMDLEN, 9).await;
    esme.closed().await;
    let mut esme = Esme::connect(desk.address).await;
    esme.write(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n").await;
    esme.expect(Command::GenericNack, CommandStatus::RINVCMDLEN).await;
    esme.closed().await;
}

#[tokio::test]
async fn row_03_unknown_requests_are_nacked_and_too_many_end_it() {
    let mut desk = Desk::with(ServerSettings { strikes_max: 3, ..settings() }, account()).await;
    let mut esme = Esme::bound(&desk).await;
    for sequence in 1..=3 {
        let octets = raw(0x0000_0F00, sequence, b"body");
        refuses(&mut desk, &mut esme, &octets, Command::GenericNack, CommandStatus::RINVCMDID, sequence)
            .await;
    }
    esme.write(&raw(0x0000_0F00, 4, &[])).await;
    esme.answered(Command::GenericNack, CommandStatus::RINVCMDID, 4).await;
    esme.closed().await;
}

#[tokio::test]
async fn row_04_and_05_responses_to_nothing_are_left_alone() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    for command in [0x8000_0F00, 0x8000_0004, 0x8000_0005, 0x8000_0006, 0x8000_0000, 0x8000_0015] {
        for sequence in [0, 1, 5, u32::MAX] {
            esme.write(&raw(command, sequence, &[])).await;
        }
    }
    esme.is_up().await;
    assert!(desk.nothing());
}

#[tokio::test]
async fn row_06_requests_in_the_wrong_state_are_refused_and_too_many_end_an_unbound_link() {
    let mut desk = Desk::with(ServerSettings { strikes_max: 2, ..settings() }, account()).await;
    let mut receiver = Esme::bound_as(&desk, BindKind::Receiver, Version::V34).await;
    for sequence in 1..10 {
        let octets = submit(sequence, "no");
        let (answer, status) = (Command::SubmitSmResp, CommandStatus::RINVBNDSTS);
        refuses(&mut desk, &mut receiver, &octets, answer, status, sequence).await;
    }
    let mut unbound = Esme::connect(desk.address).await;
    for sequence in 1..=3 {
        unbound.write(&submit(sequence, "no")).await;
        unbound.answered(Command::SubmitSmResp, CommandStatus::RINVBNDSTS, sequence).await;
    }
    unbound.closed().await;
    let mut backwards = Esme::bound(&desk).await;
    // deliver_sm is ours to send.
    backwards.write(&raw(0x05, 4, &[0; 17])).await;
    backwards.answered(Command::DeliverSmResp, CommandStatus::RINVBNDSTS, 4).await;
    backwards.is_up().await;
}

#[tokio::test]
async fn row_07_a_second_bind_leaves_the_first() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound_as(&desk, BindKind::Transmitter, Version::V34).await;
    for kind in [BindKind::Transceiver, BindKind::Receiver, BindKind::Transmitter] {
        esme.write(&crate::esme::bind(kind, Version::V34, "esme", "wrong")).await;
        esme.answered(kind.response(), CommandStatus::RALYBND, 1).await;
    }
    esme.write(&submit(2, "still here")).await;
    assert_eq!(desk.text().await.0, "still here");
    assert_eq!(desk.account.binds(), 1);
}

#[tokio::test]
async fn row_11_an_endless_string_is_refused_by_its_field() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    let long = [b'1'; 80];
    let after = |head: &[u8]| [head, &long].concat();
    for (body, status) in [
        (after(b""), CommandStatus::RINVSERTYP),
        (after(b"\0\x01\x01"), CommandStatus::RINVSRCADR),
        (after(b"\0\x01\x0182\0\x01\x01"), CommandStatus::RINVDSTADR),
        (after(b"\0\x01\x0182\0\x01\x0182\0\0\0\0"), CommandStatus::RINVSCHED),
        (after(b"\0\x01\x0182\0\x01\x0182\0\0\0\0\0"), CommandStatus::RINVEXPIRY),
    ] {
        refuses(&mut desk, &mut esme, &raw(SUBMIT, 5, &body), Command::SubmitSmResp, status, 5).await;
    }
    for (command, answer) in [(0x03, Command::QuerySmResp), (0x07, Command::ReplaceSmResp)] {
        refuses(&mut desk, &mut esme, &raw(command, 5, &long), answer, CommandStatus::RINVMSGID, 5).await;
    }
    let cancel = raw(0x08, 5, &after(b"\0"));
    refuses(&mut desk, &mut esme, &cancel, Command::CancelSmResp, CommandStatus::RINVMSGID, 5).await;
    let list = after(b"\0\x01\x0182\0\x01\x02");
    refuses(
        &mut desk,
        &mut esme,
        &raw(MULTI, 5, &list),
        Command::SubmitMultiResp,
        CommandStatus::RINVDLNAME,
        5,
    )
    .await;

    let mut esme = Esme::connect(desk.address).await;
    for (body, status) in [
        (after(b""), CommandStatus::RINVSYSID),
        (after(b"esme\0"), CommandStatus::RINVPASWD),
        (after(b"esme\0secret\0"), CommandStatus::RINVSYSTYP),
        (after(b"esme\0secret\0\0\x34\0\0"), CommandStatus::RBINDFAIL),
    ] {
        refuses(&mut desk, &mut esme, &raw(0x09, 5, &body), Command::BindTransceiverResp, status, 5).await;
    }
    esme.bind(BindKind::Transceiver, Version::V34).await;
}

#[tokio::test]
async fn row_12_strange_letters_in_an_address_are_kept() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    let pdu = SubmitSm { source: Address::alphanumeric(b"Caf\xE9"), ..plain() };
    esme.write(&encoded(&pdu, 5)).await;
    let (submission, ticket) = desk.submitted().await;
    assert_eq!(digits(&submission.from), "Café");
    desk.answer(ticket, accepted(1));
    esme.accepted(5, "1").await;
}

#[tokio::test]
async fn row_13_and_14_a_body_that_is_too_short() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    let body = encoded(&plain(), 5).split_off(16);
    let mut lying = body.clone();
    let at = lying.len() - 6;
    lying[at] = 200;
    let answer = Command::SubmitSmResp;
    refuses(&mut desk, &mut esme, &raw(SUBMIT, 5, &lying), answer, CommandStatus::RINVMSGLEN, 5).await;
    for octets in [0, 1, 2, 3, body.len() - 7] {
        let octets = raw(SUBMIT, 5, &body[..octets]);
        refuses(&mut desk, &mut esme, &octets, answer, CommandStatus::RINVCMDLEN, 5).await;
    }
}

#[tokio::test]
async fn row_15_to_20_tlvs_are_read_with_good_will() {
    for tlvs in [
        &[1, 2, 3][..],
        &[0x04, 0x24, 0, 0x41, 1, 2],
        &[0x00, 0x1D, 0, 0],
        &[0x14, 0x99, 0, 1, 7, 0x04, 0x27, 0, 1, 2, 0x77, 0x77, 0, 0],
        &[0x02, 0x04, 0, 2, 0, 1, 0x02, 0x04, 0, 2, 0, 2],
    ] {
        takes(&with_tlvs(&plain(), tlvs), 5, "hello").await;
    }
}

#[tokio::test]
async fn row_17_a_tlv_we_need_must_have_its_length() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    for tlvs in [&[0x02, 0x0C, 0, 1, 1][..], &[0x02, 0x0E, 0, 2, 0, 2], &[0x00, 0x17, 0, 1, 9]] {
        let octets = with_tlvs(&plain(), tlvs);
        refuses(&mut desk, &mut esme, &octets, Command::SubmitSmResp, CommandStatus::RINVTLVLEN, 5).await;
    }
}

#[tokio::test]
async fn row_19_data_without_its_payload_lacks_a_tlv() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    let octets = raw(0x103, 5, b"\0\x01\x0182\0\x01\x0182\0\0\0\0");
    refuses(&mut desk, &mut esme, &octets, Command::DataSmResp, CommandStatus::RMISSINGTLV, 5).await;
}

#[tokio::test]
async fn row_21_two_texts_are_refused() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    let mut octets = Vec::new();
    let two = plain().encode_with(5, &mut octets, |tlvs| tlvs.put(Tag::MESSAGE_PAYLOAD, b"other").map(drop));
    two.expect("short");
    refuses(&mut desk, &mut esme, &octets, Command::SubmitSmResp, CommandStatus::RINVMSGLEN, 5).await;
}

#[tokio::test]
async fn row_22_and_24_a_header_goes_before_tlvs_and_nonsense_is_no_part() {
    let sar = [0x02, 0x0C, 0, 2, 0, 9, 0x02, 0x0E, 0, 1, 4, 0x02, 0x0F, 0, 1, 3];
    let good = b"\x05\0\x03\x07\x02\x01x";
    for (short_message, tlvs, part) in [
        (&good[..], &sar[..], Some((7, 2, 1))),
        (b"hello", &sar, Some((9, 4, 3))),
        (b"\x05\0\x03\x07\0\x01x", &[], None),
        (b"\x05\0\x03\x07\x02\0x", &[], None),
        (b"\x05\0\x03\x07\x02\x03x", &[], None),
        (b"hello", &[0x02, 0x0C, 0, 2, 0, 9, 0x02, 0x0E, 0, 1, 1, 0x02, 0x0F, 0, 1, 3], None),
    ] {
        let mut desk = Desk::start().await;
        let mut esme = Esme::bound(&desk).await;
        let esm_class = if short_message == b"hello" { EsmClass::default() } else { EsmClass::UDHI };
        esme.write(&with_tlvs(&SubmitSm { esm_class, short_message, ..plain() }, tlvs)).await;
        let (submission, ticket) = desk.submitted().await;
        assert_eq!(submission.part.map(|part| (part.reference, part.total, part.number)), part);
        desk.answer(ticket, accepted(1));
        esme.accepted(5, "1").await;
    }
}

#[tokio::test]
async fn row_23_a_header_longer_than_the_text_is_refused() {
    for short_message in [&b""[..], b"\x05", b"\x05\0\x03\x07"] {
        let pdu = SubmitSm { esm_class: EsmClass::UDHI, short_message, ..plain() };
        submit_refused(Version::V34, pdu, CommandStatus::RINVESMCLASS).await;
    }
}

#[tokio::test]
async fn row_25_any_sequence_number_is_echoed() {
    for sequence in [0, 0x7FFF_FFFF, 0x8000_0000, u32::MAX] {
        takes(&submit(sequence, "odd"), sequence, "odd").await;
    }
}

#[tokio::test]
async fn row_26_the_same_number_twice_is_answered_twice() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    esme.write(&[submit(5, "a"), submit(5, "b")].concat()).await;
    let (a, b) = (desk.text().await.1, desk.text().await.1);
    desk.answer(b, accepted(2));
    esme.accepted(5, "2").await;
    desk.answer(a, accepted(1));
    esme.accepted(5, "1").await;
}

#[tokio::test]
async fn row_28_bodies_where_none_belong_are_passed_over() {
    let desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    esme.write(&raw(0x15, 3, b"hello?")).await;
    esme.answered(Command::EnquireLinkResp, CommandStatus::ROK, 3).await;
    esme.write(&raw(0x8000_0000, 4, b"nack")).await;
    esme.is_up().await;
    esme.write(&raw(0x06, 5, b"bye")).await;
    esme.answered(Command::UnbindResp, CommandStatus::ROK, 5).await;
    esme.closed().await;
}

#[tokio::test]
async fn row_30_values_that_mean_nothing() {
    let (good, to) = (plain().source, plain().destination);
    for (pdu, status) in [
        (SubmitSm { source: Address { ton: 9, ..good }, ..plain() }, CommandStatus::RINVSRCTON),
        (SubmitSm { source: Address { npi: 99, ..good }, ..plain() }, CommandStatus::RINVSRCNPI),
        (SubmitSm { destination: Address { ton: 9, ..to }, ..plain() }, CommandStatus::RINVDSTTON),
        (SubmitSm { destination: Address { npi: 99, ..to }, ..plain() }, CommandStatus::RINVDSTNPI),
        (SubmitSm { priority_flag: 4, ..plain() }, CommandStatus::RINVPRTFLG),
        (SubmitSm { replace_if_present_flag: 2, ..plain() }, CommandStatus::RINVREPFLAG),
        (SubmitSm { registered_delivery: RegisteredDelivery(3), ..plain() }, CommandStatus::RINVREGDLVFLG),
        (SubmitSm { validity_period: b"tomorrow", ..plain() }, CommandStatus::RINVEXPIRY),
        (SubmitSm { schedule_delivery_time: b"tomorrow", ..plain() }, CommandStatus::RINVSCHED),
        // Row 32.
        (SubmitSm { destination: Address { digits: b"", ..to }, ..plain() }, CommandStatus::RINVDSTADR),
        (SubmitSm { destination: Address { digits: b"+", ..to }, ..plain() }, CommandStatus::RINVDSTADR),
    ] {
        submit_refused(Version::V34, pdu, status).await;
    }
}

#[tokio::test]
async fn row_31_to_34_and_36_what_the_gateway_refuses() {
    let mut desk = Desk::start().await;
    for (version, cause, status) in [
        (Version::V50, Cause::Unencodable, CommandStatus::RINVDCS),
        (Version::V34, Cause::Unencodable, CommandStatus::RSUBMITFAIL),
        (Version::V34, Cause::BadDestination, CommandStatus::RINVDSTADR),
        (Version::V34, Cause::OptedOut, CommandStatus::RINVDSTADR),
        (Version::V34, Cause::SenderNotRegistered, CommandStatus::RINVSRCADR),
        (Version::V50, Cause::AdvertisingRule, CommandStatus::RPROHIBITED),
        (Version::V34, Cause::AdvertisingRule, CommandStatus::RSUBMITFAIL),
        (Version::V34, Cause::Throttled, CommandStatus::RTHROTTLED),
        (Version::V34, Cause::QueueFull, CommandStatus::RMSGQFUL),
        (Version::V34, Cause::StoreUnavailable, CommandStatus::RSYSERR),
    ] {
        let mut esme = Esme::bound_as(&desk, BindKind::Transmitter, version).await;
        esme.write(&submit(5, "x")).await;
        let (_, ticket) = desk.text().await;
        desk.answer(ticket, refused(cause));
        esme.answered(Command::SubmitSmResp, status, 5).await;
        esme.is_up().await;
        esme.empty(Command::Unbind, CommandStatus::ROK, 6).await;
        esme.answered(Command::UnbindResp, CommandStatus::ROK, 6).await;
        esme.closed().await;
        while desk.account.binds() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn row_35_how_many_and_to_what_kind() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    let head = b"\0\x01\x0182\0";
    for (list, status) in [
        (&b"\0"[..], CommandStatus::RINVNUMDESTS),
        (b"\x01\x03\x01\x0182\0", CommandStatus::RINVDESTFLAG),
        (b"\x01\0\x01\x0182\0", CommandStatus::RINVDESTFLAG),
    ] {
        let octets = raw(MULTI, 5, &[&head[..], list, &[0; 10]].concat());
        refuses(&mut desk, &mut esme, &octets, Command::SubmitMultiResp, status, 5).await;
    }
    // 255 are one too many for 3.4.
    let many = [&head[..], &[255], &b"\x01\x01\x0182\0".repeat(255), &[0; 10]].concat();
    let octets = raw(MULTI, 5, &many);
    refuses(&mut desk, &mut esme, &octets, Command::SubmitMultiResp, CommandStatus::RINVNUMDESTS, 5).await;
}
