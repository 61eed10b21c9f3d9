//! One endpoint under test, and the messages its peers say.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use sip_message::Message;
use sip_net::{
    Endpoint, Event, Flow, Inbox, Listen, Settings, Target, Transport,
    resolve::{Answer, Answered, Asking, Dns, Query},
};
use tokio::net::TcpSocket;
use tokio_util::sync::CancellationToken;

/// Knows nothing.
struct NoDns;

impl Dns for NoDns {
    fn ask<'a>(&'a self, _query: &'a Query) -> Asking<'a> {
        Box::pin(async { Answered { answer: Answer::Nothing, ttl: Duration::ZERO } })
    }
}

pub(crate) struct World {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) inbox: Inbox,
    pub(crate) stop: CancellationToken,
}

/// Nothing on this machine takes so long.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it never came")
}

pub(crate) fn listen(transport: Transport, address: &str) -> Listen {
    Listen { transport, address: address.parse().unwrap(), class: 0 }
}

impl World {
    pub(crate) fn new(listen: &[Listen]) -> Self {
        Self::with(Settings { listen: listen.to_vec(), ..Settings::default() })
    }

    pub(crate) fn with(settings: Settings) -> Self {
        Self::naming(settings, Arc::new(NoDns))
    }

    pub(crate) fn naming(settings: Settings, dns: Arc<dyn Dns>) -> Self {
        let stop = CancellationToken::new();
        let (endpoint, inbox) = Endpoint::bind(settings, dns, stop.clone()).unwrap();
        Self { endpoint, inbox, stop }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.endpoint.listeners()[0].address
    }

    pub(crate) async fn event(&mut self) -> Event {
        let mut batch = soon(self.inbox.recv()).await.unwrap();
        assert_eq!(batch.events.len(), 1, "{:?}", batch.events);
        batch.events.remove(0)
    }

    pub(crate) async fn message(&mut self) -> (Flow, Message) {
        match self.event().await {
            Event::Message { flow, message } => (flow, message),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn flow(&self, transport: Transport, remote: SocketAddr) -> Flow {
        let target = Target { transport, remote, server_name: "localhost".into(), class: 0 };
        self.endpoint.flow(&target).unwrap()
    }
}

/// An address where nobody accepts, and nobody else can as long as this is held.
pub(crate) fn deaf() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

pub(crate) fn request(number: u32, via: &str) -> String {
    format!(
        "MESSAGE sip:bob@ims.example SIP/2.0\r\nVia: SIP/2.0/{via};branch=z9hG4bK{number}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@ims.example>;tag=a\r\nTo: <sip:bob@ims.example>\r\n\
         Call-ID: c{number}\r\nCSeq: {number} MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi",
    )
}

pub(crate) fn response(number: u32) -> Bytes {
    format!(
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{number}\r\n\
         From: <sip:alice@ims.example>;tag=a\r\nTo: <sip:bob@ims.example>;tag=b\r\nCall-ID: c{number}\r\n\
         CSeq: {number} MESSAGE\r\nContent-Length: 0\r\n\r\n",
    )
    .into()
}
