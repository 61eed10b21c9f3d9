//! Who wants to know that a message is under way, and that it was seen.

use std::{sync::Arc, time::Duration};

use engine::journal::Event;
use model::{
    Address, ChannelKind, Disposition, Inbound, Number, Outcome, Outgoing, Pii, Presence, ReceiptState,
    ReceiptsWanted, Report, Signal, SignalKind, Submission, User,
};
use smallvec::SmallVec;

use crate::{rcs::*, world::*};

fn curious() -> Submission {
    Submission { receipts: ReceiptsWanted { displayed: true, ..ReceiptsWanted::FINAL }, ..hello() }
}

/// A message of a sender who wants to know everything, taken by RCS.
fn taken(submission: Submission) -> World {
    let mut world = world_with(rcs_policy(|_| {}));
    here(&mut world);
    world.accepted(submission);
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, sent("m1"));
    world
}

fn report(world: &mut World) -> Report {
    match world.next_handed() {
        (ESME, Outgoing::Report(report)) => report,
        (channel, other) => panic!("not a report to the sender: {other:?} to {channel:?}"),
    }
}

fn reported(world: &mut World) -> Report {
    let report = report(world);
    world.outcome(report.attempt, Outcome::Sent(SmallVec::new()));
    report
}

#[test]
fn delivered_is_told_first_and_displayed_later() {
    let mut world = taken(curious());
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    let first = reported(&mut world);
    assert_eq!((first.displayed, first.via), (false, Some(ChannelKind::Rcs)));
    assert_eq!(world.core.footprint().unread, 1);
    world.pass(3_600);
    world.receipt_from(RCS, "m1", ReceiptState::Displayed);
    let second = reported(&mut world);
    assert_eq!((second.displayed, second.disposition), (true, Disposition::Delivered));
    assert_eq!(world.core.open_messages(), 0);
    world.receipt_from(RCS, "m1", ReceiptState::Displayed);
    assert!(world.handed.is_empty(), "told once");
}

#[test]
fn content_is_erased_while_it_is_awaited_that_somebody_sees_it() {
    let mut world = taken(curious());
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    reported(&mut world);
    assert!(world.batches.iter().any(|batch| batch.erase == [1] || !batch.erase.is_empty()));
    assert!(world.batches.iter().all(|batch| batch.close.is_empty()));
    world.receipt_from(RCS, "m1", ReceiptState::Displayed);
    assert_eq!(report(&mut world).submission.content.octets(), 0);
}

#[test]
fn displayed_before_delivered_implies_it_and_both_are_told_in_order() {
    let mut world = taken(curious());
    world.receipt_from(RCS, "m1", ReceiptState::Displayed);
    assert_eq!(world.finals().len(), 1);
    assert!(!reported(&mut world).displayed, "who asked for both wants both");
    assert!(reported(&mut world).displayed);
    assert_eq!(world.core.open_messages(), 0);
}

#[test]
fn displayed_while_the_first_report_is_on_its_way_is_told_after_it() {
    let mut world = taken(curious());
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    let first = report(&mut world);
    world.receipt_from(RCS, "m1", ReceiptState::Displayed);
    assert!(world.handed.is_empty());
    world.outcome(first.attempt, Outcome::Sent(SmallVec::new()));
    assert!(reported(&mut world).displayed);
}

#[test]
fn nobody_waits_longer_than_the_window_or_beyond_the_bound() {
    let mut world = taken(curious());
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    reported(&mut world);
    world.pass(86_401);
    assert_eq!(world.core.open_messages(), 0);
    assert!(world.batches.iter().flat_map(|batch| &batch.entries).any(|entry| entry.event == Event::Unread));
    let mut policy = rcs_policy(|_| {});
    policy.limits.unread_max = 0;
    world.core.set_policy(Arc::new(policy));
    here(&mut world);
    world.accepted(curious());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, sent("m2"));
    world.receipt_from(RCS, "m2", ReceiptState::Delivered);
    reported(&mut world);
    assert_eq!(world.core.open_messages(), 0);
}

#[test]
fn it_is_still_awaited_after_a_restart() {
    let mut world = taken(curious());
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    reported(&mut world);
    let mut world = restarted(&world, rcs_policy(|_| {}));
    assert!(world.handed.is_empty());
    world.receipt_from(RCS, "m1", ReceiptState::Displayed);
    let seen = report(&mut world);
    assert!(seen.displayed);
    // The process ends before the sender has it.
    let mut world = restarted(&world, rcs_policy(|_| {}));
    assert!(reported(&mut world).displayed);
    assert_eq!(restarted(&world, rcs_policy(|_| {})).core.open_messages(), 0);
}

#[test]
fn what_was_spilled_while_it_was_awaited_is_read_back_for_the_report() {
    let mut world = taken(curious());
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    let mut policy = rcs_policy(|_| {});
    policy.limits.hot_max = 0;
    world.core.set_policy(Arc::new(policy));
    reported(&mut world);
    assert_eq!((world.core.footprint().unread, world.core.footprint().hot), (1, 0));
    world.receipt_from(RCS, "m1", ReceiptState::Displayed);
    assert!(world.handed.is_empty(), "who sent it is in the store");
    assert_eq!(world.read_back(), 1);
    assert!(reported(&mut world).displayed);
    assert_eq!(world.core.open_messages(), 0);
}

fn given_up(world: &World) -> Vec<(bool, bool)> {
    let entries = world.batches.iter().flat_map(|batch| &batch.entries);
    let reported = entries.filter_map(|entry| match entry.event {
        Event::Reported { given_up, displayed } => Some((given_up, displayed)),
        _ => None,
    });
    reported.collect()
}

#[test]
fn a_sender_who_stays_away_is_not_told_for_ever() {
    let mut world = taken(curious());
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    reported(&mut world);
    world.take(Inbound::Room { channel: ESME, room: 0 });
    world.receipt_from(RCS, "m1", ReceiptState::Displayed);
    world.pass(72 * 3_600 - 1);
    assert_eq!(world.core.open_messages(), 1);
    world.pass(2);
    assert_eq!(world.core.open_messages(), 0);
    assert_eq!(given_up(&world), [(false, false), (true, false)]);
    assert_eq!(world.core.footprint().unread, 0);
}

#[test]
fn a_sender_who_refused_the_first_report_is_still_told_that_it_was_seen() {
    let mut world = taken(curious());
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    let first = report(&mut world);
    let refusal = model::Refusal::theirs(model::Cause::Policy, model::Retry::Never, 0);
    world.outcome(first.attempt, Outcome::Refused(refusal));
    assert_eq!(given_up(&world), [(true, false)]);
    assert_eq!(world.core.footprint().unread, 1);
    world.receipt_from(RCS, "m1", ReceiptState::Displayed);
    assert!(reported(&mut world).displayed);
    assert_eq!(given_up(&world), [(true, false), (false, true)]);
}

#[test]
fn who_wants_only_that_hears_only_that() {
    let receipts = ReceiptsWanted { displayed: true, ..ReceiptsWanted::NONE };
    let mut world = taken(Submission { receipts, ..hello() });
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    assert!(world.handed.is_empty());
    world.receipt_from(RCS, "m1", ReceiptState::Displayed);
    assert!(reported(&mut world).displayed);
}

#[test]
fn a_messenger_that_names_its_message_says_when_it_is_read() {
    let mut world = World::new();
    linked(&mut world);
    world.accepted(curious());
    let (channel, attempt) = world.handed_message();
    assert_eq!(channel, TICTOC);
    world.outcome(attempt, sent("e1"));
    assert_eq!(reported(&mut world).via, Some(ChannelKind::Messenger));
    world.receipt_from(TICTOC, "e1", ReceiptState::Displayed);
    assert!(reported(&mut world).displayed);
}

#[test]
fn a_notification_that_it_is_under_way_changes_nothing() {
    let receipts = ReceiptsWanted { intermediate: true, ..ReceiptsWanted::FINAL };
    let mut world = taken(Submission { receipts, ..hello() });
    let first = reported(&mut world);
    assert_eq!((first.intermediate, first.via), (true, Some(ChannelKind::Rcs)));
    world.receipt_from(RCS, "m1", ReceiptState::Enroute);
    let second = report(&mut world);
    assert!(second.intermediate);
    // Its answer is lost, and comes after all.
    world.outcome(second.attempt, Outcome::Unknown);
    world.outcome(second.attempt, Outcome::Sent(SmallVec::new()));
    assert_eq!(world.core.take_tally().stale_outcomes, 0);
    assert_eq!(world.core.footprint().outstanding, 0);
    world.take(Inbound::Room { channel: ESME, room: 0 });
    world.receipt_from(RCS, "m1", ReceiptState::Enroute);
    assert!(world.handed.is_empty(), "not kept for a sender who is away");
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    world.take(Inbound::Room { channel: ESME, room: 10 });
    assert!(!reported(&mut world).intermediate);
}

fn typing(world: &mut World, channel: model::ChannelId, from: Address, to: Address) {
    let signal = Signal { from: Pii::new(from), to: Pii::new(to), kind: SignalKind::Typing { on: true } };
    world.take(Inbound::Signal { channel, signal });
}

fn user() -> Address {
    Address::User(User { messenger: "tictoc".into(), id: "u7".into() })
}

fn phone() -> Address {
    Address::Number(Number::written("01012345678"))
}

#[test]
fn typing_reaches_who_can_see_it_and_gives_nobody_a_number() {
    let mut world = world_with(rcs_policy(|_| {}));
    here(&mut world);
    typing(&mut world, TICTOC, user(), phone());
    assert!(world.handed.is_empty(), "this user has no number towards this phone yet");
    let receipts = ReceiptsWanted::NONE;
    world.accepted(Submission { origin: TICTOC, from: Pii::new(user()), receipts, ..hello() });
    let (_, attempt) = world.handed_message();
    typing(&mut world, TICTOC, user(), phone());
    let (RCS, Outgoing::Signal(signal)) = world.next_handed() else { panic!("a signal to RCS") };
    let pool = signal.from.reveal(model::For::Decision).clone();
    assert!(pool.number().is_some());
    // The phone answers to the number it saw.
    typing(&mut world, RCS, phone(), pool);
    let (TICTOC, Outgoing::Signal(signal)) = world.next_handed() else { panic!("a signal to the messenger") };
    assert_eq!(signal.to.reveal(model::For::Decision), &user());
    world.outcome(attempt, sent("m1"));
    let facts = world.batches.iter().flat_map(|batch| &batch.facts);
    assert_eq!(facts.filter(|fact| fact.kind == engine::journal::FactKind::Lease).count(), 1);
}

#[test]
fn typing_is_not_passed_to_phones_without_rcs_or_away_and_is_bounded() {
    let mut world = world_with(rcs_policy(|_| {}));
    typing(&mut world, RCS, Address::Number(Number::written("01099998888")), phone());
    assert!(world.handed.is_empty(), "not by SMS");
    let until = world.now + Duration::from_secs(600);
    let number = Pii::new(Number::written("01012345678"));
    world.take(Inbound::Presence { channel: RCS, number, presence: Presence::Away { until } });
    typing(&mut world, RCS, Address::Number(Number::written("01099998888")), phone());
    assert!(world.handed.is_empty());
    here(&mut world);
    let mut policy = rcs_policy(|_| {});
    policy.limits.signals_per_second_max = 3;
    world.core.set_policy(Arc::new(policy));
    world.pass(1);
    for _ in 0..10 {
        typing(&mut world, RCS, Address::Number(Number::written("01099998888")), phone());
    }
    assert_eq!(world.handed.len(), 3);
}
