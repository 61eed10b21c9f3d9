//! `POST /v1/messages` with one message, and `DELETE`.

use std::sync::{Arc, Mutex};

use engine::journal::Event;
use model::{
    Address, Answer, Cause, Class, Command, Content, Disposition, Duration, For, Inbound, MessageId, Number,
    Party, ReceiptsWanted, Refusal, Retry, Ton,
};

use crate::world::{ACCOUNT, Call, KEY, NOW, World, ticket};

#[tokio::test]
async fn a_message_is_taken_and_told_where_to_follow_it() {
    let world = World::new().await;
    let reply = world
        .call("POST", "/v1/messages", r#"{"from": "15881234", "to": "+82 10-1234-5678", "text": "안녕"}"#)
        .await;
    assert_eq!(reply.status, 202, "{:?}", reply.body);
    assert_eq!(
        reply.json(),
        serde_json::json!({"id": "1001", "status": "accepted", "links": {"self": "/v1/messages/1001"}})
    );
    assert_eq!(reply.header("location"), "/v1/messages/1001");
    assert_eq!(reply.header("idempotent-replayed"), "");

    let [submission] = &world.intake.submissions()[..] else { panic!("one submission") };
    assert_eq!(submission.origin, ACCOUNT);
    assert_eq!(submission.class, Class::Transactional, "the account's own class");
    assert_eq!(submission.receipts, ReceiptsWanted::NONE, "the ladder is the receipt");
    assert_eq!(submission.received_at, NOW);
    assert_eq!(submission.content, Content::Text("안녕".into()));
    let Address::Number(to) = submission.to.reveal(For::Decision) else { panic!("a number") };
    assert_eq!(*to, Number::written("+821012345678"));
    assert_eq!(to.ton, Ton::INTERNATIONAL);
}

#[tokio::test]
async fn everything_a_caller_may_say_reaches_the_engine() {
    let world = World::new().await;
    let body = r##"{
        "from": "ACME", "to": {"messenger": "tictoc", "user": "u_77"},
        "data": {"data_coding": 245, "udhi": true, "octets": "BgUEFYIAAP8="},
        "class": "otp", "receipts": ["failure", "intermediate"], "validity": "1h30m",
        "schedule": "2027-01-15T18:00:00+09:00", "reference": "order 7"
    }"##;
    let reply = Call::new("POST", "/v1/messages")
        .key(KEY)
        .header("idempotency-key", "\"k-1\"")
        .json(body)
        .send(world.traffic)
        .await;
    assert_eq!(reply.status, 202, "{:?}", reply.body);
    let [submission] = &world.intake.submissions()[..] else { panic!("one submission") };
    let Content::Coded(coded) = &submission.content else { panic!("octets") };
    assert_eq!((coded.data_coding, coded.udhi, &coded.octets[..2]), (245, true, &[6, 5][..]));
    assert_eq!(submission.class, Class::OneTimePassword);
    assert_eq!(
        submission.receipts,
        ReceiptsWanted { success: false, failure: true, intermediate: true, displayed: false }
    );
    assert_eq!(submission.scheduled_at, Some(NOW + Duration::from_secs(3_600)));
    assert_eq!(submission.expires_at, Some(NOW + Duration::from_secs(3_600 + 5_400)));
    assert_eq!(submission.reference.as_deref(), Some("order 7"));
    assert_eq!(submission.idempotency_key.as_deref(), Some("k-1"));
    let Address::User(user) = submission.to.reveal(For::Decision) else { panic!("a user") };
    assert_eq!((user.messenger.as_str(), user.id.as_str()), ("tictoc", "u_77"));
}

#[tokio::test]
async fn validity_in_seconds_and_receipts_as_a_word() {
    let world = World::new().await;
    for receipts in ["true", "false"] {
        let body =
            format!(r#"{{"from": "1", "to": "2", "text": "x", "validity": 60, "receipts": {receipts}}}"#);
        assert_eq!(world.call("POST", "/v1/messages", &body).await.status, 202);
    }
    let [all, none] = &world.intake.submissions()[..] else { panic!("two submissions") };
    assert_eq!(all.expires_at, Some(NOW + Duration::from_secs(60)));
    assert_eq!((all.receipts, none.receipts), (ReceiptsWanted::FINAL, ReceiptsWanted::NONE));
}

#[tokio::test]
async fn text_reaches_the_engine_composed_and_with_plain_line_ends() {
    let world = World::new().await;
    // "각" as three jamo, as some systems write it.
    let body = r#"{"from": "1", "to": "2", "text": "\u1100\u1161\u11a8\r\nx\ry"}"#;
    assert_eq!(world.call("POST", "/v1/messages", body).await.status, 202);
    assert_eq!(world.intake.submissions()[0].content, Content::Text("각\nx\ny".into()));
}

#[tokio::test]
async fn the_same_key_again_gives_the_same_answer_and_says_so() {
    let world = World::new().await;
    world.always(Answer::Duplicate(MessageId::from_u64(77).unwrap()));
    let reply = world.call("POST", "/v1/messages", r#"{"from": "1", "to": "2", "text": "x"}"#).await;
    assert_eq!(reply.status, 202);
    assert_eq!(reply.json()["id"], "77");
    assert_eq!(reply.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn a_refusal_is_a_problem_with_its_cause() {
    for (cause, status) in [
        (Cause::BadDestination, 422),
        (Cause::SenderNotRegistered, 403),
        (Cause::OptedOut, 403),
        (Cause::IdReuse, 409),
        (Cause::Throttled, 429),
        (Cause::QueueFull, 503),
        (Cause::StoreUnavailable, 503),
        (Cause::Draining, 503),
        (Cause::Expired, 422),
    ] {
        let world = World::new().await;
        world.always(Answer::Refused(Refusal::ours(cause)));
        let reply = world.call("POST", "/v1/messages", r#"{"from": "1", "to": "2", "text": "x"}"#).await;
        reply.problem(status, cause.code());
        assert_eq!(reply.headers.contains_key("retry-after"), status == 429 || status == 503, "{cause:?}");
    }
}

#[tokio::test]
async fn the_engines_own_pause_is_passed_on() {
    let world = World::new().await;
    world.always(Answer::Refused(Refusal {
        by: Party::Gateway,
        cause: Cause::Throttled,
        retry: Retry::After(Duration::from_secs(7)),
        code: 0,
    }));
    let reply = world.call("POST", "/v1/messages", r#"{"from": "1", "to": "2", "text": "x"}"#).await;
    assert_eq!(reply.header("retry-after"), "7");
}

#[tokio::test]
async fn an_answer_that_is_late_is_a_503_and_a_later_one_reaches_nobody_else() {
    let world = World::with(|services| services.limits.answer_timeout = Duration::from_millis(500)).await;
    let held = Arc::new(Mutex::new(Vec::new()));
    {
        let held = held.clone();
        world.script(move |inbound| {
            held.lock().unwrap().push(ticket(inbound));
            None
        });
    }
    let body = r#"{"from": "1", "to": "2", "text": "x"}"#;
    let reply = world.call("POST", "/v1/messages", body).await;
    let problem = reply.problem(503, "answer_late");
    assert_eq!(reply.header("retry-after"), "2");
    assert!(problem["detail"].as_str().unwrap().contains("Idempotency-Key"));

    // The place is used again; the old ticket must not answer the new call.
    let old = held.lock().unwrap().pop().unwrap();
    {
        let held = held.clone();
        world.script(move |inbound| {
            held.lock().unwrap().push(ticket(inbound));
            None
        });
    }
    let intake = world.intake.clone();
    let answering = tokio::spawn(async move {
        let new = loop {
            if let Some(new) = held.lock().unwrap().pop() {
                break new;
            }
            tokio::task::yield_now().await;
        };
        assert_ne!(old, new);
        intake.answer(vec![(old, Answer::Accepted(MessageId::from_u64(1).unwrap()))]);
        intake.answer(vec![(new, Answer::Accepted(MessageId::from_u64(2).unwrap()))]);
    });
    let reply = world.call("POST", "/v1/messages", body).await;
    answering.await.unwrap();
    assert_eq!(reply.json()["id"], "2");
}

#[tokio::test]
async fn nothing_is_read_while_the_gateway_takes_nothing() {
    let world = World::new().await;
    *world.intake.refusing.lock().unwrap() = Some(Cause::StoreUnavailable);
    let reply = world.call("POST", "/v1/messages", "this is not even JSON").await;
    reply.problem(503, "store_unavailable");
    assert_eq!(reply.header("retry-after"), "5");
    assert_eq!(reply.header("connection"), "close");
}

#[tokio::test]
async fn a_gateway_that_closes_is_draining() {
    let world = World::new().await;
    *world.intake.open_for.lock().unwrap() = Some(0);
    let reply = world.call("POST", "/v1/messages", r#"{"from": "1", "to": "2", "text": "x"}"#).await;
    reply.problem(503, "draining");
}

#[tokio::test]
async fn a_waiting_message_is_withdrawn() {
    let world = World::new().await;
    world.script(|inbound| match inbound {
        Inbound::Command { command: Command::Cancel { origin, message }, .. } => {
            assert_eq!((*origin, message.as_u64()), (ACCOUNT, 1_234));
            Some(Answer::Done)
        }
        other => panic!("{other:?}"),
    });
    let reply = world.call("DELETE", "/v1/messages/1234", "").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json(), serde_json::json!({"id": "1234", "status": "cancelled"}));
}

#[tokio::test]
async fn what_is_too_late_to_withdraw_is_a_conflict() {
    let world = World::new().await;
    world.always(Answer::Refused(Refusal::ours(Cause::TooLate)));
    world.call("DELETE", "/v1/messages/1234", "").await.problem(409, "too_late");

    world.always(Answer::NotOpen);
    let end = |disposition| vec![Event::Final { disposition, cause: None, channel: None }];
    world.keep(1_234, ACCOUNT, end(Disposition::Delivered));
    world.call("DELETE", "/v1/messages/1234", "").await.problem(409, "too_late");
    world.keep(1_235, ACCOUNT, end(Disposition::Cancelled));
    assert_eq!(world.call("DELETE", "/v1/messages/1235", "").await.status, 200, "twice is once");
    world.keep(1_236, model::ChannelId(8), end(Disposition::Delivered));
    world.call("DELETE", "/v1/messages/1236", "").await.problem(404, "not_found");
    world.call("DELETE", "/v1/messages/1237", "").await.problem(404, "not_found");
    world.call("DELETE", "/v1/messages/x", "").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_persons_word_is_recorded() {
    let world = World::new().await;
    world.script(|inbound| match inbound {
        Inbound::Command { command: Command::Consent { number, scope, granted }, .. } => {
            assert_eq!(*number.reveal(For::Decision), Number::written("010-1234-5678"));
            assert_eq!((*scope, *granted), (model::ConsentScope::NightAdvertising, false));
            Some(Answer::Done)
        }
        other => panic!("{other:?}"),
    });
    let body = r#"{"number": "010-1234-5678", "scope": "night_advertising", "granted": false}"#;
    let reply = world.call("POST", "/v1/consents", body).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(reply.json(), serde_json::json!({"scope": "night_advertising", "granted": false}));

    let body = r#"{"number": "ACME", "scope": "business", "granted": false}"#;
    let problem = world.call("POST", "/v1/consents", body).await.problem(422, "bad_destination");
    assert_eq!(problem["errors"][0]["pointer"], "#/number");
}
