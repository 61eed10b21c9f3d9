//! What an ESME may ask beside `submit_sm`.

use model::{Answer, Cause, Command as Ask, Content, Disposition, For, Number, Pii};
use smpp::{
    Command, CommandStatus, Tag,
    pdu::{
        Address, CancelSm, DataSm, DataSmResp, Destination, Listed, QuerySm, QuerySmResp, ReplaceSm,
        SubmitMulti, SubmitMultiResp,
    },
    tlv::Leniency,
};

use crate::{
    desk::{CHANNEL, Desk, accepted, digits, id, refused, standing},
    esme::Esme,
};

const TO: [&[u8]; 3] = [b"821090000001", b"821090000002", b"821090000003"];

fn multi(sequence: u32, destinations: &[Destination<'_>]) -> Vec<u8> {
    let mut octets = Vec::new();
    let pdu = SubmitMulti {
        source: Address::international(b"821000000001"),
        destinations: Listed::of(destinations),
        short_message: b"all",
        ..SubmitMulti::default()
    };
    pdu.encode(sequence, &mut octets).expect("short");
    octets
}

fn three() -> Vec<Destination<'static>> {
    TO.iter().map(|to| Destination::Address(Address::international(to))).collect()
}

fn failures(body: &[u8]) -> Vec<(Vec<u8>, CommandStatus)> {
    let response = SubmitMultiResp::decode(body, Leniency::Strict).expect("well-formed");
    response.unsuccessful.iter().map(|failed| (failed.address.digits.to_vec(), failed.status)).collect()
}

#[tokio::test]
async fn data_sm_is_a_submission() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    let pdu = DataSm {
        source: Address::international(b"821000000001"),
        destination: Address::international(TO[0]),
        ..DataSm::default()
    };
    let mut octets = Vec::new();
    pdu.encode_with(3, &mut octets, |tlvs| tlvs.put(Tag::MESSAGE_PAYLOAD, b"payload").map(drop))
        .expect("short");
    esme.write(&octets).await;
    let (text, ticket) = desk.text().await;
    assert_eq!(text, "payload");
    desk.answer(ticket, accepted(31));
    let frame = esme.answered(Command::DataSmResp, CommandStatus::ROK, 3).await;
    assert_eq!(
        DataSmResp::decode(&frame.body, Leniency::Strict).expect("well-formed").id(),
        Some(&b"31"[..])
    );
    // Row 30 holds for it as well.
    let bad = DataSm { destination: Address { ton: 99, ..pdu.destination }, ..pdu };
    octets.clear();
    bad.encode_with(4, &mut octets, |tlvs| tlvs.put(Tag::MESSAGE_PAYLOAD, b"x").map(drop)).expect("short");
    esme.write(&octets).await;
    esme.answered(Command::DataSmResp, CommandStatus::RINVDSTTON, 4).await;
}

#[tokio::test]
async fn submit_multi_is_answered_once_with_those_that_failed() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    esme.write(&multi(5, &three())).await;
    let mut tickets = Vec::new();
    for to in TO {
        let (submission, ticket) = desk.submitted().await;
        assert_eq!(digits(&submission.to).as_bytes(), to);
        tickets.push(ticket);
    }
    desk.answer(tickets[2], accepted(43));
    desk.answer(tickets[1], refused(Cause::OptedOut));
    esme.is_up().await;
    desk.answer(tickets[0], accepted(41));
    let frame = esme.answered(Command::SubmitMultiResp, CommandStatus::ROK, 5).await;
    let response = SubmitMultiResp::decode(&frame.body, Leniency::Strict).expect("well-formed");
    assert_eq!(response.message_id, Some(&b"43"[..]));
    assert_eq!(failures(&frame.body), [(TO[1].to_vec(), CommandStatus::RINVDSTADR)]);
}

#[tokio::test]
async fn lists_are_refused_within_a_submit_multi_and_alone() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    esme.write(&multi(5, &[Destination::List(b"friends"), three()[0]])).await;
    let (_, ticket) = desk.submitted().await;
    desk.answer(ticket, accepted(41));
    let frame = esme.answered(Command::SubmitMultiResp, CommandStatus::ROK, 5).await;
    assert_eq!(failures(&frame.body), [(b"friends".to_vec(), CommandStatus::RINVDLNAME)]);
    esme.write(&multi(6, &[Destination::List(b"friends")])).await;
    esme.answered(Command::SubmitMultiResp, CommandStatus::RINVDLNAME, 6).await;
    esme.write(&multi(7, &three())).await;
    for _ in TO {
        let (_, ticket) = desk.submitted().await;
        desk.answer(ticket, refused(Cause::SenderNotRegistered));
    }
    esme.answered(Command::SubmitMultiResp, CommandStatus::RINVSRCADR, 7).await;
    assert!(desk.nothing());
}

#[tokio::test]
async fn row_26_two_submit_multis_of_one_number_are_both_answered() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    esme.write(&[multi(5, &three()), multi(5, &three()[..2])].concat()).await;
    let mut tickets = Vec::new();
    for _ in 0..5 {
        tickets.push(desk.submitted().await.1);
    }
    for at in [0, 3, 1, 4] {
        desk.answer(tickets[at], accepted(50 + at as u64));
    }
    let frame = esme.answered(Command::SubmitMultiResp, CommandStatus::ROK, 5).await;
    let response = SubmitMultiResp::decode(&frame.body, Leniency::Strict).expect("well-formed");
    assert_eq!(response.message_id, Some(&b"53"[..]));
    desk.answer(tickets[2], accepted(52));
    let frame = esme.answered(Command::SubmitMultiResp, CommandStatus::ROK, 5).await;
    let response = SubmitMultiResp::decode(&frame.body, Leniency::Strict).expect("well-formed");
    assert_eq!(response.message_id, Some(&b"50"[..]));
}

fn query(sequence: u32, message_id: &str) -> Vec<u8> {
    query_from(sequence, message_id, b"+821000000001")
}

fn query_from(sequence: u32, message_id: &str, source: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    let source = Address { digits: source, ..Address::default() };
    QuerySm { message_id: message_id.as_bytes(), source, ..QuerySm::default() }
        .encode(sequence, &mut octets)
        .expect("short");
    octets
}

async fn state(esme: &mut Esme, sequence: u32) -> (Vec<u8>, u8, bool) {
    let frame = esme.answered(Command::QuerySmResp, CommandStatus::ROK, sequence).await;
    let response = QuerySmResp::decode(&frame.body, Leniency::Strict).expect("well-formed");
    (response.message_id.to_vec(), response.message_state, response.final_date.is_empty())
}

#[tokio::test]
async fn query_sm_finds_what_is_open_and_what_has_ended() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    esme.write(&query(2, "77")).await;
    let (ask, ticket) = desk.asked().await;
    let Ask::Query { origin, message, from: Some(from) } = ask else { panic!("{ask:?}") };
    assert_eq!((origin, message), (CHANNEL, id(77)));
    assert_eq!(from.reveal(For::Decision).digits, "821000000001");
    desk.answer(ticket, Answer::Standing(standing(id(77), Disposition::Sent)));
    assert_eq!(state(&mut esme, 2).await, (b"77".to_vec(), 1, true));

    desk.ended(id(78), Disposition::Delivered);
    // The same number twice, and both have ended (row 26).
    esme.write(&[query(3, "78"), query(3, "78")].concat()).await;
    for _ in 0..2 {
        let (_, ticket) = desk.asked().await;
        desk.answer(ticket, Answer::NotOpen);
    }
    for _ in 0..2 {
        assert_eq!(state(&mut esme, 3).await, (b"78".to_vec(), 2, false));
    }

    esme.write(&query(4, "79")).await;
    let (_, ticket) = desk.asked().await;
    desk.answer(ticket, Answer::NotOpen);
    esme.answered(Command::QuerySmResp, CommandStatus::RINVMSGID, 4).await;
    for (sequence, nonsense) in [(5, "0"), (6, "abc"), (7, ""), (8, "9999999999999999999999")] {
        esme.write(&query(sequence, nonsense)).await;
        esme.answered(Command::QuerySmResp, CommandStatus::RINVMSGID, sequence).await;
    }
    assert!(desk.nothing());
}

/// SMPP 3.4 §4.8.1: the source address has to be that of the message.
#[tokio::test]
async fn query_sm_knows_no_message_of_another_sender() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    desk.ended(id(78), Disposition::Delivered);
    let found = [(2, &b"+821000000001"[..], true), (3, b"+821000000002", false), (4, b"", true)];
    for (sequence, source, known) in found {
        esme.write(&query_from(sequence, "78", source)).await;
        let (_, ticket) = desk.asked().await;
        desk.answer(ticket, Answer::NotOpen);
        if known {
            assert_eq!(state(&mut esme, sequence).await, (b"78".to_vec(), 2, false));
        } else {
            esme.answered(Command::QuerySmResp, CommandStatus::RINVMSGID, sequence).await;
        }
    }
}

#[tokio::test]
async fn cancel_sm_by_id_and_by_addresses() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    let cancel = |sequence, message_id: &str, source: &[u8]| {
        let mut octets = Vec::new();
        let pdu = CancelSm {
            message_id: message_id.as_bytes(),
            source: Address { digits: source, ..Address::default() },
            destination: Address::international(TO[0]),
            ..CancelSm::default()
        };
        pdu.encode(sequence, &mut octets).expect("short");
        octets
    };
    esme.write(&cancel(2, "80", b"")).await;
    let (ask, ticket) = desk.asked().await;
    assert!(matches!(ask, Ask::Cancel { origin: CHANNEL, message } if message == id(80)));
    desk.answer(ticket, Answer::Done);
    esme.answered(Command::CancelSmResp, CommandStatus::ROK, 2).await;
    for (sequence, answer) in [(3, Answer::NotOpen), (4, refused(Cause::TooLate))] {
        esme.write(&cancel(sequence, "81", b"")).await;
        let (_, ticket) = desk.asked().await;
        desk.answer(ticket, answer);
        esme.answered(Command::CancelSmResp, CommandStatus::RCANCELFAIL, sequence).await;
    }
    for (sequence, count, status) in [(5, 2, CommandStatus::ROK), (6, 0, CommandStatus::RCANCELFAIL)] {
        esme.write(&cancel(sequence, "", b"+821000000001")).await;
        let (ask, ticket) = desk.asked().await;
        let Ask::CancelMatching { origin: CHANNEL, from, to } = ask else { panic!("{ask:?}") };
        let read = |number: &Pii<Number>| number.reveal(For::Decision).digits.to_string();
        assert_eq!((read(&from).as_str(), read(&to).as_bytes()), ("821000000001", TO[0]));
        desk.answer(ticket, Answer::Count(count));
        esme.answered(Command::CancelSmResp, status, sequence).await;
    }
    esme.write(&cancel(7, "", b"")).await;
    esme.answered(Command::CancelSmResp, CommandStatus::RINVSRCADR, 7).await;
}

#[tokio::test]
async fn replace_sm_brings_new_words() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    for (sequence, answer, status) in [
        (2, Answer::Done, CommandStatus::ROK),
        (3, Answer::NotOpen, CommandStatus::RREPLACEFAIL),
        (4, refused(Cause::TooLate), CommandStatus::RREPLACEFAIL),
    ] {
        let mut octets = Vec::new();
        ReplaceSm { message_id: b"90", short_message: b"better", ..ReplaceSm::default() }
            .encode(sequence, &mut octets)
            .expect("short");
        esme.write(&octets).await;
        let (ask, ticket) = desk.asked().await;
        let Ask::Replace { message, content: Content::Coded(coded), .. } = ask else { panic!("{ask:?}") };
        assert_eq!((message, &coded.octets[..]), (id(90), &b"better"[..]));
        desk.answer(ticket, answer);
        esme.answered(Command::ReplaceSmResp, status, sequence).await;
    }
}
