//! RFC 4975 §7.1: chunks, windows, responses and their absence.

use bytes::Bytes;
use sip_msrp::{
    Accepts, Action, End, Ending, Failure, FailureReport, Message, SendError, Settings, Status, limits,
};

use crate::bench::{Bench, OURS, SECOND, THEIRS, requests, response, session};

fn message(id: &str, octets: usize) -> Message {
    Message::new(id, "text/plain", vec![b'x'; octets])
}

fn put(bench: &mut Bench, message: Message) -> String {
    let session = bench.session;
    bench.does(|endpoint, now, out| endpoint.send(now, session, message, out).unwrap())
}

fn sent(bench: &Bench, id: &str) -> Action {
    Action::Sent { session: bench.session, message_id: id.into() }
}

fn failed(bench: &Bench, id: &str, failure: Failure, whole: bool) -> Action {
    Action::Failed { session: bench.session, message_id: id.into(), failure, whole }
}

#[test]
fn a_message_as_it_is_written() {
    let mut bench = Bench::bound();
    let mut one = Message::new("m-20250301-01", "text/plain", Bytes::from_static(b"hi\r\n"));
    one.headers.push("Content-Disposition", "inline");
    let written = put(&mut bench, one);
    let tid = written.split(' ').nth(1).unwrap();
    assert_eq!(
        written,
        format!(
            "MSRP {tid} SEND\r\nTo-Path: {THEIRS}\r\nFrom-Path: {OURS}\r\nMessage-ID: m-20250301-01\r\n\
             Byte-Range: 1-4/4\r\nSuccess-Report: no\r\nFailure-Report: yes\r\nContent-Disposition: inline\r\n\
             Content-Type: text/plain\r\n\r\nhi\r\n\r\n-------{tid}$\r\n"
        )
    );
    let [request] = requests(&written).try_into().unwrap();
    bench.hears(response(&request, "200 OK"));
    assert_eq!(bench.take(), [sent(&bench, "m-20250301-01")]);
    bench.hears(response(&request, "200 OK"));
    assert_eq!(bench.take(), [], "a response counts once");
}

#[test]
fn a_header_value_cannot_write_headers() {
    let mut bench = Bench::bound();
    let mut one = message("m001", 1);
    one.headers.push("X", "a\r\nTo-Path: msrp://evil/1;tcp");
    let [request] = requests(&put(&mut bench, one)).try_into().unwrap();
    assert_eq!((request.to_path.to_string().as_str(), request.fault), (THEIRS, None));
}

#[test]
fn sent_when_every_chunk_is_answered() {
    let mut bench = Bench::with(session(), Settings { chunk_octets: 1000, ..Settings::default() }).bind();
    let chunks = requests(&put(&mut bench, message("m001", 2500)));
    let ranges: Vec<_> = chunks.iter().map(|one| one.byte_range.unwrap().to_string()).collect();
    assert_eq!(ranges, ["1-1000/2500", "1001-2000/2500", "2001-2500/2500"]);
    let flags: Vec<_> = chunks.iter().map(|one| one.end.unwrap()).collect();
    assert_eq!(flags, [End::More, End::More, End::Complete]);
    let mut transactions: Vec<_> = chunks.iter().map(|one| one.transaction.as_str()).collect();
    transactions.dedup();
    assert_eq!(transactions.len(), 3, "a new one for each chunk");
    for at in [2, 0] {
        bench.hears(response(&chunks[at], "200 OK"));
        assert_eq!(bench.take(), []);
    }
    bench.hears(response(&chunks[1], "200 OK"));
    assert_eq!(bench.take(), [sent(&bench, "m001")]);
    assert_eq!(bench.endpoint.waiting(bench.session), 0);
}

#[test]
fn a_window_of_chunks_and_then_as_they_are_answered() {
    let settings = Settings { chunk_octets: 10, window_chunks: 3, ..Settings::default() };
    let mut bench = Bench::with(session(), settings).bind();
    let mut flying = requests(&put(&mut bench, message("m001", 60)));
    assert_eq!(flying.len(), 3);
    assert_eq!(put(&mut bench, message("m002", 5)), "", "in order");
    let mut seen = flying.len();
    while !flying.is_empty() {
        let one = flying.remove(0);
        flying.extend(requests(&bench.hears(response(&one, "200 OK"))));
        assert!(flying.len() <= 3);
        seen = seen.max(flying.len());
    }
    assert_eq!(bench.take(), [sent(&bench, "m001"), sent(&bench, "m002")]);
}

#[test]
fn rfc4975_10_after_413_the_rest_is_taken_back() {
    let settings = Settings { chunk_octets: 10, window_chunks: 2, ..Settings::default() };
    let mut bench = Bench::with(session(), settings).bind();
    let chunks = requests(&put(&mut bench, message("m001", 60)));
    let written = bench.hears(response(&chunks[0], "413 stop"));
    let [abort] = requests(&written).try_into().unwrap();
    assert_eq!((abort.end, abort.body.len()), (Some(End::Abort), 0));
    assert_eq!(abort.byte_range.unwrap().to_string(), "21-*/60");
    assert_eq!(bench.take(), [failed(&bench, "m001", Failure::Refused(Status::STOP_SENDING), false)]);
    // The other chunk's answer is late, and so is the abort's.
    bench.hears(response(&chunks[1], "413 stop"));
    bench.hears(response(&abort, "200 OK"));
    assert_eq!(bench.take(), []);
    assert_eq!(requests(&put(&mut bench, message("m002", 5))).len(), 1, "the next message goes on");
}

#[test]
fn a_refused_message_of_one_chunk_has_nothing_to_take_back() {
    let mut bench = Bench::bound();
    let [one] = requests(&put(&mut bench, message("m001", 60))).try_into().unwrap();
    assert_eq!(bench.hears(response(&one, "415 type")), "");
    assert_eq!(bench.take(), [failed(&bench, "m001", Failure::Refused(Status::MEDIA_TYPE), true)]);
}

#[test]
fn rfc4975_7_1_1_thirty_seconds_without_a_response() {
    let mut bench = Bench::bound();
    let [one] = requests(&put(&mut bench, message("m001", 60))).try_into().unwrap();
    bench.waits(limits::RESPONSE_WAIT_US - 1);
    assert_eq!(bench.take(), []);
    bench.waits(limits::RESPONSE_WAIT_US);
    assert_eq!(bench.take(), [failed(&bench, "m001", Failure::NoAnswer, true)]);
    bench.hears(response(&one, "200 OK"));
    assert_eq!(bench.take(), [], "too late");
}

#[test]
fn an_unfinished_message_without_a_response_was_not_whole() {
    let settings = Settings { chunk_octets: 10, window_chunks: 1, ..Settings::default() };
    let mut bench = Bench::with(session(), settings).bind();
    put(&mut bench, message("m001", 60));
    let written = bench.waits(limits::RESPONSE_WAIT_US);
    assert!(written.ends_with("#\r\n"), "{written}");
    assert_eq!(bench.take(), [failed(&bench, "m001", Failure::NoAnswer, false)]);
}

#[test]
fn failure_report_no_is_sent_when_written() {
    let settings = Settings { chunk_octets: 10, window_chunks: 1, ..Settings::default() };
    let mut bench = Bench::with(session(), settings).bind();
    let mut one = message("m001", 60);
    one.failure_report = FailureReport::No;
    assert_eq!(requests(&put(&mut bench, one)).len(), 6, "nobody opens the window");
    assert_eq!(bench.take(), [sent(&bench, "m001")]);
    bench.waits(60 * SECOND);
    assert_eq!(bench.take(), []);
}

#[test]
fn failure_report_partial_is_sent_after_thirty_seconds_of_silence() {
    for refused in [false, true] {
        let mut bench = Bench::bound();
        let mut one = message("m001", 60);
        one.failure_report = FailureReport::Partial;
        let [chunk] = requests(&put(&mut bench, one)).try_into().unwrap();
        assert_eq!(bench.take(), []);
        if refused {
            bench.hears(response(&chunk, "413 stop"));
            let refused = Failure::Refused(Status::STOP_SENDING);
            assert_eq!(bench.take(), [failed(&bench, "m001", refused, true)]);
        }
        bench.waits(limits::RESPONSE_WAIT_US);
        let expected = if refused { vec![] } else { vec![sent(&bench, "m001")] };
        assert_eq!(bench.take(), expected);
    }
}

#[test]
fn the_session_is_over_when_the_other_end_does_not_know_it() {
    for (answer, status) in [("481 no", Status::NO_SESSION), ("506 used", Status::ON_ANOTHER_CONNECTION)] {
        let mut bench = Bench::bound();
        let [one] = requests(&put(&mut bench, message("m001", 60))).try_into().unwrap();
        put(&mut bench, message("m002", 60));
        bench.hears(response(&one, answer));
        let session = bench.session;
        let expected = [
            failed(&bench, "m001", Failure::Refused(status), true),
            failed(&bench, "m002", Failure::SessionOver, true),
            Action::Ended { session, ending: Ending::Refused(status) },
        ];
        assert_eq!(bench.take(), expected);
    }
}

#[test]
fn what_the_other_end_does_not_take_is_not_sent() {
    let mut s = session();
    s.peer_accepts = Accepts::parse("message/cpim");
    s.peer_octets_max = Some(100);
    let mut bench = Bench::with(s, Settings::default()).bind();
    let cpim = |id: &str, octets| Message { content_type: "message/cpim".into(), ..message(id, octets) };
    let session = bench.session;
    let mut out = Vec::new();
    let mut put = |message| bench.endpoint.send(0, session, message, &mut out);
    assert_eq!(put(message("m001", 1)), Err(SendError::ContentType));
    assert_eq!(put(cpim("m001", 101)), Err(SendError::TooLarge));
    assert_eq!(put(cpim("m 1", 10)), Err(SendError::MessageId));
    assert_eq!(put(cpim("m001", 100)), Ok(()));
    assert_eq!(put(cpim("m001", 100)), Err(SendError::MessageId), "it is under way");
    let mut closed = session_without_receiver(&mut bench);
    closed.peer_receives = false;
    assert!(bench.endpoint.change(session, closed));
    assert_eq!(bench.endpoint.send(0, session, cpim("m002", 1), &mut out), Err(SendError::NotReceiving));
    bench.endpoint.close(0, session, &mut out);
    assert_eq!(bench.endpoint.send(0, session, cpim("m002", 1), &mut out), Err(SendError::NoSession));
}

fn session_without_receiver(bench: &mut Bench) -> sip_msrp::Session {
    bench.endpoint.session(bench.session).unwrap().clone()
}

#[test]
fn a_message_may_be_given_up() {
    let settings = Settings { chunk_octets: 10, window_chunks: 1, ..Settings::default() };
    let mut bench = Bench::with(session(), settings).bind();
    put(&mut bench, message("m001", 60));
    put(&mut bench, message("m002", 60));
    let session = bench.session;
    let mut known = [false; 3];
    let written = bench.does(|endpoint, now, out| {
        known = ["m002", "m001", "m003"].map(|id| endpoint.abort(now, session, id, out));
    });
    assert_eq!(known, [true, true, false]);
    let [abort] = requests(&written).try_into().unwrap();
    assert_eq!((abort.end, abort.message_id.as_deref()), (Some(End::Abort), Some("m001")));
    assert_eq!(bench.take(), []);
}

#[test]
fn a_transaction_is_never_in_the_body() {
    // Everything that the endpoint would choose, in the body.
    let twin = Bench::bound();
    let mut ids = twin;
    let mut body = String::new();
    for at in 0..50 {
        let written = put(&mut ids, message(&format!("m{at:03}"), 1));
        body += &format!("\r\n-------{}$\r\n", requests(&written)[0].transaction.as_str());
        bench_answer(&mut ids, &written);
    }
    let mut bench = Bench::bound();
    let written = put(&mut bench, Message::new("m001", "text/plain", body.clone()));
    let [one] = requests(&written).try_into().unwrap();
    assert_eq!(one.body, body.as_bytes());
}

fn bench_answer(bench: &mut Bench, written: &str) {
    for one in requests(written) {
        bench.hears(response(&one, "200 OK"));
    }
}
