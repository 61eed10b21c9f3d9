//! Bounds in octets, time and number, and the orderly end.

use std::time::Duration;

use model::{Answer, MessageId};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{Call, KEY, World, ticket};

async fn rest(stream: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    // A reset after the answer is an end, too.
    let end = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
    assert!(end.is_ok(), "the connection is still open");
    String::from_utf8_lossy(&rest).into_owned()
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_announced_or_not() {
    let world = World::with(|services| services.limits.body_octets_max = 100).await;
    let reply = world.call("POST", "/v1/messages", &" ".repeat(101)).await;
    let problem = reply.problem(413, "body_too_large");
    assert!(problem["detail"].as_str().unwrap().contains("100"));

    // Announced and never sent: the answer does not wait for it.
    let mut stream = TcpStream::connect(world.traffic).await.unwrap();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-length: 999999999999\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 413"));

    // Chunked: found out on the way.
    let mut stream = TcpStream::connect(world.traffic).await.unwrap();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..11 {
        stream.write_all(b"a\r\n0123456789\r\n").await.unwrap();
    }
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 413"));
    assert!(world.intake.submissions().is_empty());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let world = World::with(|services| services.limits.body_timeout = Duration::from_millis(50)).await;
    let mut stream = TcpStream::connect(world.traffic).await.unwrap();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-length: 10\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("urn:gateway:problem:body_too_slow"));
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let world =
        World::with(|services| services.limits.connections.head_timeout = Duration::from_millis(50)).await;
    let mut stream = TcpStream::connect(world.traffic).await.unwrap();
    stream.write_all(b"GET /v1/usage HT").await.unwrap();
    rest(&mut stream).await;
    // So does one that never says anything, and one that stays after its answer.
    let mut silent = TcpStream::connect(world.traffic).await.unwrap();
    rest(&mut silent).await;
    let mut idle = TcpStream::connect(world.traffic).await.unwrap();
    idle.write_all(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(rest(&mut idle).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.traffic).await.unwrap();
    drop(stream.write_all(format!("GET / HTTP/1.1\r\nx: {}", "a".repeat(200_000)).as_bytes()).await);
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn connections_over_the_limit_wait_their_turn() {
    let world = World::with(|services| services.limits.connections.connections_max = 1).await;
    let mut first = TcpStream::connect(world.traffic).await.unwrap();
    first.write_all(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut octet = [0];
    first.read_exact(&mut octet).await.unwrap();

    let second = tokio::spawn(Call::new("GET", "/v1/usage").key(KEY).send(world.traffic));
    let early = tokio::time::timeout(Duration::from_millis(100), async {
        while !second.is_finished() {
            tokio::task::yield_now().await;
        }
    });
    assert!(early.await.is_err(), "the only turn is taken");
    drop(first);
    assert_eq!(second.await.unwrap().status, 200);
}

#[tokio::test]
async fn one_connection_carries_many_calls() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.traffic).await.unwrap();
    let call = format!("GET /v1/usage HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\r\n");
    stream.write_all(call.repeat(2).as_bytes()).await.unwrap();
    let last = call.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    stream.write_all(last.as_bytes()).await.unwrap();
    assert_eq!(rest(&mut stream).await.matches("HTTP/1.1 200").count(), 3);
}

#[tokio::test]
async fn calls_under_way_are_answered_after_the_signal_to_stop() {
    let mut world = World::new().await;
    let (taken, mut is_taken) = tokio::sync::mpsc::unbounded_channel();
    world.script(move |inbound| {
        taken.send(ticket(inbound)).unwrap();
        None
    });
    let traffic = world.traffic;
    let idle = TcpStream::connect(traffic).await.unwrap();
    let call = tokio::spawn(
        Call::new("POST", "/v1/messages")
            .key(KEY)
            .json(r#"{"from": "1", "to": "2", "text": "x"}"#)
            .send(traffic),
    );
    let ticket = is_taken.recv().await.unwrap();
    world.stopping.cancel();
    world.intake.answer(vec![(ticket, Answer::Accepted(MessageId::from_u64(9).unwrap()))]);
    assert_eq!(call.await.unwrap().json()["id"], "9");
    for served in world.served.drain(..) {
        served.await.unwrap();
    }
    assert!(TcpStream::connect(traffic).await.is_err(), "nobody listens any more");
    assert_eq!(world.intake.sessions(), 0, "the session ended with the last listener");
    drop(idle);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_its_place_to_others() {
    let world = World::new().await;
    let (taken, mut is_taken) = tokio::sync::mpsc::unbounded_channel();
    world.script(move |inbound| {
        taken.send(ticket(inbound)).unwrap();
        None
    });
    let body = r#"{"from": "1", "to": "2", "text": "x"}"#;
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-length: {}",
        body.len()
    );
    let mut tokens = Vec::new();
    // Tokens of one place differ in their generation, the uppermost bits. The server notices sooner or
    // later that nobody waits; until then calls take other places.
    let place = |token: u64| token & ((1 << 36) - 1);
    while tokens.len() < 2 || tokens[1..].iter().all(|&token| place(token) != place(tokens[0])) {
        let mut stream = TcpStream::connect(world.traffic).await.unwrap();
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
        tokens.push(is_taken.recv().await.unwrap().token);
    }
    let mut unique = tokens.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), tokens.len(), "no ticket is given twice");
}
