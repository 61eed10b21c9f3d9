//! Lost and late answers, and coming back after a crash.

use std::{sync::Arc, time::Duration};

use model::{
    Cause, ChannelId, Disposition, Inbound, Number, Outcome, Outgoing, Pii, Receipt, ReceiptState, Refusal,
    Retry, Submission, UpstreamId,
};
use smallvec::smallvec;

use crate::world::*;

#[test]
fn a_lost_answer_is_resolved_by_the_receipt_where_duplicates_are_unwanted() {
    let mut world = World::new();
    let mut policy = policy();
    policy.channels[1].answer_lost = engine::AnswerLost::Wait;
    world.core.set_policy(Arc::new(policy));
    let id = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    assert!(world.handed.is_empty(), "not sent again");
    let about =
        Some(Box::new((Pii::new(Number::written("01012345678")), Pii::new(Number::written("15881234")))));
    let receipt = Receipt {
        upstream: smallvec![UpstreamId("never seen".into())],
        state: ReceiptState::Delivered,
        code: None,
        at: None,
        about,
    };
    world.take(Inbound::Receipt { channel: SMSC, receipt, ticket: Some(ticket()) });
    assert_eq!(world.finals(), [], "an answer may still come that says whose receipt it is");
    world.pass(6);
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
}

#[test]
fn a_lost_answer_is_sent_again_where_losses_are_unwanted() {
    let mut world = World::new();
    world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    let (_, Outgoing::Message(again)) = world.next_handed() else { panic!("a message") };
    assert!(again.possible_duplicate);
    world.outcome(attempt, sent("late"));
    assert_eq!(world.core.take_tally().stale_outcomes, 1, "the first attempt is over");
}

#[test]
fn everything_committed_goes_on_after_a_crash() {
    let mut world = World::new();
    let waiting = world.accepted(hello());
    let (_, _lost_with_the_crash) = world.handed_message();
    let delivered = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, sent("A2"));
    let mut world = world.restarted();
    assert_eq!(world.core.open_messages(), 2);
    let (_, Outgoing::Message(again)) = world.next_handed() else { panic!("handed over again") };
    assert_eq!((again.message, again.possible_duplicate), (waiting, true));
    world.receipt("A2", ReceiptState::Delivered);
    assert_eq!(world.finals(), [(delivered, Disposition::Delivered)]);
    assert!(world.accepted(hello()) > delivered, "ids go on ascending");
}

#[test]
fn a_repeated_receipt_for_a_segment_counts_once_after_a_restart_too() {
    let mut world = World::new();
    world.accepted(text("15881234", "01012345678", &"x".repeat(200)));
    let (_, attempt) = world.handed_message();
    let ids = ["A", "B"].map(|id| UpstreamId(id.into()));
    world.outcome(attempt, Outcome::Sent(ids.into_iter().collect()));
    world.receipt("A", ReceiptState::Delivered);
    let mut world = world.restarted();
    world.receipt("A", ReceiptState::Delivered);
    assert_eq!(world.finals(), []);
    world.receipt("B", ReceiptState::Delivered);
    assert_eq!(world.finals().len(), 1);
}

#[test]
fn where_duplicates_are_unwanted_a_restart_does_not_send_again() {
    let mut world = World::new();
    world.core.set_policy(Arc::new(waiting_policy()));
    let id = world.accepted(Submission { expires_at: Some(world.now + Duration::from_secs(60)), ..hello() });
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    let mut world = world.restarted_with(waiting_policy());
    world.pass(71 * 3_600);
    assert!(world.handed.is_empty(), "not sent again");
    world.pass(3_601);
    assert!(world.handed.iter().all(|(channel, _)| *channel == ESME));
    assert_eq!(world.finals(), [(id, Disposition::Lost)]);
}

#[test]
fn a_late_refusal_brings_the_validity_back() {
    let mut world = World::new();
    world.core.set_policy(Arc::new(waiting_policy()));
    let id = world.accepted(Submission { expires_at: Some(world.now + Duration::from_secs(60)), ..hello() });
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    world.pass(30);
    let later = Retry::After(Duration::from_secs(60));
    world.outcome(attempt, Outcome::Refused(Refusal::theirs(Cause::NetworkFailure, later, 8)));
    world.pass(120);
    assert_eq!(world.finals(), [(id, Disposition::Expired)]);
    assert!(!world.handed.iter().any(|(channel, _)| *channel == SMSC), "not handed over after its validity");
}

#[test]
fn a_lost_answer_to_several_segments_needs_a_receipt_for_each() {
    let mut world = World::new();
    world.core.set_policy(Arc::new(waiting_policy()));
    let id = world.accepted(text("15881234", "01012345678", &"x".repeat(200)));
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    let about = || {
        let (to, from) = (Number::written("+821012345678"), Number::written("15881234"));
        Some(Box::new((Pii::new(to), Pii::new(from))))
    };
    for id in ["A", "A", "B"] {
        assert_eq!(world.finals(), []);
        let upstream = smallvec![UpstreamId(id.into())];
        let state = ReceiptState::Delivered;
        let receipt = Receipt { upstream, state, code: None, at: None, about: about() };
        world.take(Inbound::Receipt { channel: SMSC, receipt, ticket: Some(ticket()) });
        world.pass(6);
    }
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
}

#[test]
fn the_receipt_of_another_message_does_not_resolve_a_lost_answer() {
    let mut world = World::new();
    world.core.set_policy(Arc::new(waiting_policy()));
    world.accepted(hello());
    let (_, lost) = world.handed_message();
    world.outcome(lost, Outcome::Unknown);
    let second = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    let numbers = (Pii::new(Number::written("01012345678")), Pii::new(Number::written("15881234")));
    let receipt = Receipt {
        upstream: smallvec![UpstreamId("A2".into())],
        state: ReceiptState::Delivered,
        code: None,
        at: None,
        about: Some(Box::new(numbers)),
    };
    let arrive = |world: &mut World| {
        let receipt = receipt.clone();
        world.take(Inbound::Receipt { channel: SMSC, receipt, ticket: Some(ticket()) });
    };
    // Before its answer, and once more when it has ended.
    arrive(&mut world);
    world.outcome(attempt, sent("A2"));
    arrive(&mut world);
    world.pass(10);
    assert_eq!(world.finals(), [(second, Disposition::Delivered)]);
}

#[test]
fn receipts_that_came_before_a_late_answer_are_not_waited_for_again() {
    let mut world = World::new();
    world.core.set_policy(Arc::new(waiting_policy()));
    let id = world.accepted(text("15881234", "01012345678", &"x".repeat(200)));
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    let numbers = (Pii::new(Number::written("01012345678")), Pii::new(Number::written("15881234")));
    let receipt = Receipt {
        upstream: smallvec![UpstreamId("A".into())],
        state: ReceiptState::Delivered,
        code: None,
        at: None,
        about: Some(Box::new(numbers)),
    };
    world.take(Inbound::Receipt { channel: SMSC, receipt, ticket: Some(ticket()) });
    world.pass(6);
    let ids = ["A", "B"].map(|id| UpstreamId(id.into()));
    world.outcome(attempt, Outcome::Sent(ids.into_iter().collect()));
    assert_eq!(world.finals(), []);
    world.receipt("B", ReceiptState::Delivered);
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
}

/// F50: what its peer never answers for does not go round for ever.
#[test]
fn a_message_whose_answers_are_always_lost_ends() {
    let mut world = World::new();
    let mut policy = policy();
    policy.limits.lost_answers_max = 3;
    world.core.set_policy(Arc::new(policy));
    // Its plan has two ways.
    world.take(Inbound::Room { channel: ChannelId(2), room: 10 });
    let id = world.accepted(hello());
    for way in [SMSC, ChannelId(2)] {
        for _ in 0..3 {
            assert_eq!(world.finals(), []);
            let (channel, attempt) = world.handed_message();
            assert_eq!(channel, way);
            world.outcome(attempt, Outcome::Unknown);
        }
    }
    assert!(!world.handed.iter().any(|(_, handed)| matches!(handed, Outgoing::Message(_))), "not once more");
    assert_eq!(world.finals(), [(id, Disposition::Lost)]);
}

/// F50 does not begin anew with every process.
#[test]
fn answers_lost_before_a_restart_count() {
    let mut policy = policy();
    policy.limits.lost_answers_max = 3;
    let mut world = World::new();
    world.core.set_policy(Arc::new(policy.clone()));
    let id = world.accepted(hello());
    let answers_lost = |world: &mut World, way: ChannelId| {
        let (channel, attempt) = world.handed_message();
        assert_eq!(channel, way);
        world.outcome(attempt, Outcome::Unknown);
    };
    for _ in 0..2 {
        answers_lost(&mut world, SMSC);
    }
    let mut world = world.restarted_with(policy.clone());
    world.take(Inbound::Room { channel: ChannelId(2), room: 10 });
    answers_lost(&mut world, SMSC);
    answers_lost(&mut world, ChannelId(2));
    // The next way has begun with none.
    let mut world = world.restarted_with(policy);
    world.take(Inbound::Room { channel: ChannelId(2), room: 10 });
    answers_lost(&mut world, ChannelId(2));
    assert_eq!(world.finals(), []);
    answers_lost(&mut world, ChannelId(2));
    assert_eq!(world.finals(), [(id, Disposition::Lost)]);
}
