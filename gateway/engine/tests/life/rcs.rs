//! People who are reached over RCS: known by presence, waited for when they are away.

use std::{sync::Arc, time::Duration};

use model::{
    Address, Answer, Cause, ChannelId, ChannelKind, Coded, Command, Content, Disposition, For, Inbound,
    Msisdn, Number, Outcome, Outgoing, Part, Pii, Presence, Refusal, Retry, Submission, User,
};

use crate::world::*;

pub(crate) const RCS: ChannelId = ChannelId(4);

/// RCS that may keep a message for ever, unless a test says otherwise.
pub(crate) fn rcs_policy(change: impl FnOnce(&mut engine::ChannelPolicy)) -> engine::Policy {
    let mut policy = policy();
    let mut rcs = engine::ChannelPolicy::new(RCS, "rcs", ChannelKind::Rcs);
    rcs.leg_wait = None;
    change(&mut rcs);
    policy.channels.push(rcs);
    policy
}

pub(crate) fn world_with(policy: engine::Policy) -> World {
    let mut world = World::new();
    world.core.set_policy(Arc::new(policy));
    world.take(Inbound::Room { channel: RCS, room: 10 });
    world
}

fn world() -> World {
    world_with(rcs_policy(|_| {}))
}

pub(crate) fn restarted(world: &World, policy: engine::Policy) -> World {
    let mut world = world.restarted_with(policy);
    world.take(Inbound::Room { channel: RCS, room: 10 });
    world
}

pub(crate) fn says(world: &mut World, number: &str, presence: impl Fn(model::Timestamp) -> Presence) {
    let until = world.now + Duration::from_secs(3_600);
    let number = Pii::new(Number::written(number));
    world.take(Inbound::Presence { channel: RCS, number, presence: presence(until) });
}

pub(crate) fn here(world: &mut World) {
    says(world, "+821012345678", |until| Presence::Here { until });
}

pub(crate) fn away() -> Outcome {
    Outcome::Refused(Refusal::theirs(Cause::Unreachable, Retry::WhenReachable, 480))
}

fn from_smsc() -> Submission {
    Submission { origin: SMSC, ..text("01099998888", "01012345678", "hello") }
}

#[test]
fn a_number_known_on_rcs_is_reached_there_first_whoever_writes() {
    let mut world = world();
    world.accepted(hello());
    assert_eq!(world.handed_message().0, SMSC, "nobody has said anything yet");
    here(&mut world);
    world.accepted(hello());
    assert_eq!(world.handed_message().0, RCS);
    world.accepted(Submission { origin: RCS, ..hello() });
    assert_eq!(world.handed_message().0, RCS, "two people with RCS write to each other");
    says(&mut world, "01012345678", |until| Presence::Nobody { until });
    world.accepted(hello());
    assert_eq!(world.handed_message().0, SMSC);
}

#[test]
fn what_came_from_an_smsc_is_not_sent_back_to_it() {
    let mut world = world();
    here(&mut world);
    let id = world.accepted(from_smsc());
    let (channel, attempt) = world.handed_message();
    assert_eq!(channel, RCS);
    let refusal = Refusal::theirs(Cause::UnknownSubscriber, Retry::OtherRoute, 404);
    world.outcome(attempt, Outcome::Refused(refusal));
    assert_eq!(world.finals(), [(id, Disposition::Undeliverable)]);
}

#[test]
fn segments_are_joined_and_octets_for_a_machine_stay_sms() {
    let mut world = world();
    here(&mut world);
    for number in [2, 1] {
        let part = Some(Part { reference: 9, total: 2, number });
        let octets = if number == 1 { "Hel" } else { "lo" }.into();
        let content = Content::Coded(Coded { data_coding: 0, udhi: false, octets });
        world.accepted(Submission { part, content, ..from_smsc() });
    }
    let (channel, Outgoing::Message(whole)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, &whole.submission.content), (RCS, &Content::Text("Hello".into())));
    let content = Content::Coded(Coded { data_coding: 4, udhi: false, octets: vec![1, 2].into() });
    world.accepted(Submission { content, ..hello() });
    assert_eq!(world.handed_message().0, SMSC);
}

#[test]
fn octets_for_a_machine_reach_a_handset_as_they_are_and_not_joined() {
    let mut world = world();
    says(&mut world, "01012345678", |until| Presence::Handset { until });
    let segment = |number| {
        let octets = vec![0, number, 0xFF].into();
        let content = Content::Coded(Coded { data_coding: 4, udhi: false, octets });
        Submission { part: Some(Part { reference: 9, total: 2, number }), content, ..from_smsc() }
    };
    for number in [1, 2] {
        world.accepted(segment(number));
        let (channel, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
        assert_eq!((channel, &message.submission.content), (RCS, &segment(number).content));
    }
    // After a restart as before it.
    world.accepted(segment(3));
    let mut world = restarted(&world, rcs_policy(|_| {}));
    let (channel, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, &message.submission.content), (RCS, &segment(1).content));
    // What people read is text there too.
    world.accepted(hello());
    assert!(matches!(world.handed_message(), (RCS, _)));
}

#[test]
fn a_code_does_not_wait_for_a_phone_that_is_away() {
    let mut world = world();
    says(&mut world, "01012345678", |until| Presence::Away { until });
    world.accepted(Submission { class: model::Class::OneTimePassword, ..hello() });
    assert_eq!(world.handed_message().0, SMSC);
    world.accepted(hello());
    assert_eq!(world.handed_message().0, RCS);
}

#[test]
fn who_is_away_gets_everything_in_order_when_they_come() {
    let mut world = world();
    here(&mut world);
    let first = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, away());
    let second = world.accepted(hello());
    assert!(world.handed.is_empty(), "nothing is tried while they are away");
    world.pass(3_000);
    assert!(world.handed.is_empty());
    here(&mut world);
    for expected in [first, second] {
        let (_, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
        assert_eq!(message.message, expected);
    }
    assert_eq!(world.core.footprint().absent, 0);
}

#[test]
fn somebody_else_who_comes_changes_nothing() {
    let mut world = world();
    here(&mut world);
    world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, away());
    says(&mut world, "01000000000", |until| Presence::Here { until });
    assert!(world.handed.is_empty());
    // The channel may have forgotten to say something.
    world.pass(24_000);
    assert_eq!(world.handed_message().0, RCS);
}

#[test]
fn after_a_restart_whoever_was_away_is_asked_again_and_routes_are_the_same() {
    let mut world = world();
    here(&mut world);
    let waiting = world.accepted(hello());
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, away());
    let facts: Vec<_> = world.batches.iter().flat_map(|batch| batch.facts.clone()).collect();
    let mut world = restarted(&world, rcs_policy(|_| {}));
    for change in facts {
        let (kind, key, expires_at) = (change.kind, change.key, change.expires_at);
        let value = change.value.expect("kept");
        world.core.recover_fact(&engine::journal::Fact { kind, key, value, expires_at });
    }
    let (channel, Outgoing::Message(again)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, again.message), (RCS, waiting));
    world.accepted(hello());
    assert_eq!(world.handed_message().0, RCS);
}

#[test]
fn a_message_that_waits_for_somebody_can_be_cancelled_and_expires() {
    let mut world = world();
    here(&mut world);
    let expires_at = Some(world.now + Duration::from_secs(600));
    let cancelled = world.accepted(Submission { expires_at, ..hello() });
    let (_, attempt) = world.handed_message();
    world.outcome(attempt, away());
    let expired = world.accepted(Submission { expires_at, ..hello() });
    assert_eq!(world.core.footprint().absent, 2);
    let command = Command::Cancel { origin: ESME, message: cancelled };
    world.take(Inbound::Command { command, ticket: ticket() });
    assert_eq!(world.answers.pop(), Some(Answer::Done));
    world.pass(601);
    let ends = [(cancelled, Disposition::Cancelled), (expired, Disposition::Expired)];
    assert_eq!(world.finals(), ends);
    assert_eq!(world.core.footprint().absent, 0);
}

#[test]
fn whoever_took_one_is_there_for_the_others() {
    let mut world = world();
    here(&mut world);
    world.accepted(hello());
    let (_, early) = world.handed_message();
    world.accepted(hello());
    let (_, late) = world.handed_message();
    world.outcome(early, away());
    world.outcome(late, sent("m2"));
    let (channel, Outgoing::Message(again)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, again.possible_duplicate), (RCS, false));
}

/// Everything that waits for somebody who is away, with these limits.
fn waiting(change: impl FnOnce(&mut engine::Limits), count: usize) -> (World, Vec<model::MessageId>) {
    let mut policy = rcs_policy(|_| {});
    change(&mut policy.limits);
    let mut world = world_with(policy);
    here(&mut world);
    let messages: Vec<_> = (0..count).map(|_| world.accepted(hello())).collect();
    for _ in 0..count {
        let (_, attempt) = world.handed_message();
        world.outcome(attempt, away());
    }
    (world, messages)
}

fn handed_over(world: &mut World) -> Vec<model::MessageId> {
    let handed = std::mem::take(&mut world.handed).into_iter();
    handed
        .map(|item| match item {
            (RCS, Outgoing::Message(message)) => message.message,
            (channel, other) => panic!("{other:?} to {channel:?}"),
        })
        .collect()
}

#[test]
fn beyond_the_limit_the_clock_asks_instead_of_the_phone() {
    let (mut world, messages) = waiting(|limits| limits.absent_max = 1, 2);
    let footprint = world.core.footprint();
    assert_eq!((footprint.absent, footprint.due), (1, 1));
    world.pass(24_000);
    let mut handed = handed_over(&mut world);
    handed.sort_unstable();
    assert_eq!(handed, messages);
}

#[test]
fn what_is_put_off_by_its_sender_does_not_go_when_somebody_comes() {
    let (mut world, messages) = waiting(|_| {}, 2);
    let scheduled_at = Some(world.now + Duration::from_secs(600));
    let content = Content::Text("other".into());
    let command =
        Command::Replace { origin: ESME, message: messages[0], content, scheduled_at, expires_at: None };
    world.take(Inbound::Command { command, ticket: ticket() });
    assert_eq!(world.answers.pop(), Some(Answer::Done));
    here(&mut world);
    assert_eq!(handed_over(&mut world), messages[1..]);
    assert_eq!(world.core.footprint().absent, 0);
    world.pass(599);
    assert_eq!(handed_over(&mut world), []);
    world.pass(1);
    assert_eq!(handed_over(&mut world), messages[..1]);
}

#[test]
fn what_was_spilled_meanwhile_is_read_back_when_they_come() {
    let (mut world, messages) = waiting(|limits| limits.hot_max = 0, 3);
    assert_eq!((world.core.footprint().absent, world.core.footprint().hot), (3, 0));
    here(&mut world);
    assert_eq!(handed_over(&mut world), []);
    while world.read_back() > 0 {}
    assert_eq!(handed_over(&mut world), messages);
}

#[test]
fn who_comes_while_the_channel_is_down_gets_it_when_it_is_up() {
    let mut world = world();
    here(&mut world);
    // There is no other way for it.
    let messages: Vec<_> = (0..2).map(|_| world.accepted(from_smsc())).collect();
    for _ in 0..2 {
        let (_, attempt) = world.handed_message();
        world.outcome(attempt, away());
    }
    world.take(Inbound::Room { channel: RCS, room: 0 });
    // Seed 3,631,208: and before what was sent meanwhile.
    let younger = world.accepted(from_smsc());
    here(&mut world);
    assert_eq!(handed_over(&mut world), []);
    world.take(Inbound::Room { channel: RCS, room: 10 });
    assert_eq!(handed_over(&mut world), [messages, vec![younger]].concat());
    assert_eq!(world.core.footprint().absent, 0);
}

pub(crate) fn group() -> Pii<Address> {
    Pii::new(Address::User(User { messenger: "rcs".into(), id: "g01".into() }))
}

pub(crate) fn with_groups() -> World {
    world_with(rcs_policy(|rcs| rcs.pool = vec![Msisdn::from_u64(827_000_009)]))
}

/// Rcs sheet §13.3: one number for a group and a phone.
#[test]
fn a_phone_hears_a_group_from_a_number_and_answers_to_it() {
    let mut world = with_groups();
    world.accepted(Submission { origin: RCS, from: group(), ..text("0", "01012345678", "Mina: hi") });
    let (channel, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!(channel, SMSC);
    let lent = Address::Number(Number::international(Msisdn::from_u64(827_000_009)));
    assert_eq!(message.from.map(|from| from.into_inner(For::Decision)), Some(lent));

    for origin in [SMSC, RCS] {
        world.accepted(Submission { origin, ..text("01012345678", "+827000009", "I come") });
        let (channel, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
        assert_eq!((channel, message.to), (RCS, Some(group())), "{origin:?}");
        let gone = Refusal::theirs(Cause::UnknownSubscriber, Retry::OtherRoute, 404);
        world.outcome(message.attempt, Outcome::Refused(gone));
        let others = world.handed.drain(..).filter(|(_, one)| matches!(one, Outgoing::Message(_)));
        assert_eq!(others.count(), 0, "to nobody else");
    }
    // From somebody to whom the number was not lent, it means nothing.
    world.accepted(Submission { origin: SMSC, ..text("01099998888", "+827000009", "who is this?") });
}

#[test]
fn a_messenger_user_with_a_number_writes_to_a_group_by_its_name() {
    let mut world = with_groups();
    let number = Pii::new(Number::written("01012345678"));
    let start = Command::LinkStart { origin: TICTOC, user: "u1".into(), number, link: 9, code: 7 };
    world.take(Inbound::Command { command: start, ticket: ticket() });
    let verify = Command::LinkVerify { origin: TICTOC, link: 9, code: 7 };
    world.take(Inbound::Command { command: verify, ticket: ticket() });
    world.handed.clear();
    world.answers.clear();
    let u1 = || Pii::new(Address::User(User { messenger: "tictoc".into(), id: "u1".into() }));

    world.accepted(Submission { origin: RCS, from: group(), ..text("0", "01012345678", "Mina: hi") });
    let (channel, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, message.to), (TICTOC, Some(u1())));
    assert_eq!(message.submission.from, group(), "a messenger knows it by its name");

    world.accepted(Submission { origin: TICTOC, from: u1(), to: group(), ..hello() });
    let (channel, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!(channel, RCS);
    let shown = message.from.map(|from| from.into_inner(For::Decision));
    assert_eq!(shown, Some(Address::Number(Number::international(Msisdn::from_u64(821_012_345_678)))));
    assert_eq!(message.submission.to, group());

    let unknown = Submission {
        to: Pii::new(Address::User(User { messenger: "rsc".into(), id: "g01".into() })),
        ..hello()
    };
    assert_eq!(world.submit(unknown), Answer::Refused(Refusal::ours(Cause::NoRoute)));
}

#[test]
fn without_a_number_to_lend_a_group_reaches_no_phone() {
    let mut world = world();
    let submission = Submission { origin: RCS, from: group(), ..text("0", "01012345678", "Mina: hi") };
    assert_eq!(world.submit(submission), Answer::Refused(Refusal::ours(Cause::BadSender)));
}
