//! A message in, its answer out.

use bytes::Bytes;
use sip_message::{Frame, Framer, Limits, Message, Method, Name, Request, StatusCode, Uri, parse_datagram};

const MESSAGE: &[u8] = b"MESSAGE sip:+821012345678@ims.example;user=phone SIP/2.0\r\n\
v: SIP/2.0/UDP 10.0.0.7:5070;branch=z9hG4bKx1;rport\r\n\
Max-Forwards: 70\r\n\
f: \"Mina \\\"M\\\"\" <sip:acme.shop@bots.example>;tag=a1\r\n\
t: <tel:+82-10-1234-5678>\r\n\
i: c1@10.0.0.7\r\n\
CSeq: 7 MESSAGE\r\n\
Contribution-ID: 01\r\n\
Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"\r\n\
P-Asserted-Identity: <sip:+8210@ims.example>, <tel:+8210>\r\n\
Subject: folded\r\n\
\x20 twice\r\n\
c: application/vnd.3gpp.sms\r\n\
l: 5\r\n\
\r\n\
\x00\xff\r\n\x01trailing";

fn request(octets: &'static [u8]) -> Request {
    match parse_datagram(Bytes::from_static(octets), &Limits::DATAGRAM) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_read_where_it_lies() {
    let request = request(MESSAGE);
    assert_eq!(request.method, Method::MESSAGE);
    assert_eq!(request.uri.user(), Some("+821012345678"));
    assert_eq!(&request.body[..], b"\x00\xff\r\n\x01");
    assert_eq!(request.via().and_then(|via| via.unique_branch()), Some("z9hG4bKx1"));
    assert_eq!(request.from_tag(), Some("a1"));
    assert_eq!(request.from().unwrap().display().as_deref(), Some("Mina \"M\""));
    assert_eq!(request.from().unwrap().uri.user(), Some("acme.shop"));
    assert_eq!(request.to().unwrap().uri.tel_number(), Some("+82-10-1234-5678"));
    assert_eq!(request.call_id(), "c1@10.0.0.7");
    assert_eq!(request.cseq().unwrap().number, 7);
    assert_eq!(request.headers.text(Name::Subject), Some("folded twice"));
    assert_eq!(request.headers.addresses(Name::PAssertedIdentity).filter(Result::is_ok).count(), 2);
}

#[test]
fn an_answer_takes_what_the_request_brought() {
    let response = request(MESSAGE).response(StatusCode::ACCEPTED, Some("our"));
    assert_eq!(
        String::from_utf8_lossy(&response.to_bytes()),
        "SIP/2.0 202 Accepted\r\n\
         Via: SIP/2.0/UDP 10.0.0.7:5070;branch=z9hG4bKx1;rport\r\n\
         From: \"Mina \\\"M\\\"\" <sip:acme.shop@bots.example>;tag=a1\r\n\
         To: <tel:+82-10-1234-5678>;tag=our\r\n\
         Call-ID: c1@10.0.0.7\r\n\
         CSeq: 7 MESSAGE\r\n\
         Content-Length: 0\r\n\r\n"
    );
}

#[test]
fn a_stream_is_cut_by_content_length() {
    let new = Request::builder(Method::OPTIONS, Uri::new("sip:[2001:db8::1]:5080").unwrap())
        .from("sip:gw.example", "t")
        .to("tel:+8210", None)
        .call_id("x")
        .cseq(1)
        .header(Name::Via, "SIP/2.0/TCP gw.example;branch=z9hG4bKq")
        .body("text/plain", Bytes::from_static(b"\r\n\r\n\0"))
        .build();
    let mut stream = b"\r\n\r\n".to_vec();
    stream.extend_from_slice(&new.to_bytes());
    stream.extend_from_slice(&new.to_bytes());
    let mut framer = Framer::new(Limits::STREAM);
    let mut messages = 0;
    let mut pings = 0;
    for octet in stream {
        framer.push(&[octet]);
        while let Some(frame) = framer.next_frame() {
            match frame.unwrap() {
                Frame::Message(message) => {
                    assert_eq!(&message.body()[..], b"\r\n\r\n\0");
                    messages += 1;
                }
                Frame::Ping => pings += 1,
                Frame::Pong => {}
            }
        }
    }
    assert_eq!((messages, pings), (2, 1));
    assert!(!framer.is_mid_message());
}

#[test]
fn what_cannot_be_read_is_answered_from_its_octets() {
    let broken = Bytes::from_static(
        b"MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:c@d>;tag=1\r\n\
          To: \"unbalanced <sip:a@b>\r\nCall-ID: k\r\nCSeq: 1 MESSAGE\r\n\r\n",
    );
    let unreadable = parse_datagram(broken, &Limits::DATAGRAM).unwrap_err();
    assert_eq!(unreadable.status(), Some(StatusCode::BAD_REQUEST));
    let answer = unreadable.response("x").unwrap();
    assert_eq!(answer.call_id(), "k");
    assert!(answer.via().is_some());
}
