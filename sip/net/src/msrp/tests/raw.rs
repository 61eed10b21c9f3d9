//! Octets that no user agent of ours would write.

use sip_msrp::{Action, FrameErrorKind, Path, SessionKey, Uri};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Event, Peer, SOON, Settings, event, listening, peer, soon};
use crate::Ended;

const THEIRS: &str = "msrp://127.0.0.1:9/raw00001;tcp";

/// A peer with a session, and somebody who connects to it.
async fn connected() -> (Peer, Uri, SessionKey, TcpStream) {
    let mut peer = peer();
    let local = peer.uri();
    let session = peer.session(local.clone(), Path::parse(THEIRS).unwrap()).unwrap();
    let stream = TcpStream::connect(peer.address()).await.unwrap();
    (peer, local, session, stream)
}

fn send(to: &Uri, tid: &str, body: &str) -> String {
    let to = to.as_str();
    format!(
        "MSRP {tid} SEND\r\nTo-Path: {to}\r\nFrom-Path: {THEIRS}\r\nMessage-ID: raw-{tid}\r\n\
         Content-Type: text/plain\r\n\r\n{body}\r\n-------{tid}$\r\n"
    )
}

/// What comes until the end of the stream.
async fn rest(stream: &mut TcpStream) -> String {
    let mut octets = Vec::new();
    soon(stream.read_to_end(&mut octets)).await.unwrap();
    String::from_utf8(octets).unwrap()
}

#[tokio::test]
async fn octet_by_octet() {
    let (mut peer, local, session, mut stream) = connected().await;
    stream.set_nodelay(true).unwrap();
    for octet in send(&local, "tid1", "slowly\r\n-------tid1").as_bytes() {
        stream.write_all(std::slice::from_ref(octet)).await.unwrap();
    }
    let body = peer.wait(SOON, |heard| match heard {
        Action::Deliver { body, session: of, .. } if of == session => Some(body),
        _ => None,
    });
    assert_eq!(body.await.unwrap(), "slowly\r\n-------tid1");
    let mut answer = vec![0; 15];
    soon(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, b"MSRP tid1 200 O");
}

#[tokio::test]
async fn another_protocol_is_closed_without_a_word() {
    let (peer, _, _, mut stream) = connected().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
    assert_eq!(peer.look(|node| node.connections().numbers().broken.get()), 1);
}

#[tokio::test]
async fn a_line_over_the_limit_is_answered_although_more_comes() {
    let (_peer, local, _, mut stream) = connected().await;
    let bad = format!(
        "MSRP tid1 SEND\r\nTo-Path: {}\r\nFrom-Path: {THEIRS}\r\nX: {}\r\n",
        local.as_str(),
        "x".repeat(300_000)
    );
    stream.write_all(bad.as_bytes()).await.unwrap();
    let said = rest(&mut stream).await;
    assert!(said.starts_with("MSRP tid1 400 "), "{said}");
}

#[tokio::test]
async fn what_came_before_the_damage_is_good() {
    let (connections, mut inbox, address, _stop) = listening(Settings::default());
    let mut stream = TcpStream::connect(address).await.unwrap();
    let Event::Opened { connection, .. } = event(&mut inbox).await else { panic!("not open") };
    let good = send(&Uri::parse(THEIRS).unwrap(), "tid1", "good");
    stream.write_all(format!("{good}bad\r\n").as_bytes()).await.unwrap();
    assert!(matches!(event(&mut inbox).await, Event::Frames { frames, .. } if frames.len() == 1));
    let Event::Broken { error, .. } = event(&mut inbox).await else { panic!("not broken") };
    assert_eq!(error.kind, FrameErrorKind::NotMsrp);
    connections.write(connection, "last word".into());
    connections.close(connection);
    assert_eq!(rest(&mut stream).await, "last word");
    drop(stream);
    assert!(matches!(event(&mut inbox).await, Event::Closed { .. }));
    connections.write(connection, "to nobody".into());
}

#[tokio::test]
async fn half_a_frame_is_waited_for_only_so_long() {
    let settings = Settings { frame_timeout: std::time::Duration::from_millis(50), ..Settings::default() };
    let (_connections, mut inbox, address, _stop) = listening(settings);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"MSRP tid1 SEND\r\nTo-Path: ").await.unwrap();
    assert!(matches!(event(&mut inbox).await, Event::Opened { .. }));
    assert_eq!(rest(&mut stream).await, "");
    drop(stream);
    assert!(matches!(event(&mut inbox).await, Event::Closed { why: Ended::Slow, .. }));
}

#[tokio::test]
async fn a_peer_that_closes_is_told_as_such() {
    let (_connections, mut inbox, address, _stop) = listening(Settings::default());
    drop(TcpStream::connect(address).await.unwrap());
    assert!(matches!(event(&mut inbox).await, Event::Opened { .. }));
    assert!(matches!(event(&mut inbox).await, Event::Closed { why: Ended::Closed, .. }));
}
