//! RFC 4976: being known to a relay.

use sip_msrp::{Action, Path, Request, limits};

use crate::bench::{Bench, LINE, OURS, SECOND, TEXT, requests, send, status, uri};

const RELAY: &str = "msrps://relay.example:2855;tcp";

fn ask(bench: &mut Bench, expires_s: Option<u32>) -> Request {
    let written = bench.does(|endpoint, now, out| {
        endpoint.authorize(now, LINE, Path::from(uri(RELAY)), uri(OURS), expires_s, out);
    });
    one(&written)
}

fn one(written: &str) -> Request {
    let [request] = requests(written).try_into().unwrap();
    assert_eq!(request.method.as_str(), "AUTH");
    assert_eq!((request.to_path.to_string().as_str(), request.from_path.to_string().as_str()), (RELAY, OURS));
    request
}

fn says(request: &Request, status: &str, headers: &str) -> String {
    let tid = request.transaction.as_str();
    format!("MSRP {tid} {status}\r\nTo-Path: {OURS}\r\nFrom-Path: {RELAY}\r\n{headers}-------{tid}$\r\n")
}

const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"relay.example\", nonce=\"n1\", qop=\"auth\"\r\n";

fn credentials(bench: &mut Bench) -> Request {
    one(&bench.does(|endpoint, now, out| endpoint.credentials(now, LINE, "Digest username=\"gw\"", out)))
}

#[test]
fn rfc4976_5_1_challenge_credentials_address() {
    let mut bench = Bench::new();
    let first = ask(&mut bench, Some(600));
    assert_eq!((first.others.get("Expires"), first.others.get("Authorization")), (Some("600"), None));
    bench.hears(says(&first, "401 Unauthorized", CHALLENGE));
    let Action::Challenged(challenge) = bench.one() else { panic!("no challenge") };
    assert_eq!((challenge.uri.as_str(), challenge.challenges.len()), (RELAY, 1));
    assert!(challenge.challenges[0].starts_with("Digest realm="));
    let second = credentials(&mut bench);
    assert_eq!(second.others.get("Authorization"), Some("Digest username=\"gw\""));
    let path = "msrps://relay.example:2855/r4nd0m;tcp";
    bench.hears(says(
        &second,
        "200 OK",
        &format!("Use-Path: {path}\r\nExpires: 600\r\nAuthentication-Info: x\r\n"),
    ));
    let Action::Authorized { use_path, expires_s, headers, .. } = bench.one() else { panic!("no address") };
    assert_eq!((use_path.to_string().as_str(), expires_s), (path, Some(600)));
    assert_eq!(headers.get("authentication-info"), Some("x"));
    // It is renewed in time, without any session on the connection.
    assert_eq!(bench.waits(480 * SECOND - 1), "");
    assert!(!bench.closes());
    one(&bench.waits(480 * SECOND));
}

#[test]
fn rfc4976_a_wrong_answer_is_not_repeated_for_ever() {
    let mut bench = Bench::new();
    let mut request = ask(&mut bench, None);
    for _ in 1..limits::AUTH_TRIES_MAX {
        bench.hears(says(&request, "401 Unauthorized", CHALLENGE));
        assert!(matches!(bench.take().as_slice(), [Action::Challenged(_)]));
        request = credentials(&mut bench);
    }
    bench.hears(says(&request, "401 Unauthorized", CHALLENGE));
    assert!(
        matches!(bench.take().as_slice(), [Action::NotAuthorized { status, .. }] if status.code() == 401)
    );
}

#[test]
fn rfc4976_423_names_the_bounds() {
    for (wished, bounds, expected) in
        [(60, "Min-Expires: 300\r\n", "300"), (9000, "Max-Expires: 3600\r\n", "3600")]
    {
        let mut bench = Bench::new();
        let first = ask(&mut bench, Some(wished));
        let second = one(&bench.hears(says(&first, "423 bounds", bounds)));
        assert_eq!(second.others.get("Expires"), Some(expected));
    }
}

/// Many others are behind it, and some of them are late: that is no reason to part from all of them.
#[test]
fn a_relay_may_bring_more_for_sessions_that_are_over_than_anybody_else() {
    let mut bench = Bench::new();
    ask(&mut bench, None);
    let late = send("tid1", &format!("Message-ID: m1\r\n{TEXT}"), "x", '$').replace("ours0001", "ours0002");
    for _ in 0..=limits::STRIKES_MAX {
        assert_eq!(status(&bench.hears(&late)), 481);
    }
    assert!(!bench.closes());
}

#[test]
fn refusals_and_silence() {
    for (status, headers, code) in
        [("403 no", "", 403), ("401 who", "", 401), ("200 OK", "", 400), ("200 OK", "Use-Path: x\r\n", 400)]
    {
        let mut bench = Bench::new();
        let first = ask(&mut bench, None);
        bench.hears(says(&first, status, headers));
        assert!(
            matches!(bench.take().as_slice(), [Action::NotAuthorized { status, .. }] if status.code() == code),
            "{status}"
        );
    }
    let mut bench = Bench::new();
    ask(&mut bench, None);
    bench.waits(limits::RESPONSE_WAIT_US);
    let actions = bench.take();
    assert!(matches!(actions.first(), Some(Action::NotAuthorized { status, .. }) if status.code() == 408));
}
