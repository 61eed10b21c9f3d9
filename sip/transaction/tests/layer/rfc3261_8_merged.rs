//! RFC 3261 §8.2.2.2: one request by two ways.

use sip_transaction::{Action, Layer, Settings};

use crate::hand::{NOW_US, answer, key, receive, request, sent, settings, udp};

const FLOW: &str = "192.0.2.1:5060";
const ONE: &str = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKone";
const TWO: &str = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKtwo";

fn refusing() -> Layer {
    Layer::new(NOW_US, Settings { refuse_merged: true, ..settings() })
}

#[test]
fn the_second_way_is_refused_while_the_first_is_open() {
    let mut layer = refusing();
    let first = key(&receive(&mut layer, udp(FLOW), request("MESSAGE", ONE, "", "")));
    let (_, text, _) = sent(&receive(&mut layer, udp(FLOW), request("MESSAGE", TWO, "", "")));
    assert!(text.starts_with("SIP/2.0 482 Loop Detected\r\n"), "{text}");
    assert_eq!((layer.counts().refused_merged, layer.servers_open()), (1, 1));
    answer(&mut layer, first, 200);
    key(&receive(&mut layer, udp(FLOW), request("MESSAGE", TWO, "", "")));
}

#[test]
fn the_ack_of_such_a_refusal_ends_there() {
    let mut layer = refusing();
    receive(&mut layer, udp(FLOW), request("INVITE", ONE, "", ""));
    let (_, _, refusal) = sent(&receive(&mut layer, udp(FLOW), request("INVITE", TWO, "", "")));
    let tag = crate::hand::response(&refusal).to_tag().expect("tagged").to_owned();
    assert!(receive(&mut layer, udp(FLOW), request("ACK", TWO, &tag, "")).is_empty());
    // One of nobody's goes to the user, who may know more.
    let actions = receive(&mut layer, udp(FLOW), request("ACK", TWO, "unknown", ""));
    assert!(matches!(actions[..], [Action::Ack { key: None, .. }]), "{actions:?}");
}

#[test]
fn within_a_dialog_and_when_not_asked_for_nothing_is_merged() {
    let mut layer = refusing();
    key(&receive(&mut layer, udp(FLOW), request("BYE", ONE, "b", "")));
    key(&receive(&mut layer, udp(FLOW), request("BYE", TWO, "b", "")));
    let mut layer = crate::hand::layer();
    key(&receive(&mut layer, udp(FLOW), request("MESSAGE", ONE, "", "")));
    key(&receive(&mut layer, udp(FLOW), request("MESSAGE", TWO, "", "")));
}
