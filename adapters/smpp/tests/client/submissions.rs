//! Short messages: one PDU, one answer.

use std::time::Duration;

use model::{Cause, Disposition, Outcome, Outgoing, Report, Retry, Timestamp};
use smpp::{Command, CommandStatus, client::ClientSettings};

use crate::{
    desk::{Desk, link_down, message, messages, sent, settings},
    smsc::{Smsc, taken},
};

#[tokio::test]
async fn messages_leave_in_order_and_come_back_with_their_ids() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(settings(address));
    let mut peer = smsc.bound().await;
    desk.room_is(100).await;
    desk.send(messages(3));
    let mut sequences = Vec::new();
    for slot in 0..3 {
        let (sequence, text) = peer.submission().await;
        assert_eq!(text, format!("text {slot}"));
        sequences.push(sequence);
    }
    // Answers in another order, with a leading zero, and without an id.
    peer.ok(sequences[2], "38601FA").await;
    peer.ok(sequences[0], "0059113978").await;
    peer.empty(Command::SubmitSmResp, CommandStatus::ROK, sequences[1]).await;
    assert_eq!(desk.outcome().await, (2, sent(&["38601FA"])));
    assert_eq!(desk.outcome().await, (0, sent(&["59113978"])));
    assert_eq!(desk.outcome().await, (1, sent(&[])));
}

#[tokio::test]
async fn octets_may_come_one_at_a_time() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(settings(address));
    let mut peer = smsc.accept().await;
    let (_, answer) = peer.bind(smpp::Version::V34).await;
    for octet in answer {
        peer.write(&[octet]).await;
        tokio::task::yield_now().await;
    }
    desk.room_is(100).await;
    desk.send(messages(1));
    let (sequence, _) = peer.submission().await;
    for octet in taken(sequence, "abc") {
        peer.write(&[octet]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.outcome().await, (0, sent(&["abc"])));
}

#[tokio::test]
async fn the_window_holds_back_what_is_too_much() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(ClientSettings { window: 2, ..settings(address) });
    let mut peer = smsc.bound().await;
    desk.room_is(2).await;
    desk.send(messages(4));
    let (first, _) = peer.submission().await;
    let (second, _) = peer.submission().await;
    // A third one would come before this answer.
    peer.empty(Command::EnquireLink, CommandStatus::ROK, 9).await;
    peer.expect(Command::EnquireLinkResp).await;
    peer.ok(second, "2").await;
    let (third, text) = peer.submission().await;
    assert_eq!(text, "text 2");
    peer.write(&[taken(first, "1"), taken(third, "3")].concat()).await;
    let (fourth, text) = peer.submission().await;
    assert_eq!(text, "text 3");
    peer.ok(fourth, "4").await;
    let mut slots = Vec::new();
    for _ in 0..4 {
        slots.push(desk.outcome().await.0);
    }
    assert_eq!(slots, [1, 0, 2, 3]);
}

#[tokio::test]
async fn another_window_takes_effect_at_once() {
    let (smsc, address) = Smsc::start().await;
    let small = ClientSettings { window: 1, ..settings(address) };
    let mut desk = Desk::start(small.clone());
    let mut peer = smsc.bound().await;
    desk.room_is(1).await;
    desk.send(messages(3));
    peer.submission().await;
    desk.client.set(ClientSettings { window: 3, ..small });
    desk.room_is(3).await;
    assert_eq!(peer.submission().await.1, "text 1");
    assert_eq!(peer.submission().await.1, "text 2");
}

#[tokio::test]
async fn what_is_throttled_is_written_again_in_order_without_an_outcome() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(ClientSettings { window: 3, ..settings(address) });
    let mut peer = smsc.bound().await;
    desk.room_is(3).await;
    desk.send(messages(5));
    let mut refusals = Vec::new();
    for slot in 0..3 {
        let (sequence, _) = peer.submission().await;
        if slot == 0 {
            refusals.extend(taken(sequence, "0a"));
        } else {
            let status = if slot == 1 { CommandStatus::RTHROTTLED } else { CommandStatus::RMSGQFUL };
            smpp::pdu::answer(Command::SubmitSm, status, sequence, &mut refusals);
        }
    }
    peer.write(&refusals).await;
    for slot in 1..5 {
        let (sequence, text) = peer.submission().await;
        assert_eq!(text, format!("text {slot}"));
        peer.ok(sequence, &format!("{slot}a")).await;
    }
    assert_eq!(desk.outcome().await, (0, sent(&["a"])));
    for slot in 1..5 {
        assert_eq!(desk.outcome().await, (slot, sent(&[&format!("{slot}a")])));
    }
    assert!(desk.nothing(), "one outcome for each");
}

#[tokio::test]
async fn refusals_say_what_the_engine_may_do() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(settings(address));
    let mut peer = smsc.bound().await;
    desk.room_is(100).await;
    for (status, cause, retry) in [
        (CommandStatus::RINVDSTADR, Cause::BadDestination, Retry::Never),
        (CommandStatus::RSYSERR, Cause::NetworkFailure, Retry::Scheduled),
        (CommandStatus(0x4FF), Cause::NetworkFailure, Retry::Scheduled),
    ] {
        desk.send(messages(1));
        let (sequence, _) = peer.submission().await;
        peer.status(sequence, status).await;
        let (_, Outcome::Refused(refusal)) = desk.outcome().await else { panic!("{status} is a refusal") };
        assert_eq!((refusal.cause, refusal.retry, refusal.code), (cause, retry, status.0));
    }
    // A nack that belongs to a submission refuses it, and the link goes on.
    desk.send(messages(1));
    let (sequence, _) = peer.submission().await;
    peer.empty(Command::GenericNack, CommandStatus::RINVCMDID, sequence).await;
    let (_, Outcome::Refused(refusal)) = desk.outcome().await else { panic!("a nack is a refusal") };
    assert_eq!(refusal.code, CommandStatus::RINVCMDID.0);
    desk.send(messages(1));
    peer.submission().await;
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_a_late_one_is_told() {
    let (smsc, address) = Smsc::start().await;
    let mut desk =
        Desk::start(ClientSettings { answer_timeout: Duration::from_millis(30), ..settings(address) });
    let mut peer = smsc.bound().await;
    desk.room_is(100).await;
    desk.send(messages(1));
    let (sequence, _) = peer.submission().await;
    assert_eq!(desk.outcome().await, (0, Outcome::Unknown));
    peer.ok(sequence, "42").await;
    assert_eq!(desk.outcome().await, (0, sent(&["42"])));
    // The same again, and an answer to nothing, are nobody's.
    peer.ok(sequence, "42").await;
    peer.ok(99_999, "43").await;
    peer.empty(Command::EnquireLink, CommandStatus::ROK, 5).await;
    peer.expect(Command::EnquireLinkResp).await;
    assert!(desk.nothing());
    assert_eq!(desk.client.unmatched(), 2);
}

#[tokio::test]
async fn a_cut_leaves_the_written_unknown_and_the_unwritten_unsent() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(ClientSettings { window: 2, ..settings(address) });
    let mut peer = smsc.bound().await;
    desk.room_is(2).await;
    desk.send(messages(4));
    peer.submission().await;
    peer.submission().await;
    drop(peer);
    desk.room_is(0).await;
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(desk.outcome().await);
    }
    outcomes.sort_by_key(|(slot, _)| *slot);
    let expected = [Outcome::Unknown, Outcome::Unknown, link_down(), link_down()];
    assert_eq!(outcomes, (0..4).zip(expected).collect::<Vec<_>>());
    // And nothing can be handed over until there is a link again.
    desk.send(vec![message(9, 1, "too early")]);
    assert_eq!(desk.outcome().await, (9, link_down()));
    let mut peer = smsc.bound().await;
    desk.room_is(2).await;
    desk.send(vec![message(10, 1, "in time")]);
    assert_eq!(peer.submission().await.1, "in time");
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_and_does_not_block() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(settings(address));
    let mut peer = smsc.bound().await;
    desk.room_is(100).await;
    let endless = "x".repeat(100_000);
    desk.send(vec![message(0, 1, &endless), message(1, 1, "short")]);
    let (_, Outcome::Refused(refusal)) = desk.outcome().await else { panic!("too long is a refusal") };
    assert_eq!((refusal.cause, refusal.retry), (Cause::TooLong, Retry::Never));
    assert_eq!(peer.submission().await.1, "short");
}

#[tokio::test]
async fn the_rate_holds_back_and_a_reload_lets_go() {
    let (smsc, address) = Smsc::start().await;
    let slow = ClientSettings { rate: 1, ..settings(address) };
    let mut desk = Desk::start(slow.clone());
    let mut peer = smsc.bound().await;
    desk.room_is(100).await;
    desk.send(messages(40));
    // Ten at once; the eleventh takes a second, and thirty of them would take half a minute.
    for slot in 0..10 {
        assert_eq!(peer.submission().await.1, format!("text {slot}"));
    }
    peer.empty(Command::EnquireLink, CommandStatus::ROK, 9).await;
    let mut held_back = 30;
    while peer.next().await.header.command == Command::SubmitSm {
        held_back -= 1;
    }
    assert!(held_back > 10, "an enquiry overtakes what the rate holds back");
    desk.client.set(ClientSettings { rate: 0, ..slow });
    for _ in 0..held_back {
        peer.submission().await;
    }
}

#[tokio::test]
async fn a_receipt_for_an_smsc_has_nowhere_to_go() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(settings(address));
    let _peer = smsc.bound().await;
    desk.room_is(100).await;
    let Outgoing::Message(about) = message(0, 1, "hi") else { panic!("a message") };
    desk.send(vec![Outgoing::Report(Report {
        attempt: about.attempt,
        message: about.message,
        submission: about.submission,
        disposition: Disposition::Delivered,
        cause: None,
        code: None,
        at: Timestamp::ZERO,
        segments: 1,
        displayed: false,
        intermediate: false,
        via: None,
    })]);
    let (0, Outcome::Refused(refusal)) = desk.outcome().await else { panic!("refused") };
    assert_eq!((refusal.cause, refusal.retry), (Cause::NoRoute, Retry::Never));
}

#[tokio::test]
async fn what_expired_while_it_waited_is_not_sent() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(settings(address));
    let mut peer = smsc.bound().await;
    desk.room_is(100).await;
    let Outgoing::Message(mut expired) = message(0, 1, "old") else { panic!("a message") };
    let mut submission = (*expired.submission).clone();
    submission.expires_at = Some(Timestamp::from_secs(1));
    expired.submission = submission.into();
    desk.send(vec![Outgoing::Message(expired), message(1, 1, "new")]);
    assert_eq!(peer.submission().await.1, "new");
    let (0, Outcome::Refused(refusal)) = desk.outcome().await else { panic!("refused") };
    assert_eq!(refusal.cause, Cause::Expired);
}

#[tokio::test]
async fn without_an_agreed_rate_a_complaint_sets_one() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(ClientSettings { window: 20, ..settings(address) });
    let mut peer = smsc.bound().await;
    desk.room_is(20).await;
    desk.send(messages(20));
    let mut refusals = Vec::new();
    for _ in 0..20 {
        let (sequence, _) = peer.submission().await;
        smpp::pdu::answer(Command::SubmitSm, CommandStatus::RTHROTTLED, sequence, &mut refusals);
    }
    peer.write(&refusals).await;
    assert_eq!(peer.submission().await.1, "text 0");
    // Whatever was written with the first one comes before this answer.
    peer.empty(Command::EnquireLink, CommandStatus::ROK, 9).await;
    let mut repeated = 1;
    while peer.next().await.header.command == Command::SubmitSm {
        repeated += 1;
    }
    assert!(repeated < 10, "all of them at once would be refused again");
    assert_eq!(peer.submission().await.1, format!("text {repeated}"));
}
