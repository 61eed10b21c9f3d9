//! OPTIONS (rcs sheet §1.6, §4).

use model::{For, Inbound, Outcome, Presence, Timestamp};
use sip_message::{Method, Name, Uri};
use sip_rcs::{Capabilities, Features};

use crate::world::{JUN, MINA, PHONE, World, is, peer, settings, udp};

const PAGER: &str =
    "<sip:x@198.51.100.7>;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"";

fn capabilities(contact: &str) -> Capabilities {
    let (_, params) = contact.split_once(">;").unwrap_or((contact, ""));
    Capabilities::of(&Features::read(params.split(';').filter_map(|param| {
        let (name, value) = param.split_once('=').map_or((param, None), |(name, value)| (name, Some(value)));
        (!name.is_empty()).then_some((name, value))
    })))
}

fn options(to: &str, contact: &str) -> String {
    format!(
        "OPTIONS {to}
         From: <tel:{PHONE}>;tag=o
         To: <{to}>
         P-Asserted-Identity: <tel:{PHONE}>
         Contact: {contact}"
    )
}

#[test]
fn a_peer_that_asks_whether_we_are_there_is_told_without_a_password() {
    let mut world = World::new();
    world.settle();
    world.request(udp("203.0.113.5:5060"), &options("sip:ims.example", "<sip:x@203.0.113.5>"), b"");
    let response = world.sent_response();
    assert_eq!(response.status, 200);
    for name in [Name::Allow, Name::Accept, Name::Supported, Name::Contact] {
        assert!(response.headers.contains(name.clone()), "{name:?}");
    }
    world.quiet();
}

/// RFC 4475 §3.3.11: the last hop is enough for us, and not for somebody behind us.
#[test]
fn without_a_hop_left_only_we_are_asked() {
    let mut world = World::new();
    world.mina();
    world.settle();
    for (to, status) in [("sip:ims.example", 200), (&format!("tel:{MINA}"), 483)] {
        let head = format!("{}\n         Max-Forwards: 0", options(to, PAGER));
        world.request(peer(), &head, b"");
        assert_eq!(world.status(), status, "{to}");
    }
}

#[test]
fn for_a_user_all_devices_answer_together_and_the_asker_is_learnt_from() {
    let mut world = World::new();
    world.mina();
    world.register(
        udp("127.0.0.1:6002"),
        MINA,
        "<sip:mina@127.0.0.1:6002>;+g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.fthttp\"",
        "Expires: 600",
    );
    world.settle();
    world.request(peer(), &options(&format!("tel:{MINA}"), PAGER), b"");
    let response = world.sent_response();
    assert_eq!(response.status, 200);
    let contact = response.headers.text(Name::Contact).unwrap();
    assert!(
        capabilities(contact).contains(Capabilities::STANDALONE_PAGER | Capabilities::FILE_HTTP),
        "{contact}"
    );
    let Some(Inbound::Presence { number, presence, .. }) = world.inbound.pop_front() else {
        panic!("presence")
    };
    assert_eq!(number.reveal(For::Decision).digits, "821099998888");
    let until = Timestamp::from_micros(world.now_us) + settings().capabilities.expiry;
    assert_eq!(presence, Presence::Here { until });
    world.quiet();
}

#[test]
fn who_is_away_is_answered_for_as_configured_and_nobody_is_not_found() {
    let mut world = World::new();
    world.settle();
    let ask = |world: &mut World, to: &str| {
        world.request(peer(), &options(&format!("tel:{to}"), "<sip:x@y.example>"), b"");
        world.sent_response()
    };
    let response = ask(&mut world, JUN);
    assert_eq!(response.status, 200);
    assert!(capabilities(response.headers.text(Name::Contact).unwrap()).contains(Capabilities::FILE_HTTP));
    assert_eq!(ask(&mut world, "+821077776666").status, 404);
    let mut of = settings();
    of.capabilities.answer_for_absent = false;
    of.capabilities.answer_for_others = true;
    let mut world = World::with(of);
    assert_eq!(ask(&mut world, JUN).status, 480);
    assert_eq!(ask(&mut world, "+821077776666").status, 200);
}

fn asking() -> World {
    let mut of = settings();
    of.next_hop = Some(Uri::new("sip:198.51.100.7").expect("a URI"));
    of.capabilities.ask = true;
    let mut world = World::with(of);
    world.settle();
    world
}

#[test]
fn before_the_first_message_it_is_asked_and_the_answer_is_kept() {
    let mut world = asking();
    world.text_to(PHONE, "hi");
    let (flow, request) = world.sent_request();
    assert!(is(&request, &Method::OPTIONS));
    assert!(
        capabilities(request.headers.text(Name::Contact).unwrap()).contains(Capabilities::STANDALONE_PAGER)
    );
    assert!(request.headers.contains(Name::AcceptContact));
    world.quiet();
    world.reply(flow, &request, 200, &[(Name::Contact, PAGER)]);
    let (flow, message) = world.sent_request();
    assert!(is(&message, &Method::MESSAGE));
    assert!(matches!(
        world.inbound.pop_front(),
        Some(Inbound::Presence { presence: Presence::Here { .. }, .. })
    ));
    world.reply(flow, &message, 200, &[]);
    assert!(matches!(world.outcome().1, Outcome::Sent(_)));
    // Known now.
    world.text_to(PHONE, "again");
    assert!(is(&world.sent_request().1, &Method::MESSAGE));
    world.quiet();
}

#[test]
fn who_is_no_user_is_reached_otherwise_and_not_asked_again() {
    let mut world = asking();
    world.text_to(PHONE, "hi");
    let (flow, request) = world.sent_request();
    world.reply(flow, &request, 404, &[]);
    assert!(matches!(
        world.inbound.pop_front(),
        Some(Inbound::Presence { presence: Presence::Nobody { .. }, .. })
    ));
    let Outcome::Refused(refusal) = world.outcome().1 else { panic!("refused") };
    assert_eq!((refusal.cause, refusal.retry), (model::Cause::UnknownSubscriber, model::Retry::OtherRoute));
    world.text_to(PHONE, "again");
    assert!(matches!(world.outcome().1, Outcome::Refused(_)));
    world.quiet();
    // But after a day.
    world.pass(86_401);
    world.text_to(PHONE, "later");
    assert!(is(&world.sent_request().1, &Method::OPTIONS));
}

#[test]
fn an_answer_that_says_nothing_changes_nothing() {
    for status in [405, 500, 480] {
        let mut world = asking();
        world.text_to(PHONE, "hi");
        world.text_to(PHONE, "second");
        let (flow, request) = world.sent_request();
        world.quiet();
        world.reply(flow, &request, status, &[]);
        let (flow, message) = world.sent_request();
        assert!(is(&message, &Method::MESSAGE), "{status}");
        world.reply(flow, &message, 200, &[]);
        world.outcome();
        assert!(is(&world.sent_request().1, &Method::MESSAGE), "in their order, and not asked twice");
        world.quiet();
    }
    // No answer at all.
    let mut world = asking();
    world.text_to(PHONE, "hi");
    world.pass(33);
    assert!(is(
        &world
            .sent
            .pop_back()
            .map(|(_, message)| match message {
                sip_message::Message::Request(request) => request,
                sip_message::Message::Response(_) => panic!("a request"),
            })
            .unwrap(),
        &Method::MESSAGE
    ));
}
