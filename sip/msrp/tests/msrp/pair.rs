//! Two endpoints and what is between them: reads that end anywhere, connections that go.

use std::collections::BTreeMap;

use bytes::BytesMut;
use proptest::prelude::*;
use sip_msrp::{
    Action, Answer, ConnectionId, Decoder, Endpoint, Limits, Message, Path, Security, Session, SessionKey,
    Settings, Status,
};

use crate::bench::uri;

/// One end: an endpoint, and what it has seen.
struct End {
    endpoint: Endpoint,
    sessions: Vec<SessionKey>,
    decoder: Decoder,
    /// Octets on their way to this end.
    wire: BytesMut,
    buffer: BytesMut,
    taken: Vec<(SessionKey, String, Vec<u8>)>,
    sent: Vec<(SessionKey, String)>,
    failed: Vec<(SessionKey, String, bool)>,
    reports: Vec<(SessionKey, String, Status)>,
}

struct Pair {
    now: i64,
    line: ConnectionId,
    ends: [End; 2],
}

const SESSIONS: usize = 3;

fn local(end: usize, session: usize) -> String {
    format!("msrp://end{end}.example:2855/session{session}of{end};tcp")
}

impl End {
    fn new(end: usize, settings: Settings) -> Self {
        let mut endpoint = Endpoint::new(settings, end as u64);
        let open = |session| {
            let one = Session::new(uri(&local(end, session)), Path::from(uri(&local(1 - end, session))));
            endpoint.open(0, one).unwrap()
        };
        let sessions = (0..SESSIONS).map(open).collect();
        Self {
            endpoint,
            sessions,
            decoder: Decoder::default(),
            wire: BytesMut::new(),
            buffer: BytesMut::new(),
            taken: vec![],
            sent: vec![],
            failed: vec![],
            reports: vec![],
        }
    }
}

impl Pair {
    fn new(settings: Settings) -> Self {
        let mut pair =
            Self { now: 0, line: ConnectionId(0), ends: [End::new(0, settings), End::new(1, settings)] };
        pair.connect();
        pair
    }

    /// A new connection; end 0 is the active one.
    fn connect(&mut self) {
        self.line = ConnectionId(self.line.0 + 1);
        let line = self.line;
        for end in &mut self.ends {
            end.endpoint.connected(self.now, line, Security::Plain);
            end.decoder = Decoder::new(Limits { piece_octets: 700, ..Limits::default() });
            end.wire.clear();
            end.buffer.clear();
        }
        let now = self.now;
        for session in self.ends[0].sessions.clone() {
            self.act(0, |endpoint, out| endpoint.bind(now, session, line, out));
        }
    }

    fn lose(&mut self) {
        let (now, line) = (self.now, self.line);
        for end in 0..2 {
            self.act(end, |endpoint, out| endpoint.closed(now, line, out));
        }
    }

    /// Lets one end do something, and does what follows.
    fn act(&mut self, end: usize, what: impl FnOnce(&mut Endpoint, &mut Vec<Action>)) {
        let mut out = Vec::new();
        what(&mut self.ends[end].endpoint, &mut out);
        self.follow(end, out);
    }

    fn follow(&mut self, end: usize, out: Vec<Action>) {
        let mut answers = Vec::new();
        for action in out {
            match action {
                Action::Write { octets, connection } => {
                    assert_eq!(connection, self.line, "no writes to a connection that is gone");
                    self.ends[1 - end].wire.extend_from_slice(&octets);
                }
                Action::Deliver { question, session, message_id, body, .. } => {
                    self.ends[end].taken.push((session, message_id.into(), body.to_vec()));
                    answers.push((question, Answer::Taken));
                }
                Action::Sent { session, message_id } => {
                    self.ends[end].sent.push((session, message_id.into()))
                }
                Action::Failed { session, message_id, whole, .. } => {
                    self.ends[end].failed.push((session, message_id.into(), whole))
                }
                Action::Report { session, message_id, status } => {
                    self.ends[end].reports.push((session, message_id.into(), status))
                }
                Action::Close { .. } => panic!("end {end} closes"),
                _ => {}
            }
        }
        if !answers.is_empty() {
            let mut out = Vec::new();
            self.ends[end].endpoint.answer(self.now, answers, &mut out);
            self.follow(end, out);
        }
    }

    /// At most so many octets arrive at one end.
    fn arrive(&mut self, end: usize, octets: usize) {
        let one = &mut self.ends[end];
        let some = one.wire.split_to(octets.min(one.wire.len()));
        one.buffer.extend_from_slice(&some);
        let mut frames = Vec::new();
        one.decoder.cut(&mut one.buffer, &mut frames).unwrap();
        let (now, line) = (self.now, self.line);
        self.act(end, |endpoint, out| endpoint.received(now, line, frames, out));
    }

    fn settle(&mut self, mut octets: impl FnMut() -> usize) {
        while self.ends.iter().any(|end| !end.wire.is_empty()) {
            for end in 0..2 {
                self.arrive(end, octets());
            }
        }
    }

    fn send(&mut self, end: usize, session: usize, message: Message) {
        let now = self.now;
        let key = self.ends[end].sessions[session];
        self.act(end, |endpoint, out| endpoint.send(now, key, message, out).unwrap());
    }
}

fn body(seed: usize, octets: usize) -> Vec<u8> {
    (0..octets).map(|at| b"-\r\nMSRP abc$+#"[(at * 7 + seed * (at / 5)) % 14]).collect()
}

fn message(at: usize, octets: usize) -> Message {
    Message {
        success_report: at.is_multiple_of(2),
        ..Message::new(format!("msg{at:05}"), "text/plain", body(at, octets))
    }
}

#[test]
fn both_ways_at_once_over_three_sessions() {
    let mut pair = Pair::new(Settings { chunk_octets: 500, window_chunks: 4, ..Settings::default() });
    for at in 0..60 {
        pair.send(at % 2, at % SESSIONS, message(at, at * 97));
    }
    let mut turn = 0_usize;
    pair.settle(|| {
        turn += 1;
        1 + turn * 31 % 400
    });
    for end in 0..2 {
        let mine: Vec<_> = (0..60).filter(|at| at % 2 == end).collect();
        assert_eq!(pair.ends[end].sent.len(), mine.len());
        assert_eq!(pair.ends[end].failed, []);
        assert_eq!(pair.ends[end].reports.len(), mine.iter().filter(|at| *at % 2 == 0).count());
        let taken = &pair.ends[1 - end].taken;
        assert_eq!(taken.len(), mine.len());
        for session in 0..SESSIONS {
            let key = pair.ends[1 - end].sessions[session];
            let here = taken
                .iter()
                .filter(|(of, ..)| *of == key)
                .map(|(_, id, octets)| (id.clone(), octets.clone()));
            let there = mine.iter().filter(|at| *at % SESSIONS == session);
            let there = there.map(|at| (format!("msg{at:05}"), body(*at, at * 97)));
            assert!(here.eq(there), "session {session} of end {end}: in order and octet for octet");
        }
    }
}

#[test]
fn a_short_message_of_another_session_does_not_wait_for_a_long_one() {
    let mut pair = Pair::new(Settings { chunk_octets: 500, window_chunks: 2, ..Settings::default() });
    pair.send(0, 0, message(0, 100_000));
    pair.send(0, 1, message(1, 10));
    while pair.ends[1].taken.is_empty() {
        pair.arrive(1, 300);
        pair.arrive(0, 300);
    }
    assert_eq!(pair.ends[1].taken[0].1, "msg00001");
    pair.settle(|| 4000);
    assert_eq!(pair.ends[0].sent.len(), 2);
}

#[derive(Debug, Clone)]
enum Happening {
    Send { end: usize, session: usize, octets: usize },
    Arrive { end: usize, octets: usize },
    Lose,
    Wait(i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (0_usize..2, 0..SESSIONS, 0_usize..3000)
            .prop_map(|(end, session, octets)| Happening::Send { end, session, octets }),
        20 => (0_usize..2, 1_usize..2000).prop_map(|(end, octets)| Happening::Arrive { end, octets }),
        1 => Just(Happening::Lose),
        2 => (0_i64..2_000_000).prop_map(Happening::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is lost between them: what the sender is told is true, nothing arrives broken, and what is sent
    /// again arrives in order behind what came first.
    #[test]
    fn nothing_is_lost_that_was_answered(
        happenings in prop::collection::vec(happening(), 1..120),
        chunk_octets in 1_usize..900,
        window_chunks in 1_usize..6,
    ) {
        let mut pair = Pair::new(Settings { chunk_octets: chunk_octets.max(50), window_chunks, ..Settings::default() });
        let mut bodies = BTreeMap::new();
        let mut last = 0;
        for one in happenings {
            match one {
                Happening::Send { end, session, octets } => {
                    last += 1;
                    bodies.insert(format!("msg{last:05}"), (end, body(last, octets)));
                    pair.send(end, session, message(last, octets));
                }
                Happening::Arrive { end, octets } => pair.arrive(end, octets),
                Happening::Lose => {
                    pair.lose();
                    pair.now += 1_000;
                    pair.connect();
                }
                Happening::Wait(by) => {
                    // Sessions do not expire here: that is in `binding.rs`.
                    pair.now = (pair.now + by).min(9_000_000);
                    let now = pair.now;
                    for end in 0..2 {
                        pair.act(end, |endpoint, out| endpoint.tick(now, out));
                    }
                }
            }
            for end in 0..2 {
                for (_, id, octets) in &pair.ends[end].taken {
                    prop_assert_eq!(&bodies[id].1, octets);
                }
                for (_, id) in &pair.ends[end].sent {
                    prop_assert!(pair.ends[1 - end].taken.iter().any(|(_, taken, _)| taken == id), "{} is a lie", id);
                }
            }
        }
        pair.settle(|| 1500);
        for (id, (end, _)) in &bodies {
            let sent = pair.ends[*end].sent.iter().filter(|(_, sent)| sent == id).count();
            let failed = pair.ends[*end].failed.iter().filter(|(_, failed, _)| failed == id).count();
            prop_assert_eq!(sent + failed, 1, "{} has one end", id);
        }
        for end in 0..2 {
            for session in pair.ends[end].sessions.clone() {
                prop_assert_eq!(pair.ends[end].endpoint.waiting(session), 0);
                // The first time of each message, in the order of sending.
                let mut first: Vec<&String> = vec![];
                for (_, id, _) in pair.ends[end].taken.iter().filter(|(of, ..)| *of == session) {
                    if !first.contains(&id) {
                        first.push(id);
                    }
                }
                prop_assert!(first.is_sorted(), "{:?}", first);
            }
        }
    }
}
