//! Nanoseconds per message of the codec, best of several rounds: `cargo bench -p sip-message`.
#![expect(clippy::print_stdout, reason = "a measurement is there to be read")]

use std::hint::black_box;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use sip_message::{Frame, Framer, Limits, Message, Name, Request, StatusCode, parse_datagram};

const ROUNDS: u32 = 15;
const REPEATS: u32 = 2_000;

/// Prints the best round of `work`, which does `messages` things each time.
fn measure(name: &str, messages: u32, mut work: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..REPEATS {
            work();
        }
        let nanoseconds = start.elapsed().as_secs_f64() * 1e9;
        best = best.min(nanoseconds / f64::from(REPEATS) / f64::from(messages));
    }
    println!("{name:<56} {best:>7.1} ns");
}

/// A pager-mode message as an RCS client sends it through its proxy.
const MESSAGE: &str = "MESSAGE sip:+821012345678@ims.example;user=phone SIP/2.0\r\n\
Via: SIP/2.0/UDP 10.20.30.40:5060;branch=z9hG4bK-d8754z-7f3b2a1c9e4d5f60-1---d8754z-;rport\r\n\
Max-Forwards: 69\r\n\
Route: <sip:gw.ims.example:5060;lr>, <sip:odi-1f2e3d@scscf.ims.example:6060;lr>\r\n\
From: <sip:+821011110001@ims.example>;tag=3f9a2c71\r\n\
To: <sip:+821012345678@ims.example;user=phone>\r\n\
Call-ID: 8f1d2c3b4a59687766554433@10.20.30.40\r\n\
CSeq: 4711 MESSAGE\r\n\
P-Asserted-Identity: <tel:+821011110001>\r\n\
P-Asserted-Service: urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg\r\n\
Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"\r\n\
Conversation-ID: f81d4fae-7dec-11d0-a765-00a0c91e6bf6\r\n\
Contribution-ID: abcdef00-7dec-11d0-a765-00a0c91e6bf6\r\n\
Content-Type: message/cpim\r\n\
Content-Length: 200\r\n\
\r\n";

/// What every layer above asks for.
fn core(request: &Request) -> usize {
    let via = request.via().and_then(|via| via.unique_branch()).map_or(0, str::len);
    let from = request.from().and_then(|from| from.tag()).map_or(0, str::len);
    let to = request.to().map_or(0, |to| to.uri.as_str().len());
    let cseq = request.cseq().map_or(0, |cseq| cseq.number as usize);
    via + from + to + cseq + request.call_id().len()
}

fn main() {
    let mut octets = MESSAGE.as_bytes().to_vec();
    octets.extend_from_slice(&[b'x'; 200]);
    let octets = Bytes::from(octets);
    println!("MESSAGE of {} octets, {} header lines\n", octets.len(), MESSAGE.lines().count() - 2);

    let limits = Limits::DATAGRAM;
    let parse = || match parse_datagram(octets.clone(), &limits) {
        Ok(Message::Request(request)) => request,
        _ => unreachable!("a good request"),
    };
    measure("parse_datagram", 1, || {
        black_box(parse());
    });
    measure("parse_datagram, then Via, From, To, Call-ID, CSeq", 1, || {
        black_box(core(&parse()));
    });
    let request = parse();
    measure("Via, From, To, Call-ID, CSeq alone", 1, || {
        black_box(core(black_box(&request)));
    });
    let mut out = BytesMut::with_capacity(64 * 1024);
    measure("202 of it, written", 1, || {
        out.clear();
        request.response(StatusCode::ACCEPTED, Some("a7f3")).write(&mut out);
        black_box(&out);
    });
    measure("parse, read the core, answer 202, written", 1, || {
        out.clear();
        let request = parse();
        black_box(core(&request));
        request.response(StatusCode::ACCEPTED, Some("a7f3")).write(&mut out);
        black_box(&out);
    });
    measure("write the request", 1, || {
        out.clear();
        request.write(&mut out);
        black_box(&out);
    });
    measure("identity, service and feature tag", 1, || {
        let headers = &black_box(&request).headers;
        black_box(headers.addresses(Name::PAssertedIdentity).next().is_some_and(|address| address.is_ok()));
        black_box(headers.text(Name::PAssertedService));
        black_box(headers.text(Name::AcceptContact));
    });
    let answer = request.response(StatusCode::ACCEPTED, Some("a7f3")).to_bytes();
    measure("parse the 202", 1, || {
        black_box(parse_datagram(answer.clone(), &limits).is_ok());
    });
    let stream: Vec<u8> = octets.iter().copied().cycle().take(octets.len() * 50).collect();
    let mut framer = Framer::new(Limits::STREAM);
    measure("Framer, 50 to a read", 50, || {
        framer.push(&stream);
        while let Some(frame) = framer.next_frame() {
            assert!(matches!(black_box(frame), Ok(Frame::Message(_))), "good messages");
        }
    });
}
