//! One endpoint, one connection, and octets in both directions.

use bytes::BytesMut;
use sip_msrp::{
    Action, ConnectionId, Decoder, Endpoint, Frame, Path, Request, Response, Security, Session, SessionKey,
    Settings, Uri,
};

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const LINE: ConnectionId = ConnectionId(1);
pub(crate) const OURS: &str = "msrp://gw.example:2855/ours0001;tcp";
pub(crate) const THEIRS: &str = "msrp://peer.example:7654/their001;tcp";

pub(crate) fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap()
}

pub(crate) fn session() -> Session {
    Session::new(uri(OURS), Path::from(uri(THEIRS)))
}

/// A SEND of the other end. `head` are further headers, each with its line end.
pub(crate) fn send(tid: &str, head: &str, body: &str, flag: char) -> String {
    format!(
        "MSRP {tid} SEND\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\n{head}\r\n{body}\r\n-------{tid}{flag}\r\n"
    )
}

pub(crate) const TEXT: &str = "Content-Type: text/plain\r\n";

/// A response of the other end.
pub(crate) fn response(request: &Request, status: &str) -> String {
    format!(
        "MSRP {0} {status}\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\n-------{0}$\r\n",
        request.transaction.as_str()
    )
}

pub(crate) struct Bench {
    pub(crate) now: i64,
    pub(crate) endpoint: Endpoint,
    pub(crate) session: SessionKey,
    decoder: Decoder,
    buffer: BytesMut,
    /// What was not written.
    pub(crate) actions: Vec<Action>,
}

impl Bench {
    /// With the session of [`session`] and a plain connection that nothing is bound to.
    pub(crate) fn new() -> Self {
        Self::with(session(), Settings::default())
    }

    pub(crate) fn with(session: Session, settings: Settings) -> Self {
        let mut endpoint = Endpoint::new(settings, 7);
        let session = endpoint.open(0, session).unwrap();
        endpoint.connected(0, LINE, Security::Plain);
        Self {
            now: 0,
            endpoint,
            session,
            decoder: Decoder::default(),
            buffer: BytesMut::new(),
            actions: vec![],
        }
    }

    /// With the session bound by the other end, and nothing left of that.
    pub(crate) fn bound() -> Self {
        Self::new().bind()
    }

    pub(crate) fn bind(mut self) -> Self {
        let empty = format!(
            "MSRP bind0 SEND\r\nTo-Path: {OURS}\r\nFrom-Path: {THEIRS}\r\nMessage-ID: bind\r\nByte-Range: 1-0/0\r\n-------bind0$\r\n"
        );
        let answer = self.hears(&empty);
        assert!(answer.starts_with("MSRP bind0 200 OK\r\n"), "{answer}");
        assert!(matches!(self.actions.as_slice(), [Action::Bound { .. }]), "{:?}", self.actions);
        self.actions.clear();
        self
    }

    /// Octets of the other end; what we write at once.
    pub(crate) fn hears(&mut self, octets: impl AsRef<[u8]>) -> String {
        self.buffer.extend_from_slice(octets.as_ref());
        let mut frames = Vec::new();
        let cut = self.decoder.cut(&mut self.buffer, &mut frames);
        let mut out = Vec::new();
        self.endpoint.received(self.now, LINE, frames, &mut out);
        if let Err(error) = cut {
            self.endpoint.broken(self.now, LINE, error, &mut out);
        }
        self.written(out)
    }

    /// Something else happens; what we write at once.
    pub(crate) fn does(&mut self, what: impl FnOnce(&mut Endpoint, i64, &mut Vec<Action>)) -> String {
        let mut out = Vec::new();
        what(&mut self.endpoint, self.now, &mut out);
        self.written(out)
    }

    /// Time goes by, with every timer on its way.
    pub(crate) fn waits(&mut self, until: i64) -> String {
        let mut text = String::new();
        while let Some(due) = self.endpoint.next_tick().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            text += &self.does(|endpoint, now, out| endpoint.tick(now, out));
        }
        self.now = until;
        text
    }

    fn written(&mut self, out: Vec<Action>) -> String {
        let mut text = String::new();
        for action in out {
            match action {
                Action::Write { octets, .. } => text += &String::from_utf8_lossy(&octets),
                other => self.actions.push(other),
            }
        }
        text
    }

    pub(crate) fn take(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// The one action that is left.
    pub(crate) fn one(&mut self) -> Action {
        let [one] = self.take().try_into().unwrap_or_else(|actions| panic!("not one: {actions:?}"));
        one
    }

    /// The one message that was handed on.
    pub(crate) fn delivered(&mut self) -> (sip_msrp::Question, String) {
        match self.take().as_slice() {
            [Action::Deliver { question, body, .. }] => {
                (*question, String::from_utf8_lossy(body).into_owned())
            }
            other => panic!("not one message: {other:?}"),
        }
    }

    pub(crate) fn closes(&self) -> bool {
        self.actions.contains(&Action::Close { connection: LINE })
    }
}

/// What is written, cut again.
pub(crate) fn frames(text: &str) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut buffer = BytesMut::from(text);
    Decoder::default().cut(&mut buffer, &mut frames).unwrap();
    assert!(buffer.is_empty(), "whole frames only: {buffer:?}");
    frames
}

pub(crate) fn requests(text: &str) -> Vec<Request> {
    let one = |frame| match frame {
        Frame::Request(request) => request,
        other => panic!("no request: {other:?}"),
    };
    frames(text).into_iter().map(one).collect()
}

pub(crate) fn responses(text: &str) -> Vec<Response> {
    let one = |frame| match frame {
        Frame::Response(response) => response,
        other => panic!("no response: {other:?}"),
    };
    frames(text).into_iter().map(one).collect()
}

/// The only response in what is written: its status.
pub(crate) fn status(text: &str) -> u16 {
    match responses(text).as_slice() {
        [one] => one.status.code(),
        other => panic!("not one response: {other:?}"),
    }
}
