//! RFC 4975 §7.2, §7.3, §10: who is answered what, and when.

use sip_msrp::{Accepts, Action, Answer, Matching, Method, Path, Security, Settings, Status};

use crate::bench::{Bench, LINE, OURS, TEXT, THEIRS, frames, responses, send, session, status, uri};

fn text(tid: &str, lines: &str) -> String {
    send(tid, &format!("Message-ID: m-{tid}\r\n{lines}{TEXT}"), "hello", '$')
}

fn answer(bench: &mut Bench, question: sip_msrp::Question, answer: Answer) -> String {
    bench.does(|endpoint, now, out| endpoint.answer(now, [(question, answer)], out))
}

#[test]
fn a_message_is_answered_when_it_is_safe_and_not_before() {
    let mut bench = Bench::bound();
    assert_eq!(bench.hears(text("tid1", "")), "");
    let (question, body) = bench.delivered();
    assert_eq!(body, "hello");
    let written = answer(&mut bench, question, Answer::Taken);
    assert_eq!(
        written,
        format!("MSRP tid1 200 OK\r\nTo-Path: {THEIRS}\r\nFrom-Path: {OURS}\r\n-------tid1$\r\n")
    );
    assert_eq!(answer(&mut bench, question, Answer::Taken), "", "once");
}

#[test]
fn a_message_may_be_refused() {
    let mut bench = Bench::bound();
    bench.hears(text("tid1", "Success-Report: yes\r\n"));
    let (question, _) = bench.delivered();
    assert_eq!(status(&answer(&mut bench, question, Answer::Refused(Status::MEDIA_TYPE))), 415);
}

#[test]
fn rfc4975_7_2_failure_report_decides_who_is_answered() {
    for (asked, taken, refused) in
        [("yes", Some(200), Some(413)), ("partial", None, Some(413)), ("no", None, None)]
    {
        for (with, expected) in [(Answer::Taken, taken), (Answer::Refused(Status::STOP_SENDING), refused)] {
            let mut bench = Bench::bound();
            bench.hears(text("tid1", &format!("Failure-Report: {asked}\r\n")));
            let (question, _) = bench.delivered();
            let written = answer(&mut bench, question, with);
            let got = responses(&written).first().map(|response| response.status.code());
            assert_eq!(got, expected, "{asked} {with:?}");
        }
    }
}

#[test]
fn rfc4975_7_1_2_success_report_covers_the_whole_message() {
    let mut bench = Bench::bound();
    for asked in ["yes", "no"] {
        bench.hears(text("tid1", &format!("Success-Report: yes\r\nFailure-Report: {asked}\r\n")));
        let (question, _) = bench.delivered();
        let written = answer(&mut bench, question, Answer::Taken);
        let (first, report) = match written.find(" REPORT\r\n") {
            Some(at) => written.split_at(written.split_at(at).0.rfind("MSRP ").unwrap()),
            None => panic!("no report: {written}"),
        };
        assert_eq!(!first.is_empty(), asked == "yes");
        assert!(
            report.contains(&format!("To-Path: {THEIRS}\r\nFrom-Path: {OURS}\r\nMessage-ID: m-tid1\r\n"))
        );
        assert!(report.contains("Byte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n-------"));
    }
}

#[test]
fn chunks_before_the_last_are_answered_at_once() {
    let mut bench = Bench::bound();
    let chunk = |tid, range: &str, body, flag| {
        send(
            tid,
            &format!("Message-ID: m1\r\nByte-Range: {range}\r\nSuccess-Report: yes\r\n{TEXT}"),
            body,
            flag,
        )
    };
    assert_eq!(status(&bench.hears(chunk("tid1", "1-3/8", "abc", '+'))), 200);
    assert_eq!(status(&bench.hears(chunk("tid2", "4-*/8", "de", '+'))), 200);
    assert_eq!(bench.hears(chunk("tid3", "6-8/8", "fgh", '$')), "");
    let (question, body) = bench.delivered();
    assert_eq!(body, "abcdefgh");
    let written = answer(&mut bench, question, Answer::Taken);
    assert!(
        written.starts_with("MSRP tid3 200 OK\r\n") && written.contains("Byte-Range: 1-8/8\r\n"),
        "{written}"
    );
}

#[test]
fn chunks_in_another_order_are_answered_when_the_hole_is_filled() {
    let mut bench = Bench::bound();
    let chunk = |tid, range: &str, body, flag| {
        send(tid, &format!("Message-ID: m1\r\nByte-Range: {range}\r\n{TEXT}"), body, flag)
    };
    assert_eq!(status(&bench.hears(chunk("tid2", "4-6/6", "def", '$'))), 200);
    assert_eq!(bench.hears(chunk("tid1", "1-3/6", "abc", '+')), "");
    let (question, body) = bench.delivered();
    assert_eq!(body, "abcdef");
    assert!(answer(&mut bench, question, Answer::Taken).starts_with("MSRP tid1 200 OK\r\n"));
}

#[test]
fn messages_may_be_mixed_on_one_connection() {
    let mut bench = Bench::bound();
    let chunk = |id, range: &str, body, flag| {
        send("tid1", &format!("Message-ID: {id}\r\nByte-Range: {range}\r\n{TEXT}"), body, flag)
    };
    bench.hears(chunk("m1", "1-2/4", "ab", '+'));
    bench.hears(chunk("m2", "1-2/4", "AB", '+'));
    bench.hears(chunk("m1", "3-4/4", "cd", '$'));
    assert_eq!(bench.delivered().1, "abcd");
    bench.hears(chunk("m2", "3-4/4", "CD", '$'));
    assert_eq!(bench.delivered().1, "ABCD");
}

#[test]
fn the_length_is_what_came_not_what_was_said() {
    for range in ["1-27/27", "1-7/5", "1-*/*", "1-5/*"] {
        let mut bench = Bench::bound();
        bench.hears(send(
            "tid1",
            &format!("Message-ID: m1\r\nByte-Range: {range}\r\nSuccess-Report: yes\r\n{TEXT}"),
            "hello",
            '$',
        ));
        let (question, body) = bench.delivered();
        assert_eq!(body, "hello", "{range}");
        assert!(answer(&mut bench, question, Answer::Taken).contains("Byte-Range: 1-5/5\r\n"));
    }
}

#[test]
fn rfc4975_7_1_1_an_aborted_message_is_thrown_away() {
    let mut bench = Bench::bound();
    let chunk = |range: &str, body, flag| {
        send("tid1", &format!("Message-ID: m1\r\nByte-Range: {range}\r\n{TEXT}"), body, flag)
    };
    assert_eq!(status(&bench.hears(chunk("1-3/9", "abc", '+'))), 200);
    assert_eq!(status(&bench.hears(chunk("4-*/9", "de", '#'))), 200);
    assert_eq!(status(&bench.hears(chunk("6-9/9", "fghi", '$'))), 200, "the beginning is gone");
    assert_eq!(bench.take(), []);
    assert_eq!(status(&bench.hears(chunk("1-*/9", "abc", '#'))), 200, "also a message of one chunk");
    assert_eq!(bench.take(), []);
}

#[test]
fn a_long_chunk_is_taken_as_it_comes() {
    let mut bench = Bench::bound();
    let body = "0123456789".repeat(30_000);
    let octets = send("tid1", &format!("Message-ID: m1\r\nByte-Range: 1-*/300000\r\n{TEXT}"), &body, '$');
    for some in octets.as_bytes().chunks(7000) {
        assert_eq!(bench.hears(some), "");
    }
    let (question, got) = bench.delivered();
    assert_eq!(got, body);
    assert_eq!(status(&answer(&mut bench, question, Answer::Taken)), 200);
}

#[test]
fn rfc4975_10_status_by_status() {
    let known = format!("Message-ID: m1\r\n{TEXT}");
    let cases = [
        (send("tid1", TEXT, "x", '$'), 400),
        (send("tid1", &known, "x", '$').replace("SEND", "BLAH"), 501),
        (send("tid1", &known, "x", '$').replace("SEND", "AUTH"), 501),
        (send("tid1", &known, "x", '$').replace("SEND", "NICKNAME"), 501),
        (send("tid1", &known, "x", '$').replace("ours0001", "Ours0001"), 481),
        (send("tid1", &known, "x", '$').replace("gw.example", "other.example"), 481),
        (send("tid1", &known, "x", '$').replace(OURS, &format!("{OURS} {OURS}")), 481),
        (send("tid1", &known, "x", '$').replace("text/plain", "image/png"), 415),
    ];
    for (request, expected) in cases {
        let mut s = session();
        s.accepts = Accepts::parse("text/plain");
        let mut bench = Bench::with(s, Settings::default());
        assert_eq!(status(&bench.hears(&request)), expected, "{request}");
        // The whole of a long chunk is refused once.
        let long = request.replace("\r\n-------", &format!("{}\r\n-------", "x".repeat(200_000)));
        if request.contains("\r\n\r\nx") {
            assert_eq!(status(&bench.hears(&long)), expected);
            assert_eq!(status(&bench.hears(&request)), expected);
        }
    }
}

#[test]
fn a_session_that_only_sends_is_403_but_can_be_bound() {
    let mut s = session();
    s.receives = false;
    let mut bench = Bench::with(s, Settings::default()).bind();
    assert_eq!(status(&bench.hears(text("tid1", ""))), 403);
}

#[test]
fn rfc6714_only_the_session_id_counts_with_cema() {
    let mut s = session();
    s.matching = Matching::SessionId;
    let mut bench = Bench::with(s, Settings::default());
    assert_eq!(bench.hears(text("tid1", "").replace("gw.example:2855", "192.0.2.7:9")), "");
    let Some(Action::Deliver { question, .. }) = bench.take().pop() else { panic!("a message") };
    let written = answer(&mut bench, question, Answer::Taken);
    // The answer comes from whom it went to.
    assert!(written.contains("From-Path: msrp://192.0.2.7:9/ours0001;tcp\r\n"), "{written}");
}

#[test]
fn rfc4975_7_2_a_response_to_send_goes_one_hop_others_the_whole_way() {
    let relayed = format!("msrp://relay.example/r1;tcp {THEIRS}");
    let mut bench = Bench::bound();
    bench.hears(text("tid1", "Success-Report: yes\r\n").replace(THEIRS, &relayed));
    let (question, _) = bench.delivered();
    let written = answer(&mut bench, question, Answer::Taken);
    assert!(written.contains("200 OK\r\nTo-Path: msrp://relay.example/r1;tcp\r\n"), "{written}");
    assert!(written.contains(&format!("REPORT\r\nTo-Path: {relayed}\r\n")), "{written}");
    let other = text("tid2", "").replace(THEIRS, &relayed).replace("SEND", "BLAH");
    assert!(bench.hears(other).contains(&format!("501 Not Implemented\r\nTo-Path: {relayed}\r\n")));
}

#[test]
fn rfc4975_5_4_a_session_on_another_connection_is_506() {
    let mut bench = Bench::new();
    let other = sip_msrp::ConnectionId(2);
    bench.endpoint.connected(0, other, Security::Plain);
    bench.does(|endpoint, now, out| {
        let empty = frames(&text("tid1", ""));
        endpoint.received(now, other, empty, out);
    });
    assert_eq!(status(&bench.hears(text("tid1", ""))), 506);
    // Until that one is gone.
    bench.does(|endpoint, now, out| endpoint.closed(now, other, out));
    bench.take();
    assert_eq!(bench.hears(text("tid1", "")), "");
}

#[test]
fn a_report_is_never_answered() {
    let mut bench = Bench::bound();
    let report = text("tid1", "Status: 000 200 OK\r\n").replace("SEND", "REPORT");
    assert_eq!(bench.hears(&report), "");
    assert_eq!(bench.hears(report.replace("ours0001", "ours0002")), "");
    assert_eq!(bench.hears(report.replace("Status: 000", "Status: x")), "");
    assert_eq!(bench.take(), []);
}

#[test]
fn rfc7701_a_conference_takes_nicknames() {
    let mut s = session();
    s.nicknames = true;
    let mut bench = Bench::with(s, Settings::default()).bind();
    let nickname = |value: &str| {
        format!("MSRP nick1 NICKNAME\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\n{value}-------nick1$\r\n")
    };
    assert_eq!(bench.hears(nickname("Use-Nickname: \"Mina \\\"M\\\"\"\r\n")), "");
    let Action::Nickname { question, nickname: taken, .. } = bench.one() else { panic!("no nickname") };
    assert_eq!(taken, "Mina \"M\"");
    assert_eq!(status(&answer(&mut bench, question, Answer::Refused(Status::NICKNAME_TAKEN))), 425);
    for bad in ["", "Use-Nickname: Mina\r\n", "Use-Nickname: \"Mi\"na\"\r\n", "Use-Nickname: \"x\\\"\r\n"] {
        assert_eq!(status(&bench.hears(nickname(bad))), 424, "{bad}");
    }
}

#[test]
fn answers_to_a_connection_that_is_gone_go_nowhere() {
    let mut bench = Bench::bound();
    bench.hears(text("tid1", ""));
    let (question, _) = bench.delivered();
    bench.does(|endpoint, now, out| endpoint.closed(now, LINE, out));
    assert_eq!(answer(&mut bench, question, Answer::Taken), "");
}

#[test]
fn an_ended_session_still_answers_what_it_took() {
    let mut bench = Bench::bound();
    bench.hears(text("tid1", ""));
    let (question, _) = bench.delivered();
    let session = bench.session;
    bench.does(|endpoint, now, out| endpoint.close(now, session, out));
    assert_eq!(status(&answer(&mut bench, question, Answer::Taken)), 200);
    assert_eq!(status(&bench.hears(text("tid2", ""))), 481);
}

#[test]
fn a_secure_session_is_not_reached_over_a_plain_connection() {
    let secure = "msrps://gw.example:2855/ours0001;tcp";
    let s = sip_msrp::Session::new(uri(secure), Path::from(uri(THEIRS)));
    let mut bench = Bench::with(s, Settings::default());
    assert_eq!(status(&bench.hears(text("tid1", "").replace(OURS, secure))), 481);
}

#[test]
fn methods_are_what_they_are_called() {
    assert_eq!(Method::Nickname.as_str(), "NICKNAME");
}
