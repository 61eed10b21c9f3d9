//! `POST /v1/messages` with NDJSON.

use std::sync::{Arc, Mutex};

use model::{Answer, Cause, Duration, For, Inbound, MessageId, Refusal};

use crate::world::{Call, KEY, Reply, World, ticket};

fn lines(reply: &Reply) -> Vec<serde_json::Value> {
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(reply.header("content-type"), "application/x-ndjson");
    reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn send(world: &World, body: impl Into<bytes::Bytes>) -> Reply {
    Call::new("POST", "/v1/messages").key(KEY).ndjson(body).send(world.traffic).await
}

fn message(to: usize) -> String {
    format!("{{\"from\":\"15881234\",\"to\":\"{to}\",\"text\":\"x\"}}\n")
}

#[tokio::test]
async fn lines_are_answered_in_their_order_whatever_the_order_of_commits() {
    let world = World::new().await;
    let held = Arc::new(Mutex::new(Vec::new()));
    let intake = Arc::downgrade(&world.intake);
    world.script(move |inbound| {
        let Inbound::Submit { submission, .. } = inbound else { panic!("{inbound:?}") };
        let to = submission.to.reveal(For::Decision).number().unwrap().digits.parse::<u64>().unwrap();
        let mut held = held.lock().unwrap();
        held.push((ticket(inbound), Answer::Accepted(MessageId::from_u64(to).unwrap())));
        if held.len() == 3_000 {
            held.reverse();
            intake.upgrade().unwrap().answer(std::mem::take(&mut *held));
        }
        None
    });
    let body: String = (1..=3_000).map(message).collect();
    let answered = lines(&send(&world, body).await);
    assert_eq!(answered.len(), 3_000);
    for (index, line) in answered.iter().enumerate() {
        assert_eq!(line["line"], index + 1);
        assert_eq!(line["id"], (index + 1).to_string());
        assert_eq!(line["status"], "accepted");
    }
    assert!(
        world.intake.takes.load(std::sync::atomic::Ordering::Relaxed) < 10,
        "handed in by the batch, not one by one"
    );
}

#[tokio::test]
async fn a_bad_line_does_not_hold_up_the_others() {
    let world = World::new().await;
    let body = format!(
        "{}\n\n{{broken\n{{\"from\":\"1\",\"to\":\"2\",\"text\":\"x\",\"color\":1}}\r\n{}",
        message(1),
        message(2)
    );
    let answered = lines(&send(&world, body).await);
    let numbers: Vec<_> = answered.iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 4, 5, 6], "empty lines count and are not answered");
    assert_eq!(answered[0]["id"], "1001");
    assert_eq!(answered[1]["problem"]["status"], 400);
    assert_eq!(answered[2]["problem"]["errors"][0]["pointer"], "#/color");
    assert_eq!(answered[3]["id"], "1002");
    assert_eq!(world.intake.submissions().len(), 2);
}

#[tokio::test]
async fn refusals_and_repetitions_are_told_line_by_line() {
    let world = World::new().await;
    let mut answers = vec![
        Answer::Refused(Refusal::ours(Cause::Throttled)),
        Answer::Duplicate(MessageId::from_u64(5).unwrap()),
    ];
    world.script(move |_| Some(answers.remove(0)));
    let answered = lines(&send(&world, format!("{}{}", message(1), message(2))).await);
    assert_eq!(answered[0]["problem"]["type"], "urn:gateway:problem:throttled");
    assert_eq!(answered[0]["problem"]["retry_after_s"], 1);
    assert_eq!(answered[1]["id"], "5");
    assert_eq!(answered[1]["replayed"], true);
}

#[tokio::test]
async fn the_key_of_a_batch_gives_each_line_its_own() {
    let world = World::new().await;
    let body = format!("{}{}", message(1), r#"{"from":"1","to":"2","text":"x","idempotency_key":"mine"}"#);
    let call = Call::new("POST", "/v1/messages").key(KEY).header("idempotency-key", "b7").ndjson(body);
    assert_eq!(lines(&call.send(world.traffic).await).len(), 2);
    let submissions = world.intake.submissions();
    let keys: Vec<_> = submissions.iter().map(|s| s.idempotency_key.as_deref().unwrap()).collect();
    assert_eq!(keys, ["b7#1", "mine"]);
}

#[tokio::test]
async fn what_was_stored_is_told_even_when_the_rest_is_not() {
    let world = World::with(|services| services.limits.answer_timeout = Duration::from_millis(100)).await;
    let mut count = 0;
    world.script(move |_| {
        count += 1;
        (count == 2).then(|| Answer::Accepted(MessageId::from_u64(42).unwrap()))
    });
    let answered = lines(&send(&world, format!("{}{}{}", message(1), message(2), message(3))).await);
    assert_eq!(answered[0]["problem"]["type"], "urn:gateway:problem:answer_late");
    assert_eq!(answered[1]["id"], "42");
    assert_eq!(answered[2]["problem"]["type"], "urn:gateway:problem:answer_late");
}

#[tokio::test]
async fn a_gateway_that_closes_in_the_middle_says_which_lines_it_took() {
    let world = World::new().await;
    *world.intake.open_for.lock().unwrap() = Some(1);
    let answered = lines(&send(&world, format!("{}{}", message(1), message(2))).await);
    assert_eq!(answered[0]["id"], "1001");
    assert_eq!(answered[1]["problem"]["type"], "urn:gateway:problem:draining");
}

#[tokio::test]
async fn a_batch_is_bounded_in_lines_and_octets_and_number() {
    let world = World::with(|services| {
        services.limits.batch_messages_max = 3;
        services.limits.batch_octets_max = 1_000;
    })
    .await;
    let four: String = (1..=4).map(message).collect();
    send(&world, four).await.problem(413, "batch_too_long");
    send(&world, " ".repeat(1_001)).await.problem(413, "body_too_large");
    send(&world, "\n\n").await.problem(400, "malformed");
    assert!(world.intake.submissions().is_empty(), "none was taken");

    let world = World::with(|services| services.limits.batches_max = 0).await;
    let reply = send(&world, message(1)).await;
    reply.problem(503, "queue_full");
    assert_eq!(reply.header("retry-after"), "2");
}
