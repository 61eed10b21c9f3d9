//! Connections in memory, with a clock that jumps: what the peer sends, how slowly, and what it hears.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use proptest::prelude::*;
use sip_message::Message;
use smol_str::SmolStr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Connection, Key, run};
use crate::{Ended, Event, Inbox, Settings, Transport, endpoint::Shared};

/// One connection under test, and its peer.
struct Wire {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    peer: DuplexStream,
    inbox: Inbox,
    stop: CancellationToken,
}

/// Octets the peer's end holds before a writer waits.
const PIPE_OCTETS: usize = 64 << 10;

impl Wire {
    fn accepted(settings: Settings) -> Self {
        Self::open(settings, true)
    }

    fn dialled(settings: Settings) -> Self {
        Self::open(settings, false)
    }

    fn open(settings: Settings, came: bool) -> Self {
        let stop = CancellationToken::new();
        let (shared, inbox) = Shared::new(settings, Vec::new(), stop.clone());
        let shared = Arc::new(shared);
        let remote: SocketAddr = "127.0.0.9:4000".parse().unwrap();
        let connection = if came {
            assert!(shared.table.admit(remote.ip(), shared.bounds()));
            shared.table.accepted(Transport::Tcp, remote, 0, shared.bounds())
        } else {
            let key = Key { transport: Transport::Tcp, remote, name: SmolStr::default() };
            shared.table.to(key, 0, shared.bounds()).unwrap().0
        };
        let (peer, ours) = tokio::io::duplex(PIPE_OCTETS);
        let (reader, writer) = tokio::io::split(ours);
        let (for_task, its_connection) = (shared.clone(), connection.clone());
        tokio::spawn(async move { run(&for_task, &its_connection, reader, writer).await });
        Self { shared, connection, peer, inbox, stop }
    }

    async fn say(&mut self, octets: &[u8]) {
        self.peer.write_all(octets).await.unwrap();
    }

    async fn event(&mut self) -> Event {
        let mut batch = self.inbox.recv().await.unwrap();
        assert_eq!(batch.events.len(), 1);
        batch.events.remove(0)
    }

    /// The bodies of the next messages.
    async fn bodies(&mut self, count: usize) -> Vec<Bytes> {
        let mut bodies = Vec::new();
        while bodies.len() < count {
            for event in self.inbox.recv().await.unwrap().events {
                let Event::Message { message, .. } = event else { panic!("{event:?}") };
                bodies.push(message.body().clone());
            }
        }
        bodies
    }

    async fn ended(&mut self) -> Ended {
        loop {
            if let Event::Ended { why, flow } = self.event().await {
                assert_eq!(flow, self.connection.flow());
                assert!(self.shared.table.get(flow.id).is_none(), "what ended is forgotten");
                return why;
            }
        }
    }

    /// Everything the peer hears until the connection is closed.
    async fn heard(&mut self) -> String {
        let mut heard = Vec::new();
        self.peer.read_to_end(&mut heard).await.unwrap();
        String::from_utf8(heard).unwrap()
    }

    async fn hears(&mut self, octets: usize) -> Vec<u8> {
        let mut heard = vec![0; octets];
        self.peer.read_exact(&mut heard).await.unwrap();
        heard
    }
}

fn request(number: u32, body: &str) -> Vec<u8> {
    format!(
        "MESSAGE sip:bob@ims.example SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bK{number}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@ims.example>;tag=a\r\nTo: <sip:bob@ims.example>\r\n\
         Call-ID: c{number}\r\nCSeq: {number} MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
    )
    .into_bytes()
}

fn response(number: u32) -> Vec<u8> {
    format!(
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bK{number}\r\n\
         From: <sip:alice@ims.example>;tag=a\r\nTo: <sip:bob@ims.example>;tag=b\r\nCall-ID: c{number}\r\n\
         CSeq: {number} MESSAGE\r\nContent-Length: 0\r\n\r\n",
    )
    .into_bytes()
}

#[tokio::test(start_paused = true)]
async fn rfc3261_18_3_a_message_may_come_in_two_pieces_cut_anywhere() {
    let mut wire = Wire::accepted(Settings::default());
    let message = request(1, "one\r\n\r\ntwo");
    for cut in 0..=message.len() {
        let (first, second) = message.split_at(cut);
        wire.say(first).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        wire.say(second).await;
        assert_eq!(wire.bodies(1).await, ["one\r\n\r\ntwo"], "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn rfc3261_18_3_messages_may_come_together() {
    let mut wire = Wire::accepted(Settings::default());
    let together = [request(1, "first"), request(2, ""), response(3), request(4, "last")].concat();
    wire.say(&together).await;
    let batch = wire.inbox.recv().await.unwrap();
    assert_eq!(batch.events.len(), 4, "one read is one batch");
    assert!(batch.at > 0);
}

#[tokio::test(start_paused = true)]
async fn rfc5626_3_5_1_a_ping_gets_its_pong_and_blank_lines_get_nothing() {
    let mut wire = Wire::accepted(Settings::default());
    wire.say(b"\r\n\r\n").await;
    assert_eq!(wire.hears(2).await, b"\r\n");
    wire.say(b"\r\n").await;
    wire.say(&request(1, "still here")).await;
    assert_eq!(wire.bodies(1).await, ["still here"]);
    assert_eq!(wire.shared.counters.pings.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn f24_an_octet_a_second_is_too_slow() {
    let mut wire = Wire::accepted(Settings::default());
    wire.say(&request(1, "well behaved")).await;
    wire.bodies(1).await;
    let begun = Instant::now();
    let message = request(2, "slow");
    for octet in &message {
        if wire.peer.write_all(&[*octet]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(33));
    assert_eq!(wire.ended().await, Ended::Slow);
    assert_eq!(wire.shared.counters.offended.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn f24_a_body_that_never_comes_is_as_bad_as_a_head() {
    let mut wire = Wire::dialled(Settings::default());
    let message = request(1, "body");
    wire.say(&message[..message.len() - 1]).await;
    let begun = Instant::now();
    assert_eq!(wire.ended().await, Ended::Slow);
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_and_says_nothing_is_let_go_soon_and_nobody_is_told() {
    let mut wire = Wire::accepted(Settings::default());
    let begun = Instant::now();
    assert_eq!(wire.heard().await, "");
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert!(wire.inbox.try_recv().is_none(), "the driver never knew of it");
}

#[tokio::test(start_paused = true)]
async fn pings_alone_do_not_hold_a_connection_that_never_said_anything() {
    let mut wire = Wire::accepted(Settings::default());
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let _gone = wire.peer.write_all(b"\r\n\r\n").await;
    }
    assert!(!wire.connection.is_open());
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_after_its_time_unless_something_goes_either_way() {
    let settings = Settings { idle_timeout: Duration::from_secs(100), ..Settings::default() };
    let mut wire = Wire::accepted(settings);
    wire.say(&request(1, "")).await;
    wire.bodies(1).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(90)).await;
        wire.say(b"\r\n\r\n").await;
    }
    assert_eq!(wire.hears(6).await, b"\r\n\r\n\r\n");
    // What we write counts as well.
    tokio::time::sleep(Duration::from_secs(90)).await;
    wire.connection.push(Bytes::from(response(1))).unwrap();
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert!(wire.connection.is_open());
    assert_eq!(wire.ended().await, Ended::Idle);
}

#[tokio::test(start_paused = true)]
async fn s15_6_garbage_closes_the_stream_after_what_was_good() {
    let mut wire = Wire::accepted(Settings::default());
    let mut octets = request(1, "good");
    octets.extend_from_slice(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    octets.extend_from_slice(&request(2, "never seen"));
    wire.say(&octets).await;
    assert_eq!(wire.bodies(1).await, ["good"]);
    assert_eq!(wire.ended().await, Ended::Framing);
    assert_eq!(wire.heard().await, "");
}

#[tokio::test(start_paused = true)]
async fn s15_4_a_stream_without_content_length_gets_400_and_is_closed() {
    let mut wire = Wire::accepted(Settings::default());
    let message = String::from_utf8(request(1, "")).unwrap().replace("Content-Length: 0\r\n", "");
    wire.say(&request(0, "good")).await;
    wire.say(message.as_bytes()).await;
    wire.bodies(1).await;
    assert_eq!(wire.ended().await, Ended::Framing);
    let heard = wire.heard().await;
    assert!(heard.starts_with("SIP/2.0 400 "), "{heard}");
    assert!(heard.contains("branch=z9hG4bK1;received=127.0.0.9"), "{heard}");
    assert!(heard.contains("To: <sip:bob@ims.example>;tag="), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_only_wrong_gets_400_and_the_stream_goes_on() {
    let mut wire = Wire::accepted(Settings::default());
    let wrong = String::from_utf8(request(1, "body")).unwrap().replace("CSeq: 1 MESSAGE", "CSeq: 1 INVITE");
    wire.say(wrong.as_bytes()).await;
    wire.say(&request(2, "right")).await;
    assert_eq!(wire.bodies(1).await, ["right"]);
    assert_eq!(wire.hears(12).await, b"SIP/2.0 400 ");
    assert!(wire.connection.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_message_over_the_limit_is_refused_before_it_is_read() {
    let mut wire = Wire::accepted(Settings::default());
    wire.say(&request(0, "good")).await;
    wire.bodies(1).await;
    let huge = String::from_utf8(request(1, "")).unwrap().replace("Length: 0", "Length: 999999999");
    wire.say(huge.as_bytes()).await;
    assert_eq!(wire.ended().await, Ended::Framing);
    assert!(wire.heard().await.starts_with("SIP/2.0 413 "));
}

#[tokio::test(start_paused = true)]
async fn a_head_without_end_is_not_collected_for_ever() {
    let mut wire = Wire::accepted(Settings::default());
    wire.say(b"MESSAGE sip:bob@ims.example SIP/2.0\r\n").await;
    let mut sent = 0;
    while wire.peer.write_all(b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n").await.is_ok() {
        sent += 43;
        tokio::task::yield_now().await;
        assert!(sent < 300 << 10, "bounded by the limit of a head and what pipes hold");
    }
    assert!(!wire.connection.is_open());
}

#[tokio::test(start_paused = true)]
async fn f24_a_peer_that_takes_nothing_loses_the_connection_not_our_memory() {
    let settings = Settings { connection_octets_max: 200 << 10, ..Settings::default() };
    let mut wire = Wire::dialled(settings);
    let octets = Bytes::from(vec![b'x'; 10 << 10]);
    let mut taken = 0;
    while wire.connection.push(octets.clone()).is_ok() {
        taken += octets.len();
        tokio::task::yield_now().await;
    }
    assert!(taken <= 2 * (200 << 10) + PIPE_OCTETS, "{taken}");
    let begun = Instant::now();
    assert_eq!(wire.ended().await, Ended::Overflow);
    assert_eq!(begun.elapsed(), Duration::ZERO, "nothing more is waited for");
}

#[tokio::test(start_paused = true)]
async fn f24_a_peer_that_stops_taking_is_gone_after_a_while() {
    let mut wire = Wire::dialled(Settings::default());
    wire.connection.push(Bytes::from(vec![b'x'; 2 * PIPE_OCTETS])).unwrap();
    let begun = Instant::now();
    assert_eq!(wire.ended().await, Ended::Overflow);
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn what_waits_goes_out_in_order_and_also_when_we_close() {
    let mut wire = Wire::dialled(Settings::default());
    let all: Vec<u8> = (0..500).flat_map(|n: u32| format!("{n},").into_bytes()).collect();
    for n in 0..500 {
        wire.connection.push(format!("{n},").into()).unwrap();
    }
    wire.stop.cancel();
    assert_eq!(wire.heard().await.into_bytes(), all);
    assert_eq!(wire.ended().await, Ended::Stopped);
    assert!(wire.connection.push(Bytes::from_static(b"late")).is_err());
}

#[tokio::test(start_paused = true)]
async fn the_peer_closing_is_told() {
    let mut wire = Wire::accepted(Settings::default());
    wire.say(&request(1, "")).await;
    wire.bodies(1).await;
    wire.peer.shutdown().await.unwrap();
    assert_eq!(wire.ended().await, Ended::Closed);
    assert_eq!(wire.shared.counters.connections.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn i8_a_full_queue_is_felt_by_the_stream_and_then_said_with_503() {
    let settings = Settings { queue_messages_max: 2, ..Settings::default() };
    let mut wire = Wire::accepted(settings);
    wire.say(&[request(1, "1"), request(2, "2")].concat()).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    // Room in time: nothing is refused.
    wire.say(&request(3, "3")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(wire.bodies(3).await, ["1", "2", "3"]);
    // No room in time: requests hear it, responses wait, and nothing is lost or comes out of order.
    let held = {
        wire.say(&[request(4, "4"), request(5, "5")].concat()).await;
        wire.inbox.recv().await.unwrap()
    };
    wire.say(&[request(6, "6"), response(7)].concat()).await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert!(wire.inbox.try_recv().is_none());
    drop(held);
    let Event::Message { message: Message::Response(response), .. } = wire.event().await else {
        panic!("the response")
    };
    assert_eq!(response.status.code(), 200);
    wire.stop.cancel();
    let heard = wire.heard().await;
    assert!(heard.starts_with("SIP/2.0 503 ") && heard.contains("Retry-After: 5\r\n"), "{heard}");
    assert!(heard.contains("z9hG4bK6"), "{heard}");
    assert_eq!(wire.shared.counters.overloaded.get(), 1);
}

/// What a hostile or broken peer may say.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        Just(request(1, "body")),
        Just(request(2, "")),
        Just(response(3)),
        Just(b"\r\n\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 5\r\n\r\n12345".to_vec()),
        Just(b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: -5\r\n\r\n".to_vec()),
        (0..400_usize).prop_map(|cut| request(4, "cut").into_iter().take(cut).collect()),
    ]
}

proptest! {
    /// I9: whatever comes, the connection ends or goes on, its messages come out, and nothing is left behind.
    #[test]
    fn any_octets_in_any_pieces_are_survived(
        said in prop::collection::vec((pieces(), 0..40_u64), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let mut wire = Wire::accepted(Settings::default());
            for (octets, pause) in said {
                if wire.peer.write_all(&octets).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(pause)).await;
            }
            let id = wire.connection.flow().id;
            let Wire { shared, peer, mut inbox, stop, .. } = wire;
            stop.cancel();
            drop(peer);
            let known = tokio::time::timeout(Duration::from_secs(60), async {
                let mut messages = 0;
                while shared.table.get(id).is_some() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                while let Some(batch) = inbox.try_recv() {
                    for event in batch.events {
                        match event {
                            Event::Message { .. } => messages += 1,
                            Event::Ended { .. } => return messages,
                            other => panic!("{other:?}"),
                        }
                    }
                }
                messages
            });
            let messages: u64 = known.await.unwrap();
            assert_eq!(messages, shared.counters.stream_messages_in.get());
            assert_eq!(shared.counters.connections.get(), 0);
        });
    }
}
