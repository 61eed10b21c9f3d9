//! Where accounts and messengers call from, and how fast.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use api::{Access, Rate, Services};
use model::{Duration, Timestamp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{Call, FakeDirectory, KEY, NOW, OTHER_KEY, Reply, TOKEN, World};

/// A world whose demo account and messenger are held to this.
async fn held_to(access: Access, change: impl FnOnce(&mut Services)) -> World {
    World::build(FakeDirectory { access, ..FakeDirectory::default() }, change).await
}

fn per_second(rate: u32) -> Access {
    Access { rate: NonZeroU32::new(rate).map(Rate::new), ..Access::free() }
}

fn elsewhere() -> Access {
    Access { allowed: Arc::new(|_| false), rate: None }
}

const MESSAGE: &str = r#"{"from": "1", "to": "2", "text": "x"}"#;

async fn send(world: &World) -> Reply {
    world.call("POST", "/v1/messages", MESSAGE).await
}

async fn send_lines(world: &World, lines: usize) -> Reply {
    let body = format!("{MESSAGE}\n\n").repeat(lines);
    Call::new("POST", "/v1/messages").key(KEY).ndjson(body).send(world.traffic).await
}

#[tokio::test]
async fn the_address_that_is_judged_is_the_one_of_the_connection() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let allowed = {
        let asked = asked.clone();
        move |ip: IpAddr| {
            asked.lock().unwrap().push(ip);
            ip.is_loopback()
        }
    };
    let world = held_to(Access { allowed: Arc::new(allowed), rate: None }, |_| {}).await;
    let claims = |call: Call| {
        call.header("x-forwarded-for", "203.0.113.9").header("forwarded", "for=203.0.113.9").json(MESSAGE)
    };
    assert_eq!(claims(Call::new("POST", "/v1/messages").key(KEY)).send(world.traffic).await.status, 202);
    assert_eq!(world.peer("POST", "/omf/v1/events", "a:1").await.status, 200);
    assert_eq!(*asked.lock().unwrap(), [IpAddr::from(Ipv4Addr::LOCALHOST); 2]);
}

#[tokio::test]
async fn from_elsewhere_a_key_is_as_good_as_none() {
    let world = held_to(elsewhere(), |_| {}).await;
    for (method, path) in [
        ("POST", "/v1/messages"),
        ("GET", "/v1/messages?number=821012345678"),
        ("GET", "/v1/messages/1"),
        ("DELETE", "/v1/messages/1"),
        ("GET", "/v1/usage"),
        ("POST", "/v1/consents"),
    ] {
        let refused = world.call(method, path, MESSAGE).await;
        refused.problem(401, "unauthorized");
        let unknown = Call::new(method, path).key("nobody's").json(MESSAGE).send(world.traffic).await;
        assert_eq!((&refused.body, refused.headers.len()), (&unknown.body, unknown.headers.len()), "{path}");
    }
    for (method, path) in [
        ("POST", "/omf/v1/events"),
        ("GET", "/omf/v1/events"),
        ("POST", "/omf/v1/acks"),
        ("GET", "/omf/v1/events/event-1/status"),
        ("POST", "/omf/v1/capabilities"),
        ("POST", "/omf/v1/links"),
        ("POST", "/omf/v1/links/000000000000feed.dV83Nw/verify"),
        ("DELETE", "/omf/v1/links/000000000000feed.dV83Nw"),
        ("POST", "/omf/v1/ping"),
    ] {
        let refused = world.peer(method, path, "a:1").await;
        refused.problem(401, "unauthorized");
        let unknown = Call::new(method, path).key("nobody's").json("a:1").send(world.traffic).await;
        assert_eq!(refused.body, unknown.body, "{path}");
        let signed = Call::new(method, path).header("omf-peer", "tictoc").header("signature", "good");
        signed.json("a:1").send(world.traffic).await.problem(401, "unauthorized");
    }
    assert!(world.intake.seen.lock().unwrap().is_empty());
    let seen = std::mem::take(&mut *world.seen.lock().unwrap());
    assert!(seen.iter().all(|(_, status)| *status == 401) && seen.len() == 6 * 2 + 9 * 3, "{seen:?}");
    // Only whom it concerns.
    let other = Call::new("POST", "/v1/messages").key(OTHER_KEY).json(MESSAGE).send(world.traffic).await;
    assert_eq!(other.status, 202);
}

#[tokio::test]
async fn over_its_rate_an_account_is_told_when_to_come_again() {
    let clock = Arc::new(AtomicI64::new(NOW.micros()));
    let world = held_to(per_second(2), |services| {
        let clock = clock.clone();
        services.now = Arc::new(move || Timestamp::from_micros(clock.load(Ordering::Relaxed)));
    })
    .await;
    assert_eq!((send(&world).await.status, send(&world).await.status), (202, 202));
    let refused = send(&world).await;
    let problem = refused.problem(429, "throttled");
    assert_eq!((refused.header("retry-after"), &problem["retry_after_s"]), ("1", &1.into()));
    assert_eq!(world.get("/v1/usage").await.status, 200, "reading is not sending");
    let other = Call::new("POST", "/v1/messages").key(OTHER_KEY).json(MESSAGE).send(world.traffic).await;
    assert_eq!(other.status, 202, "the rate is the account's own");

    clock.fetch_add(500_000, Ordering::Relaxed);
    assert_eq!(send(&world).await.status, 202);
    send(&world).await.problem(429, "throttled");
    assert_eq!(world.intake.submissions().len(), 4);
}

#[tokio::test]
async fn a_batch_takes_as_much_as_it_has_messages() {
    let world = held_to(per_second(10), |services| services.limits.batch_messages_max = 50).await;
    assert_eq!(send_lines(&world, 7).await.status, 200);
    send_lines(&world, 51).await.problem(413, "batch_too_long");
    let refused = send_lines(&world, 4).await;
    refused.problem(429, "throttled");
    assert_eq!(world.intake.submissions().len(), 7, "all or none");
    assert_eq!(send_lines(&world, 3).await.status, 200);
    send(&world).await.problem(429, "throttled");
}

#[tokio::test]
async fn a_batch_longer_than_the_rate_is_taken_and_waited_out() {
    let world = held_to(per_second(10), |_| {}).await;
    assert_eq!(send_lines(&world, 100).await.status, 200);
    let refused = send(&world).await;
    refused.problem(429, "throttled");
    assert_eq!(refused.header("retry-after"), "10", "9.1 s in whole seconds");
}

#[tokio::test]
async fn the_body_of_a_call_over_the_rate_is_not_waited_for() {
    let world = held_to(per_second(1), |_| {}).await;
    assert_eq!(send(&world).await.status, 202);
    for (path, key, media_type) in [
        ("/v1/messages", KEY, "application/json"),
        ("/v1/messages", KEY, "application/x-ndjson"),
        ("/omf/v1/events", TOKEN, "application/json"),
    ] {
        let mut stream = TcpStream::connect(world.traffic).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: {media_type}\r\ncontent-length: 50\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_exact(&mut answer)).await;
        assert!(read.is_ok(), "{path}, {media_type}: the body was waited for");
        assert_eq!(&answer, b"HTTP/1.1 429", "{path}, {media_type}");
    }
}

#[tokio::test]
async fn a_messenger_s_rate_counts_events_that_are_its_own() {
    let world = held_to(per_second(3), |_| {}).await;
    let signed = |signature: &'static str| {
        let call = Call::new("POST", "/omf/v1/events").header("omf-peer", "tictoc");
        call.header("signature", signature).body("a:821011112222\nb:!").send(world.traffic)
    };
    for _ in 0..5 {
        signed("forged").await.problem(401, "unauthorized");
    }
    assert_eq!(signed("good").await.status, 200);
    let refused = signed("good").await;
    refused.problem(429, "throttled");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(world.peer("POST", "/omf/v1/events", "c:821033334444").await.status, 200);
    world.peer("POST", "/omf/v1/events", "d:821033334444").await.problem(429, "throttled");
    signed("forged").await.problem(401, "unauthorized");
    assert_eq!(world.peer("POST", "/omf/v1/ping", "{}").await.status, 200, "a call is not an event");
    assert_eq!(world.intake.submissions().len(), 2);
}
