//! A relay of MSRP in front of us (RFC 4976): asked for a path when we start, asked again when it is gone, and named in
//! every description for as long as it lends one.
//!
//! ```text
//!  Away ─ alarm ─▶ Reaching ─ connected ─▶ Asking ─ 200 ─▶ Lending ─ time ─▶ asked again by itself (sip-msrp)
//!   ▲                 │ none                 │ refused        │ the connection is gone
//!   └───── pause ─────┴──────────────────────┴────────────────┘
//! ```
//!
//! While it lends nothing no session begins: an INVITE is told to come back, and what we would have opened a session
//! for goes by MESSAGE.

use std::net::{IpAddr, SocketAddr};

use sip_message::digest::{Answer, Challenge, Secret};
use sip_msrp::{ConnectionId, Path, Status, Uri, limits::HOPS_MAX};
use sip_net::msrp::Proof;
use sip_rcs::sdp::{Agreed, Local};
use smallvec::SmallVec;

use super::{
    super::{Core, Note, alarms::Alarm, slots::Slot},
    describe::{self, MsrpSession, NotAcceptable},
    ending::Why,
    media::Whose,
};
use crate::settings::Msrp;

/// Before it is asked again for the first time; doubled each time after that.
const PAUSE_US: i64 = 1_000_000;
const PAUSE_US_MAX: i64 = 60_000_000;

/// How far we are with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Nothing is under way; an alarm is set.
    #[default]
    Away,
    /// Its name is looked up, or its connection opened.
    Reaching,
    /// Our AUTH waits for an answer.
    Asking,
    Lending,
}

/// The relay, as far as the operator names one.
#[derive(Debug, Default)]
pub(super) struct Relay {
    state: State,
    /// To it, from the moment that it is opened.
    connection: Option<ConnectionId>,
    /// Where that goes.
    remote: Option<SocketAddr>,
    /// What new descriptions are made with.
    lease: Option<Lease>,
    /// What it lent before and still takes; sessions of that time are on it.
    earlier: SmallVec<[Lease; 1]>,
    /// In vain, since it last lent something.
    tries: u32,
    /// The operator was told that it is away.
    told: bool,
}

/// A path that a relay lends us. `Debug` shows no address.
#[derive(Debug)]
pub(super) struct Lease {
    /// `Use-Path`: the way of others to us, without our own end.
    pub(super) path: Path,
    /// What others connect to.
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// When it ends unless it is renewed; `None`: with the connection.
    until_us: Option<i64>,
}

impl Lease {
    fn new(path: Path, remote: IpAddr, until_us: Option<i64>) -> Option<Self> {
        // With our own end behind it, others have to be able to read it.
        let outermost = path.first().filter(|_| path.hops().len() < HOPS_MAX)?;
        Some(Self {
            // Who is told a name goes by the path; the address only says what it is called in SDP.
            address: outermost.host().parse().unwrap_or(remote),
            port: outermost.port().unwrap_or(Uri::PORT),
            tls: outermost.is_secure(),
            until_us,
            path,
        })
    }

    /// Our `a=path` (RFC 4976 §5.1): the way through the relays, then our own end.
    pub(super) fn path_to(&self, own: &Uri) -> String {
        format!("{} {}", self.path, own.as_str())
    }

    /// Whether our end was described with it.
    fn is_of(&self, local: &Local) -> bool {
        local.path.strip_prefix(&self.path.to_string()).is_some_and(|own| own.starts_with(' '))
    }

    /// The relays of ours that a request passes first (RFC 4976 §5.1). A relay that both ends are behind is named
    /// once, by the other end's path: it knows whom it lent that to, and Kamailio knows nothing else.
    pub(super) fn way_out(&self, remote: &Path) -> Path {
        let mut way = self.path.reversed();
        let place = |uri: &Uri| (uri.host().to_ascii_lowercase(), uri.port().unwrap_or(Uri::PORT));
        if way.last().map(place) == remote.first().map(place) {
            let inner = way.hops().len().saturating_sub(1);
            way = way.hops().iter().take(inner).cloned().collect();
        }
        way
    }
}

impl Relay {
    pub(super) const fn connection(&self) -> Option<ConnectionId> {
        self.connection
    }

    /// What new descriptions are made with.
    pub(super) const fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// What MSRP has to know of what was agreed on, with the relay where our end was described by it.
    ///
    /// # Errors
    /// It cannot be, or the relay does not lend that path any more.
    pub(super) fn session(
        &self,
        msrp: &Msrp,
        local: &Local,
        agreed: Agreed,
        idle: bool,
    ) -> Result<MsrpSession, NotAcceptable> {
        let leases = || self.lease.iter().chain(&self.earlier);
        let lease = match local.path.contains(' ') {
            true => Some(leases().find(|lease| lease.is_of(local)).ok_or(NotAcceptable)?),
            false => None,
        };
        describe::msrp_session(msrp, lease, local, agreed, idle)
    }
}

impl Core {
    /// Asks the relay at once, where there is one.
    pub(in super::super) fn seek_relay(&mut self, now_us: i64) {
        if self.settings.msrp.as_ref().is_some_and(|msrp| msrp.relay.is_some()) {
            self.alarms.set(now_us, Alarm::Relay);
        }
    }

    /// Whether sessions go through a relay that lends nothing now.
    pub(in super::super) fn relay_is_away(&self) -> bool {
        let wanted = self.settings.msrp.as_ref().is_some_and(|msrp| msrp.relay.is_some());
        wanted && self.sessions.relay.lease.is_none()
    }

    /// It is time to ask it.
    pub(in super::super) fn relay_due(&mut self, now_us: i64) {
        let settings = self.settings.clone();
        let Some(relay) = settings.msrp.as_ref().and_then(|msrp| msrp.relay.as_ref()) else { return };
        if self.draining || self.sessions.relay.state != State::Away {
            return;
        }
        self.sessions.relay.state = State::Reaching;
        let uri = &relay.uri;
        let proof = uri.is_secure().then(|| Proof::Name(uri.host().into()));
        self.reach(now_us, Whose::Relay, uri.host(), uri.port().unwrap_or(Uri::PORT), proof);
    }

    /// A connection to it stands, or is being opened.
    pub(super) fn relay_dialled(&mut self, now_us: i64, connection: ConnectionId, remote: SocketAddr) {
        let relay = &mut self.sessions.relay;
        (relay.connection, relay.remote) = (Some(connection), Some(remote));
        if self.sessions.endpoint.is_connected(connection) {
            self.ask_relay(now_us, connection);
        }
    }

    /// Its connection stands.
    pub(super) fn ask_relay(&mut self, now_us: i64, connection: ConnectionId) {
        let settings = self.settings.clone();
        let Some(msrp) = settings.msrp.as_ref() else { return };
        let Some(relay) = msrp.relay.as_ref() else { return };
        let random = [self.draw.word(), self.draw.word()];
        let own = Uri::ours(relay.uri.is_secure(), &msrp.address.to_string(), msrp.port, random);
        let Ok(own) = own else { return self.relay_missed(now_us, None) };
        let sessions = &mut self.sessions;
        sessions.relay.state = State::Asking;
        let path = Path::from(relay.uri.clone());
        sessions.endpoint.authorize(now_us, connection, path, own, None, &mut sessions.actions);
    }

    /// It asks who we are (RFC 4976 §5.1).
    pub(super) fn relay_asks(&mut self, now_us: i64, challenge: &sip_msrp::Challenge) {
        let settings = self.settings.clone();
        let account = settings.msrp.as_ref().and_then(|msrp| msrp.relay.as_ref()?.account.as_ref());
        let strongest =
            Challenge::strongest(challenge.challenges.iter().map(|challenge| challenge.as_bytes()));
        let (Some(account), Some(strongest)) = (account, strongest) else {
            return self.relay_missed(now_us, Some(Status::UNAUTHORIZED));
        };
        let cnonce = self.draw.text();
        let answer = strongest.answer(&Answer {
            username: &account.user,
            secret: Secret::Password(account.password.reveal().as_bytes()),
            method: "AUTH",
            uri: &challenge.uri,
            body: b"",
            cnonce: &cnonce,
            count: 1,
        });
        let sessions = &mut self.sessions;
        let (endpoint, out) = (&mut sessions.endpoint, &mut sessions.actions);
        endpoint.credentials(now_us, challenge.connection, &answer.to_string(), out);
    }

    /// It lends us a path, for the first time or once more.
    pub(super) fn relay_lends(
        &mut self,
        now_us: i64,
        connection: ConnectionId,
        path: Path,
        expires_s: Option<u32>,
    ) {
        let relay = &mut self.sessions.relay;
        let Some(remote) = relay.remote.filter(|_| relay.connection == Some(connection)) else { return };
        let until_us = expires_s.map(|seconds| now_us.saturating_add(i64::from(seconds) * 1_000_000));
        let Some(lease) = Lease::new(path, remote.ip(), until_us) else {
            return self.relay_missed(now_us, Some(Status::UNINTELLIGIBLE));
        };
        let renewed = relay.lease.as_ref().is_some_and(|before| before.path == lease.path);
        if let Some(before) = relay.lease.replace(lease).filter(|_| !renewed) {
            relay.earlier.push(before);
        }
        (relay.state, relay.tries) = (State::Lending, 0);
        if std::mem::take(&mut relay.told) {
            self.out.notes.push(Note::RelayBack);
        }
        if let Some(until_us) = until_us {
            self.alarms.set(until_us, Alarm::Lease);
        }
    }

    /// It does not lend us anything, for that reason or because it cannot be reached. What it lent before holds
    /// until its time or its connection ends.
    pub(super) fn relay_missed(&mut self, now_us: i64, status: Option<Status>) {
        let relay = &mut self.sessions.relay;
        relay.earlier.extend(relay.lease.take());
        relay.state = State::Away;
        if !std::mem::replace(&mut relay.told, true) {
            self.out.notes.push(Note::RelayAway(status.map(Status::code)));
        }
        let pause_us = PAUSE_US.saturating_mul(1 << relay.tries.min(16)).min(PAUSE_US_MAX);
        relay.tries = relay.tries.saturating_add(1);
        // Not all of those who lost it at once come back at once.
        let spread_us = i64::try_from(self.draw.word() % 1_000).unwrap_or(0) * (pause_us / 4_000);
        self.watch.reconnecting();
        self.alarms.set(now_us.saturating_add(pause_us).saturating_add(spread_us), Alarm::Relay);
    }

    /// Its connection is gone, and with it what was lent over it.
    pub(super) fn relay_gone(&mut self, now_us: i64) {
        let relay = &mut self.sessions.relay;
        relay.connection = None;
        relay.lease = None;
        relay.earlier.clear();
        if relay.state != State::Away {
            self.relay_missed(now_us, None);
        }
    }

    /// A path is not lent any more: who knows us by it only would not reach us.
    pub(in super::super) fn leases_due(&mut self, now_us: i64) {
        let relay = &mut self.sessions.relay;
        let is_over = |lease: &Lease| lease.until_us.is_some_and(|until_us| until_us <= now_us);
        let mut over: SmallVec<[Lease; 1]> =
            relay.lease.take_if(|lease| is_over(lease)).into_iter().collect();
        let earlier = std::mem::take(&mut relay.earlier);
        for lease in earlier {
            if is_over(&lease) { over.push(lease) } else { relay.earlier.push(lease) }
        }
        if over.is_empty() {
            return;
        }
        let open = self.sessions.dialogs.iter().map(|(_, slot)| *slot);
        let stranded: Vec<Slot> = open
            .filter(|slot| {
                let session = self.sessions.open.get(*slot);
                session.is_some_and(|session| over.iter().any(|lease| lease.is_of(&session.local)))
            })
            .collect();
        for slot in stranded {
            self.hang_up(now_us, slot, Why::Over);
        }
    }

    /// A session whose other end waits for us to begin, through the relay.
    pub(super) fn bind_to_relay(&mut self, now_us: i64, session: sip_msrp::SessionKey) {
        let sessions = &mut self.sessions;
        let (endpoint, out) = (&mut sessions.endpoint, &mut sessions.actions);
        match sessions.relay.connection.filter(|connection| endpoint.is_connected(*connection)) {
            Some(connection) => endpoint.bind(now_us, session, connection, out),
            None => endpoint.unreachable(now_us, session, out),
        }
    }
}
