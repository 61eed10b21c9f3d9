//! The gateway's words to events, and what the peer's answer means (messengers sheet §2.4, §2.5, §8.5).

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use kit::{HttpAdapter, HttpInbound, Taken};
use model::{
    Address, Answer, AttemptId, Cause, Class, Coded, Content, Disposition, Duration, MessageId, Outcome,
    Outgoing, Party, Pii, ReceiptState, Refusal, Report, Retry, Signal, SignalKind, Submission, Timestamp,
    UpstreamId,
};
use serde_json::{Value, json};

use super::{account, call, message, now, number, read, secret, submission, user, webhook};
use crate::webhook::Webhook;

fn spelled(outgoing: &Outgoing) -> Value {
    serde_json::from_str(&webhook().event(now(), outgoing).unwrap()).unwrap()
}

fn report(submission: Submission, disposition: Disposition, displayed: bool) -> Outgoing {
    Outgoing::Report(Report {
        attempt: AttemptId { slot: 2, generation: 1 },
        message: MessageId::from_u64(42).unwrap(),
        submission: Arc::new(submission),
        disposition,
        cause: (!disposition.is_success()).then_some(Cause::Unreachable),
        code: Some("027".into()),
        at: now(),
        segments: 2,
        displayed,
        intermediate: false,
        via: None,
    })
}

#[test]
fn a_text_is_spelled_like_the_sheet() {
    let mut submission = submission("이따 전화할게요");
    submission.class = Class::OneTimePassword;
    submission.expires_at = Some(now() + Duration::from_secs(90));
    assert_eq!(
        spelled(&message(41, submission)),
        json!({"id":"41","kind":"text","from":{"tel":"+821012345678"},"to":[{"usr":"u_77"}],"ts":now().millis(),"ttl":90,
               "body":{"text":"이따 전화할게요"},"want":["delivered","read"],"class":"a2p_auth","crypto":"hop"})
    );
}

#[test]
fn what_we_write_we_can_read() {
    let mut sent = submission("가나다 \"quoted\" \u{1f600}");
    sent.from = Pii::new(user("u_1"));
    sent.to = Pii::new(number("+821012345678"));
    let event = webhook().event(now(), &message(41, sent.clone())).unwrap();
    let Some(HttpInbound::Submit(got)) = read(&event).pop() else { panic!() };
    assert_eq!((&got.from, &got.to, &got.content), (&sent.from, &sent.to, &sent.content));
    assert_eq!(got.reference.as_deref(), Some("41"));
}

#[test]
fn addresses_keep_their_kind() {
    for (address, shown) in [
        (number("+821012345678"), json!({"tel":"+821012345678"})),
        (number("15881234"), json!({"tel":"15881234"})),
        (number("*281#"), json!({"tel":"*281#"})),
        (number("ACME"), json!({"name":"ACME"})),
        (user("u"), json!({"usr":"u"})),
        (
            Address::User(model::User { messenger: "other".into(), id: "u".into() }),
            json!({"usr":"u","net":"other"}),
        ),
    ] {
        let mut submission = submission("x");
        submission.from = Pii::new(address);
        assert_eq!(spelled(&message(1, submission))["from"], shown);
    }
}

#[test]
fn translated_identities_are_shown() {
    let Outgoing::Message(mut outgoing) = message(1, submission("x")) else { panic!() };
    outgoing.from = Some(Pii::new(user("friend")));
    outgoing.to = Some(Pii::new(user("me")));
    let event = spelled(&Outgoing::Message(outgoing));
    assert_eq!((&event["from"], &event["to"]), (&json!({"usr":"friend"}), &json!([{"usr":"me"}])));
}

#[test]
fn octets_and_foreign_users_have_no_spelling() {
    let mut coded = submission("");
    coded.content = Content::Coded(Coded { data_coding: 0, udhi: false, octets: Bytes::from_static(b"x") });
    assert_eq!(webhook().encode(now(), &[message(1, coded)]).unwrap_err(), Refusal::ours(Cause::Unencodable));
    let mut foreign = submission("x");
    foreign.to = Pii::new(Address::User(model::User { messenger: "other".into(), id: "u".into() }));
    assert_eq!(
        webhook().encode(now(), &[message(1, foreign)]).unwrap_err(),
        Refusal::ours(Cause::BadDestination)
    );
    let mut silent = account(Vec::new());
    silent.push_url = None;
    let refusal = Webhook::new(silent).encode(now(), &[message(1, submission("x"))]).unwrap_err();
    assert_eq!((refusal.cause, refusal.retry), (Cause::LinkDown, Retry::Scheduled));
}

#[test]
fn receipts_name_the_sender_s_own_id() {
    let mut original = submission("x");
    original.carried = Bytes::from_static(br#"{"conv":"c_9fK2","fb":{"sms":"y"}}"#);
    let event = spelled(&report(original.clone(), Disposition::Delivered, false));
    assert_eq!(
        event,
        json!({"id":"42.delivered","kind":"delivered","conv":"c_9fK2","from":{"usr":"u_77"},"to":[{"tel":"+821012345678"}],
               "ts":now().millis(),"re":{"target":"018e1c2a"},
               "body":{"ids":["018e1c2a"],"state":"delivered","certain":true,"msg":"42","segments":2,"native":"027"}})
    );
    original.carried = Bytes::from_static(b"octets of an older version");
    original.reference = None;
    let event = spelled(&report(original, Disposition::Undeliverable, false));
    assert_eq!(event["kind"], "receipt");
    assert_eq!(event["body"]["ids"], json!(["42"]));
    assert_eq!(
        (&event["body"]["cause"], &event["body"]["class"]),
        (&json!("unreachable"), &json!("unreachable"))
    );
}

#[test]
fn every_disposition_has_a_word_that_we_read_back() {
    use Disposition::{
        Accepted, Cancelled, Delivered, Expired, HandedOver, Lost, Rejected, Sent, Undeliverable, Unknown,
    };
    for (disposition, displayed, state) in [
        (Accepted, false, ReceiptState::Enroute),
        (Sent, false, ReceiptState::Enroute),
        (Unknown, false, ReceiptState::Enroute),
        (Delivered, false, ReceiptState::Delivered),
        (Delivered, true, ReceiptState::Displayed),
        (HandedOver, false, ReceiptState::Accepted),
        (Expired, false, ReceiptState::Expired),
        (Cancelled, false, ReceiptState::Deleted),
        (Undeliverable, false, ReceiptState::Undeliverable),
        (Rejected, false, ReceiptState::Rejected),
        (Lost, false, ReceiptState::Unknown),
    ] {
        let event = webhook().event(now(), &report(submission("x"), disposition, displayed)).unwrap();
        let Some(HttpInbound::Receipt(receipt)) = read(&event).pop() else { panic!("{event}") };
        assert_eq!(receipt.state, state, "{disposition:?}");
        assert_eq!(receipt.upstream[0], UpstreamId("018e1c2a".into()));
        assert_eq!(receipt.at, Some(Timestamp::from_millis(now().millis())));
    }
}

#[test]
fn typing_of_different_people_is_different() {
    let typing = |to: &str| {
        spelled(&Outgoing::Signal(Signal {
            from: Pii::new(number("+821012345678")),
            to: Pii::new(user(to)),
            kind: SignalKind::Typing { on: true },
        }))
    };
    assert_eq!(typing("a")["body"], json!({"on":true,"ttl_s":6}));
    assert_ne!(typing("a")["id"], typing("b")["id"]);
}

#[test]
fn a_push_is_signed_over_what_is_sent() {
    let request =
        webhook().encode(now(), &[message(1, submission("x")), message(2, submission("y"))]).unwrap();
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/omf/v1/events"));
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(secret().verify(now(), request.headers(), request.body()), Ok(()));
    let events: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(events["events"][1]["id"], "2");
    let other = webhook().encode(now(), &[message(3, submission("x"))]).unwrap();
    assert_ne!(other.headers()["webhook-id"], request.headers()["webhook-id"]);
}

fn answered(status: u16, body: &str) -> Vec<Outcome> {
    let batch = [
        message(1, submission("x")),
        report(submission("x"), Disposition::Delivered, false),
        message(3, submission("y")),
    ];
    let response = Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
    webhook().outcomes(&batch, &response)
}

fn sent(id: &str) -> Outcome {
    Outcome::Sent([UpstreamId(id.into())].into_iter().collect())
}

#[test]
fn each_event_has_its_own_result() {
    let outcomes = answered(
        200,
        r#"{"results":[{"id":"3","st":"rejected","err":{"class":"rate","code":"slow","text":"","retry_after_ms":1500}},
            {"id":"1","st":"accepted","cs":12},{"id":"42.delivered","st":"duplicate"}]}"#,
    );
    let refusal = Refusal::theirs(Cause::Throttled, Retry::After(Duration::from_millis(1_500)), 0);
    assert_eq!(outcomes, [sent("1"), Outcome::Sent([].into_iter().collect()), Outcome::Refused(refusal)]);
}

#[test]
fn a_missing_result_is_unknown_and_silence_is_consent() {
    assert_eq!(
        answered(200, r#"{"results":[{"id":"1","st":"accepted"},{"id":"3","st":"perhaps"}]}"#)[1..],
        [Outcome::Unknown, Outcome::Unknown]
    );
    assert_eq!(answered(204, "")[0], sent("1"));
    assert_eq!(answered(200, "ok")[0], Outcome::Unknown);
    assert_eq!(answered(504, "")[0], Outcome::Unknown);
}

#[test]
fn every_class_says_what_may_be_done() {
    for (class, cause, retry, by) in [
        ("bad_request", Cause::Malformed, Retry::Never, Party::Network),
        ("auth", Cause::LinkDown, Retry::Scheduled, Party::Network),
        ("not_registered", Cause::UnknownSubscriber, Retry::OtherRoute, Party::Network),
        ("unreachable", Cause::Unreachable, Retry::Scheduled, Party::Network),
        ("blocked", Cause::OptedOut, Retry::Never, Party::Recipient),
        ("policy", Cause::Policy, Retry::Never, Party::Network),
        ("rate", Cause::Throttled, Retry::Scheduled, Party::Network),
        ("network", Cause::NetworkFailure, Retry::Scheduled, Party::Network),
        ("unsupported", Cause::Unencodable, Retry::OtherRoute, Party::Network),
        ("of_next_year", Cause::Malformed, Retry::Never, Party::Network),
    ] {
        let body = format!(r#"{{"results":[{{"id":"1","st":"rejected","err":{{"class":"{class}"}}}}]}}"#);
        assert_eq!(
            answered(200, &body)[0],
            Outcome::Refused(Refusal { by, cause, retry, code: 0 }),
            "{class}"
        );
    }
    let result = |class: &str| {
        answered(200, &format!(r#"{{"results":[{{"id":"1","st":"rejected","err":{{"class":"{class}"}}}}]}}"#))
            .swap_remove(0)
    };
    assert_eq!(result("uncertain"), Outcome::Unknown);
    assert_eq!(result("duplicate"), sent("1"));
}

#[test]
fn statuses_say_what_may_be_done() {
    for (status, cause, retry) in [
        (302, Cause::LinkDown, Retry::Scheduled),
        (400, Cause::NetworkRefused, Retry::Never),
        (401, Cause::LinkDown, Retry::Scheduled),
        (413, Cause::TooLong, Retry::Never),
        (429, Cause::Throttled, Retry::Scheduled),
        (500, Cause::NetworkFailure, Retry::Scheduled),
    ] {
        assert_eq!(
            answered(status, "{}")[2],
            Outcome::Refused(Refusal::theirs(cause, retry, status.into())),
            "{status}"
        );
    }
}

#[test]
fn a_reply_tells_each_sender_what_became_of_it() {
    let taken = |id: &str, answer, detail: Option<&str>| Taken {
        id: id.into(),
        answer,
        detail: detail.map(Into::into),
    };
    let refusal = |cause, retry| Answer::Refused(Refusal { retry, ..Refusal::ours(cause) });
    let id = MessageId::from_u64(99).unwrap();
    let reply = webhook().reply(&[
        taken("a", Answer::Accepted(id), None),
        taken("b", Answer::Duplicate(id), None),
        taken("c", refusal(Cause::Throttled, Retry::After(Duration::from_secs(2))), None),
        taken("d", refusal(Cause::Malformed, Retry::Never), Some("a text has at least one character")),
        taken("e", Answer::NotOpen, None),
    ]);
    assert_eq!(reply.headers()["content-type"], "application/json");
    assert_eq!(
        serde_json::from_slice::<Value>(reply.body()).unwrap(),
        json!({"results":[
            {"id":"a","st":"accepted","msg":"99"},
            {"id":"b","st":"duplicate","msg":"99"},
            {"id":"c","st":"rejected","err":{"class":"rate","code":"throttled","text":"the agreed rate is exceeded","retry_after_ms":2000}},
            {"id":"d","st":"rejected","err":{"class":"bad_request","code":"malformed","text":"a text has at least one character"}},
            {"id":"e","st":"accepted"},
        ]})
    );
}

#[test]
fn two_gateways_understand_each_other() {
    let request = webhook().encode(now(), &[message(1, submission("x"))]).unwrap();
    let got = webhook().read(now(), &call(request.into_body())).unwrap();
    let HttpInbound::Submit(received) = &got[0].inbound else { panic!() };
    let id = received.reference.as_deref().unwrap().to_owned();
    let reply = webhook().reply(&[Taken {
        id,
        answer: Answer::Accepted(MessageId::from_u64(5).unwrap()),
        detail: None,
    }]);
    assert_eq!(webhook().outcomes(&[message(1, submission("x"))], &reply), [sent("1")]);
}
