//! The end of a session, whoever wants it (rcs sheet §8.3, §8.4).

use sip_message::{Method, Name, Request};
use sip_transaction::dialog::{Dialog, Due, SessionTimer};
use smallvec::SmallVec;

use super::{
    super::{
        Core,
        alarms::Alarm,
        letters,
        sends::{Owner, Toward},
        slots::Slot,
    },
    Purpose, Session, State, Way,
};

/// Why we end it: what the other end is told (rcs sheet §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Why {
    /// Nobody said anything for long, or another session took its place: nothing is said.
    Over,
    /// No connection came, or it went and none came after it.
    NoMedia,
    /// The answer to our offer could not be used.
    NotAcceptable,
    /// Nobody acknowledged or refreshed.
    Silent,
    /// What the session was for is done.
    Done,
    /// The group is over, at least for this member.
    Gone,
    /// We stop.
    Draining,
}

impl Why {
    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Over => None,
            Self::NoMedia => Some("SIP;cause=480;text=\"Bearer unavailable\""),
            Self::NotAcceptable => Some("SIP;cause=488;text=\"Not Acceptable Here\""),
            Self::Silent => Some("SIP;cause=408;text=\"Request Timeout\""),
            Self::Done => Some("SIP;cause=200;text=\"Call completed\""),
            Self::Gone => Some("SIP;cause=410;text=\"Gone\""),
            Self::Draining => Some("SIP;cause=503;text=\"Service Unavailable\""),
        }
    }
}

/// What is needed to say BYE later.
pub(in super::super) struct Leaving {
    dialog: Dialog,
    way: Way,
    why: Why,
}

impl Leaving {
    pub(super) const fn new(dialog: Dialog, way: Way, why: Why) -> Self {
        Self { dialog, way, why }
    }
}

impl Core {
    /// Ends a session by BYE. What was not sent in it goes another way.
    pub(in super::super) fn hang_up(&mut self, now_us: i64, slot: Slot, why: Why) {
        let Some(session) = self.leave(now_us, slot) else { return };
        let Session { dialog, way, invite, state, .. } = session;
        let leaving = Leaving::new(dialog, way, why);
        match invite.filter(|_| state == State::Answered) {
            // Not before the ACK (RFC 3261 §15).
            Some(key) => {
                self.sessions.leaving.insert(key, leaving);
            }
            None => self.bye(now_us, leaving),
        }
    }

    pub(super) fn bye(&mut self, now_us: i64, leaving: Leaving) {
        let Leaving { mut dialog, way, why } = leaving;
        let Some(mut request) = dialog.request(Method::BYE) else { return };
        if let Some(reason) = why.reason() {
            request.headers.push(Name::Reason, reason);
        }
        let toward = self.toward(&way, &dialog, &request);
        // Whatever comes of it, the session is over.
        let _no_way = self.send(now_us, toward, request, Owner::Nobody);
    }

    /// Where a request within a dialog goes: over the connection that it came by, to its route, or to the Contact;
    /// to where it came from for a device that does not know its own address.
    pub(in super::super) fn toward(&self, way: &Way, dialog: &Dialog, request: &Request) -> Toward {
        if way.flow.reliable() && self.ways.is_open(way.flow) {
            return Toward::Flow(way.flow);
        }
        let route = request.headers.addresses(Name::Route).next().and_then(Result::ok);
        if let Some(destination) = route.and_then(|route| letters::destination(&route.uri.to_uri())) {
            return Toward::Destination(destination);
        }
        let target = dialog.target();
        match letters::destination(target) {
            Some(there) if !way.direct || way.flow.reliable() || letters::is_at(target, way.flow) => {
                Toward::Destination(there)
            }
            _ => Toward::Flow(way.flow),
        }
    }

    /// A device that lost its bearer opens a new session: the one it had is over (rcs sheet §8.3).
    pub(super) fn replace_others(&mut self, now_us: i64, slot: Slot) {
        let Some(new) = self.sessions.open.get(slot).filter(|new| new.purpose == Purpose::Chat) else {
            return;
        };
        let (pair, device) = (self.pair(&new.user.line, &new.far_line), new.device);
        let others: SmallVec<[Slot; 2]> = self
            .sessions
            .between(pair)
            .filter(|(other, session)| {
                *other != slot
                    && session.device == device
                    && session.purpose == Purpose::Chat
                    && session.state != State::Storing
            })
            .map(|(other, _)| other)
            .collect();
        for other in others {
            self.hang_up(now_us, other, Why::Over);
        }
    }

    /// Everything ends, because we do.
    pub(in super::super) fn hang_up_all(&mut self, now_us: i64) {
        self.call_off_all(now_us);
        let slots: Vec<Slot> = self.sessions.dialogs.iter().map(|(_, slot)| *slot).collect();
        for slot in slots {
            match self.sessions.open.get(slot).map(|session| session.state) {
                // Answered when the gateway has answered.
                Some(State::Storing) | None => {}
                Some(_) => self.hang_up(now_us, slot, Why::Draining),
            }
        }
    }

    /// A session is looked at again when its timer says so.
    pub(super) fn arm(&mut self, slot: Slot) {
        let timer = self.sessions.open.get(slot).and_then(|session| session.timer.as_ref());
        if let Some(at_us) = timer.map(SessionTimer::next_us) {
            self.alarms.set(at_us, Alarm::Session(slot));
        }
    }

    /// Refreshes what is to be refreshed, ends what nobody refreshed.
    pub(in super::super) fn session_due(&mut self, now_us: i64, slot: Slot) {
        let due = self.sessions.open.get_mut(slot).and_then(|session| session.timer.as_mut()?.due(now_us));
        match due {
            Some(Due::End) => self.hang_up(now_us, slot, Why::Silent),
            Some(Due::Refresh) => {
                self.refresh(now_us, slot);
                self.arm(slot);
            }
            // It was refreshed meanwhile and has another alarm, or is gone.
            None => {}
        }
    }
}
