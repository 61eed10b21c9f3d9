//! Sessions of messages: INVITE and MSRP (rcs sheet §6, §8, §9). We are an end of each of them; the gateway keeps
//! what is said in them as it keeps every other message.
//!
//! ```text
//!  INVITE ─▶ invite ─▶ Session ◀─ originate ◀─ a message too large for a MESSAGE, a device that only chats
//!                        │  dialog: BYE, UPDATE, INVITE again, session timer      (within, ending)
//!                        │  media: connection, chunks, what was said              (media, saying)
//!                        ├─ relay: what the connection goes through        (relay)
//!                        └─ purpose: who is told
//! ```
//!
//! A service that has sessions of its own is a variant of [`Purpose`]: what comes in a session, what became of what
//! was sent in it, requests within its dialog that are not about the session itself, and its end are handed to it
//! where that is matched on.

mod describe;
mod ending;
mod invite;
mod media;
mod originate;
mod relay;
mod saying;
mod within;

use bytes::Bytes;
use hashbrown::HashMap;
use model::Number;
use sip_message::{Headers, Name, Request, RequestBuilder, Uri};
use sip_msrp::{ConnectionId, Endpoint, SessionKey};
use sip_rcs::sdp::{Agreed, Local};
use sip_transaction::{
    Flow, ServerKey,
    dialog::{Dialog, Dialogs, SessionTimer},
    hash::Seed,
};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::{
    Core,
    identity::Sender,
    sends::Owner,
    slots::{Slot, Slots},
};
use crate::{
    Settings,
    translate::{Line, Spelling, uri_of},
};

pub(super) use self::{
    describe::MsrpSession,
    ending::Why,
    originate::{Call, Errand, transport_of},
    saying::{By, Fate, Spoken},
};

/// What a session is for: who hears what happens in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Two people write to each other (rcs sheet §8).
    Chat,
    /// One message and the end (rcs sheet §6).
    Large,
    /// A member and the group (rcs sheet §10).
    Group,
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Their INVITE waits for the gateway: a message came with it.
    Storing,
    /// Answered, not acknowledged yet: no BYE may leave (RFC 3261 §15).
    Answered,
    /// Established.
    Open,
}

/// One session.
pub(super) struct Session {
    pub(super) purpose: Purpose,
    pub(super) state: State,
    /// Their INVITE, until it is acknowledged.
    invite: Option<ServerKey>,
    /// Who has the other end.
    pub(super) user: Sender,
    /// Whom that person talks to, and that as a URI.
    pub(super) far_line: Line,
    far_uri: Uri,
    /// The device, when it is registered here.
    pub(super) device: Option<u64>,
    dialog: Dialog,
    /// What every message in it says besides: Conversation-ID and the like.
    kept: Headers,
    /// For the 2xx: the INVITE without its body.
    request: Option<Box<Request>>,
    /// Our side of the description, as last said.
    local: Local,
    /// What both ends agreed on.
    pub(super) agreed: Option<Agreed>,
    /// What is to be done about media once the INVITE is answered; after that nothing.
    planned: Option<Plan>,
    pub(super) media: Option<SessionKey>,
    way: Way,
    timer: Option<SessionTimer>,
    /// Whether the other end knows UPDATE.
    updates: bool,
}

/// How requests within the dialog reach the other end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// The way its INVITE came.
    pub(super) flow: Flow,
    /// Nobody stands between.
    pub(super) direct: bool,
}

/// An answer of ours that is still to be sent.
struct Plan {
    body: Bytes,
    /// `None` when we offer: what is agreed comes with the ACK.
    media: Option<MsrpSession>,
}

/// All of them.
pub(super) struct Sessions {
    open: Slots<Session>,
    dialogs: Dialogs<Slot>,
    /// INVITEs of theirs that have no ACK yet.
    invites: HashMap<ServerKey, Slot>,
    media: HashMap<SessionKey, Slot>,
    /// What we said that was not answered yet, and who hears of it.
    said: HashMap<(SessionKey, SmolStr), Owner>,
    /// Who talks with whom, the user of the device first.
    pairs: HashMap<u64, SmallVec<[Slot; 2]>>,
    users: HashMap<Line, u32>,
    /// Sessions that are over, whose BYE waits for the ACK.
    leaving: HashMap<ServerKey, ending::Leaving>,
    /// INVITEs of ours without a final answer.
    calls: Slots<Call>,
    /// Who is called for whom, the user of the device first.
    calling: HashMap<u64, SmallVec<[Slot; 2]>>,
    endpoint: Endpoint,
    /// Connections on their way, and who waits for them.
    dialling: HashMap<ConnectionId, SmallVec<[SessionKey; 1]>>,
    /// Names that are looked up for a connection.
    resolving: HashMap<u64, media::Resolving>,
    resolved: u32,
    /// What all of them go through, where the operator wants that.
    relay: relay::Relay,
    /// What the media want done.
    actions: Vec<sip_msrp::Action>,
}

impl Sessions {
    pub(super) fn new(settings: &Settings, seed: Seed, random: u64) -> Self {
        let max = settings.msrp.as_ref().map_or(0, |msrp| msrp.sessions_max);
        Self {
            open: Slots::new(),
            dialogs: Dialogs::new(max, seed),
            invites: HashMap::new(),
            media: HashMap::new(),
            said: HashMap::new(),
            pairs: HashMap::new(),
            users: HashMap::new(),
            leaving: HashMap::new(),
            calls: Slots::new(),
            calling: HashMap::new(),
            endpoint: Endpoint::new(sip_msrp::Settings::default(), random),
            dialling: HashMap::new(),
            resolving: HashMap::new(),
            resolved: 0,
            relay: relay::Relay::default(),
            actions: Vec::new(),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether that token is for a name of ours.
    pub(super) fn is_resolving(&self, token: u64) -> bool {
        self.resolving.contains_key(&token)
    }

    pub(super) fn is_settled(&self) -> bool {
        self.actions.is_empty()
    }

    /// When something is due.
    pub(super) fn next_tick_us(&self) -> Option<i64> {
        self.endpoint.next_tick()
    }

    /// The session that a request names.
    pub(super) fn named(&mut self, request: &Request) -> Option<Slot> {
        self.dialogs.of_request(request).copied()
    }

    /// The sessions of `user` with `far`, newest last.
    pub(super) fn between(&self, pair: u64) -> impl DoubleEndedIterator<Item = (Slot, &Session)> {
        let slots = self.pairs.get(&pair).map(SmallVec::as_slice).unwrap_or_default();
        slots.iter().filter_map(|slot| Some((*slot, self.open.get(*slot)?)))
    }
}

impl Session {
    /// Something said in the session, as a MESSAGE would have brought it.
    fn as_request(&self, id: &str, content_type: &str, body: Bytes) -> Request {
        let call_id = self.dialog.id().call_id();
        let mut request = RequestBuilder::new(sip_message::Method::MESSAGE, self.far_uri.clone())
            .header(Name::CallId, format_args!("{call_id}/{id}"))
            .cseq(1)
            .body(content_type, body)
            .build();
        for name in KEPT {
            request.headers.copy_from(&self.kept, name);
        }
        request
    }
}

/// Headers of an INVITE that say something about every message of its session.
const KEPT: [Name; 4] =
    [Name::ConversationId, Name::ContributionId, Name::InReplyToContributionId, Name::PChargingVector];

impl Core {
    /// Adds a session to all tables.
    fn enter(&mut self, session: Session) -> Option<Slot> {
        let pair = self.pair(&session.user.line, &session.far_line);
        let (id, user, invite) = (session.dialog.id().clone(), session.user.line.clone(), session.invite);
        let slot = self.sessions.open.insert(session);
        if self.sessions.dialogs.insert(id, slot).is_err() {
            self.sessions.open.remove(slot);
            return None;
        }
        self.sessions.pairs.entry(pair).or_default().push(slot);
        *self.sessions.users.entry(user).or_default() += 1;
        if let Some(key) = invite {
            self.sessions.invites.insert(key, slot);
        }
        Some(slot)
    }

    /// Takes a session out of all tables. Its media are closed: what was not sent fails.
    fn leave(&mut self, now_us: i64, slot: Slot) -> Option<Session> {
        let session = self.sessions.open.remove(slot)?;
        let pair = self.pair(&session.user.line, &session.far_line);
        let sessions = &mut self.sessions;
        sessions.dialogs.remove(session.dialog.id());
        if let Some(key) = session.invite {
            sessions.invites.remove(&key);
        }
        if let hashbrown::hash_map::Entry::Occupied(mut slots) = sessions.pairs.entry(pair) {
            slots.get_mut().retain(|other| *other != slot);
            if slots.get().is_empty() {
                slots.remove();
            }
        }
        if let hashbrown::hash_map::Entry::Occupied(mut count) =
            sessions.users.entry(session.user.line.clone())
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        if let Some(media) = session.media {
            sessions.media.remove(&media);
            sessions.endpoint.close(now_us, media, &mut sessions.actions);
        }
        if session.purpose == Purpose::Group {
            self.member_ended(slot, None);
        }
        Some(session)
    }

    /// Who has the other end of a session.
    pub(super) fn user_of(&self, slot: Slot) -> Option<Line> {
        Some(self.sessions.open.get(slot)?.user.line.clone())
    }

    pub(super) fn media_of(&self, slot: Slot) -> Option<SessionKey> {
        self.sessions.open.get(slot)?.media
    }

    /// Whether its other end is neither registered here nor served.
    pub(super) fn is_beyond(&self, slot: Slot) -> bool {
        let session = self.sessions.open.get(slot);
        session.is_some_and(|session| {
            session.device.is_none()
                && !self.settings.users.contains_key(&session.user.line)
                && self.served_aim(&session.user.line).is_none()
        })
    }

    /// Whether such content may be sent in a session, inside CPIM.
    pub(super) fn takes_wrapped(&self, slot: Slot, content_type: &str) -> bool {
        let agreed = self.sessions.open.get(slot).and_then(|session| session.agreed.as_ref());
        agreed.is_some_and(|agreed| agreed.takes_wrapped(content_type))
    }

    pub(super) fn way_in(&self, slot: Slot) -> Option<Way> {
        Some(self.sessions.open.get(slot)?.way)
    }

    /// A request of ours within a session, and where it goes.
    pub(super) fn request_in(
        &mut self,
        slot: Slot,
        method: sip_message::Method,
    ) -> Option<(super::sends::Toward, Request, Way)> {
        let session = self.sessions.open.get_mut(slot)?;
        let request = session.dialog.request(method)?;
        let session = self.sessions.open.get(slot)?;
        Some((self.toward(&session.way, &session.dialog, &request), request, session.way))
    }

    /// The URI of somebody for requests that we make up ourselves.
    fn uri_for(&self, number: &Number) -> Uri {
        let address = model::Address::Number(number.clone());
        let text = uri_of(&address, &self.settings.domain, Spelling::Tel);
        Uri::new(&text).unwrap_or_else(|_| super::letters::ours(&self.settings.domain))
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("purpose", &self.purpose)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
