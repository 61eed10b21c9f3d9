//! Links that come and go.

use std::{collections::HashMap, time::Duration};

use model::Outcome;
use smpp::{
    Command, CommandStatus, Version,
    client::{BindMode, ClientSettings},
    pdu::{Bind, BindKind, BindResp},
    session::TimerOptions,
    tlv::Leniency,
};

use crate::{
    desk::{Desk, link_down, message, messages, sent, settings, within},
    smsc::{Smsc, receipt, reply},
};

#[tokio::test]
async fn we_bind_with_what_was_agreed() {
    let (smsc, address) = Smsc::start().await;
    let agreed = ClientSettings {
        system_type: "GW".into(),
        address_range: "^1588".into(),
        version: Version::V50,
        ..settings(address)
    };
    assert!(!format!("{agreed:?}").contains("secret"));
    let _desk = Desk::start(agreed);
    let frame = smsc.accept().await.expect(Command::BindTransceiver).await;
    let bind = Bind::decode(&frame.body, Leniency::Strict).expect("well-formed");
    assert_eq!(
        (bind.system_id, bind.password, bind.system_type),
        (&b"gateway"[..], &b"secret"[..], &b"GW"[..])
    );
    assert_eq!((bind.interface_version, bind.address_range), (0x50, &b"^1588"[..]));
}

#[tokio::test]
async fn a_refused_bind_is_tried_again_on_a_new_connection() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(settings(address));
    for status in [CommandStatus::RALYBND, CommandStatus::RINVPASWD] {
        let mut peer = smsc.accept().await;
        let frame = peer.expect(Command::BindTransceiver).await;
        let mut octets = Vec::new();
        let refusal =
            BindResp::default().encode(BindKind::Transceiver, status, frame.header.sequence, &mut octets);
        refusal.expect("short");
        peer.write(&octets).await;
        assert!(peer.read().await.is_none(), "the old connection is closed first");
    }
    smsc.bound().await;
    desk.room_is(100).await;
}

#[tokio::test]
async fn an_smsc_that_never_answers_the_bind_is_left() {
    let (smsc, address) = Smsc::start().await;
    let timers = TimerOptions { session_init_us: 300_000, ..TimerOptions::default() };
    let _desk = Desk::start(ClientSettings { timers, ..settings(address) });
    let mut peer = smsc.accept().await;
    peer.expect(Command::BindTransceiver).await;
    assert!(peer.read().await.is_none());
    smsc.accept().await.expect(Command::BindTransceiver).await;
}

#[tokio::test]
async fn a_silent_smsc_is_asked_past_a_full_window_and_then_left() {
    let (smsc, address) = Smsc::start().await;
    let timers = TimerOptions { enquire_link_us: 30_000, response_us: 1_000_000, ..TimerOptions::default() };
    let mut desk = Desk::start(ClientSettings { timers, window: 1, rate: 1, ..settings(address) });
    let mut peer = smsc.bound().await;
    desk.room_is(1).await;
    desk.send(messages(2));
    peer.submission().await;
    for _ in 0..2 {
        let frame = peer.read().await.expect("the link is up");
        assert_eq!(frame.header.command, Command::EnquireLink);
        peer.empty(Command::EnquireLinkResp, CommandStatus::ROK, frame.header.sequence).await;
    }
    while let Some(frame) = peer.read().await {
        assert_eq!(frame.header.command, Command::EnquireLink);
    }
    desk.room_is(0).await;
    let mut outcomes = [desk.outcome().await, desk.outcome().await];
    outcomes.sort_by_key(|(slot, _)| *slot);
    assert_eq!(outcomes, [(0, Outcome::Unknown), (1, link_down())]);
    smsc.bound().await;
    desk.room_is(1).await;
}

#[tokio::test]
async fn half_a_pdu_is_not_waited_for_without_end() {
    let (smsc, address) = Smsc::start().await;
    let timers = TimerOptions { pdu_read_us: 30_000, ..TimerOptions::default() };
    let mut desk = Desk::start(ClientSettings { timers, ..settings(address) });
    let mut peer = smsc.bound().await;
    desk.room_is(100).await;
    peer.write(&reply(1, "hello")[..20]).await;
    assert!(peer.read().await.is_none());
    smsc.bound().await;
}

#[tokio::test]
async fn a_broken_length_is_answered_and_the_connection_made_anew() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(settings(address));
    let mut peer = smsc.bound().await;
    desk.room_is(100).await;
    peer.write(b"HTTP/1.1 400 Bad Request\r\n").await;
    let nack = peer.expect(Command::GenericNack).await.header;
    assert_eq!(nack.status, CommandStatus::RINVCMDLEN);
    assert!(peer.read().await.is_none());
    smsc.bound().await;
}

#[tokio::test]
async fn a_pair_keeps_its_bind_and_a_broken_bind_leaves_its_messages_to_the_other() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(ClientSettings { binds: 2, window: 4, ..settings(address) });
    let (mut one, mut two) = (smsc.bound().await, smsc.bound().await);
    desk.room_is(8).await;

    // Pairs that go to the first bind and pairs that go to the second.
    let mut pairs: HashMap<bool, Vec<u32>> = HashMap::new();
    for pair in 0..16 {
        desk.send(vec![message(pair, pair, "which")]);
        let on_one = tokio::select! {
            (sequence, _) = one.submission() => { one.ok(sequence, "1").await; true }
            (sequence, _) = two.submission() => { two.ok(sequence, "2").await; false }
        };
        pairs.entry(on_one).or_default().push(pair);
        desk.outcome().await;
    }
    let (of_one, of_two) = (pairs[&true][0], pairs[&false][0]);

    // Six for the first bind: four are written, two wait.
    desk.send((0..6).map(|slot| message(slot, of_one, &format!("one {slot}"))).collect());
    for slot in 0..4 {
        assert_eq!(one.submission().await.1, format!("one {slot}"));
    }
    drop(one);
    desk.room_is(4).await;
    for slot in 4..6 {
        let (sequence, text) = two.submission().await;
        assert_eq!(text, format!("one {slot}"));
        two.ok(sequence, "3").await;
    }
    let mut outcomes = HashMap::new();
    for _ in 0..6 {
        let (slot, outcome) = desk.outcome().await;
        outcomes.insert(slot, outcome);
    }
    for slot in 0..6 {
        let expected = if slot < 4 { Outcome::Unknown } else { sent(&["3"]) };
        assert_eq!(outcomes[&slot], expected, "{slot}");
    }
    desk.send(vec![message(7, of_two, "still here")]);
    assert_eq!(two.submission().await.1, "still here");
    smsc.bound().await;
    desk.room_is(8).await;
}

#[tokio::test]
async fn a_pair_of_binds_submits_on_one_and_receives_on_the_other() {
    let (smsc, address) = Smsc::start().await;
    let mut desk =
        Desk::start(ClientSettings { bind: BindMode::TransmitterAndReceiver, ..settings(address) });
    let (mut first, mut second) = (smsc.accept().await, smsc.accept().await);
    let (kind, _) = (first.accept_bind(Version::V34).await, second.accept_bind(Version::V34).await);
    let (mut transmitter, mut receiver) =
        if kind == BindKind::Transmitter { (first, second) } else { (second, first) };
    desk.room_is(100).await;
    desk.send(messages(1));
    let (sequence, _) = transmitter.submission().await;
    transmitter.ok(sequence, "6").await;
    assert_eq!(desk.outcome().await, (0, sent(&["6"])));
    receiver.write(&receipt(1, "id:6 stat:DELIVRD")).await;
    assert!(matches!(desk.inbound().await, model::Inbound::Receipt { .. }));
    // A receiver alone gives no room.
    drop(transmitter);
    desk.room_is(0).await;
}

#[tokio::test]
async fn an_unbind_of_the_smsc_is_answered_after_what_is_in_hand() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(ClientSettings { window: 1, ..settings(address) });
    let mut peer = smsc.bound().await;
    desk.room_is(1).await;
    desk.send(messages(2));
    let (sequence, _) = peer.submission().await;
    peer.empty(Command::Unbind, CommandStatus::ROK, 50).await;
    desk.room_is(0).await;
    assert_eq!(desk.outcome().await, (1, link_down()), "what was not written is not sent any more");
    peer.ok(sequence, "8").await;
    assert_eq!(desk.outcome().await, (0, sent(&["8"])));
    assert_eq!(peer.expect(Command::UnbindResp).await.header.sequence, 50);
    drop(peer);
    smsc.bound().await;
    desk.room_is(1).await;
}

#[tokio::test]
async fn an_smsc_that_forgot_our_bind_is_bound_to_again() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(settings(address));
    let mut peer = smsc.bound().await;
    desk.room_is(100).await;
    desk.send(messages(1));
    let (sequence, _) = peer.submission().await;
    peer.status(sequence, CommandStatus::RINVBNDSTS).await;
    let (_, Outcome::Refused(refusal)) = desk.outcome().await else { panic!("refused") };
    assert_eq!(refusal.cause, model::Cause::LinkDown);
    assert!(peer.read().await.is_none());
    smsc.bound().await;
}

#[tokio::test]
async fn told_to_stop_we_wait_for_answers_and_unbind() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(ClientSettings { window: 1, ..settings(address) });
    let mut peer = smsc.bound().await;
    desk.room_is(1).await;
    desk.send(messages(2));
    let (first, _) = peer.submission().await;
    desk.stop.cancel();
    desk.room_is(0).await;
    desk.send(vec![message(5, 1, "too late")]);
    assert_eq!(desk.outcome().await, (5, link_down()));
    peer.ok(first, "1").await;
    let (second, _) = peer.submission().await;
    peer.ok(second, "2").await;
    assert_eq!(desk.outcome().await, (0, sent(&["1"])));
    assert_eq!(desk.outcome().await, (1, sent(&["2"])));
    let unbind = peer.expect(Command::Unbind).await.header;
    // What is delivered now comes again on another day.
    peer.write(&reply(4, "too late")).await;
    assert_eq!(peer.expect(Command::DeliverSmResp).await.header.status, CommandStatus::RX_T_APPN);
    peer.empty(Command::UnbindResp, CommandStatus::ROK, unbind.sequence).await;
    assert!(peer.read().await.is_none());
    within("the end", desk.running).await.expect("no panic");
}

#[tokio::test]
async fn told_to_stop_we_answer_what_was_delivered_before_we_unbind() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(settings(address));
    let mut peer = smsc.bound().await;
    desk.room_is(100).await;
    peer.write(&reply(3, "a last word")).await;
    let model::Inbound::Submit { ticket, .. } = desk.inbound().await else { panic!("a submission") };
    desk.stop.cancel();
    desk.room_is(0).await;
    desk.answer(ticket, model::Answer::Taken);
    peer.expect(Command::DeliverSmResp).await;
    let unbind = peer.expect(Command::Unbind).await.header;
    peer.empty(Command::UnbindResp, CommandStatus::ROK, unbind.sequence).await;
    within("the end", desk.running).await.expect("no panic");
}

#[tokio::test]
async fn answers_that_never_come_do_not_hold_up_the_stop() {
    let (smsc, address) = Smsc::start().await;
    let short = ClientSettings { window: 1, drain_max: Duration::from_millis(20), ..settings(address) };
    let mut desk = Desk::start(short);
    let mut peer = smsc.bound().await;
    desk.room_is(1).await;
    desk.send(messages(2));
    peer.submission().await;
    desk.stop.cancel();
    let unbind = peer.expect(Command::Unbind).await.header;
    peer.empty(Command::UnbindResp, CommandStatus::ROK, unbind.sequence).await;
    within("the end", &mut desk.running).await.expect("no panic");
    let mut outcomes = desk.all();
    outcomes.sort_by_key(|(slot, _)| *slot);
    assert_eq!(outcomes, [(0, Outcome::Unknown), (1, link_down())], "told before the end");
}

#[tokio::test]
async fn a_stop_while_nobody_listens_ends_at_once() {
    let (smsc, address) = Smsc::start().await;
    drop(smsc);
    let desk = Desk::start(ClientSettings { reconnect_max: Duration::from_secs(60), ..settings(address) });
    tokio::task::yield_now().await;
    desk.stop.cancel();
    within("the end", desk.running).await.expect("no panic");
}
