//! RFC 3261 §18.2.1 and §18.2.2, RFC 3581 §4: the top Via of an answer, and where the answer goes.

use sip_message::Message;
use sip_transaction::Flow;

use crate::hand::{answer, key, layer, receive, request, sent, tcp, udp};

/// The Via lines and the destination of the answer to a request with `via` that came over `flow`.
fn answered(flow: Flow, via: &str) -> (String, Flow) {
    let mut layer = layer();
    let key = key(&receive(&mut layer, flow, request("MESSAGE", via, "", "")));
    let (to, text, _) = sent(&answer(&mut layer, key, 200));
    let vias: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("Via: ")).collect();
    // A copy is answered with the same octets, to the same address.
    let copy = receive(&mut layer, flow, request("MESSAGE", via, "", ""));
    if !flow.reliable() {
        let (again_to, again, _) = sent(&copy);
        assert_eq!((again_to, again), (to, text.clone()));
    }
    (vias.join("\n"), to)
}

#[test]
fn rport_is_filled_in_and_received_added() {
    let flow = udp("192.0.2.1:40000");
    let (via, to) = answered(flow, "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1");
    assert_eq!(via, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;received=192.0.2.1;rport=40000");
    assert_eq!(to, flow);
}

#[test]
fn without_rport_the_port_of_sent_by_counts_but_the_address_of_the_source() {
    let (via, to) = answered(udp("192.0.2.1:40000"), "SIP/2.0/UDP 198.51.100.9:5080;branch=z9hG4bK1");
    assert_eq!(via, "SIP/2.0/UDP 198.51.100.9:5080;branch=z9hG4bK1;received=192.0.2.1");
    assert_eq!(to, udp("192.0.2.1:5080"));
    let (via, to) = answered(udp("192.0.2.1:40000"), "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1");
    assert_eq!(via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "nothing to add");
    assert_eq!(to, udp("192.0.2.1:5060"));
}

#[test]
fn a_name_in_sent_by_gets_received() {
    let (via, _) = answered(udp("192.0.2.1:5060"), "SIP/2.0/UDP peer.example;branch=z9hG4bK1");
    assert_eq!(via, "SIP/2.0/UDP peer.example;branch=z9hG4bK1;received=192.0.2.1");
}

#[test]
fn what_the_peer_claims_is_not_repeated() {
    let via = "SIP/2.0/UDP 192.0.2.1;received=203.0.113.5;rport=9;branch=z9hG4bK1;x=\"a;b\"";
    let (via, to) = answered(udp("192.0.2.1:40000"), via);
    assert_eq!(via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;x=\"a;b\";received=192.0.2.1;rport=40000");
    assert_eq!(to, udp("192.0.2.1:40000"));
    // Nor followed: an answer never goes to a third party.
    let (_, to) = answered(udp("192.0.2.1:40000"), "SIP/2.0/UDP 192.0.2.1;maddr=203.0.113.5;branch=z9hG4bK2");
    assert_eq!(to, udp("192.0.2.1:5060"));
}

#[test]
fn lower_vias_stay_as_they_are() {
    let two = "SIP/2.0/UDP a.example;branch=z9hG4bK1;rport, SIP/2.0/TCP b.example;rport;branch=z9hG4bK0\nVia: SIP/2.0/UDP c.example";
    let (vias, _) = answered(udp("192.0.2.1:40000"), two);
    assert_eq!(
        vias,
        "SIP/2.0/UDP a.example;branch=z9hG4bK1;received=192.0.2.1;rport=40000, \
         SIP/2.0/TCP b.example;rport;branch=z9hG4bK0\nSIP/2.0/UDP c.example"
    );
}

/// RFC 3261 §25.1: white space may stand around every separator.
#[test]
fn white_space_does_no_harm() {
    let spaced = "SIP / 2.0 / UDP  a.example ; branch=z9hG4bK1 ; rport , SIP/2.0/TCP b.example";
    let (vias, _) = answered(udp("192.0.2.1:40000"), spaced);
    let read = sip_message::Via::parse(vias.split(',').next().expect("one").as_bytes()).expect("readable");
    assert_eq!((read.branch, read.rport), (Some("z9hG4bK1"), sip_message::Rport::Port(40000)));
    assert_eq!(read.params.iter().count(), 3, "{vias}");
    assert!(vias.ends_with(", SIP/2.0/TCP b.example"), "{vias}");
}

#[test]
fn ipv6() {
    let flow = udp("[2001:db8::1]:40000");
    let (via, to) = answered(flow, "SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1;rport");
    assert_eq!(via, "SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1;received=2001:db8::1;rport=40000");
    assert_eq!(to, flow);
    // An IPv4 peer on a socket for both families.
    let (via, _) = answered(udp("[::ffff:192.0.2.1]:5060"), "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1");
    assert_eq!(via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1");
}

#[test]
fn on_a_stream_the_answer_goes_back_on_it() {
    let flow = tcp("192.0.2.1:40000");
    let (_, to) = answered(flow, "SIP/2.0/TCP 198.51.100.9:5080;branch=z9hG4bK1");
    assert_eq!(to, flow);
}

/// RFC 3261 §8.2.6.2, §8.2.6.1: what an answer copies, and that only 100 has no tag of ours.
#[test]
fn an_answer_copies_five_headers_and_tags_to() {
    let mut layer = layer();
    let flow = udp("192.0.2.1:5060");
    let invite = request("INVITE", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "", "Contact: <sip:a@192.0.2.1>");
    let key = key(&receive(&mut layer, flow, invite));
    let tag = layer.to_tag(key).expect("open").as_str().to_owned();
    let (_, text, _) = sent(&answer(&mut layer, key, 100));
    assert_eq!(
        text,
        "SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
         From: \"Mina\" <sip:+82101@ims.example>;tag=a1\r\nCall-ID: 1@peer\r\nCSeq: 1 INVITE\r\n\
         To: <sip:+82102@gw.example>\r\nContent-Length: 0\r\n\r\n"
    );
    let (_, text, _) = sent(&answer(&mut layer, key, 180));
    assert!(text.contains(&format!("\r\nTo: <sip:+82102@gw.example>;tag={tag}\r\n")), "{text}");

    let mut whole = sip_message::Response::new(sip_message::StatusCode::OK, sip_message::Headers::new());
    whole.set_reason("Fine");
    whole.headers.push(sip_message::Name::To, "<sip:someone@else.example>;tag=other");
    whole.headers.push(sip_message::Name::Contact, "<sip:gw.example>");
    let whole = whole.with_body("text/plain", bytes::Bytes::from_static(b"\x00\xff\r\n"));
    let mut out = Vec::new();
    layer.respond(crate::hand::NOW_US, key, &whole, &mut out).expect("open");
    let sip_transaction::Action::Transmit { octets, .. } = &out[0] else { panic!("{out:?}") };
    assert!(octets.starts_with(b"SIP/2.0 200 Fine\r\nVia: "));
    assert!(octets.ends_with(
        b"Contact: <sip:gw.example>\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n\x00\xff\r\n"
    ));
    let read =
        sip_message::parse_datagram(octets.clone(), &sip_message::Limits::default()).expect("readable");
    let Message::Response(read) = read else { panic!("a request") };
    assert_eq!(read.to_tag(), Some(tag.as_str()));
    assert_eq!(read.headers.all(sip_message::Name::To).count(), 1);
}

/// In a dialog the tag that is there stays.
#[test]
fn a_tag_in_to_is_kept() {
    let mut layer = layer();
    let bye = request("BYE", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "b2", "");
    let key = key(&receive(&mut layer, udp("192.0.2.1:5060"), bye));
    let (_, text, _) = sent(&answer(&mut layer, key, 481));
    assert!(text.contains("\r\nTo: <sip:+82102@gw.example>;tag=b2\r\n"), "{text}");
}
