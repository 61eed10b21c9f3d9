//! Sessions and their connections together: what a driver needs between SDP and messages.

use hashbrown::HashMap;
use sip_msrp::{Action, ConnectionId, Endpoint, Path, SessionKey, Status, Uri};

use super::{Batch, Connections, Event, Target};

/// An endpoint that does with its connections what it wants done. What is left for the driver are the actions
/// about sessions and messages. It never waits.
#[derive(Debug)]
pub struct Node {
    endpoint: Endpoint,
    connections: Connections,
    /// What waits until a connection stands.
    dialling: HashMap<ConnectionId, Vec<Waiting>>,
}

#[derive(Debug)]
enum Waiting {
    /// A session of the active end.
    Session(SessionKey),
    /// To be known to a relay.
    Relay { relay: Path, local: Uri, expires_s: Option<u32> },
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
                for waiting in self.dialling.remove(&connection).unwrap_or_default() {
                    self.begin(now, connection, waiting, out);
                }
            }
            Event::Frames { connection, frames } => self.endpoint.received(now, connection, frames, out),
            Event::Broken { connection, error } => self.endpoint.broken(now, connection, error, out),
            Event::Closed { connection, .. } => {
                self.endpoint.closed(now, connection, out);
                for waiting in self.dialling.remove(&connection).unwrap_or_default() {
                    self.give_up(now, connection, &waiting, out);
                }
            }
        }
        self.perform(before, out);
    }

    /// The active end: this session runs over a connection to there, the one that stands or a new one. The
    /// session ends at once when it cannot be opened.
    pub fn reach(&mut self, now: i64, session: SessionKey, target: Target, out: &mut Vec<Action>) {
        if self.dial(now, target, Waiting::Session(session), out).is_none() {
            self.with(out, |endpoint, out| endpoint.unreachable(now, session, out));
        }
    }

    /// Asks the relay at the end of `relay` for an address, over a connection to there. Sessions that
    /// [`reach`](Self::reach) for the same target share it. `None`: there are too many connections. What follows
    /// is as with [`Endpoint::authorize`]; a relay that cannot be reached is not authorized with 408.
    pub fn authorize(
        &mut self,
        now: i64,
        target: Target,
        relay: Path,
        local: Uri,
        expires_s: Option<u32>,
        out: &mut Vec<Action>,
    ) -> Option<ConnectionId> {
        self.dial(now, target, Waiting::Relay { relay, local, expires_s }, out)
    }

    fn dial(
        &mut self,
        now: i64,
        target: Target,
        waiting: Waiting,
        out: &mut Vec<Action>,
    ) -> Option<ConnectionId> {
        let before = out.len();
        let connection = self.connections.connect(target)?;
        if self.endpoint.is_connected(connection) {
            self.begin(now, connection, waiting, out);
            self.perform(before, out);
        } else {
            self.dialling.entry(connection).or_default().push(waiting);
        }
        Some(connection)
    }

    fn begin(&mut self, now: i64, connection: ConnectionId, waiting: Waiting, out: &mut Vec<Action>) {
        match waiting {
            Waiting::Session(session) => self.endpoint.bind(now, session, connection, out),
            Waiting::Relay { relay, local, expires_s } => {
                self.endpoint.authorize(now, connection, relay, local, expires_s, out);
            }
        }
    }

    fn give_up(&mut self, now: i64, connection: ConnectionId, waiting: &Waiting, out: &mut Vec<Action>) {
        match waiting {
            Waiting::Session(session) => self.endpoint.unreachable(now, *session, out),
            Waiting::Relay { .. } => {
                out.push(Action::NotAuthorized { connection, status: Status::TIMED_OUT })
            }
        }
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
