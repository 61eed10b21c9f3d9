//! Sessions that we open (rcs sheet §6, §8.1–§8.3).

use model::{AttemptId, Cause, Inbound, Outcome, Retry};
use sip_message::{Method, Name, Request};
use sip_rcs::Cpim;
use sip_transaction::Flow;

use crate::{
    chat::world_with,
    handset::{Handset, attribute, cpim, next, reason},
    world::{MINA, PHONE, World, handset},
};

/// A device that takes messages in chats only.
const CHATS: &str = "oma.cpm.session";
/// One that takes large messages.
const LARGE: &str = "oma.cpm.largemsg\"";

/// A world in which Mina's handset said that it can do that.
fn world(service: &str) -> (World, Handset) {
    let (mut world, mina) = world_with(|_| {});
    let contact = match service {
        CHATS => {
            "<sip:mina@127.0.0.1:6001>;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\""
        }
        _ => "<sip:mina@127.0.0.1:6001>;+g.gsma.rcs.cpm.pager-large",
    };
    assert_eq!(world.register(handset(), MINA, contact, "Expires: 600").status, 200);
    world.settle();
    (world, mina)
}

fn long() -> String {
    "가나".repeat(1_000)
}

/// A message that makes us call.
fn called(service: &str) -> (World, Handset, AttemptId, Flow, Request) {
    let (mut world, mina) = world(service);
    let words = if service == CHATS { "hi".to_owned() } else { long() };
    let attempt = world.text_to(MINA, &words);
    let (flow, request) = world.sent_request();
    assert_eq!(request.method, Method::INVITE, "a session first");
    (world, mina, attempt, flow, request)
}

fn refused(world: &mut World, attempt: AttemptId) -> (Cause, Retry) {
    match world.outcome() {
        (of, Outcome::Refused(refusal)) => {
            assert_eq!(of, attempt);
            (refusal.cause, refusal.retry)
        }
        other => panic!("refused, not {other:?}"),
    }
}

#[test]
fn a_message_too_large_for_a_message_goes_in_a_session_of_its_own() {
    let (mut world, mut mina, attempt, flow, invite) = called(LARGE);
    assert_eq!(invite.uri.as_str(), "sip:mina@127.0.0.1:6001");
    assert!(invite.headers.text(Name::AcceptContact).unwrap().contains("oma.cpm.largemsg"));
    assert_eq!(invite.headers.text(Name::SessionExpires), Some("1800"));
    assert!(invite.headers.contains(Name::Contact) && invite.headers.contains(Name::ConversationId));
    let offer = String::from_utf8_lossy(&invite.body).into_owned();
    assert!(offer.contains("a=sendonly") && offer.contains("m=message 2855 TCP/MSRP *"), "{offer}");
    assert!(attribute(&offer, "accept-types").unwrap().contains("message/cpim"));
    mina.take(&mut world, flow, &invite, "a=setup:active\r\na=recvonly\r\na=max-size:1000000\r\n");
    assert_eq!(next(&mut world, &Method::ACK).to_tag(), Some("device"));
    world.quiet();
    mina.answers = None;
    mina.come(&mut world, &invite);
    let (question, content_type, body) = mina.delivered().expect("all of it");
    assert_eq!(content_type, "message/cpim");
    assert_eq!(&Cpim::read(body).unwrap().content()[..], long().as_bytes());
    world.quiet();
    let now = world.now_us;
    mina.act(&mut world, |endpoint, out| {
        endpoint.answer(now, [(question, sip_msrp::Answer::Taken)], out);
    });
    assert!(matches!(world.outcome(), (of, Outcome::Sent(_)) if of == attempt));
    // That was all.
    let bye = next(&mut world, &Method::BYE);
    assert!(reason(&bye).unwrap().contains("cause=200"));
    world.reply(flow, &bye, 200, &[]);
    world.quiet();
}

#[test]
fn a_small_message_to_such_a_device_is_a_message() {
    let (mut world, _mina) = world(LARGE);
    world.text_to(MINA, "hi");
    assert_eq!(world.sent_request().1.method, Method::MESSAGE);
}

#[test]
fn a_device_that_only_chats_is_invited_and_the_chat_stays() {
    let (mut world, mut mina, attempt, flow, invite) = called(CHATS);
    assert!(invite.headers.text(Name::AcceptContact).unwrap().contains("oma.cpm.session"));
    mina.take(&mut world, flow, &invite, "a=setup:active\r\n");
    next(&mut world, &Method::ACK);
    let session = mina.come(&mut world, &invite);
    assert_eq!(mina.delivered().map(|(_, kind, _)| kind).as_deref(), Some("message/cpim"));
    assert!(matches!(world.outcome(), (of, Outcome::Sent(_)) if of == attempt));
    // The next one follows in it, and so does what the device says.
    let attempt = world.text_to(MINA, "again");
    mina.exchange(&mut world);
    assert!(mina.delivered().is_some());
    assert!(matches!(world.outcome(), (of, Outcome::Sent(_)) if of == attempt));
    mina.say(&mut world, session, "m001", "message/cpim", &cpim("Msg1", "hello"));
    let (submission, _) = world.submission();
    assert_eq!(submission.to, crate::world::number(PHONE));
    assert_eq!(submission.from, crate::world::number(MINA));
    world.quiet();
}

#[test]
fn a_lost_ack_is_sent_again_with_each_copy_of_the_answer() {
    let (mut world, mina, _, flow, invite) = called(CHATS);
    mina.take(&mut world, flow, &invite, "a=setup:active\r\n");
    next(&mut world, &Method::ACK);
    mina.take(&mut world, flow, &invite, "a=setup:active\r\n");
    next(&mut world, &Method::ACK);
    world.quiet();
}

/// §8.2.
#[test]
fn answers_to_invitations_have_their_consequences() {
    for (status, cause, retry) in [
        (480, Cause::Unreachable, Retry::WhenReachable),
        (404, Cause::UnknownSubscriber, Retry::OtherRoute),
        (403, Cause::NetworkRefused, Retry::Never),
        (603, Cause::NetworkRefused, Retry::Never),
        (500, Cause::NetworkFailure, Retry::Scheduled),
    ] {
        let (mut world, _, attempt, flow, invite) = called(LARGE);
        world.reply(flow, &invite, status, &[]);
        next(&mut world, &Method::ACK);
        assert_eq!(refused(&mut world, attempt), (cause, retry), "{status}");
        world.quiet();
    }
    for status in [486, 488, 405, 606] {
        let (mut world, _, attempt, flow, invite) = called(LARGE);
        world.reply(flow, &invite, status, &[]);
        next(&mut world, &Method::ACK);
        let (flow, request) = world.sent_request();
        assert_eq!(request.method, Method::MESSAGE, "{status}: no session, so a MESSAGE");
        world.reply(flow, &request, 200, &[]);
        assert!(matches!(world.outcome(), (of, Outcome::Sent(_)) if of == attempt));
    }
    // One that only chats takes no MESSAGE either.
    let (mut world, _, attempt, flow, invite) = called(CHATS);
    world.reply(flow, &invite, 488, &[]);
    next(&mut world, &Method::ACK);
    assert_eq!(refused(&mut world, attempt), (Cause::Unencodable, Retry::OtherRoute));
}

#[test]
fn nobody_who_never_answered_an_invitation_has_the_message() {
    let (mut world, _, attempt, ..) = called(CHATS);
    world.pass(33);
    assert_eq!(refused(&mut world, attempt), (Cause::Unreachable, Retry::WhenReachable));
}

/// §8.2: while it rings the message waits, but not for ever.
#[test]
fn an_invitation_that_rings_for_long_is_taken_back() {
    let (mut world, mina, attempt, flow, invite) = called(CHATS);
    world.reply(flow, &invite, 180, &[]);
    world.pass(39);
    world.quiet();
    world.pass(1);
    assert_eq!(refused(&mut world, attempt), (Cause::Unreachable, Retry::WhenReachable));
    let cancel = next(&mut world, &Method::CANCEL);
    assert_eq!(cancel.headers.text(Name::Via), invite.headers.text(Name::Via));
    // Too late: it was taken at the same moment.
    mina.take(&mut world, flow, &invite, "a=setup:active\r\n");
    next(&mut world, &Method::ACK);
    assert_eq!(reason(&next(&mut world, &Method::BYE)), None);
    assert!(world.inbound.is_empty());
}

/// §8.3: both invite each other.
#[test]
fn an_invitation_that_crosses_ours_takes_its_place() {
    let (mut world, mut mina, attempt, flow, invite) = called(CHATS);
    world.reply(flow, &invite, 180, &[]);
    let call = mina.chat(&mut world, MINA, PHONE);
    next(&mut world, &Method::CANCEL);
    assert!(mina.delivered().is_some(), "said in the other session");
    assert!(matches!(world.outcome(), (of, Outcome::Sent(_)) if of == attempt));
    world.reply(flow, &invite, 487, &[]);
    next(&mut world, &Method::ACK);
    world.quiet();
    mina.say(&mut world, call.session, "m001", "message/cpim", &cpim("Msg1", "hello"));
    world.submission();
}

#[test]
fn an_answer_that_is_none_ends_the_session_and_the_message_goes_as_a_message() {
    let (mut world, _, attempt, flow, invite) = called(LARGE);
    let mut ok = invite.response(sip_message::StatusCode::OK, Some("device"));
    ok.headers.push(Name::Contact, "<sip:mina@127.0.0.1:6001>");
    world.octets(flow, ok.to_bytes());
    next(&mut world, &Method::ACK);
    assert!(reason(&next(&mut world, &Method::BYE)).unwrap().contains("488"));
    let (flow, request) = world.sent_request();
    assert_eq!(request.method, Method::MESSAGE);
    world.reply(flow, &request, 200, &[]);
    assert!(matches!(world.outcome(), (of, Outcome::Sent(_)) if of == attempt));
}

/// §6: the device takes less than that.
#[test]
fn a_large_message_that_the_answer_has_no_room_for_goes_as_a_message() {
    let (mut world, mina, _, flow, invite) = called(LARGE);
    mina.take(&mut world, flow, &invite, "a=setup:active\r\na=recvonly\r\na=max-size:2000\r\n");
    next(&mut world, &Method::ACK);
    next(&mut world, &Method::BYE);
    assert_eq!(world.sent_request().1.method, Method::MESSAGE);
}

#[test]
fn a_stop_takes_invitations_back_and_loses_nothing() {
    let (mut world, _, attempt, flow, invite) = called(CHATS);
    world.reply(flow, &invite, 180, &[]);
    world.core.drain(world.now_us);
    world.collect();
    assert!(matches!(world.inbound.pop_front(), Some(Inbound::Room { room: 0, .. })));
    next(&mut world, &Method::CANCEL);
    let (flow, request) = world.sent_request();
    assert_eq!(request.method, Method::MESSAGE, "it takes one, or says no");
    world.reply(flow, &request, 405, &[]);
    assert_eq!(refused(&mut world, attempt), (Cause::Unencodable, Retry::OtherRoute));
}

#[test]
fn a_session_that_ended_before_its_message_was_taken_is_not_opened_again() {
    let (mut world, mut mina, attempt, flow, invite) = called(LARGE);
    mina.take(&mut world, flow, &invite, "a=setup:active\r\na=recvonly\r\n");
    next(&mut world, &Method::ACK);
    mina.answers = None;
    mina.come(&mut world, &invite);
    assert!(mina.delivered().is_some());
    let header = |name| invite.headers.text(name).expect("it is there").to_owned();
    let bye = format!(
        "BYE sip:127.0.0.1:5060
         From: {};tag=device
         To: {}
         Call-ID: {}
         CSeq: 1 BYE",
        header(Name::To),
        header(Name::From),
        header(Name::CallId)
    );
    world.request(flow, &bye, b"");
    let (flow, request) = world.sent_request_after_responses();
    assert_eq!(request.method, Method::MESSAGE);
    world.reply(flow, &request, 480, &[]);
    let (of, outcome) = world.outcome();
    assert_eq!((of, outcome), (attempt, Outcome::Unknown), "the device may have all of it");
}
