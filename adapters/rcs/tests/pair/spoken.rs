//! What we say in sessions that devices opened (rcs sheet §7.2, §8.1, §8.3).

use bytes::Bytes;
use model::{
    Answer as Stored, AttemptId, Cause, Disposition, Outcome, Outgoing, Report, Retry, Signal, SignalKind,
    Timestamp,
};
use sip_message::{Message, Method, Request};
use sip_msrp::{Action, Answer, Status};
use sip_rcs::{Cpim, imdn, mime::Kind};

use crate::{
    chat::{chat, world, world_with},
    handset::{Call, Handset, cpim, next},
    world::{MINA, PHONE, World, handset, number, text},
};

/// A message that Mina's device heard in its session.
fn heard(mina: &mut Handset, world: &mut World) -> Cpim {
    mina.exchange(world);
    let (_, content_type, body) = mina.delivered().expect("something is said");
    assert_eq!(content_type, "message/cpim");
    Cpim::read(body).expect("readable")
}

fn id_of(body: Bytes) -> String {
    let cpim = Cpim::read(body).expect("readable");
    cpim.message_id().expect("an id").to_owned()
}

fn words(request: &Request) -> (String, String) {
    let cpim = Cpim::read(request.body.clone()).expect("CPIM");
    let id = cpim.message_id().expect("an id").to_owned();
    (String::from_utf8_lossy(cpim.content()).into_owned(), id)
}

/// The one MESSAGE that left, among its copies and other requests.
fn one_message(world: &mut World) -> Request {
    let mut messages = world.sent.drain(..).filter_map(|(_, message)| match message {
        Message::Request(request) if request.method == Method::MESSAGE => Some(request),
        _ => None,
    });
    let one = messages.next().expect("a MESSAGE");
    assert!(messages.all(|copy| copy.call_id() == one.call_id()), "copies of it alone");
    one
}

/// The device answers what it hears with that.
fn answer(world: &mut World, mina: &mut Handset, of: Answer) -> Cpim {
    mina.exchange(world);
    let (question, _, body) = mina.delivered().expect("something is said");
    let now = world.now_us;
    mina.act(world, |endpoint, out| endpoint.answer(now, [(question, of)], out));
    Cpim::read(body).expect("readable")
}

fn silent_chat() -> (World, Handset, Call) {
    let (world, mut mina, call) = chat();
    mina.answers = None;
    (world, mina, call)
}

#[test]
fn a_message_goes_by_the_session_and_is_sent_when_the_device_has_answered() {
    let (mut world, mut mina, _call) = silent_chat();
    let attempt = world.text_to(MINA, "hello");
    world.quiet();
    let said = answer(&mut world, &mut mina, Answer::Taken);
    assert_eq!(said.content().as_ref(), b"hello");
    let (told, outcome) = world.outcome();
    assert_eq!(told, attempt);
    let Outcome::Sent(ids) = outcome else { panic!("{outcome:?}") };
    assert_eq!(said.message_id(), Some(ids[0].0.as_str()), "by this the notification finds it");
    assert!(imdn::Requested::of(&said).contains(imdn::Requested::POSITIVE_DELIVERY));
    world.quiet();
}

#[test]
fn messages_of_a_session_keep_their_order() {
    let (mut world, mut mina, _call) = chat();
    for words in ["one", "two", "three"] {
        world.text_to(MINA, words);
    }
    for words in ["one", "two", "three"] {
        assert_eq!(heard(&mut mina, &mut world).content().as_ref(), words.as_bytes());
        assert!(matches!(world.outcome().1, Outcome::Sent(_)));
    }
    world.quiet();
}

#[test]
fn who_has_no_session_with_the_sender_gets_a_message() {
    let (mut world, _mina, _call) = chat();
    let message = world.outgoing(text("+821099997777", MINA, "from somebody else"));
    world.hand_over(Outgoing::Message(message));
    assert_eq!(words(&next(&mut world, &Method::MESSAGE)).0, "from somebody else");
    // A session that is agreed on and has no connection yet is of no use.
    let (mut world, mut mina) = world_with(|_| {});
    let sdp = mina.sdp("a=setup:active\r\n");
    let ok = mina.invite(&mut world, MINA, PHONE, &sdp);
    mina.ack(&mut world, &ok, 1, MINA, PHONE);
    world.settle();
    world.text_to(MINA, "hello");
    assert_eq!(words(&next(&mut world, &Method::MESSAGE)).0, "hello");
    world.quiet();
}

/// Every device of somebody gets it, each in its own way.
#[test]
fn another_device_of_the_same_person_gets_a_message() {
    let (mut world, mut mina, _call) = chat();
    let tablet = crate::world::udp("127.0.0.1:6002");
    assert_eq!(world.register(tablet, MINA, "<sip:mina@127.0.0.1:6002>", "Expires: 600").status, 200);
    world.settle();
    world.text_to(MINA, "to both");
    let (flow, request) = world.sent_request();
    assert_eq!((flow.remote, words(&request).0.as_str()), (tablet.remote, "to both"));
    assert_eq!(heard(&mut mina, &mut world).message_id(), Some(words(&request).1.as_str()), "one message");
    assert!(matches!(world.outcome().1, Outcome::Sent(_)), "the first answer counts");
    world.reply(tablet, &request, 200, &[]);
    world.quiet();
}

/// Rcs sheet §8.1: content that is not in the lists is not sent there.
#[test]
fn content_that_the_session_does_not_take_goes_by_message() {
    let (mut world, mut mina) = world();
    mina.wrapped = "message/imdn+xml";
    mina.chat(&mut world, MINA, PHONE);
    world.settle();
    world.text_to(MINA, "hello");
    assert_eq!(words(&next(&mut world, &Method::MESSAGE)).0, "hello");
    // A device that only speaks is not spoken to.
    let (mut world, mut mina) = world_with(|_| {});
    let sdp = mina.sdp("a=setup:active\r\na=sendonly\r\n");
    let ok = mina.invite(&mut world, MINA, PHONE, &sdp);
    mina.ack(&mut world, &ok, 1, MINA, PHONE);
    mina.connect(&mut world, &ok, 1);
    world.settle();
    world.text_to(MINA, "hello");
    assert_eq!(words(&next(&mut world, &Method::MESSAGE)).0, "hello");
}

#[test]
fn a_refusal_in_a_session_is_the_devices_refusal() {
    let refused = |status| {
        let (mut world, mut mina, _call) = silent_chat();
        world.text_to(MINA, "hello");
        answer(&mut world, &mut mina, Answer::Refused(status));
        let outcome = world.outcome().1;
        world.quiet();
        let Outcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
        (refusal.cause, refusal.retry, refusal.code)
    };
    assert_eq!(refused(Status::FORBIDDEN), (Cause::NetworkRefused, Retry::Never, 403));
    assert_eq!(refused(Status::STOP_SENDING), (Cause::TooLong, Retry::OtherRoute, 413));
    assert_eq!(refused(Status::MEDIA_TYPE), (Cause::Unencodable, Retry::OtherRoute, 415));
}

/// Nothing is lost with a session: without a 200 of MSRP it counts as unsent, and goes under the same id (§8.3).
fn goes_by_message(end: impl FnOnce(&mut World, &mut Handset, &Call)) -> (World, Handset) {
    let (mut world, mut mina, call) = silent_chat();
    let attempt = world.text_to(MINA, "hello");
    mina.exchange(&mut world);
    let (_, _, body) = mina.delivered().expect("said");
    let id = id_of(body);
    world.quiet();
    end(&mut world, &mut mina, &call);
    let request = one_message(&mut world);
    assert_eq!(words(&request), ("hello".into(), id));
    assert!(world.inbound.is_empty(), "{:?}", world.inbound);
    world.reply(handset(), &request, 200, &[]);
    let (told, outcome) = world.outcome();
    assert!(told == attempt && matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    world.quiet();
    (world, mina)
}

#[test]
fn what_a_session_leaves_behind_when_it_is_ended_goes_by_message() {
    goes_by_message(|world, mina, call| {
        world.request(mina.flow, &mina.within("BYE", &call.ok, call.call, 2, MINA, PHONE), b"");
    });
}

#[test]
fn what_a_session_leaves_behind_when_its_connection_is_lost_goes_by_message() {
    goes_by_message(|world, mina, _call| {
        mina.lose(world);
        world.pass(9);
        world.quiet();
        world.pass(2);
    });
}

#[test]
fn what_nobody_answers_in_a_session_goes_by_message() {
    let (mut world, _mina) = goes_by_message(|world, _mina, _call| world.pass(31));
    // The session still stands: the next one tries it again.
    world.text_to(MINA, "again");
    world.quiet();
}

#[test]
fn what_the_device_has_in_no_session_goes_by_message() {
    for status in [Status::NO_SESSION, Status::ON_ANOTHER_CONNECTION] {
        let (mut world, mut mina, _call) = silent_chat();
        world.text_to(MINA, "hello");
        answer(&mut world, &mut mina, Answer::Refused(status));
        assert_eq!(words(&next(&mut world, &Method::MESSAGE)).0, "hello");
        assert_eq!(next(&mut world, &Method::BYE).to_tag(), Some("h1"), "there is no such session");
        world.quiet();
    }
}

/// What may have arrived is not said to be refused.
#[test]
fn what_may_have_arrived_and_cannot_be_sent_again_is_of_unknown_fate() {
    let (mut world, mut mina, _call) = silent_chat();
    world.text_to(MINA, "hello");
    mina.exchange(&mut world);
    world.pass(31);
    let request = one_message(&mut world);
    world.reply(handset(), &request, 480, &[]);
    assert_eq!(world.outcome().1, Outcome::Unknown);
    world.quiet();
}

/// §8.3: a device that lost its bearer opens a new session: what it did not answer in the old one it is told again.
#[test]
fn a_new_session_leaves_nothing_behind_in_the_old_one() {
    let (_world, _mina) = goes_by_message(|world, mina, _call| {
        mina.uri = mina.uri.replace("handset", "second");
        let sdp = mina.sdp("a=setup:active\r\n");
        assert_eq!(mina.invite(world, MINA, PHONE, &sdp).status, 200);
    });
}

/// A message of Mina's in her session, accepted, and a report about it.
fn reported(world: &mut World, mina: &mut Handset, call: &Call) -> AttemptId {
    mina.say(world, call.session, "m001", "message/cpim", &cpim("Msg1", "hello"));
    let (submission, ticket) = world.submission();
    let id = world.id();
    world.answer(ticket, Stored::Accepted(id));
    mina.exchange(world);
    assert!(matches!(mina.fate(), Some(Action::Sent { .. })));
    let attempt = AttemptId { slot: 5, generation: 1 };
    world.hand_over(Outgoing::Report(Report {
        attempt,
        message: id,
        submission,
        disposition: Disposition::Delivered,
        cause: None,
        code: None,
        at: Timestamp::ZERO,
        segments: 1,
        displayed: false,
        intermediate: false,
        via: None,
    }));
    attempt
}

/// §7.2: within the session while that lives.
#[test]
fn a_report_goes_by_the_session() {
    let (mut world, mut mina, call) = chat();
    let attempt = reported(&mut world, &mut mina, &call);
    let said = heard(&mut mina, &mut world);
    assert_eq!(said.kind(), Kind::Imdn);
    let read = imdn::read(said.content()).unwrap();
    assert_eq!((&*read[0].message_id, read[0].disposition), ("Msg1", imdn::Disposition::Delivered));
    let (told, outcome) = world.outcome();
    assert!(told == attempt && matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    world.quiet();
}

/// §8.1: a device that does not take notifications in its session gets them by MESSAGE; so does one whose session dies.
#[test]
fn a_report_that_the_session_does_not_take_goes_by_message() {
    let (mut world, mut mina) = world();
    mina.wrapped = "text/plain";
    let call = mina.chat(&mut world, MINA, PHONE);
    world.settle();
    reported(&mut world, &mut mina, &call);
    let request = next(&mut world, &Method::MESSAGE);
    assert_eq!(Cpim::read(request.body).unwrap().kind(), Kind::Imdn);
    let (mut world, mut mina, call) = silent_chat();
    let attempt = reported(&mut world, &mut mina, &call);
    mina.exchange(&mut world);
    let (_, _, body) = mina.delivered().expect("said");
    world.request(mina.flow, &mina.within("BYE", &call.ok, call.call, 2, MINA, PHONE), b"");
    assert_eq!(world.status(), 200);
    let request = next(&mut world, &Method::MESSAGE);
    assert_eq!(request.body, body, "the same notification");
    world.reply(handset(), &request, 200, &[]);
    let (told, outcome) = world.outcome();
    assert!(told == attempt && matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
    world.quiet();
}

/// §7.3: bare where that is taken; nobody is asked for an answer, and nothing is tried again.
#[test]
fn typing_is_said_in_the_session_and_forgotten() {
    let (mut world, mut mina, call) = silent_chat();
    let typing = |on| {
        Outgoing::Signal(Signal { from: number(PHONE), to: number(MINA), kind: SignalKind::Typing { on } })
    };
    world.hand_over(typing(true));
    mina.exchange(&mut world);
    let (_, content_type, body) = mina.delivered().expect("said");
    assert_eq!(content_type, "application/im-iscomposing+xml");
    assert!(sip_rcs::iscomposing::read(&body).unwrap().active);
    world.request(mina.flow, &mina.within("BYE", &call.ok, call.call, 2, MINA, PHONE), b"");
    assert_eq!(world.status(), 200);
    world.quiet();
}

/// Before the end everything that is under way goes another way, or is told.
#[test]
fn a_stop_loses_nothing_that_was_said() {
    let (mut world, mut mina, _call) = silent_chat();
    let attempt = world.text_to(MINA, "hello");
    mina.exchange(&mut world);
    world.core.drain(world.now_us);
    world.collect();
    world.inbound.clear();
    let request = one_message(&mut world);
    assert!(!world.core.is_idle());
    world.reply(handset(), &request, 200, &[]);
    assert_eq!(world.outcome().0, attempt);
    assert!(world.core.is_idle());
}
