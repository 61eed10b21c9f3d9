//! The MSRP side of sessions: connections come and go, messages are said, and what became of them (rcs sheet §9).

use bytes::Bytes;
use hashbrown::hash_map::Entry;
use sip_message::StatusCode;
use sip_msrp::{Action, Answer, Ending, Fingerprint, Question, SessionKey, Status};
use sip_net::{
    msrp::{Event, Proof, Target},
    resolve::{Candidates, Destination, Host, Unresolved},
};
use sip_rcs::sdp::{Agreed, Connect};
use sip_transaction::Transport;
use smallvec::smallvec;

use super::{
    super::{Core, slots::Slot, waiting::Asker},
    Purpose,
    describe::{MsrpSession, Reach},
    ending::Why,
    saying::Fate,
};

/// A connection whose other end is a name that is looked up.
pub(super) struct Resolving {
    whose: Whose,
    proof: Option<Proof>,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Session(SessionKey),
    Relay,
}

/// The lower half of tokens for names of ours: no [`Slot`] has it.
const TOKEN: u64 = 0xFFFF_FFFF;

impl Core {
    /// Something happened to a connection of MSRP.
    pub fn msrp(&mut self, now_us: i64, event: Event) {
        let sessions = &mut self.sessions;
        let (endpoint, out) = (&mut sessions.endpoint, &mut sessions.actions);
        match event {
            Event::Opened { connection, security, .. } => {
                endpoint.connected(now_us, connection, security);
                let dialled = sessions.dialling.remove(&connection).unwrap_or_default();
                if sessions.relay.connection() == Some(connection) {
                    self.ask_relay(now_us, connection);
                }
                let sessions = &mut self.sessions;
                let (endpoint, out) = (&mut sessions.endpoint, &mut sessions.actions);
                for session in dialled {
                    endpoint.bind(now_us, session, connection, out);
                }
            }
            Event::Frames { connection, frames } => endpoint.received(now_us, connection, frames, out),
            Event::Broken { connection, error } => endpoint.broken(now_us, connection, error, out),
            Event::Closed { connection, .. } => {
                endpoint.closed(now_us, connection, out);
                for session in sessions.dialling.remove(&connection).unwrap_or_default() {
                    endpoint.unreachable(now_us, session, out);
                }
                if sessions.relay.connection() == Some(connection) {
                    self.relay_gone(now_us);
                }
            }
        }
        self.settle(now_us);
    }

    /// A session has been agreed on: it waits for its connection, or opens it.
    pub(super) fn open_media(&mut self, now_us: i64, slot: Slot, media: MsrpSession) {
        let MsrpSession { session: agreed_on, reach, agreed } = media;
        let Some(key) = self.sessions.endpoint.open(now_us, agreed_on) else {
            return self.hang_up(now_us, slot, Why::NoMedia);
        };
        let Some(session) = self.sessions.open.get_mut(slot) else { return };
        session.media = Some(key);
        self.sessions.media.insert(key, slot);
        match reach {
            Reach::Waits => {}
            Reach::To(connect, tls) => self.connect(now_us, key, &connect, tls, &agreed),
            Reach::Relay => self.bind_to_relay(now_us, key),
        }
        if let Some(session) = self.sessions.open.get_mut(slot) {
            session.agreed = Some(agreed);
        }
    }

    /// We are the active end.
    fn connect(&mut self, now_us: i64, session: SessionKey, to: &Connect, tls: bool, agreed: &Agreed) {
        let announced = agreed.fingerprint.as_deref().and_then(Fingerprint::parse);
        let proof = tls.then(|| match announced {
            Some(fingerprint) => Proof::Fingerprint(fingerprint),
            None => Proof::Name(to.host.as_str().into()),
        });
        self.reach(now_us, Whose::Session(session), &to.host, to.port, proof);
    }

    /// Opens a connection, after its other end was looked up.
    pub(super) fn reach(&mut self, now_us: i64, whose: Whose, host: &str, port: u16, proof: Option<Proof>) {
        let Some(host) = Host::parse(host) else { return self.unreachable(now_us, whose) };
        if let Host::Ip(ip) = host {
            return self.dial(now_us, whose, Target { remote: (ip, port).into(), tls: proof });
        }
        let destination =
            Destination { host, port: Some(port), transport: Some(Transport::Tcp), secure: false };
        self.sessions.resolved = self.sessions.resolved.wrapping_add(1);
        let token = u64::from(self.sessions.resolved) << 32 | TOKEN;
        let random = self.draw.word();
        self.sessions.resolving.insert(token, Resolving { whose, proof });
        if let Some(servers) = self.ways.resolve(&destination, random, token) {
            self.media_resolved(now_us, token, servers);
        }
    }

    /// A name was looked up.
    pub(in super::super) fn media_resolved(
        &mut self,
        now_us: i64,
        token: u64,
        servers: Result<Candidates, Unresolved>,
    ) {
        let Some(Resolving { whose, proof }) = self.sessions.resolving.remove(&token) else { return };
        match servers.unwrap_or_default().first() {
            Some(server) => self.dial(now_us, whose, Target { remote: server.address, tls: proof }),
            None => self.unreachable(now_us, whose),
        }
    }

    fn dial(&mut self, now_us: i64, whose: Whose, target: Target) {
        let remote = target.remote;
        let Some(connection) = self.ways.connect(target) else { return self.unreachable(now_us, whose) };
        let Whose::Session(session) = whose else {
            return self.relay_dialled(now_us, connection, remote);
        };
        let sessions = &mut self.sessions;
        if sessions.endpoint.is_connected(connection) {
            sessions.endpoint.bind(now_us, session, connection, &mut sessions.actions);
        } else {
            match sessions.dialling.entry(connection) {
                Entry::Occupied(mut waiting) => waiting.get_mut().push(session),
                Entry::Vacant(first) => {
                    first.insert(smallvec![session]);
                }
            }
        }
    }

    fn unreachable(&mut self, now_us: i64, whose: Whose) {
        match whose {
            Whose::Session(session) => {
                self.sessions.endpoint.unreachable(now_us, session, &mut self.sessions.actions);
            }
            Whose::Relay => self.relay_missed(now_us, None),
        }
    }

    /// What is due in the media.
    pub(in super::super) fn media_due(&mut self, now_us: i64) {
        let sessions = &mut self.sessions;
        if sessions.endpoint.next_tick().is_some_and(|at_us| at_us <= now_us) {
            sessions.endpoint.tick(now_us, &mut sessions.actions);
        }
    }

    /// Does what the media want done.
    pub(in super::super) fn settle_media(&mut self, now_us: i64) {
        for action in std::mem::take(&mut self.sessions.actions) {
            match action {
                write @ (Action::Write { .. } | Action::Close { .. }) => self.out.msrp.push(write),
                Action::Deliver { question, session, message_id, content_type, body, .. } => {
                    self.said(now_us, question, session, (&message_id, &content_type), body);
                }
                Action::Sent { session, message_id } => {
                    self.said_heard(now_us, session, message_id, Fate::Taken);
                }
                Action::Failed { session, message_id, failure, whole } => {
                    self.said_heard(now_us, session, message_id, Fate::of(failure, whole));
                }
                Action::Ended { session, ending } => self.media_ended(now_us, session, ending),
                // Nobody has a name here, and a member without a connection may find another one.
                Action::Nickname { question, .. } => {
                    self.answer_said(now_us, question, Answer::Refused(Status::NOT_IMPLEMENTED));
                }
                Action::Challenged(challenge) => self.relay_asks(now_us, &challenge),
                Action::Authorized { connection, use_path, expires_s, .. } => {
                    self.relay_lends(now_us, connection, use_path, expires_s);
                }
                Action::NotAuthorized { status, .. } => self.relay_missed(now_us, Some(status)),
                _ => {}
            }
        }
    }

    /// Somebody said something in a session.
    fn said(
        &mut self,
        now_us: i64,
        question: Question,
        session: SessionKey,
        (id, content_type): (&str, &str),
        body: Bytes,
    ) {
        let slot = self.sessions.media.get(&session).copied();
        let Some(session) = slot.and_then(|slot| self.sessions.open.get(slot)) else {
            return self.answer_said(now_us, question, Answer::Refused(Status::NO_SESSION));
        };
        self.counts.said += 1;
        if session.purpose == Purpose::Group
            && let Some(slot) = slot
        {
            return self.said_in_group(now_us, slot, question, (id, content_type), body);
        }
        let request = session.as_request(id, content_type, body);
        let user = session.user.clone();
        self.content(now_us, Asker::Message(question), &user, &request);
    }

    fn answer_said(&mut self, now_us: i64, question: Question, answer: Answer) {
        let sessions = &mut self.sessions;
        sessions.endpoint.answer(now_us, [(question, answer)], &mut sessions.actions);
    }

    /// What came of something that was said, in the words of SIP.
    pub(in super::super) fn tell_said(&mut self, now_us: i64, question: Question, status: StatusCode) {
        let answer = match msrp_status(status) {
            Status::OK => Answer::Taken,
            refused => Answer::Refused(refused),
        };
        self.answer_said(now_us, question, answer);
    }

    /// The media ended by themselves: so does the dialog.
    fn media_ended(&mut self, now_us: i64, session: SessionKey, ending: Ending) {
        let Some(slot) = self.sessions.media.get(&session).copied() else { return };
        let why = match ending {
            Ending::Idle => Why::Over,
            Ending::NeverConnected | Ending::ConnectionLost | Ending::Fingerprint | Ending::Refused(_) => {
                Why::NoMedia
            }
        };
        self.hang_up(now_us, slot, why);
    }
}

/// There is no *later* in MSRP: who is told to stop sending a message tries it again some other way.
fn msrp_status(status: StatusCode) -> Status {
    match status.code() {
        200..=299 => Status::OK,
        400 => Status::UNINTELLIGIBLE,
        415 => Status::MEDIA_TYPE,
        413 | 500..=599 => Status::STOP_SENDING,
        _ => Status::FORBIDDEN,
    }
}
