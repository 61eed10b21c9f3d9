//! The time of a leg is over, and something else happens before or while the message is taken back.

use std::time::Duration;

use engine::{AnswerLost, journal::Event};
use model::{
    Address, Cause, Disposition, Inbound, Number, Outcome, Outgoing, Pii, Receipt, ReceiptState, Refusal,
    Retry, Submission, UpstreamId,
};
use smallvec::{SmallVec, smallvec};

use crate::{fallback::*, rcs::*, world::*};

fn room(world: &mut World, room: u32) {
    world.take(Inbound::Room { channel: RCS, room });
}

/// RCS has a minute and never answers for the message, which waits for its turn to be taken back.
fn unanswered(answer_lost: AnswerLost) -> (World, model::MessageId, model::AttemptId) {
    let mut policy = minute(true);
    let rcs = policy.channels.last_mut().expect("RCS");
    rcs.answer_lost = answer_lost;
    rcs.receipt_window = Duration::from_secs(600);
    let mut world = world_with(policy);
    here(&mut world);
    let id = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Unknown);
    room(&mut world, 0);
    world.pass(60);
    assert!(world.handed.is_empty(), "there is no room for the revocation");
    (world, id, attempt)
}

const LATER: AnswerLost = AnswerLost::ResendAfter(Duration::from_secs(600));

#[test]
fn a_receipt_that_comes_before_the_revocation_leaves_makes_it_needless() {
    let (mut world, id) = taken(minute(true));
    room(&mut world, 0);
    world.pass(60);
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
    world.handed.clear();
    room(&mut world, 10);
    world.pass(60);
    assert!(world.handed.is_empty(), "{:?}", world.handed);
}

#[test]
fn a_failure_that_is_reported_before_the_revocation_leaves_moves_it_on() {
    let (mut world, _) = taken(minute(true));
    room(&mut world, 0);
    world.pass(60);
    world.receipt_from(RCS, "m1", ReceiptState::Undeliverable);
    let (channel, Outgoing::Message(sms)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, sms.possible_duplicate), (SMSC, false));
    room(&mut world, 10);
    assert!(world.handed.is_empty(), "nothing is taken back that is not there");
}

#[test]
fn what_stays_without_a_receipt_is_lost_when_its_window_is_over() {
    let mut policy = minute(true);
    policy.channels.last_mut().expect("RCS").receipt_window = Duration::from_secs(600);
    let (mut world, id) = taken(policy);
    world.pass(60);
    let attempt = revocation(&mut world);
    world.outcome(attempt, refused(Cause::TooLate));
    world.pass(599);
    assert_eq!(world.finals(), []);
    world.pass(1);
    assert_eq!(world.finals(), [(id, Disposition::Lost)]);
}

#[test]
fn a_late_answer_does_not_keep_it_from_being_taken_back() {
    let (mut world, id, attempt) = unanswered(LATER);
    world.outcome(attempt, sent("m1"));
    room(&mut world, 10);
    let attempt = revocation(&mut world);
    world.outcome(attempt, refused(Cause::TooLate));
    assert!(world.handed.is_empty());
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
}

#[test]
fn a_late_refusal_moves_it_on_without_a_revocation() {
    let (mut world, id, attempt) = unanswered(LATER);
    world.outcome(attempt, Outcome::Refused(Refusal::theirs(Cause::Unreachable, Retry::Scheduled, 480)));
    let (channel, Outgoing::Message(sms)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, sms.message), (SMSC, id));
    room(&mut world, 10);
    assert!(world.handed.is_empty(), "nothing is taken back that is not there");
}

#[test]
fn an_answer_to_what_is_being_taken_back_is_counted_and_the_revocation_decides() {
    let (mut world, id, first) = unanswered(LATER);
    room(&mut world, 10);
    let attempt = revocation(&mut world);
    world.outcome(first, sent("m1"));
    assert_eq!(late(&world), [(RCS, ReceiptState::Accepted)]);
    assert!(world.handed.is_empty());
    world.outcome(attempt, Outcome::Sent(SmallVec::new()));
    let (channel, Outgoing::Message(sms)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, sms.message), (SMSC, id));
}

/// A loss is preferred to a duplicate, and nobody can say: it is found by the two numbers of its receipt.
#[test]
fn what_stays_unanswered_is_still_found_by_its_receipt() {
    for receipted in [true, false] {
        let (mut world, id, _) = unanswered(AnswerLost::Wait);
        room(&mut world, 10);
        let attempt = revocation(&mut world);
        world.outcome(attempt, refused(Cause::NetworkRefused));
        assert!(world.handed.is_empty(), "it may be there");
        assert_eq!(world.core.footprint().unknown, 1);
        if receipted {
            let number = |digits| Pii::new(Number::written(digits));
            let receipt = Receipt {
                upstream: smallvec![UpstreamId("m1".into())],
                state: ReceiptState::Delivered,
                code: None,
                at: None,
                about: Some(Box::new((number("01012345678"), number("15881234")))),
            };
            world.take(Inbound::Receipt { channel: RCS, receipt, ticket: Some(ticket()) });
        }
        // Until then an answer could have come that names its id.
        world.pass(120);
        world.pass(480);
        let end = if receipted { Disposition::Delivered } else { Disposition::Lost };
        assert_eq!(world.finals(), [(id, end)]);
        assert_eq!(world.core.footprint().unknown, 0);
    }
}

#[test]
fn a_restart_while_it_is_taken_back_asks_again() {
    let (mut world, id) = taken(minute(true));
    world.pass(60);
    revocation(&mut world);
    let mut world = restarted(&world, minute(true));
    world.pass(1);
    let attempt = revocation(&mut world);
    world.outcome(attempt, Outcome::Sent(SmallVec::new()));
    let (channel, Outgoing::Message(sms)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, sms.message), (SMSC, id));
}

#[test]
fn a_restart_after_it_was_taken_back_asks_nobody() {
    let (mut world, id) = taken(minute(true));
    world.pass(60);
    let attempt = revocation(&mut world);
    world.outcome(attempt, Outcome::Sent(SmallVec::new()));
    let mut world = restarted(&world, minute(true));
    let (channel, Outgoing::Message(sms)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, sms.message), (SMSC, id));
    world.pass(3_600);
    assert!(world.handed.is_empty());
    assert_eq!(events(&world).iter().filter(|event| matches!(event, Event::Revocation { .. })).count(), 1);
}

#[test]
fn the_revocation_names_the_two_as_the_message_did() {
    let (mut world, id) = taken(minute(true));
    world.pass(60);
    let (_, Outgoing::Revoke(revoke)) = world.next_handed() else { panic!("a revocation") };
    assert_eq!(revoke.message, id);
    let to = revoke.to.as_ref().unwrap_or(&revoke.submission.to);
    let written = match to.reveal(model::For::Decision) {
        Address::Number(number) => number.digits.clone(),
        Address::User(user) => user.id.clone(),
    };
    assert_eq!(written, "01012345678");
}

/// Seed 1,063,714: a queue was not looked at again until something else happened to its channel.
#[test]
fn what_has_gone_on_to_another_leg_holds_nobody_up() {
    let (mut world, first) = taken(minute(true));
    for channel in [RCS, SMSC] {
        world.take(Inbound::Room { channel, room: 0 });
    }
    world.pass(60);
    let second = world.accepted(Submission { received_at: world.now, ..hello() });
    assert!(world.handed.is_empty());
    world.now = world.now + Duration::from_secs(30);
    world.core.tick(world.now);
    let sealed = world.core.seal(world.now).expect("it goes on, and is charged anew");
    assert!(sealed.batch.entries.iter().any(|entry| entry.message == first));
    // Before that is durable:
    world.core.take(world.now, Inbound::Room { channel: RCS, room: 10 });
    let handed = world.core.dispatch(world.now);
    let [(RCS, messages)] = handed.as_slice() else { panic!("{handed:?}") };
    let [Outgoing::Message(message)] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(message.message, second);
}
