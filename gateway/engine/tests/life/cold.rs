//! Messages of a backlog that are in the store only, and what is asked about them.

use std::sync::Arc;

use model::{
    Answer, Cause, Command, Content, Disposition, Inbound, MessageId, Number, Outcome, Outgoing, Pii,
    ReceiptState, ReceiptsWanted, Refusal,
};
use smallvec::SmallVec;

use crate::{rcs::*, world::*};

/// Nothing stays in memory, and the only channel is busy with a message that is not counted here.
fn backlog() -> World {
    let mut world = World::new();
    let mut policy = policy();
    policy.limits.hot_max = 0;
    world.core.set_policy(Arc::new(policy));
    world.take(Inbound::Room { channel: SMSC, room: 1 });
    world.accepted(hello());
    world.handed_message();
    world
}

fn asks(world: &mut World, command: Command) {
    world.take(Inbound::Command { command, ticket: ticket() });
}

fn number(written: &str) -> Pii<Number> {
    Pii::new(Number::written(written))
}

fn query(message: MessageId, from: &str) -> Command {
    Command::Query { origin: ESME, message, from: Some(number(from)) }
}

fn refused(cause: Cause) -> Answer {
    Answer::Refused(Refusal::ours(cause))
}

#[test]
fn who_asks_for_a_message_must_name_its_sender_wherever_it_is() {
    let mut world = backlog();
    let id = world.accepted(hello());
    for (from, is_told) in [("15881234", true), ("15889999", false)] {
        // In the store, and then in memory.
        for read in [1, 0] {
            asks(&mut world, query(id, from));
            assert_eq!(world.read_back(), if is_told { read } else { 0 });
            match world.answers.pop() {
                Some(Answer::Standing(standing)) => {
                    assert_eq!((is_told, standing.disposition), (true, Disposition::Accepted));
                }
                answer => assert_eq!((is_told, answer), (false, Some(refused(Cause::NotFound)))),
            }
            assert_eq!(world.answers, [], "one answer");
        }
    }
}

#[test]
fn a_message_that_is_not_in_memory_is_cancelled_once_it_was_read_back() {
    let mut world = backlog();
    let id = world.accepted(hello());
    asks(&mut world, Command::Cancel { origin: ESME, message: id });
    assert_eq!((world.answers.as_slice(), world.finals()), (&[][..], Vec::new()));
    let before = world.usage().len();
    assert_eq!(world.read_back(), 1);
    assert_eq!(world.answers.pop(), Some(Answer::Done));
    assert_eq!(world.finals(), [(id, Disposition::Cancelled)]);
    assert_eq!(world.usage().len(), before + 1, "and its charge is taken back");
}

#[test]
fn a_message_that_is_not_in_memory_is_replaced_once_it_was_read_back() {
    let mut world = backlog();
    let id = world.accepted(hello());
    world.take(replace(id, "other"));
    assert_eq!(world.answers, []);
    world.read_back();
    assert_eq!(world.answers.pop(), Some(Answer::Done));
    world.take(Inbound::Room { channel: SMSC, room: 2 });
    world.read_back();
    let (_, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!(message.submission.content, Content::Text("other".into()));
}

#[test]
fn what_is_out_of_reach_is_not_read_back_to_say_so() {
    let mut world = World::new();
    let mut policy = policy();
    policy.limits.hot_max = 0;
    world.core.set_policy(Arc::new(policy));
    let id = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, sent("a"));
    asks(&mut world, Command::Cancel { origin: ESME, message: id });
    assert_eq!(world.answers.pop(), Some(refused(Cause::TooLate)));
    assert_eq!(world.core.wanted(), []);
}

#[test]
fn messages_between_two_numbers_are_withdrawn_from_the_whole_backlog() {
    let mut world = backlog();
    let theirs = [world.accepted(hello()), world.accepted(hello())];
    world.accepted(text("15881234", "01099999999", "to another"));
    world.accepted(text("15880001", "01012345678", "from another"));
    let later = world.accepted(hello());
    asks(
        &mut world,
        Command::CancelMatching { origin: ESME, from: number("15881234"), to: number("01012345678") },
    );
    let mut rounds = 0;
    while world.read_back() > 0 {
        rounds += 1;
        assert!(rounds == 5 || world.answers.is_empty(), "no answer before everything was looked at");
    }
    assert_eq!((rounds, world.answers.pop(), world.answers.len()), (5, Some(Answer::Count(3)), 0));
    let mut ended: Vec<MessageId> = world.finals().into_iter().map(|(message, _)| message).collect();
    ended.sort_unstable();
    assert_eq!(ended, [theirs[0], theirs[1], later]);
    assert!(world.finals().iter().all(|(_, disposition)| *disposition == Disposition::Cancelled));
    // One is on its way, and three are to be reported: what stays where it was is not kept in memory.
    assert_eq!(world.core.footprint().hot, 4);
}

#[test]
fn withdrawals_that_look_through_the_backlog_are_bounded() {
    let mut world = backlog();
    world.accepted(hello());
    let withdrawal =
        Command::CancelMatching { origin: ESME, from: number("15881234"), to: number("01012345678") };
    for _ in 0..16 {
        asks(&mut world, withdrawal.clone());
        assert_eq!(world.answers, []);
    }
    asks(&mut world, withdrawal);
    assert_eq!(world.answers.pop(), Some(refused(Cause::QueueFull)));
    world.read_back();
    let counts: Vec<Answer> = std::mem::take(&mut world.answers);
    assert_eq!(counts.len(), 16);
    assert_eq!(counts.iter().filter(|answer| **answer == Answer::Count(1)).count(), 1, "withdrawn once");
}

#[test]
fn what_waits_for_a_batch_that_closes_meanwhile_is_answered() {
    let mut policy = rcs_policy(|_| {});
    policy.limits.hot_max = 0;
    let mut world = world_with(policy);
    here(&mut world);
    let receipts = ReceiptsWanted { displayed: true, ..ReceiptsWanted::FINAL };
    let id = world.accepted(model::Submission { receipts, ..hello() });
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, sent("m1"));
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    world.read_back();
    let (_, Outgoing::Report(report)) = world.next_handed() else { panic!("a report") };
    world.outcome(report.attempt, Outcome::Sent(SmallVec::new()));
    assert_eq!((world.core.footprint().unread, world.core.footprint().hot), (1, 0));
    world.answers.clear();
    asks(&mut world, query(id, "15881234"));
    assert_eq!(world.answers, [], "it is being read back");
    world.pass(86_401);
    world.pass(1);
    assert_eq!(world.core.open_messages(), 0);
    assert_eq!(world.answers, [Answer::NotOpen]);
    assert_eq!(world.core.footprint().cold, 0);
}

#[test]
fn a_batch_that_closes_before_a_withdrawal_comes_to_it_holds_nobody_up() {
    let mut world = backlog();
    let submission = || model::Submission { receipts: ReceiptsWanted::NONE, ..hello() };
    let ids = [world.accepted(submission()), world.accepted(submission())];
    asks(
        &mut world,
        Command::CancelMatching { origin: ESME, from: number("15881234"), to: number("01012345678") },
    );
    let first = world.core.wanted();
    assert_eq!(first.len(), 1);
    asks(&mut world, Command::Cancel { origin: ESME, message: ids[1] });
    world.read_back();
    assert_eq!(world.answers.pop(), Some(Answer::Done));
    let chapters = first.iter().map(|birth| world.chapter(*birth)).collect();
    world.core.loaded(world.now, chapters);
    world.turn();
    assert_eq!(world.core.wanted(), [], "the store may have nothing of the second any more");
    assert_eq!(world.answers.pop(), Some(Answer::Count(1)));
    assert_eq!(world.finals().len(), 2);
    assert_eq!(world.core.footprint().cold, 0);
}

#[test]
fn without_a_sender_to_compare_nothing_is_read() {
    let mut world = backlog();
    let id = world.accepted(hello());
    asks(&mut world, Command::Query { origin: ESME, message: id, from: None });
    assert!(matches!(world.answers.pop(), Some(Answer::Standing(_))));
    assert_eq!(world.core.wanted(), []);
}

#[test]
fn nobody_withdraws_what_another_has_sent() {
    let mut world = backlog();
    world.accepted(hello());
    asks(
        &mut world,
        Command::CancelMatching { origin: TICTOC, from: number("15881234"), to: number("01012345678") },
    );
    assert_eq!(world.answers.pop(), Some(Answer::Count(0)));
    assert_eq!(world.core.wanted(), []);
}
