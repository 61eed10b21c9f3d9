//! The channel on real sockets, between a device and a gateway that this test plays.

mod chat;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use kit::{Channel, Closed, Intake, Session, Taking};
use model::{
    Address, Answer, AttemptId, Cause, ChannelId, Class, Content, Inbound, MessageId, MessageIds, Number,
    Outcome, Outgoing, OutgoingMessage, Pii, ReceiptsWanted, SessionId, Submission, Timestamp,
};
use rcs::{
    Rcs, Settings,
    settings::{Msrp, MsrpTls, Peer, Range},
};
use sip_message::{Message, Name, Request, Uri};
use sip_net::{
    Endpoint, Listen, Transport, msrp,
    resolve::{Answered, Asking, Dns, Query},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

const CHANNEL: ChannelId = ChannelId(7);
/// Nothing on this machine takes so long; a test that waits for it has failed.
const FAILED: Duration = Duration::from_secs(20);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(FAILED, what).await.expect("it never came")
}

/// Knows no names.
struct NoDns;

impl Dns for NoDns {
    fn ask<'a>(&'a self, _: &'a Query) -> Asking<'a> {
        Box::pin(async { Answered { answer: sip_net::resolve::Answer::Failed, ttl: Duration::ZERO } })
    }
}

/// The gateway: what it is given, and where its answers go.
struct Desk {
    batches: mpsc::UnboundedSender<Vec<Inbound>>,
    session: Mutex<Option<Arc<dyn Session>>>,
}

impl Intake for Desk {
    fn take(&self, batch: Vec<Inbound>) -> Taking<'_> {
        Box::pin(async move { self.batches.send(batch).map_err(|_| Closed) })
    }

    fn closed_for_submissions(&self) -> Option<Cause> {
        None
    }

    fn open(&self, session: Arc<dyn Session>) -> SessionId {
        *self.session.lock().expect("no test panics with it") = Some(session);
        SessionId(3)
    }

    fn close(&self, _: SessionId) {}
}

struct World {
    rcs: Arc<Rcs>,
    desk: Arc<Desk>,
    batches: mpsc::UnboundedReceiver<Vec<Inbound>>,
    inbound: std::collections::VecDeque<Inbound>,
    udp: SocketAddr,
    tcp: SocketAddr,
    stop: CancellationToken,
    sockets_stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    ids: MessageIds,
}

impl World {
    /// Everybody on this machine is believed; messages to others go to `next_hop`.
    fn start(next_hop: Option<Uri>) -> Self {
        let sockets_stop = CancellationToken::new();
        let listen =
            |transport| Listen { transport, address: "127.0.0.1:0".parse().expect("an address"), class: 0 };
        let (endpoint, inbox) = Endpoint::bind(
            sip_net::Settings {
                listen: vec![listen(Transport::Udp), listen(Transport::Tcp)],
                ..sip_net::Settings::default()
            },
            Arc::new(NoDns),
            sockets_stop.clone(),
        )
        .expect("there are ports");
        let address = |transport| {
            endpoint.listeners().iter().find(|one| one.transport == transport).expect("it listens").address
        };
        let (udp, tcp) = (address(Transport::Udp), address(Transport::Tcp));
        let (connections, media) = msrp::Connections::new(msrp::Settings::default(), sockets_stop.clone());
        let own = chat::Own::new();
        let any = "127.0.0.1:0".parse().expect("an address");
        let talks = connections.listen(any, None).expect("a port");
        let acceptor = msrp::tls::acceptor(own.chain(), own.key()).expect("usable");
        let tls = connections.listen(any, Some(acceptor)).expect("a port");
        let tls = MsrpTls { port: tls.port(), fingerprint: msrp::tls::fingerprint(&own.certificate) };
        let settings = Settings {
            msrp: Some(Msrp { tls: Some(tls), ..Msrp::at(talks.ip(), talks.port()) }),
            peers: vec![Peer {
                name: "local".into(),
                addresses: vec![Range::new([127, 0, 0, 1].into(), 32)],
                registrar: false,
                strict: false,
            }],
            next_hop,
            ..Settings::new(CHANNEL, "ims.example", &udp.to_string(), [9; 16])
        };
        let (sender, batches) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk { batches: sender, session: Mutex::default() });
        let stop = CancellationToken::new();
        let (rcs, task) = Rcs::with_sessions(
            settings,
            (endpoint, inbox),
            Some((connections, media)),
            kit::Kept::new(),
            desk.clone(),
            Arc::new(kit::Unwatched),
            stop.clone(),
        );
        Self {
            rcs,
            desk,
            batches,
            inbound: Default::default(),
            udp,
            tcp,
            stop,
            sockets_stop,
            task: tokio::spawn(task),
            ids: MessageIds::default(),
        }
    }

    async fn next(&mut self) -> Inbound {
        loop {
            if let Some(inbound) = self.inbound.pop_front() {
                return inbound;
            }
            self.inbound.extend(soon(self.batches.recv()).await.expect("the channel lives"));
        }
    }

    fn answer(&mut self, token: u64, answer: Answer) {
        let session =
            self.desk.session.lock().expect("no test panics with it").clone().expect("it was opened");
        session.answer(&mut vec![(token, answer)]);
    }

    fn id(&mut self) -> MessageId {
        self.ids.next(Timestamp::from_secs(1_800_000_000))
    }

    fn message(&mut self, slot: u32) -> OutgoingMessage {
        let number = |text: &str| Pii::new(Address::Number(Number::written(text)));
        OutgoingMessage {
            attempt: AttemptId { slot, generation: 0 },
            message: self.id(),
            submission: Arc::new(Submission {
                id: None,
                origin: ChannelId(1),
                from: number("+821099998888"),
                to: number("+821011110001"),
                class: Class::Person,
                receipts: ReceiptsWanted::FINAL,
                received_at: Timestamp::from_secs(1_800_000_000),
                scheduled_at: None,
                expires_at: None,
                reference: None,
                idempotency_key: None,
                carried: Default::default(),
                part: None,
                charging_id: None,
                elsewhere: None,
                content: Content::Text("hi".into()),
            }),
            from: None,
            to: None,
            concat_ref: 0,
            want_receipt: true,
            possible_duplicate: false,
        }
    }
}

fn request(n: u32, transport: &str, from: SocketAddr) -> String {
    format!(
        "MESSAGE tel:+821099998888 SIP/2.0\r\n\
         Via: SIP/2.0/{transport} {from};branch=z9hG4bKwire{n};rport\r\n\
         Max-Forwards: 70\r\nFrom: <tel:+821011110001>;tag=f{n}\r\nTo: <tel:+821099998888>\r\n\
         Call-ID: c{n}@wire\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
    )
}

fn read(octets: &[u8]) -> Message {
    let octets = bytes::Bytes::copy_from_slice(octets);
    sip_message::parse_datagram(octets, &sip_message::Limits::STREAM)
        .expect("what the channel sends can be read")
}

fn status(message: &Message) -> u16 {
    match message {
        Message::Response(response) => response.status.code(),
        Message::Request(_) => panic!("a response"),
    }
}

async fn heard(socket: &UdpSocket) -> (Message, SocketAddr) {
    let mut buffer = vec![0; 65_535];
    let (octets, from) = soon(socket.recv_from(&mut buffer)).await.expect("readable");
    (read(&buffer[..octets]), from)
}

#[tokio::test]
async fn a_datagram_is_answered_after_the_commit() {
    let mut world = World::start(None);
    assert!(matches!(world.next().await, Inbound::Room { channel: CHANNEL, room: 4_000 }));
    let device = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let from = device.local_addr().expect("bound");
    device.send_to(request(1, "UDP", from).as_bytes(), world.udp).await.expect("sent");
    let Inbound::Submit { submission, ticket } = world.next().await else { panic!("a submission") };
    assert_eq!(submission.content, Content::Text("hello".into()));
    let id = world.id();
    world.answer(ticket.token, Answer::Accepted(id));
    let (message, by) = heard(&device).await;
    assert_eq!((status(&message), by), (202, world.udp));
}

#[tokio::test]
async fn a_message_leaves_as_a_datagram_and_its_answer_is_the_outcome() {
    let device = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let hop = format!("sip:{}", device.local_addr().expect("bound"));
    let mut world = World::start(Some(Uri::new(&hop).expect("a URI")));
    world.next().await;
    let message = world.message(5);
    world.rcs.send(vec![Outgoing::Message(message)]);
    let (message, by) = heard(&device).await;
    let Message::Request(request) = message else { panic!("a request") };
    assert_eq!(request.headers.text(Name::ContentType), Some("message/cpim"));
    let ok = request.response(sip_message::StatusCode::OK, Some("d"));
    device.send_to(&ok.to_bytes(), by).await.expect("sent");
    let Inbound::Outcome { attempt, outcome } = world.next().await else { panic!("an outcome") };
    assert_eq!(attempt.slot, 5);
    assert!(matches!(outcome, Outcome::Sent(ids) if ids.len() == 1));
}

async fn next_on(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Message {
    loop {
        if let Some(end) = buffer.windows(4).position(|at| at == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|length| length.trim().parse().ok())
                .expect("a stream needs lengths");
            if buffer.len() >= end + 4 + length {
                let message: Vec<u8> = buffer.drain(..end + 4 + length).collect();
                return read(&message);
            }
        }
        let octets = soon(stream.read_buf(buffer)).await.expect("readable");
        assert_ne!(octets, 0, "the connection stands");
    }
}

#[tokio::test]
async fn a_connection_carries_messages_and_their_answers_both_ways() {
    let mut world = World::start(None);
    world.next().await;
    let mut device = TcpStream::connect(world.tcp).await.expect("it listens");
    let from = device.local_addr().expect("connected");
    let mut buffer = Vec::new();
    // Two in one segment.
    let both = [request(1, "TCP", from), request(2, "TCP", from)].concat();
    device.write_all(both.as_bytes()).await.expect("sent");
    for _ in 0..2 {
        let Inbound::Submit { ticket, .. } = world.next().await else { panic!("a submission") };
        let id = world.id();
        world.answer(ticket.token, Answer::Accepted(id));
        assert_eq!(status(&next_on(&mut device, &mut buffer).await), 202);
    }
}

#[tokio::test]
async fn a_next_hop_over_tcp_is_dialled_and_one_that_is_not_there_refuses() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let uri = Uri::new(&format!("sip:{address};transport=tcp")).expect("a URI");
    let mut world = World::start(Some(uri));
    world.next().await;
    let message = world.message(1);
    world.rcs.send(vec![Outgoing::Message(message)]);
    let (mut hop, _) = soon(listener.accept()).await.expect("dialled");
    let mut buffer = Vec::new();
    let Message::Request(request) = next_on(&mut hop, &mut buffer).await else { panic!("a request") };
    let answer = |request: &Request| request.response(sip_message::StatusCode::OK, Some("d")).to_bytes();
    hop.write_all(&answer(&request)).await.expect("sent");
    assert!(matches!(world.next().await, Inbound::Outcome { outcome: Outcome::Sent(_), .. }));
    // Gone, and nobody listens any more.
    drop(listener);
    hop.shutdown().await.expect("it stands");
    assert_eq!(soon(hop.read(&mut [0; 1])).await.expect("readable"), 0, "the channel has noticed");
    let message = world.message(2);
    world.rcs.send(vec![Outgoing::Message(message)]);
    let Inbound::Outcome { outcome: Outcome::Refused(refusal), .. } = world.next().await else {
        panic!("refused")
    };
    assert_eq!(refusal.cause, Cause::LinkDown);
}

#[tokio::test]
async fn told_to_stop_it_says_so_ends_and_still_gives_outcomes() {
    let device = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let hop = format!("sip:{}", device.local_addr().expect("bound"));
    let mut world = World::start(Some(Uri::new(&hop).expect("a URI")));
    world.next().await;
    let message = world.message(1);
    world.rcs.send(vec![Outgoing::Message(message)]);
    let (message, by) = heard(&device).await;
    world.stop.cancel();
    assert!(matches!(world.next().await, Inbound::Room { room: 0, .. }));
    // What is under way is waited for.
    let Message::Request(request) = message else { panic!("a request") };
    device
        .send_to(&request.response(sip_message::StatusCode::OK, Some("d")).to_bytes(), by)
        .await
        .expect("sent");
    assert!(matches!(world.next().await, Inbound::Outcome { outcome: Outcome::Sent(_), .. }));
    soon(&mut world.task).await.expect("it ends");
    let message = world.message(2);
    world.rcs.send(vec![Outgoing::Message(message)]);
    let Inbound::Outcome { outcome: Outcome::Refused(refusal), .. } = world.next().await else {
        panic!("refused")
    };
    assert_eq!(refusal.cause, Cause::LinkDown);
    world.sockets_stop.cancel();
}
