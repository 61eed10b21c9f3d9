//! What is read back: the ladder, searches, usage; and that nobody reads what is another's.

use billing::{UsageEvent, UsageKey, UsageOutcome, UsageRecord, UsageService};
use engine::journal::Event;
use model::{
    Cause, ChannelId, Class, Disposition, Duration, Lane, MessageId, Msisdn, Party, ReceiptState, Refusal,
    Retry, UpstreamId,
};
use store::{Rating, UsageRow};

use crate::world::{ACCOUNT, Call, NOW, OTHER_KEY, World};

fn life() -> Vec<Event> {
    let due = NOW + Duration::from_secs(60);
    let refusal =
        Refusal { by: Party::Network, cause: Cause::Throttled, retry: Retry::Scheduled, code: 0x58 };
    vec![
        Event::Deferred { channel: ChannelId(1), refusal, due },
        Event::AnswerLost { channel: ChannelId(1), due },
        Event::Rerouted { leg: 1, channel: ChannelId(2), because: Cause::LinkDown, metered: None },
        Event::Sent {
            channel: ChannelId(2),
            parts: ["a", "b"].map(|id| UpstreamId(id.into())).into_iter().collect(),
        },
        Event::Receipt { part: 1, state: ReceiptState::Delivered, code: Some("000".into()) },
        Event::Final { disposition: Disposition::Delivered, cause: None, channel: Some(ChannelId(2)) },
        Event::Reported { given_up: false, displayed: false },
        Event::LateReceipt { channel: ChannelId(1), state: ReceiptState::Expired },
    ]
}

#[tokio::test]
async fn a_message_tells_its_life() {
    let world = World::new().await;
    world.keep(1_234, ACCOUNT, life());
    let reply = world.get("/v1/messages/1234").await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let message = reply.json();
    for (field, value) in [
        ("id", "1234"),
        ("status", "delivered"),
        ("from", "15881234"),
        ("to", "+821012345678"),
        ("class", "person"),
        ("origin", "demo"),
        ("channel", "smsc-2"),
        ("expires_at", "2027-01-16T08:00:00Z"),
    ] {
        assert_eq!(message[field], value, "{field}");
    }
    assert_eq!((&message["segments"], &message["attempts"]), (&2.into(), &3.into()));

    let ladder = message["ladder"].as_array().unwrap();
    let events: Vec<_> = ladder.iter().map(|step| step["event"].as_str().unwrap()).collect();
    assert_eq!(
        events,
        [
            "accepted",
            "deferred",
            "answer_lost",
            "rerouted",
            "sent",
            "receipt",
            "final",
            "reported",
            "late_receipt"
        ]
    );
    let field = |step: usize, field: &str| ladder[step][field].clone();
    assert_eq!(field(0, "text"), "stored and metered as 2 segments; plan: smsc-1, then smsc-2");
    assert_eq!(field(1, "at"), "2027-01-15T08:00:01Z");
    assert_eq!(field(1, "attempt"), 1);
    assert_eq!(field(1, "cause"), "throttled");
    assert_eq!(field(1, "code"), "0x58");
    assert_eq!(field(1, "due"), "2027-01-15T08:01:00Z");
    assert_eq!(field(2, "channel"), "smsc-1");
    assert_eq!(field(4, "attempt"), 3);
    assert_eq!(field(4, "text"), "smsc-2 took it in 2 segments");
    assert_eq!(
        (field(5, "part"), field(5, "state"), field(5, "code")),
        (2.into(), "delivered".into(), "000".into())
    );
    assert_eq!(field(6, "state"), "delivered");
}

#[tokio::test]
async fn a_message_under_way_says_where_it_stands() {
    let world = World::new().await;
    let due = NOW + Duration::from_secs(60);
    world.keep(1, ACCOUNT, vec![]);
    world.keep(2, ACCOUNT, life()[..1].to_vec());
    world.keep(3, ACCOUNT, vec![Event::AnswerLost { channel: ChannelId(1), due }]);
    let cause = Some(Cause::Expired);
    world.keep(4, ACCOUNT, vec![Event::Final { disposition: Disposition::Expired, cause, channel: None }]);
    let sent = Event::Sent { channel: ChannelId(1), parts: smallvec::SmallVec::new() };
    world.keep(5, ACCOUNT, vec![Event::AnswerLost { channel: ChannelId(1), due }, sent.clone()]);
    let delivered = Event::Final { disposition: Disposition::Delivered, cause: None, channel: None };
    world.keep(6, ACCOUNT, vec![delivered, sent]);
    for (id, status, cause, next) in [
        (1, "accepted", None, false),
        (2, "accepted", None, true),
        (3, "unknown", Some("answer_lost"), true),
        (4, "expired", Some("expired"), false),
        (5, "sent", None, false),
        (6, "delivered", None, false),
    ] {
        let message = world.get(&format!("/v1/messages/{id}")).await.json();
        assert_eq!(message["status"], status);
        assert_eq!(message["cause"].as_str(), cause, "{id}");
        assert_eq!(message["next_attempt_at"].is_string(), next, "{id}");
    }
}

#[tokio::test]
async fn what_is_anothers_does_not_exist() {
    let world = World::new().await;
    world.keep(1_234, ACCOUNT, vec![]);
    let theirs = Call::new("GET", "/v1/messages/1234").key(OTHER_KEY).send(world.traffic).await;
    let nobodys = Call::new("GET", "/v1/messages/1235").key(OTHER_KEY).send(world.traffic).await;
    theirs.problem(404, "not_found");
    assert_eq!(theirs.body, nobodys.body, "the two cannot be told apart");
    for id in ["0", "x", "-1", "99999999999999999999", "%ff"] {
        let status = world.get(&format!("/v1/messages/{id}")).await.status;
        assert_eq!(status, 404, "{id}");
    }
}

#[tokio::test]
async fn messages_are_found_by_number_and_time() {
    let world = World::new().await;
    let ids = vec![
        world.keep(30, ACCOUNT, vec![]),
        world.keep(20, ChannelId(8), vec![]),
        world.keep(10, ACCOUNT, vec![]),
    ];
    *world.store.found.lock().unwrap() = ids;
    let reply = world
        .get("/v1/messages?number=%2B82%2010-1234-5678&from=2027-01-15T00:00:00%2B09:00&until=2027-01-16T00:00:00Z&limit=3&before=40")
        .await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let found = reply.json();
    let ids: Vec<_> =
        found["messages"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["30", "10"], "another's message is left out even if the store slips");
    assert_eq!(found["next"], "10");
    assert!(found["messages"][0].get("ladder").is_none());

    let searched = world.store.searched.lock().unwrap().pop().unwrap();
    assert_eq!(searched.party.as_deref(), Some("821012345678"));
    assert_eq!(searched.origin, Some(ACCOUNT));
    assert_eq!(searched.from.map(model::Timestamp::secs), Some(1_799_938_800));
    assert_eq!(searched.until.map(model::Timestamp::secs), Some(1_800_057_600));
    assert_eq!(searched.before, MessageId::from_u64(40));
    assert_eq!(searched.limit, 3);

    let last = world.get("/v1/messages?limit=4").await.json();
    assert!(last.get("next").is_none(), "a short page is the last");
}

#[tokio::test]
async fn a_query_that_is_wrong_is_told_so() {
    let world = World::new().await;
    for query in ["limit=0", "limit=1001", "before=x"] {
        world.get(&format!("/v1/messages?{query}")).await.problem(422, "malformed");
    }
    for query in ["limit=x", "colour=red", "from=yesterday", "limit=1&limit=2"] {
        world.get(&format!("/v1/messages?{query}")).await.problem(400, "malformed");
    }
    world.get("/v1/usage?after=x").await.problem(422, "malformed");
}

fn row(sequence: u64, origin: ChannelId) -> UsageRow {
    UsageRow {
        sequence,
        batch: 1,
        rating: Rating::Suspended,
        record: UsageRecord {
            key: UsageKey { message: MessageId::from_u64(77).unwrap(), leg: 0, event: UsageEvent::Submit },
            at: NOW,
            service: UsageService::Sms,
            outcome: UsageOutcome::Accepted,
            origin,
            channel: ChannelId(1),
            class: Class::Person,
            lane: Lane::Person,
            segments: 2,
            octets: 100,
            from: None,
            to: Some(Msisdn::from_u64(821_012_345_678)),
            cause: None,
            parent: None,
            charging_id: None,
        },
    }
}

#[tokio::test]
async fn usage_is_read_with_a_cursor() {
    let world = World::new().await;
    *world.store.usage.lock().unwrap() =
        vec![row(1, ACCOUNT), row(2, ChannelId(8)), row(3, ACCOUNT), row(4, ACCOUNT)];
    let first = world.get("/v1/usage?limit=2").await.json();
    let record = &first["records"][0];
    assert!(record["id"].as_str().unwrap().starts_with("use_"));
    for (field, value) in [
        ("message", "77"),
        ("event", "submit"),
        ("service", "sms"),
        ("outcome", "accepted"),
        ("origin", "demo"),
        ("channel", "smsc-1"),
        ("to", "+821012345678"),
        ("at", "2027-01-15T08:00:00Z"),
        ("rating", "suspended"),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    assert!(record.get("from").is_none());
    assert_eq!(record["segments"], 2);

    let sequences = |page: &serde_json::Value| -> Vec<u64> {
        page["records"].as_array().unwrap().iter().map(|r| r["sequence"].as_u64().unwrap()).collect()
    };
    assert_eq!(sequences(&first), [1, 3]);
    let all = world.operator("GET", "/v1/usage").await.json();
    let mine = |record: &serde_json::Value| record["origin"] == first["records"][0]["origin"];
    let records = all["records"].as_array().unwrap();
    assert!(records.iter().any(mine) && !records.iter().all(mine), "an operator reads everybody's: {all}");
    let next = world.get(&format!("/v1/usage?after={}", first["next"].as_str().unwrap())).await.json();
    assert_eq!(sequences(&next), [4]);
    let end = world.get(&format!("/v1/usage?after={}", next["next"].as_str().unwrap())).await.json();
    assert_eq!((sequences(&end), &end["next"]), (vec![], &"4".into()));
}

#[tokio::test]
async fn a_store_that_fails_is_a_503_without_its_secrets() {
    let world = World::new().await;
    *world.store.failing.lock().unwrap() = true;
    for path in ["/v1/messages/1", "/v1/messages", "/v1/usage"] {
        let reply = world.get(path).await;
        reply.problem(503, "store_unavailable");
        assert!(!reply.text().contains("secret"), "{path}");
    }
}
