//! What goes to an ESME: messages and receipts, and what becomes of each.

use std::collections::HashMap;

use model::{Cause, Outcome, Party, Refusal, Retry};
use smallvec::SmallVec;
use smpp::{
    Command, CommandStatus, Version,
    pdu::{BindKind, DeliverSm},
    server::ServerSettings,
    session::TimerOptions,
    tlv::Leniency,
};

use crate::{
    desk::{Desk, account, link_down, message, messages, report, settings, within},
    esme::Esme,
};

fn sent() -> Outcome {
    Outcome::Sent(SmallVec::new())
}

#[tokio::test]
async fn a_delivery_is_sent_refused_or_unknown_as_it_was_answered() {
    let timers = TimerOptions { response_us: 300_000, ..TimerOptions::default() };
    let mut desk = Desk::with(ServerSettings { timers, ..settings() }, account()).await;
    let mut esme = Esme::bound(&desk).await;
    assert_eq!(desk.room().await, 500);
    desk.send(messages(4));
    let mut sequences = Vec::new();
    for slot in 0..4 {
        let (sequence, text) = esme.delivery().await;
        assert_eq!(text, format!("text {slot}"));
        sequences.push(sequence);
    }
    esme.took(sequences[1], CommandStatus::RX_P_APPN).await;
    esme.took(sequences[0], CommandStatus::ROK).await;
    let refused =
        Refusal { by: Party::Network, cause: Cause::NetworkRefused, retry: Retry::Never, code: 0x65 };
    assert_eq!(desk.outcome().await, (1, Outcome::Refused(refused)));
    assert_eq!(desk.outcome().await, (0, sent()));
    esme.empty(Command::GenericNack, CommandStatus::RINVCMDID, sequences[2]).await;
    let (slot, outcome) = desk.outcome().await;
    assert!(matches!((slot, &outcome), (2, Outcome::Refused(_))), "row 29: {slot} {outcome:?}");
    // The last is never answered, although the link is never silent.
    within("an outcome", async {
        while desk.nothing() {
            esme.is_up().await;
        }
    })
    .await;
    assert_eq!(desk.outcome().await, (3, Outcome::Unknown));
    // Row 5: late, or to nothing.
    esme.took(sequences[3], CommandStatus::ROK).await;
    esme.took(77, CommandStatus::RX_T_APPN).await;
    esme.empty(Command::GenericNack, CommandStatus::RINVCMDLEN, 78).await;
    esme.is_up().await;
    assert!(desk.nothing());
}

#[tokio::test]
async fn row_29_a_peer_that_lost_our_framing_is_left() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    desk.send(messages(1));
    let (sequence, _) = esme.delivery().await;
    esme.empty(Command::GenericNack, CommandStatus::RINVCMDLEN, sequence).await;
    assert!(matches!(desk.outcome().await, (0, Outcome::Refused(_))));
    esme.closed().await;
}

#[tokio::test]
async fn a_response_of_another_kind_answers_no_delivery() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    desk.send(messages(1));
    let (sequence, _) = esme.delivery().await;
    esme.empty(Command::SubmitSmResp, CommandStatus::ROK, sequence).await;
    esme.empty(Command::EnquireLinkResp, CommandStatus::ROK, sequence).await;
    esme.empty(Command::UnbindResp, CommandStatus::ROK, sequence).await;
    esme.is_up().await;
    assert!(desk.nothing());
    esme.took(sequence, CommandStatus::ROK).await;
    assert_eq!(desk.outcome().await, (0, sent()));
}

#[tokio::test]
async fn a_receipt_names_the_message_and_swaps_the_addresses() {
    for version in [Version::V33, Version::V34, Version::V50] {
        let mut desk = Desk::start().await;
        let mut esme = Esme::bound_as(&desk, BindKind::Receiver, version).await;
        desk.send(vec![report(4, 123_456)]);
        let frame = esme.expect(Command::DeliverSm, CommandStatus::ROK).await;
        let pdu = DeliverSm::decode(&frame.body, Leniency::Strict).expect("well-formed");
        assert_eq!((pdu.source.digits, pdu.destination.digits), (&b"821090000001"[..], &b"821000000001"[..]));
        assert!(pdu.esm_class.is_receipt());
        let text = String::from_utf8_lossy(pdu.short_message);
        assert!(text.starts_with("id:123456 ") && text.contains("stat:DELIVRD"), "{text}");
        assert_eq!(pdu.tlvs.is_empty(), version == Version::V33);
        esme.took(frame.header.sequence, CommandStatus::ROK).await;
        assert_eq!(desk.outcome().await, (4, sent()));
    }
}

#[tokio::test]
async fn a_full_window_waits_and_goes_on() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    desk.send(messages(600));
    let mut sequences = Vec::new();
    for slot in 0..500 {
        let (sequence, text) = esme.delivery().await;
        assert_eq!(text, format!("text {slot}"));
        sequences.push(sequence);
    }
    esme.is_up().await;
    for (slot, sequence) in (0..).zip(&sequences) {
        esme.took(*sequence, CommandStatus::ROK).await;
        assert_eq!(desk.outcome().await, (slot, sent()));
        if slot < 100 {
            assert_eq!(esme.delivery().await.1, format!("text {}", slot + 500));
        }
    }
    drop(esme);
    for slot in 500..600 {
        assert_eq!(desk.outcome().await, (slot, Outcome::Unknown));
    }
}

#[tokio::test]
async fn row_38_a_cut_link_tells_what_was_sent_from_what_was_not() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    desk.send(messages(510));
    for _ in 0..500 {
        esme.delivery().await;
    }
    drop(esme);
    let mut outcomes = HashMap::new();
    for _ in 0..510 {
        let (slot, outcome) = desk.outcome().await;
        assert!(outcomes.insert(slot, outcome).is_none(), "one outcome each");
    }
    for slot in 0..510 {
        assert_eq!(outcomes[&slot], if slot < 500 { Outcome::Unknown } else { link_down() }, "{slot}");
    }
    assert_eq!((desk.room().await, desk.room().await), (500, 0));
    desk.send(messages(1));
    assert_eq!(desk.outcome().await, (0, link_down()), "nobody receives");
}

#[tokio::test]
async fn any_receiving_bind_is_used_and_a_pair_keeps_its_order() {
    let mut desk = Desk::start().await;
    let mut sender = Esme::bound_as(&desk, BindKind::Transmitter, Version::V34).await;
    let mut a = Esme::bound_as(&desk, BindKind::Receiver, Version::V34).await;
    assert_eq!(desk.room().await, 500);
    let mut b = Esme::bound_as(&desk, BindKind::Transceiver, Version::V34).await;
    assert_eq!(desk.room().await, 1_000);
    const PAIRS: u32 = 16;
    desk.send((0..PAIRS * 10).map(|slot| message(slot, slot % PAIRS, &format!("{slot}"))).collect());
    let (mut seen, mut by): (HashMap<u32, (u8, u32)>, [u32; 2]) = (HashMap::new(), [0; 2]);
    for _ in 0..PAIRS * 10 {
        let (which, (sequence, text)) = tokio::select! {
            delivery = a.delivery() => (0, delivery),
            delivery = b.delivery() => (1, delivery),
        };
        let esme = if which == 0 { &mut a } else { &mut b };
        esme.took(sequence, CommandStatus::ROK).await;
        let slot: u32 = text.parse().expect("a number");
        by[usize::from(which)] += 1;
        if let Some((before, last)) = seen.insert(slot % PAIRS, (which, slot)) {
            assert_eq!(before, which, "a pair stays on its session");
            assert_eq!(last + PAIRS, slot, "a pair keeps its order");
        }
    }
    assert!(by.iter().all(|count| *count > 0), "{by:?}");
    sender.is_up().await;
    drop(a);
    assert_eq!(desk.room().await, 500);
}

#[tokio::test]
async fn what_a_link_cannot_carry_is_refused_and_the_rest_goes_on() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound_as(&desk, BindKind::Receiver, Version::V33).await;
    desk.send(vec![message(0, 1, &"x".repeat(400)), message(1, 1, "short")]);
    assert_eq!(esme.delivery().await.1, "short");
    assert_eq!(desk.outcome().await, (0, Outcome::Refused(Refusal::ours(Cause::TooLong))));
}
