//! Dialogs (RFC 3261 §12, §13, §14) and session timers (RFC 4028).

use bytes::Bytes;
use sip_message::{
    Limits, Message, Method, Name, Request, RequestBuilder, Response, StatusCode, Uri, parse_datagram,
};
use sip_transaction::Seed;
use sip_transaction::dialog::{
    After, Dialog, DialogId, Dialogs, Due, NoDialog, NoRoom, Refresher, Refusal, SessionTimer,
    SessionTimerSettings, Side, State, TooSmall,
};

const NOW_US: i64 = 1_800_000_000_000_000;
const SECOND_US: i64 = 1_000_000;

fn read(text: &str) -> Message {
    let text = text.trim_start().lines().map(str::trim).collect::<Vec<_>>().join("\r\n");
    parse_datagram(Bytes::from(format!("{}\r\n\r\n", text.trim_end())), &Limits::default()).expect("readable")
}

/// A request of theirs; tags `theirs` and, within the dialog, `ours`.
fn theirs(method: &str, cseq: u32, in_dialog: bool, more: &str) -> Request {
    let tag = if in_dialog { ";tag=ours" } else { "" };
    let message = read(&format!(
        "{method} sip:gw.example SIP/2.0
         Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{cseq}
         From: \"Min, A\" <sip:mina@peer.example>;tag=theirs
         To: <sip:gw.example>{tag}
         Call-ID: call
         CSeq: {cseq} {method}
         {more}"
    ));
    let Message::Request(request) = message else { panic!("a response") };
    request
}

fn answer(status: u16, cseq: &str, tag: &str, more: &str) -> Response {
    let message = read(&format!(
        "SIP/2.0 {status} X
         Via: SIP/2.0/UDP gw.example;branch=z9hG4bK1
         From: <sip:gw.example>;tag=ours
         To: <sip:mina@peer.example>;tag={tag}
         Call-ID: call
         CSeq: {cseq}
         {more}"
    ));
    let Message::Response(response) = message else { panic!("a request") };
    response
}

fn ours() -> Request {
    RequestBuilder::new(Method::INVITE, Uri::new("sip:mina@peer.example").expect("a URI"))
        .from("sip:gw.example", "ours")
        .to("sip:mina@peer.example", None)
        .call_id("call")
        .cseq(7)
        .build()
}

fn values(request: &Request, name: Name) -> Vec<String> {
    request.headers.all(name).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

const ROUTES: &str = "Record-Route: <sip:p2.example;lr>, <sip:p1.example;lr>;x=\"a,b\"
     Record-Route: <sip:p0.example;lr>
     Contact: <sip:mina@192.0.2.1:40000;transport=tcp>;+sip.instance=\"<urn:x>\"";

/// RFC 3261 §12.1.1, §12.2.1.1.
#[test]
fn the_callee_half() {
    let invite = theirs("INVITE", 5, false, ROUTES);
    let mut dialog = Dialog::of_request(&invite, "ours", State::Early).expect("a dialog");
    let mut ok = invite.response(StatusCode::OK, Some("ours"));
    Dialog::copy_routes(&invite, &mut ok);
    let copied: Vec<_> = ok.headers.all(Name::RecordRoute).collect();
    assert_eq!(copied, invite.headers.all(Name::RecordRoute).collect::<Vec<_>>());
    assert_eq!((dialog.state(), dialog.inviting()), (State::Early, Some(Side::Remote)));
    dialog.answered(&Method::INVITE, StatusCode::OK);
    assert_eq!((dialog.state(), dialog.inviting()), (State::Confirmed, None));
    let bye = dialog.request(Method::BYE).expect("any time");
    assert_eq!(bye.uri.as_str(), "sip:mina@192.0.2.1:40000;transport=tcp");
    assert_eq!(
        values(&bye, Name::Route),
        ["<sip:p2.example;lr>", "<sip:p1.example;lr>;x=\"a,b\"", "<sip:p0.example;lr>"]
    );
    assert_eq!(values(&bye, Name::From), ["<sip:gw.example>;tag=ours"]);
    assert_eq!(values(&bye, Name::To), ["\"Min, A\" <sip:mina@peer.example>;tag=theirs"]);
    assert_eq!(
        (values(&bye, Name::CSeq), values(&bye, Name::CallId)),
        (vec!["1 BYE".into()], vec!["call".into()])
    );
    assert_eq!(values(&bye, Name::MaxForwards), ["70"]);
    let shown = format!("{dialog:?} {:?}", dialog.id());
    assert!(!shown.contains("mina") && !shown.contains("192"), "{shown}");
}

/// RFC 3261 §12.1.2, §13.2.2.4.
#[test]
fn the_caller_half_and_its_forks() {
    let invite = ours();
    let mut first = Dialog::of_answer(&invite, &answer(180, "7 INVITE", "a", "Contact: <sip:a@192.0.2.1>"))
        .expect("early");
    assert_eq!((first.state(), first.inviting()), (State::Early, Some(Side::Local)));
    let ok = answer(200, "7 INVITE", "a", ROUTES);
    assert_eq!(first.heard(&Method::INVITE, &ok), After::Stays);
    assert_eq!((first.state(), first.inviting()), (State::Confirmed, None));
    let fork =
        Dialog::of_answer(&invite, &answer(200, "7 INVITE", "b", "Contact: <sip:b@192.0.2.2>")).expect("one");
    assert_ne!(first.id(), fork.id());
    assert_eq!(DialogId::of_response(&ok).as_ref(), Some(first.id()));
    // The ACK has the number of the INVITE, and the routes of the 2xx, turned round.
    let ack = first.ack(7);
    assert_eq!(values(&ack, Name::CSeq), ["7 ACK"]);
    assert_eq!(ack.uri.as_str(), "sip:mina@192.0.2.1:40000;transport=tcp");
    assert_eq!(
        values(&ack, Name::Route),
        ["<sip:p0.example;lr>", "<sip:p1.example;lr>;x=\"a,b\"", "<sip:p2.example;lr>"]
    );
    let info = first.request(Method::INFO).expect("any time");
    assert_eq!(values(&info, Name::CSeq), ["8 INFO"]);
    assert!(values(&fork.ack(7), Name::Route).is_empty());
}

/// RFC 3261 §12.2.1.1: a proxy without `lr` gets its own URI in the request line.
#[test]
fn a_strict_router_comes_first() {
    let invite = theirs(
        "INVITE",
        5,
        false,
        "Record-Route: <sip:old.example>, <sip:new.example;lr>\nContact: <sip:m@192.0.2.1>",
    );
    let mut dialog = Dialog::of_request(&invite, "ours", State::Confirmed).expect("a dialog");
    let bye = dialog.request(Method::BYE).expect("any time");
    assert_eq!(bye.uri.as_str(), "sip:old.example");
    assert_eq!(values(&bye, Name::Route), ["<sip:new.example;lr>", "<sip:m@192.0.2.1>"]);
}

#[test]
fn what_makes_no_dialog() {
    let of =
        |more: &str| Dialog::of_request(&theirs("INVITE", 5, false, more), "ours", State::Early).map(|_| ());
    assert_eq!(of(""), Err(NoDialog::Contact));
    let mut broken = theirs("INVITE", 5, false, "");
    broken.headers.set(Name::Contact, "<sip:");
    assert_eq!(Dialog::of_request(&broken, "ours", State::Early).map(|_| ()), Err(NoDialog::Contact));
    let many = "Record-Route: <sip:p.example;lr>\n".repeat(17);
    assert_eq!(of(&format!("{many}Contact: <sip:a@x>")), Err(NoDialog::Routes));
    let answer = read(
        "SIP/2.0 100 Trying\nVia: SIP/2.0/UDP gw.example;branch=z9hG4bK1\nFrom: <sip:gw.example>;tag=ours\n\
         To: <sip:mina@peer.example>\nCall-ID: call\nCSeq: 7 INVITE",
    );
    let Message::Response(trying) = answer else { panic!() };
    assert_eq!(Dialog::of_answer(&ours(), &trying).map(|_| ()), Err(NoDialog::Tag));
}

/// RFC 3261 §12.2.2.
#[test]
fn their_requests_come_in_order() {
    let invite = theirs("INVITE", 5, false, ROUTES);
    let mut dialog = Dialog::of_request(&invite, "ours", State::Confirmed).expect("a dialog");
    dialog.answered(&Method::INVITE, StatusCode::OK);
    assert_eq!(dialog.received(&theirs("ACK", 5, true, "")), Ok(()));
    assert_eq!(dialog.received(&theirs("INFO", 5, true, "")), Err(Refusal::OutOfOrder));
    assert_eq!(
        dialog.received(&theirs("INFO", 4, true, "")).map_err(Refusal::status),
        Err(StatusCode::SERVER_INTERNAL_ERROR)
    );
    assert_eq!(dialog.received(&theirs("INFO", 9, true, "")), Ok(()), "gaps are fine");
    assert_eq!(dialog.received(&theirs("INFO", 8, true, "")), Err(Refusal::OutOfOrder));
    // As caller the first of theirs may have any number.
    let mut dialog = Dialog::of_answer(&ours(), &answer(200, "7 INVITE", "theirs", "Contact: <sip:a@x>"))
        .expect("a dialog");
    assert_eq!(dialog.received(&theirs("INFO", 1, true, "")), Ok(()));
    assert_eq!(dialog.received(&theirs("INFO", 1, true, "")), Err(Refusal::OutOfOrder));
}

/// RFC 3261 §12.2.1.2, §12.2.2: INVITE and UPDATE move the target, others do not; routes stay.
#[test]
fn the_target_moves() {
    let mut dialog =
        Dialog::of_request(&theirs("INVITE", 5, false, ROUTES), "ours", State::Confirmed).expect("a dialog");
    dialog.answered(&Method::INVITE, StatusCode::OK);
    let moved = |n: u32| format!("Record-Route: <sip:evil.example;lr>\nContact: <sip:mina@192.0.2.{n}>");
    dialog.received(&theirs("INFO", 6, true, &moved(6))).expect("in order");
    assert_eq!(dialog.target().as_str(), "sip:mina@192.0.2.1:40000;transport=tcp");
    dialog.received(&theirs("UPDATE", 7, true, &moved(7))).expect("in order");
    assert_eq!(dialog.target().as_str(), "sip:mina@192.0.2.7");
    let mut broken = theirs("UPDATE", 8, true, "");
    broken.headers.set(Name::Contact, "<sip:");
    assert_eq!(dialog.received(&broken), Err(Refusal::Contact));
    assert_eq!(dialog.target().as_str(), "sip:mina@192.0.2.7");
    let invite = dialog.request(Method::INVITE).expect("none is open");
    let cseq = format!("{} INVITE", invite.cseq().expect("there").number);
    dialog.heard(&Method::INVITE, &answer(200, &cseq, "theirs", &moved(9)));
    assert_eq!(dialog.target().as_str(), "sip:mina@192.0.2.9");
    assert_eq!(values(&dialog.ack(1), Name::Route).len(), 3);
    assert!(values(&dialog.ack(1), Name::Route).iter().all(|route| !route.contains("evil")));
}

/// RFC 3261 §14.1, §14.2.
#[test]
fn invites_that_cross() {
    let mut dialog =
        Dialog::of_request(&theirs("INVITE", 5, false, ROUTES), "ours", State::Confirmed).expect("a dialog");
    assert!(dialog.request(Method::INVITE).is_none(), "theirs is open");
    assert_eq!(dialog.received(&theirs("INVITE", 6, true, "")), Err(Refusal::Overlapping));
    dialog.answered(&Method::INVITE, StatusCode::OK);
    assert!(dialog.request(Method::INVITE).is_some());
    assert!(dialog.request(Method::INVITE).is_none());
    assert!(dialog.request(Method::BYE).is_some());
    assert_eq!(
        dialog.received(&theirs("INVITE", 7, true, "")).map_err(Refusal::status),
        Err(StatusCode::REQUEST_PENDING)
    );
    assert_eq!(dialog.heard(&Method::INVITE, &answer(491, "1 INVITE", "theirs", "")), After::Stays);
    assert_eq!(dialog.received(&theirs("INVITE", 8, true, "")), Ok(()));
    let caller =
        Dialog::of_answer(&ours(), &answer(200, "7 INVITE", "t", "Contact: <sip:a@x>")).expect("a dialog");
    for random in 0..1000 {
        assert!((0..=2_000_000).contains(&dialog.glare_pause_us(random)));
        assert!((2_100_000..=4_000_000).contains(&caller.glare_pause_us(random)));
    }
}

/// RFC 3261 §12.2.1.2.
#[test]
fn a_peer_that_knows_nothing_of_it_ends_it() {
    let mut dialog =
        Dialog::of_request(&theirs("INVITE", 5, false, ROUTES), "ours", State::Confirmed).expect("a dialog");
    for (status, after) in
        [(481, After::Ended), (408, After::Ended), (500, After::Stays), (403, After::Stays)]
    {
        assert_eq!(dialog.heard(&Method::INFO, &answer(status, "1 INFO", "theirs", "")), after);
    }
    assert_eq!(dialog.unheard(&Method::INFO), After::Ended);
}

#[test]
fn dialogs_are_found_by_their_names() {
    let mut dialogs = Dialogs::new(2, Seed(1, 2));
    let invite = theirs("INVITE", 5, false, ROUTES);
    let dialog = Dialog::of_request(&invite, "ours", State::Confirmed).expect("a dialog");
    let id = dialog.id().clone();
    assert_eq!(dialogs.insert(id.clone(), dialog).map(|old| old.is_none()), Ok(true));
    assert!(dialogs.of_request(&theirs("BYE", 6, true, "")).is_some());
    assert!(dialogs.of_request(&theirs("BYE", 6, false, "")).is_none());
    let other = |n: u32| DialogId::new("call", "ours", &format!("t{n}"));
    let spare = dialogs.get(&id).expect("there").clone();
    assert!(dialogs.insert(other(1), spare.clone()).is_ok());
    assert_eq!(dialogs.insert(other(2), spare.clone()).map(|_| ()), Err(NoRoom));
    assert!(dialogs.insert(other(1), spare).is_ok(), "in place of the old one");
    assert!(dialogs.remove(&id).is_some() && dialogs.remove(&id).is_none());
    assert_eq!(dialogs.len(), 1);
}

fn timed(more: &str) -> Request {
    theirs("INVITE", 5, false, more)
}

/// RFC 4028 §9 and table 2: interval and refresher, from what the caller wrote; `None` for 422.
#[test]
fn the_callee_decides_the_session_timer() {
    let settings = SessionTimerSettings { interval_s: 1800, interval_s_min: 200 };
    for (more, interval_s, refresher) in [
        ("Supported: timer\nSession-Expires: 600;refresher=uac", Some(600), Refresher::Them),
        ("Supported: timer\nSession-Expires: 600 ; refresher=UAS", Some(600), Refresher::Us),
        ("Supported: 100rel, Timer\nSession-Expires: 600", Some(600), Refresher::Them),
        ("Session-Expires: 600;refresher=uac", Some(600), Refresher::Us),
        ("Supported: timer\nSession-Expires: 7200", Some(1800), Refresher::Them),
        ("Supported: timer\nSession-Expires: 7200\nMin-SE: 3600", Some(3600), Refresher::Them),
        ("Supported: timer", Some(1800), Refresher::Them),
        ("", Some(1800), Refresher::Us),
        ("Supported: timer\nSession-Expires: 199", None, Refresher::Us),
        ("Session-Expires: 100", Some(200), Refresher::Us),
        ("Supported: timer\nSession-Expires: soon", Some(1800), Refresher::Them),
        ("Supported: timer\nSession-Expires: 99999999999", Some(1800), Refresher::Them),
    ] {
        let timer = SessionTimer::of_request(NOW_US, &timed(more), &settings);
        match interval_s {
            Some(interval_s) => {
                let timer = timer.unwrap_or_else(|error| panic!("{more}: {error}"));
                assert_eq!((timer.interval_s(), timer.refresher()), (interval_s, refresher), "{more}");
                let mut ok = timed(more).response(StatusCode::OK, Some("ours"));
                timer.confirm(&mut ok);
                let heard = SessionTimer::of_answer(NOW_US, &ok).expect("there");
                let swapped = if refresher == Refresher::Us { Refresher::Them } else { Refresher::Us };
                assert_eq!((heard.interval_s(), heard.refresher()), (interval_s, swapped));
                assert_eq!(ok.headers.contains(Name::Require), refresher == Refresher::Them);
            }
            None => assert_eq!(timer, Err(TooSmall { min_s: 200 }), "{more}"),
        }
    }
}

/// RFC 4028 §7.
#[test]
fn the_caller_asks_and_raises_its_wish() {
    let settings = SessionTimerSettings::default();
    let mut invite = ours();
    SessionTimer::ask(&mut invite.headers, &settings, Some(300), Some(Refresher::Us));
    assert_eq!(values(&invite, Name::SessionExpires), ["300;refresher=uac"]);
    assert_eq!(
        (values(&invite, Name::MinSe), values(&invite, Name::Supported)),
        (vec!["90".into()], vec!["timer".into()])
    );
    let refused = answer(422, "7 INVITE", "t", "Min-SE: 900");
    assert_eq!(SessionTimer::after_422(&refused, 300), Some(900));
    assert_eq!(SessionTimer::after_422(&refused, 900), None, "no endless asking");
    assert_eq!(SessionTimer::of_answer(NOW_US, &answer(200, "7 INVITE", "t", "")), None);
}

/// RFC 4028 §10.
#[test]
fn who_refreshes_does_so_at_half_time_and_the_other_ends_it() {
    let agreed = |refresher: &str| {
        let ok = answer(200, "7 INVITE", "t", &format!("Session-Expires: 300;refresher={refresher}"));
        SessionTimer::of_answer(NOW_US, &ok).expect("there")
    };
    let mut us = agreed("uac");
    assert_eq!(us.next_us(), NOW_US + 150 * SECOND_US);
    assert_eq!(us.due(us.next_us() - 1), None);
    assert_eq!(us.due(us.next_us()), Some(Due::Refresh));
    assert_eq!(us.due(NOW_US + 151 * SECOND_US), None, "said once");
    assert_eq!(us.next_us(), NOW_US + 268 * SECOND_US);
    assert_eq!(us.due(us.next_us()), Some(Due::End));
    let mut them = agreed("uas");
    assert_eq!(them.due(NOW_US + 267 * SECOND_US), None);
    assert_eq!(them.due(NOW_US + 268 * SECOND_US), Some(Due::End));
    let mut short =
        SessionTimer::of_answer(NOW_US, &answer(200, "7 INVITE", "t", "Session-Expires: 1")).expect("there");
    assert_eq!(short.interval_s(), 90, "never below the floor");
    assert_eq!(short.due(NOW_US + 60 * SECOND_US), Some(Due::End));
}
