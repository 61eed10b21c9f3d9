//! The calls around a messenger's events.

use std::sync::{Arc, Mutex};

use engine::journal::Event;
use model::{
    Answer, Cause, ChannelId, Command, Disposition, Duration, For, Inbound, LinkAnswer, MessageId, Number,
    Pii, ReceiptState, Refusal,
};

use crate::world::{Call, FakeDirectory, MESSENGER, Mailbox, NOW, World};

#[tokio::test]
async fn events_are_taken_in_one_batch_and_answered_in_order() {
    let world = World::new().await;
    let body = "a:821011112222\nb:!\nc:~\nd:821033334444\n";
    let reply = world.peer("POST", "/omf/v1/events", body).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let results: Vec<_> = reply.text().lines().collect();
    assert_eq!(results.len(), 4);
    assert!(results[0].starts_with("a Accepted(MessageId(1001))"), "{}", results[0]);
    assert!(results[1].starts_with("b Refused") && results[1].ends_with("Some(\"who?\")"), "{}", results[1]);
    assert!(results[2].starts_with("c Taken"), "{}", results[2]);
    assert!(results[3].starts_with("d Accepted(MessageId(1002))"), "{}", results[3]);
    assert_eq!(reply.header("omf-credit"), "events=500,bytes=8388608");
    assert_eq!(world.intake.takes.load(std::sync::atomic::Ordering::Relaxed), 1);
    assert!(world.intake.submissions().iter().all(|submission| submission.origin == MESSENGER));
}

#[tokio::test]
async fn an_event_without_an_answer_is_to_be_sent_again() {
    let world = World::with(|services| services.limits.answer_timeout = Duration::from_millis(50)).await;
    let mut first = true;
    world.script(move |_| {
        std::mem::take(&mut first).then(|| Answer::Accepted(MessageId::from_u64(1).unwrap()))
    });
    let reply = world.peer("POST", "/omf/v1/events", "a:821011112222\nb:821033334444").await;
    let results: Vec<_> = reply.text().lines().collect();
    assert!(results[0].starts_with("a Accepted"), "{}", results[0]);
    assert!(results[1].starts_with("b Refused") && results[1].contains("StoreUnavailable"), "{}", results[1]);
    assert!(results[1].contains("After(2s)"), "{}", results[1]);
}

#[tokio::test]
async fn a_messenger_may_sign_instead_of_showing_a_token() {
    let world = World::new().await;
    let send = |method: &'static str, path: &'static str, signature: &'static str| {
        Call::new(method, path)
            .header("omf-peer", "tictoc")
            .header("signature", signature)
            .body("a:821011112222")
            .send(world.traffic)
    };
    assert_eq!(send("POST", "/omf/v1/events", "good").await.status, 200);
    send("POST", "/omf/v1/events", "forged").await.problem(401, "unauthorized");
    assert_eq!(send("POST", "/omf/v1/ping", "good").await.status, 200);
    send("POST", "/omf/v1/ping", "forged").await.problem(401, "unauthorized");
    send("GET", "/omf/v1/events", "forged").await.problem(401, "unauthorized");
    assert!(world.mailbox.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_taken_while_the_gateway_takes_nothing_or_too_much_comes() {
    let world = World::with(|services| services.limits.batch_messages_max = 2).await;
    world.peer("POST", "/omf/v1/events", "a:1\nb:2\nc:3").await.problem(413, "batch_too_long");
    *world.intake.refusing.lock().unwrap() = Some(Cause::Draining);
    world.peer("POST", "/omf/v1/events", "a:1").await.problem(503, "draining");
    assert!(world.intake.submissions().is_empty());
}

#[tokio::test]
async fn a_messenger_fetches_and_acknowledges() {
    let world = World::new().await;
    let page = world.peer("GET", "/omf/v1/events?cursor=1&limit=5&wait_s=600&later=1", "").await;
    assert_eq!(page.json(), serde_json::json!({"events": [{"id": "a"}, {"id": "b"}], "next": "2"}));
    let asked = world.mailbox.asked.lock().unwrap().pop().unwrap();
    assert_eq!(asked, (Some("1".to_owned()), 5, Duration::from_secs(60)), "the wait is capped");
    world.peer("GET", "/omf/v1/events?cursor=bad", "").await.problem(400, "malformed");
    world
        .peer("GET", &format!("/omf/v1/events?cursor={}", "x".repeat(257)), "")
        .await
        .problem(400, "malformed");

    let acked = world.peer("POST", "/omf/v1/acks", r#"{"cursor": "2", "later": true}"#).await;
    assert_eq!(acked.status, 200, "unknown fields are passed over");
    assert_eq!(*world.mailbox.acked.lock().unwrap(), ["2"]);
    world.peer("POST", "/omf/v1/acks", r#"{"cursor": "bad"}"#).await.problem(400, "malformed");
    world.peer("POST", "/omf/v1/acks", r#"{"cursor": 2}"#).await.problem(422, "malformed");
}

/// Before it acknowledges the page on which it got the message.
#[tokio::test]
async fn a_receipt_says_that_its_message_has_arrived() {
    let world = World::new().await;
    assert_eq!(world.peer("POST", "/omf/v1/events", "a:=7\nb:1").await.status, 200);
    assert_eq!(*world.mailbox.arrived.lock().unwrap(), ["7"]);
}

#[tokio::test]
async fn a_messenger_that_is_called_cannot_fetch() {
    let world = World::build(FakeDirectory { pulls: false, ..FakeDirectory::default() }, |_| {}).await;
    world.peer("GET", "/omf/v1/events", "").await.problem(409, "pull_not_offered");
    world.peer("POST", "/omf/v1/acks", r#"{"cursor": "2"}"#).await.problem(409, "pull_not_offered");
}

#[tokio::test]
async fn who_waits_for_news_is_let_go_when_the_gateway_stops() {
    let mailbox = Arc::new(Mailbox { endless: true, ..Mailbox::default() });
    let world = World::build(FakeDirectory { mailbox, ..FakeDirectory::default() }, |_| {}).await;
    let waiting = tokio::spawn(
        Call::new("GET", "/omf/v1/events?wait_s=60").key(crate::world::TOKEN).send(world.traffic),
    );
    while world.mailbox.asked.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    world.stopping.cancel();
    waiting.await.unwrap().problem(503, "draining");
}

#[tokio::test]
async fn the_history_of_an_event_is_found_by_either_id() {
    let world = World::new().await;
    let due = NOW + Duration::from_secs(60);
    let delivered = |part| Event::Receipt { part, state: ReceiptState::Delivered, code: None };
    let sent = |n: u16| Event::Sent { channel: ChannelId(n), parts: smallvec::SmallVec::new() };
    world.keep(
        5_000,
        MESSENGER,
        vec![
            Event::AnswerLost { channel: ChannelId(1), due },
            sent(1),
            delivered(0),
            delivered(1),
            Event::Final { disposition: Disposition::Delivered, cause: None, channel: None },
            Event::Displayed,
        ],
    );
    let by_theirs = world.peer("GET", "/omf/v1/events/event-1/status", "").await;
    assert_eq!(by_theirs.status, 200, "{:?}", by_theirs.body);
    let status = by_theirs.json();
    assert_eq!(
        (&status["st"], &status["final"], &status["certain"]),
        (&"delivered".into(), &true.into(), &true.into())
    );
    assert_eq!((&status["id"], &status["message"]), (&"event-1".into(), &"5000".into()));
    let history: Vec<_> =
        status["history"].as_array().unwrap().iter().map(|s| s["st"].as_str().unwrap()).collect();
    assert_eq!(history, ["accepted", "unknown", "sent", "delivered", "read"]);
    assert_eq!(status["history"][1]["certain"], false);
    assert_eq!(
        world.peer("GET", "/omf/v1/events/5000/status", "").await.json()["history"],
        status["history"]
    );

    world.keep(5_001, ChannelId(7), vec![]);
    world.peer("GET", "/omf/v1/events/5001/status", "").await.problem(404, "not_found");
    world.peer("GET", "/omf/v1/events/nothing/status", "").await.problem(404, "not_found");
}

#[tokio::test]
async fn who_can_be_reached_is_answered_in_order() {
    let world = World::new().await;
    let body = r#"{"who": [{"tel": "+821012345678", "x": 1}, {"tel": "+99123456789"}, {"usr": "u_1"}]}"#;
    let answer = world.peer("POST", "/omf/v1/capabilities", body).await.json();
    let reach: Vec<_> = answer.as_array().unwrap().iter().map(|one| one["reach"].as_str().unwrap()).collect();
    assert_eq!(reach, ["yes", "no", "unknown"]);
    assert_eq!(answer[0]["who"]["tel"], "+821012345678");
    assert_eq!(answer[0]["features"], serde_json::json!(["text", "delivered"]));
    let many = format!("{{\"who\": [{}]}}", vec!["{\"tel\":\"1\"}"; 501].join(","));
    world.peer("POST", "/omf/v1/capabilities", &many).await.problem(422, "malformed");
}

fn link(link: u64, epoch: Option<u32>) -> Answer {
    Answer::Link(LinkAnswer {
        link,
        epoch,
        number: Pii::new(Number::written("+821012345678")),
        expires_at: epoch.is_none().then_some(NOW),
    })
}

#[tokio::test]
async fn a_number_is_linked_by_a_code_and_unlinked() {
    let world = World::new().await;
    let commands = Arc::new(Mutex::new(Vec::new()));
    {
        let commands = commands.clone();
        world.script(move |inbound| {
            let Inbound::Command { command, .. } = inbound else { panic!("{inbound:?}") };
            commands.lock().unwrap().push(command.clone());
            Some(match command {
                Command::LinkStart { link: id, .. } => link(*id, None),
                Command::LinkVerify { link: id, .. } => link(*id, Some(3)),
                _ => Answer::Done,
            })
        });
    }
    let started = world
        .peer("POST", "/omf/v1/links", r#"{"usr": "u/77", "tel": "+82 10 1234 5678", "later": []}"#)
        .await;
    assert_eq!(started.status, 202, "{:?}", started.body);
    assert_eq!(started.json()["expires"], NOW.millis());
    let id = started.json()["id"].as_str().unwrap().to_owned();

    let verified = world.peer("POST", &format!("/omf/v1/links/{id}/verify"), r#"{"code": "123 456"}"#).await;
    assert_eq!(
        verified.json(),
        serde_json::json!({"id": id, "usr": "u/77", "tel": "+821012345678", "epoch": 3})
    );
    assert_eq!(world.peer("DELETE", &format!("/omf/v1/links/{id}"), "").await.status, 204);

    let commands = commands.lock().unwrap();
    let Command::LinkStart { origin: MESSENGER, user, number, link, code } = &commands[0] else {
        panic!("{:?}", commands[0])
    };
    assert_eq!((user.as_str(), *code), ("u/77", 123_456));
    assert_eq!(*number.reveal(For::Decision), Number::written("+821012345678"));
    let Command::LinkVerify { origin: MESSENGER, link: verified, code: 123_456 } = &commands[1] else {
        panic!("{:?}", commands[1])
    };
    assert_eq!(verified, link);
    assert!(matches!(&commands[2], Command::Unlink { origin: MESSENGER, user } if user == "u/77"));
}

#[tokio::test]
async fn a_wrong_code_is_told_so_and_a_made_up_link_is_not_found() {
    let world = World::new().await;
    world.always(Answer::Refused(Refusal::ours(Cause::WrongCode)));
    let path = "/omf/v1/links/000000000000feed.dV83Nw/verify";
    world.peer("POST", path, r#"{"code": "123456"}"#).await.problem(422, "wrong_code");
    for code in ["12345", "1234567", "12345x", "", "+12345"] {
        world.peer("POST", path, &format!("{{\"code\": \"{code}\"}}")).await.problem(422, "wrong_code");
    }
    assert_eq!(world.intake.seen.lock().unwrap().len(), 1, "what cannot be a code is not asked");
    world
        .peer("POST", "/omf/v1/links/feed/verify", r#"{"code": "123456"}"#)
        .await
        .problem(404, "no_such_link");
    world.always(Answer::Refused(Refusal::ours(Cause::NotFound)));
    world.peer("DELETE", "/omf/v1/links/000000000000feed.dV83Nw", "").await.problem(404, "no_such_link");
    world.peer("POST", "/omf/v1/links", r#"{"usr": "", "tel": "1"}"#).await.problem(422, "malformed");
}

#[tokio::test]
async fn peers_find_each_other() {
    let world = World::new().await;
    let offer = Call::new("GET", "/.well-known/omf").send(world.traffic).await.json();
    assert_eq!(offer["peer"], "gw.example.kr");
    assert_eq!(offer["base"], "https://gw.example.kr/omf/v1");
    assert_eq!(offer["versions"], serde_json::json!(["1.0"]));
    assert_eq!(offer["limits"]["batch_events"], 500);
    let pong = world.peer("POST", "/omf/v1/ping", "{}").await.json();
    assert_eq!(pong, serde_json::json!({"peer": "gw.example.kr", "you": "tictoc", "ts": NOW.millis()}));
}
