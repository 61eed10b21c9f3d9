//! RCS sheet §9.1, hostile input: 400 where somebody can be answered, then the end; and nothing grows.

use proptest::prelude::*;
use sip_msrp::{Action, Answer, Message, Settings, limits};

use crate::bench::{Bench, LINE, OURS, TEXT, THEIRS, requests, send, session, status};

fn head(lines: &str) -> String {
    format!("MSRP tid1 SEND\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\n{lines}")
}

#[test]
fn a_line_over_the_limit_is_400_and_the_end() {
    let mut bench = Bench::bound();
    assert_eq!(status(&bench.hears(head(&format!("X: {}\r\n", "x".repeat(1100))))), 400);
    assert!(bench.closes());
    // Nothing more is read or written.
    assert_eq!(bench.hears(send("tid2", &format!("Message-ID: m2\r\n{TEXT}"), "x", '$')), "");
}

#[test]
fn too_many_lines_are_400_and_the_end() {
    let mut bench = Bench::bound();
    assert_eq!(status(&bench.hears(head(&"X: y\r\n".repeat(70)))), 400);
    assert!(bench.closes());
}

#[test]
fn another_protocol_or_an_illegal_transaction_is_the_end() {
    for text in ["GET / HTTP/1.0\r\n\r\n", "MSRP x SEND\r\n", "\0\0\0\0", "MSRP -------$ SEND\r\n"] {
        let mut bench = Bench::bound();
        assert_eq!(bench.hears(text), "", "nobody can be answered");
        assert!(bench.closes());
    }
}

#[test]
fn a_start_line_without_end_is_the_end() {
    let mut bench = Bench::bound();
    assert_eq!(bench.hears("MSRP ".repeat(300)), "");
    assert!(bench.closes());
}

#[test]
fn a_fault_is_400_and_life_goes_on() {
    let mut bench = Bench::bound();
    let bad = send("tid1", &format!("Message-ID: m1\r\nByte-Range: 9-1/3\r\n{TEXT}"), "x", '$');
    assert_eq!(status(&bench.hears(bad)), 400);
    assert_eq!(bench.hears(send("tid2", &format!("Message-ID: m2\r\n{TEXT}"), "x", '$')), "");
    bench.delivered();
}

#[test]
fn a_body_over_max_size_without_end_is_413_and_then_the_end() {
    let mut bench = Bench::bound();
    let answer = bench.hears(head(&format!("Message-ID: m1\r\nByte-Range: 1-*/*\r\n{TEXT}\r\n")));
    assert_eq!(answer, "");
    let mut answers = String::new();
    let mut fed = 0;
    while !bench.closes() {
        answers += &bench.hears(vec![b'x'; 50_000]);
        fed += 50_000;
        assert!(fed < limits::MESSAGE_OCTETS + limits::OVERRUN_OCTETS_MAX as usize + 200_000, "it goes on");
    }
    assert_eq!(status(&answers), 413);
    assert!(bench.take().iter().all(|action| !matches!(action, Action::Deliver { .. })));
}

#[test]
fn a_sender_that_stops_at_413_is_kept() {
    let mut bench = Bench::bound();
    bench.hears(head(&format!("Message-ID: m1\r\nByte-Range: 1-*/*\r\n{TEXT}\r\n")));
    let answer = bench.hears(vec![b'x'; limits::MESSAGE_OCTETS + 100_000]);
    assert_eq!(status(&answer), 413);
    assert_eq!(bench.hears("\r\n-------tid1#\r\n"), "");
    assert!(!bench.closes());
    bench.hears(send("tid2", &format!("Message-ID: m2\r\n{TEXT}"), "next", '$'));
    assert_eq!(bench.delivered().1, "next");
}

#[test]
fn an_announced_size_over_max_size_is_413_at_once() {
    let mut bench = Bench::bound();
    let head = format!("Message-ID: m1\r\nByte-Range: 1-*/1048577\r\n{TEXT}");
    assert_eq!(status(&bench.hears(send("tid1", &head, "x", '+'))), 413);
    let head = format!("Message-ID: m2\r\nByte-Range: 1-*/1048576\r\n{TEXT}");
    assert_eq!(status(&bench.hears(send("tid2", &head, "x", '+'))), 200);
}

#[test]
fn chunks_over_max_size_are_413_also_for_the_rest() {
    let mut s = session();
    s.octets_max = 10;
    let mut bench = Bench::with(s, Settings::default()).bind();
    let chunk = |tid, range: &str, body, flag| {
        send(tid, &format!("Message-ID: m1\r\nByte-Range: {range}\r\n{TEXT}"), body, flag)
    };
    assert_eq!(status(&bench.hears(chunk("tid1", "1-*/*", "12345", '+'))), 200);
    assert_eq!(status(&bench.hears(chunk("tid2", "6-*/*", "678901", '+'))), 413);
    assert_eq!(status(&bench.hears(chunk("tid3", "12-*/*", "2", '$'))), 413);
    // From the beginning it may be tried again.
    assert_eq!(bench.hears(chunk("tid4", "1-*/*", "1", '$')), "");
    bench.delivered();
}

#[test]
fn incomplete_messages_are_bounded_in_number_and_in_octets() {
    let mut bench = Bench::bound();
    for at in 0..limits::INCOMPLETE_MAX {
        let head = format!("Message-ID: m{at}\r\n{TEXT}");
        assert_eq!(status(&bench.hears(send("tid1", &head, "x", '+'))), 200);
    }
    let head = format!("Message-ID: one-more\r\n{TEXT}");
    assert_eq!(status(&bench.hears(send("tid1", &head, "x", '+'))), 413);

    let mut bench =
        Bench::with(session(), Settings { incomplete_octets_max: 100, ..Settings::default() }).bind();
    let big = |id: &str| send("tid1", &format!("Message-ID: {id}\r\n{TEXT}"), &"x".repeat(60), '+');
    assert_eq!(status(&bench.hears(big("m1"))), 200);
    assert_eq!(status(&bench.hears(big("m2"))), 413);
    // What was dropped is free again.
    let aborted = send("tid2", &format!("Message-ID: m1\r\nByte-Range: 61-*/*\r\n{TEXT}"), "", '#');
    assert_eq!(status(&bench.hears(aborted)), 200);
    assert_eq!(status(&bench.hears(big("m3"))), 200);
}

#[test]
fn holes_without_end_are_413() {
    let mut bench = Bench::bound();
    let mut refused = 0;
    for at in 0..limits::SEGMENTS_MAX as u64 + 10 {
        let range = at * 2 + 2;
        let text =
            send("tid1", &format!("Message-ID: m1\r\nByte-Range: {range}-{range}/*\r\n{TEXT}"), "x", '+');
        refused += usize::from(status(&bench.hears(text)) == 413);
    }
    assert_eq!(refused, 10);
}

#[test]
fn an_incomplete_message_is_given_up_after_a_minute_of_silence() {
    let mut bench = Bench::bound();
    let chunk = |range: &str, flag| {
        send("tid1", &format!("Message-ID: m1\r\nByte-Range: {range}\r\n{TEXT}"), "x", flag)
    };
    assert_eq!(status(&bench.hears(chunk("2-2/2", '$'))), 200);
    let report = bench.waits(limits::CHUNK_WAIT_US);
    let [report] = requests(&report).try_into().unwrap();
    assert_eq!(report.method.as_str(), "REPORT");
    assert_eq!(report.status.map(|said| said.status.code()), Some(408));
    assert_eq!(report.message_id.as_deref(), Some("m1"));
    assert_eq!(status(&bench.hears(chunk("2-2/2", '$'))), 413, "nothing of it is kept");
}

#[test]
fn requests_for_strange_sessions_are_481_and_some_of_them_the_end() {
    let mut bench = Bench::new();
    let strange =
        send("tid1", &format!("Message-ID: m1\r\n{TEXT}"), "x", '$').replace("ours0001", "ours0002");
    for at in 1..=limits::STRIKES_MAX {
        assert_eq!(status(&bench.hears(&strange)), 481);
        assert_eq!(bench.closes(), at == limits::STRIKES_MAX);
    }
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let mut bench = Bench::new();
    bench.does(|endpoint, now, out| endpoint.close(now, sip_msrp_key(endpoint), out));
    bench.waits(limits::FIRST_SESSION_WAIT_US - 1);
    assert!(!bench.closes());
    bench.waits(limits::FIRST_SESSION_WAIT_US);
    assert!(bench.closes());
    bench.does(|endpoint, now, out| endpoint.closed(now, LINE, out));
    assert_eq!(bench.endpoint.sizes(), (0, 0));
    assert_eq!(bench.endpoint.next_tick(), None);
}

fn sip_msrp_key(endpoint: &sip_msrp::Endpoint) -> sip_msrp::SessionKey {
    endpoint.find("ours0001").unwrap()
}

#[test]
fn unanswered_messages_are_bounded() {
    let mut bench = Bench::bound();
    for at in 0..limits::QUESTIONS_MAX {
        assert_eq!(bench.hears(send("tid1", &format!("Message-ID: m{at}\r\n{TEXT}"), "x", '$')), "");
    }
    let one_more = send("tid1", &format!("Message-ID: one-more\r\n{TEXT}"), "x", '$');
    assert_eq!(status(&bench.hears(&one_more)), 413);
    let Some(Action::Deliver { question, .. }) = bench.take().pop() else { panic!("a message") };
    bench.does(|endpoint, now, out| endpoint.answer(now, [(question, Answer::Taken)], out));
    assert_eq!(bench.hears(one_more), "");
}

#[test]
fn the_queue_of_a_session_is_bounded() {
    let mut bench = Bench::new();
    let mut out = Vec::new();
    let mut put = |at: usize, octets: usize| {
        let message = Message::new(format!("m{at:04}"), "text/plain", vec![b'x'; octets]);
        bench.endpoint.send(0, bench.session, message, &mut out)
    };
    assert!((0..limits::QUEUE_MESSAGES_MAX).all(|at| put(at, 1).is_ok()));
    assert_eq!(put(9999, 1), Err(sip_msrp::SendError::QueueFull));

    let mut bench = Bench::new();
    let mut put = |at: usize, octets: usize| {
        let message = Message::new(format!("m{at:04}"), "text/plain", vec![b'x'; octets]);
        bench.endpoint.send(0, bench.session, message, &mut out)
    };
    assert!((0..16).all(|at| put(at, 1 << 20).is_ok()));
    assert_eq!(put(9999, 1), Err(sip_msrp::SendError::QueueFull));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_octets_leave_an_endpoint_in_order(parts in prop::collection::vec(part(), 0..12), cut in 1_usize..80) {
        let mut bench = Bench::new();
        let octets = parts.concat();
        for some in octets.chunks(cut) {
            bench.hears(some);
        }
        bench.waits(600_000_000);
        bench.does(|endpoint, now, out| endpoint.closed(now, LINE, out));
        bench.waits(1_200_000_000);
        prop_assert_eq!(bench.endpoint.sizes(), (0, 0));
        prop_assert_eq!(bench.endpoint.next_tick(), None);
    }
}

fn part() -> impl Strategy<Value = Vec<u8>> {
    let range = "[0-9*]{1,2}-[0-9*]{1,2}/[0-9*]{1,2}";
    let chunk = (range, "[a-c]", "[$+#]", "[a-z]{0,20}", "(yes|no|partial)").prop_map(|(range, id, flag, body, fail)| {
        let head = format!("Message-ID: {id}\r\nByte-Range: {range}\r\nFailure-Report: {fail}\r\nSuccess-Report: yes\r\n{TEXT}");
        send("tid1", &head, &body, flag.chars().next().unwrap_or('$')).into_bytes()
    });
    let other = prop_oneof![Just("REPORT"), Just("AUTH"), Just("NICKNAME"), Just("BLA")].prop_map(|method| {
        let head = "Message-ID: a\r\nStatus: 000 413 no\r\n";
        send("tid1", head, "", '$').replace("SEND", method).into_bytes()
    });
    prop_oneof![
        6 => chunk,
        2 => other,
        1 => Just(b"MSRP tid1 200 OK\r\nTo-Path: msrp://a/b;tcp\r\nFrom-Path: msrp://a/b;tcp\r\n-------tid1$\r\n".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..30),
    ]
}
