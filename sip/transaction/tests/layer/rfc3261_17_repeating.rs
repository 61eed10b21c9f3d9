//! RFC 3261 §17.1 and §17.2: what is sent again, when, and to whom.

use sip_message::{Headers, Message, Name, Request, Response, StatusCode};
use sip_transaction::{Action, Layer, Settings};

use crate::hand::{NOW_US, answer, as_request, key, layer, read, receive, request, sent, settings, tcp, udp};

const FLOW: &str = "192.0.2.1:5060";
const VIA: &str = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1";

/// Seconds at which something is sent, and what else happens at which second.
fn watch(layer: &mut Layer) -> (Vec<f64>, Vec<(f64, String)>) {
    let (mut sendings, mut news) = (Vec::new(), Vec::new());
    while let Some(next_us) = layer.next_tick_us() {
        let mut out = Vec::new();
        layer.tick(next_us, &mut out);
        let second = (next_us - NOW_US) as f64 / 1e6;
        for action in out {
            match action {
                Action::Transmit { .. } => sendings.push(second),
                other => news.push((second, format!("{other:?}"))),
            }
        }
    }
    (sendings, news)
}

fn invited(layer: &mut Layer) -> sip_transaction::ServerKey {
    key(&receive(layer, udp(FLOW), request("INVITE", VIA, "", "")))
}

/// An answer with headers and a body of its own comes again as it was.
#[test]
fn a_whole_answer_is_repeated_octet_for_octet() {
    let mut layer = layer();
    let message = || request("REGISTER", VIA, "", "");
    let key = key(&receive(&mut layer, udp(FLOW), message()));
    let whole = Response::new(StatusCode::UNAUTHORIZED, Headers::new())
        .with(Name::WwwAuthenticate, "Digest realm=\"ims.example\", nonce=\"n\"");
    let mut out = Vec::new();
    layer.respond(NOW_US, key, &whole, &mut out).expect("open");
    let (_, first, _) = sent(&out);
    assert!(first.contains("nonce"), "{first}");
    let (_, again, _) = sent(&receive(&mut layer, udp(FLOW), message()));
    assert_eq!(first, again);
    assert_eq!(layer.counts().answers_again, 1);
    layer.tick(NOW_US + 32_100_000, &mut Vec::new());
    assert_eq!((layer.servers_open(), layer.kept_octets()), (0, 0), "Timer J");
}

/// RFC 3261 §17.2.1: a copy of an INVITE gets the last provisional answer, then the final one.
#[test]
fn copies_of_an_invite_get_the_last_answer() {
    let mut layer = layer();
    let key = invited(&mut layer);
    let copy = |layer: &mut Layer| receive(layer, udp(FLOW), request("INVITE", VIA, "", ""));
    assert!(copy(&mut layer).is_empty(), "there is no answer yet");
    let mut out = Vec::new();
    layer.tick(NOW_US + 200_000, &mut out);
    assert!(sent(&out).1.starts_with("SIP/2.0 100 "));
    assert!(sent(&copy(&mut layer)).1.starts_with("SIP/2.0 100 "));
    let (_, ringing, _) = sent(&answer(&mut layer, key, 180));
    assert_eq!(sent(&copy(&mut layer)).1, ringing);
    let (_, busy, _) = sent(&answer(&mut layer, key, 486));
    assert_eq!(sent(&copy(&mut layer)).1, busy);
    let tag = as_tag(&busy);
    assert!(receive(&mut layer, udp(FLOW), request("ACK", VIA, &tag, "")).is_empty());
    assert!(copy(&mut layer).is_empty(), "the answer has arrived");
}

fn as_tag(text: &str) -> String {
    let to = text.lines().find(|line| line.starts_with("To: ")).expect("To");
    to.split("tag=").nth(1).expect("a tag").to_owned()
}

/// Timers G and H.
#[test]
fn a_refusal_is_repeated_until_its_ack() {
    let mut layer = layer();
    let key = invited(&mut layer);
    answer(&mut layer, key, 486);
    let (sendings, news) = watch(&mut layer);
    assert_eq!(sendings, [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]);
    assert!(matches!(&news[..], [(32.0, said)] if said.contains("accepted: false")), "{news:?}");

    let mut layer = crate::hand::layer();
    let key = key_of(&mut layer, tcp(FLOW));
    answer(&mut layer, key, 486);
    let (sendings, news) = watch(&mut layer);
    assert_eq!((sendings.len(), news.len()), (0, 1), "a stream repeats by itself");
}

fn key_of(layer: &mut Layer, flow: sip_transaction::Flow) -> sip_transaction::ServerKey {
    key(&receive(layer, flow, request("INVITE", VIA, "", "")))
}

/// One request has one final answer.
#[test]
fn a_second_final_answer_is_refused() {
    for method in ["MESSAGE", "INVITE"] {
        let mut layer = layer();
        let key = key(&receive(&mut layer, udp(FLOW), request(method, VIA, "", "")));
        answer(&mut layer, key, 486);
        let mut out = Vec::new();
        assert!(layer.answer(NOW_US, key, StatusCode::OK, &mut out).is_err(), "{method}");
        assert!(out.is_empty());
    }
}

/// The ACK of a 2xx finds its INVITE by dialog and number; once that is forgotten the user gets it as nobody's.
#[test]
fn an_ack_finds_its_invite_by_the_tag() {
    let mut layer = Layer::new(NOW_US, Settings { refuse_merged: false, ..settings() });
    let other_way = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2";
    let keys =
        [VIA, other_way].map(|via| key(&receive(&mut layer, udp(FLOW), request("INVITE", via, "", ""))));
    let tags = keys.map(|key| {
        let tag = layer.to_tag(key).expect("open").as_str().to_owned();
        answer(&mut layer, key, 200);
        tag
    });
    let ack =
        |tag: &str, n: u32| request("ACK", &format!("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKack{n}"), tag, "");
    for at in [1, 0] {
        let actions = receive(&mut layer, udp(FLOW), ack(&tags[at], 1));
        assert!(
            matches!(actions[..], [Action::Ack { key: Some(key), .. }] if key == keys[at]),
            "{actions:?}"
        );
    }
    assert!(receive(&mut layer, udp(FLOW), ack(&tags[0], 2)).is_empty(), "a copy");
    layer.tick(NOW_US + 32_100_000, &mut Vec::new());
    let late = receive(&mut layer, udp(FLOW), ack(&tags[0], 3));
    assert!(matches!(late[..], [Action::Ack { key: None, .. }]), "{late:?}");
}

fn ours(method: &str) -> Request {
    let Message::Request(mut request) = request(method, "SIP/2.0/UDP remove.me", "", "") else { panic!() };
    request.headers.remove(Name::Via);
    request
}

fn heard(branch: &str, status: u16, cseq: &str) -> Message {
    read(&format!(
        "SIP/2.0 {status} X\nVia: SIP/2.0/UDP gw.example:5070;branch={branch}\nFrom: <sip:a@x>;tag=1\n\
         To: <sip:b@y>;tag=2\nCall-ID: 1@peer\nCSeq: {cseq}"
    ))
}

fn branch_of(actions: &[Action]) -> String {
    as_request(&sent(actions).2).via().expect("ours").branch.expect("there").to_owned()
}

/// RFC 3261 §17.1.2.2: after a provisional answer Timer E is T2.
#[test]
fn after_a_provisional_answer_it_is_asked_more_slowly() {
    let mut layer = layer();
    let mut out = Vec::new();
    layer.request(NOW_US, udp(FLOW), &ours("MESSAGE"), 1, &mut out).expect("room");
    let branch = branch_of(&out);
    receive(&mut layer, udp(FLOW), heard(&branch, 100, "1 MESSAGE"));
    let (sendings, news) = watch(&mut layer);
    assert_eq!(sendings, [0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]);
    assert!(matches!(&news[..], [(32.0, said)] if said.starts_with("TimedOut")), "{news:?}");
}

/// Timers A and B; after a provisional answer an INVITE is not asked again.
#[test]
fn an_invite_is_asked_seven_times() {
    let mut layer = layer();
    let mut out = Vec::new();
    layer.request(NOW_US, udp(FLOW), &ours("INVITE"), 1, &mut out).expect("room");
    let (sendings, news) = watch(&mut layer);
    assert_eq!(sendings, [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]);
    assert!(matches!(&news[..], [(32.0, said)] if said.starts_with("TimedOut")), "{news:?}");
    let mut layer = crate::hand::layer();
    let mut out = Vec::new();
    layer.request(NOW_US, udp(FLOW), &ours("INVITE"), 1, &mut out).expect("room");
    let branch = branch_of(&out);
    receive(&mut layer, udp(FLOW), heard(&branch, 100, "1 INVITE"));
    layer.tick(NOW_US + 100_000_000, &mut out);
    assert_eq!(out.len(), 1);
}

/// RFC 3261 §17.1.1.2: a copy of a refusal means that the ACK was lost.
#[test]
fn each_copy_of_a_refusal_gets_its_ack() {
    let mut layer = layer();
    let mut out = Vec::new();
    layer.request(NOW_US, udp(FLOW), &ours("INVITE"), 1, &mut out).expect("room");
    let branch = branch_of(&out);
    let first = receive(&mut layer, udp(FLOW), heard(&branch, 486, "1 INVITE"));
    assert!(matches!(first[..], [Action::Transmit { .. }, Action::Response { .. }]), "{first:?}");
    let again = receive(&mut layer, udp(FLOW), heard(&branch, 486, "1 INVITE"));
    assert_eq!(sent(&again).1, sent(&first[..1]).1);
}

/// RFC 3261 §9.1: CANCEL has the branch of its INVITE, its own answer, and no life beyond it.
#[test]
fn a_cancel_of_ours() {
    let mut layer = layer();
    let mut out = Vec::new();
    let key = layer.request(NOW_US, udp(FLOW), &ours("INVITE"), 1, &mut out).expect("room");
    let branch = branch_of(&out);
    receive(&mut layer, udp(FLOW), heard(&branch, 180, "1 INVITE"));
    out.clear();
    layer.cancel(NOW_US, key, &mut out);
    layer.cancel(NOW_US, key, &mut out);
    let (_, text, cancel) = sent(&out);
    let cancel = as_request(&cancel);
    assert!(text.starts_with("CANCEL sip:+82102@gw.example SIP/2.0\r\n"), "{text}");
    assert_eq!(cancel.via().and_then(|via| via.branch), Some(branch.as_str()));
    assert_eq!((cancel.headers.text(Name::CSeq), cancel.to_tag()), (Some("1 CANCEL"), None));
    // Its answer is nobody's news, and stops it.
    assert!(receive(&mut layer, udp(FLOW), heard(&branch, 200, "1 CANCEL")).is_empty());
    assert_eq!(layer.counts().strays, 0);
    out.clear();
    layer.tick(NOW_US + 4_000_000, &mut out);
    assert!(out.is_empty(), "{out:?}");
    let news = receive(&mut layer, udp(FLOW), heard(&branch, 487, "1 INVITE"));
    assert!(matches!(news[..], [Action::Transmit { .. }, Action::Response { token: 1, .. }]), "{news:?}");

    // On a stream the INVITE is over with its answer, and so is a CANCEL that still waits.
    let mut layer = crate::hand::layer();
    let mut out = Vec::new();
    let key = layer.request(NOW_US, tcp(FLOW), &ours("INVITE"), 1, &mut out).expect("room");
    let branch = branch_of(&out);
    receive(&mut layer, tcp(FLOW), heard(&branch, 180, "1 INVITE"));
    layer.cancel(NOW_US, key, &mut out);
    assert_eq!(layer.clients_open(), 2);
    receive(&mut layer, tcp(FLOW), heard(&branch, 487, "1 INVITE"));
    assert_eq!((layer.clients_open(), layer.next_tick_us()), (0, None));
}
