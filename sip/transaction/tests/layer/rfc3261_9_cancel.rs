//! RFC 3261 §9.2: CANCEL of theirs.

use sip_transaction::{Action, Layer};

use crate::hand::{NOW_US, answer, key, layer, receive, request, sent, udp};

const VIA: &str = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKinv";
const FLOW: &str = "192.0.2.1:5060";

fn invited(layer: &mut Layer) -> sip_transaction::ServerKey {
    key(&receive(layer, udp(FLOW), request("INVITE", VIA, "", "")))
}

#[test]
fn it_is_answered_and_told_once() {
    let mut layer = layer();
    let invite = invited(&mut layer);
    let tag = layer.to_tag(invite).expect("open");
    let actions = receive(&mut layer, udp(FLOW), request("CANCEL", VIA, "", "Reason: SIP;cause=200"));
    let [Action::Transmit { .. }, Action::Cancel { key, request: cancel }] = &actions[..] else {
        panic!("{actions:?}")
    };
    assert_eq!(*key, invite);
    assert_eq!(cancel.headers.text(sip_message::Name::Reason), Some("SIP;cause=200"));
    let (_, text, _) = sent(&actions[..1]);
    assert!(text.starts_with("SIP/2.0 200 OK\r\n"));
    assert!(text.contains(&format!(";tag={}\r\n", tag.as_str())), "the tag of its INVITE: {text}");
    // A copy is answered with the same octets, and the user hears nothing.
    let (_, again, _) =
        sent(&receive(&mut layer, udp(FLOW), request("CANCEL", VIA, "", "Reason: SIP;cause=200")));
    assert_eq!(again, text);
    let (_, text, _) = sent(&answer(&mut layer, invite, 487));
    assert!(text.starts_with("SIP/2.0 487 Request Terminated\r\n"));
}

#[test]
fn too_late_it_is_answered_all_the_same() {
    let mut layer = layer();
    let invite = invited(&mut layer);
    answer(&mut layer, invite, 200);
    let (_, text, _) = sent(&receive(&mut layer, udp(FLOW), request("CANCEL", VIA, "", "")));
    assert!(text.starts_with("SIP/2.0 200 OK\r\n"), "{text}");
}

#[test]
fn of_nothing_it_is_answered_481() {
    let mut layer = layer();
    let (_, text, _) = sent(&receive(&mut layer, udp(FLOW), request("CANCEL", VIA, "", "")));
    assert!(text.starts_with("SIP/2.0 481 "), "{text}");
    layer.tick(NOW_US + 33_000_000, &mut Vec::new());
    assert_eq!(layer.servers_open(), 0);
}
