//! What we say in a session that stands, and what became of it (rcs sheet §7.2, §8.1, §8.3).
//!
//! | what became of it | what follows |
//! | --- | --- |
//! | 200 to all of it | the device took it, as with 200 to a MESSAGE |
//! | another status | the device refused it |
//! | the session ended first, or nobody answered | it goes another way under the same `imdn.Message-ID`: a device that had it all the same knows it by that |
//!
//! A device that has no session, or whose session does not take the content, gets a MESSAGE.

use model::Address;
use sip_message::{HeaderValue, Name, StatusCode};
use sip_msrp::{Failure, FailureReport, Message, SessionKey, Status};
use sip_rcs::{Cpim, mime::Kind, sdp::Agreed};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::{
    super::{
        Core,
        letters::Aim,
        sends::{NoWay, Owner},
        slots::Slot,
        status,
    },
    Purpose,
    ending::Why,
};
use crate::translate::{Letter, Line};

/// Something on its way to somebody, to be written anew when it has to go another way.
#[derive(Debug)]
pub(in super::super) struct Spoken {
    pub(in super::super) from: Address,
    pub(in super::super) to: Address,
    pub(in super::super) letter: Letter,
    /// Headers that a MESSAGE has besides.
    pub(in super::super) more: SmallVec<[(Name, HeaderValue); 3]>,
}

/// How something left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum By {
    Session,
    Message,
}

/// What became of something said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Fate {
    Taken,
    Refused(Status),
    /// Nobody said that it came.
    Unheard {
        /// All of it was written: it may have arrived.
        whole: bool,
        /// The session may go on, but not with this.
        session: bool,
    },
}

impl Fate {
    pub(super) const fn of(failure: Failure, whole: bool) -> Self {
        match failure {
            // These two are about the session (RFC 4975 §10.4, §10.6); the third stands for no answer.
            Failure::Refused(Status::NO_SESSION | Status::ON_ANOTHER_CONNECTION | Status::TIMED_OUT)
            | Failure::NoAnswer => Self::Unheard { whole, session: true },
            Failure::Refused(status) => Self::Refused(status),
            Failure::SessionOver => Self::Unheard { whole, session: false },
        }
    }
}

impl Core {
    /// Sends a letter to one aim: in the session that there is, or else as a MESSAGE.
    pub(in super::super) fn deliver(
        &mut self,
        now_us: i64,
        aim: Aim,
        (from, to): (&Address, &Address),
        letter: &Letter,
        more: &[(Name, HeaderValue)],
        owner: Owner,
    ) -> Result<By, NoWay> {
        if self.say(now_us, &aim, (from, to), letter, Some(owner)) {
            return Ok(By::Session);
        }
        let request = self.compose(&aim, from, to, letter, more);
        self.send(now_us, aim.toward, request, owner).map(|()| By::Message)
    }

    /// Says something in the session that a device has with somebody. False when there is none that takes it. Without
    /// an owner nobody hears what becomes of it, and the device is not asked (RFC 4975 §7.1.2).
    pub(in super::super) fn say(
        &mut self,
        now_us: i64,
        aim: &Aim,
        (from, to): (&Address, &Address),
        letter: &Letter,
        owner: Option<Owner>,
    ) -> bool {
        if aim.paged || self.sessions.media.is_empty() {
            return false;
        }
        let Some(session) = self.chat_of(aim, from, to, letter) else { return false };
        self.speak(now_us, session, letter, owner)
    }

    /// Says something in that session if it takes the letter: at once, or when its connection stands.
    pub(in super::super) fn say_in(
        &mut self,
        now_us: i64,
        session: SessionKey,
        letter: &Letter,
        owner: Option<Owner>,
    ) -> bool {
        let slot = self.sessions.media.get(&session).copied();
        let agreed = slot.and_then(|slot| self.sessions.open.get(slot)).and_then(|open| open.agreed.as_ref());
        agreed.is_some_and(|agreed| takes(agreed, letter)) && self.speak(now_us, session, letter, owner)
    }

    fn speak(&mut self, now_us: i64, session: SessionKey, letter: &Letter, owner: Option<Owner>) -> bool {
        let id = sip_msrp::message_id(self.draw.word());
        let mut message = Message::new(id.clone(), letter.content_type, letter.body.clone());
        if owner.is_none() {
            message.failure_report = FailureReport::No;
        }
        let sessions = &mut self.sessions;
        if sessions.endpoint.send(now_us, session, message, &mut sessions.actions).is_err() {
            return false;
        }
        if let Some(owner) = owner {
            sessions.said.insert((session, id), owner);
        }
        self.counts.spoken += 1;
        true
    }

    /// The newest session of that device with `from` that is connected and takes the letter.
    fn chat_of(&self, aim: &Aim, from: &Address, to: &Address, letter: &Letter) -> Option<SessionKey> {
        let line = |address: &Address| Some(Line::of(address.number()?, &self.settings.numbering));
        let pair = self.pair(&line(to)?, &line(from)?);
        self.sessions.between(pair).rev().find_map(|(_, session)| {
            let media = session.media?;
            let of_device = session.purpose == Purpose::Chat && session.device == aim.device;
            let stands = of_device && self.sessions.endpoint.connection(media).is_some();
            (stands && takes(session.agreed.as_ref()?, letter)).then_some(media)
        })
    }

    /// What became of something that was said.
    pub(super) fn said_heard(&mut self, now_us: i64, session: SessionKey, id: SmolStr, fate: Fate) {
        match self.sessions.said.remove(&(session, id)) {
            Some(Owner::Flight { flight, branch }) => self.branch_said(now_us, flight, branch, fate),
            Some(Owner::Parcel(name)) => return self.parcel_said(name, fate),
            _ => return,
        }
        let slot = self.sessions.media.get(&session).copied();
        let is_large = |slot: &Slot| {
            self.sessions.open.get(*slot).is_some_and(|session| session.purpose == Purpose::Large)
        };
        if let Some(slot) = slot.filter(is_large) {
            // That was all.
            self.hang_up(now_us, slot, Why::Done);
        }
    }

    fn branch_said(&mut self, now_us: i64, slot: Slot, branch: u8, fate: Fate) {
        match fate {
            Fate::Taken => self.branch_took(now_us, slot, branch),
            Fate::Refused(status) => {
                // Statuses of MSRP mean what they mean in SIP, where they mean anything there.
                let status = StatusCode::new(status.code()).unwrap_or(StatusCode::FORBIDDEN);
                self.refused_by(slot, branch, status::refusal(status, None));
            }
            Fate::Unheard { whole, session } => {
                let Some(flight) = self.flight_mut(slot) else { return };
                flight.lost |= whole;
                if let Some(aim) = flight.aims.get_mut(usize::from(branch)) {
                    aim.paged |= session;
                }
                if let Err(no_way) = self.send_branch(now_us, slot, branch) {
                    self.not_sent(slot, branch, no_way);
                }
            }
        }
        self.conclude(now_us, slot);
    }
}

/// Whether a letter may be sent in a session: as such, or what it holds inside CPIM (rcs sheet §8.1).
fn takes(agreed: &Agreed, letter: &Letter) -> bool {
    let admitted = match Kind::of(letter.content_type) {
        Kind::Cpim => match Cpim::read(letter.body.clone()) {
            Ok(cpim) => cpim.content_type().is_some_and(|inside| agreed.takes_wrapped(inside)),
            Err(_) => false,
        },
        _ => agreed.may_send.admits(letter.content_type),
    };
    admitted && agreed.direction.sends()
}
