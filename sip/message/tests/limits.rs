//! Every bound, the answer that says so, and what a stream does then; multipart bodies; the judge.

use bytes::Bytes;
use sip_message::multipart::{self, MultipartError, PARTS_MAX, Part};
use sip_message::{
    Fault, Frame, Framer, Headers, Limits, Message, Method, Name, Request, Served, StatusCode, Unreadable,
    judge, parse_datagram,
};

/// A request whose start line, extra lines and body are given; nothing else is added.
fn octets(start: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let method = start.split(' ').next().unwrap_or("");
    let head = format!(
        "{start}\r\nVia: SIP/2.0/TCP h.example;branch=z9hG4bK1\r\nFrom: <sip:a@h.example>;tag=1\r\nTo: <sip:b@h.example>\r\n\
         Call-ID: k\r\nCSeq: 1 {method}\r\n{more}\r\n"
    );
    [head.as_bytes(), body].concat()
}

const START: &str = "MESSAGE sip:b@h.example SIP/2.0";

fn datagram(octets: Vec<u8>, limits: &Limits) -> Result<Message, Unreadable> {
    parse_datagram(Bytes::from(octets), limits)
}

fn fault(more: &str, limits: &Limits) -> (Fault, u16) {
    let unreadable = datagram(octets(START, more, b""), limits).expect_err("refused");
    (unreadable.fault, unreadable.status().map_or(0, StatusCode::code))
}

fn stream(octets: &[u8], limits: Limits) -> (Vec<Result<Frame, Unreadable>>, Framer) {
    let mut framer = Framer::new(limits);
    framer.push(octets);
    let frames = std::iter::from_fn(|| framer.next_frame()).collect();
    (frames, framer)
}

#[test]
fn every_limit_has_its_answer() {
    let limits = Limits {
        message_octets: 2_000,
        body_octets: 300,
        head_octets: 1_200,
        start_line_octets: 100,
        headers: 12,
        header_octets: 200,
        vias: 3,
        lenient: false,
    };
    assert!(datagram(octets(START, "", &[b'x'; 300]), &limits).is_ok());
    assert_eq!(fault(&"X: y\r\n".repeat(8), &limits), (Fault::TooManyHeaders, 400));
    assert!(
        datagram(octets(START, &"X: y\r\n".repeat(7), b""), &limits).is_ok(),
        "the limit itself is allowed"
    );
    assert_eq!(
        fault(&format!("Subject: {}\r\n", "x".repeat(201)), &limits),
        (Fault::HeaderTooLong("Subject"), 513)
    );
    assert_eq!(fault(&format!("Subject: {}\r\n", "x".repeat(1_200)), &limits), (Fault::HeadTooLong, 513));
    assert_eq!(
        fault("Via: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nv: SIP/2.0/UDP c\r\n", &limits),
        (Fault::TooManyVias, 400)
    );
    let long = format!("MESSAGE sip:{}@h.example SIP/2.0", "b".repeat(100));
    let refused = datagram(octets(&long, "", b""), &limits).unwrap_err();
    assert_eq!(refused.status(), Some(StatusCode::URI_TOO_LONG));
    let refused = datagram(octets(START, "", &[b'x'; 301]), &limits).unwrap_err();
    assert_eq!(refused.status(), Some(StatusCode::ENTITY_TOO_LARGE));
    let refused = datagram(octets(START, "", &[b'x'; 2_000]), &limits).unwrap_err();
    assert_eq!((refused.fault, refused.status()), (Fault::TooLarge, Some(StatusCode::MESSAGE_TOO_LARGE)));
    assert_eq!(refused.response("t").unwrap().to_tag(), Some("t"));
}

#[test]
fn rfc3261_20_14_content_length() {
    let limits = Limits::DATAGRAM;
    let body = |more: &str, body: &[u8]| {
        datagram(octets(START, more, body), &limits).map(|message| message.body().len())
    };
    assert_eq!(body("", b"all").unwrap(), 3);
    assert_eq!(body("l: 2\r\nContent-Length: 002\r\n", b"all").unwrap(), 2);
    for (more, expected) in [
        ("l: 4\r\n", Fault::Truncated),
        ("l: 2\r\nl: 3\r\n", Fault::LengthConflict),
        ("l: -1\r\n", Fault::LengthInvalid),
        ("l: \r\n", Fault::LengthInvalid),
        ("l: 2, 2\r\n", Fault::LengthInvalid),
        ("l: 4294967296\r\n", Fault::LengthInvalid),
    ] {
        let unreadable = body(more, b"all").unwrap_err();
        assert_eq!(
            (unreadable.fault, unreadable.status()),
            (expected, Some(StatusCode::BAD_REQUEST)),
            "{more}"
        );
    }
}

#[test]
fn what_must_not_be_answered_is_dropped() {
    let limits = Limits::DATAGRAM;
    let dropped = |octets: &[u8]| {
        let unreadable = datagram(octets.to_vec(), &limits).unwrap_err();
        assert!(
            unreadable.is_discard() && unreadable.response("t").is_none() && !unreadable.close,
            "{octets:?}"
        );
        unreadable.fault
    };
    assert_eq!(dropped(b""), Fault::KeepAlive);
    assert_eq!(dropped(b"\r\n\r\n"), Fault::KeepAlive);
    assert_eq!(dropped(b"\0\0\0\0"), Fault::KeepAlive);
    assert_eq!(dropped(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), Fault::NotSip);
    assert_eq!(dropped(&[0x00, 0x01, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3]), Fault::NotSip);
    assert_eq!(dropped(&octets("ACK sip:b@h.example SIP/2.0", "l: -1\r\n", b"")), Fault::LengthInvalid);
    assert_eq!(dropped(b"SIP/2.0 99 Low\r\n\r\n"), Fault::StatusLine);
    assert_eq!(dropped(b"SIP/2.0 700 High\r\n\r\n"), Fault::StatusLine);
    assert_eq!(dropped(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n\r\n"), Fault::Missing("From"));
    let no_way_back =
        String::from_utf8(octets(START, "", b"")).unwrap().replace("SIP/2.0/TCP h.example", "?");
    assert_eq!(dropped(no_way_back.as_bytes()), Fault::Malformed("Via", sip_message::Malformed::Via));
}

#[test]
fn a_head_is_refused_for_what_is_wrong_with_it() {
    let limits = Limits::DATAGRAM;
    for (more, expected) in [
        ("Subject: a\0b\r\n", Fault::Control),
        ("Subject: a\nb\r\n", Fault::Control),
        ("Subject: a\rb\r\n", Fault::Control),
        ("no colon\r\n", Fault::HeaderLine),
        (": no name\r\n", Fault::HeaderLine),
        ("a b: c\r\n", Fault::HeaderLine),
        ("n\u{e9}: c\r\n", Fault::HeaderLine),
        ("Max-Forwards: 256\r\n", Fault::Malformed("Max-Forwards", sip_message::Malformed::Number)),
        ("Call-ID: two\r\n", Fault::Repeated("Call-ID")),
        ("i: two\r\n", Fault::Repeated("Call-ID")),
        ("Route: <sip:a\r\n", Fault::Malformed("Route", sip_message::Malformed::Uri)),
        ("Contact: \"\r\n", Fault::Malformed("Contact", sip_message::Malformed::Quote)),
        ("Contact: <sip:a@h>,\r\n", Fault::Malformed("Contact", sip_message::Malformed::Empty)),
    ] {
        assert_eq!(fault(more, &limits), (expected, 400), "{more:?}");
    }
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        let text = String::from_utf8(octets(START, "", b"")).unwrap().replace(name, "X-Was");
        let unreadable = datagram(text.into_bytes(), &limits).unwrap_err();
        assert_eq!(unreadable.fault, Fault::Missing(name));
        assert_eq!(unreadable.is_discard(), name == "Via");
    }
    let cut = octets(START, "", b"");
    let unreadable = datagram(cut[..cut.len() - 2].to_vec(), &limits).unwrap_err();
    assert_eq!((unreadable.fault, unreadable.status()), (Fault::NoBlankLine, Some(StatusCode::BAD_REQUEST)));
}

#[test]
fn rfc3261_18_3_a_stream_without_length_is_closed_after_its_answer() {
    let (frames, framer) = stream(&octets(START, "", b""), Limits::STREAM);
    let [Err(unreadable)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((unreadable.fault, unreadable.close), (Fault::LengthMissing, true));
    assert_eq!(unreadable.status(), Some(StatusCode::BAD_REQUEST));
    assert!(framer.is_broken());
}

#[test]
fn a_stream_is_closed_for_what_is_too_large_and_for_what_is_not_sip() {
    let large = octets(START, "l: 300000\r\n", b"");
    let (frames, _) = stream(&large, Limits::STREAM);
    let [Err(unreadable)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((unreadable.status(), unreadable.close), (Some(StatusCode::ENTITY_TOO_LARGE), true));
    for garbage in [&b"GET / HTTP/1.1\r\n"[..], b"\n", b"\0\0\0\0\r\n", &[b'x'; 40_000]] {
        let (frames, framer) = stream(garbage, Limits::STREAM);
        assert!(matches!(&frames[..], [Err(unreadable)] if unreadable.is_discard() && unreadable.close));
        assert!(framer.is_broken());
    }
    let endless = octets(START, &"X-Y: z\r\n".repeat(10_000), b"");
    let (frames, _) = stream(&endless[..40_000], Limits::STREAM);
    assert!(
        matches!(&frames[..], [Err(unreadable)] if unreadable.fault == Fault::HeadTooLong && unreadable.close)
    );
}

#[test]
fn one_bad_message_costs_only_itself() {
    let bad = octets(START, "l: 4\r\nContact: <\r\n", b"body");
    let good = octets("OPTIONS sip:b@h.example SIP/2.0", "l: 0\r\n", b"");
    let (frames, framer) = stream(&[bad, good].concat(), Limits::STREAM);
    assert!(
        matches!(&frames[..], [Err(unreadable), Ok(Frame::Message(_))] if !unreadable.close),
        "{frames:?}"
    );
    assert!(!framer.is_broken() && !framer.is_mid_message());
}

#[test]
fn rfc5626_3_5_1_keep_alives() {
    let seen = |chunks: &[&[u8]]| {
        let mut framer = Framer::new(Limits::STREAM);
        let mut seen = String::new();
        for chunk in chunks {
            framer.push(chunk);
            while let Some(frame) = framer.next_frame() {
                seen.push(match frame.unwrap() {
                    Frame::Message(_) => 'M',
                    Frame::Ping => '?',
                    Frame::Pong => '!',
                });
            }
        }
        seen
    };
    let message = octets(START, "l: 0\r\n", b"");
    assert_eq!(seen(&[b"\r\n\r\n"]), "?");
    assert_eq!(seen(&[b"\r\n"]), "!");
    assert_eq!(seen(&[b"\r\n", b"\r\n"]), "!?", "a ping in two pieces is answered");
    assert_eq!(seen(&[b"\r", b"\n\r", b"\n"]), "?");
    assert_eq!(seen(&[b"\r\n\r\n\r\n\r\n"]), "??");
    assert_eq!(seen(&[b"\r\n", &message, b"\r\n\r\n", &message]), "!M?M");
    assert_eq!(seen(&[&[b"\r\n".as_slice(), &message].concat()]), "M", "blank lines before a start line");
}

fn part(content_type: &str, body: &'static [u8]) -> Part {
    Part::new(content_type, Bytes::from_static(body))
}

#[test]
fn rfc2046_5_1_parts_come_back_octet_for_octet() {
    let parts = [
        part("message/cpim", b"\r\n--edg\r\n\0\xff--\r\n"),
        part("application/resource-lists+xml", b"").with(Name::ContentDisposition, "recipient-list"),
        Part { headers: Headers::new(), body: Bytes::from_static(b"no head") },
    ];
    let body = multipart::write(&parts, "edge 1").unwrap();
    let read = multipart::split(&body, "edge 1").unwrap();
    assert_eq!(read.len(), 3);
    for (read, written) in read.iter().zip(&parts) {
        assert_eq!(read.body, written.body);
        assert_eq!(read.headers.iter().collect::<Vec<_>>(), written.headers.iter().collect::<Vec<_>>());
    }
    assert_eq!(
        multipart::write(&[part("a/b", b"x--edge 1")], "edge 1").unwrap_err(),
        MultipartError::Ambiguous
    );
    assert_eq!(multipart::write(&[], "bad\r\n").unwrap_err(), MultipartError::Boundary);
}

#[test]
fn rfc2046_5_1_1_delimiters() {
    let split = |body: &'static [u8]| {
        multipart::split(&Bytes::from_static(body), "b")
            .map(|parts| parts.into_iter().map(|part| part.body).collect::<Vec<_>>())
    };
    assert_eq!(
        split(b"preamble\r\n--b \t\r\n\r\none\r\n--bc\r\n--b--\r\nepilogue"),
        Ok(vec![Bytes::from_static(b"one\r\n--bc")])
    );
    assert_eq!(split(b"--b\r\n\r\n\r\n--b--"), Ok(vec![Bytes::new()]));
    assert_eq!(split(b"--b--"), Ok(vec![]));
    assert_eq!(split(b"--b\r\n\r\none"), Err(MultipartError::Unfinished));
    assert_eq!(split(b"--b\r\n\r\none\r\n--b\r\n"), Err(MultipartError::Unfinished));
    assert_eq!(split(b"nothing -- b"), Err(MultipartError::NoPart));
    assert_eq!(split(b"--b\r\nno head\r\n--b--"), Err(MultipartError::Head));
    assert_eq!(split(b"--b\r\nX: \0\r\n\r\n\r\n--b--"), Err(MultipartError::Head));
    let many = [b"--b\r\n\r\n\r\n".repeat(PARTS_MAX + 1), b"--b--".to_vec()].concat();
    assert_eq!(multipart::split(&Bytes::from(many), "b").unwrap_err(), MultipartError::TooMany);
    assert_eq!(multipart::boundary(b"multipart/mixed; boundary=\"a b\"").as_deref(), Ok("a b"));
    for bad in [
        "text/plain; boundary=x",
        "multipart/mixed",
        "multipart/mixed; boundary=\"\"",
        "multipart/mixed; boundary=\"x \"",
        "multi;boundary=x",
        "multipart/mixed; boundary=\"\u{e9}\"",
    ] {
        assert_eq!(multipart::boundary(bad.as_bytes()), Err(MultipartError::Boundary), "{bad}");
    }
}

const SERVED: Served<'_> = Served {
    methods: &[Method::MESSAGE, Method::ACK, Method::INVITE],
    extensions: &["path"],
    media: &["message/cpim", "text/*"],
    answers: &["application/sdp"],
    forwards: true,
};

fn judged(start: &str, more: &str, body: &[u8]) -> (u16, Option<Request>) {
    let Ok(Message::Request(request)) = datagram(octets(start, more, body), &Limits::DATAGRAM) else {
        panic!("readable")
    };
    match judge(&request, &SERVED) {
        Ok(()) => (0, Some(request)),
        Err(objection) => {
            assert_eq!(objection.silent, request.method == Method::ACK);
            (objection.response(&request, "t").status.code(), None)
        }
    }
}

#[test]
fn rfc3261_8_2_one_verdict_in_order() {
    let status = |start: &str, more: &str, body: &[u8]| judged(start, more, body).0;
    assert_eq!(status(START, "c: message/CPIM\r\n", b"x"), 0);
    assert_eq!(status(START, "c: text/html;charset=x\r\n", b"x"), 0);
    assert_eq!(status(START, "c: image/png\r\n", b"x"), 415);
    assert_eq!(status(START, "c: image/png\r\nContent-Disposition: icon;handling=optional\r\n", b"x"), 0);
    assert_eq!(status(START, "c: image/png\r\n", b""), 0, "no body, no type to refuse");
    assert_eq!(status(START, "", b"x"), 400);
    assert_eq!(status(START, "c: junk\r\n", b"x"), 400);
    assert_eq!(status(START, "c: text/plain\r\ne: gzip\r\n", b"x"), 415);
    assert_eq!(status(START, "c: text/plain\r\nContent-Encoding: identity\r\n", b"x"), 0);
    assert_eq!(status(START, "Require: PATH\r\n", b""), 0);
    assert_eq!(status(START, "Require: path, gruu\r\n", b""), 420);
    assert_eq!(status(START, "Proxy-Require: gruu\r\n", b""), 420);
    assert_eq!(status(START, "Max-Forwards: 0\r\n", b""), 483);
    assert_eq!(status("BYE sip:b@h.example SIP/2.0", "Require: x\r\n", b""), 405, "the method comes first");
    assert_eq!(status("FLY sip:b@h.example SIP/2.0", "", b""), 501);
    assert_eq!(status("MESSAGE http://h.example SIP/2.0", "Require: x\r\n", b""), 416, "then the scheme");
    assert_eq!(status("ACK sip:b@h.example SIP/2.0", "Require: x\r\n", b""), 0);
    assert_eq!(
        status("INVITE sip:b@h.example SIP/2.0", "Accept: text/plain, application/*;q=0.2\r\n", b""),
        0
    );
    assert_eq!(status("INVITE sip:b@h.example SIP/2.0", "Accept: text/plain\r\n", b""), 406);
}
