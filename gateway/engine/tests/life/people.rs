//! Identities, segments, refusals, cancelling and replacing.

use std::sync::Arc;

use model::{
    Address, Answer, Cause, Class, Coded, Command, Content, Disposition, Inbound, Number, Outcome, Outgoing,
    Pii, ReceiptState, Refusal, Retry, Timestamp, UpstreamId,
};

use crate::world::*;

#[test]
fn idempotency_keys_give_the_same_message_and_refuse_another_body() {
    let mut world = World::new();
    let mut submission = hello();
    submission.idempotency_key = Some("k1".into());
    let id = world.accepted(submission.clone());
    assert_eq!(world.submit(submission.clone()), Answer::Duplicate(id));
    submission.content = Content::Text("other".into());
    assert_eq!(world.submit(submission), Answer::Refused(Refusal::ours(Cause::IdReuse)));
    assert_eq!(world.usage().len(), 1);
}

#[test]
fn a_messenger_user_without_a_number_writes_and_is_answered_through_the_pool() {
    let mut world = World::new();
    let mut from_user = hello();
    from_user.origin = TICTOC;
    from_user.from = Pii::new(Address::User(model::User { messenger: "tictoc".into(), id: "u77".into() }));
    world.accepted(from_user);
    let (_, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    let Some(Address::Number(shown)) = message.from.map(|from| from.into_inner(model::For::Decision)) else {
        panic!("a pool number")
    };
    assert!(shown.digits.starts_with("82700000"), "{}", shown.digits);
    let mut answer = text("01012345678", &format!("+{}", shown.digits), "yes");
    answer.origin = SMSC;
    world.accepted(answer);
    let (channel, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!(channel, TICTOC);
    let to = message.to.map(|to| to.into_inner(model::For::Decision));
    assert_eq!(to, Some(Address::User(model::User { messenger: "tictoc".into(), id: "u77".into() })));
}

#[test]
fn a_number_is_linked_by_a_code_and_unlinked_again() {
    let mut world = World::new();
    let number = Pii::new(Number::written("01012345678"));
    let start = Command::LinkStart { origin: TICTOC, user: "u1".into(), number, link: 9, code: 123_456 };
    world.take(Inbound::Command { command: start, ticket: ticket() });
    assert!(matches!(world.answers.pop(), Some(Answer::Link(_))));
    let (channel, Outgoing::Message(code)) = world.next_handed() else { panic!("the code") };
    assert_eq!(channel, SMSC);
    assert_eq!(code.submission.content, Content::Text("123456".into()));
    let verify = |code| Inbound::Command {
        command: Command::LinkVerify { origin: TICTOC, link: 9, code },
        ticket: ticket(),
    };
    world.take(verify(111_111));
    assert_eq!(world.answers.pop(), Some(Answer::Refused(Refusal::ours(Cause::WrongCode))));
    world.take(verify(123_456));
    let Some(Answer::Link(link)) = world.answers.pop() else { panic!("linked") };
    assert_eq!(link.epoch, Some(1));
    let mut to_linked = text("01099998888", "01012345678", "hi");
    to_linked.origin = SMSC;
    world.accepted(to_linked);
    assert_eq!(world.next_handed().0, TICTOC);
    world.take(Inbound::Command {
        command: Command::Unlink { origin: TICTOC, user: "u1".into() },
        ticket: ticket(),
    });
    assert_eq!(world.answers.pop(), Some(Answer::Done));
}

#[test]
fn segments_for_a_messenger_are_joined_and_each_is_metered() {
    let mut world = World::new();
    let start = Command::LinkStart {
        origin: TICTOC,
        user: "u1".into(),
        number: Pii::new(Number::written("01012345678")),
        link: 9,
        code: 1,
    };
    world.take(Inbound::Command { command: start, ticket: ticket() });
    world.take(Inbound::Command {
        command: Command::LinkVerify { origin: TICTOC, link: 9, code: 1 },
        ticket: ticket(),
    });
    world.handed.clear();
    world.answers.clear();
    let before = world.usage().len();
    for (number, octets) in [(2, "world"), (1, "hello "), (2, "world")] {
        let mut segment = text("01099998888", "01012345678", "");
        segment.origin = SMSC;
        segment.part = Some(model::Part { reference: 7, total: 2, number });
        segment.content = Content::Coded(Coded {
            data_coding: 0,
            udhi: true,
            octets: bytes::Bytes::from_static(octets.as_bytes()),
        });
        world.accepted(segment);
    }
    let (channel, Outgoing::Message(whole)) = world.next_handed() else { panic!("the whole") };
    assert_eq!(channel, TICTOC);
    assert_eq!(whole.submission.content, Content::Text("hello world".into()));
    assert_eq!(world.usage().len() - before, 3);
}

#[test]
fn a_refused_submission_leaves_nothing_behind() {
    let mut world = World::new();
    let unroutable = ["", "canary", "+82109988776699887766", "123456789012345678901"];
    for to in unroutable {
        assert_eq!(
            world.submit(text("15881234", to, "hello")),
            Answer::Refused(Refusal::ours(Cause::BadDestination))
        );
    }
    let cases = [{
        let mut late = hello();
        late.expires_at = Some(Timestamp::from_secs(1_799_999_999));
        (late, Cause::Expired)
    }];
    for (submission, cause) in cases {
        assert_eq!(world.submit(submission), Answer::Refused(Refusal::ours(cause)));
    }
    assert!(world.batches.is_empty());
    assert_eq!(world.core.open_messages(), 0);
}

#[test]
fn waiting_messages_can_be_cancelled_and_handed_ones_cannot() {
    let mut world = World::new();
    world.take(Inbound::Room { channel: SMSC, room: 1 });
    let first = world.accepted(hello());
    let second = world.accepted(hello());
    let cancel =
        |message| Inbound::Command { command: Command::Cancel { origin: ESME, message }, ticket: ticket() };
    world.take(cancel(first));
    assert_eq!(world.answers.pop(), Some(Answer::Refused(Refusal::ours(Cause::TooLate))));
    world.take(cancel(second));
    assert_eq!(world.answers.pop(), Some(Answer::Done));
    assert_eq!(world.finals(), [(second, Disposition::Cancelled)]);
}

#[test]
fn urgent_messages_go_before_campaigns() {
    let mut world = World::new();
    world.take(Inbound::Room { channel: SMSC, room: 0 });
    for _ in 0..3 {
        let mut bulk = hello();
        bulk.class = Class::Advertising;
        world.accepted(bulk);
    }
    let mut code = hello();
    code.class = Class::OneTimePassword;
    let code = world.accepted(code);
    world.take(Inbound::Room { channel: SMSC, room: 1 });
    let (_, Outgoing::Message(first)) = world.next_handed() else { panic!("a message") };
    assert_eq!(first.message, code);
}

#[test]
fn a_replaced_message_keeps_its_place_and_leaves_after_its_commit() {
    let mut world = World::new();
    world.take(Inbound::Room { channel: SMSC, room: 0 });
    let id = world.accepted(hello());
    world.core.take(world.now, replace(id, "other"));
    world.core.take(world.now, Inbound::Room { channel: SMSC, room: 5 });
    assert!(world.core.dispatch(world.now).is_empty(), "the new text is not durable yet");
    world.turn();
    let (_, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!(message.submission.content, Content::Text("other".into()));
}

#[test]
fn a_plan_through_a_messenger_reaches_the_phone_by_its_number_and_in_segments() {
    let mut world = World::new();
    linked(&mut world);
    let id = world.accepted(text("15881234", "01012345678", &"x".repeat(300)));
    let (channel, attempt) = world.handed_message();
    assert_eq!(channel, TICTOC);
    world.outcome(attempt, Outcome::Refused(Refusal::theirs(Cause::NetworkRefused, Retry::OtherRoute, 404)));
    let (channel, Outgoing::Message(message)) = world.next_handed() else { panic!("a message") };
    assert_eq!((channel, message.to.is_none()), (SMSC, true), "as the sender wrote it");
    assert_ne!(message.concat_ref, 0, "three segments that belong together");
    let ids = ["A", "B", "C"].map(|id| UpstreamId(id.into()));
    world.outcome(message.attempt, Outcome::Sent(ids.into_iter().collect()));
    world.receipt("A", ReceiptState::Delivered);
    assert!(!world.finals().contains(&(id, Disposition::Delivered)), "one of three");
    world.receipt("B", ReceiptState::Delivered);
    world.receipt("C", ReceiptState::Delivered);
    assert!(world.finals().contains(&(id, Disposition::Delivered)));
}

#[test]
fn what_is_replaced_before_its_acceptance_is_durable_stays_in_memory_until_both_are() {
    let mut world = World::new();
    let mut policy = policy();
    policy.limits.hot_max = 0;
    world.core.set_policy(Arc::new(policy));
    world.take(Inbound::Room { channel: SMSC, room: 1 });
    world.accepted(hello());
    let _fills_the_room = world.handed_message();
    world.core.take(world.now, Inbound::Submit { submission: Arc::new(hello()), ticket: ticket() });
    let accepting = world.core.seal(world.now).expect("the acceptance");
    let second = accepting.batch.first_accepted().expect("a message");
    world.core.take(world.now, replace(second, "other"));
    world.core.committed(accepting.release);
    let replacing = world.core.seal(world.now).expect("the replacement");
    world.core.committed(replacing.release);
    world.core.take(world.now, Inbound::Room { channel: SMSC, room: 2 });
    let handed = world.core.dispatch(world.now);
    assert!(world.core.wanted().is_empty(), "the store could only have given the text of before");
    let Outgoing::Message(message) = &handed[0].1[0] else { panic!("a message") };
    assert_eq!(message.submission.content, Content::Text("other".into()));
}
