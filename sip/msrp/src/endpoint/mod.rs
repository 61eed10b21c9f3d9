//! Every session and every connection of one gateway, as values.
//!
//! Sessions come from SDP before their connections do, and several share one connection; so they live side by
//! side, and the first request that names a session binds it (RFC 4975 §5.4, §7.3). Whoever owns the sockets
//! tells what happened and does what the [`Action`]s say.

mod binding;
mod connection;
mod inbound;
mod judge;
mod outbound;
mod outbox;
mod questions;
mod relay;
mod reports;
mod states;
mod timers;

use hashbrown::HashMap;
use smol_str::SmolStr;

use crate::{
    Action, Answer, Ending, Fingerprint, Frame, FrameError, Message, Question, SendError, Session, Status,
    limits,
};
use connection::Connection;
use questions::Asked;
use states::{Event, Open, Then, step};
use timers::Timers;

/// Which connection; numbered by whoever owns the sockets, never twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Which session; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(u64);

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Security {
    /// Not at all.
    Plain,
    /// By TLS; with the certificate that the other end has shown.
    Tls(Option<Fingerprint>),
}

/// What an operator may choose.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Octets of a chunk that we send.
    pub chunk_octets: usize,
    /// Chunks of one session that wait for their response.
    pub window_chunks: usize,
    /// Octets of incomplete messages on one connection.
    pub incomplete_octets_max: usize,
    /// Silence after which sessions that want it send an empty request, in microseconds.
    pub keep_alive_us: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            chunk_octets: limits::CHUNK_OCTETS,
            window_chunks: limits::WINDOW_CHUNKS,
            incomplete_octets_max: limits::INCOMPLETE_OCTETS_MAX,
            keep_alive_us: limits::KEEP_ALIVE_US,
        }
    }
}

/// The sessions and connections. Every method ends with everything written that is to be written.
#[derive(Debug)]
pub struct Endpoint {
    settings: Settings,
    random: Random,
    sessions: HashMap<SessionKey, Open>,
    /// By the session-id of our URI.
    ids: HashMap<SmolStr, SessionKey>,
    connections: HashMap<ConnectionId, Connection>,
    questions: HashMap<Question, Asked>,
    timers: Timers,
    last_key: u64,
    /// Connections with something to write.
    dirty: Vec<ConnectionId>,
}

impl Endpoint {
    /// Nothing yet. Transactions are named from `seed`, a random value.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            random: Random(seed),
            sessions: HashMap::new(),
            ids: HashMap::new(),
            connections: HashMap::new(),
            questions: HashMap::new(),
            timers: Timers::default(),
            last_key: 0,
            dirty: Vec::new(),
        }
    }

    /// A session was agreed on. It waits for its connection; `None` when our URI has no session-id or one that
    /// is in use.
    pub fn open(&mut self, now: i64, session: Session) -> Option<SessionKey> {
        let id = SmolStr::new(session.local.session_id()?);
        if self.ids.contains_key(&id) {
            return None;
        }
        self.last_key += 1;
        let key = SessionKey(self.last_key);
        self.ids.insert(id, key);
        self.sessions.insert(key, Open::new(now, session));
        self.arm_session(key);
        Some(key)
    }

    /// What SDP says of an open session has changed. The session-id of our URI must stay; `false` if it did not
    /// or there is no such session.
    pub fn change(&mut self, session: SessionKey, to: Session) -> bool {
        let Some(open) = self.sessions.get_mut(&session) else { return false };
        if open.session.local.session_id() != to.local.session_id() {
            return false;
        }
        open.session = to;
        let connection = open.connection;
        self.arm_session(session);
        if let Some(connection) = connection {
            self.choose_keeper(connection);
            self.arm_connection(connection);
        }
        true
    }

    /// A session was ended by its dialog. What was not sent fails; questions may still be answered.
    pub fn close(&mut self, now: i64, session: SessionKey, out: &mut Vec<Action>) {
        self.forget(now, session, out);
        self.flush(out);
    }

    /// A connection is there, whoever opened it.
    pub fn connected(&mut self, now: i64, connection: ConnectionId, security: Security) {
        self.connections.insert(connection, Connection::new(now, security));
        self.arm_connection(connection);
    }

    /// The active end: this session runs over this connection. An empty request says so to the other end, and
    /// what waits follows (RFC 4975 §5.4).
    pub fn bind(&mut self, now: i64, session: SessionKey, connection: ConnectionId, out: &mut Vec<Action>) {
        if self.bind_session(now, session, connection, out) {
            self.send_empty(now, session, false);
            self.pump(now, session, out);
        }
        self.flush(out);
    }

    /// The active end: no connection can be opened for this session. It is over, unless the other end has
    /// come meanwhile.
    pub fn unreachable(&mut self, now: i64, session: SessionKey, out: &mut Vec<Action>) {
        let state = self.sessions.get(&session).map(|open| open.state);
        if let Some(Then::End(ending)) = state.and_then(|state| step(state, Event::Unreachable)) {
            self.end(now, session, ending, out);
        }
        self.flush(out);
    }

    /// Is this connection there, and not about to be closed?
    pub fn is_connected(&self, connection: ConnectionId) -> bool {
        self.connections.get(&connection).is_some_and(|one| !one.closing)
    }

    /// Frames have come, in this order.
    pub fn received(
        &mut self,
        now: i64,
        connection: ConnectionId,
        frames: impl IntoIterator<Item = Frame>,
        out: &mut Vec<Action>,
    ) {
        for frame in frames {
            let Some(one) = self.connections.get_mut(&connection).filter(|one| !one.closing) else { break };
            one.received_at = now;
            match frame {
                Frame::Request(request) => self.request(now, connection, request, out),
                Frame::Piece(piece) => self.piece(now, connection, piece, out),
                Frame::Response(response) => self.response(now, connection, response, out),
            }
        }
        self.flush(out);
    }

    /// What came cannot be followed: 400 where that can be said, then the end of the connection.
    pub fn broken(&mut self, now: i64, connection: ConnectionId, error: FrameError, out: &mut Vec<Action>) {
        self.refuse_stream(now, connection, error);
        self.flush(out);
    }

    /// A connection is gone, whoever closed it. Its sessions may get another one for a while.
    pub fn closed(&mut self, now: i64, connection: ConnectionId, out: &mut Vec<Action>) {
        self.lose(now, connection, out);
        self.flush(out);
    }

    /// Sends a message, at once or when the session has its connection.
    ///
    /// # Errors
    ///
    /// When the other end would refuse it, or the queue is full. Nothing is written then.
    pub fn send(
        &mut self,
        now: i64,
        session: SessionKey,
        message: Message,
        out: &mut Vec<Action>,
    ) -> Result<(), SendError> {
        self.enqueue(now, session, message)?;
        self.pump(now, session, out);
        self.flush(out);
        Ok(())
    }

    /// Gives a message up, with `#` if some of it was sent. `false` when it is not under way; nothing else is
    /// said of it.
    pub fn abort(&mut self, now: i64, session: SessionKey, message_id: &str, out: &mut Vec<Action>) -> bool {
        let known = self.give_up(now, session, message_id);
        self.pump(now, session, out);
        self.flush(out);
        known
    }

    /// Answers messages and nicknames. One that was answered before, or whose connection is gone, is let be:
    /// the sender sends it again then.
    pub fn answer(
        &mut self,
        now: i64,
        answers: impl IntoIterator<Item = (Question, Answer)>,
        out: &mut Vec<Action>,
    ) {
        for (question, answer) in answers {
            self.answer_one(now, question, answer);
        }
        self.flush(out);
    }

    /// Does what is due by now.
    pub fn tick(&mut self, now: i64, out: &mut Vec<Action>) {
        self.fire(now, out);
        self.flush(out);
    }

    /// When [`tick`](Self::tick) has something to do next.
    pub fn next_tick(&self) -> Option<i64> {
        self.timers.next()
    }

    /// The session with this session-id in our URI.
    pub fn find(&self, session_id: &str) -> Option<SessionKey> {
        self.ids.get(session_id).copied()
    }

    /// Its connection, while it has one.
    pub fn connection(&self, session: SessionKey) -> Option<ConnectionId> {
        self.sessions.get(&session)?.connection
    }

    /// What was agreed on.
    pub fn session(&self, session: SessionKey) -> Option<&Session> {
        self.sessions.get(&session).map(|open| &open.session)
    }

    /// Messages that wait to be sent or answered by the other end.
    pub fn waiting(&self, session: SessionKey) -> usize {
        self.sessions.get(&session).map_or(0, |open| open.outbox.len())
    }

    /// Open sessions and connections.
    pub fn sizes(&self) -> (usize, usize) {
        (self.sessions.len(), self.connections.len())
    }

    /// Ends a session by itself.
    fn end(&mut self, now: i64, session: SessionKey, ending: Ending, out: &mut Vec<Action>) {
        if self.sessions.contains_key(&session) {
            self.forget(now, session, out);
            out.push(Action::Ended { session, ending });
        }
    }

    /// Everything that was written since the last time, one write a connection.
    fn flush(&mut self, out: &mut Vec<Action>) {
        for connection in self.dirty.drain(..) {
            let Some(one) = self.connections.get_mut(&connection) else { continue };
            one.dirty = false;
            if !one.output.is_empty() {
                out.push(Action::Write { connection, octets: one.output.split().freeze() });
            }
            if one.closing {
                out.push(Action::Close { connection });
            }
        }
    }

    /// Closes a connection after what was written.
    fn shut(&mut self, connection: ConnectionId) {
        if let Some(one) = self.connections.get_mut(&connection)
            && !one.closing
        {
            one.closing = true;
            one.mark(connection, &mut self.dirty);
        }
    }

    /// A request for nothing of ours: some of them are an accident.
    fn strike(&mut self, connection: ConnectionId, status: Status) {
        let Some(one) = self.connections.get_mut(&connection) else { return };
        // A relay brings what many others say: it is not to blame for those who are late.
        if status == Status::NO_SESSION && one.authorisation.is_none() {
            one.strikes = one.strikes.saturating_add(1);
            if one.strikes >= limits::STRIKES_MAX {
                self.shut(connection);
            }
        }
    }
}

/// `splitmix64` over a random seed: transactions must differ, and nobody gains by guessing them.
#[derive(Debug)]
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
