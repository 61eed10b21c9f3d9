//! The RCS channel as a function of what happens to it: messages, answers, hand-overs and time go in, octets to send
//! and news for the gateway come out.
//!
//! It owns the transactions, the registrations and what waits for somebody else. It has no socket, no clock and no
//! randomness of its own: whoever drives it says what time it is, and finds in [`Out`] what is to be done.
//!
//! | what came | goes to |
//! | --- | --- |
//! | a request | [`classify`](mod@classify), who is it ([`identity`]), then a service: [`pager`], [`notifications`], [`registrar`], … |
//! | what is said in a session | [`session`], then as the same in a request |
//! | what a group is about | [`conference`], then [`group`] |
//! | an answer to a request of ours | [`sends`], then the [`Owner`](sends::Owner) of that request |
//! | an answer of the gateway | [`waiting`], then the SIP response |
//! | something to hand over | [`flights`], [`reports`], [`composing`] |

mod alarms;
mod capabilities;
mod classify;
mod coding;
mod composing;
mod conference;
mod counts;
mod draw;
mod flights;
pub mod group;
mod http_digest;
mod identity;
mod letters;
mod notifications;
mod occasion;
mod pager;
mod parts;
mod recent;
mod registrar;
mod reports;
mod returned;
mod revocation;
mod sends;
mod served;
mod session;
mod short;
mod slots;
mod status;
mod waiting;

use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashMap;
use kit::{Kept, Watch};
use model::{Answer, Cause, Inbound, Outgoing, SessionId, Timestamp};
use sip_message::{Message, Request, StatusCode};
use sip_net::{
    NoFlow, Target,
    resolve::{Candidates, Destination, Unresolved},
};
use sip_transaction::{Action, Class, Flow, Layer, ServerKey, hash::Seed, location::Location};
use smol_str::SmolStr;

use self::{
    alarms::Alarms, capabilities::Book, composing::Marks, conference::Conference, draw::Draw,
    flights::Flights, group::Focus, identity::Doorkeeper, recent::Recent, registrar::Device,
    revocation::Revocations, sends::Sends, served::ServedUsers, session::Sessions, short::Shorts,
    slots::Slots, waiting::Waiting,
};
pub use self::{
    counts::{Counts, Standing},
    http_digest::{HttpCall, HttpDigest, Proof},
};
use crate::{Settings, translate::Namer};

/// The sockets, as far as the core has to know them. Never waits.
pub trait Ways: Send {
    /// The way to a target: one that stands, or one that is being opened.
    ///
    /// # Errors
    /// When there can be none.
    fn flow(&self, target: &Target) -> Result<Flow, NoFlow>;

    /// Whether anything can still be sent this way.
    fn is_open(&self, flow: Flow) -> bool;

    /// The servers of a destination: at once, or later by [`Core::resolved`] with that token.
    fn resolve(
        &self,
        destination: &Destination,
        random: u64,
        token: u64,
    ) -> Option<Result<Candidates, Unresolved>>;

    /// A connection for MSRP: one that stands, or one that is being opened. `None`: there can be none.
    fn connect(&self, _target: sip_net::msrp::Target) -> Option<sip_msrp::ConnectionId> {
        None
    }
}

/// What is to be done, in order.
#[derive(Debug, Default)]
pub struct Out {
    /// Octets to send.
    pub transmit: Vec<(Flow, Bytes)>,
    /// What is to be written to connections of MSRP, and which are to be closed.
    pub msrp: Vec<sip_msrp::Action>,
    /// News for the gateway.
    pub inbound: Vec<Inbound>,
    /// What the operator is told.
    pub notes: Vec<Note>,
}

/// Something an operator should know of. It names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// The relay of MSRP lends no path: it refused with that status, or cannot be reached. Said once.
    RelayAway(Option<u16>),
    /// It does again.
    RelayBack,
}

/// See the module.
pub struct Core {
    settings: Arc<Settings>,
    session: SessionId,
    watch: Arc<dyn Watch>,
    ways: Box<dyn Ways>,
    namer: Namer,
    draw: Draw,
    layer: Layer,
    location: Location,
    doorkeeper: Doorkeeper,
    waiting: Slots<Waiting>,
    sends: Sends,
    flights: Flights,
    sessions: Sessions,
    shorts: Shorts,
    focus: Focus,
    conference: Conference,
    devices: HashMap<u64, Device>,
    marks: Marks,
    book: Book,
    served: ServedUsers,
    /// Call-IDs of subscriptions that are not answered yet.
    watching: Slots<SmolStr>,
    revocations: Revocations,
    alarms: Alarms,
    /// What senders call the messages that we handed over, by what we called them.
    references: Recent<SmolStr, SmolStr>,
    /// Why no submission is taken right now.
    closed: Option<Cause>,
    draining: bool,
    counts: Counts,
    actions: Vec<Action>,
    /// The other half of `actions`, so that both keep their room.
    spare: Vec<Action>,
    out: Out,
}

impl Core {
    /// A core to which nothing has happened yet. `random` is 32 octets that nobody can guess.
    #[must_use]
    pub fn new(
        now_us: i64,
        settings: Arc<Settings>,
        session: SessionId,
        random: [u64; 4],
        ways: Box<dyn Ways>,
        watch: Arc<dyn Watch>,
    ) -> Self {
        let [a, b, c, d] = random;
        let mut core = Self {
            layer: Layer::new(now_us, layer_settings(&settings, Seed(a, b))),
            location: Location::new(now_us, location_settings(&settings), Seed(b, a)),
            namer: Namer::new(&settings.secret),
            doorkeeper: Doorkeeper::new(&settings),
            draw: Draw::new(Seed(c, d)),
            session,
            watch,
            ways,
            waiting: Slots::new(),
            sends: Sends::default(),
            flights: Flights::default(),
            shorts: Shorts::default(),
            sessions: Sessions::new(&settings, Seed(d, a), b ^ c),
            focus: Focus::new(Namer::new(&settings.secret).seed()),
            conference: Conference::new(&settings, Seed(c, b)),
            devices: HashMap::new(),
            marks: Marks::default(),
            book: Book::default(),
            served: ServedUsers::default(),
            watching: Slots::new(),
            revocations: Revocations::default(),
            alarms: Alarms::default(),
            references: Recent::default(),
            closed: None,
            draining: false,
            counts: Counts::default(),
            actions: Vec::new(),
            spare: Vec::new(),
            out: Out::default(),
            settings,
        };
        core.announce_room();
        core.announce_users(now_us);
        core.seek_relay(now_us);
        core
    }

    /// What it had kept when the last process ended, before anything else happens.
    pub fn recall(&mut self, now_us: i64, kept: Kept) {
        let settings = self.settings.clone();
        self.focus.recall(now_us, &settings, kept);
        self.settle(now_us);
    }

    /// What is to be done. Drain all lists.
    pub const fn out(&mut self) -> &mut Out {
        &mut self.out
    }

    /// What was seen since the start.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What is there now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            users: self.location.records() + self.served.len(),
            devices: self.location.contacts(),
            sessions: self.sessions(),
        }
    }

    /// Takes new settings. Registrations and what is under way stay; limits of tables hold from the next start on.
    pub fn set(&mut self, now_us: i64, settings: Arc<Settings>) {
        let before = std::mem::replace(&mut self.settings, settings);
        self.namer = Namer::new(&self.settings.secret);
        self.doorkeeper.set(&self.settings);
        if before.limits.window != self.settings.limits.window {
            self.announce_room();
        }
        self.forget_users(now_us, &before);
        self.announce_users(now_us);
    }

    /// Whether a new submission would be refused right now.
    pub const fn set_closed(&mut self, closed: Option<Cause>) {
        self.closed = closed;
    }

    /// Nothing more is taken; what is under way ends as it ends.
    pub fn drain(&mut self, now_us: i64) {
        self.draining = true;
        self.hang_up_all(now_us);
        self.settle(now_us);
        self.announce_room();
    }

    /// Sessions that stand, those included that are not acknowledged yet.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Whether nothing is under way any more.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.flights.is_empty()
            && self.book.is_idle()
            && self.revocations.is_idle()
            && self.waiting.len() == 0
            && self.focus.is_idle()
            && self.conference.is_idle()
    }

    fn announce_room(&mut self) {
        let room = if self.draining { 0 } else { self.settings.limits.window };
        self.out.inbound.push(Inbound::Room { channel: self.settings.channel, room });
    }

    /// A message came in.
    pub fn received(&mut self, now_us: i64, flow: Flow, message: Message) {
        self.layer.received(now_us, flow, message, &mut self.actions);
        self.settle(now_us);
    }

    /// A connection is gone. `never_stood` says that it did not come up at all, so that nothing was sent on it.
    pub fn ended(&mut self, now_us: i64, flow: Flow, never_stood: bool) {
        self.sends.never_stood = never_stood;
        self.layer.failed(now_us, flow, &mut self.actions);
        self.settle(now_us);
        self.sends.never_stood = false;
        let gone = self.location.disconnected(flow.id);
        for (aor, binding) in gone {
            self.device_gone(now_us, &aor, binding.number);
        }
    }

    /// These octets certainly did not leave. A datagram is sent again by its own timer; a connection that took no more
    /// is gone.
    pub fn unsent(&mut self, now_us: i64, flow: Flow, octets: &Bytes) {
        if !flow.reliable() {
            return;
        }
        self.sends.mark_unsent(octets);
        self.layer.failed(now_us, flow, &mut self.actions);
        self.settle(now_us);
    }

    /// A destination was looked up.
    pub fn resolved(&mut self, now_us: i64, token: u64, servers: Result<Candidates, Unresolved>) {
        if self.sessions.is_resolving(token) {
            self.media_resolved(now_us, token, servers);
        } else {
            self.found(now_us, token, servers);
        }
        self.settle(now_us);
    }

    /// The gateway has answered.
    pub fn answers(&mut self, now_us: i64, answers: impl IntoIterator<Item = (u64, Answer)>) {
        for (token, answer) in answers {
            self.answered(now_us, token, answer);
        }
        self.settle(now_us);
    }

    /// Something is to leave.
    pub fn hand_over(&mut self, now_us: i64, batch: impl IntoIterator<Item = Outgoing>) {
        for item in batch {
            match item {
                Outgoing::Message(message) => self.message(now_us, message),
                Outgoing::Report(report) => self.report(now_us, report),
                Outgoing::Revoke(message) => self.revoke(now_us, &message),
                Outgoing::Signal(signal) => self.signal(now_us, &signal),
            }
        }
        self.settle(now_us);
    }

    /// Time has passed.
    pub fn tick(&mut self, now_us: i64) {
        self.layer.tick(now_us, &mut self.actions);
        self.media_due(now_us);
        self.settle(now_us);
        while let Some((aor, gone)) = self.location.expired(now_us) {
            for binding in gone {
                self.device_gone(now_us, &aor, binding.number);
            }
        }
        self.ring(now_us);
        self.settle(now_us);
    }

    /// When [`Self::tick`] next has something to do.
    #[must_use]
    pub fn next_tick_us(&self) -> Option<i64> {
        let dialogs = self.sessions.next_tick_us();
        let next = [self.layer.next_tick_us(), self.location.next_us(), self.alarms.next_us(), dialogs];
        next.into_iter().flatten().min()
    }

    /// Carries out what the transactions want, until they want nothing more.
    fn settle(&mut self, now_us: i64) {
        while !(self.actions.is_empty() && self.sessions.is_settled() && self.focus.is_settled()) {
            self.settle_media(now_us);
            self.settle_groups(now_us);
            let mut actions = std::mem::replace(&mut self.actions, std::mem::take(&mut self.spare));
            for action in actions.drain(..) {
                self.act(now_us, action);
            }
            self.spare = actions;
        }
    }

    fn act(&mut self, now_us: i64, action: Action) {
        match action {
            Action::Transmit { flow, octets } => self.out.transmit.push((flow, octets)),
            Action::Request { key, flow, request } => self.requested(now_us, key, flow, request),
            Action::Response { token, flow, response, .. } => self.responded(now_us, token, flow, response),
            Action::TimedOut { token } => self.silent(now_us, token),
            Action::Failed { token } => self.broken(now_us, token),
            Action::Ack { key, request, .. } => self.acknowledged(now_us, key, &request),
            Action::Cancel { key, .. } => self.cancelled(now_us, key),
            Action::Unacknowledged { key, accepted: true } => self.unacknowledged(now_us, key),
            Action::Unacknowledged { accepted: false, .. } => {}
        }
    }

    /// Answers with a status and nothing else. A request that was forgotten in the meantime needs no answer.
    fn answer(&mut self, now_us: i64, key: ServerKey, status: StatusCode) {
        let _gone = self.layer.answer(now_us, key, status, &mut self.actions);
    }

    /// Answers with headers or a body; `change` fills the response.
    fn respond(
        &mut self,
        now_us: i64,
        key: ServerKey,
        status: StatusCode,
        change: impl FnOnce(&mut sip_message::Response),
    ) {
        // What the response has of Via, From and To does not count: the layer writes them.
        let mut response = sip_message::Response::new(status, sip_message::Headers::new());
        change(&mut response);
        let _gone = self.layer.respond(now_us, key, &response, &mut self.actions);
    }

    fn timestamp(now_us: i64) -> Timestamp {
        Timestamp::from_micros(now_us)
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("channel", &self.settings.name)
            .field("registrations", &self.location.contacts())
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

/// Class 0 for everything; class 1 for a request that goes by UDP although it is large, because nothing else does.
const LARGE: u8 = 1;

fn layer_settings(settings: &Settings, seed: Seed) -> sip_transaction::Settings {
    let mut usual = Class::core(&settings.contact, &settings.contact);
    usual.timers = settings.timers;
    usual.datagram_octets_max = settings.limits.datagram_octets_max;
    let large = Class { datagram_octets_max: usize::from(u16::MAX), ..usual.clone() };
    sip_transaction::Settings {
        retry_after_s: settings.limits.retry_after_s,
        ..sip_transaction::Settings::new(vec![usual, large], seed)
    }
}

fn location_settings(settings: &Settings) -> sip_transaction::location::Settings {
    let registration = &settings.registration;
    sip_transaction::location::Settings {
        expires_s_min: registration.expires_s_min,
        expires_s_max: registration.expires_s_max,
        expires_s_default: registration.expires_s_max,
        contacts_max: registration.contacts_max,
        records_max: registration.users_max,
        ..sip_transaction::location::Settings::default()
    }
}

impl Core {
    /// A request, once.
    fn requested(&mut self, now_us: i64, key: ServerKey, flow: Flow, request: Request) {
        let request = match coding::inflated(request, self.settings.limits.body_octets_max) {
            Ok(request) => request,
            Err(coding::Damaged::Broken) => return self.answer(now_us, key, StatusCode::BAD_REQUEST),
            Err(coding::Damaged::TooLarge) => return self.refuse_request(now_us, key, Cause::TooLong),
        };
        if self.came_back(now_us, key, flow, &request) {
            return;
        }
        let request = &parts::readable(request);
        let service = match classify::classify(request) {
            Ok(service) => service,
            Err(objection) => {
                if !objection.silent {
                    self.counts.objections += 1;
                    let response = objection.response(request, "");
                    let _gone = self.layer.respond(now_us, key, &response, &mut self.actions);
                }
                return;
            }
        };
        match service {
            classify::Service::Pager => self.pager(now_us, key, flow, request),
            classify::Service::Register => self.register(now_us, key, flow, request),
            classify::Service::Notify => self.notify(now_us, key, request),
            classify::Service::Invite => self.invited(now_us, key, flow, request),
            classify::Service::Within => self.within(now_us, key, request),
            classify::Service::Refer => self.refer(now_us, key, flow, request),
            classify::Service::Subscribe => self.subscribe(now_us, key, flow, request),
            classify::Service::Options => self.options(now_us, key, flow, request),
        }
    }
}
