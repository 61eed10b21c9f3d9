//! RFC 4975 §5.4, RFC 6135 and the RCS sheet §8.4: sessions and their connections.

use sip_msrp::{
    Action, ConnectionId, Ending, Endpoint, Failure, Fingerprint, Message, Path, Security, Session, Settings,
    Status, limits,
};

use crate::bench::{
    Bench, LINE, OURS, SECOND, TEXT, THEIRS, frames, requests, response, send, session, status, uri,
};

fn put(bench: &mut Bench, id: &str) -> String {
    let session = bench.session;
    let message = Message::new(id, "text/plain", "hello");
    bench.does(|endpoint, now, out| endpoint.send(now, session, message, out).unwrap())
}

fn bind(bench: &mut Bench) -> String {
    let session = bench.session;
    bench.does(|endpoint, now, out| endpoint.bind(now, session, LINE, out))
}

#[test]
fn rfc4975_5_4_the_active_end_says_who_it_is() {
    let mut bench = Bench::new();
    assert_eq!(put(&mut bench, "m001"), "", "no connection yet");
    let [empty, first] = requests(&bind(&mut bench)).try_into().unwrap();
    assert_eq!((empty.content_type, empty.body.len()), (None, 0));
    assert_eq!(empty.byte_range.unwrap().to_string(), "1-0/0");
    assert_eq!(first.message_id.as_deref(), Some("m001"));
    assert_eq!(bench.take(), [Action::Bound { session: bench.session, connection: LINE }]);
    assert_eq!(bind(&mut bench), "", "once");
}

#[test]
fn the_passive_end_sends_when_the_other_end_has_come() {
    let mut bench = Bench::new();
    put(&mut bench, "m001");
    let written = bench.hears(send("tid1", &format!("Message-ID: m1\r\n{TEXT}"), "x", '$'));
    assert_eq!(requests(&written).len(), 1);
}

#[test]
fn the_other_end_may_not_know_us() {
    let mut bench = Bench::new();
    let [empty] = requests(&bind(&mut bench)).try_into().unwrap();
    bench.take();
    bench.hears(response(&empty, "481 who"));
    let ending = Ending::Refused(Status::NO_SESSION);
    assert_eq!(bench.take(), [Action::Ended { session: bench.session, ending }]);
}

#[test]
fn an_other_end_that_does_not_like_empty_requests_is_kept() {
    for answer in ["400 what", "501 what"] {
        let mut bench = Bench::new();
        let [empty] = requests(&bind(&mut bench)).try_into().unwrap();
        bench.take();
        bench.hears(response(&empty, answer));
        assert_eq!(bench.take(), []);
    }
    let mut bench = Bench::new();
    bind(&mut bench);
    bench.take();
    bench.waits(300 * SECOND);
    assert_eq!(bench.take(), [], "nor is one that says nothing");
}

#[test]
fn no_connection_within_32_seconds_is_the_end() {
    let mut bench = Bench::new();
    put(&mut bench, "m001");
    bench.waits(limits::BIND_WAIT_US - 1);
    assert_eq!(bench.take(), []);
    bench.waits(limits::BIND_WAIT_US);
    let session = bench.session;
    let lost =
        Action::Failed { session, message_id: "m001".into(), failure: Failure::SessionOver, whole: false };
    let actions = bench.take();
    assert!(
        actions.starts_with(&[lost, Action::Ended { session, ending: Ending::NeverConnected }]),
        "{actions:?}"
    );
    assert_eq!(bench.endpoint.find("ours0001"), None);
}

#[test]
fn who_cannot_be_reached_is_told_at_once() {
    let mut bench = Bench::new();
    let session = bench.session;
    bench.does(|endpoint, now, out| endpoint.unreachable(now, session, out));
    assert_eq!(bench.take(), [Action::Ended { session, ending: Ending::NeverConnected }]);

    let mut bench = Bench::bound();
    let session = bench.session;
    bench.does(|endpoint, now, out| endpoint.unreachable(now, session, out));
    assert_eq!(bench.take(), [], "the other end was faster");
    bench.does(|endpoint, now, out| {
        endpoint.closed(now, LINE, out);
        endpoint.unreachable(now, session, out);
    });
    let ended = Action::Ended { session, ending: Ending::ConnectionLost };
    assert_eq!(bench.take(), [Action::Parted { session }, ended]);
}

#[test]
fn a_lost_connection_keeps_the_queue_for_10_seconds() {
    let mut bench = Bench::bound();
    put(&mut bench, "m001");
    bench.does(|endpoint, now, out| endpoint.closed(now, LINE, out));
    assert_eq!(put(&mut bench, "m002"), "");
    let session = bench.session;
    assert_eq!(bench.take(), [Action::Parted { session }]);
    bench.waits(limits::REBIND_WAIT_US - 1);
    let other = ConnectionId(2);
    let written = bench.does(|endpoint, now, out| {
        endpoint.connected(now, other, Security::Plain);
        endpoint.bind(now, session, other, out);
    });
    let ids: Vec<_> = requests(&written).into_iter().skip(1).map(|one| one.message_id.unwrap()).collect();
    assert_eq!(ids, ["m001", "m002"], "what was not answered is sent again, in order");
    bench.take();
    bench.does(|endpoint, now, out| endpoint.closed(now, other, out));
    bench.take();
    let until = bench.now + limits::REBIND_WAIT_US;
    bench.waits(until);
    let failure = Failure::SessionOver;
    let failed = |id: &str| Action::Failed { session, message_id: id.into(), failure, whole: true };
    let ended = Action::Ended { session, ending: Ending::ConnectionLost };
    assert_eq!(bench.take(), [failed("m001"), failed("m002"), ended]);
}

#[test]
fn chunks_do_not_go_on_on_another_connection() {
    let mut bench = Bench::bound();
    bench.hears(send("tid1", &format!("Message-ID: m1\r\nByte-Range: 1-2/4\r\n{TEXT}"), "ab", '+'));
    bench.does(|endpoint, now, out| {
        endpoint.closed(now, LINE, out);
        endpoint.connected(now, LINE, Security::Plain);
    });
    bench.take();
    let rest = send("tid1", &format!("Message-ID: m1\r\nByte-Range: 3-4/4\r\n{TEXT}"), "cd", '$');
    assert_eq!(status(&bench.hears(rest)), 200);
    assert!(bench.take().iter().all(|action| !matches!(action, Action::Deliver { .. })));
}

#[test]
fn sessions_share_a_connection() {
    let mut bench = Bench::bound();
    let second = OURS.replace("ours0001", "ours0002");
    let other = bench.endpoint.open(0, Session::new(uri(&second), Path::from(uri(THEIRS)))).unwrap();
    let text = send("tid1", &format!("Message-ID: m1\r\n{TEXT}"), "x", '$').replace("ours0001", "ours0002");
    bench.hears(text);
    let actions = bench.take();
    assert!(
        matches!(actions.as_slice(), [Action::Bound { session, connection: LINE }, Action::Deliver { .. }] if *session == other),
        "{actions:?}"
    );
    bench.does(|endpoint, now, out| endpoint.closed(now, LINE, out));
    assert_eq!(bench.take(), [Action::Parted { session: bench.session }, Action::Parted { session: other }]);
}

#[test]
fn a_connection_without_sessions_is_closed_after_10_seconds() {
    let mut bench = Bench::bound();
    bench.now = 40 * SECOND;
    let session = bench.session;
    bench.does(|endpoint, now, out| endpoint.close(now, session, out));
    bench.waits(40 * SECOND + limits::NEXT_SESSION_WAIT_US - 1);
    assert!(!bench.closes());
    bench.waits(40 * SECOND + limits::NEXT_SESSION_WAIT_US);
    assert!(bench.closes());
}

#[test]
fn rcs_8_4_silence_ends_a_session_and_typing_is_silence() {
    let mut s = session();
    s.idle_us = Some(300 * SECOND);
    let mut bench = Bench::with(s, Settings::default()).bind();
    bench.now = 100 * SECOND;
    put(&mut bench, "m001");
    bench.now = 120 * SECOND;
    let typing = "Message-ID: m2\r\nContent-Type: application/im-iscomposing+xml\r\n";
    bench.hears(send("tid2", typing, "<isComposing/>", '$'));
    let typing = Message::new(
        "m003",
        "message/cpim",
        "From: a\r\n\r\nContent-Type: application/im-iscomposing+xml\r\n\r\n",
    );
    let session = bench.session;
    bench.does(|endpoint, now, out| endpoint.send(now, session, typing, out).unwrap());
    bench.take();
    bench.waits(400 * SECOND - 1);
    assert!(!bench.take().iter().any(|action| matches!(action, Action::Ended { .. })));
    bench.waits(400 * SECOND);
    assert_eq!(bench.take(), [Action::Ended { session, ending: Ending::Idle }]);
}

#[test]
fn a_quiet_connection_is_kept_alive_and_a_dead_one_is_found() {
    let mut s = session();
    s.keep_alive = true;
    let mut bench = Bench::with(s, Settings::default()).bind();
    let [empty] = requests(&bench.waits(limits::KEEP_ALIVE_US)).try_into().unwrap();
    assert_eq!((empty.content_type.as_deref(), empty.body.len()), (None, 0));
    bench.hears(response(&empty, "200 OK"));
    let [_] = requests(&bench.waits(2 * limits::KEEP_ALIVE_US)).try_into().unwrap();
    assert!(!bench.closes());
    bench.waits(2 * limits::KEEP_ALIVE_US + limits::RESPONSE_WAIT_US);
    assert!(bench.closes(), "no answer and nothing else");
}

#[test]
fn nothing_is_kept_alive_that_does_not_want_it() {
    let mut bench = Bench::bound();
    assert_eq!(bench.waits(1000 * SECOND), "");
}

#[test]
fn rcs_9_2_another_certificate_is_the_end() {
    let announced = Fingerprint::new([1; 32]);
    for (shown, good) in [
        (Security::Tls(Some(announced)), true),
        (Security::Tls(Some(Fingerprint::new([2; 32]))), false),
        (Security::Tls(None), false),
        (Security::Plain, false),
    ] {
        let mut s = session();
        s.fingerprint = Some(announced);
        let mut endpoint = Endpoint::new(Settings::default(), 1);
        let session = endpoint.open(0, s).unwrap();
        endpoint.connected(0, LINE, shown);
        let mut out = Vec::new();
        endpoint.received(
            0,
            LINE,
            frames(&send("tid1", &format!("Message-ID: m1\r\n{TEXT}"), "x", '$')),
            &mut out,
        );
        if good {
            assert!(matches!(out.as_slice(), [Action::Bound { .. }, Action::Deliver { .. }]), "{out:?}");
        } else {
            let ended = Action::Ended { session, ending: Ending::Fingerprint };
            assert_eq!(out, [ended, Action::Close { connection: LINE }]);
        }
    }
}

#[test]
fn a_session_id_is_used_once() {
    let mut endpoint = Endpoint::new(Settings::default(), 1);
    assert!(endpoint.open(0, session()).is_some());
    assert!(endpoint.open(0, session()).is_none());
    let nameless = Session::new(uri("msrp://gw.example;tcp"), Path::from(uri(THEIRS)));
    assert!(endpoint.open(0, nameless).is_none());
}

#[test]
fn requests_go_over_relays_of_ours() {
    let mut s = session();
    s.via = Path::parse("msrps://in.example/1;tcp msrps://out.example/2;tcp").unwrap();
    let mut bench = Bench::with(s, Settings::default());
    let written = bind(&mut bench);
    let path = format!(
        "To-Path: msrps://in.example/1;tcp msrps://out.example/2;tcp {THEIRS}\r\nFrom-Path: {OURS}\r\n"
    );
    assert!(written.contains(&path), "{written}");
}
