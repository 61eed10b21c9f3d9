//! The sockets and the transaction layer together, as a driver uses them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sip_message::{Method, Request, StatusCode, Uri};
use sip_net::{
    Event, Flow,
    Transport::{self, Tcp, Udp},
};
use sip_transaction::{Action, Class, Layer, Seed, Settings};

use crate::world::{World, deaf, listen, soon};

/// One element: sockets, transactions, and what its user heard.
struct Element {
    world: World,
    layer: Layer,
    actions: Vec<Action>,
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

impl Element {
    fn new(transport: Transport, local: &str, seed: u64) -> Self {
        let world = World::new(&[listen(transport, local)]);
        let sent_by = world.address().to_string();
        let settings = Settings::new(vec![Class::core(&sent_by, &sent_by)], Seed(seed, seed));
        Self { world, layer: Layer::new(now(), settings), actions: Vec::new() }
    }

    fn ask(&mut self, flow: Flow, number: u32) {
        let uri: Uri = "sip:bob@ims.example".parse().unwrap();
        let request = Request::builder(Method::MESSAGE, uri)
            .from("sip:alice@ims.example", "a")
            .to("sip:bob@ims.example", None)
            .call_id(&format!("call{number}"))
            .cseq(number)
            .body("text/plain", Bytes::from_static(b"hi"))
            .build();
        self.layer.request(now(), flow, &request, number.into(), &mut self.actions).unwrap();
        self.carry_out();
    }

    /// Sends what is to be sent; the rest is for the user.
    fn carry_out(&mut self) -> Vec<Action> {
        let (mut messages, mut others) = (Vec::new(), Vec::new());
        for action in self.actions.drain(..) {
            match action {
                Action::Transmit { flow, octets } => messages.push((flow, octets)),
                other => others.push(other),
            }
        }
        self.world.endpoint.send_all(&mut messages);
        others
    }

    /// Takes batches, or ticks, until the user hears something.
    async fn hears(&mut self) -> Vec<Action> {
        loop {
            let due = self.layer.next_tick_us().map_or(1_000_000, |at| at - now()).max(0);
            let due = Duration::from_micros(u64::try_from(due).unwrap());
            match tokio::time::timeout(due, self.world.inbox.recv()).await {
                Ok(batch) => {
                    let mut batch = batch.unwrap();
                    for event in batch.events.drain(..) {
                        match event {
                            Event::Message { flow, message } => {
                                self.layer.received(batch.at, flow, message, &mut self.actions);
                            }
                            Event::Ended { flow, .. } | Event::Unsent { flow, .. } => {
                                self.layer.failed(batch.at, flow, &mut self.actions);
                            }
                            Event::Resolved { .. } => {}
                        }
                    }
                }
                Err(_elapsed) => self.layer.tick(now(), &mut self.actions),
            }
            let heard = self.carry_out();
            if !heard.is_empty() {
                return heard;
            }
        }
    }
}

#[tokio::test]
async fn a_request_is_asked_and_answered_through_both_layers() {
    for (transport, local) in [(Udp, "127.0.0.1:0"), (Udp, "[::1]:0"), (Tcp, "127.0.0.1:0"), (Tcp, "[::1]:0")]
    {
        let mut client = Element::new(transport, local, 1);
        let mut server = Element::new(transport, local, 2);
        let flow = client.world.flow(transport, server.world.address());
        for number in 1..=3 {
            client.ask(flow, number);
            let heard = soon(server.hears()).await;
            let [Action::Request { key, request, .. }] = heard.as_slice() else { panic!("{heard:?}") };
            assert_eq!(request.body, "hi");
            server.layer.answer(now(), *key, StatusCode::OK, &mut server.actions).unwrap();
            server.carry_out();
            let heard = soon(client.hears()).await;
            let [Action::Response { token, response, .. }] = heard.as_slice() else { panic!("{heard:?}") };
            assert_eq!((*token, response.status), (number.into(), StatusCode::OK));
            let via = response.via().unwrap();
            assert_eq!(via.received.is_some(), via.rport != sip_message::Rport::Absent);
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_fails_the_requests_on_it() {
    let mut client = Element::new(Tcp, "127.0.0.1:0", 1);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flow = client.world.flow(Tcp, listener.local_addr().unwrap());
    client.ask(flow, 7);
    drop(soon(listener.accept()).await.unwrap());
    let heard = soon(client.hears()).await;
    assert!(matches!(heard.as_slice(), [Action::Failed { token: 7 }]), "{heard:?}");
    assert!(!client.world.endpoint.is_open(flow));
}

#[tokio::test]
async fn nobody_listening_fails_the_request_at_once() {
    let mut client = Element::new(Tcp, "127.0.0.1:0", 1);
    let (_held, nobody) = deaf();
    let flow = client.world.flow(Tcp, nobody);
    client.ask(flow, 8);
    let heard = soon(client.hears()).await;
    assert!(matches!(heard.as_slice(), [Action::Failed { token: 8 }]), "{heard:?}");
}
