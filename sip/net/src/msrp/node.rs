//! Sessions and their connections together: what a driver needs between SDP and messages.

use hashbrown::HashMap;
use sip_msrp::{Action, ConnectionId, Endpoint, SessionKey};

use super::{Batch, Connections, Event, Target};

/// An endpoint that does with its connections what it wants done. What is left for the driver are the actions
/// about sessions and messages. It never waits.
#[derive(Debug)]
pub struct Node {
    endpoint: Endpoint,
    connections: Connections,
    /// Sessions of the active end, until the connection stands.
    dialling: HashMap<ConnectionId, Vec<SessionKey>>,
}

impl Node {
    /// Over these connections, whose inbox the driver reads.
    pub fn new(endpoint: Endpoint, connections: Connections) -> Self {
        Self { endpoint, connections, dialling: HashMap::new() }
    }

    /// The sessions, to look at; what changes them goes through [`with`](Self::with).
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The sockets.
    pub const fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Does something with the sessions, and writes what follows.
    pub fn with<T>(
        &mut self,
        out: &mut Vec<Action>,
        what: impl FnOnce(&mut Endpoint, &mut Vec<Action>) -> T,
    ) -> T {
        let before = out.len();
        let done = what(&mut self.endpoint, out);
        self.perform(before, out);
        done
    }

    /// Events have come. The room they take in the queue is given back here: a driver that wants to keep it
    /// until messages are safe takes the batch apart and calls [`happened`](Self::happened).
    pub fn take(&mut self, now: i64, batch: Batch, out: &mut Vec<Action>) {
        for event in batch.into_parts().0 {
            self.happened(now, event, out);
        }
    }

    /// One event.
    pub fn happened(&mut self, now: i64, event: Event, out: &mut Vec<Action>) {
        let before = out.len();
        match event {
            Event::Opened { connection, security, .. } => {
                self.endpoint.connected(now, connection, security);
                for session in self.dialling.remove(&connection).unwrap_or_default() {
                    self.endpoint.bind(now, session, connection, out);
                }
            }
            Event::Frames { connection, frames } => self.endpoint.received(now, connection, frames, out),
            Event::Broken { connection, error } => self.endpoint.broken(now, connection, error, out),
            Event::Closed { connection, .. } => {
                self.endpoint.closed(now, connection, out);
                for session in self.dialling.remove(&connection).unwrap_or_default() {
                    self.endpoint.unreachable(now, session, out);
                }
            }
        }
        self.perform(before, out);
    }

    /// The active end: this session runs over a connection to there, the one that stands or a new one. The
    /// session ends at once when it cannot be opened.
    pub fn reach(&mut self, now: i64, session: SessionKey, target: Target, out: &mut Vec<Action>) {
        let before = out.len();
        match self.connections.connect(target) {
            Some(connection) if self.endpoint.is_connected(connection) => {
                self.endpoint.bind(now, session, connection, out);
            }
            Some(connection) => self.dialling.entry(connection).or_default().push(session),
            None => self.endpoint.unreachable(now, session, out),
        }
        self.perform(before, out);
    }

    /// What is new in `out`.
    fn perform(&self, before: usize, out: &mut Vec<Action>) {
        if before == 0 {
            return self.connections.perform(out);
        }
        let mut new = out.split_off(before);
        self.connections.perform(&mut new);
        out.append(&mut new);
    }
}
