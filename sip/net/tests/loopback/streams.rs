//! TCP: accepted, dialled, used again, bounded.

use std::time::Duration;

use bytes::Bytes;
use sip_net::{Ended, Event, NoFlow, Settings, Target, Transport::Tcp, Transport::Udp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::world::{World, deaf, listen, request, response, soon};

async fn reads(stream: &mut TcpStream, octets: usize) -> String {
    let mut buffer = vec![0; octets];
    soon(stream.read_exact(&mut buffer)).await.unwrap();
    String::from_utf8(buffer).unwrap()
}

/// Whether the other side has closed.
async fn closed(stream: &mut TcpStream) -> bool {
    matches!(soon(stream.read(&mut [0; 16])).await, Ok(0) | Err(_))
}

#[tokio::test]
async fn the_answer_goes_back_on_the_connection_of_the_request() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        let mut world = World::new(&[listen(Tcp, local)]);
        let mut peer = TcpStream::connect(world.address()).await.unwrap();
        peer.write_all(request(1, "TCP 10.0.0.1").as_bytes()).await.unwrap();
        let (flow, _) = world.message().await;
        assert!(flow.reliable() && flow.remote == peer.local_addr().unwrap());
        world.endpoint.send(flow, response(1));
        assert_eq!(reads(&mut peer, response(1).len()).await, response(1));
        assert_eq!(world.endpoint.counters().connections.get(), 1);
        world.endpoint.close(flow);
        assert!(closed(&mut peer).await);
        assert!(matches!(world.event().await, Event::Ended { why: Ended::Stopped, .. }));
        assert!(!world.endpoint.is_open(flow));
    }
}

#[tokio::test]
async fn rfc3261_18_a_connection_is_used_again_whoever_opened_it() {
    let mut world = World::new(&[listen(Tcp, "127.0.0.1:0")]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let first = world.flow(Tcp, listener.local_addr().unwrap());
    assert_eq!(world.flow(Tcp, listener.local_addr().unwrap()), first);
    // Queued before the connection stands.
    world.endpoint.send(first, Bytes::from(request(1, "TCP 127.0.0.1")));
    world.endpoint.send(first, Bytes::from(request(2, "TCP 127.0.0.1")));
    let (mut peer, from) = soon(listener.accept()).await.unwrap();
    assert_eq!(from.ip(), world.address().ip(), "we go by the address we listen at");
    let both = request(1, "TCP 127.0.0.1") + &request(2, "TCP 127.0.0.1");
    assert_eq!(reads(&mut peer, both.len()).await, both);
    peer.write_all(&response(1)).await.unwrap();
    assert_eq!(world.message().await.0, first);

    let mut caller = TcpStream::connect(world.address()).await.unwrap();
    caller.write_all(request(3, "TCP 10.0.0.1").as_bytes()).await.unwrap();
    let (theirs, _) = world.message().await;
    assert_eq!(world.flow(Tcp, caller.local_addr().unwrap()), theirs);
    assert_eq!(world.endpoint.counters().dialled.get(), 1);
}

#[tokio::test]
async fn a_dial_that_comes_to_nothing_is_told_once_and_later_sends_come_back() {
    let mut world = World::new(&[listen(Udp, "127.0.0.1:0")]);
    let (_held, nobody) = deaf();
    let flow = world.flow(Tcp, nobody);
    world.endpoint.send(flow, response(1));
    assert!(
        matches!(world.event().await, Event::Ended { flow: which, why: Ended::Refused } if which == flow)
    );
    let late = Bytes::from(request(2, "TCP 127.0.0.1"));
    world.endpoint.send(flow, late.clone());
    let Event::Unsent { flow: which, octets } = world.event().await else { panic!("unsent") };
    assert_eq!((which, octets), (flow, late));
    let counters = world.endpoint.counters();
    assert_eq!((counters.dial_failed.get(), counters.send_lost.get()), (1, 1));
    assert_ne!(world.flow(Tcp, nobody).id, flow.id, "the next try is a new connection");
}

#[tokio::test]
async fn rfc3261_18_2_2_a_response_whose_connection_is_gone_goes_to_the_port_of_its_via() {
    let mut world = World::new(&[listen(Tcp, "127.0.0.1:0")]);
    let peers_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = peers_listener.local_addr().unwrap().port();
    let mut peer = TcpStream::connect(world.address()).await.unwrap();
    peer.write_all(request(1, "TCP 10.0.0.1").as_bytes()).await.unwrap();
    let (flow, _) = world.message().await;
    drop(peer);
    assert!(matches!(world.event().await, Event::Ended { .. }));
    // The host of the Via is not asked: only whoever sent the request may get the answer.
    let text = String::from_utf8(response(1).to_vec()).unwrap();
    let text = text.replace("UDP 10.0.0.1:5060", &format!("TCP 203.0.113.7:{port}"));
    let mut messages = vec![
        (flow, Bytes::from(text.clone())),
        (flow, Bytes::from(request(2, &format!("TCP 203.0.113.7:{port}")))),
        (flow, Bytes::from(text.clone())),
    ];
    world.endpoint.send_all(&mut messages);
    let Event::Unsent { octets, .. } = world.event().await else { panic!("the request") };
    assert!(octets.starts_with(b"MESSAGE "));
    let (mut again, _) = soon(peers_listener.accept()).await.unwrap();
    assert_eq!(reads(&mut again, 2 * text.len()).await, text.clone() + &text);
}

#[tokio::test]
async fn the_peer_leaving_is_told() {
    let mut world = World::new(&[listen(Tcp, "127.0.0.1:0")]);
    let mut peer = TcpStream::connect(world.address()).await.unwrap();
    peer.write_all(request(1, "TCP 10.0.0.1").as_bytes()).await.unwrap();
    let (flow, _) = world.message().await;
    drop(peer);
    assert!(
        matches!(world.event().await, Event::Ended { flow: which, why: Ended::Closed | Ended::Broken } if which == flow)
    );
}

#[tokio::test]
async fn i8_connections_are_bounded_from_one_source_and_over_all() {
    let settings = Settings {
        listen: vec![listen(Tcp, "127.0.0.1:0")],
        connections_max: 3,
        connections_per_source_max: 2,
        ..Settings::default()
    };
    let mut world = World::with(settings);
    let mut peers = Vec::new();
    for number in 0..2 {
        let mut peer = TcpStream::connect(world.address()).await.unwrap();
        peer.write_all(request(number, "TCP 10.0.0.1").as_bytes()).await.unwrap();
        world.message().await;
        peers.push(peer);
    }
    let mut third = TcpStream::connect(world.address()).await.unwrap();
    assert!(closed(&mut third).await, "one too many of this source");
    assert_eq!(world.endpoint.counters().turned_away.get(), 1);
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.flow(Tcp, elsewhere.local_addr().unwrap());
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target =
        Target { transport: Tcp, remote: other.local_addr().unwrap(), server_name: "".into(), class: 0 };
    assert_eq!(world.endpoint.flow(&target), Err(NoFlow::TooMany));
    // The others did not notice.
    for (peer, number) in peers.iter_mut().zip(10..) {
        peer.write_all(request(number, "TCP 10.0.0.1").as_bytes()).await.unwrap();
        world.message().await;
    }
}

#[tokio::test]
async fn one_connection_breaking_its_framing_leaves_the_others_alone() {
    let mut world = World::new(&[listen(Tcp, "127.0.0.1:0")]);
    let mut good = TcpStream::connect(world.address()).await.unwrap();
    let mut bad = TcpStream::connect(world.address()).await.unwrap();
    bad.write_all(b"\x16\x03\x01 this is no SIP at all\r\n\r\n").await.unwrap();
    assert!(closed(&mut bad).await);
    good.write_all(request(1, "TCP 10.0.0.1").as_bytes()).await.unwrap();
    world.message().await;
    assert_eq!(world.endpoint.counters().offended.get(), 1);
}

#[tokio::test]
async fn a_large_message_goes_over_in_one_piece() {
    let mut world = World::new(&[listen(Tcp, "127.0.0.1:0")]);
    let body: String = ('a'..='z').cycle().take(200 << 10).collect();
    let text = request(1, "TCP 10.0.0.1")
        .replace("Length: 2\r\n\r\nhi", &format!("Length: {}\r\n\r\n{body}", body.len()));
    let mut peer = TcpStream::connect(world.address()).await.unwrap();
    peer.write_all(text.as_bytes()).await.unwrap();
    let (flow, message) = world.message().await;
    assert_eq!(message.body(), &body);
    world.endpoint.send(flow, message.body().clone());
    assert_eq!(reads(&mut peer, body.len()).await, body);
}

#[tokio::test]
async fn a_flow_to_another_family_or_without_tls_is_refused_at_once() {
    let world = World::new(&[listen(Udp, "127.0.0.1:0")]);
    let target = |transport, remote: &str| Target {
        transport,
        remote: remote.parse().unwrap(),
        server_name: "a.example".into(),
        class: 0,
    };
    assert_eq!(world.endpoint.flow(&target(Udp, "[::1]:5060")), Err(NoFlow::NoSocket));
    assert_eq!(world.endpoint.flow(&target(sip_net::Transport::Tls, "127.0.0.1:5061")), Err(NoFlow::NoTls));
    world.stop.cancel();
    assert_eq!(world.endpoint.flow(&target(Tcp, "127.0.0.1:5060")), Err(NoFlow::Stopped));
}

#[tokio::test]
async fn what_waits_is_written_before_we_are_gone() {
    let mut world = World::new(&[listen(Tcp, "127.0.0.1:0")]);
    let mut peer = TcpStream::connect(world.address()).await.unwrap();
    peer.write_all(request(1, "TCP 10.0.0.1").as_bytes()).await.unwrap();
    let (flow, _) = world.message().await;
    let mut messages: Vec<_> = (0..200).map(|number| (flow, response(number))).collect();
    world.endpoint.send_all(&mut messages);
    world.stop.cancel();
    let mut heard = String::new();
    soon(peer.read_to_string(&mut heard)).await.unwrap();
    assert_eq!(heard.matches("SIP/2.0 200 OK").count(), 200);
    soon(world.endpoint.closed()).await;
    assert!(TcpStream::connect(world.address()).await.is_err());
    assert!(tokio::time::timeout(Duration::from_secs(1), world.endpoint.closed()).await.is_ok());
}
