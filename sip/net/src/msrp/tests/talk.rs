//! Two user agents.

use sip_msrp::{Action, Ending, Message};

use super::{Peer, SOON, agree, is_bound, peer, plain, soon};

/// That so many messages arrive at `to`, and that `from` knows it.
async fn exchange(from: &mut Peer, to: &mut Peer, messages: usize) -> Vec<Action> {
    let mut taken = vec![];
    while taken.len() < messages {
        let one = to.wait(SOON, |heard| matches!(heard, Action::Deliver { .. }).then_some(heard)).await;
        taken.push(one.unwrap());
    }
    for _ in 0..messages {
        assert!(from.wait(SOON, |heard| matches!(heard, Action::Sent { .. }).then_some(())).await.is_some());
    }
    taken
}

#[tokio::test]
async fn messages_go_both_ways_over_the_connection_of_the_active_end() {
    let (mut active, mut passive) = (peer(), peer());
    let [here, there] = agree(&mut active, &mut passive);
    active.send(here, Message::new("m001", "text/plain", "hello")).unwrap();
    active.reach(here, plain(passive.address()));
    let taken = exchange(&mut active, &mut passive, 1).await;
    let [Action::Deliver { session, message_id, body, .. }] = taken.as_slice() else { panic!("{taken:?}") };
    assert_eq!((*session, message_id.as_str(), &body[..]), (there, "m001", &b"hello"[..]));
    passive.send(there, Message::new("m002", "text/plain", "and back")).unwrap();
    let taken = exchange(&mut passive, &mut active, 1).await;
    let [Action::Deliver { body, .. }] = taken.as_slice() else { panic!("{taken:?}") };
    assert_eq!(&body[..], b"and back");
    assert_eq!(passive.look(|node| node.connections().numbers().accepted.get()), 1);
    assert_eq!(active.look(|node| node.connections().numbers().accepted.get()), 0);
}

#[tokio::test]
async fn a_long_message_and_many_short_ones() {
    let (mut active, mut passive) = (peer(), peer());
    let [here, _] = agree(&mut active, &mut passive);
    active.reach(here, plain(passive.address()));
    let long: Vec<u8> = (0..900_000_u32).map(|at| ((at * 7) >> 3) as u8).collect();
    active.send(here, Message::new("long", "text/plain", long.clone())).unwrap();
    for at in 0..200 {
        active.send(here, Message::new(format!("m{at:03}"), "text/plain", format!("message {at}"))).unwrap();
    }
    let taken = exchange(&mut active, &mut passive, 201).await;
    let bodies: Vec<_> = taken
        .iter()
        .map(|one| match one {
            Action::Deliver { body, .. } => body.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(bodies[0] == long, "octet for octet");
    assert!(
        bodies[1..].iter().enumerate().all(|(at, body)| *body == format!("message {at}").as_bytes()),
        "in order"
    );
}

#[tokio::test]
async fn sessions_to_one_place_share_a_connection() {
    let (mut active, mut passive) = (peer(), peer());
    for _ in 0..3 {
        let [here, there] = agree(&mut active, &mut passive);
        active.reach(here, plain(passive.address()));
        assert!(active.wait(SOON, |heard| is_bound(&heard, here).then_some(())).await.is_some());
        assert!(passive.wait(SOON, |heard| is_bound(&heard, there).then_some(())).await.is_some());
    }
    assert_eq!(active.look(|node| node.connections().numbers().dialled.get()), 1);
    assert_eq!(passive.look(|node| node.endpoint().sizes()), (3, 1));
}

#[tokio::test]
async fn nobody_there_ends_the_session_at_once() {
    let (mut active, mut passive) = (peer(), peer());
    let [here, _] = agree(&mut active, &mut passive);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    active.send(here, Message::new("m001", "text/plain", "hello")).unwrap();
    active.reach(here, plain(nobody));
    assert!(matches!(active.next(SOON).await, Some(Action::Failed { whole: false, .. })));
    let ended = Action::Ended { session: here, ending: Ending::NeverConnected };
    assert_eq!(active.next(SOON).await, Some(ended));
    assert_eq!(active.look(|node| node.connections().numbers().dial_failed.get()), 1);
}

#[tokio::test]
async fn a_peer_that_goes_is_noticed() {
    let (mut active, mut passive) = (peer(), peer());
    let [here, there] = agree(&mut active, &mut passive);
    active.reach(here, plain(passive.address()));
    assert!(passive.wait(SOON, |heard| is_bound(&heard, there).then_some(())).await.is_some());
    drop(active);
    assert_eq!(passive.next(SOON).await, Some(Action::Parted { session: there }));
}

#[tokio::test]
async fn the_end_is_complete() {
    let (connections, mut inbox, address, stop) = super::listening(super::Settings::default());
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    assert!(matches!(super::event(&mut inbox).await, super::Event::Opened { incoming: true, .. }));
    stop.cancel();
    soon(connections.closed()).await;
    assert!(matches!(
        super::event(&mut inbox).await,
        super::Event::Closed { why: crate::Ended::Stopped, .. }
    ));
    let mut nothing = Vec::new();
    soon(tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut nothing)).await.unwrap();
    assert_eq!(nothing, []);
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
