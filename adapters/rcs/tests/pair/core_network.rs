//! As an application server of an IMS core (TS 24.229 §5.7, rcs sheet §14).

use model::{For, Inbound, Outcome, Outgoing, Presence, Timestamp};
use rcs::settings::Mode;
use sip_message::{Message, Method, Name, Uri};

use crate::world::{JUN, MINA, PHONE, World, is, peer, settings, text};

fn world() -> World {
    let mut of = settings();
    of.mode = Mode::ApplicationServer;
    of.users.clear();
    of.peers[0].registrar = true;
    of.next_hop = Some(Uri::new("sip:192.0.2.50;lr").expect("a URI"));
    let mut world = World::with(of);
    world.settle();
    world
}

/// The core is one of the peers that are believed.
const SCSCF: &str = "sip:192.0.2.9:6060";

fn third_party(world: &mut World, number: &str, expires: u32, body: Option<&str>) {
    let (kind, body) = match body {
        Some(body) => ("Content-Type: message/sip", body.replace('\n', "\r\n")),
        None => ("X-None: 1", String::new()),
    };
    world.request(
        peer(),
        &format!(
            "REGISTER sip:as.ims.example
             From: <sip:scscf.ims.example>;tag=s
             To: <sip:{number}@ims.example>
             Contact: <{SCSCF}>
             Expires: {expires}
             {kind}"
        ),
        body.as_bytes(),
    );
    assert_eq!(world.status(), 200);
}

const INNER: &str = "REGISTER sip:ims.example SIP/2.0
Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKinner
From: <sip:+821011110001@ims.example>;tag=u
To: <sip:+821011110001@ims.example>
Call-ID: inner
CSeq: 1 REGISTER
Max-Forwards: 70
Contact: <sip:10.0.0.1:5060>;+g.gsma.rcs.msgrevoke;+g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.fthttp\"
Content-Length: 0

";

#[test]
fn the_core_tells_who_is_registered_and_messages_go_by_it() {
    let mut world = world();
    third_party(&mut world, MINA, 600_000, Some(INNER));
    let Some(Inbound::Presence { number, presence, .. }) = world.inbound.pop_front() else {
        panic!("presence")
    };
    assert_eq!(number.reveal(For::Decision).digits, "821011110001");
    let until = Timestamp::from_micros(world.now_us + 600_000_000_000);
    assert_eq!(presence, Presence::Here { until });
    world.quiet();
    world.text_to(MINA, "hi");
    let (flow, request) = world.sent_request();
    assert_eq!(flow.remote, "192.0.2.9:6060".parse().unwrap());
    assert_eq!(request.uri.as_str(), format!("sip:{MINA}@ims.example"), "as the core names its user");
    assert_eq!(request.headers.text(Name::Route), Some("<sip:192.0.2.9:6060;lr>"));
    assert!(request.headers.text(Name::PChargingVector).unwrap().starts_with("icid-value="));
    world.reply(flow, &request, 200, &[]);
    assert!(matches!(world.outcome().1, Outcome::Sent(_)));
    // De-registered: elsewhere then.
    third_party(&mut world, MINA, 0, None);
    assert!(matches!(
        world.inbound.pop_front(),
        Some(Inbound::Presence { presence: Presence::Away { .. }, .. })
    ));
    world.text_to(MINA, "again");
    assert_eq!(world.sent_request().0.remote, "192.0.2.50:5060".parse().unwrap());
}

#[test]
fn a_registration_that_is_not_renewed_is_over() {
    let mut world = world();
    third_party(&mut world, MINA, 600, Some(INNER));
    world.inbound.clear();
    world.pass(300);
    third_party(&mut world, MINA, 600, Some(INNER));
    world.inbound.clear();
    world.pass(400);
    assert!(world.inbound.is_empty(), "renewed");
    world.pass(201);
    assert!(matches!(
        world.inbound.pop_front(),
        Some(Inbound::Presence { presence: Presence::Away { .. }, .. })
    ));
}

/// RFC 3680: without a body we ask.
#[test]
fn what_the_core_leaves_out_is_asked_for() {
    let mut world = world();
    third_party(&mut world, MINA, 3_600, None);
    world.inbound.clear();
    let (flow, subscribe) = world.sent_request();
    assert!(is(&subscribe, &Method::SUBSCRIBE));
    assert_eq!(flow.remote, "192.0.2.9:6060".parse().unwrap());
    assert_eq!(subscribe.headers.text(Name::Event), Some("reg"));
    assert_eq!(subscribe.headers.text(Name::Accept), Some("application/reginfo+xml"));
    let call_id = subscribe.call_id().to_owned();
    world.reply(flow, &subscribe, 200, &[]);
    // Not again while it holds.
    third_party(&mut world, MINA, 3_600, None);
    world.inbound.clear();
    world.quiet();
    let info = format!(
        "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"0\" state=\"full\">\
         <registration aor=\"sip:{MINA}@ims.example\" id=\"a\" state=\"active\">\
         <contact id=\"c\" state=\"active\" event=\"registered\"><uri>sip:10.0.0.1</uri>\
         <unknown-param name=\"+g.gsma.rcs.msgrevoke\"></unknown-param></contact></registration></reginfo>"
    );
    let notify = |call_id: &str, state: &str| {
        format!(
            "NOTIFY sip:127.0.0.1:5060
             From: <tel:{MINA}>;tag=n
             To: <sip:ims.example>;tag=w
             Call-ID: {call_id}
             Event: reg
             Subscription-State: {state}
             Content-Type: application/reginfo+xml"
        )
    };
    world.request(peer(), &notify(&call_id, "active;expires=3600"), info.as_bytes());
    assert_eq!(world.status(), 200);
    // Learnt: it can take messages back.
    let message = world.outgoing(text(PHONE, MINA, "oops"));
    world.hand_over(Outgoing::Revoke(message));
    assert!(is(&world.sent_request().1, &Method::MESSAGE));
    world.request(peer(), &notify("stranger", "active"), info.as_bytes());
    assert_eq!(world.status(), 481);
    world.request(
        peer(),
        &notify(&call_id, "active").replace("Event: reg", "Event: presence"),
        info.as_bytes(),
    );
    assert_eq!(world.status(), 489);
    world.request(peer(), &notify(&call_id, "terminated"), info.as_bytes());
    assert_eq!(world.status(), 200);
    third_party(&mut world, MINA, 3_600, None);
    assert!(is(&world.sent_request().1, &Method::SUBSCRIBE), "it is over, so it is asked anew");
}

fn in_session(to: &str, more: &str) -> String {
    format!(
        "MESSAGE tel:{to}
         From: <tel:{JUN}>;tag=f
         To: <tel:{to}>
         Route: <sip:127.0.0.1:5060;lr>, <sip:odi-77@192.0.2.9:6060;lr>
         P-Asserted-Identity: <tel:{JUN}>
         P-Charging-Vector: icid-value=\"icid-5\"
         Content-Type: text/plain
         {more}"
    )
}

/// TS 24.229 §5.7.3: the entry of the core comes back to it unchanged.
#[test]
fn a_message_goes_on_through_the_core_that_gave_it() {
    let mut world = world();
    world.request(
        peer(),
        &in_session(MINA, "P-Served-User: <tel:+821011110002>;sescase=orig;regstate=reg"),
        b"hi",
    );
    let (submission, ticket) = world.submission();
    let id = world.id();
    world.answer(ticket, model::Answer::Accepted(id));
    assert_eq!(world.status(), 202);
    let mut message = world.outgoing((*submission).clone());
    world.hand_over(Outgoing::Message(message.clone()));
    let (flow, request) = world.sent_request();
    assert_eq!(flow.remote, "192.0.2.9:6060".parse().unwrap());
    assert_eq!(request.headers.text(Name::Route), Some("<sip:odi-77@192.0.2.9:6060;lr>"));
    assert_eq!(request.headers.text(Name::PChargingVector), Some("icid-value=\"icid-5\""));
    assert_eq!(request.uri.as_str(), format!("tel:{MINA}"));
    world.reply(flow, &request, 480, &[]);
    world.outcome();
    // An hour later its session is forgotten.
    world.pass(3_600);
    message.attempt.generation += 1;
    world.hand_over(Outgoing::Message(message));
    let (flow, request) = world.sent_request();
    assert_eq!(flow.remote, "192.0.2.50:5060".parse().unwrap());
    assert_eq!(request.headers.text(Name::Route), Some("<sip:192.0.2.50;lr>"));
}

#[test]
fn on_the_terminating_side_the_served_user_is_the_recipient() {
    let mut world = world();
    let head = in_session(PHONE, &format!("P-Served-User: <tel:{MINA}>;sescase=term;regstate=reg"));
    world.request(peer(), &head, b"hi");
    let (submission, _) = world.submission();
    assert_eq!(submission.to.reveal(For::Decision).number().unwrap().digits, "821011110001");
}

/// What we sent ourselves does not go round.
#[test]
fn a_message_that_comes_back_is_a_loop() {
    let mut world = world();
    third_party(&mut world, MINA, 3_600, Some(INNER));
    world.settle();
    world.text_to(MINA, "hi");
    let (_, request) = world.sent_request();
    let head = format!(
        "MESSAGE tel:{MINA}
         From: <tel:{PHONE}>;tag=f
         To: <tel:{MINA}>
         P-Asserted-Identity: <tel:{PHONE}>
         Content-Type: message/cpim"
    );
    world.request(peer(), &head, &request.body);
    assert_eq!(world.status(), 482);
    world.quiet();
}

/// Both ends are served: the core brings our own message for the session of its recipient, and there it goes on.
#[test]
fn a_message_that_comes_back_for_its_recipient_goes_on() {
    let mut world = world();
    third_party(&mut world, MINA, 3_600, Some(INNER));
    world.settle();
    let ask = |world: &mut World| {
        world.text_to(MINA, "hi");
        let (flow, request) = world.sent_request();
        let copy = |name| request.headers.text(name).unwrap_or_default().to_owned();
        let head = format!(
            "MESSAGE {}
             From: {}
             To: {}
             Call-ID: {}
             Max-Forwards: 9
             Route: <sip:127.0.0.1:5060;lr>, <sip:odi-78@192.0.2.9:6060;lr>
             P-Served-User: <sip:{MINA}@ims.example>;sescase=term;regstate=reg
             P-Asserted-Identity: {}
             Content-Type: message/cpim",
            request.uri,
            copy(Name::From),
            copy(Name::To),
            copy(Name::CallId),
            copy(Name::PAssertedIdentity),
        );
        world.request(peer(), &head, &request.body);
        (flow, request)
    };
    let (flow, first) = ask(&mut world);
    let (onward, second) = world.sent_request();
    assert_eq!(onward.remote, "192.0.2.9:6060".parse().unwrap());
    assert_eq!(second.headers.text(Name::Route), Some("<sip:odi-78@192.0.2.9:6060;lr>"));
    assert_eq!((second.uri.as_str(), &second.body), (first.uri.as_str(), &first.body), "as it is");
    assert_eq!(second.headers.max_forwards(), Some(8));
    assert!(!second.headers.contains(Name::PServedUser) && second.call_id() != first.call_id());
    assert_eq!(second.headers.list(Name::Via).count(), 1);
    world.reply(onward, &second, 415, &[(Name::Accept, "text/plain")]);
    let answer = world.sent_response();
    assert_eq!((answer.status.code(), answer.headers.text(Name::Accept)), (415, Some("text/plain")));
    world.quiet();
    world.reply(flow, &first, 200, &[]);
    assert!(matches!(world.outcome().1, Outcome::Sent(_)));
    // It hears from nobody either, and then it is too late for an answer (RFC 4320 §4.2).
    ask(&mut world);
    world.pass(33);
    let is_final = |message: &Message| match message {
        Message::Response(response) => response.status.code() >= 200,
        Message::Request(_) => false,
    };
    assert!(!world.sent.iter().any(|(_, message)| is_final(message)));
    assert!(matches!(world.outcome().1, Outcome::Unknown));
}

#[test]
fn only_a_registrar_registers_others() {
    let mut of = settings();
    of.peers[0].registrar = false;
    let mut world = World::with(of);
    world.settle();
    world.request(
        peer(),
        &format!(
            "REGISTER sip:as.ims.example
             From: <sip:scscf.ims.example>;tag=s
             To: <sip:{MINA}@ims.example>
             Contact: <{SCSCF}>
             Expires: 600"
        ),
        b"",
    );
    assert_eq!(world.status(), 401);
    world.quiet();
}
