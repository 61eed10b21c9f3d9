//! From RCS to SMS: at the end of the leg's time, after revocation, charged once (invariants I3 to I5).

use std::time::Duration;

use billing::{UsageEvent, UsageOutcome, UsageRecord, UsageService};
use engine::{AnswerLost, ChannelPolicy, journal::Event};
use model::{Cause, ChannelId, Disposition, Outcome, Outgoing, ReceiptState, Refusal, Retry, Submission};
use smallvec::SmallVec;

use crate::{rcs::*, world::*};

/// RCS has a minute.
pub(crate) fn minute(revokes: bool) -> engine::Policy {
    rcs_policy(|rcs| {
        rcs.leg_wait = Some(Duration::from_secs(60));
        rcs.revokes = revokes;
    })
}

/// A message that RCS has taken, in a world with this policy.
pub(crate) fn taken(policy: engine::Policy) -> (World, model::MessageId) {
    let mut world = world_with(policy);
    here(&mut world);
    let id = world.accepted(text("15881234", "01012345678", &"x".repeat(200)));
    let (channel, attempt) = world.handed_message();
    assert_eq!(channel, RCS);
    world.outcome(attempt, sent("m1"));
    (world, id)
}

pub(crate) fn revocation(world: &mut World) -> model::AttemptId {
    match world.next_handed() {
        (RCS, Outgoing::Revoke(message)) => message.attempt,
        (_, other) => panic!("not a revocation: {other:?}"),
    }
}

pub(crate) fn refused(cause: Cause) -> Outcome {
    Outcome::Refused(Refusal::theirs(cause, Retry::Never, 0))
}

pub(crate) fn events(world: &World) -> Vec<Event> {
    world.batches.iter().flat_map(|batch| &batch.entries).map(|entry| entry.event.clone()).collect()
}

fn records(world: &World) -> Vec<UsageRecord> {
    world.batches.iter().flat_map(|batch| batch.usage.clone()).collect()
}

pub(crate) fn late(world: &World) -> Vec<(ChannelId, ReceiptState)> {
    let late = |event| match event {
        Event::LateReceipt { channel, state } => Some((channel, state)),
        _ => None,
    };
    events(world).into_iter().filter_map(late).collect()
}

#[test]
fn a_network_that_cannot_take_back_loses_the_message_when_its_time_is_over() {
    let (mut world, id) = taken(minute(false));
    world.pass(59);
    assert!(world.handed.is_empty());
    world.pass(1);
    let (channel, Outgoing::Message(sms)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, sms.message, sms.possible_duplicate), (SMSC, id, true));
    world.outcome(
        sms.attempt,
        Outcome::Sent(["A", "B"].map(|id| model::UpstreamId(id.into())).into_iter().collect()),
    );
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    assert_eq!(late(&world), [(RCS, ReceiptState::Delivered)], "the device does not wait for its answer");
    assert_eq!(world.finals(), [], "counted, not applied");
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    assert_eq!(late(&world).len(), 1, "a repetition is nothing new");
    world.receipt("A", ReceiptState::Delivered);
    world.receipt("B", ReceiptState::Delivered);
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
    let by = events(&world).into_iter().find_map(|event| match event {
        Event::Final { channel, .. } => channel,
        _ => None,
    });
    assert_eq!(by, Some(SMSC));
    let (_, Outgoing::Report(report)) = world.next_handed() else { panic!("a report") };
    assert_eq!(report.via, Some(model::ChannelKind::Smsc));
}

#[test]
fn what_was_metered_first_is_replaced_and_charged_once() {
    let (mut world, _) = taken(minute(false));
    world.pass(60);
    let records = records(&world);
    let [first, closed, second] = records.as_slice() else { panic!("{records:?}") };
    let short = |record: &UsageRecord| (record.key.event, record.outcome, record.service, record.segments);
    assert_eq!(short(first), (UsageEvent::Submit, UsageOutcome::Accepted, UsageService::Rcs, 1));
    assert_eq!(short(closed), (UsageEvent::Reversal, UsageOutcome::Replaced, UsageService::Rcs, 1));
    assert_eq!(short(second), (UsageEvent::Submit, UsageOutcome::Accepted, UsageService::Sms, 2));
    assert_eq!((closed.parent(), second.parent()), (Some(first.key), Some(first.key)));
    // After a restart it is still metered as what it became.
    let mut world = restarted(&world, minute(false));
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, refused(Cause::UnknownSubscriber));
    let last = world.batches.last().expect("a batch").usage.clone();
    assert_eq!(short(&last[0]), (UsageEvent::Reversal, UsageOutcome::Failed, UsageService::Sms, 2));
    assert_eq!(last[0].parent(), Some(second.key));
}

#[test]
fn what_can_be_taken_back_is_taken_back_first() {
    let (mut world, id) = taken(minute(true));
    world.pass(60);
    let attempt = revocation(&mut world);
    assert!(world.handed.is_empty(), "one after the other");
    world.outcome(attempt, Outcome::Sent(SmallVec::new()));
    let (channel, Outgoing::Message(sms)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, sms.message, sms.possible_duplicate), (SMSC, id, false));
    assert!(events(&world).contains(&Event::Revocation { channel: RCS, refused: None }));
}

#[test]
fn what_has_arrived_stays() {
    let (mut world, id) = taken(minute(true));
    world.pass(60);
    let attempt = revocation(&mut world);
    world.outcome(attempt, refused(Cause::TooLate));
    world.pass(3_600);
    assert!(world.handed.is_empty());
    let mut world = restarted(&world, minute(true));
    world.pass(3_600);
    assert!(world.handed.is_empty(), "that is not asked again after a restart");
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
}

#[test]
fn where_nobody_can_say_the_policy_chooses_between_duplicate_and_loss() {
    for (answer_lost, goes_on) in [(AnswerLost::Resend, true), (AnswerLost::Wait, false)] {
        for outcome in [refused(Cause::NetworkRefused), Outcome::Unknown] {
            let mut policy = minute(true);
            let last = policy.channels.last_mut().expect("RCS");
            *last = ChannelPolicy { answer_lost, ..last.clone() };
            let (mut world, _) = taken(policy);
            world.pass(60);
            let attempt = revocation(&mut world);
            world.outcome(attempt, outcome);
            assert_eq!(!world.handed.is_empty(), goes_on, "{answer_lost:?}");
            if goes_on {
                let (_, Outgoing::Message(sms)) = world.next_handed() else { panic!("a message") };
                assert!(sms.possible_duplicate);
            }
        }
    }
}

#[test]
fn a_receipt_that_is_faster_than_the_revocation_wins() {
    let (mut world, id) = taken(minute(true));
    world.pass(60);
    let attempt = revocation(&mut world);
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
    world.outcome(attempt, refused(Cause::TooLate));
    assert_eq!(world.core.footprint().revoking, 0);
    assert_eq!(world.core.depths().iter().find(|depth| depth.channel == RCS).map(|d| d.outstanding), Some(0));
    assert!(!world.handed.iter().any(|(channel, _)| *channel == SMSC));
}

#[test]
fn a_revocation_for_which_there_is_no_room_does_not_hold_a_message_up() {
    let (mut world, _) = taken(minute(true));
    world.take(model::Inbound::Room { channel: RCS, room: 0 });
    world.pass(60);
    assert!(world.handed.is_empty());
    world.pass(31);
    assert_eq!(world.handed_message().0, SMSC);
}

#[test]
fn somebody_who_is_away_for_the_whole_time_gets_an_sms() {
    let mut world = world_with(minute(true));
    here(&mut world);
    world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, away());
    world.accepted(hello());
    world.pass(61);
    assert_eq!([world.handed_message().0, world.handed_message().0], [SMSC, SMSC]);
    assert_eq!(world.core.footprint().absent, 0);
}

#[test]
fn a_failure_that_rcs_reports_falls_back_at_once() {
    let (mut world, _) = taken(minute(true));
    world.receipt_from(RCS, "m1", ReceiptState::Undeliverable);
    let (channel, Outgoing::Message(sms)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, sms.possible_duplicate), (SMSC, false));
    assert_eq!(world.finals(), []);
}

#[test]
fn an_answer_of_an_earlier_leg_is_counted_and_not_applied() {
    let mut world = world_with({
        let mut policy = minute(false);
        let last = policy.channels.last_mut().expect("RCS");
        last.answer_lost = AnswerLost::ResendAfter(Duration::from_secs(600));
        policy
    });
    here(&mut world);
    world.accepted(hello());
    let (_, rcs) = world.handed_message();
    world.outcome(rcs, Outcome::Unknown);
    world.pass(60);
    let (_, sms) = world.handed_message();
    world.outcome(rcs, sent("m1"));
    assert_eq!(late(&world), [(RCS, ReceiptState::Accepted)]);
    world.outcome(sms, sent("A"));
    world.receipt("A", ReceiptState::Delivered);
    assert_eq!(world.finals().len(), 1);
}

/// A phone that takes 45 seconds to say nothing never waits at the end of its minute.
#[test]
fn answers_that_are_always_lost_end_with_the_time_of_the_leg() {
    for revokes in [false, true] {
        let mut world = world_with(minute(revokes));
        here(&mut world);
        world.accepted(hello());
        for _ in 0..2 {
            let (channel, attempt) = world.handed_message();
            assert_eq!(channel, RCS);
            world.pass(45);
            world.outcome(attempt, Outcome::Unknown);
        }
        if revokes {
            let attempt = revocation(&mut world);
            assert!(world.handed.is_empty(), "one after the other");
            world.outcome(attempt, refused(Cause::Policy));
        }
        let (channel, Outgoing::Message(sms)) = world.next_handed() else { panic!("a message") };
        assert_eq!((channel, sms.possible_duplicate), (SMSC, true));
        world.outcome(sms.attempt, sent("A"));
        world.receipt("A", ReceiptState::Delivered);
        assert_eq!(world.finals().len(), 1);
        // It was there all the time.
        world.receipt_from(RCS, "m1", ReceiptState::Delivered);
        world.pass(6);
        assert_eq!(world.core.take_tally().unmatched_receipts, 1);
        assert_eq!(world.finals().len(), 1);
    }
}

#[test]
fn a_leg_that_cannot_carry_the_message_is_passed_over() {
    let mut world = world_with(minute(false));
    here(&mut world);
    let id = world.accepted(text("15881234", "01012345678", UNSENDABLE));
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, sent("m1"));
    world.pass(7_200);
    assert!(world.handed.is_empty(), "it stays where it can be read");
    world.receipt_from(RCS, "m1", ReceiptState::Delivered);
    assert_eq!(world.finals(), [(id, Disposition::Delivered)]);
}

#[test]
fn the_time_of_a_leg_begins_with_the_schedule() {
    let mut world = world_with(minute(false));
    here(&mut world);
    let scheduled_at = Some(world.now + Duration::from_secs(600));
    world.accepted(Submission { scheduled_at, ..hello() });
    world.pass(599);
    assert!(world.handed.is_empty());
    world.pass(1);
    let (channel, attempt) = world.handed_message();
    assert_eq!(channel, RCS);
    world.outcome(attempt, sent("m1"));
    world.pass(59);
    assert!(world.handed.is_empty());
    world.pass(1);
    assert_eq!(world.handed_message().0, SMSC);
}

#[test]
fn after_a_restart_the_time_of_the_leg_goes_on() {
    let (world, _) = taken(minute(true));
    let mut world = restarted(&world, minute(true));
    world.pass(59);
    assert!(world.handed.is_empty());
    world.pass(1);
    revocation(&mut world);
}
