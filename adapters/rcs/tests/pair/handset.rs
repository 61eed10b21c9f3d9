//! A handset that chats: SIP by hand, MSRP by an endpoint of its own.

use bytes::{Bytes, BytesMut};
use sip_message::{Message, Method, Name, Request, Response, StatusCode};
use sip_msrp::{
    Action, Answer, ConnectionId, Decoder, Endpoint, Frame, Path, Question, Security, Session, SessionKey,
    Settings, Uri,
};
use sip_net::{Ended, msrp::Event};
use sip_transaction::Flow;

use crate::{ladder, world::World};

/// Where the gateway says that it listens.
pub(crate) const GATEWAY: &str = "127.0.0.1:2855";

/// The connection of the second handset.
pub(crate) const OTHER_LINE: ConnectionId = ConnectionId(102);

pub(crate) struct Handset {
    pub(crate) flow: Flow,
    pub(crate) endpoint: Endpoint,
    decoder: Decoder,
    buffer: BytesMut,
    /// Its connection to the gateway.
    pub(crate) line: ConnectionId,
    pub(crate) uri: String,
    /// What it takes inside CPIM.
    pub(crate) wrapped: &'static str,
    /// What it heard, in order.
    pub(crate) heard: Vec<Action>,
    /// What it answers at once.
    pub(crate) answers: Option<Answer>,
    calls: u32,
}

/// What came of an INVITE.
pub(crate) struct Call {
    pub(crate) ok: Response,
    pub(crate) session: SessionKey,
    pub(crate) call: u32,
}

impl Handset {
    pub(crate) fn new(flow: Flow, line: u64) -> Self {
        Self {
            flow,
            endpoint: Endpoint::new(Settings::default(), line),
            decoder: Decoder::default(),
            buffer: BytesMut::new(),
            line: ConnectionId(line),
            uri: format!("msrp://127.0.0.1:7{line:03}/handset{line};tcp"),
            wrapped: "text/plain message/imdn+xml",
            heard: Vec::new(),
            answers: Some(Answer::Taken),
            calls: 0,
        }
    }

    /// Its description.
    pub(crate) fn sdp(&self, more: &str) -> String {
        let uri = Uri::parse(&self.uri).expect("a URI");
        format!(
            "v=0\r\no=- 3920001000 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=message {} TCP/MSRP *\r\na=path:{}\r\na=accept-types:message/cpim application/im-iscomposing+xml\r\n\
             a=accept-wrapped-types:{}\r\n{more}",
            uri.as_str().rsplit(':').next().and_then(|rest| rest.split('/').next()).unwrap_or_default(),
            self.uri,
            self.wrapped
        )
    }

    /// The head of an INVITE to somebody.
    pub(crate) fn invite_head(&self, from: &str, to: &str, call: u32) -> String {
        format!(
            "INVITE tel:{to}
             From: <sip:{from}@ims.example>;tag=h{call}
             To: <tel:{to}>
             Call-ID: chat{call}-{}
             CSeq: 1 INVITE
             Contact: <sip:device@{}>
             Supported: timer
             Allow: INVITE, ACK, BYE, CANCEL, UPDATE
             P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session
             Conversation-ID: 5b1c7d30-8e0a-4a52-9f6d-2f1f0c9a7e11
             Contribution-ID: c2a4f0de-6b39-4d0e-8a77-90b1d5e3f642",
            self.line.0, self.flow.remote
        )
    }

    /// Sends an INVITE; gives what it was answered first.
    pub(crate) fn invite(&mut self, world: &mut World, from: &str, to: &str, sdp: &str) -> Response {
        self.calls += 1;
        let head = self.invite_head(from, to, self.calls) + "\n             Content-Type: application/sdp";
        world.request(self.flow, &head, sdp.as_bytes());
        world.sent_response()
    }

    /// Opens a session and binds it: it is the active end.
    pub(crate) fn chat(&mut self, world: &mut World, from: &str, to: &str) -> Call {
        let sdp = self.sdp("a=setup:active\r\n");
        let ok = self.invite(world, from, to, &sdp);
        assert_eq!(ok.status, 200, "{ok:?}");
        let call = self.calls;
        self.ack(world, &ok, call, from, to);
        self.connect(world, &ok, call)
    }

    pub(crate) fn ack(&self, world: &mut World, ok: &Response, call: u32, from: &str, to: &str) {
        let head = self.within("ACK", ok, call, 1, from, to);
        world.request(self.flow, &head, b"");
    }

    /// The head of a request within the dialog.
    pub(crate) fn within(
        &self,
        method: &str,
        ok: &Response,
        call: u32,
        cseq: u32,
        from: &str,
        to: &str,
    ) -> String {
        format!(
            "{method} sip:127.0.0.1:5060
             From: <sip:{from}@ims.example>;tag=h{call}
             To: <tel:{to}>;tag={}
             Call-ID: chat{call}-{}
             CSeq: {cseq} {method}
             Contact: <sip:device@{}>",
            ok.to_tag().expect("a tag"),
            self.line.0,
            self.flow.remote
        )
    }

    /// Takes an invitation, with its description.
    pub(crate) fn take(&self, world: &mut World, flow: Flow, invite: &Request, more: &str) {
        let mut ok = invite.response(StatusCode::OK, Some("device"));
        ok.headers.push(Name::Contact, format_args!("<sip:device@{}>", self.flow.remote));
        ok.headers.push(Name::ContentType, "application/sdp");
        ok.body = Bytes::from(self.sdp(more));
        world.octets(flow, ok.to_bytes());
    }

    /// Connects to where an invitation says, and binds.
    pub(crate) fn come(&mut self, world: &mut World, invite: &Request) -> SessionKey {
        let session = self.open(&String::from_utf8_lossy(&invite.body));
        self.attach(world);
        let (now, line) = (world.now_us, self.line);
        self.act(world, |endpoint, out| endpoint.bind(now, session, line, out));
        session
    }

    /// Connects to where an answer says, and binds.
    pub(crate) fn connect(&mut self, world: &mut World, ok: &Response, call: u32) -> Call {
        let session = self.open(&String::from_utf8_lossy(&ok.body));
        self.attach(world);
        let (now, line) = (world.now_us, self.line);
        self.act(world, |endpoint, out| endpoint.bind(now, session, line, out));
        Call { ok: ok.clone(), session, call }
    }

    /// A session with the other end of that description.
    pub(crate) fn open(&mut self, sdp: &str) -> SessionKey {
        let path = attribute(sdp, "path").expect("a path");
        let local = Uri::parse(&self.uri).expect("a URI");
        let session = Session::new(local, Path::parse(path).expect("a path"));
        self.endpoint.open(0, session).expect("a session")
    }

    /// A connection between the two.
    pub(crate) fn attach(&mut self, world: &mut World) {
        let (connection, remote) = (self.line, self.flow.remote);
        self.endpoint.connected(world.now_us, connection, Security::Plain);
        self.decoder = Decoder::default();
        self.buffer.clear();
        let opened = Event::Opened { connection, security: Security::Plain, remote, incoming: true };
        world.core.msrp(world.now_us, opened);
        self.exchange(world);
    }

    /// The connection breaks.
    pub(crate) fn lose(&mut self, world: &mut World) {
        let (now, connection) = (world.now_us, self.line);
        if let Some(ladder) = &mut world.ladder {
            ladder.line(now, ladder::on(connection), ladder::CHANNEL, "the connection breaks");
        }
        world.core.msrp(now, Event::Closed { connection, why: Ended::Closed });
        world.collect();
        let mut out = Vec::new();
        self.endpoint.closed(now, connection, &mut out);
        self.heard.extend(out);
    }

    /// Does something, and lets both sides say what follows.
    pub(crate) fn act(&mut self, world: &mut World, what: impl FnOnce(&mut Endpoint, &mut Vec<Action>)) {
        let mut out = Vec::new();
        what(&mut self.endpoint, &mut out);
        self.follow(world, out);
        self.exchange(world);
    }

    fn follow(&mut self, world: &mut World, out: Vec<Action>) {
        let mut answers = Vec::new();
        for action in out {
            match action {
                Action::Write { octets, connection } => {
                    let mut frames: Vec<Frame> = Vec::new();
                    let mut buffer = BytesMut::from(&octets[..]);
                    Decoder::default().cut(&mut buffer, &mut frames).expect("what MSRP writes is readable");
                    if let Some(ladder) = &mut world.ladder {
                        ladder.msrp(world.now_us, ladder::on(connection), ladder::CHANNEL, &octets);
                    }
                    world.core.msrp(world.now_us, Event::Frames { connection, frames });
                    world.collect();
                }
                Action::Deliver { question, .. } => {
                    answers.extend(self.answers.map(|answer| (question, answer)));
                    self.heard.push(action);
                }
                other => self.heard.push(other),
            }
        }
        if !answers.is_empty() {
            let mut out = Vec::new();
            self.endpoint.answer(world.now_us, answers, &mut out);
            self.follow(world, out);
        }
    }

    /// Takes what the gateway wrote on this connection, until nothing more comes.
    pub(crate) fn exchange(&mut self, world: &mut World) {
        loop {
            world.collect();
            let mine = |action: &Action| matches!(action, Action::Write { connection, .. } if *connection == self.line);
            let Some(at) = world.msrp.iter().position(mine) else { return };
            let Some(Action::Write { octets, .. }) = world.msrp.remove(at) else { return };
            self.buffer.extend_from_slice(&octets);
            let mut frames = Vec::new();
            self.decoder.cut(&mut self.buffer, &mut frames).expect("readable");
            let mut out = Vec::new();
            self.endpoint.received(world.now_us, self.line, frames, &mut out);
            self.follow(world, out);
        }
    }

    /// Says something in a session.
    pub(crate) fn say(
        &mut self,
        world: &mut World,
        session: SessionKey,
        id: &str,
        content_type: &str,
        body: &str,
    ) {
        let message = sip_msrp::Message::new(id, content_type, Bytes::copy_from_slice(body.as_bytes()));
        let now = world.now_us;
        self.act(world, |endpoint, out| endpoint.send(now, session, message, out).expect("it is taken"));
    }

    /// What was delivered: what to answer, type and octets.
    pub(crate) fn delivered(&mut self) -> Option<(Question, String, Bytes)> {
        let at = self.heard.iter().position(|action| matches!(action, Action::Deliver { .. }))?;
        match self.heard.remove(at) {
            Action::Deliver { question, content_type, body, .. } => {
                Some((question, content_type.to_string(), body))
            }
            _ => None,
        }
    }

    /// What became of what it said.
    pub(crate) fn fate(&mut self) -> Option<Action> {
        let at = self
            .heard
            .iter()
            .position(|action| matches!(action, Action::Sent { .. } | Action::Failed { .. }))?;
        Some(self.heard.remove(at))
    }
}

/// A header-like attribute of a description.
pub(crate) fn attribute<'a>(sdp: &'a str, name: &str) -> Option<&'a str> {
    let prefix = format!("a={name}");
    let line = sdp.lines().find(|line| line.trim_end().split(':').next() == Some(&prefix))?;
    Some(line.split_once(':').map_or("", |(_, value)| value.trim_end()))
}

/// The next request that left, of that method; others that came before it are an error.
pub(crate) fn next(world: &mut World, method: &Method) -> Request {
    match world.sent.pop_front() {
        Some((_, Message::Request(request))) if request.method == *method => request,
        other => panic!("{method}, not {other:?}"),
    }
}

/// A text in CPIM.
pub(crate) fn cpim(id: &str, words: &str) -> String {
    format!(
        "From: <sip:anonymous@anonymous.invalid>\r\n\
         To: <sip:anonymous@anonymous.invalid>\r\n\
         NS: imdn <urn:ietf:params:imdn>\r\n\
         imdn.Message-ID: {id}\r\n\
         DateTime: 2025-03-01T09:30:00.000+09:00\r\n\
         imdn.Disposition-Notification: positive-delivery, display\r\n\
         \r\n\
         Content-Type: text/plain;charset=UTF-8\r\n\
         \r\n\
         {words}"
    )
}

pub(crate) fn reason(request: &Request) -> Option<String> {
    request.headers.text(Name::Reason).map(str::to_owned)
}
