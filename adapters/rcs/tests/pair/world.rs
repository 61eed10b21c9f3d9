//! A core, the wire on its one side and the gateway on the other.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use model::{
    Address, Answer, AttemptId, ChannelId, Class, Content, Inbound, MessageId, MessageIds, Number,
    NumberingPlan, Outcome, Outgoing, OutgoingMessage, Pii, Receipt, ReceiptsWanted, SessionId, Submission,
    Ticket, Timestamp,
};
use rcs::{
    Settings,
    core::{Core, Ways},
    settings::{Credential, Peer, Range, Secret, User},
    translate::Line,
};
use sip_message::{
    Message, Method, Name, Request, Response,
    digest::{Answer as DigestAnswer, Challenge, Secret as DigestSecret},
};
use sip_net::{
    NoFlow, Target,
    resolve::{Candidate, Candidates, Destination, Host, Unresolved},
};
use sip_transaction::{Flow, Transport};

use crate::ladder::{self, Ladder};

pub(crate) const CHANNEL: ChannelId = ChannelId(7);
pub(crate) const MINA: &str = "+821011110001";
pub(crate) const JUN: &str = "+821011110002";
/// Nobody here.
pub(crate) const PHONE: &str = "+821099998888";
const SECOND_US: i64 = 1_000_000;
const START_US: i64 = 1_800_000_000 * SECOND_US;

/// Sockets that take everything; connections stand once they were opened.
#[derive(Default)]
pub(crate) struct Wire {
    pub(crate) open: HashSet<u32>,
    /// Nothing can be reached.
    pub(crate) dead: bool,
    next: u32,
    /// Where connections of MSRP were opened to.
    pub(crate) dialled: Vec<SocketAddr>,
}

#[derive(Clone, Default)]
struct Sockets(Arc<Mutex<Wire>>);

impl Ways for Sockets {
    fn flow(&self, target: &Target) -> Result<Flow, NoFlow> {
        let mut wire = self.0.lock().expect("no test panics with it");
        if wire.dead {
            return Err(NoFlow::TooMany);
        }
        let id = match target.transport {
            Transport::Udp => 0,
            Transport::Tcp | Transport::Tls => {
                wire.next += 1;
                let id = 1_000 + wire.next;
                wire.open.insert(id);
                id
            }
        };
        Ok(Flow { id, remote: target.remote, transport: target.transport, class: target.class })
    }

    fn is_open(&self, flow: Flow) -> bool {
        flow.transport == Transport::Udp
            || self.0.lock().expect("no test panics with it").open.contains(&flow.id)
    }

    fn connect(&self, target: sip_net::msrp::Target) -> Option<sip_msrp::ConnectionId> {
        let mut wire = self.0.lock().expect("no test panics with it");
        if wire.dead {
            return None;
        }
        wire.dialled.push(target.remote);
        Some(sip_msrp::ConnectionId(500 + wire.dialled.len() as u64))
    }

    fn resolve(&self, destination: &Destination, _: u64, _: u64) -> Option<Result<Candidates, Unresolved>> {
        Some(match destination.host {
            Host::Ip(ip) => Ok(Candidates::from_iter([Candidate {
                transport: destination.transport.unwrap_or(Transport::Udp),
                address: SocketAddr::new(ip, destination.port.unwrap_or(5060)),
            }])),
            Host::Name(_) => Err(Unresolved::NoAnswer),
        })
    }
}

pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) now_us: i64,
    pub(crate) wire: Arc<Mutex<Wire>>,
    pub(crate) inbound: VecDeque<Inbound>,
    /// What the gateway keeps for it.
    pub(crate) kept: BTreeMap<Bytes, Bytes>,
    pub(crate) sent: VecDeque<(Flow, Message)>,
    /// What is to be done with connections of MSRP.
    pub(crate) msrp: VecDeque<sip_msrp::Action>,
    /// What happened, where that is written down.
    pub(crate) ladder: Option<Ladder>,
    settings: Settings,
    ids: MessageIds,
    branches: u32,
    attempts: u32,
}

pub(crate) fn line(text: &str) -> Line {
    Line::of(&Number::written(text), &NumberingPlan::korea())
}

pub(crate) fn settings() -> Settings {
    let user =
        || User { credential: Credential::Password(Secret::new("secret".into())), allowed: Vec::new() };
    Settings {
        users: [MINA, JUN].map(|number| (line(number), user())).into_iter().collect(),
        peers: vec![Peer {
            name: "proxy".into(),
            addresses: vec![Range::new([192, 0, 2, 0].into(), 24)],
            registrar: false,
            strict: false,
        }],
        ..Settings::new(CHANNEL, "ims.example", "127.0.0.1:5060", [9; 16])
    }
}

/// A datagram from that address.
pub(crate) fn udp(address: &str) -> Flow {
    Flow { id: 0, remote: address.parse().expect("an address"), transport: Transport::Udp, class: 0 }
}

/// The peer that is believed.
pub(crate) fn peer() -> Flow {
    udp("192.0.2.9:5060")
}

/// A device of Mina's.
pub(crate) fn handset() -> Flow {
    udp("127.0.0.1:6001")
}

/// A device of Jun's.
pub(crate) fn other_handset() -> Flow {
    udp("127.0.0.1:6002")
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let sockets = Sockets::default();
        let wire = sockets.0.clone();
        let core = Core::new(
            START_US,
            Arc::new(settings.clone()),
            SessionId(3),
            [1, 2, 3, 4],
            Box::new(sockets),
            Arc::new(kit::Unwatched),
        );
        let mut world = Self {
            core,
            now_us: START_US,
            wire,
            inbound: VecDeque::new(),
            kept: BTreeMap::new(),
            sent: VecDeque::new(),
            msrp: VecDeque::new(),
            ladder: None,
            settings,
            ids: MessageIds::default(),
            branches: 0,
            attempts: 0,
        };
        world.collect();
        world
    }

    /// The same after a crash: what was kept is left, and nothing else.
    pub(crate) fn restarted(&self) -> Self {
        let mut world = Self::with(self.settings.clone());
        world.now_us = self.now_us;
        world.kept = self.kept.clone();
        world.core.recall(world.now_us, world.kept.clone().into_iter().collect());
        world.collect();
        world.settle();
        world
    }

    /// A connection that stands.
    pub(crate) fn connection(&mut self, id: u32, address: &str, transport: Transport) -> Flow {
        self.wire.lock().expect("no test panics with it").open.insert(id);
        Flow { id, remote: address.parse().expect("an address"), transport, class: 0 }
    }

    pub(crate) fn collect(&mut self) {
        let out = self.core.out();
        for (flow, octets) in out.transmit.drain(..) {
            let limits = sip_message::Limits::STREAM;
            let message = sip_message::parse_datagram(octets, &limits).expect("what we send can be read");
            if let Some(ladder) = &mut self.ladder {
                ladder.sip(self.now_us, ladder::CHANNEL, ladder::at(flow), &message);
            }
            self.sent.push_back((flow, message));
        }
        out.inbound.retain(|inbound| match inbound {
            Inbound::Keep { key, value, .. } => {
                match value {
                    Some(value) => self.kept.insert(key.clone(), value.clone()),
                    None => self.kept.remove(key),
                };
                false
            }
            _ => true,
        });
        if let Some(ladder) = &mut self.ladder {
            for action in &out.msrp {
                if let sip_msrp::Action::Write { connection, octets } = action {
                    ladder.msrp(self.now_us, ladder::CHANNEL, ladder::on(*connection), octets);
                }
            }
            out.inbound.iter().for_each(|inbound| ladder.inbound(self.now_us, inbound));
        }
        self.inbound.extend(out.inbound.drain(..));
        self.msrp.extend(out.msrp.drain(..));
    }

    /// A request as text: lines end as they do here, the rest of the head is filled in.
    pub(crate) fn request(&mut self, flow: Flow, head: &str, body: &[u8]) {
        self.branches += 1;
        let n = self.branches;
        let method = head.split(' ').next().expect("a method");
        let mut text = String::new();
        for (at, line) in head.trim().lines().map(str::trim).enumerate() {
            text.push_str(line);
            if at == 0 {
                text.push_str(" SIP/2.0");
            }
            text.push_str("\r\n");
        }
        let has = |name: &str| head.lines().any(|line| line.trim_start().starts_with(name));
        if !has("Via:") {
            let (transport, remote) = (flow.transport.name(), flow.remote);
            text.push_str(&format!("Via: SIP/2.0/{transport} {remote};branch=z9hG4bKtest{n};rport\r\n"));
        }
        if !has("Call-ID:") {
            text.push_str(&format!("Call-ID: call{n}@test\r\n"));
        }
        if !has("CSeq:") {
            text.push_str(&format!("CSeq: {n} {method}\r\n"));
        }
        if !has("Max-Forwards:") {
            text.push_str("Max-Forwards: 70\r\n");
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        let mut octets = text.into_bytes();
        octets.extend_from_slice(body);
        self.octets(flow, octets);
    }

    pub(crate) fn octets(&mut self, flow: Flow, octets: impl Into<Bytes>) {
        let message =
            sip_message::parse_datagram(octets.into(), &sip_message::Limits::STREAM).expect("readable");
        if let Some(ladder) = &mut self.ladder {
            ladder.sip(self.now_us, ladder::at(flow), ladder::CHANNEL, &message);
        }
        self.core.received(self.now_us, flow, message);
        self.collect();
    }

    /// What the device at the other end answers to a request of ours.
    pub(crate) fn reply(&mut self, flow: Flow, request: &Request, status: u16, headers: &[(Name, &str)]) {
        let status = sip_message::StatusCode::new(status).expect("a status");
        let mut response = request.response(status, Some("device"));
        for (name, value) in headers {
            response.headers.push(name.clone(), *value);
        }
        self.octets(flow, response.to_bytes());
    }

    pub(crate) fn answer(&mut self, ticket: Ticket, answer: Answer) {
        assert_eq!(ticket.session, SessionId(3));
        if let Some(ladder) = &mut self.ladder {
            ladder.answer(self.now_us, &answer);
        }
        self.core.answers(self.now_us, [(ticket.token, answer)]);
        self.collect();
    }

    pub(crate) fn hand_over(&mut self, outgoing: Outgoing) {
        if let Some(ladder) = &mut self.ladder {
            ladder.outgoing(self.now_us, &outgoing);
        }
        self.core.hand_over(self.now_us, [outgoing]);
        self.collect();
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        // As the driver does: at each instant at which something is due.
        let until = self.now_us + seconds * SECOND_US;
        while let Some(at) = self.core.next_tick_us().filter(|at| *at <= until) {
            self.now_us = at.max(self.now_us);
            self.core.tick(self.now_us);
            self.collect();
        }
        self.now_us = until;
    }

    pub(crate) fn id(&mut self) -> MessageId {
        self.ids.next(Timestamp::from_micros(self.now_us))
    }

    // What comes next.

    pub(crate) fn sent_request(&mut self) -> (Flow, Request) {
        match self.sent.pop_front() {
            Some((flow, Message::Request(request))) => (flow, request),
            other => panic!("a request, not {other:?}"),
        }
    }

    /// What we answered is of no interest.
    pub(crate) fn sent_request_after_responses(&mut self) -> (Flow, Request) {
        self.sent.retain(|(_, message)| matches!(message, Message::Request(_)));
        self.sent_request()
    }

    pub(crate) fn sent_response(&mut self) -> Response {
        match self.sent.pop_front() {
            Some((_, Message::Response(response))) => response,
            other => panic!("a response, not {other:?}"),
        }
    }

    pub(crate) fn status(&mut self) -> u16 {
        self.sent_response().status.code()
    }

    pub(crate) fn submission(&mut self) -> (Arc<Submission>, Ticket) {
        match self.inbound.pop_front() {
            Some(Inbound::Submit { submission, ticket }) => (submission, ticket),
            other => panic!("a submission, not {other:?}"),
        }
    }

    pub(crate) fn outcome(&mut self) -> (AttemptId, Outcome) {
        match self.inbound.pop_front() {
            Some(Inbound::Outcome { attempt, outcome }) => (attempt, outcome),
            other => panic!("an outcome, not {other:?}"),
        }
    }

    pub(crate) fn receipt(&mut self) -> (Receipt, Option<Ticket>) {
        match self.inbound.pop_front() {
            Some(Inbound::Receipt { channel, receipt, ticket }) => {
                assert_eq!(channel, CHANNEL);
                (receipt, ticket)
            }
            other => panic!("a receipt, not {other:?}"),
        }
    }

    /// Nothing is left over.
    pub(crate) fn quiet(&mut self) {
        assert!(self.sent.is_empty(), "{:?}", self.sent);
        assert!(self.inbound.is_empty(), "{:?}", self.inbound);
    }

    /// What was told at the start, or by a registration, is of no interest.
    pub(crate) fn settle(&mut self) {
        self.inbound.clear();
        self.sent.clear();
    }

    /// Registers a device with digest. Gives the final answer.
    pub(crate) fn register(&mut self, flow: Flow, number: &str, contact: &str, more: &str) -> Response {
        let head = |auth: &str, cseq: u32| {
            format!(
                "REGISTER sip:ims.example
                 From: <sip:{number}@ims.example>;tag=r
                 To: <sip:{number}@ims.example>
                 Call-ID: reg-{number}-{}
                 CSeq: {cseq} REGISTER
                 Contact: {contact}
                 {more}{auth}",
                flow.remote
            )
        };
        self.branches += 10;
        let cseq = self.branches;
        self.request(flow, &head("", cseq), b"");
        let challenge = self.sent_response();
        assert_eq!(challenge.status, 401, "{challenge:?}");
        let answer = authorization(&challenge, "REGISTER", "sip:ims.example", number, "secret");
        self.request(flow, &head(&format!("\nAuthorization: {answer}"), cseq + 1), b"");
        self.sent_response()
    }

    /// A handset of Mina's that said what it can do.
    pub(crate) fn mina(&mut self) -> Flow {
        let response = self.register(
            handset(),
            MINA,
            "<sip:mina@127.0.0.1:6001>;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"",
            "Expires: 600",
        );
        assert_eq!(response.status, 200);
        self.settle();
        handset()
    }
}

/// The credentials that answer a challenge.
pub(crate) fn authorization(
    challenge: &Response,
    method: &str,
    uri: &str,
    username: &str,
    password: &str,
) -> String {
    let values =
        challenge.headers.all(Name::WwwAuthenticate).chain(challenge.headers.all(Name::ProxyAuthenticate));
    let challenge = Challenge::strongest(values).expect("a challenge");
    challenge
        .answer(&DigestAnswer {
            username,
            secret: DigestSecret::Password(password.as_bytes()),
            method,
            uri,
            body: b"",
            cnonce: "c0ffee",
            count: 1,
        })
        .to_string()
}

pub(crate) fn number(text: &str) -> Pii<Address> {
    Pii::new(Address::Number(Number::written(text)))
}

/// A submission of another channel.
pub(crate) fn text(from: &str, to: &str, text: &str) -> Submission {
    Submission {
        id: None,
        origin: ChannelId(1),
        from: number(from),
        to: number(to),
        class: Class::Person,
        receipts: ReceiptsWanted { displayed: true, ..ReceiptsWanted::FINAL },
        received_at: Timestamp::from_micros(START_US),
        scheduled_at: None,
        expires_at: None,
        reference: None,
        idempotency_key: None,
        carried: Bytes::new(),
        part: None,
        charging_id: None,
        elsewhere: None,
        content: Content::Text(text.into()),
    }
}

impl World {
    /// A message on its way out.
    pub(crate) fn outgoing(&mut self, submission: Submission) -> OutgoingMessage {
        self.attempts += 1;
        OutgoingMessage {
            attempt: AttemptId { slot: self.attempts, generation: 1 },
            message: self.id(),
            submission: Arc::new(submission),
            from: None,
            to: None,
            concat_ref: 0,
            want_receipt: true,
            possible_duplicate: false,
        }
    }

    /// Hands over a text to Mina and gives its attempt.
    pub(crate) fn text_to(&mut self, to: &str, words: &str) -> AttemptId {
        let message = self.outgoing(text(PHONE, to, words));
        let attempt = message.attempt;
        self.hand_over(Outgoing::Message(message));
        attempt
    }
}

pub(crate) fn is(request: &Request, method: &Method) -> bool {
    request.method == *method
}
