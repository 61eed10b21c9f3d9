//! RFC 4975 §7.1 and §9: where frames begin and end.

use bytes::BytesMut;
use proptest::prelude::*;
use sip_msrp::{
    ByteRange, Decoder, End, FailureReport, Fault, Frame, FrameError, FrameErrorKind, Limits, Method, Piece,
    Request, Status,
};

use crate::bench::{OURS, TEXT, THEIRS, send};

fn cut(octets: &[u8]) -> (Vec<Frame>, Result<(), FrameError>) {
    let mut frames = Vec::new();
    let result = Decoder::default().cut(&mut BytesMut::from(octets), &mut frames);
    (frames, result)
}

fn one(text: &str) -> Frame {
    let (mut frames, result) = cut(text.as_bytes());
    assert_eq!((frames.len(), result), (1, Ok(())), "{text}");
    frames.remove(0)
}

fn request(text: &str) -> Request {
    match one(text) {
        Frame::Request(request) => request,
        other => panic!("no request: {other:?}"),
    }
}

/// The same frames, with pieces put together.
fn joined(frames: Vec<Frame>) -> Vec<Frame> {
    let mut whole: Vec<Frame> = Vec::new();
    for frame in frames {
        match (whole.last_mut(), frame) {
            (Some(Frame::Request(request)), Frame::Piece(piece)) if request.end.is_none() => {
                request.body = [&request.body[..], &piece.body].concat().into();
                request.end = piece.end;
            }
            (_, Frame::Piece(piece)) => panic!("a piece of nothing: {piece:?}"),
            (_, frame) => whole.push(frame),
        }
    }
    whole
}

#[test]
fn rfc4975_7_1_a_send_with_everything() {
    let head = "Message-ID: m-0001\r\nByte-Range: 1-5/5\r\nSuccess-Report: yes\r\nFailure-Report: partial\r\n\
                Content-Disposition: inline\r\nX-New:  a b \r\nContent-Type: text/plain;charset=utf-8\r\n";
    let request = request(&send("k7Qm41xz", head, "hello", '$'));
    assert_eq!(request.transaction.as_str(), "k7Qm41xz");
    assert_eq!(request.method, Method::Send);
    assert_eq!(request.to_path.to_string(), OURS);
    assert_eq!(request.from_path.to_string(), THEIRS);
    assert_eq!(request.message_id.as_deref(), Some("m-0001"));
    assert_eq!(request.byte_range, Some(ByteRange::whole(5)));
    assert!(request.success_report);
    assert_eq!(request.failure_report, FailureReport::Partial);
    assert_eq!(request.content_type.as_deref(), Some("text/plain;charset=utf-8"));
    assert_eq!((request.others.get("x-new"), request.others.len()), (Some("a b"), 2));
    assert_eq!(request.fault, None);
    assert_eq!((&request.body[..], request.end), (&b"hello"[..], Some(End::Complete)));
}

#[test]
fn rfc4975_7_1_defaults() {
    let request = request(&send("tid1", &format!("Message-ID: m1\r\n{TEXT}"), "x", '+'));
    assert_eq!((request.success_report, request.failure_report), (false, FailureReport::Yes));
    assert_eq!((request.byte_range, request.end), (None, Some(End::More)));
}

#[test]
fn rfc4975_7_1_no_body_no_empty_line() {
    let text = format!(
        "MSRP tid2 SEND\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\nMessage-ID: m2\r\n-------tid2$\r\n"
    );
    let request = request(&text);
    assert_eq!((request.body.len(), request.end, request.fault), (0, Some(End::Complete), None));
    assert_eq!(request.content_type, None);
}

#[test]
fn an_empty_line_before_the_end_line_is_let_be() {
    let text = format!(
        "MSRP tid2 SEND\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\nMessage-ID: m2\r\n\r\n-------tid2$\r\n"
    );
    assert_eq!((request(&text).body.len(), request(&text).fault), (0, None));
    let response =
        format!("MSRP tid2 200 OK\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\n\r\n-------tid2$\r\n");
    assert!(matches!(one(&response), Frame::Response(_)));
}

#[test]
fn rfc4975_7_2_a_response() {
    for (start, code) in [("200 OK", 200), ("481 Session does not exist", 481), ("200", 200)] {
        let text = format!("MSRP tid3 {start}\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\n-------tid3$\r\n");
        let Frame::Response(response) = one(&text) else { panic!("no response") };
        assert_eq!((response.status.code(), response.transaction.as_str()), (code, "tid3"));
    }
}

#[test]
fn rfc4975_7_1_2_a_report() {
    let text = format!(
        "MSRP tid4 REPORT\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\nMessage-ID: m4\r\nByte-Range: 1-25/25\r\n\
         Status: 000 200 OK\r\n-------tid4$\r\n"
    );
    let request = request(&text);
    assert_eq!(request.method, Method::Report);
    assert_eq!(request.status.map(|said| (said.namespace, said.status)), Some((0, Status::OK)));
}

#[test]
fn rfc4975_7_1_a_body_may_hold_anything() {
    let bodies: [&[u8]; 7] = [
        b"-------",
        b"\r\n-------xyz0$\r\n",
        b"\r\n-------body1$\r\n-------bodi$\r\n",
        b"\r\n-------body\r\n\r\n-------body!\r\n\r\n--------body$\r\n",
        b"MSRP body SEND\r\nTo-Path: x\r\n\r\n-------bodyy$\r\n",
        b"\0\xff\r\n\r\n\r\r\n-------bod",
        b"",
    ];
    for body in bodies {
        let mut octets = send("body", &format!("Message-ID: m5\r\n{TEXT}"), "@", '$').into_bytes();
        let at = octets.iter().position(|octet| *octet == b'@').unwrap();
        octets.splice(at..=at, body.iter().copied());
        let (frames, result) = cut(&octets);
        assert_eq!(result, Ok(()));
        let [Frame::Request(request)] = frames.as_slice() else { panic!("{frames:?}") };
        assert_eq!(&request.body[..], body);
    }
}

#[test]
fn header_names_in_any_case_and_paths_in_any_order() {
    let text = format!(
        "MSRP tid6 SEND\r\nfrom-path: {THEIRS}\r\nTO-PATH:{OURS}\r\nmessage-id:m6\r\n-------tid6$\r\n"
    );
    assert_eq!(request(&text).fault, None);
}

#[test]
fn rfc4975_a_fault_does_not_break_the_stream() {
    let head = |lines: &str| format!("Message-ID: m7\r\n{lines}{TEXT}");
    let with = |lines: &str| send("tid7", &head(lines), "x", '$');
    let without = |name: &str| {
        let text = with("");
        let (before, line) = text.split_once(&format!("\r\n{name}:")).unwrap();
        let (_, after) = line.split_once("\r\n").unwrap();
        format!("{before}\r\n{after}")
    };
    let cases = [
        (without("To-Path"), Fault::ToPath),
        (without("From-Path"), Fault::FromPath),
        (without("Message-ID"), Fault::MessageId),
        (without("Content-Type"), Fault::ContentType),
        (with("Byte-Range: 0-1/1\r\n"), Fault::ByteRange),
        (with("Byte-Range: 1-1/1\r\nByte-Range: 1-1/1\r\n"), Fault::Twice),
        (with(&format!("To-Path: {OURS}\r\n")), Fault::Twice),
        (with("Success-Report: partial\r\n"), Fault::ReportWanted),
        (with("Failure-Report: maybe\r\n"), Fault::ReportWanted),
        (with("Status: 200\r\n"), Fault::Status),
        (with("no colon\r\n"), Fault::HeaderLine),
        (with(": no name\r\n"), Fault::HeaderLine),
        (with(" folded: line\r\n"), Fault::HeaderLine),
        (with("X: a\nb\r\n"), Fault::HeaderLine),
        (with("X: a\0b\r\n"), Fault::HeaderLine),
        (with("").replace("SEND", "send"), Fault::StartLine),
        (with("").replace("SEND", "20"), Fault::StartLine),
        (with("").replace(" SEND", ""), Fault::StartLine),
        (with("").replace("SEND", "REPORT"), Fault::Status),
        (with("").replace("msrp://gw", "http://gw"), Fault::ToPath),
    ];
    for (text, fault) in cases {
        let good = with("");
        let (frames, result) = cut(format!("{text}{good}").as_bytes());
        assert_eq!(result, Ok(()), "{text}");
        let [Frame::Request(bad), Frame::Request(next)] = frames.as_slice() else {
            panic!("{text}\n{frames:?}")
        };
        assert_eq!((bad.fault, next.fault), (Some(fault), None), "{text}");
    }
}

#[test]
fn a_response_needs_no_paths() {
    let bad = "MSRP tid8 200 OK\r\nTo-Path: nowhere\r\n-------tid8$\r\n";
    let good = send("tid8", &format!("Message-ID: m8\r\n{TEXT}"), "x", '$');
    let (frames, result) = cut(format!("{bad}{good}").as_bytes());
    assert_eq!((frames.len(), result), (2, Ok(())));
    assert!(matches!(&frames[0], Frame::Response(response) if response.to_path.is_empty()));
}

#[test]
fn line_ends_between_frames_are_let_be() {
    let good = send("tid9", &format!("Message-ID: m9\r\n{TEXT}"), "x", '$');
    let (frames, result) = cut(format!("\r\n\r\n{good}\r\n{good}\r\n\r").as_bytes());
    assert_eq!((frames.len(), result), (2, Ok(())));
}

#[test]
fn a_long_body_comes_in_pieces_and_nothing_is_held_back_for_long() {
    let limits = Limits { piece_octets: 100, ..Limits::default() };
    let body: String = (0..10_000).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
    let text = send("long", &format!("Message-ID: m10\r\nByte-Range: 1-*/10000\r\n{TEXT}"), &body, '+');
    let mut decoder = Decoder::new(limits);
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for some in text.as_bytes().chunks(37) {
        buffer.extend_from_slice(some);
        decoder.cut(&mut buffer, &mut frames).unwrap();
        assert!(buffer.len() < 300, "{}", buffer.len());
    }
    assert!(frames.len() > 50);
    assert!(matches!(frames.last(), Some(Frame::Piece(Piece { end: Some(End::More), .. }))));
    let whole = joined(frames);
    let [Frame::Request(request)] = whole.as_slice() else { panic!("{whole:?}") };
    assert_eq!(request.body, body.as_bytes());
}

#[test]
fn what_ends_a_stream() {
    let long =
        format!("MSRP tid1 SEND\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\nX: {}\r\n", "x".repeat(1022));
    let endless = format!("MSRP tid1 SEND\r\nX: {}", "x".repeat(1022));
    let many = format!("MSRP tid1 SEND\r\n{}", "X: y\r\n".repeat(65));
    let cases = [
        ("GET / HTTP/1.1\r\n", FrameErrorKind::NotMsrp),
        ("msrp tid1 SEND\r\n", FrameErrorKind::NotMsrp),
        ("MSRX", FrameErrorKind::NotMsrp),
        ("\rM", FrameErrorKind::NotMsrp),
        ("\n", FrameErrorKind::NotMsrp),
        ("MSRP a SEND\r\n", FrameErrorKind::TransactionId),
        ("MSRP  SEND\r\n", FrameErrorKind::TransactionId),
        ("MSRP -abc SEND\r\n", FrameErrorKind::TransactionId),
        ("MSRP ab\0cd SEND\r\n", FrameErrorKind::TransactionId),
        (&long, FrameErrorKind::LineTooLong),
        (&endless, FrameErrorKind::LineTooLong),
        (&many, FrameErrorKind::TooManyHeaders),
    ];
    for (text, kind) in cases {
        let (frames, result) = cut(text.as_bytes());
        assert_eq!((frames.len(), result.map_err(|error| error.kind)), (0, Err(kind)), "{text}");
    }
    let fits = format!("MSRP tid1 SEND\r\nX: {}\r\n", "x".repeat(1019));
    assert_eq!(cut(fits.as_bytes()).1, Ok(()));
}

#[test]
fn an_error_carries_what_the_answer_needs_and_stays() {
    let text =
        format!("MSRP tid1 SEND\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\nX: {}\r\n", "x".repeat(2000));
    let mut decoder = Decoder::default();
    let mut buffer = BytesMut::from(text.as_str());
    let error = decoder.next(&mut buffer).unwrap_err();
    let within = error.within.unwrap();
    assert_eq!(within.transaction.as_str(), "tid1");
    assert_eq!((within.to_path.to_string().as_str(), within.from_path.to_string().as_str()), (OURS, THEIRS));
    let mut buffer = BytesMut::from(send("tid2", TEXT, "x", '$').as_str());
    assert!(decoder.next(&mut buffer).is_err(), "a broken stream does not come back");
}

#[test]
fn a_chunk_that_does_not_end_is_an_error_and_never_grows() {
    let limits = Limits { piece_octets: 1000, chunk_octets: 5000, ..Limits::default() };
    let mut decoder = Decoder::new(limits);
    let mut buffer = BytesMut::from(
        format!("MSRP tid1 SEND\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\nMessage-ID: m1\r\n{TEXT}\r\n")
            .as_str(),
    );
    let mut frames = Vec::new();
    let mut fed = 0;
    let error = loop {
        buffer.extend_from_slice(&[b'x'; 500]);
        fed += 500;
        assert!(buffer.len() <= 2000 && fed < 10_000);
        if let Err(error) = decoder.cut(&mut buffer, &mut frames) {
            break error;
        }
    };
    assert_eq!(error.kind, FrameErrorKind::BodyTooLong);
    assert!((5000..7000).contains(&fed), "{fed}");
    // Exactly as much is fine.
    let whole = send("tid1", &format!("Message-ID: m1\r\n{TEXT}"), &"x".repeat(5000), '$');
    let mut frames = Vec::new();
    assert_eq!(Decoder::new(limits).cut(&mut BytesMut::from(whole.as_str()), &mut frames), Ok(()));
}

#[test]
fn debug_shows_neither_address_nor_text() {
    let frame = one(&send("tid1", &format!("Message-ID: m1\r\nX: secret\r\n{TEXT}"), "secret", '$'));
    let text = format!("{frame:?}");
    assert!(!text.contains("secret") && !text.contains("example"), "{text}");
}

/// Frames that follow each other, some with bodies that look like frames.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let body = prop_oneof![
        "[a-z\r\n-]{0,300}".prop_map(String::into_bytes),
        Just(b"\r\n-------tid2$\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..300),
    ];
    let flag = prop_oneof![Just('$'), Just('+'), Just('#')];
    let with = (body, flag).prop_map(|(body, flag)| {
        let text = send("tid1", &format!("Message-ID: m1\r\n{TEXT}"), "@", flag);
        let (head, tail) = text.split_once('@').unwrap();
        [head.as_bytes(), &body, tail.as_bytes()].concat()
    });
    let without = Just(
        format!("MSRP tid2 200 OK\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\n-------tid2$\r\n")
            .into_bytes(),
    );
    let fault = Just(b"MSRP tid3 SEND\r\nfault\r\n\r\nx\r\n-------tid3$\r\n".to_vec());
    prop::collection::vec(prop_oneof![with, without, fault], 0..6).prop_map(|frames| frames.concat())
}

proptest! {
    #[test]
    fn reads_may_end_anywhere(octets in stream(), cuts in prop::collection::vec(1_usize..60, 1..80), piece in 1_usize..400) {
        let (whole, result) = cut(&octets);
        prop_assert_eq!(result, Ok(()));
        let mut decoder = Decoder::new(Limits { piece_octets: piece, ..Limits::default() });
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        let mut left = &octets[..];
        let mut cuts = cuts.iter().cycle();
        while !left.is_empty() {
            let (some, rest) = left.split_at(left.len().min(*cuts.next().unwrap()));
            buffer.extend_from_slice(some);
            prop_assert_eq!(decoder.cut(&mut buffer, &mut frames), Ok(()));
            left = rest;
        }
        prop_assert_eq!(joined(frames), whole);
    }

    #[test]
    fn any_octets_are_frames_or_an_error(octets in prop::collection::vec(any::<u8>(), 0..600)) {
        let octets = [b"MSRP tid1 SEND\r\n".as_slice(), &octets].concat();
        for from in [0, 16] {
            let (frames, _) = cut(&octets[from..]);
            prop_assert!(frames.len() <= octets.len());
        }
    }

    #[test]
    fn any_text_in_a_head_is_a_frame_or_an_error(lines in prop::collection::vec("[ -~\r\n]{0,40}", 0..12)) {
        let text = format!("MSRP tid1 SEND\r\nTo-Path: {OURS}\r\n{}\r\n-------tid1$\r\n", lines.join("\r\n"));
        let mut frames = Vec::new();
        let mut buffer = BytesMut::from(text.as_str());
        if Decoder::default().cut(&mut buffer, &mut frames).is_ok() {
            prop_assert!(frames.len() <= 1 + text.matches("MSRP ").count());
        }
        prop_assert!(buffer.len() <= text.len());
    }
}
