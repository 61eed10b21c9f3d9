//! Nothing grows.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Event, Settings, event, listening, plain, soon};
use crate::Ended;

#[tokio::test]
async fn who_takes_nothing_is_closed() {
    let settings = Settings { connection_octets_max: 1 << 20, ..Settings::default() };
    let (connections, mut inbox, address, _stop) = listening(settings);
    let _silent = TcpStream::connect(address).await.unwrap();
    let Event::Opened { connection, .. } = event(&mut inbox).await else { panic!("not open") };
    // More than the system keeps for it, and then some.
    for _ in 0..64 {
        connections.write(connection, vec![b'x'; 1 << 20].into());
        tokio::task::yield_now().await;
    }
    assert!(matches!(event(&mut inbox).await, Event::Closed { why: Ended::Overflow, .. }));
    assert_eq!(connections.numbers().slow.get(), 1);
    assert!(connections.numbers().octets_out.get() < 64 << 20);
}

#[tokio::test]
async fn a_driver_that_takes_nothing_is_felt_by_the_peer_and_nothing_is_lost() {
    let settings = Settings { queue_octets_max: 100_000, ..Settings::default() };
    let (connections, mut inbox, address, _stop) = listening(settings);
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert!(matches!(event(&mut inbox).await, Event::Opened { .. }));
    let frame = format!(
        "MSRP tid1 SEND\r\nTo-Path: msrp://a/b;tcp\r\nFrom-Path: msrp://a/b;tcp\r\nMessage-ID: m1\r\n\
         Content-Type: a/b\r\n\r\n{}\r\n-------tid1$\r\n",
        "x".repeat(10_000)
    );
    const FRAMES: usize = 3_000;
    let octets = frame.repeat(FRAMES).into_bytes();
    let writing = tokio::spawn(async move {
        stream.write_all(&octets).await.unwrap();
        stream
    });
    // It stops by itself: the count does not change any more although much is left.
    let mut seen = 0;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let now = connections.numbers().frames_in.get();
        if now == seen && now > 0 {
            break;
        }
        seen = now;
    }
    assert!(!writing.is_finished() && seen < 100, "{seen} frames were read");
    let mut got = 0;
    while got < FRAMES {
        let Event::Frames { frames, .. } = event(&mut inbox).await else { panic!("no frames") };
        got += frames.len();
    }
    assert_eq!(got, FRAMES);
    soon(writing).await.unwrap();
}

#[tokio::test]
async fn one_source_may_have_so_many_connections() {
    let settings = Settings { connections_per_source_max: 1, ..Settings::default() };
    let (connections, mut inbox, address, _stop) = listening(settings);
    let first = TcpStream::connect(address).await.unwrap();
    assert!(matches!(event(&mut inbox).await, Event::Opened { .. }));
    let mut second = TcpStream::connect(address).await.unwrap();
    let mut nothing = Vec::new();
    let read = soon(second.read_to_end(&mut nothing)).await;
    assert!(read.is_err() || nothing.is_empty());
    assert_eq!(connections.numbers().turned_away.get(), 1);
    drop(first);
    assert!(matches!(event(&mut inbox).await, Event::Closed { .. }));
    let _third = TcpStream::connect(address).await.unwrap();
    assert!(matches!(event(&mut inbox).await, Event::Opened { .. }), "there is room again");
}

#[tokio::test]
async fn there_are_so_many_connections_in_all() {
    let settings = Settings { connections_max: 1, ..Settings::default() };
    let (connections, mut inbox, address, _stop) = listening(settings);
    let id = connections.connect(plain(address)).unwrap();
    assert_eq!(connections.connect(plain(address)), Some(id), "the one that stands");
    assert!(matches!(event(&mut inbox).await, Event::Opened { incoming: false, .. }));
    // The other end of it was one too many.
    assert!(matches!(event(&mut inbox).await, Event::Closed { connection, .. } if connection == id));
    let other = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    assert!(connections.connect(plain(other)).is_some());
    assert!(connections.connect(plain(address)).is_none());
}
