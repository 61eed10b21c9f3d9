//! Requests of ours: which way they go, and who hears what came of them.
//!
//! Any service sends with [`Core::send`] and an [`Owner`]; what comes of it reaches the owner as [`Heard`], once.

use std::net::SocketAddr;

use bytes::Bytes;
use sip_message::{HeaderValue, Message, Method, Name, Request, Response, StatusCode};
use sip_net::{
    Target,
    resolve::{Candidates, Destination, Unresolved},
};
use sip_transaction::{ClientKey, Flow, Refused, ServerKey, Transport};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::{
    Core, LARGE,
    slots::{Slot, Slots},
};

/// A token that nobody has.
const NOBODY: u64 = u64::MAX - 1;

/// Who hears what came of a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner {
    /// A hand-over, and which of its devices.
    Flight { flight: Slot, branch: u8 },
    /// A short message to a handset, and which segment of it.
    Short { delivery: Slot, segment: u8 },
    /// A question about capabilities.
    Question(Slot),
    /// A message that is to be taken back.
    Revocation(Slot),
    /// A subscription to what devices are.
    Watch(Slot),
    /// A session: whether it still lives.
    Refresh { session: Slot, invite: bool },
    /// A session that we open.
    Invite(Slot),
    /// A core whose request of ours it is that came back.
    Returned(ServerKey),
    /// Something said in a group.
    Parcel(u64),
    /// Somebody who wants to hear of a group.
    Watcher(Slot),
    /// Nobody.
    Nobody,
}

/// Where a request goes.
#[derive(Debug, Clone)]
pub(super) enum Toward {
    /// A way that stands.
    Flow(Flow),
    Destination(Destination),
}

/// What came of a request.
#[derive(Debug)]
pub(super) enum Heard {
    /// The final answer.
    Answer(Response),
    /// None came: it may have arrived.
    Silence,
    /// It certainly did not leave.
    NotSent,
}

impl Heard {
    /// As a status, whoever said it.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Answer(response) => response.status,
            Self::Silence => StatusCode::REQUEST_TIMEOUT,
            Self::NotSent => StatusCode::TEMPORARILY_UNAVAILABLE,
        }
    }
}

/// There is no way for a request; it did not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoWay {
    /// Nothing leads there.
    Nowhere,
    /// Too many requests are open.
    Full,
}

/// A way that may still be tried.
#[derive(Debug, Clone)]
enum Hop {
    Flow(Flow),
    Target(Target),
}

#[derive(Debug)]
struct Sending {
    owner: Owner,
    request: Request,
    /// Ways not tried yet, the next one last.
    hops: SmallVec<[Hop; 2]>,
    /// For the names that certificates have to prove.
    server_name: SmolStr,
    unsent: bool,
    /// Its transaction.
    key: Option<ClientKey>,
}

/// Requests that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Sends {
    open: Slots<Sending>,
    /// The connection that just ended never stood.
    pub(super) never_stood: bool,
}

impl Sends {
    /// These octets came back from the socket: they are known by the Call-ID that we wrote.
    pub(super) fn mark_unsent(&mut self, octets: &Bytes) {
        let limits = sip_message::Limits::STREAM;
        let Ok(Message::Request(request)) = sip_message::parse_datagram(octets.clone(), &limits) else {
            return;
        };
        if let Some(sending) = slot_of(request.call_id()).and_then(|slot| self.open.get_mut(slot)) {
            sending.unsent = true;
        }
    }

    /// Whether a request is one of ours that is not answered yet.
    pub(super) fn is_open(&self, request: &Request) -> bool {
        let call_id = request.call_id();
        let sending = slot_of(call_id).and_then(|slot| self.open.get(slot));
        sending.is_some_and(|sending| sending.request.call_id() == call_id)
    }
}

impl Core {
    /// Sends a request; gets a Call-ID and a CSeq where it has none. Its owner hears of it later, exactly once,
    /// unless there is no way at all.
    pub(super) fn send(
        &mut self,
        now_us: i64,
        toward: Toward,
        request: Request,
        owner: Owner,
    ) -> Result<(), NoWay> {
        self.send_as(now_us, toward, request, owner).map(|_name| ())
    }

    /// As [`Self::send`]; names the request, so that it can be cancelled.
    pub(super) fn send_as(
        &mut self,
        now_us: i64,
        toward: Toward,
        request: Request,
        owner: Owner,
    ) -> Result<Slot, NoWay> {
        let (hops, server_name, wanted) = match toward {
            Toward::Flow(flow) => (SmallVec::from_iter([Hop::Flow(flow)]), SmolStr::default(), None),
            Toward::Destination(destination) => {
                (SmallVec::new(), destination.server_name(), Some(destination))
            }
        };
        let slot =
            self.sends.open.insert(Sending { owner, request, hops, server_name, unsent: false, key: None });
        let random = self.draw.word();
        if let Some(sending) = self.sends.open.get_mut(slot)
            && !sending.request.headers.contains(Name::CallId)
        {
            let headers = &mut sending.request.headers;
            headers
                .push(Name::CallId, format_args!("{:x}-{random:x}@{}", slot.token(), self.settings.domain));
            match &sending.request.method {
                &Method::MESSAGE => headers.push(Name::CSeq, HeaderValue::from_static("1 MESSAGE")),
                other => headers.push(Name::CSeq, format_args!("1 {other}")),
            }
        }
        let Some(destination) = wanted else { return self.go(now_us, slot).map(|()| slot) };
        match self.ways.resolve(&destination, random, slot.token()) {
            // Heard of later.
            None => Ok(slot),
            Some(Ok(servers)) => {
                self.take_servers(slot, servers);
                self.go(now_us, slot).map(|()| slot)
            }
            Some(Err(_)) => {
                self.sends.open.remove(slot);
                Err(NoWay::Nowhere)
            }
        }
    }

    /// Takes an INVITE back (RFC 3261 §9.1). Its owner hears of it all the same.
    pub(super) fn cancel_sending(&mut self, now_us: i64, slot: Slot) {
        let Some(sending) = self.sends.open.get_mut(slot) else { return };
        match sending.key {
            Some(key) => self.layer.cancel(now_us, key, &mut self.actions),
            // Still looked up.
            None => {
                let owner = sending.owner;
                self.sends.open.remove(slot);
                self.heard(now_us, owner, Heard::NotSent);
            }
        }
    }

    /// Sends an ACK, which nobody answers (RFC 3261 §13.2.2.4).
    pub(super) fn send_ack(&mut self, toward: &Toward, ack: &Request) {
        let flow = match toward {
            Toward::Flow(flow) => Some(*flow),
            Toward::Destination(destination) => {
                // A name that has to be looked up first: the answer is repeated until then.
                let servers = self.ways.resolve(destination, 0, NOBODY).and_then(Result::ok);
                servers.and_then(|servers| servers.first().copied()).and_then(|server| {
                    let server_name = match server.transport {
                        Transport::Tls => destination.server_name(),
                        Transport::Udp | Transport::Tcp => SmolStr::default(),
                    };
                    let (transport, remote) = (server.transport, server.address);
                    self.ways.flow(&Target { transport, remote, server_name, class: 0 }).ok()
                })
            }
        };
        if let Some(flow) = flow {
            self.layer.send(flow, ack, &mut self.actions);
        }
    }

    fn take_servers(&mut self, slot: Slot, servers: Candidates) {
        let Some(sending) = self.sends.open.get_mut(slot) else { return };
        let server_name = sending.server_name.clone();
        sending.hops.extend(servers.into_iter().rev().map(|server| {
            let server_name = match server.transport {
                Transport::Tls => server_name.clone(),
                Transport::Udp | Transport::Tcp => SmolStr::default(),
            };
            Hop::Target(Target { transport: server.transport, remote: server.address, server_name, class: 0 })
        }));
    }

    /// The servers of a destination were looked up.
    pub(super) fn found(&mut self, now_us: i64, token: u64, servers: Result<Candidates, Unresolved>) {
        let slot = Slot::of(token);
        let Some(owner) = self.sends.open.get(slot).map(|sending| sending.owner) else { return };
        // Without servers there is no way to go.
        self.take_servers(slot, servers.unwrap_or_default());
        if self.go(now_us, slot).is_err() {
            self.heard(now_us, owner, Heard::NotSent);
        }
    }

    /// Sends by the next way that takes it.
    fn go(&mut self, now_us: i64, slot: Slot) -> Result<(), NoWay> {
        loop {
            let Some(sending) = self.sends.open.get_mut(slot) else { return Ok(()) };
            let Some(hop) = sending.hops.pop() else {
                self.sends.open.remove(slot);
                return Err(NoWay::Nowhere);
            };
            let flow = match &hop {
                Hop::Flow(flow) if flow.reliable() && !self.ways.is_open(*flow) => continue,
                Hop::Flow(flow) => *flow,
                Hop::Target(target) => match self.ways.flow(target) {
                    Ok(flow) => flow,
                    Err(_) => continue,
                },
            };
            sending.unsent = false;
            let sent = self.layer.request(now_us, flow, &sending.request, slot.token(), &mut self.actions);
            match sent {
                Ok(key) => {
                    if let Some(sending) = self.sends.open.get_mut(slot) {
                        sending.key = Some(key);
                    }
                    return Ok(());
                }
                Err(Refused::TooLarge { .. }) => {
                    // By a stream, and if there is none as a large datagram all the same (RFC 3261 §18.1.1).
                    sending.hops.push(Hop::Flow(Flow { class: LARGE, ..flow }));
                    sending.hops.push(Hop::Target(stream_to(flow.remote)));
                }
                Err(Refused::Full) => {
                    self.sends.open.remove(slot);
                    return Err(NoWay::Full);
                }
            }
        }
    }

    /// An answer to a request of ours.
    pub(super) fn responded(&mut self, now_us: i64, token: u64, flow: Flow, response: Response) {
        if response.status.code() < 200 {
            return;
        }
        let Some(sending) = self.sends.open.remove(Slot::of(token)) else {
            if response.status.is_success()
                && let Some((toward, ack)) = self.acknowledge_again(&response)
            {
                self.send_ack(&toward, &ack);
            }
            return;
        };
        if let Owner::Invite(call) = sending.owner {
            self.call_sent(call, sending.request, flow);
        }
        self.heard(now_us, sending.owner, Heard::Answer(response));
    }

    /// No answer came in time.
    pub(super) fn silent(&mut self, now_us: i64, token: u64) {
        self.end(now_us, Slot::of(token), Heard::Silence);
    }

    /// Its way broke. What certainly did not leave goes by the next way.
    pub(super) fn broken(&mut self, now_us: i64, token: u64) {
        let slot = Slot::of(token);
        let Some(sending) = self.sends.open.get(slot) else { return };
        if !(sending.unsent || self.sends.never_stood) {
            return self.end(now_us, slot, Heard::Silence);
        }
        let owner = sending.owner;
        // Gone from the table when there is no further way.
        if self.go(now_us, slot).is_err() {
            self.heard(now_us, owner, Heard::NotSent);
        }
    }

    fn end(&mut self, now_us: i64, slot: Slot, heard: Heard) {
        if let Some(sending) = self.sends.open.remove(slot) {
            self.heard(now_us, sending.owner, heard);
        }
    }

    fn heard(&mut self, now_us: i64, owner: Owner, heard: Heard) {
        match owner {
            Owner::Flight { flight, branch } => self.branch_heard(now_us, flight, branch, heard),
            Owner::Short { delivery, segment } => self.short_heard(now_us, delivery, segment, heard),
            Owner::Question(slot) => self.question_heard(now_us, slot, &heard),
            Owner::Revocation(slot) => self.revocation_heard(now_us, slot, &heard),
            Owner::Watch(slot) => self.watch_heard(slot, &heard),
            Owner::Refresh { session, invite } => self.refreshed(now_us, session, invite, &heard),
            Owner::Invite(call) => self.call_heard(now_us, call, heard),
            Owner::Returned(key) => self.returned_heard(now_us, key, heard),
            Owner::Watcher(slot) => self.watcher_heard(slot, &heard),
            // Said in a session, never requested.
            Owner::Parcel(_) | Owner::Nobody => {}
        }
    }
}

/// Our Call-IDs begin with the place of the request.
fn slot_of(call_id: &str) -> Option<Slot> {
    let (token, _) = call_id.split_once('-')?;
    u64::from_str_radix(token, 16).ok().map(Slot::of)
}

fn stream_to(remote: SocketAddr) -> Target {
    Target { transport: Transport::Tcp, remote, server_name: SmolStr::default(), class: 0 }
}
