//! One connection: who uses it, what waits for a response on it, what is to be written.

use std::collections::VecDeque;

use bytes::BytesMut;
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::{ConnectionId, Security, SessionKey, inbound::Incoming, relay::Authorisation};
use crate::{FailureReport, TransactionId, limits};

/// A connection. `Debug` shows no octet of it.
pub(super) struct Connection {
    pub(super) security: Security,
    pub(super) sessions: SmallVec<[SessionKey; 2]>,
    /// The one of them that sends empty requests in time.
    pub(super) keeper: Option<SessionKey>,
    /// Requests of ours without a response.
    flights: HashMap<TransactionId, Flight>,
    /// The same in the order of their deadlines, with some that were answered.
    deadlines: VecDeque<(i64, TransactionId)>,
    /// The chunk whose end has not come yet.
    pub(super) incoming: Option<Box<Incoming>>,
    pub(super) authorisation: Option<Box<Authorisation>>,
    /// Messages that wait for our answer.
    pub(super) questions: usize,
    /// Octets of incomplete messages.
    pub(super) incomplete: usize,
    pub(super) strikes: u8,
    /// No frame is taken any more.
    pub(super) closing: bool,
    pub(super) output: BytesMut,
    pub(super) dirty: bool,
    pub(super) received_at: i64,
    pub(super) written_at: i64,
    /// When nobody uses it, it is closed then.
    pub(super) unused_until: i64,
    /// The timer that is set.
    pub(super) armed: i64,
}

/// A request of ours that waits for its response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flight {
    pub(super) what: What,
    pub(super) since: i64,
}

/// What was sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// A chunk of this message.
    Chunk { session: SessionKey, number: u64, asked: FailureReport },
    /// Nothing, so that the other end or a box in the middle knows us.
    Empty { session: SessionKey, keep_alive: bool },
    /// Who we are, to a relay.
    Auth,
}

impl Connection {
    pub(super) fn new(now: i64, security: Security) -> Self {
        Self {
            security,
            sessions: SmallVec::new(),
            keeper: None,
            flights: HashMap::new(),
            deadlines: VecDeque::new(),
            incoming: None,
            authorisation: None,
            questions: 0,
            incomplete: 0,
            strikes: 0,
            closing: false,
            output: BytesMut::new(),
            dirty: false,
            received_at: now,
            written_at: now,
            unused_until: now + limits::FIRST_SESSION_WAIT_US,
            armed: i64::MAX,
        }
    }

    /// Remembers that there is something to write.
    pub(super) fn mark(&mut self, id: ConnectionId, dirty: &mut Vec<ConnectionId>) {
        if !std::mem::replace(&mut self.dirty, true) {
            dirty.push(id);
        }
    }

    /// Waits for a response.
    pub(super) fn expect(&mut self, now: i64, transaction: TransactionId, what: What) {
        self.deadlines.push_back((now + limits::RESPONSE_WAIT_US, transaction.clone()));
        self.flights.insert(transaction, Flight { what, since: now });
    }

    /// A response has come.
    pub(super) fn landed(&mut self, transaction: &TransactionId) -> Option<Flight> {
        let flight = self.flights.remove(transaction);
        self.sweep();
        flight
    }

    /// The next request that got no response in time.
    pub(super) fn overdue(&mut self, now: i64) -> Option<Flight> {
        self.sweep();
        let (due, _) = self.deadlines.front()?;
        if *due > now {
            return None;
        }
        let (_, transaction) = self.deadlines.pop_front()?;
        self.flights.remove(&transaction)
    }

    /// The front of the deadlines is always one that waits.
    fn sweep(&mut self) {
        while self.deadlines.front().is_some_and(|(_, transaction)| !self.flights.contains_key(transaction)) {
            self.deadlines.pop_front();
        }
    }

    pub(super) fn response_due(&self) -> Option<i64> {
        self.deadlines.front().map(|(due, _)| *due)
    }

    pub(super) fn is_used(&self) -> bool {
        !self.sessions.is_empty() || self.authorisation.is_some()
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("security", &self.security)
            .field("sessions", &self.sessions)
            .field("flights", &self.flights.len())
            .field("closing", &self.closing)
            .finish_non_exhaustive()
    }
}
