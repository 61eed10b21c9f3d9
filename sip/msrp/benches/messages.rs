//! What a message costs: `cargo bench -p sip-msrp`. Best of several rounds.
#![expect(clippy::print_stdout, reason = "a measurement is there to be read")]

use std::hint::black_box;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use sip_msrp::{
    Action, Answer, ConnectionId, Decoder, Endpoint, Frame, Message, Path, Security, Session, SessionKey,
    Settings, Uri,
};

const ROUNDS: usize = 12;
const LINE: ConnectionId = ConnectionId(1);

/// One end of a connection.
struct End {
    endpoint: Endpoint,
    session: SessionKey,
    decoder: Decoder,
    buffer: BytesMut,
}

impl End {
    fn new(local: &str, remote: &str) -> Self {
        let uri = |text| Uri::parse(text).unwrap_or_else(|_| unreachable!("a URI"));
        let mut endpoint = Endpoint::new(Settings::default(), 1);
        let session = endpoint.open(0, Session::new(uri(local), Path::from(uri(remote))));
        let session = session.unwrap_or_else(|| unreachable!("the first one"));
        endpoint.connected(0, LINE, Security::Plain);
        Self { endpoint, session, decoder: Decoder::default(), buffer: BytesMut::new() }
    }

    /// Octets arrive, and everything is taken; what is written.
    fn hears(&mut self, octets: &[u8], frames: &mut Vec<Frame>, out: &mut Vec<Action>) -> (Bytes, usize) {
        self.buffer.extend_from_slice(octets);
        assert!(self.decoder.cut(&mut self.buffer, frames).is_ok(), "frames");
        self.endpoint.received(0, LINE, frames.drain(..), out);
        let answers: Vec<_> = out
            .iter()
            .filter_map(|action| match action {
                Action::Deliver { question, .. } => Some((*question, Answer::Taken)),
                _ => None,
            })
            .collect();
        let sent = out.iter().filter(|action| matches!(action, Action::Sent { .. })).count();
        self.endpoint.answer(0, answers, out);
        (written(out), sent)
    }
}

fn written(out: &mut Vec<Action>) -> Bytes {
    let mut octets = BytesMut::new();
    for action in out.drain(..) {
        if let Action::Write { octets: some, .. } = action {
            octets.extend_from_slice(&some);
        }
    }
    octets.freeze()
}

/// Sending, cutting, taking, answering and hearing the answer of so many messages, both ends together.
fn exchange(octets: usize, messages: usize) -> f64 {
    let (ours, theirs) =
        ("msrp://gw.example:2855/0123456789abcdef;tcp", "msrp://peer.example:2855/fedcba9876543210;tcp");
    let (mut here, mut there) = (End::new(ours, theirs), End::new(theirs, ours));
    let body = Bytes::from(vec![b'x'; octets]);
    let (mut frames, mut out) = (Vec::new(), Vec::new());
    here.endpoint.bind(0, here.session, LINE, &mut out);
    let start = Instant::now();
    let mut sent = 0;
    let mut put = 0;
    while sent < messages {
        while put < messages && here.endpoint.waiting(here.session) < 8 {
            put += 1;
            let message = Message::new(format!("m{put:07}"), "message/cpim", body.clone());
            assert!(here.endpoint.send(0, here.session, message, &mut out).is_ok(), "room");
        }
        let there_hears = written(&mut out);
        let (here_hears, _) = there.hears(&there_hears, &mut frames, &mut out);
        let (more, done) = here.hears(&here_hears, &mut frames, &mut out);
        if !more.is_empty() {
            out.push(Action::Write { connection: LINE, octets: more });
        }
        sent += done;
    }
    start.elapsed().as_secs_f64() * 1e9 / messages as f64
}

/// Looking for the end of long bodies.
fn cut(octets: usize) -> f64 {
    let head = "MSRP abcdefgh1234 SEND\r\nTo-Path: msrp://a/b;tcp\r\nFrom-Path: msrp://a/b;tcp\r\nMessage-ID: m1\r\nContent-Type: a/b\r\n\r\n";
    let chunk = [head.as_bytes(), &vec![b'x'; octets], b"\r\n-------abcdefgh1234$\r\n"].concat();
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    let start = Instant::now();
    for _ in 0..100 {
        buffer.extend_from_slice(&chunk);
        assert!(Decoder::default().cut(&mut buffer, &mut frames).is_ok(), "frames");
        black_box(frames.drain(..).count());
    }
    start.elapsed().as_secs_f64() * 1e9 / 100.0
}

fn best(name: &str, mut work: impl FnMut() -> f64) {
    let best = (0..ROUNDS).map(|_| work()).fold(f64::INFINITY, f64::min);
    println!("{name:<52} {best:>9.0} ns");
}

fn main() {
    best("a message of 300 octets, both ends", || exchange(300, 20_000));
    best("a message of 100,000 octets, both ends", || exchange(100_000, 200));
    best("a chunk of 300 octets, cut", || cut(300));
    best("a chunk of 60,000 octets, cut", || cut(60_000));
}
