//! RFC 4975 §7.1.2, §7.3.2: REPORTs about our messages.

use sip_msrp::{Action, Failure, FailureReport, Message, Status};

use crate::bench::{Bench, OURS, SECOND, THEIRS, requests, response};

fn report(id: &str, range: &str, status: &str) -> String {
    format!(
        "MSRP rep01 REPORT\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\nMessage-ID: {id}\r\nByte-Range: {range}\r\n\
         Status: {status}\r\n-------rep01$\r\n"
    )
}

/// A message that was sent and answered.
fn put(bench: &mut Bench, success_report: bool, failure_report: FailureReport) {
    let session = bench.session;
    let message =
        Message { success_report, failure_report, ..Message::new("m001", "text/plain", vec![b'x'; 10]) };
    let written = bench.does(|endpoint, now, out| endpoint.send(now, session, message, out).unwrap());
    let [one] = requests(&written).try_into().unwrap();
    assert_eq!((one.success_report, one.failure_report), (success_report, failure_report));
    bench.hears(response(&one, "200 OK"));
    assert!(matches!(bench.take().as_slice(), [Action::Sent { .. }]));
}

fn reported(bench: &mut Bench) -> Option<u16> {
    match bench.take().as_slice() {
        [] => None,
        [Action::Report { status, message_id, .. }] => {
            assert_eq!(message_id, "m001");
            Some(status.code())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_message_is_reported_once() {
    let mut bench = Bench::bound();
    put(&mut bench, true, FailureReport::Yes);
    assert_eq!(bench.hears(report("m001", "1-10/10", "000 200 OK")), "");
    assert_eq!(reported(&mut bench), Some(200));
    bench.hears(report("m001", "1-10/10", "000 200 OK"));
    assert_eq!(reported(&mut bench), None);
}

#[test]
fn reports_in_pieces_count_together() {
    let mut bench = Bench::bound();
    put(&mut bench, true, FailureReport::No);
    for range in ["6-8/10", "1-5/10", "1-3/10"] {
        bench.hears(report("m001", range, "000 200 OK"));
        assert_eq!(reported(&mut bench), None);
    }
    bench.hears(report("m001", "9-*/*", "000 200 OK"));
    assert_eq!(reported(&mut bench), Some(200));
}

#[test]
fn a_failure_on_the_way_is_reported() {
    for wanted in [true, false] {
        let mut bench = Bench::bound();
        put(&mut bench, wanted, FailureReport::Yes);
        bench.hears(report("m001", "1-10/10", "000 408 timeout"));
        assert_eq!(reported(&mut bench), Some(408));
        bench.hears(report("m001", "1-10/10", "000 200 OK"));
        assert_eq!(reported(&mut bench), None, "what was said is said");
    }
}

#[test]
fn a_failure_of_a_message_under_way_is_its_end() {
    let mut bench = Bench::bound();
    let session = bench.session;
    let message = Message::new("m001", "text/plain", vec![b'x'; 10]);
    bench.does(|endpoint, now, out| endpoint.send(now, session, message, out).unwrap());
    bench.hears(report("m001", "1-10/10", "000 403 no"));
    let failure = Failure::Refused(Status::FORBIDDEN);
    assert_eq!(bench.take(), [Action::Failed { session, message_id: "m001".into(), failure, whole: true }]);
}

#[test]
fn what_nobody_asked_for_or_knows_is_ignored() {
    let mut bench = Bench::bound();
    put(&mut bench, false, FailureReport::Yes);
    for text in [
        report("m001", "1-10/10", "000 200 OK"),
        report("m002", "1-10/10", "000 408 no"),
        report("m001", "1-10/10", "001 408 no"),
    ] {
        assert_eq!(bench.hears(text), "");
        assert_eq!(reported(&mut bench), None);
    }
    bench.now += 121 * SECOND;
    bench.hears(report("m001", "1-10/10", "000 408 no"));
    assert_eq!(reported(&mut bench), None, "too late");
}

#[test]
fn no_report_is_expected_of_who_asked_for_none() {
    let mut bench = Bench::bound();
    put(&mut bench, false, FailureReport::No);
    bench.hears(report("m001", "1-10/10", "000 408 no"));
    assert_eq!(reported(&mut bench), None);
}
