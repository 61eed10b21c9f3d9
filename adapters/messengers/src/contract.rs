//! What every messenger must do with good and bad calls: one line, `contract_tests!(Subject)`, in its tests.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use kit::{HttpAdapter, HttpInbound, Taken};
use model::{Answer, Cause, Outcome, Outgoing, Refusal, Timestamp};

/// What the suite must know about a messenger.
pub(crate) trait Subject {
    fn adapter() -> Box<dyn HttpAdapter>;
    fn now() -> Timestamp;
    /// A body with one text from one person to another.
    fn good() -> Vec<u8>;
    /// The same with the id `id`.
    fn good_with_id(id: &str) -> Vec<u8>;
    /// The same with a field nobody knows, at every level.
    fn with_unknown_fields() -> Vec<u8>;
    /// A complete call about something nobody knows.
    fn unknown_kind() -> Vec<u8>;
    /// `body` as the messenger's server would send it at `at`, with its credentials.
    fn call(at: Timestamp, body: Vec<u8>) -> Request<Bytes>;
    /// The headers that authenticate a call.
    fn credentials() -> Vec<header::HeaderName>;
    /// Whether credentials grow stale.
    const TIMED: bool;
    /// A batch of outgoing items with at least two messages.
    fn outgoing() -> Vec<Outgoing>;
}

fn decode<S: Subject>(body: Vec<u8>) -> Result<Vec<HttpInbound>, StatusCode> {
    S::adapter().decode(S::now(), &S::call(S::now(), body)).map_err(|error| error.status)
}

pub(crate) fn a_good_call_is_one_submission<S: Subject>() {
    let items = decode::<S>(S::good()).unwrap();
    assert!(matches!(items.as_slice(), [HttpInbound::Submit(_)]), "{items:?}");
}

pub(crate) fn submissions_can_be_told_apart_and_found_again<S: Subject>() {
    let key = |id: &str| match decode::<S>(S::good_with_id(id)).unwrap().pop() {
        Some(HttpInbound::Submit(submission)) => (submission.idempotency_key, submission.reference),
        other => panic!("{other:?}"),
    };
    assert_eq!(key("a1"), key("a1"));
    assert_ne!(key("a1"), key("a2"));
    assert!(key("a1").0.is_some() && key("a1").1.is_some());
}

pub(crate) fn time_comes_from_the_gateway<S: Subject>() {
    let Some(HttpInbound::Submit(submission)) = decode::<S>(S::good()).unwrap().pop() else { panic!() };
    assert_eq!(submission.received_at, S::now());
    assert_eq!(submission.id, None);
}

pub(crate) fn each_credential_is_needed<S: Subject>() {
    for name in S::credentials() {
        let mut call = S::call(S::now(), S::good());
        call.headers_mut().remove(&name);
        let error = S::adapter().decode(S::now(), &call).unwrap_err();
        assert_eq!(error.status, StatusCode::UNAUTHORIZED, "without {name}");
    }
}

pub(crate) fn a_changed_credential_is_refused<S: Subject>() {
    for name in S::credentials() {
        let mut call = S::call(S::now(), S::good());
        let changed = format!("{}0", call.headers()[&name].to_str().unwrap());
        call.headers_mut().insert(&name, changed.parse().unwrap());
        let error = S::adapter().decode(S::now(), &call).unwrap_err();
        assert_eq!(error.status, StatusCode::UNAUTHORIZED, "with another {name}");
    }
}

pub(crate) fn foreign_credentials_are_refused<S: Subject>() {
    for text in ["", " ", "Bearer", "Bearer ", "v1,", "\u{e9}"] {
        let mut call = S::call(S::now(), S::good());
        for name in S::credentials() {
            call.headers_mut().insert(name, header::HeaderValue::from_bytes(text.as_bytes()).unwrap());
        }
        assert_eq!(
            S::adapter().decode(S::now(), &call).unwrap_err().status,
            StatusCode::UNAUTHORIZED,
            "{text:?}"
        );
    }
}

pub(crate) fn old_and_early_calls_are_refused<S: Subject>() {
    if !S::TIMED {
        return;
    }
    for offset in [-3_600, 3_600] {
        let call = S::call(Timestamp::from_secs(S::now().secs() + offset), S::good());
        assert_eq!(S::adapter().decode(S::now(), &call).unwrap_err().status, StatusCode::UNAUTHORIZED);
    }
}

pub(crate) fn credentials_are_judged_before_the_body<S: Subject>() {
    let call = Request::new(Bytes::from_static(b"\xff{"));
    assert_eq!(S::adapter().decode(S::now(), &call).unwrap_err().status, StatusCode::UNAUTHORIZED);
}

pub(crate) fn errors_do_not_repeat_what_was_sent<S: Subject>() {
    let body = String::from_utf8(S::good()).unwrap().replacen('{', r#"{"821012345678":x,"#, 1);
    let error = S::adapter().decode(S::now(), &S::call(S::now(), body.into_bytes())).unwrap_err();
    assert!(!error.to_string().contains("8210"), "{error}");
}

pub(crate) fn a_body_cut_anywhere_is_refused<S: Subject>() {
    let good = S::good();
    for end in 0..good.len() {
        let refused = match decode::<S>(good[..end].to_vec()) {
            Ok(items) => items.iter().all(|item| matches!(item, HttpInbound::Refused { .. })),
            Err(status) => status.is_client_error(),
        };
        assert!(refused, "cut after {end} octets");
    }
}

pub(crate) fn any_octet_may_be_wrong<S: Subject>() {
    let good = S::good();
    for at in 0..good.len() {
        for wrong in [0x00, 0x7f, 0xff, b'"', b'{', b'9'] {
            let mut body = good.clone();
            body[at] = wrong;
            // Whatever comes of it, it is no panic and no fault of ours.
            if let Err(status) = decode::<S>(body) {
                assert!(status.is_client_error(), "octet {at} as {wrong:#04x}");
            }
        }
    }
}

pub(crate) fn unknown_fields_change_nothing<S: Subject>() {
    let text = |body| match decode::<S>(body).unwrap().pop() {
        Some(HttpInbound::Submit(submission)) => submission.content,
        other => panic!("{other:?}"),
    };
    assert_eq!(text(S::with_unknown_fields()), text(S::good()));
}

pub(crate) fn unknown_kinds_are_harmless<S: Subject>() {
    let items = decode::<S>(S::unknown_kind()).unwrap();
    assert!(items.iter().all(|item| matches!(item, HttpInbound::Ignored { .. })), "{items:?}");
}

pub(crate) fn deep_nesting_is_survived<S: Subject>() {
    let good = String::from_utf8(S::good()).unwrap();
    for depth in [200, 100_000] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let deep = format!(r#"{{"deep":{}1{},"#, open.repeat(depth), close.repeat(depth));
            if let Err(status) = decode::<S>(good.replacen('{', &deep, 1).into_bytes()) {
                assert!(status.is_client_error());
            }
            if let Err(status) = decode::<S>(open.repeat(depth).into_bytes()) {
                assert!(status.is_client_error());
            }
        }
    }
}

pub(crate) fn a_huge_body_is_refused<S: Subject>() {
    let mut body = S::good();
    body.resize(64 << 20, b' ');
    assert_eq!(decode::<S>(body).unwrap_err(), StatusCode::PAYLOAD_TOO_LARGE);
}

pub(crate) fn empty_and_foreign_bodies_are_refused<S: Subject>() {
    for body in ["", " ", "null", "0", "\"text\"", "[]", "{", "<xml/>", "\u{feff}{}"] {
        let status = decode::<S>(body.as_bytes().to_vec()).unwrap_err();
        assert!(status.is_client_error(), "{body:?}");
    }
}

fn taken() -> Vec<Taken> {
    let refusal = Refusal::ours(Cause::OptedOut);
    let id = model::MessageId::from_u64(7).unwrap();
    let answers = [
        Answer::Accepted(id),
        Answer::Duplicate(id),
        Answer::Refused(refusal),
        Answer::Taken,
        Answer::NotOpen,
    ];
    let taken = |(index, answer)| Taken { id: format!("e{index}"), answer, detail: None };
    answers.into_iter().enumerate().map(taken).collect()
}

pub(crate) fn a_reply_names_every_item_once<S: Subject>() {
    let reply = S::adapter().reply(&taken());
    assert!(reply.status().is_success());
    let body = String::from_utf8(reply.into_body().to_vec()).unwrap();
    for Taken { id, .. } in taken() {
        assert_eq!(body.matches(&format!("\"{id}\"")).count(), 1, "{id} in {body}");
    }
}

pub(crate) fn an_empty_reply_is_a_reply<S: Subject>() {
    assert!(S::adapter().reply(&[]).status().is_success());
}

pub(crate) fn the_same_batch_is_spelled_alike<S: Subject>() {
    let adapter = S::adapter();
    let (one, two) = (
        adapter.encode(S::now(), &S::outgoing()).unwrap(),
        adapter.encode(S::now(), &S::outgoing()).unwrap(),
    );
    assert_eq!(one.body(), two.body());
    assert_eq!(one.headers(), two.headers());
}

fn outcomes<S: Subject>(status: u16, headers: HeaderMap, body: &[u8]) -> Vec<Outcome> {
    let mut response = Response::new(Bytes::copy_from_slice(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    *response.headers_mut() = headers;
    let outcomes = S::adapter().outcomes(&S::outgoing(), &response);
    assert_eq!(outcomes.len(), S::outgoing().len(), "one outcome for each item after {status}");
    outcomes
}

pub(crate) fn every_answer_has_one_outcome_for_each_item<S: Subject>() {
    for status in
        [200, 201, 202, 204, 301, 302, 400, 401, 403, 404, 408, 413, 422, 425, 429, 500, 502, 503, 504, 599]
    {
        for body in
            ["", "{}", "[]", "null", r#"{"results":[]}"#, r#"{"results":[{"id":"1"}]}"#, "<html>", "\u{0}"]
        {
            outcomes::<S>(status, HeaderMap::new(), body.as_bytes());
        }
    }
}

pub(crate) fn a_refused_call_sent_nothing<S: Subject>() {
    for status in [301, 400, 401, 404, 413, 422, 429, 500, 503] {
        for outcome in outcomes::<S>(status, HeaderMap::new(), b"{}") {
            assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?} after {status}");
        }
    }
}

pub(crate) fn a_pause_is_respected<S: Subject>() {
    for status in [429, 503] {
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, header::HeaderValue::from_static("7"))]);
        for outcome in outcomes::<S>(status, headers, b"") {
            let Outcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
            assert_eq!(refusal.retry, model::Retry::After(std::time::Duration::from_secs(7)));
        }
    }
}

pub(crate) fn an_unreadable_success_is_no_proof<S: Subject>() {
    for outcome in outcomes::<S>(200, HeaderMap::new(), b"<html>please log in</html>") {
        assert_eq!(outcome, Outcome::Unknown);
    }
}

/// Declares one test for each promise of the contract.
macro_rules! contract_tests {
    ($subject:ty) => {
        $crate::contract::contract_tests!($subject;
            a_good_call_is_one_submission,
            submissions_can_be_told_apart_and_found_again,
            time_comes_from_the_gateway,
            each_credential_is_needed,
            a_changed_credential_is_refused,
            foreign_credentials_are_refused,
            old_and_early_calls_are_refused,
            credentials_are_judged_before_the_body,
            errors_do_not_repeat_what_was_sent,
            a_body_cut_anywhere_is_refused,
            any_octet_may_be_wrong,
            unknown_fields_change_nothing,
            unknown_kinds_are_harmless,
            deep_nesting_is_survived,
            a_huge_body_is_refused,
            empty_and_foreign_bodies_are_refused,
            a_reply_names_every_item_once,
            an_empty_reply_is_a_reply,
            the_same_batch_is_spelled_alike,
            every_answer_has_one_outcome_for_each_item,
            a_refused_call_sent_nothing,
            a_pause_is_respected,
            an_unreadable_success_is_no_proof,
        );
    };
    ($subject:ty; $($promise:ident),+ $(,)?) => {
        $(#[test]
        fn $promise() {
            $crate::contract::$promise::<$subject>();
        })+
    };
}
pub(crate) use contract_tests;
