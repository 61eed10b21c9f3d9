//! The transaction layer: messages and instants go in, octets to send and news for the user come out.
//!
//! The user (the core of a channel) sees each request once, each final answer once, and says each answer once;
//! what is lost or doubled on the way is the layer's business. It has no socket and no clock: whoever drives it feeds
//! [`Layer::received`] and [`Layer::tick`] and carries out the [`Action`]s in order.

mod client;
mod keys;
mod octets;
mod server;

use bytes::Bytes;
use sip_message::{Message, Method, Request, Response, StatusCode};
use smol_str::SmolStr;

pub use client::{ClientKey, Refused};
pub use keys::Tag;
pub use server::{Gone, ServerKey};

use client::Clients;
use octets::{Arena, Say};
use server::Servers;

use crate::flow::{Flow, Transport};
use crate::hash::Seed;
use crate::timers::Timers;

/// What holds for a group of flows: [`Flow::class`] names the row.
#[derive(Debug, Clone)]
pub struct Class {
    /// T1, T2, T4 towards these peers.
    pub timers: Timers,
    /// Our name in the Via of requests over UDP and TCP: host, and port unless it is 5060.
    pub sent_by: SmolStr,
    /// The same over TLS: the port may be left out when it is 5061.
    pub sent_by_tls: SmolStr,
    /// Longest request sent in a datagram, in octets (RFC 3261 §18.1.1).
    pub datagram_octets_max: usize,
}

impl Class {
    /// "Over 1300 octets if the path MTU is unknown" goes by a stream.
    pub const DATAGRAM_OCTETS_MAX: usize = 1300;

    /// The timers of RFC 3261 and one name.
    #[must_use]
    pub fn core(sent_by: &str, sent_by_tls: &str) -> Self {
        Self {
            timers: Timers::CORE,
            sent_by: sent_by.into(),
            sent_by_tls: sent_by_tls.into(),
            datagram_octets_max: Self::DATAGRAM_OCTETS_MAX,
        }
    }

    fn sent_by(&self, transport: Transport) -> &str {
        match transport {
            Transport::Udp | Transport::Tcp => &self.sent_by,
            Transport::Tls => &self.sent_by_tls,
        }
    }
}

/// How the layer works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Row 0 is for flows whose class has no row. An empty list works with [`Class::core`] of `invalid.invalid`.
    pub classes: Vec<Class>,
    /// Requests remembered at once; a further one is refused with 503. At 20,000 a second over UDP there are 640,000.
    pub servers_max: usize,
    /// Octets kept for answers to requests that are open or must be answered again, all together; when there are more,
    /// further requests are refused with 503.
    pub kept_octets_max: usize,
    /// Requests of our own remembered at once; a further one is [`Refused::Full`].
    pub clients_max: usize,
    /// Seconds of the Retry-After in that 503.
    pub retry_after_s: u32,
    /// Whether a request that came by two ways is answered 482 the second time (RFC 3261 §8.2.2.2). Off unless there
    /// are forking proxies before us that do not fork for several users: it costs a tenth of a request's time, and
    /// the message itself is known again by its own id.
    pub refuse_merged: bool,
    /// Secret of all hashes, tags and branches: random, and another one after each start.
    pub seed: Seed,
}

impl Settings {
    /// Room for 1.5 million transactions on either side.
    pub const TRANSACTIONS_MAX: usize = 1_500_000;
    /// A quarter of a gigabyte: half a million usual answers.
    pub const KEPT_OCTETS_MAX: usize = 256 << 20;

    /// The usual limits.
    #[must_use]
    pub const fn new(classes: Vec<Class>, seed: Seed) -> Self {
        Self {
            classes,
            servers_max: Self::TRANSACTIONS_MAX,
            kept_octets_max: Self::KEPT_OCTETS_MAX,
            clients_max: Self::TRANSACTIONS_MAX,
            retry_after_s: 5,
            refuse_merged: false,
            seed,
        }
    }

    fn class(&self, flow: Flow) -> Option<&Class> {
        self.classes.get(usize::from(flow.class)).or_else(|| self.classes.first())
    }

    fn timers(&self, flow: Flow) -> Timers {
        self.class(flow).map_or(Timers::CORE, |class| class.timers)
    }
}

/// What is to be done, in order.
#[derive(Debug)]
pub enum Action {
    /// Send these octets there.
    Transmit {
        /// Where to.
        flow: Flow,
        /// One whole message.
        octets: Bytes,
    },
    /// A new request. It must be answered once with [`Layer::answer`] or [`Layer::respond`].
    Request {
        /// To answer with.
        key: ServerKey,
        /// Where it came from.
        flow: Flow,
        /// As received.
        request: Request,
    },
    /// An ACK of a 2xx: of the INVITE under `key`, or of none that is known any more.
    Ack {
        /// The INVITE.
        key: Option<ServerKey>,
        /// Where it came from.
        flow: Flow,
        /// As received.
        request: Request,
    },
    /// The sender of that INVITE no longer wants it; CANCEL is answered, the INVITE should be with 487.
    Cancel {
        /// The INVITE.
        key: ServerKey,
        /// The CANCEL, for its Reason.
        request: Request,
    },
    /// No ACK came for the final answer to that INVITE. After a 2xx the session should be ended with BYE
    /// (RFC 3261 §13.3.1.4).
    Unacknowledged {
        /// The INVITE.
        key: ServerKey,
        /// Whether it had been answered 2xx.
        accepted: bool,
    },
    /// An answer to our request: any number of provisional ones, then one final one. Only to INVITE several 2xx may
    /// come, copies and other forks; each wants its ACK by [`Layer::send`].
    Response {
        /// What the request was given.
        token: u64,
        /// The request.
        key: ClientKey,
        /// Where the answer came from.
        flow: Flow,
        /// As received.
        response: Response,
    },
    /// No final answer came to our request. Whether the peer has it is unknown.
    TimedOut {
        /// What the request was given.
        token: u64,
    },
    /// The way to the peer broke before a final answer. Whether the peer has the request is unknown.
    Failed {
        /// What the request was given.
        token: u64,
    },
}

/// What was seen since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Copies of requests that came in.
    pub copies_in: u64,
    /// Requests of ours sent again.
    pub copies_out: u64,
    /// Answers sent again.
    pub answers_again: u64,
    /// Requests of ours without an answer.
    pub timed_out: u64,
    /// Requests of ours whose way broke.
    pub failed: u64,
    /// Final answers to INVITE without an ACK.
    pub unacknowledged: u64,
    /// Requests refused with 503 for want of room.
    pub refused_full: u64,
    /// Requests refused with 482.
    pub refused_merged: u64,
    /// Answers that belong to no request of ours, or to one that has its final answer.
    pub strays: u64,
    /// Requests that their user left without an answer until the peer gave up.
    pub unanswered: u64,
}

/// All transactions of one node, or of one shard of it. Instants are microseconds of a clock that should not be set
/// back; when it is, timers stand still until it has caught up.
#[derive(Debug)]
pub struct Layer {
    servers: Servers,
    clients: Clients,
    common: Common,
}

/// What both sides use.
#[derive(Debug)]
struct Common {
    settings: Settings,
    arena: Arena,
    counts: Counts,
    /// The latest instant that was said.
    now_us: i64,
}

impl Common {
    /// Time does not go back: whoever says an earlier instant means the latest one.
    fn at(&mut self, now_us: i64) -> i64 {
        self.now_us = self.now_us.max(now_us);
        self.now_us
    }
}

/// Timers are kept to ten milliseconds.
const TICK_US: i64 = 10_000;

impl Layer {
    /// A layer without transactions.
    #[must_use]
    pub fn new(now_us: i64, settings: Settings) -> Self {
        Self {
            servers: Servers::new(now_us, &settings),
            clients: Clients::new(now_us, settings.seed),
            common: Common { settings, arena: Arena::default(), counts: Counts::default(), now_us },
        }
    }

    /// A message came in.
    pub fn received(&mut self, now_us: i64, flow: Flow, message: Message, out: &mut Vec<Action>) {
        let now_us = self.common.at(now_us);
        match message {
            Message::Request(request) => match request.method {
                Method::ACK => self.servers.acknowledged(now_us, flow, request, &mut self.common, out),
                Method::CANCEL => self.servers.cancelled(now_us, flow, request, &mut self.common, out),
                _ => self.servers.received(now_us, flow, request, &mut self.common, out),
            },
            Message::Response(response) => {
                self.clients.received(now_us, flow, response, &mut self.common, out);
            }
        }
    }

    /// Answers a request with a status and nothing else. Where there is a choice this one is cheaper than
    /// [`Layer::respond`]: the answer need not be kept.
    ///
    /// # Errors
    /// [`Gone`] when the request has its final answer, or was forgotten because its sender gave up.
    pub fn answer(
        &mut self,
        now_us: i64,
        key: ServerKey,
        status: StatusCode,
        out: &mut Vec<Action>,
    ) -> Result<(), Gone> {
        let now_us = self.common.at(now_us);
        self.servers.say(now_us, key, Say::Status(status), &mut self.common, out)
    }

    /// Answers a request with a whole response. Via, From, To, Call-ID and CSeq are written by the layer, To with
    /// [`Layer::to_tag`]; what the response has of them does not count.
    ///
    /// # Errors
    /// As [`Layer::answer`].
    pub fn respond(
        &mut self,
        now_us: i64,
        key: ServerKey,
        response: &Response,
        out: &mut Vec<Action>,
    ) -> Result<(), Gone> {
        let now_us = self.common.at(now_us);
        self.servers.say(now_us, key, Say::Response(response), &mut self.common, out)
    }

    /// The tag that the layer puts into To of the answers to a request that came without one: our half of the
    /// dialog's name. `None` when the request is gone.
    #[must_use]
    pub fn to_tag(&self, key: ServerKey) -> Option<Tag> {
        self.servers.to_tag(key)
    }

    /// Sends a request of ours under a Via of its own, and again until it is answered. `token` comes back with
    /// everything that is said about it. ACK of a 2xx goes by [`Layer::send`].
    ///
    /// # Errors
    /// [`Refused`], with nothing sent.
    pub fn request(
        &mut self,
        now_us: i64,
        flow: Flow,
        request: &Request,
        token: u64,
        out: &mut Vec<Action>,
    ) -> Result<ClientKey, Refused> {
        let now_us = self.common.at(now_us);
        self.clients.start(now_us, flow, request, token, &mut self.common, out)
    }

    /// Sends a request that nobody answers: the ACK of a 2xx (RFC 3261 §13.2.2.4).
    pub fn send(&mut self, flow: Flow, request: &Request, out: &mut Vec<Action>) {
        self.clients.send(flow, request, &self.common, out);
    }

    /// Takes an INVITE of ours back (RFC 3261 §9.1): CANCEL goes out now, or after the first provisional answer, or
    /// never when a final answer came first. The INVITE's outcome is reported all the same.
    pub fn cancel(&mut self, now_us: i64, key: ClientKey, out: &mut Vec<Action>) {
        let now_us = self.common.at(now_us);
        self.clients.cancel(now_us, key, &mut self.common, out);
    }

    /// The connection, or the peer at the other end of a datagram flow, cannot be reached any more. Requests of ours
    /// that wait for an answer on it are reported [`Action::Failed`]; answers to theirs are still written, in case
    /// there is another way to the peer.
    pub fn failed(&mut self, now_us: i64, flow: Flow, out: &mut Vec<Action>) {
        let now_us = self.common.at(now_us);
        self.clients.failed(now_us, flow, &mut self.common, out);
    }

    /// Does all that is due.
    pub fn tick(&mut self, now_us: i64, out: &mut Vec<Action>) {
        let now_us = self.common.at(now_us);
        self.servers.tick(now_us, &mut self.common, out);
        self.clients.tick(now_us, &mut self.common, out);
    }

    /// When [`Layer::tick`] next has something to do; `None` when nothing is open.
    #[must_use]
    pub fn next_tick_us(&self) -> Option<i64> {
        match (self.servers.next_us(), self.clients.next_us()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Requests that are remembered, answered or not.
    #[must_use]
    pub const fn servers_open(&self) -> usize {
        self.servers.len()
    }

    /// Octets kept for answers, see [`Settings::kept_octets_max`].
    #[must_use]
    pub const fn kept_octets(&self) -> usize {
        self.servers.kept_octets()
    }

    /// Requests of ours that are remembered, answered or not.
    #[must_use]
    pub const fn clients_open(&self) -> usize {
        self.clients.len()
    }

    /// What was seen since the start.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.common.counts
    }
}
