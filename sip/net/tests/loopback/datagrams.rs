//! UDP.

use std::{collections::HashSet, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use sip_message::Message;
use sip_net::{Event, Settings, SourceRate, Transport::Udp};
use tokio::net::UdpSocket;

use crate::world::{World, listen, request, response, soon};

async fn peer(address: &str) -> UdpSocket {
    UdpSocket::bind(address).await.unwrap()
}

async fn heard(peer: &UdpSocket) -> (String, SocketAddr) {
    let mut buffer = vec![0; 1 << 16];
    let (octets, from) = soon(peer.recv_from(&mut buffer)).await.unwrap();
    buffer.truncate(octets);
    (String::from_utf8(buffer).unwrap(), from)
}

#[tokio::test]
async fn a_datagram_comes_in_and_its_answer_goes_back_in_both_families() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        let mut world = World::new(&[listen(Udp, local)]);
        let peer = peer(local).await;
        peer.send_to(request(1, "UDP 10.0.0.1;rport").as_bytes(), world.address()).await.unwrap();
        let (flow, message) = world.message().await;
        assert_eq!(flow.remote, peer.local_addr().unwrap());
        assert_eq!(message.body(), "hi");
        world.endpoint.send(flow, response(1));
        let (answer, from) = heard(&peer).await;
        assert!(answer.starts_with("SIP/2.0 200 OK\r\n"));
        assert_eq!(from, world.address(), "the answer leaves from the port that was asked");
        assert_eq!(world.endpoint.counters().datagrams_in.get(), 1);
        assert_eq!(world.endpoint.counters().datagrams_out.get(), 1);
    }
}

#[tokio::test]
async fn several_sockets_share_one_port_and_any_may_answer() {
    let mut world = World::with(Settings {
        listen: vec![listen(Udp, "127.0.0.1:0")],
        udp_sockets: 4,
        ..Settings::default()
    });
    let mut ids = HashSet::new();
    for number in 0..64 {
        let peer = peer("127.0.0.1:0").await;
        peer.send_to(request(number, "UDP 10.0.0.1;rport").as_bytes(), world.address()).await.unwrap();
        let (flow, _) = world.message().await;
        ids.insert(flow.id);
        world.endpoint.send(flow, response(number));
        assert_eq!(heard(&peer).await.1, world.address());
        let back = world.flow(Udp, peer.local_addr().unwrap());
        world.endpoint.send(back, response(number));
        assert_eq!(heard(&peer).await.1, world.address());
    }
    assert!(ids.len() > 1, "the system spreads peers over the sockets");
}

#[tokio::test]
async fn many_messages_leave_in_one_go_each_to_its_own_peer() {
    let world = World::new(&[listen(Udp, "127.0.0.1:0"), listen(Udp, "[::1]:0")]);
    let mut peers = Vec::new();
    for n in 0..100 {
        peers.push(peer(if n % 3 == 0 { "[::1]:0" } else { "127.0.0.1:0" }).await);
    }
    let mut messages: Vec<_> = peers
        .iter()
        .zip(0..)
        .map(|(peer, n)| (world.flow(Udp, peer.local_addr().unwrap()), response(n)))
        .collect();
    world.endpoint.send_all(&mut messages);
    assert!(messages.is_empty());
    for (peer, n) in peers.iter().zip(0..) {
        let (text, _) = heard(peer).await;
        assert!(text.contains(&format!("z9hG4bK{n}\r\n")), "{n}: {text}");
    }
    assert_eq!(world.endpoint.counters().datagrams_out.get(), 100);
}

#[tokio::test]
async fn datagrams_that_leave_as_one_arrive_each_for_itself_and_in_order() {
    let settings =
        Settings { listen: vec![listen(Udp, "127.0.0.1:0")], udp_segmentation: true, ..Settings::default() };
    let world = World::with(settings);
    let (one, other) = (peer("127.0.0.1:0").await, peer("127.0.0.1:0").await);
    let (to_one, to_other) =
        (world.flow(Udp, one.local_addr().unwrap()), world.flow(Udp, other.local_addr().unwrap()));
    let mut messages: Vec<_> = (100..200).map(|n| (to_one, response(n))).collect();
    messages.push((to_one, Bytes::from_static(b"short")));
    messages.push((to_other, response(1)));
    messages.push((to_one, Bytes::from(vec![b'x'; 5_000])));
    messages.extend((300..310).map(|n| (to_one, response(n))));
    let expected: Vec<_> = messages
        .iter()
        .filter(|(flow, _)| *flow == to_one)
        .map(|(_, octets)| String::from_utf8(octets.to_vec()).unwrap())
        .collect();
    world.endpoint.send_all(&mut messages);
    for text in expected {
        assert_eq!(heard(&one).await.0, text);
    }
    assert_eq!(heard(&other).await.0, response(1));
    assert_eq!(world.endpoint.counters().datagrams_out.get(), 113);
}

#[tokio::test]
async fn what_is_there_together_comes_as_one_batch() {
    let mut world = World::new(&[listen(Udp, "127.0.0.1:0")]);
    let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    // The reader has no turn before the test waits.
    for number in 0..100 {
        peer.send_to(request(number, "UDP 10.0.0.1;rport").as_bytes(), world.address()).unwrap();
    }
    let batch = soon(world.inbox.recv()).await.unwrap();
    assert_eq!(batch.events.len(), 100);
    let numbers: Vec<_> = batch
        .events
        .iter()
        .map(|event| match event {
            Event::Message { message: Message::Request(request), .. } => request.cseq().unwrap().number,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(numbers.is_sorted());
}

#[tokio::test]
async fn s15_4_noise_is_ignored_and_counted() {
    let mut world = World::new(&[listen(Udp, "127.0.0.1:0")]);
    let peer = peer("127.0.0.1:0").await;
    let stun = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat();
    for noise in [&b""[..], b"\r\n", b"\r\n\r\n\r\n", b"\0\0\0\0", b"jaK", &stun] {
        peer.send_to(noise, world.address()).await.unwrap();
    }
    peer.send_to(request(1, "UDP 10.0.0.1;rport").as_bytes(), world.address()).await.unwrap();
    world.message().await;
    let counters = world.endpoint.counters();
    assert_eq!(counters.noise.get() + counters.unreadable.get(), 6);
    assert!(counters.noise.get() >= 5);
    assert_eq!(counters.datagrams_out.get(), 0);
}

#[tokio::test]
async fn s15_6_what_cannot_be_read_is_answered_at_once_or_dropped() {
    let mut world = World::new(&[listen(Udp, "127.0.0.1:0")]);
    let peer = peer("127.0.0.1:0").await;
    let good = request(1, "UDP 10.0.0.1;rport");
    let rows = [
        (good.replace("CSeq: 1 MESSAGE", "CSeq: 1 INVITE"), Some("400")),
        (good.replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"), Some("505")),
        (good.replace("Content-Length: 2", "Content-Length: 20"), Some("400")),
        (good.replace("MESSAGE", "ACK").replace("CSeq: 1 ACK", "CSeq: x ACK"), None),
        (good.replace("Via: SIP/2.0/UDP 10", "Via: nonsense 10"), None),
        ("SIP/2.0 999 What\r\n\r\n".to_owned(), None),
        ("hello, is this thing on?".to_owned(), None),
    ];
    for (text, expected) in rows {
        peer.send_to(text.as_bytes(), world.address()).await.unwrap();
        if let Some(status) = expected {
            let (answer, _) = heard(&peer).await;
            assert!(answer.starts_with(&format!("SIP/2.0 {status} ")), "{text}\n{answer}");
            let port = peer.local_addr().unwrap().port();
            assert!(answer.contains(&format!(";rport={port};received=127.0.0.1")), "{answer}");
        }
    }
    peer.send_to(good.as_bytes(), world.address()).await.unwrap();
    world.message().await;
    assert_eq!(world.endpoint.counters().refused.get(), 3);
    assert_eq!(world.endpoint.counters().datagrams_out.get(), 3, "the rest was dropped in silence");
}

#[tokio::test]
async fn an_answer_of_ours_goes_to_the_port_of_the_via_when_rport_is_not_asked_for() {
    let world = World::new(&[listen(Udp, "127.0.0.1:0")]);
    let (sender, listener) = (peer("127.0.0.1:0").await, peer("127.0.0.1:0").await);
    let via = format!("UDP 127.0.0.1:{}", listener.local_addr().unwrap().port());
    let wrong = request(1, &via).replace("CSeq: 1 MESSAGE", "CSeq: 1 INVITE");
    sender.send_to(wrong.as_bytes(), world.address()).await.unwrap();
    let (answer, _) = heard(&listener).await;
    assert!(answer.starts_with("SIP/2.0 400 ") && !answer.contains("received"), "{answer}");
}

#[tokio::test]
async fn i8_a_full_queue_is_said_with_503_and_ack_and_responses_are_dropped() {
    let mut world = World::with(Settings {
        listen: vec![listen(Udp, "127.0.0.1:0")],
        queue_messages_max: 1,
        retry_after_s: 9,
        ..Settings::default()
    });
    let peer = peer("127.0.0.1:0").await;
    peer.send_to(request(1, "UDP 10.0.0.1;rport").as_bytes(), world.address()).await.unwrap();
    let held = soon(world.inbox.recv()).await.unwrap();
    assert_eq!(world.endpoint.queued(), 1);
    let ack = request(2, "UDP 10.0.0.1;rport").replace("MESSAGE", "ACK");
    peer.send_to(ack.as_bytes(), world.address()).await.unwrap();
    peer.send_to(&response(3), world.address()).await.unwrap();
    peer.send_to(request(4, "UDP 10.0.0.1;rport").as_bytes(), world.address()).await.unwrap();
    let (answer, _) = heard(&peer).await;
    assert!(answer.starts_with("SIP/2.0 503 ") && answer.contains("Retry-After: 9\r\n"), "{answer}");
    assert!(answer.contains("branch=z9hG4bK4;rport="), "{answer}");
    // The same request gets the same answer again: nothing is remembered, nothing differs.
    peer.send_to(request(4, "UDP 10.0.0.1;rport").as_bytes(), world.address()).await.unwrap();
    assert_eq!(heard(&peer).await.0, answer);
    assert_eq!(world.endpoint.counters().overloaded.get(), 2);
    assert_eq!(world.endpoint.counters().dropped.get(), 2);
    drop(held);
    peer.send_to(request(5, "UDP 10.0.0.1;rport").as_bytes(), world.address()).await.unwrap();
    let (_, message) = world.message().await;
    assert_eq!(message.headers().cseq().unwrap().number, 5);
}

#[tokio::test]
async fn s15_6_a_source_that_asks_too_much_is_told_and_then_ignored() {
    let rate = SourceRate { requests_per_s: 0, burst: 2, exempt: Arc::new(|ip| ip.is_ipv6()) };
    let mut world = World::with(Settings {
        listen: vec![listen(Udp, "127.0.0.1:0"), listen(Udp, "[::1]:0")],
        source_rate: Some(rate),
        ..Settings::default()
    });
    let flooder = peer("127.0.0.1:0").await;
    for number in 0..10 {
        flooder.send_to(request(number, "UDP 10.0.0.1;rport").as_bytes(), world.address()).await.unwrap();
    }
    flooder.send_to(&response(10), world.address()).await.unwrap();
    let mut passed = Vec::new();
    while passed.len() < 3 {
        for event in soon(world.inbox.recv()).await.unwrap().events {
            let Event::Message { message, .. } = event else { panic!("{event:?}") };
            passed.push(message.headers().cseq().unwrap().number);
        }
    }
    assert_eq!(passed, [0, 1, 10], "two requests, and the response that was asked for");
    for number in [2, 3] {
        let (answer, _) = heard(&flooder).await;
        assert!(answer.starts_with("SIP/2.0 503 "), "{answer}");
        assert!(answer.contains(&format!("z9hG4bK{number};rport=")), "{answer}");
    }
    let counters = world.endpoint.counters();
    assert_eq!((counters.throttled.get(), counters.throttled_dropped.get()), (2, 6));
    let proxy = peer("[::1]:0").await;
    let there = world.endpoint.listeners()[1].address;
    for number in 0..10 {
        proxy.send_to(request(number, "UDP 10.0.0.1;rport").as_bytes(), there).await.unwrap();
        world.message().await;
    }
}

#[tokio::test]
async fn f25_what_the_system_refuses_comes_back() {
    let mut world = World::new(&[listen(Udp, "127.0.0.1:0")]);
    let to = world.flow(Udp, "127.0.0.1:9".parse().unwrap());
    let (fine, huge) = (response(1), Bytes::from(vec![b'x'; 70_000]));
    let mut messages = vec![(to, fine.clone()), (to, huge.clone()), (to, fine)];
    world.endpoint.send_all(&mut messages);
    let Event::Unsent { flow, octets } = world.event().await else { panic!("the large one") };
    assert_eq!((flow, octets.len()), (to, 70_000));
    assert_eq!(world.endpoint.counters().send_failed.get(), 1);
    assert_eq!(world.endpoint.counters().datagrams_out.get(), 2, "its neighbours left");
}

#[tokio::test]
async fn large_answers_may_be_fragmented() {
    let world = World::new(&[listen(Udp, "127.0.0.1:0")]);
    let peer = peer("127.0.0.1:0").await;
    world.endpoint.send(world.flow(Udp, peer.local_addr().unwrap()), Bytes::from(vec![b'x'; 65_000]));
    assert_eq!(heard(&peer).await.0.len(), 65_000);
}

#[tokio::test]
async fn everything_ends_with_stop() {
    let mut world = World::new(&[listen(Udp, "127.0.0.1:0"), listen(sip_net::Transport::Tcp, "127.0.0.1:0")]);
    world.stop.cancel();
    soon(world.endpoint.closed()).await;
    drop(world.endpoint);
    assert!(soon(world.inbox.recv()).await.is_none());
}
