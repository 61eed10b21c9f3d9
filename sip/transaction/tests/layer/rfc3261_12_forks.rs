//! RFC 3261 §13.2.2.4, RFC 6026 §7.2: one INVITE of ours, several 2xx.

use sip_message::{Method, Request, Uri};
use sip_transaction::{Action, Layer};

use crate::hand::{NOW_US, as_request, layer, read, receive, sent, tcp};

fn invited(layer: &mut Layer) -> String {
    let request = Request::builder(Method::INVITE, Uri::new("sip:b@peer.example").expect("a URI"))
        .from("sip:a@gw.example", "1")
        .to("sip:b@peer.example", None)
        .call_id("c")
        .cseq(9)
        .header(sip_message::Name::Route, "<sip:p.example;lr>")
        .build();
    let mut out = Vec::new();
    layer.request(NOW_US, tcp("192.0.2.9:5060"), &request, 5, &mut out).expect("room");
    as_request(&sent(&out).2).via().expect("ours").branch.expect("there").to_owned()
}

fn news(layer: &mut Layer, branch: &str, status: u16, tag: &str) -> Vec<Action> {
    let response = read(&format!(
        "SIP/2.0 {status} X\nVia: SIP/2.0/TCP gw.example:5070;branch={branch}\nFrom: <sip:a@gw.example>;tag=1\n\
         To: <sip:b@peer.example>;tag={tag}\nCall-ID: c\nCSeq: 9 INVITE"
    ));
    receive(layer, tcp("192.0.2.9:5060"), response)
}

#[test]
fn each_fork_and_each_copy_of_a_2xx_reaches_the_user() {
    let mut layer = layer();
    let branch = invited(&mut layer);
    for (status, tag) in [(180, "x"), (200, "x"), (200, "y"), (200, "x")] {
        let news = news(&mut layer, &branch, status, tag);
        assert!(
            matches!(&news[..], [Action::Response { token: 5, response, .. }] if response.to_tag() == Some(tag)),
            "{news:?}"
        );
    }
    assert!(news(&mut layer, &branch, 486, "z").is_empty(), "a fork that failed after another was accepted");
    assert!(news(&mut layer, &branch, 180, "z").is_empty());
    // Timer M, on a stream too.
    layer.tick(NOW_US + 31_900_000, &mut Vec::new());
    assert_eq!(layer.clients_open(), 1);
    layer.tick(NOW_US + 32_100_000, &mut Vec::new());
    assert_eq!(layer.clients_open(), 0);
    assert!(news(&mut layer, &branch, 200, "x").is_empty());
}

/// RFC 3261 §17.1.1.3: the ACK of a refusal has the branch, route, From, Call-ID and number of its INVITE, and the To
/// of the answer.
#[test]
fn the_ack_of_a_refusal() {
    let mut layer = layer();
    let branch = invited(&mut layer);
    let actions = news(&mut layer, &branch, 486, "busy");
    let [Action::Transmit { .. }, Action::Response { token: 5, .. }] = &actions[..] else {
        panic!("{actions:?}")
    };
    let (_, text, ack) = sent(&actions[..1]);
    assert!(text.starts_with("ACK sip:b@peer.example SIP/2.0\r\n"));
    let ack = as_request(&ack);
    assert_eq!(ack.via().and_then(|via| via.branch), Some(branch.as_str()));
    assert_eq!(ack.to_tag(), Some("busy"));
    assert_eq!(ack.headers.text(sip_message::Name::CSeq), Some("9 ACK"));
    assert_eq!(ack.headers.text(sip_message::Name::Route), Some("<sip:p.example;lr>"));
    assert_eq!(layer.clients_open(), 0, "Timer D is zero on a stream");
}
