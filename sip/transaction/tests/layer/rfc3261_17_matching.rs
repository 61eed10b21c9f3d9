//! RFC 3261 §17.1.3 and §17.2.3: what is a copy, and whose answer an answer is.

use sip_message::{Message, Name};
use sip_transaction::{Action, Layer};

use crate::hand::{NOW_US, answer, as_request, key, layer, read, receive, request, sent, udp};

const FLOW: &str = "192.0.2.1:5060";

fn delivered(layer: &mut Layer, message: Message) -> bool {
    receive(layer, udp(FLOW), message).iter().any(|action| matches!(action, Action::Request { .. }))
}

#[test]
fn branch_sent_by_and_method_together_name_a_request() {
    let mut layer = layer();
    let message = |via: &str| request("MESSAGE", via, "", "");
    assert!(delivered(&mut layer, message("SIP/2.0/UDP peer.example;branch=z9hG4bKa")));
    assert!(!delivered(&mut layer, message("SIP/2.0/UDP peer.example;branch=z9hG4bKa")));
    assert!(
        !delivered(&mut layer, message("SIP/2.0/UDP PEER.example:5060;rport;branch=z9hG4bKa")),
        "the same host and port"
    );
    assert!(delivered(&mut layer, message("SIP/2.0/UDP peer.example;branch=z9hG4bKb")));
    assert!(delivered(&mut layer, message("SIP/2.0/UDP peer.example:5061;branch=z9hG4bKa")));
    assert!(delivered(&mut layer, message("SIP/2.0/UDP other.example;branch=z9hG4bKa")));
    assert!(delivered(&mut layer, request("OPTIONS", "SIP/2.0/UDP peer.example;branch=z9hG4bKa", "", "")));
    assert_eq!(layer.counts().copies_in, 2);
}

/// A cookie and nothing behind it names nothing (RFC 4475 §3.1.2.15).
#[test]
fn rfc_2543_peers_are_matched_by_the_old_rule() {
    for via in
        ["SIP/2.0/UDP 192.0.2.1", "SIP/2.0/UDP 192.0.2.1;branch=1", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"]
    {
        let mut layer = layer();
        let message = |call: &str, via: &str| {
            read(&format!(
                "MESSAGE sip:b@gw.example SIP/2.0\nVia: {via}\nFrom: <sip:a@x>;tag=1\nTo: <sip:b@gw.example>\n\
                 Call-ID: {call}\nCSeq: 4 MESSAGE\nMax-Forwards: 70"
            ))
        };
        assert!(delivered(&mut layer, message("c1", via)));
        assert!(!delivered(&mut layer, message("c1", via)), "{via}");
        assert!(delivered(&mut layer, message("c2", via)));
        // INVITE, its ACK with the tag of the answer, and CANCEL.
        let invite = receive(&mut layer, udp(FLOW), request("INVITE", via, "", ""));
        let key = key(&invite);
        let cancel = receive(&mut layer, udp(FLOW), request("CANCEL", via, "", ""));
        assert!(
            matches!(cancel[..], [Action::Transmit { .. }, Action::Cancel { key: of, .. }] if of == key),
            "{cancel:?}"
        );
        let tag = layer.to_tag(key).expect("open").as_str().to_owned();
        answer(&mut layer, key, 487);
        assert!(receive(&mut layer, udp(FLOW), request("ACK", via, &tag, "")).is_empty());
        let mut out = Vec::new();
        layer.tick(NOW_US + 10_000_000, &mut out);
        assert!(
            out.iter().all(|action| !matches!(action, Action::Unacknowledged { .. })),
            "it was acknowledged"
        );
    }
}

/// RFC 3261 §17.1.3, §18.1.2: an answer is ours by a branch that only we can have written.
#[test]
fn answers_are_matched_by_branch_and_method() {
    let mut layer = layer();
    let mut out = Vec::new();
    let Message::Request(message) = request("MESSAGE", "SIP/2.0/UDP remove.me", "", "") else { panic!() };
    let mut message = message;
    message.headers.remove(Name::Via);
    layer.request(NOW_US, udp(FLOW), &message, 77, &mut out).expect("room");
    let (_, text, sent_message) = sent(&out);
    assert!(text.starts_with(
        "MESSAGE sip:+82102@gw.example SIP/2.0\r\nVia: SIP/2.0/UDP gw.example:5070;branch=z9hG4bK"
    ));
    let branch = as_request(&sent_message).via().expect("ours").branch.expect("there").to_owned();
    let answer = |branch: &str, status: u16| {
        read(&format!(
            "SIP/2.0 {status} Whatever\nVia: SIP/2.0/UDP gw.example:5070;branch={branch}\nFrom: <sip:a@x>;tag=1\n\
             To: <sip:b@y>;tag=2\nCall-ID: 1@peer\nCSeq: 1 MESSAGE"
        ))
    };
    let mut other = branch.clone();
    let last = other.pop().expect("a digit");
    other.push(if last == '0' { '1' } else { '0' });
    for stray in [other.as_str(), "z9hG4bK", "x", "z9hG4bKffffffffffffffffffffffff"] {
        assert!(receive(&mut layer, udp(FLOW), answer(stray, 200)).is_empty(), "{stray}");
    }
    assert_eq!(layer.counts().strays, 4);
    let news = receive(&mut layer, udp(FLOW), answer(&branch, 404));
    assert!(
        matches!(&news[..], [Action::Response { token: 77, response, .. }] if response.status.code() == 404)
    );
    assert!(receive(&mut layer, udp(FLOW), answer(&branch, 404)).is_empty(), "a copy");
    assert_eq!(layer.counts().strays, 5);
}
