//! How much at once, how fast, and when not at all.

use model::Cause;
use smpp::{
    Command, CommandStatus, Version,
    pdu::{BindKind, SubmitSmResp},
    server::AccountSettings,
    tlv::Leniency,
};

use crate::{
    desk::{Desk, accepted, account, settings},
    esme::{Esme, submit},
};

#[tokio::test]
async fn with_a_full_window_nothing_more_is_read_until_an_answer() {
    let mut desk = Desk::with(settings(), AccountSettings { window: 2, ..account() }).await;
    let mut esme = Esme::bound(&desk).await;
    let all: Vec<u8> = (1..=5).flat_map(|sequence| submit(sequence, &format!("{sequence}"))).collect();
    esme.write(&all).await;
    let mut open = Vec::new();
    for expected in ["1", "2"] {
        let (text, ticket) = desk.text().await;
        assert_eq!(text, expected);
        open.push(ticket);
    }
    for next in 3..=5_u32 {
        // Only an answer lets the next in, so whatever comes came after it.
        assert!(desk.nothing(), "submission {next} is beyond the window");
        desk.answer(open.remove(0), accepted(u64::from(next)));
        esme.accepted(next - 2, &next.to_string()).await;
        let (text, ticket) = desk.text().await;
        assert_eq!(text, next.to_string());
        open.push(ticket);
    }
    for (sequence, ticket) in (4..).zip(open) {
        desk.answer(ticket, accepted(9));
        esme.accepted(sequence, "9").await;
    }
    esme.is_up().await;
}

#[tokio::test]
async fn a_session_with_a_full_window_still_stops_when_told() {
    let mut desk = Desk::with(settings(), AccountSettings { window: 1, ..account() }).await;
    let mut esme = Esme::bound(&desk).await;
    esme.write(&[submit(1, "one"), submit(2, "two")].concat()).await;
    let (_, ticket) = desk.text().await;
    desk.stop.cancel();
    desk.answer(ticket, accepted(1));
    esme.accepted(1, "1").await;
    // The second was read before we were told; it is answered too.
    let (_, ticket) = desk.text().await;
    desk.answer(ticket, accepted(2));
    esme.accepted(2, "2").await;
    let unbind = esme.expect(Command::Unbind, CommandStatus::ROK).await;
    esme.empty(Command::UnbindResp, CommandStatus::ROK, unbind.header.sequence).await;
    esme.closed().await;
}

#[tokio::test]
async fn row_36_over_the_rate_is_throttled_before_the_gateway_sees_it() {
    let mut desk = Desk::with(settings(), AccountSettings { rate: 1, ..account() }).await;
    let mut esme = Esme::bound(&desk).await;
    // A burst is the longest message, 255 segments.
    let all: Vec<u8> = (1..=300).flat_map(|sequence| submit(sequence, "x")).collect();
    esme.write(&all).await;
    let first = esme.expect(Command::SubmitSmResp, CommandStatus::RTHROTTLED).await.header.sequence;
    assert!((256..=299).contains(&first), "{first}");
    for sequence in 1..first {
        let (_, ticket) = desk.text().await;
        desk.answer(ticket, accepted(u64::from(sequence)));
    }
    assert!(desk.told.refusing.lock().expect("fine").contains(&Cause::Throttled));
}

#[tokio::test]
async fn row_36_a_submit_multi_costs_what_its_destinations_cost() {
    use smpp::pdu::{Address, Destination, Listed, SubmitMulti};
    let mut desk = Desk::with(settings(), AccountSettings { rate: 1, ..account() }).await;
    let mut esme = Esme::bound(&desk).await;
    let to = vec![Destination::Address(Address::international(b"821090000001")); 250];
    let mut octets = Vec::new();
    let multi =
        SubmitMulti { destinations: Listed::of(&to), short_message: b"all", ..SubmitMulti::default() };
    multi.encode(1, &mut octets).expect("short");
    multi.encode(2, &mut octets).expect("short");
    esme.write(&octets).await;
    esme.answered(Command::SubmitMultiResp, CommandStatus::RTHROTTLED, 2).await;
    for _ in 0..250 {
        desk.submitted().await;
    }
    assert!(desk.nothing());
}

#[tokio::test]
async fn row_36_a_gateway_that_takes_nothing_says_why() {
    let mut desk = Desk::start().await;
    for version in [Version::V34, Version::V50] {
        let mut esme = Esme::bound_as(&desk, BindKind::Transmitter, version).await;
        for (sequence, cause, status) in [
            (1, Cause::StoreUnavailable, CommandStatus::RSYSERR),
            (2, Cause::Draining, CommandStatus::RSYSERR),
            (3, Cause::QueueFull, CommandStatus::RMSGQFUL),
        ] {
            desk.close(Some(cause));
            esme.write(&submit(sequence, "no")).await;
            let frame = esme.answered(Command::SubmitSmResp, status, sequence).await;
            // Only 5.0 has a word for how full we are.
            let told = SubmitSmResp::decode(&frame.body, Leniency::Strict).expect("well-formed");
            let full = version == Version::V50 && cause == Cause::QueueFull;
            assert_eq!(told.tlvs.congestion_state(), full.then_some(100));
            assert!(desk.nothing());
        }
        desk.close(None);
        esme.write(&submit(4, "yes")).await;
        assert_eq!(desk.text().await.0, "yes");
    }
}

#[tokio::test]
async fn who_asks_and_never_listens_is_not_read_for_ever() {
    let desk = Desk::start().await;
    let (mut esme, mut written) = (Esme::bound(&desk).await, 0_usize);
    let mut enquiries = Vec::new();
    for _ in 0..4_096 {
        smpp::pdu::encode_empty(Command::EnquireLink, CommandStatus::ROK, 1, &mut enquiries);
    }
    // The octets that fit between the two sockets, and those that we are ready to owe, are not endless.
    let patience = std::time::Duration::from_millis(500);
    while tokio::time::timeout(patience, esme.write(&enquiries)).await.is_ok() {
        written += enquiries.len();
        assert!(written < 256 << 20, "everything is read");
    }
}
