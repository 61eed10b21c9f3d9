//! Requests other than INVITE (RFC 3261 §17.1.2, §17.2.2).

use sip_message::Method;
use sip_transaction::Transport;

use crate::net::{BAD, FINE, Habit, News, SECOND_US, START_US, TIMERS, Weather, World, call};

/// Each request is seen once by the other user, and its own user hears exactly one outcome, in any weather.
#[test]
fn one_delivery_and_one_outcome_in_bad_weather() {
    let mut outcomes = (0, 0);
    for seed in 1..=150 {
        let mut world =
            World::new(seed, Transport::Udp, BAD, Habit::Answers { within_us: 5_000_000, status: 202 });
        for token in 0..10 {
            world.ask(Method::MESSAGE, token);
        }
        world.settle();
        for token in 0..10 {
            let seen = world.ends[1].requests.get(&call(token)).copied().unwrap_or(0);
            match &world.finals(token)[..] {
                [News::Answer(202, Some(_))] => {
                    assert_eq!(seen, 1, "seed {seed}");
                    outcomes.0 += 1;
                }
                [News::TimedOut] => {
                    assert!(seen <= 1, "seed {seed}");
                    outcomes.1 += 1;
                }
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        world.assert_empty();
    }
    assert!(outcomes.0 > 1450, "eleven tries at 30 % loss nearly always get through: {outcomes:?}");
}

/// RFC 3261 §17.2.2: copies in Completed are answered with the same octets.
#[test]
fn copies_are_answered_octet_for_octet() {
    for seed in 1..=40 {
        let mut world = World::new(seed, Transport::Udp, BAD, Habit::Answers { within_us: 100, status: 200 });
        world.ask(Method::OPTIONS, 1);
        world.settle();
        let answers: Vec<_> =
            world.sent.iter().filter(|(at, _)| *at == 1).map(|(_, octets)| octets).collect();
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "seed {seed}");
    }
}

/// Over a stream nothing is repeated and nothing is remembered once it is answered.
#[test]
fn streams_carry_each_message_once() {
    let mut world = World::new(
        1,
        Transport::Tcp,
        Weather { delay_us: 900_000, ..FINE },
        Habit::Answers { within_us: 1, status: 200 },
    );
    for token in 0..50 {
        world.ask(Method::MESSAGE, token);
    }
    world.settle();
    assert_eq!(world.sent.len(), 100);
    assert!((0..50).all(|token| matches!(world.finals(token)[..], [News::Answer(200, Some(_))])));
    assert!(world.now_us < START_US + 3 * SECOND_US, "Timers J and K are zero");
    world.assert_empty();
}

/// RFC 3261 table 4: T1 doubling up to T2, for 64·T1: eleven sendings over UDP, one over a stream.
#[test]
fn a_silent_peer_is_asked_eleven_times() {
    let dead = Weather { lost: 1000, ..FINE };
    for (transport, times) in [(Transport::Udp, 11), (Transport::Tcp, 1)] {
        let mut world = World::new(1, transport, dead, Habit::Silent);
        world.ask(Method::MESSAGE, 1);
        world.settle();
        // On the stream the request arrives, and 100 comes back after 3.5 s (RFC 4320 §4.1).
        assert_eq!(world.sent.iter().filter(|(at, _)| *at == 0).count(), times);
        assert_eq!(world.finals(1), [News::TimedOut]);
        let took_us = world.now_us - START_US;
        assert!((0..1_000_000).contains(&(took_us - TIMERS.patience_us())), "{took_us}");
        world.assert_empty();
    }
}

/// RFC 4320 §4.1: 100 after the client's Timer E has reached T2; in Proceeding copies get the same 100.
#[test]
fn a_slow_user_gets_a_hundred_and_its_copies() {
    let mut world = World::new(3, Transport::Udp, FINE, Habit::Silent);
    world.ask(Method::MESSAGE, 1);
    world.settle();
    let hundreds: Vec<_> = world.sent.iter().filter(|(at, _)| *at == 1).map(|(_, o)| o).collect();
    assert!(
        hundreds.len() > 3 && hundreds.iter().all(|octets| octets.starts_with(b"SIP/2.0 100 Trying\r\n"))
    );
    assert!(hundreds.iter().all(|octets| **octets == *hundreds[0]));
    let news = &world.ends[0].news[&1];
    assert!(
        news.iter().take(news.len() - 1).all(|news| *news == News::Answer(100, None)),
        "no To tag in 100"
    );
    assert_eq!(news.last(), Some(&News::TimedOut));
    assert_eq!(world.ends[1].layer.counts().unanswered, 1);
    world.assert_empty();
}

/// Whoever answers after the sender gave up is told so, and nothing is sent (RFC 4320 §4.2).
#[test]
fn an_answer_after_timer_f_is_not_sent() {
    let seconds = |within_s: u64| Habit::Answers { within_us: within_s * 1_000_000, status: 200 };
    let (mut late, mut finals) = (0, 0);
    for seed in 1..=40 {
        let mut world = World::new(seed, Transport::Udp, FINE, seconds(60));
        world.ask(Method::MESSAGE, 1);
        world.settle();
        let answered = world.sent.iter().any(|(_, octets)| octets.starts_with(b"SIP/2.0 200"));
        assert_eq!(answered, world.ends[1].gone == 0, "seed {seed}");
        late += world.ends[1].gone;
        finals += u32::from(answered);
    }
    assert!(late > 5 && finals > 5, "{late} {finals}");
}

/// RFC 4320 §4.1.
#[test]
fn no_other_provisional_answer_than_100() {
    let mut world = World::new(5, Transport::Udp, FINE, Habit::Rings { within_us: 100_000, status: 200 });
    world.ask(Method::MESSAGE, 1);
    world.settle();
    assert_eq!(world.ends[1].gone, 0, "it does no harm");
    assert!(world.sent.iter().all(|(_, octets)| !octets.starts_with(b"SIP/2.0 180")));
    assert!(matches!(world.finals(1)[..], [News::Answer(200, _)]));
}

/// RFC 3261 §18.4: the user hears at once, and late answers are nobody's.
#[test]
fn a_broken_way_is_reported_once() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut world = World::new(1, transport, FINE, Habit::Answers { within_us: 8_000_000, status: 200 });
        for token in 0..40 {
            world.ask(Method::MESSAGE, token);
        }
        world.break_after(4_000_000);
        world.settle();
        let (mut failed, mut answered) = (0, 0);
        for token in 0..40 {
            match world.finals(token)[..] {
                [News::Failed] => failed += 1,
                [News::Answer(200, _)] => answered += 1,
                ref other => panic!("{other:?}"),
            }
        }
        assert!(failed > 5 && answered > 5, "{failed} {answered}");
        assert_eq!(world.ends[0].layer.counts().failed, failed);
        world.assert_empty();
    }
}
