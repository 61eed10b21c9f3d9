//! Sessions of messages that devices open (rcs sheet §8, §9).

use model::{Answer, Cause, Content, For, Inbound, ReceiptState, Refusal, SignalKind};
use rcs::settings::Secret;
use rcs::{
    Settings,
    settings::Msrp,
    translate::{Carried, Namer},
};
use sip_message::{Message, Method, Name};
use sip_msrp::{Action, Failure, Status};

use crate::{
    handset::{Call, GATEWAY, Handset, attribute, cpim, next, reason},
    world::{MINA, PHONE, World, handset, peer, settings, udp},
};

pub(crate) fn with_msrp() -> Settings {
    let at: std::net::SocketAddr = GATEWAY.parse().expect("an address");
    Settings { msrp: Some(Msrp::at(at.ip(), at.port())), ..settings() }
}

/// A world with Mina's handset registered, known by its address.
pub(crate) fn world() -> (World, Handset) {
    world_with(|_| {})
}

pub(crate) fn world_with(change: impl FnOnce(&mut Settings)) -> (World, Handset) {
    let mut of = with_msrp();
    of.trust.datagrams = true;
    change(&mut of);
    let mut world = World::with(of);
    world.mina();
    (world, Handset::new(handset(), 101))
}

pub(crate) fn chat() -> (World, Handset, Call) {
    let (mut world, mut mina) = world();
    let call = mina.chat(&mut world, MINA, PHONE);
    world.settle();
    (world, mina, call)
}

/// §8.2: at once, with what RFC 3264, RFC 4028 and RFC 3261 §12.1.1 want of the answer.
#[test]
fn an_invitation_is_accepted_at_once_with_an_answer_to_its_offer() {
    let (mut world, mut mina) = world();
    let sdp = mina.sdp("a=setup:actpass\r\n");
    let ok = mina.invite(&mut world, MINA, PHONE, &sdp);
    assert_eq!(ok.status, 200);
    assert!(ok.to_tag().is_some());
    assert!(ok.headers.text(Name::Contact).unwrap().starts_with("<sip:127.0.0.1:5060>;+g.3gpp.icsi-ref="));
    assert_eq!(ok.headers.text(Name::SessionExpires), Some("1800;refresher=uac"));
    assert_eq!(ok.headers.text(Name::ContentType), Some("application/sdp"));
    let sdp = String::from_utf8_lossy(&ok.body).into_owned();
    assert!(sdp.contains("m=message 2855 TCP/MSRP *"), "{sdp}");
    assert_eq!(attribute(&sdp, "setup"), Some("passive"));
    assert_eq!(attribute(&sdp, "accept-wrapped-types"), Some("*"));
    assert!(attribute(&sdp, "path").unwrap().starts_with("msrp://127.0.0.1:2855/"));
    assert_eq!(attribute(&sdp, "max-size"), Some("1048576"));
    world.quiet();
}

#[test]
fn an_answer_is_repeated_until_it_is_acknowledged() {
    let (mut world, mut mina) = world();
    let sdp = mina.sdp("a=setup:active\r\n");
    let ok = mina.invite(&mut world, MINA, PHONE, &sdp);
    world.pass(2);
    assert!(world.sent.len() >= 2, "copies");
    world.sent.clear();
    mina.ack(&mut world, &ok, 1, MINA, PHONE);
    world.pass(5);
    world.quiet();
}

#[test]
fn a_session_that_nobody_acknowledges_is_ended() {
    let (mut world, mut mina) = world();
    let sdp = mina.sdp("a=setup:active\r\n");
    let ok = mina.invite(&mut world, MINA, PHONE, &sdp);
    mina.connect(&mut world, &ok, 1);
    world.pass(31);
    assert!(world.sent.drain(..).all(|(_, copy)| matches!(copy, Message::Response(_))));
    world.pass(2);
    world.sent.retain(|(_, message)| matches!(message, Message::Request(_)));
    assert!(reason(&next(&mut world, &Method::BYE)).unwrap().contains("408"));
}

#[test]
fn bad_invitations_are_refused_with_the_right_words() {
    let (mut world, mut mina) = world();
    let good = mina.sdp("a=setup:active\r\n");
    let audio =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    let mut status = |world: &mut World, sdp: &str| mina.invite(world, MINA, PHONE, sdp).status.code();
    assert_eq!(status(&mut world, audio), 488, "no MSRP");
    assert_eq!(status(&mut world, "v=1"), 400, "no description");
    assert_eq!(status(&mut world, &good.replace("TCP/MSRP", "TCP/TLS/MSRP")), 488, "no TLS here");
    assert_eq!(status(&mut world, &good.replace("setup:active", "setup:holdconn")), 488);
    assert_eq!(status(&mut world, &good.replace("a=path:msrp", "a=path:http")), 488);
    world.settle();
    // An INVITE to nobody, with an unknown body, to a group, with too short an interval.
    let head = mina.invite_head(MINA, PHONE, 50);
    let mut refused = |head: String, body: &str| {
        world.request(mina.flow, &head, body.as_bytes());
        world.sent_response()
    };
    let sdp = "\nContent-Type: application/sdp";
    let of = refused(
        mina.invite_head(MINA, "x", 51)
            .replace("INVITE tel:x", "INVITE sip:conf@ims.example")
            .replace("To: <tel:x>", "To: <sip:conf@ims.example>")
            + sdp,
        &good,
    );
    assert_eq!(of.status, 404);
    let of = refused(head.replace("chat50", "chat52") + "\nContent-Type: text/plain", "hello");
    assert_eq!(of.status, 415);
    assert!(of.headers.text(Name::Accept).unwrap().contains("application/sdp"));
    let of =
        refused(head.replace("chat50", "chat53").replace("cpm.session", "cpm.session.group") + sdp, &good);
    assert_eq!(of.status, 488);
    let of = refused(head.replace("chat50", "chat54") + sdp + "\nSession-Expires: 30", &good);
    assert_eq!((of.status.code(), of.headers.text(Name::MinSe)), (422, Some("90")));
    let of = refused(head.replace("chat50", "chat55") + sdp + "\nRequire: precondition", &good);
    assert_eq!(of.status, 420);
    let of = refused(head.replace("chat50", "chat56") + sdp + "\nAccept: text/html", &good);
    assert_eq!(of.status, 406);
}

#[test]
fn who_is_not_known_is_asked_for_a_password_and_a_peer_says_who_it_is() {
    let (mut world, mut mina) = world();
    mina.flow = udp("127.0.0.9:6001");
    let sdp = mina.sdp("a=setup:active\r\n");
    assert_eq!(mina.invite(&mut world, MINA, PHONE, &sdp).status, 407);
    mina.flow = peer();
    let head = mina.invite_head("nobody", PHONE, 70) + "\nContent-Type: application/sdp";
    world.request(mina.flow, &head, sdp.as_bytes());
    assert_eq!(world.status(), 403, "it asserts nobody");
    let head = mina.invite_head("nobody", PHONE, 71)
        + &format!("\nP-Asserted-Identity: <tel:{MINA}>\nContent-Type: application/sdp");
    world.request(mina.flow, &head, sdp.as_bytes());
    assert_eq!(world.status(), 200);
}

#[test]
fn without_sessions_every_invitation_is_refused_and_a_full_house_says_so() {
    let (mut world, mut mina) = world_with(|of| of.msrp = None);
    let sdp = mina.sdp("a=setup:active\r\n");
    assert_eq!(mina.invite(&mut world, MINA, PHONE, &sdp).status, 488);
    let limit = |max, per_user| {
        world_with(move |of| {
            let msrp = of.msrp.as_mut().unwrap();
            (msrp.sessions_max, msrp.sessions_per_user_max) = (max, per_user);
        })
    };
    let (mut world, mut mina) = limit(1, 9);
    assert_eq!(mina.invite(&mut world, MINA, PHONE, &sdp).status, 200);
    let full = mina.invite(&mut world, MINA, "+821099997777", &sdp);
    assert_eq!((full.status.code(), full.headers.text(Name::RetryAfter)), (503, Some("5")));
    let (mut world, mut mina) = limit(9, 1);
    assert_eq!(mina.invite(&mut world, MINA, PHONE, &sdp).status, 200);
    assert_eq!(mina.invite(&mut world, MINA, "+821099997777", &sdp).status, 486);
}

/// I1: no MSRP 200 before the gateway has it. The key is that of the same message as a MESSAGE.
#[test]
fn what_is_said_is_answered_after_the_gateway_stored_it() {
    let (mut world, mut mina, call) = chat();
    mina.say(&mut world, call.session, "m001", "message/cpim", &cpim("Msg1", "hello"));
    let (submission, ticket) = world.submission();
    assert!(mina.fate().is_none(), "not before");
    assert_eq!(submission.content, Content::Text("hello".into()));
    assert_eq!(submission.from.reveal(For::Decision).number().unwrap().digits, "821011110001");
    assert_eq!(submission.to.reveal(For::Decision).number().unwrap().digits, "821099998888");
    assert_eq!(submission.reference.as_deref(), Some("Msg1"));
    let carried = Carried::decode(&submission.carried);
    assert_eq!(carried.conversation.unwrap().to_string(), "5b1c7d30-8e0a-4a52-9f6d-2f1f0c9a7e11");
    let id = world.id();
    world.answer(ticket, Answer::Accepted(id));
    mina.exchange(&mut world);
    assert!(matches!(mina.fate(), Some(Action::Sent { .. })));
    // The same by MESSAGE.
    let head = format!(
        "MESSAGE tel:{PHONE}
         From: <sip:{MINA}@ims.example>;tag=f
         To: <tel:{PHONE}>
         Content-Type: message/cpim"
    );
    world.request(handset(), &head, cpim("Msg1", "hello").as_bytes());
    let (again, _) = world.submission();
    assert_eq!(again.idempotency_key, submission.idempotency_key);
}

#[test]
fn messages_without_an_id_are_told_apart() {
    let (mut world, mut mina, call) = chat();
    let anonymous =
        "From: <sip:a@b.invalid>\r\nTo: <sip:a@b.invalid>\r\n\r\nContent-Type: text/plain\r\n\r\nhi";
    mina.say(&mut world, call.session, "m001", "message/cpim", anonymous);
    mina.say(&mut world, call.session, "m002", "message/cpim", anonymous);
    let (one, other) = (world.submission().0, world.submission().0);
    assert!(one.idempotency_key.is_some());
    assert_ne!(one.idempotency_key, other.idempotency_key);
}

#[test]
fn refusals_are_said_in_the_words_of_msrp() {
    let (mut world, mut mina, call) = chat();
    let mut said = |world: &mut World, id: &str, refusal: Option<Cause>, body: &str| {
        mina.say(world, call.session, id, "message/cpim", body);
        if let Some(cause) = refusal {
            let (_, ticket) = world.submission();
            world.answer(ticket, Answer::Refused(Refusal::ours(cause)));
            mina.exchange(world);
        }
        match mina.fate() {
            Some(Action::Failed { failure: Failure::Refused(status), .. }) => status,
            other => panic!("{other:?}"),
        }
    };
    let good = cpim("Msg1", "hello");
    assert_eq!(said(&mut world, "m001", Some(Cause::Policy), &good), Status::FORBIDDEN);
    assert_eq!(said(&mut world, "m002", Some(Cause::TooLong), &good), Status::STOP_SENDING);
    assert_eq!(said(&mut world, "m003", Some(Cause::StoreUnavailable), &good), Status::STOP_SENDING);
    assert_eq!(said(&mut world, "m004", Some(Cause::NoRoute), &good), Status::FORBIDDEN);
    assert_eq!(said(&mut world, "m005", Some(Cause::Unencodable), &good), Status::MEDIA_TYPE);
    assert_eq!(said(&mut world, "m006", None, "no cpim"), Status::UNINTELLIGIBLE);
    world.core.set_closed(Some(Cause::StoreUnavailable));
    assert_eq!(said(&mut world, "m007", None, &good), Status::STOP_SENDING);
    world.quiet();
}

#[test]
fn notifications_and_typing_come_through_a_session() {
    let (mut world, mut mina, call) = chat();
    let id = world.id();
    let name = Namer::new(&Secret::new([9; 16])).name(id, &crate::world::line(MINA));
    let imdn = format!(
        "From: <sip:a@b.invalid>\r\nTo: <sip:a@b.invalid>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: N1\r\n\r\n\
         Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n\
         <imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>{name}</message-id><datetime>2025-03-01T09:30:00Z</datetime>\
         <display-notification><status><displayed/></status></display-notification></imdn>"
    );
    mina.say(&mut world, call.session, "n001", "message/cpim", &imdn);
    let (receipt, ticket) = world.receipt();
    assert_eq!(receipt.state, ReceiptState::Displayed);
    assert!(mina.fate().is_none());
    world.answer(ticket.unwrap(), Answer::Done);
    mina.exchange(&mut world);
    assert!(matches!(mina.fate(), Some(Action::Sent { .. })));
    let typing =
        "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active</state></isComposing>";
    mina.say(&mut world, call.session, "t001", "application/im-iscomposing+xml", typing);
    match world.inbound.pop_front() {
        Some(Inbound::Signal { signal, .. }) => assert_eq!(signal.kind, SignalKind::Typing { on: true }),
        other => panic!("{other:?}"),
    }
    assert!(matches!(mina.fate(), Some(Action::Sent { .. })));
}

const MIXED: &str = "\nContent-Type: multipart/mixed;boundary=b1";

fn mixed(sdp: &str, cpim: &str) -> String {
    format!(
        "--b1\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--b1\r\nContent-Type: message/cpim\r\n\r\n{cpim}\r\n--b1--\r\n"
    )
}

/// §8.1: the first message in the INVITE; no 200 before it is safe (I1).
#[test]
fn a_first_message_in_the_invitation_is_stored_before_the_session_is_accepted() {
    let (mut world, mina) = world();
    let body = mixed(&mina.sdp("a=setup:active\r\n"), &cpim("Msg1", "first"));
    let head = mina.invite_head(MINA, PHONE, 1) + MIXED;
    world.request(mina.flow, &head, body.as_bytes());
    let (submission, ticket) = world.submission();
    world.quiet();
    assert_eq!(submission.content, Content::Text("first".into()));
    let id = world.id();
    world.answer(ticket, Answer::Accepted(id));
    let ok = world.sent_response();
    assert_eq!(ok.status, 200);
    assert!(!ok.body.is_empty());
    // Refused, the session is as well.
    let head = mina.invite_head(MINA, PHONE, 2) + MIXED;
    world.request(mina.flow, &head, body.as_bytes());
    let (_, ticket) = world.submission();
    world.answer(ticket, Answer::Refused(Refusal::ours(Cause::Policy)));
    assert_eq!(world.status(), 403);
}

#[test]
fn an_invitation_is_taken_back_while_its_message_is_stored() {
    let (mut world, mina) = world();
    let body = mixed(&mina.sdp("a=setup:active\r\n"), &cpim("Msg1", "first"));
    let via = format!("\nVia: SIP/2.0/UDP {};branch=z9hG4bKcancel;rport", mina.flow.remote);
    let head = mina.invite_head(MINA, PHONE, 1) + MIXED + &via;
    world.request(mina.flow, &head, body.as_bytes());
    let (_, ticket) = world.submission();
    let cancel =
        mina.invite_head(MINA, PHONE, 1).replace("INVITE tel", "CANCEL tel").replace("1 INVITE", "1 CANCEL");
    world.request(mina.flow, &(cancel + &via), b"");
    let mut statuses = vec![world.status(), world.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 487]);
    // The message came through all the same; nothing is said of it.
    let id = world.id();
    world.answer(ticket, Answer::Accepted(id));
    world.quiet();
}

/// RFC 3261 §12.2.2, §15.1.2.
#[test]
fn bye_ends_a_session_and_what_comes_after_it_belongs_to_none() {
    let (mut world, mina, call) = chat();
    world.request(mina.flow, &mina.within("BYE", &call.ok, call.call, 2, MINA, PHONE), b"");
    assert_eq!(world.status(), 200);
    world.request(mina.flow, &mina.within("BYE", &call.ok, call.call, 3, MINA, PHONE), b"");
    assert_eq!(world.status(), 481);
    world.request(mina.flow, &mina.within("UPDATE", &call.ok, call.call, 4, MINA, PHONE), b"");
    assert_eq!(world.status(), 481);
    world.quiet();
}

#[test]
fn a_session_is_refreshed_and_described_anew() {
    let (mut world, mut mina, call) = chat();
    let update = mina.within("UPDATE", &call.ok, call.call, 2, MINA, PHONE)
        + "\nSupported: timer\nSession-Expires: 1800;refresher=uac";
    world.request(mina.flow, &update, b"");
    let ok = world.sent_response();
    assert_eq!((ok.status.code(), ok.headers.text(Name::SessionExpires)), (200, Some("1800;refresher=uac")));
    assert!(ok.body.is_empty());
    let invite =
        mina.within("INVITE", &call.ok, call.call, 3, MINA, PHONE) + "\nContent-Type: application/sdp";
    world.request(mina.flow, &invite, mina.sdp("a=setup:active\r\n").as_bytes());
    let ok = world.sent_response();
    assert_eq!(ok.status, 200);
    let sdp = String::from_utf8_lossy(&ok.body).into_owned();
    let path = String::from_utf8_lossy(&call.ok.body).into_owned();
    assert_eq!(attribute(&sdp, "path"), attribute(&path, "path"), "the same session");
    // Nothing was lost.
    mina.say(&mut world, call.session, "m001", "message/cpim", &cpim("Msg1", "still here"));
    world.submission();
    // An old number is out of order, a body of another kind is not read.
    world.request(mina.flow, &mina.within("UPDATE", &call.ok, call.call, 3, MINA, PHONE), b"");
    assert_eq!(world.status(), 500);
}

/// RFC 4028 §10.
#[test]
fn a_session_that_nobody_refreshes_is_ended() {
    let (mut world, _mina, _call) = chat_that_never_idles();
    world.pass(1_760);
    assert!(world.sent.is_empty());
    world.pass(10);
    assert!(reason(&next(&mut world, &Method::BYE)).unwrap().contains("408"));
}

fn chat_that_never_idles() -> (World, Handset, Call) {
    let (mut world, mut mina) = world_with(|of| {
        of.msrp.as_mut().expect("sessions are served").idle = std::time::Duration::from_secs(100_000)
    });
    let call = mina.chat(&mut world, MINA, PHONE);
    world.settle();
    (world, mina, call)
}

/// §8.4.
#[test]
fn a_session_in_which_nothing_is_said_is_ended_without_a_reason() {
    let (mut world, mut mina, call) = chat();
    world.pass(200);
    let typing =
        "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active</state></isComposing>";
    mina.say(&mut world, call.session, "t001", "application/im-iscomposing+xml", typing);
    world.settle();
    world.pass(99);
    world.quiet();
    world.pass(1);
    let bye = next(&mut world, &Method::BYE);
    assert_eq!(reason(&bye), None);
    assert_eq!(bye.to_tag(), Some("h1"));
    world.reply(mina.flow, &bye, 200, &[]);
    world.quiet();
}

#[test]
fn a_session_without_a_connection_is_ended() {
    let (mut world, mut mina) = world();
    let sdp = mina.sdp("a=setup:active\r\n");
    let ok = mina.invite(&mut world, MINA, PHONE, &sdp);
    mina.ack(&mut world, &ok, 1, MINA, PHONE);
    world.pass(31);
    world.quiet();
    world.pass(2);
    assert!(reason(&next(&mut world, &Method::BYE)).unwrap().starts_with("SIP;cause=480"));
}

#[test]
fn a_lost_connection_is_waited_for() {
    let (mut world, mut mina, call) = chat();
    mina.lose(&mut world);
    world.pass(9);
    world.quiet();
    mina.attach(&mut world);
    let (now, line, session) = (world.now_us, mina.line, call.session);
    mina.act(&mut world, |endpoint, out| endpoint.bind(now, session, line, out));
    mina.say(&mut world, call.session, "m001", "message/cpim", &cpim("Msg1", "again"));
    world.submission();
    mina.lose(&mut world);
    world.pass(9);
    world.quiet();
    world.pass(2);
    assert!(reason(&next(&mut world, &Method::BYE)).unwrap().starts_with("SIP;cause=480"));
}

/// §8.3: the device lost its bearer.
#[test]
fn a_new_session_takes_the_place_of_the_old_one() {
    let (mut world, mut mina, _old) = chat();
    mina.uri = mina.uri.replace("handset", "second");
    let sdp = mina.sdp("a=setup:active\r\n");
    let ok = mina.invite(&mut world, MINA, PHONE, &sdp);
    assert_eq!(ok.status, 200);
    let bye = next(&mut world, &Method::BYE);
    assert_eq!((bye.to_tag(), reason(&bye)), (Some("h1"), None));
    // With somebody else it is another session.
    mina.uri = mina.uri.replace("second", "third");
    let sdp = mina.sdp("a=setup:active\r\n");
    assert_eq!(mina.invite(&mut world, MINA, "+821099997777", &sdp).status, 200);
    world.quiet();
}

/// RFC 3264 §5: an INVITE without an offer is made one.
#[test]
fn an_offer_of_ours_is_answered_in_the_ack() {
    let (mut world, mut mina) = world();
    let head = mina.invite_head(MINA, PHONE, 1);
    world.request(mina.flow, &head, b"");
    let ok = world.sent_response();
    assert_eq!(attribute(&String::from_utf8_lossy(&ok.body), "setup"), Some("actpass"));
    let ack = mina.within("ACK", &ok, 1, 1, MINA, PHONE) + "\nContent-Type: application/sdp";
    world.request(mina.flow, &ack, mina.sdp("a=setup:active\r\n").as_bytes());
    let call = mina.connect(&mut world, &ok, 1);
    mina.say(&mut world, call.session, "m001", "message/cpim", &cpim("Msg1", "hello"));
    world.submission();
    // An answer that is none ends it.
    let head = mina.invite_head(MINA, "+821099997777", 2);
    world.request(mina.flow, &head, b"");
    let ok = world.sent_response();
    world.request(mina.flow, &mina.within("ACK", &ok, 2, 1, MINA, "+821099997777"), b"");
    assert!(reason(&next(&mut world, &Method::BYE)).unwrap().contains("488"));
}

/// RFC 6135: the passive device is connected to.
#[test]
fn a_device_that_waits_is_connected_to() {
    let (mut world, mut mina) = world();
    let sdp = mina.sdp("a=setup:passive\r\n");
    let ok = mina.invite(&mut world, MINA, PHONE, &sdp);
    assert_eq!(attribute(&String::from_utf8_lossy(&ok.body), "setup"), Some("active"));
    assert_eq!(world.wire.lock().unwrap().dialled, ["127.0.0.1:7101".parse().unwrap()]);
    mina.ack(&mut world, &ok, 1, MINA, PHONE);
    // The number that the sockets gave to that connection.
    mina.line = sip_msrp::ConnectionId(501);
    let session = mina.open(&String::from_utf8_lossy(&ok.body));
    mina.attach(&mut world);
    mina.say(&mut world, session, "m001", "message/cpim", &cpim("Msg1", "hello"));
    world.submission();
    // Where nobody can be reached the session ends.
    world.wire.lock().unwrap().dead = true;
    mina.uri = mina.uri.replace("handset", "second");
    let sdp = mina.sdp("a=setup:passive\r\n");
    let ok = mina.invite(&mut world, MINA, "+821099997777", &sdp);
    world.wire.lock().unwrap().dead = false;
    mina.ack(&mut world, &ok, 2, MINA, "+821099997777");
    assert!(reason(&next(&mut world, &Method::BYE)).unwrap().starts_with("SIP;cause=480"));
}

/// §6: one message, one direction.
#[test]
fn a_large_message_comes_in_its_own_session() {
    let (mut world, mut mina) = world();
    let sdp = mina.sdp("a=setup:active\r\na=sendonly\r\n");
    let head_only = cpim("Msg1", "").replace("Content-Type: text/plain;charset=UTF-8\r\n\r\n", "");
    let body = mixed(&sdp, &head_only);
    let head = mina.invite_head(MINA, PHONE, 1).replace("oma.cpm.session", "oma.cpm.largemsg") + MIXED;
    world.request(mina.flow, &head, body.as_bytes());
    let ok = world.sent_response();
    assert_eq!(ok.status, 200, "the head alone is no message");
    assert!(String::from_utf8_lossy(&ok.body).contains("a=recvonly"));
    mina.ack(&mut world, &ok, 1, MINA, PHONE);
    let call = mina.connect(&mut world, &ok, 1);
    let long = "가".repeat(20_000);
    mina.say(&mut world, call.session, "m001", "message/cpim", &cpim("Msg1", &long));
    let (submission, ticket) = world.submission();
    assert_eq!(submission.content, Content::Text(long.into()));
    let id = world.id();
    world.answer(ticket, Answer::Accepted(id));
    mina.exchange(&mut world);
    assert!(matches!(mina.fate(), Some(Action::Sent { .. })));
}

#[test]
fn a_stop_ends_all_sessions() {
    let (mut world, mut mina, _call) = chat();
    world.core.drain(world.now_us);
    world.collect();
    assert!(reason(&next(&mut world, &Method::BYE)).unwrap().contains("503"));
    let sdp = mina.sdp("a=setup:active\r\n");
    assert_eq!(mina.invite(&mut world, MINA, PHONE, &sdp).status, 503);
}
