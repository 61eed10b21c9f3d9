//! What one message does to batches, answers and hand-overs.

use std::{sync::Arc, time::Duration};

use billing::UsageEvent;
use engine::{Route, Routes};
use model::{
    Answer, Cause, Command, Content, Disposition, Inbound, MessageId, Number, Outcome, Outgoing, Pii,
    Receipt, ReceiptState, ReceiptsWanted, Refusal, Retry, Submission, UpstreamId,
};
use smallvec::smallvec;

use crate::world::*;

#[test]
fn a_message_is_metered_once_delivered_and_reported() {
    let mut world = World::new();
    let id = world.accepted(hello());
    let (channel, attempt) = world.handed_message();
    assert_eq!(channel, SMSC);
    world.outcome(attempt, sent("A1"));
    world.receipt("A1", ReceiptState::Delivered);
    assert_eq!(world.answers.pop(), Some(Answer::Taken));
    let (channel, Outgoing::Report(report)) = world.next_handed() else { panic!("a report") };
    assert_eq!((channel, report.message, report.disposition), (ESME, id, Disposition::Delivered));
    world.outcome(report.attempt, Outcome::Sent(smallvec![]));
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
    assert_eq!(world.usage(), [UsageEvent::Submit]);
    assert_eq!(world.core.open_messages(), 0);
    let closed: Vec<u64> = world.batches.iter().flat_map(|b| b.close.clone()).collect();
    assert_eq!(closed, [1], "the batch it was born in is closed with it");
}

#[test]
fn no_answer_and_no_hand_over_before_the_commit() {
    let mut world = World::new();
    world.core.take(world.now, Inbound::Submit { submission: Arc::new(hello()), ticket: ticket() });
    assert!(world.core.dispatch(world.now).is_empty());
    let sealed = world.core.seal(world.now).expect("something to commit");
    assert_eq!(sealed.batch.usage.len(), 1, "metered in the same commit");
    assert!(world.core.dispatch(world.now).is_empty());
    let answers = world.core.committed(sealed.release);
    assert!(matches!(answers[0].1[0].1, Answer::Accepted(_)));
    assert_eq!(world.core.dispatch(world.now).len(), 1);
}

/// Seed 1,179,201: a crash brings the first one back, which would then come after the second.
#[test]
fn nothing_overtakes_a_message_before_it_is_withdrawn_for_good() {
    for all in [false, true] {
        let mut world = World::new();
        world.take(Inbound::Room { channel: SMSC, room: 1 });
        world.accepted(hello());
        let (_, attempt) = world.handed_message();
        let (first, second) = (world.accepted(hello()), world.accepted(text("15881234", "0109999", "other")));
        let command = if all {
            let (from, to) = (Number::written("15881234"), Number::written("01012345678"));
            Command::CancelMatching { origin: ESME, from: Pii::new(from), to: Pii::new(to) }
        } else {
            Command::Cancel { origin: ESME, message: first }
        };
        world.core.take(world.now, Inbound::Command { command, ticket: ticket() });
        let sealed = world.core.seal(world.now).expect("something to commit");
        world.core.take(world.now, Inbound::Outcome { attempt, outcome: sent("A1") });
        assert!(world.core.dispatch(world.now).is_empty());
        world.core.committed(sealed.release);
        world.turn();
        let (_, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
        assert_eq!(message.message, second);
    }
}

#[test]
fn a_receipt_before_the_answer_waits_for_it() {
    let mut world = World::new();
    let id = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.receipt("A1", ReceiptState::Delivered);
    assert!(world.answers.is_empty(), "the network is not told before the receipt is stored");
    world.outcome(attempt, sent("A1"));
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
    assert_eq!(world.answers.pop(), Some(Answer::Taken));
}

#[test]
fn a_second_receipt_changes_nothing() {
    let mut world = World::new();
    world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, sent("A1"));
    world.receipt("A1", ReceiptState::Delivered);
    world.receipt("A1", ReceiptState::Undeliverable);
    world.pass(10);
    assert_eq!(world.finals().len(), 1);
    assert_eq!(world.usage(), [UsageEvent::Submit]);
    assert_eq!(world.core.take_tally().unmatched_receipts, 1);
}

#[test]
fn a_certain_failure_takes_the_charge_back() {
    let mut world = World::new();
    let id = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Refused(Refusal::theirs(Cause::BadDestination, Retry::Never, 0x0b)));
    assert_eq!(world.finals(), [(id, Disposition::Undeliverable)]);
    assert_eq!(world.usage(), [UsageEvent::Submit, UsageEvent::Reversal]);
}

#[test]
fn a_temporary_failure_is_tried_again_and_expiry_ends_it() {
    let mut world = World::new();
    let id = world.accepted(hello());
    for _ in 0..3 {
        let (_, attempt) = world.handed_message();
        world.outcome(attempt, Outcome::Refused(Refusal::theirs(Cause::NetworkFailure, Retry::Scheduled, 8)));
        world.pass(20);
    }
    let (_, attempt) = world.handed_message();
    world.outcome(
        attempt,
        Outcome::Refused(Refusal::theirs(Cause::Unreachable, Retry::After(Duration::from_secs(500_000)), 8)),
    );
    world.pass(48 * 3_600);
    assert_eq!(world.finals(), [(id, Disposition::Expired)]);
}

#[test]
fn another_channel_takes_over_when_the_link_is_down() {
    let mut world = World::new();
    world.accepted(hello());
    let (channel, attempt) = world.handed_message();
    assert_eq!(channel, SMSC);
    world.take(Inbound::Room { channel: SPARE, room: 5 });
    world.take(Inbound::Room { channel: SMSC, room: 0 });
    world.outcome(
        attempt,
        Outcome::Refused(Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::LinkDown) }),
    );
    assert_eq!(world.handed_message().0, SPARE);
}

#[test]
fn a_batch_stays_open_while_messages_are_accepted_in_it() {
    let mut world = World::new();
    // One message comes and goes before the batch is sealed, another comes after it.
    let silent = Submission { receipts: ReceiptsWanted::NONE, ..hello() };
    world.core.take(world.now, Inbound::Submit { submission: Arc::new(silent), ticket: ticket() });
    let first = MessageId::first_at(world.now);
    let cancel = Command::Cancel { origin: ESME, message: first };
    world.core.take(world.now, Inbound::Command { command: cancel, ticket: ticket() });
    world.take(Inbound::Submit { submission: Arc::new(hello()), ticket: ticket() });
    assert_eq!(world.finals(), [(first, Disposition::Cancelled)]);
    let batch = &world.batches[0];
    assert_eq!((batch.erase.len(), batch.close.len()), (0, 0), "the second message is open");
    let mut world = world.restarted();
    assert_eq!(world.core.open_messages(), 1);
    let (_, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!(message.submission.content, Content::Text("hello".into()));
}

#[test]
fn a_batch_in_which_everything_ended_closes_with_itself() {
    let mut world = World::new();
    let silent = Submission { receipts: ReceiptsWanted::NONE, ..hello() };
    world.core.take(world.now, Inbound::Submit { submission: Arc::new(silent), ticket: ticket() });
    let cancel = Command::Cancel { origin: ESME, message: MessageId::first_at(world.now) };
    world.take(Inbound::Command { command: cancel, ticket: ticket() });
    let batch = &world.batches[0];
    assert_eq!((batch.erase.as_slice(), batch.close.as_slice()), ([1].as_slice(), [1].as_slice()));
}

#[test]
fn a_retry_asks_for_a_commit_of_its_own() {
    let mut world = World::new();
    world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, Outcome::Refused(Refusal::theirs(Cause::NetworkFailure, Retry::Scheduled, 8)));
    assert_eq!(world.core.gathered(), 0);
    world.now = world.now + Duration::from_secs(20);
    world.core.tick(world.now);
    assert_eq!(world.core.gathered(), 1, "nothing else may happen for hours");
}

#[test]
fn what_waits_for_a_channel_that_goes_down_moves_on() {
    let mut world = World::new();
    world.take(Inbound::Room { channel: SMSC, room: 1 });
    world.take(Inbound::Room { channel: SPARE, room: 9 });
    world.accepted(hello());
    let waiting = world.accepted(hello());
    assert_eq!(world.handed_message().0, SMSC);
    world.take(Inbound::Room { channel: SMSC, room: 0 });
    world.pass(0);
    let (channel, Outgoing::Message(moved)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, moved.message), (SPARE, waiting));
    let late = world.accepted(hello());
    world.pass(0);
    let (channel, Outgoing::Message(moved)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, moved.message), (SPARE, late), "what comes while it is down too");
}

#[test]
fn a_channel_that_has_not_connected_yet_is_waited_for() {
    let mut world = World::new();
    let mut policy = policy();
    policy.routes = Routes::new([Route {
        prefix: String::new(),
        origin: None,
        class: None,
        channels: smallvec![SPARE, SMSC],
        balance: false,
    }]);
    world.core.set_policy(Arc::new(policy));
    world.accepted(hello());
    assert!(world.handed.is_empty(), "SPARE has said nothing so far, SMSC is up");
    world.take(Inbound::Room { channel: SPARE, room: 1 });
    assert_eq!(world.handed_message().0, SPARE);
}

#[test]
fn segments_of_two_attempts_are_not_added_up() {
    let mut world = World::new();
    let mut policy = policy();
    policy.channels[1].answer_lost = engine::AnswerLost::ResendAfter(Duration::from_secs(20));
    world.core.set_policy(Arc::new(policy));
    world.accepted(text("15881234", "01012345678", &"x".repeat(200)));
    for id in ["A", "B"] {
        let (_, attempt) = world.handed_message();
        world.outcome(attempt, Outcome::Unknown);
        let numbers = (Pii::new(Number::written("01012345678")), Pii::new(Number::written("15881234")));
        let receipt = Receipt {
            upstream: smallvec![UpstreamId(id.into())],
            state: ReceiptState::Delivered,
            code: None,
            at: None,
            about: Some(Box::new(numbers)),
        };
        world.take(Inbound::Receipt { channel: SMSC, receipt, ticket: Some(ticket()) });
        world.pass(6);
        assert_eq!(world.finals(), [], "one segment of each");
        world.pass(20);
    }
}
