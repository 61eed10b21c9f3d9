//! REGISTER (RFC 3261 §10, RFC 3327, rcs sheet §2).

use model::{For, Inbound, Presence, Timestamp};
use sip_message::Name;
use sip_transaction::Transport;

use crate::world::{CHANNEL, MINA, World, handset, line, settings, udp};

fn presences(world: &mut World) -> Vec<(String, Presence)> {
    world
        .inbound
        .drain(..)
        .filter_map(|inbound| match inbound {
            Inbound::Presence { channel, number, presence } => {
                assert_eq!(channel, CHANNEL);
                Some((number.reveal(For::Decision).digits.to_string(), presence))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn at_the_start_room_is_told_and_who_the_users_are() {
    let mut world = World::new();
    assert!(matches!(world.inbound.front(), Some(Inbound::Room { channel: CHANNEL, room: 4_000 })));
    let mut told = presences(&mut world);
    told.sort_by(|a, b| a.0.cmp(&b.0));
    let away = Presence::Away { until: Timestamp::NEVER };
    assert_eq!(told, [("821011110001".into(), away), ("821011110002".into(), away)]);
    world.core.drain(world.now_us);
    world.collect();
    assert!(matches!(world.inbound.front(), Some(Inbound::Room { room: 0, .. })));
}

#[test]
fn a_device_registers_is_listed_and_its_person_is_here_until_it_leaves() {
    let mut world = World::new();
    world.settle();
    let response =
        world.register(handset(), MINA, "<sip:mina@127.0.0.1:6001>;q=0.5;+g.3gpp.smsip", "Expires: 600");
    assert_eq!(response.status, 200);
    let contact = response.headers.text(Name::Contact).unwrap();
    assert_eq!(contact, "<sip:mina@127.0.0.1:6001>;q=0.5;+g.3gpp.smsip;expires=600");
    let associated: Vec<_> = response.headers.all(Name::PAssociatedUri).collect();
    assert_eq!(associated, [b"<sip:+821011110001@ims.example>".as_slice(), b"<tel:+821011110001>"]);
    assert!(response.headers.contains(Name::Date));
    let until = Timestamp::from_micros(world.now_us + 600_000_000);
    assert_eq!(presences(&mut world), [("821011110001".into(), Presence::Handset { until })]);
    let response = world.register(handset(), MINA, "<sip:mina@127.0.0.1:6001>", "Expires: 0");
    assert_eq!(response.status, 200);
    assert!(!response.headers.contains(Name::Contact));
    let away = Presence::Away { until: Timestamp::NEVER };
    assert_eq!(presences(&mut world), [("821011110001".into(), away)]);
}

#[test]
fn a_registration_runs_out() {
    let mut world = World::new();
    world.mina();
    world.pass(599);
    assert!(presences(&mut world).is_empty());
    world.pass(3);
    let away = Presence::Away { until: Timestamp::NEVER };
    assert_eq!(presences(&mut world), [("821011110001".into(), away)]);
}

/// RFC 3261 §10.3: several devices, `*`, limits.
#[test]
fn several_devices_of_one_person_are_kept_apart() {
    let mut world = World::new();
    world.mina();
    let second = udp("127.0.0.1:6002");
    let response = world.register(second, MINA, "<sip:mina@127.0.0.1:6002>", "Expires: 1200");
    assert_eq!(response.headers.all(Name::Contact).count(), 2);
    let until = Timestamp::from_micros(world.now_us + 1_200_000_000);
    assert_eq!(presences(&mut world), [("821011110001".into(), Presence::Here { until })]);
    let response = world.register(second, MINA, "*", "Expires: 0");
    assert_eq!((response.status.code(), response.headers.all(Name::Contact).count()), (200, 0));
    assert_eq!(presences(&mut world).len(), 1);
}

#[test]
fn an_interval_that_is_too_brief_is_refused_with_the_least_and_a_long_one_is_cut() {
    let mut world = World::new();
    world.settle();
    let response = world.register(handset(), MINA, "<sip:mina@127.0.0.1:6001>", "Expires: 10");
    assert_eq!((response.status.code(), response.headers.text(Name::MinExpires)), (423, Some("60")));
    let response = world.register(handset(), MINA, "<sip:mina@127.0.0.1:6001>", "Expires: 100000");
    assert!(response.headers.text(Name::Contact).unwrap().ends_with(";expires=3600"));
}

#[test]
fn a_path_is_kept_and_echoed() {
    let mut world = World::new();
    world.settle();
    let response = world.register(
        handset(),
        MINA,
        "<sip:mina@10.0.0.1:6001>",
        "Expires: 600\nSupported: path\nPath: <sip:192.0.2.77:5070;lr>",
    );
    assert_eq!(response.headers.text(Name::Path), Some("<sip:192.0.2.77:5070;lr>"));
    world.settle();
    world.text_to(MINA, "hi");
    let (flow, request) = world.sent_request();
    assert_eq!(flow.remote, "192.0.2.77:5070".parse().unwrap());
    assert_eq!(request.uri.as_str(), "sip:mina@10.0.0.1:6001");
    assert_eq!(request.headers.text(Name::Route), Some("<sip:192.0.2.77:5070;lr>"));
}

#[test]
fn only_who_is_a_user_registers() {
    let mut world = World::new();
    world.settle();
    world.request(
        handset(),
        "REGISTER sip:ims.example
         From: <sip:alice@ims.example>;tag=r
         To: <sip:alice@ims.example>
         Contact: <sip:alice@127.0.0.1:6001>",
        b"",
    );
    assert_eq!(world.status(), 404);
    world.request(
        handset(),
        "REGISTER sip:ims.example
         From: <sip:+821099998888@ims.example>;tag=r
         To: <sip:+821099998888@ims.example>
         Contact: <sip:x@127.0.0.1:6001>",
        b"",
    );
    assert_eq!(world.status(), 401, "who is a user is not told to strangers");
    world.quiet();
}

/// RFC 5626 §5.3: what was registered for one connection is gone with it; else the address stays.
#[test]
fn a_device_bound_to_its_connection_is_gone_with_it() {
    let mut world = World::new();
    let tcp = world.connection(40, "127.0.0.1:7001", Transport::Tcp);
    world.register(
        tcp,
        MINA,
        "<sip:mina@127.0.0.1:7001;transport=tcp>;reg-id=1;+sip.instance=\"<urn:uuid:0>\"",
        "Expires: 600",
    );
    world.settle();
    world.wire.lock().unwrap().open.remove(&40);
    world.core.ended(world.now_us, tcp, false);
    world.collect();
    let away = Presence::Away { until: Timestamp::NEVER };
    assert_eq!(presences(&mut world), [("821011110001".into(), away)]);
}

#[test]
fn a_user_who_is_taken_out_is_nobody() {
    let mut world = World::new();
    world.mina();
    let mut of = settings();
    of.users.remove(&line(MINA));
    world.core.set(world.now_us, std::sync::Arc::new(of));
    world.collect();
    let told = presences(&mut world);
    assert!(told.iter().any(|(number, presence)| number == "821011110001"
        && matches!(presence, Presence::Nobody { .. })));
    world.text_to(MINA, "hi");
    let (_, outcome) = world.outcome();
    assert!(
        matches!(outcome, model::Outcome::Refused(refusal) if refusal.cause == model::Cause::UnknownSubscriber)
    );
}
