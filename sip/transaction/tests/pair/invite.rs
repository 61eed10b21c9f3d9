//! INVITE (RFC 3261 §17.1.1, §17.2.1, §13.3.1.4, RFC 6026) and CANCEL (§9).

use sip_message::Method;
use sip_transaction::Transport;

use crate::net::{BAD, FINE, Habit, News, SECOND_US, START_US, Weather, World, call};

const TRANSPORTS: [Transport; 2] = [Transport::Udp, Transport::Tcp];

/// Whatever comes as a final answer is one answer, seen once or in copies.
fn one_final(world: &World, token: u64) -> News {
    let finals = world.finals(token);
    let first = finals.first().unwrap_or_else(|| panic!("an outcome for {token}")).clone();
    match first {
        News::Answer(200..300, _) => assert!(finals.iter().all(|news| *news == first), "{finals:?}"),
        _ => assert_eq!(finals.len(), 1, "{finals:?}"),
    }
    first
}

#[test]
fn accepted_calls_are_acknowledged_once_in_any_weather() {
    let (mut acknowledged, mut others) = (0, 0);
    for transport in TRANSPORTS {
        for seed in 1..=100 {
            let mut world =
                World::new(seed, transport, BAD, Habit::Rings { within_us: 4_000_000, status: 200 });
            for token in 0..5 {
                world.ask(Method::INVITE, token);
            }
            world.settle();
            for token in 0..5 {
                let of = |map: &std::collections::BTreeMap<String, u32>| {
                    map.get(&call(token)).copied().unwrap_or(0)
                };
                let callee = &world.ends[1];
                let seen = (of(&callee.requests), of(&callee.acks), of(&callee.unacknowledged));
                match (one_final(&world, token), seen) {
                    (News::Answer(200, _), (1, 1, 0)) => acknowledged += 1,
                    (News::Answer(200, _), (1, 0, 1)) | (News::TimedOut, (1, 0, 1) | (0, 0, 0)) => {
                        others += 1
                    }
                    other => panic!("{transport:?}, seed {seed}: {other:?}"),
                }
            }
            world.assert_empty();
        }
    }
    assert!(acknowledged > 950 && others < 50, "{acknowledged} {others}");
}

#[test]
fn refused_calls_are_acknowledged_by_the_layer() {
    for transport in TRANSPORTS {
        for seed in 1..=100 {
            let mut world =
                World::new(seed, transport, BAD, Habit::Answers { within_us: 900_000, status: 486 });
            world.ask(Method::INVITE, 1);
            world.settle();
            assert!(
                matches!(one_final(&world, 1), News::Answer(486, Some(_)) | News::TimedOut),
                "seed {seed}"
            );
            let callee = &world.ends[1];
            assert!(callee.acks.is_empty(), "the user never sees this ACK");
            assert!(callee.requests.values().all(|times| *times == 1));
            world.assert_empty();
        }
    }
}

/// RFC 3261 §17.2.1: a user that says nothing for 200 ms is covered by 100, one that is quicker is not.
#[test]
fn a_hundred_covers_a_silent_user() {
    for (within_us, hundreds) in [(100, 0), (0, 0)] {
        let mut world = World::new(1, Transport::Udp, FINE, Habit::Answers { within_us, status: 486 });
        world.ask(Method::INVITE, 1);
        world.settle();
        let said = world.sent.iter().filter(|(_, octets)| octets.starts_with(b"SIP/2.0 100 ")).count();
        assert_eq!(said, hundreds);
    }
    let mut world = World::new(1, Transport::Tcp, FINE, Habit::Silent);
    world.ask(Method::INVITE, 1);
    world.settle();
    let said = world.sent.iter().filter(|(_, octets)| octets.starts_with(b"SIP/2.0 100 ")).count();
    assert_eq!(said, 1);
    // Three minutes later one of the two ends gave up: Timer C on either side.
    assert!(matches!(one_final(&world, 1), News::Answer(408 | 487, _)), "{:?}", world.finals(1));
    world.assert_empty();
}

/// RFC 3261 §13.3.1.4: 2xx again from T1 to T2 until its ACK, on streams too, given up after 64·T1.
#[test]
fn a_lost_ack_makes_the_2xx_come_again_and_then_ends_the_call() {
    for transport in TRANSPORTS {
        let mut world = World::new(1, transport, FINE, Habit::Answers { within_us: 1, status: 200 });
        // Nobody at the first end: a request written by hand, and no layer there to acknowledge.
        let invite = {
            let mut request = crate::net::ask(Method::INVITE, 1);
            request.push_via(sip_message::Transport::Udp, "127.0.0.1:5060", "z9hG4bKhand");
            request
        };
        let flow = world.flow(1);
        let mut out = Vec::new();
        let layer = &mut world.ends[1].layer;
        layer.received(START_US, flow, invite.into(), &mut out);
        let sip_transaction::Action::Request { key, .. } = out[0] else { panic!("{out:?}") };
        out.clear();
        layer.answer(START_US, key, sip_message::StatusCode::OK, &mut out).expect("open");
        let mut sent_s = vec![0.0];
        let mut over = Vec::new();
        while let Some(next_us) = layer.next_tick_us() {
            let mut out = Vec::new();
            layer.tick(next_us, &mut out);
            for action in out {
                match action {
                    sip_transaction::Action::Transmit { .. } => {
                        sent_s.push((next_us - START_US) as f64 / SECOND_US as f64);
                    }
                    other => over.push((next_us - START_US, format!("{other:?}"))),
                }
            }
        }
        assert_eq!(sent_s, [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]);
        assert_eq!(over.len(), 1);
        assert_eq!(over[0].0, 32 * SECOND_US);
        assert!(over[0].1.starts_with("Unacknowledged") && over[0].1.contains("accepted: true"));
        assert_eq!(layer.servers_open(), 0);
    }
}

/// RFC 3261 §9: whenever CANCEL comes, the INVITE has one outcome at either end and nothing hangs.
#[test]
fn cancel_at_any_moment() {
    let mut seen = std::collections::BTreeMap::new();
    for transport in TRANSPORTS {
        for seed in 1..=300 {
            let habit = match seed % 3 {
                0 => Habit::Rings { within_us: 2_000_000, status: 200 },
                1 => Habit::Answers { within_us: 3_000_000, status: 486 },
                _ => Habit::Silent,
            };
            let weather = if seed % 2 == 0 { BAD } else { FINE };
            let mut world = World::new(seed, transport, weather, habit);
            world.ask(Method::INVITE, 1);
            let after_us = world.random(4_000_000);
            world.cancel_after(1, after_us);
            world.settle();
            let outcome = one_final(&world, 1);
            let callee = &world.ends[1];
            assert!(callee.requests.values().all(|times| *times == 1), "seed {seed}");
            assert!(callee.cancels.values().all(|times| *times == 1), "seed {seed}");
            *seen.entry(format!("{outcome:?}").chars().take(10).collect::<String>()).or_insert(0) += 1;
            world.assert_empty();
        }
    }
    for outcome in ["Answer(200", "Answer(486", "Answer(487"] {
        assert!(seen.get(outcome).is_some_and(|times| *times > 30), "{seen:?}");
    }
}

/// RFC 3261 §9.1: no CANCEL before a provisional answer, none after a final one.
#[test]
fn cancel_waits_for_a_provisional_answer() {
    let cancels =
        |world: &World| world.sent.iter().filter(|(_, octets)| octets.starts_with(b"CANCEL ")).count();
    let mut world = World::new(1, Transport::Udp, Weather { lost: 1000, ..FINE }, Habit::Silent);
    world.ask(Method::INVITE, 1);
    world.cancel_after(1, 1000);
    world.settle();
    assert_eq!((cancels(&world), one_final(&world, 1)), (0, News::TimedOut));

    let mut world = World::new(1, Transport::Tcp, FINE, Habit::Answers { within_us: 1, status: 486 });
    world.ask(Method::INVITE, 1);
    world.cancel_after(1, 5_000_000);
    world.settle();
    assert_eq!(cancels(&world), 0);

    let mut world = World::new(1, Transport::Tcp, FINE, Habit::Silent);
    world.ask(Method::INVITE, 1);
    world.cancel_after(1, 1000);
    world.settle();
    assert_eq!(cancels(&world), 1);
    assert!(matches!(one_final(&world, 1), News::Answer(487, Some(_))));
    assert!(world.now_us < START_US + 40 * SECOND_US);
}

/// The way breaks at any moment.
#[test]
fn a_broken_way_ends_calls_with_one_outcome() {
    for transport in TRANSPORTS {
        for seed in 1..=60 {
            let mut world =
                World::new(seed, transport, FINE, Habit::Rings { within_us: 2_000_000, status: 200 });
            world.ask(Method::INVITE, 1);
            let after_us = world.random(3_000_000);
            world.break_after(after_us);
            world.settle();
            assert!(matches!(one_final(&world, 1), News::Failed | News::Answer(200, _)));
            world.assert_empty();
        }
    }
}
