//! What has another face on other channels than its own (rcs sheet §13.3): a member of a group who has RCS, and is
//! reached by SMS.

use std::time::Duration;

use engine::Policy;
use model::{
    Address, Answer, Cause, ChannelId, Content, Disposition, Elsewhere, For, Msisdn, Number, Outgoing, Pii,
    Presence, ReceiptState, Refusal, Submission,
};

use crate::{rcs::*, world::*};

const LENT: u64 = 827_000_009;

/// Said in the group by Mina, for somebody with RCS.
fn said(words: &str) -> Submission {
    let elsewhere = Elsewhere { from: group(), lead: Pii::new("Mina: ".into()) };
    Submission {
        origin: RCS,
        elsewhere: Some(Box::new(elsewhere)),
        ..text("01011110001", "01012345678", words)
    }
}

fn lending(numbers: &[u64]) -> Policy {
    rcs_policy(|rcs| {
        rcs.pool = numbers.iter().copied().map(Msisdn::from_u64).collect();
        rcs.leg_wait = Some(Duration::from_secs(60));
        rcs.revokes = false;
    })
}

fn number(digits: u64) -> Address {
    Address::Number(Number::international(Msisdn::from_u64(digits)))
}

/// Where it is handed over, from whom, and what it says.
#[track_caller]
fn handed(world: &mut World) -> (ChannelId, model::AttemptId, Address, String) {
    let (channel, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    let from = message.from.as_ref().unwrap_or(&message.submission.from).reveal(For::Decision).clone();
    let Content::Text(text) = &message.submission.content else { panic!("text") };
    (channel, message.attempt, from, text.to_string())
}

/// A message that RCS gave back, as the phone gets it.
#[track_caller]
fn falls_back(world: &mut World) -> model::AttemptId {
    let (channel, attempt, from, text) = handed(world);
    assert_eq!((channel, from, &*text), (RCS, Address::Number(Number::written("01011110001")), "hi"));
    world.outcome(attempt, away());
    world.pass(61);
    let (channel, attempt, from, text) = handed(world);
    assert_eq!((channel, from, &*text), (SMSC, number(LENT), "Mina: hi"));
    attempt
}

#[test]
fn what_rcs_gives_back_goes_from_a_number_that_is_lent_to_the_group() {
    let mut world = world_with(lending(&[LENT]));
    here(&mut world);
    world.accepted(said("hi"));
    let attempt = falls_back(&mut world);
    world.outcome(attempt, sent("s1"));
    // What is answered to that number is for the group.
    world.accepted(Submission { origin: SMSC, ..text("01012345678", "+827000009", "I come") });
    let (channel, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, message.to), (RCS, Some(group())));
    let shown: Vec<_> = world.batches.iter().flat_map(|batch| &batch.usage).map(|one| one.from).collect();
    assert_eq!(shown[2], Some(Msisdn::from_u64(LENT)), "who the SMS came from, on its record");
    // Its receipt is that of the message.
    world.receipt("s1", ReceiptState::Delivered);
    assert_eq!(world.finals().len(), 1);
    assert_eq!(world.finals()[0].1, Disposition::Delivered);
}

#[test]
fn nothing_is_lent_before_it_is_needed() {
    let mut world = world_with(lending(&[LENT]));
    here(&mut world);
    world.accepted(said("hi"));
    let (channel, attempt, ..) = handed(&mut world);
    assert_eq!(channel, RCS);
    world.outcome(attempt, sent("m1"));
    assert!(world.batches.iter().all(|batch| batch.facts.iter().all(|fact| fact.key.len() != 16)));
}

#[test]
fn whoever_is_not_known_on_rcs_gets_it_from_that_number_at_once() {
    let mut world = with_groups();
    world.accepted(said("hi"));
    let (channel, _, from, text) = handed(&mut world);
    assert_eq!((channel, from, &*text), (SMSC, number(LENT), "Mina: hi"));
}

/// Not as a private message of whoever said it.
#[test]
fn without_a_number_to_lend_it_stays_with_rcs() {
    let mut world = world_with(lending(&[]));
    assert_eq!(world.submit(said("hi")), Answer::Refused(Refusal::ours(Cause::BadSender)));
    here(&mut world);
    world.accepted(said("hi"));
    let (channel, attempt, ..) = handed(&mut world);
    assert_eq!(channel, RCS);
    world.outcome(attempt, away());
    world.pass(61);
    assert!(world.handed.is_empty());
    says(&mut world, "01012345678", |now| Presence::Here { until: now + Duration::from_secs(3_600) });
    assert_eq!(handed(&mut world).0, RCS);
}

/// The lead takes its place in the segments, too.
#[test]
fn segments_are_counted_with_what_it_begins_with() {
    let mut world = world_with(lending(&[LENT]));
    here(&mut world);
    world.accepted(said(&"x".repeat(158)));
    let (_, attempt, ..) = handed(&mut world);
    world.outcome(attempt, away());
    world.pass(61);
    let (_, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_ne!(message.concat_ref, 0, "two of them");
}

#[test]
fn after_a_restart_it_still_comes_from_that_number() {
    let policy = lending(&[LENT]);
    let mut world = world_with(policy.clone());
    here(&mut world);
    world.accepted(said("hi"));
    falls_back(&mut world);
    let mut world = restarted(&world, policy);
    let (channel, _, from, text) = handed(&mut world);
    assert_eq!((channel, from, &*text), (SMSC, number(LENT), "Mina: hi"));
}
