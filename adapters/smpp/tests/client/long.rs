//! Messages of several segments: several PDUs, one outcome.

use std::time::Duration;

use model::Outcome;
use smpp::{
    Command, CommandStatus, Version,
    client::ClientSettings,
    pdu::SubmitSm,
    tlv::Leniency,
    translate::{Concatenation, LinkText},
};

use crate::{
    desk::{Desk, message, sent, settings},
    smsc::{Peer, Smsc},
};

/// Three segments of the default alphabet.
fn text() -> String {
    "0123456789".repeat(40)
}

/// The next submission: sequence number, and which part of how many.
async fn part(peer: &mut Peer) -> (u32, u8, u8) {
    let frame = peer.expect(Command::SubmitSm).await;
    let pdu = SubmitSm::decode(&frame.body, Leniency::Strict).expect("well-formed");
    assert!(pdu.esm_class.udhi());
    match *pdu.short_message {
        [5, 0, 3, _, total, number, ..] | [6, 8, 4, _, _, total, number, ..] => {
            (frame.header.sequence, number, total)
        }
        _ => panic!("no concatenation header"),
    }
}

async fn three_parts(settings: ClientSettings) -> (Smsc, Desk, Peer, Vec<u32>) {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(ClientSettings { address, ..settings });
    let mut peer = smsc.bound().await;
    desk.room().await;
    desk.send(vec![message(0, 1, &text())]);
    let mut sequences = Vec::new();
    for number in 1..=3 {
        let (sequence, found, total) = part(&mut peer).await;
        assert_eq!((found, total), (number, 3));
        sequences.push(sequence);
    }
    (smsc, desk, peer, sequences)
}

fn base() -> ClientSettings {
    settings(String::new())
}

#[tokio::test]
async fn the_ids_are_in_the_order_of_the_parts() {
    let (_smsc, mut desk, mut peer, sequences) = three_parts(base()).await;
    for at in [2, 0, 1] {
        assert!(desk.nothing(), "no outcome before the last answer");
        peer.ok(sequences[at], &format!("id{at}")).await;
    }
    assert_eq!(desk.outcome().await, (0, sent(&["id0", "id1", "id2"])));
}

#[tokio::test]
async fn a_refused_part_refuses_the_message_once() {
    let (_smsc, mut desk, mut peer, sequences) = three_parts(base()).await;
    peer.ok(sequences[0], "a").await;
    peer.status(sequences[1], CommandStatus::RINVDSTADR).await;
    peer.ok(sequences[2], "c").await;
    let (0, Outcome::Refused(refusal)) = desk.outcome().await else { panic!("refused") };
    assert_eq!(refusal.code, CommandStatus::RINVDSTADR.0);
    desk.send(vec![message(1, 1, "next")]);
    let (sequence, _) = peer.submission().await;
    peer.ok(sequence, "d").await;
    assert_eq!(desk.outcome().await, (1, sent(&["d"])));
}

#[tokio::test]
async fn a_lost_part_makes_it_unknown_and_its_late_answer_sent() {
    let short = ClientSettings { answer_timeout: Duration::from_millis(50), ..base() };
    let (_smsc, mut desk, mut peer, sequences) = three_parts(short).await;
    peer.ok(sequences[0], "a").await;
    peer.ok(sequences[2], "c").await;
    assert_eq!(desk.outcome().await, (0, Outcome::Unknown));
    peer.ok(sequences[1], "b").await;
    assert_eq!(desk.outcome().await, (0, sent(&["a", "b", "c"])));
}

#[tokio::test]
async fn a_throttled_part_alone_is_written_again() {
    let (_smsc, mut desk, mut peer, sequences) = three_parts(base()).await;
    peer.ok(sequences[0], "a").await;
    peer.status(sequences[1], CommandStatus::RTHROTTLED).await;
    peer.ok(sequences[2], "c").await;
    let (again, number, _) = part(&mut peer).await;
    assert_eq!(number, 2);
    peer.ok(again, "b").await;
    assert_eq!(desk.outcome().await, (0, sent(&["a", "b", "c"])));
}

#[tokio::test]
async fn a_cut_in_the_middle_leaves_it_unknown() {
    let (_smsc, mut desk, mut peer, sequences) = three_parts(base()).await;
    peer.ok(sequences[0], "a").await;
    drop(peer);
    assert_eq!(desk.outcome().await, (0, Outcome::Unknown));
    assert!(desk.nothing());
}

#[tokio::test]
async fn a_window_smaller_than_the_message_lets_it_through_all_the_same() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(ClientSettings { window: 1, ..settings(address) });
    let mut peer = smsc.bound().await;
    desk.room_is(1).await;
    desk.send(vec![message(0, 1, &text())]);
    for number in 1..=3 {
        let (sequence, found, _) = part(&mut peer).await;
        assert_eq!(found, number);
        peer.ok(sequence, &number.to_string()).await;
    }
    assert_eq!(desk.outcome().await, (0, sent(&["1", "2", "3"])));
}

#[tokio::test]
async fn an_smsc_that_is_said_to_be_old_is_sent_no_tlv() {
    let (smsc, address) = Smsc::start().await;
    let text_in_a_tlv = LinkText { concatenation: Concatenation::Payload, ..LinkText::default() };
    let mut desk =
        Desk::start(ClientSettings { version: Version::V33, text: text_in_a_tlv, ..settings(address) });
    let mut peer = smsc.accept().await;
    peer.accept_bind(Version::V33).await;
    desk.room_is(100).await;
    desk.send(vec![message(0, 1, &text())]);
    for number in 1..=3 {
        assert_eq!(part(&mut peer).await.1, number);
    }
    drop(peer);
    assert_eq!(desk.outcome().await, (0, Outcome::Unknown));
}

#[tokio::test]
async fn an_smsc_that_states_no_version_gets_a_long_text_whole() {
    let (smsc, address) = Smsc::start().await;
    let text_in_a_tlv = LinkText { concatenation: Concatenation::Payload, ..LinkText::default() };
    let mut desk = Desk::start(ClientSettings { text: text_in_a_tlv, ..settings(address) });
    let mut peer = smsc.accept().await;
    // Without sc_interface_version.
    peer.accept_bind(Version::V33).await;
    desk.room_is(100).await;
    desk.send(vec![message(1, 1, &text())]);
    let frame = peer.expect(Command::SubmitSm).await;
    let pdu = SubmitSm::decode(&frame.body, Leniency::Strict).expect("well-formed");
    assert_eq!(pdu.tlvs.message_payload().map(<[u8]>::len), Some(400), "3.4 takes it whole");
}

#[tokio::test]
async fn after_a_refused_part_the_rest_is_not_written() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(ClientSettings { window: 1, ..settings(address) });
    let mut peer = smsc.bound().await;
    desk.room_is(1).await;
    desk.send(vec![message(0, 1, &text()), message(1, 1, "next")]);
    let (sequence, ..) = part(&mut peer).await;
    peer.status(sequence, CommandStatus::RINVDSTADR).await;
    assert_eq!(peer.submission().await.1, "next");
    assert!(matches!(desk.outcome().await, (0, Outcome::Refused(_))));
}
