//! What happens when a limit is reached: the peer or the user is told, and nothing grows.

use sip_message::{Message, Name};
use sip_transaction::{Action, Class, Layer, Refused, Settings, Timers};

use crate::hand::{NOW_US, answer, key, receive, request, sent, settings, tcp, udp};

const FLOW: &str = "192.0.2.1:5060";

fn via(n: u32) -> String {
    format!("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{n}")
}

fn bare(more: &str) -> sip_message::Request {
    let Message::Request(mut request) = request("MESSAGE", "SIP/2.0/UDP remove.me", "", more) else {
        panic!()
    };
    request.headers.remove(Name::Via);
    request
}

#[test]
fn requests_beyond_the_limit_get_503_and_copies_of_earlier_ones_their_answer() {
    let mut layer = Layer::new(NOW_US, Settings { servers_max: 2, retry_after_s: 9, ..settings() });
    let first = key(&receive(&mut layer, udp(FLOW), request("MESSAGE", &via(1), "", "")));
    answer(&mut layer, first, 202);
    key(&receive(&mut layer, udp(FLOW), request("INVITE", &via(2), "", "")));
    let (_, text, _) = sent(&receive(&mut layer, udp(FLOW), request("MESSAGE", &via(3), "", "")));
    assert!(text.starts_with("SIP/2.0 503 ") && text.contains("\r\nRetry-After: 9\r\n"), "{text}");
    let (_, text, _) = sent(&receive(&mut layer, udp(FLOW), request("MESSAGE", &via(1), "", "")));
    assert!(text.starts_with("SIP/2.0 202 "), "{text}");
    // CANCEL needs no place.
    let cancel = receive(&mut layer, udp(FLOW), request("CANCEL", &via(2), "", ""));
    assert!(matches!(cancel[..], [Action::Transmit { .. }, Action::Cancel { .. }]), "{cancel:?}");
    assert_eq!((layer.servers_open(), layer.counts().refused_full), (2, 1));
    // Timer J makes room.
    layer.tick(NOW_US + 32_100_000, &mut Vec::new());
    key(&receive(&mut layer, udp(FLOW), request("MESSAGE", &via(3), "", "")));
}

/// Long headers are copied into answers: who sends many of them fills a limit, not the machine.
#[test]
fn kept_octets_have_a_limit() {
    let mut layer = Layer::new(NOW_US, Settings { kept_octets_max: 20_000, ..settings() });
    let long = |n: u32| format!("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{n};x={}", "y".repeat(6000));
    let keys: Vec<_> =
        (0..4).map(|n| key(&receive(&mut layer, udp(FLOW), request("INVITE", &long(n), "", "")))).collect();
    let (_, text, _) = sent(&receive(&mut layer, udp(FLOW), request("INVITE", &long(9), "", "")));
    assert!(text.starts_with("SIP/2.0 503 "), "{text}");
    for key in keys {
        answer(&mut layer, key, 486);
    }
    assert!(layer.kept_octets() > 20_000, "they are repeated until their ACK");
    layer.tick(NOW_US + 32_100_000, &mut Vec::new());
    assert_eq!((layer.kept_octets(), layer.servers_open()), (0, 0));
    key(&receive(&mut layer, udp(FLOW), request("INVITE", &long(9), "", "")));
}

#[test]
fn our_requests_beyond_the_limit_are_refused() {
    let mut layer = Layer::new(NOW_US, Settings { clients_max: 1, ..settings() });
    let mut out = Vec::new();
    layer.request(NOW_US, udp(FLOW), &bare(""), 1, &mut out).expect("room");
    assert_eq!(layer.request(NOW_US, udp(FLOW), &bare(""), 2, &mut out), Err(Refused::Full));
    assert_eq!(out.len(), 1);
    let mut out = Vec::new();
    layer.tick(NOW_US + 32_100_000, &mut out);
    assert!(matches!(out[..], [.., Action::TimedOut { token: 1 }]), "{out:?}");
    layer.request(NOW_US + 32_100_000, udp(FLOW), &bare(""), 2, &mut out).expect("room again");
}

/// RFC 3261 §18.1.1.
#[test]
fn over_1300_octets_a_datagram_is_refused_and_a_stream_is_not() {
    let mut layer = Layer::new(NOW_US, settings());
    let mut out = Vec::new();
    layer.request(NOW_US, udp(FLOW), &bare(""), 1, &mut out).expect("small");
    let small = sent(&out).1.len();
    let with_line = |octets: usize| bare(&format!("Subject: {}", "s".repeat(octets - "Subject: \r\n".len())));
    out.clear();
    layer.request(NOW_US, udp(FLOW), &with_line(1300 - small), 2, &mut out).expect("fits");
    assert_eq!(sent(&out).1.len(), 1300);
    out.clear();
    let refused = layer.request(NOW_US, udp(FLOW), &with_line(1301 - small), 3, &mut out);
    assert_eq!(refused, Err(Refused::TooLarge { octets: 1301, max: 1300 }));
    assert!(out.is_empty());
    assert_eq!(layer.clients_open(), 2, "nothing is left of it");
    layer.request(NOW_US, tcp(FLOW), &with_line(1301 - small), 3, &mut out).expect("a stream");
}

/// TS 24.229 §7.7: towards handsets the timers are longer; a class without a row has those of row 0.
#[test]
fn timers_and_names_follow_the_class_of_the_flow() {
    let access = Class { timers: Timers::ACCESS, ..Class::core("access.example", "access.example") };
    let mut settings = settings();
    settings.classes.push(access);
    for (class, name, patience_us) in [
        (0, "gw.example:5070", 32_000_000),
        (1, "access.example", 128_000_000),
        (9, "gw.example:5070", 32_000_000),
    ] {
        let mut layer = Layer::new(NOW_US, settings.clone());
        let mut out = Vec::new();
        let flow = sip_transaction::Flow { class, ..tcp(FLOW) };
        layer.request(NOW_US, flow, &bare(""), 1, &mut out).expect("room");
        assert!(sent(&out).1.contains(&format!("Via: SIP/2.0/TCP {name};branch=")));
        let mut out = Vec::new();
        layer.tick(NOW_US + patience_us - 10_000, &mut out);
        assert!(out.is_empty());
        layer.tick(NOW_US + patience_us, &mut out);
        assert!(matches!(out[..], [Action::TimedOut { .. }]), "{out:?}");
    }
}

/// A key is never mistaken for the one that has its place now.
#[test]
fn old_keys_are_gone() {
    let mut layer = Layer::new(NOW_US, settings());
    let old = key(&receive(&mut layer, tcp(FLOW), request("MESSAGE", &via(1), "", "")));
    answer(&mut layer, old, 200);
    let new = key(&receive(&mut layer, tcp(FLOW), request("MESSAGE", &via(2), "", "")));
    assert_ne!(old, new);
    let mut out = Vec::new();
    assert!(layer.answer(NOW_US, old, sip_message::StatusCode::OK, &mut out).is_err());
    assert!(layer.to_tag(old).is_none() && out.is_empty());
    answer(&mut layer, new, 200);
}

/// A clock that is set back stops the timers, and nothing else.
#[test]
fn time_does_not_go_back() {
    let mut layer = Layer::new(NOW_US, settings());
    let mut out = Vec::new();
    layer.tick(NOW_US + 100_000_000, &mut out);
    layer.request(NOW_US, udp(FLOW), &bare(""), 1, &mut out).expect("room");
    out.clear();
    layer.tick(NOW_US + 100_000_000, &mut out);
    layer.tick(NOW_US + 10_000, &mut out);
    assert!(out.is_empty(), "{out:?}");
    layer.tick(NOW_US + 100_500_000, &mut out);
    assert!(matches!(out[..], [Action::Transmit { .. }]), "{out:?}");
    layer.tick(NOW_US + 132_000_000, &mut out);
    assert!(matches!(out[..], [.., Action::TimedOut { token: 1 }]), "{out:?}");
}
