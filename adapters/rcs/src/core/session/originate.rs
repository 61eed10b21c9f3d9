//! Sessions that we open: for a message that is too large for a MESSAGE, and for devices that only chat (rcs sheet
//! §6, §8.1). One call is for one message to one device; a chat stays open for those that follow.

use model::Address;
use sip_message::{HeaderValue, Headers, Method, Name, Request, Response, StatusCode};
use sip_rcs::{
    Capabilities, mime,
    sdp::{self, Direction, Setup},
};
use sip_transaction::{
    Flow, Transport,
    dialog::{Dialog, DialogId, SessionTimer},
};
use smallvec::SmallVec;

use super::{
    super::{
        Core,
        alarms::Alarm,
        classify::ALLOWED,
        flights::bit,
        identity::Sender,
        letters::Aim,
        sends::{Heard, NoWay, Owner, Toward},
        slots::Slot,
        status,
    },
    Purpose, Session, State, Way, describe,
    ending::{Leaving, Why},
};
use crate::translate::{Form, Letter, Line};

/// A phone may ring for so long; then the message goes another way (rcs sheet §8.2).
const PATIENCE_US: i64 = 40_000_000;

/// What an INVITE of ours is for.
#[derive(Debug, Clone)]
pub(in super::super) enum Errand {
    /// Something to be said to one device.
    Letter { letter: Letter, flight: Slot, branch: u8 },
    /// A member of a group who is to come.
    Member(Slot),
}

/// An INVITE of ours without a final answer.
pub(in super::super) struct Call {
    purpose: Purpose,
    errand: Errand,
    /// The request under way.
    sending: Option<Slot>,
    user: Sender,
    far_line: Line,
    far_uri: sip_message::Uri,
    device: Option<u64>,
    local: sdp::Local,
    /// Nobody stands between.
    direct: bool,
    /// As it was sent, and the way its answer came.
    sent: Option<(Request, Flow)>,
    /// Nobody waits for it any more.
    over: bool,
}

/// Whether a device takes messages in chats only.
fn only_chats(capabilities: Capabilities) -> bool {
    chats(capabilities)
        && !capabilities.any_of(Capabilities::STANDALONE_PAGER | Capabilities::STANDALONE_LARGE)
}

fn chats(capabilities: Capabilities) -> bool {
    capabilities.any_of(Capabilities::CHAT_CPM | Capabilities::CHAT_SIMPLE)
}

impl Call {
    pub(in super::super) fn new(
        purpose: Purpose,
        errand: Errand,
        line: Line,
        far_uri: sip_message::Uri,
        aim: &Aim,
        local: sdp::Local,
    ) -> Self {
        let number = line.number();
        Self {
            purpose,
            errand,
            sending: None,
            far_line: line.clone(),
            user: Sender { line, number, trusted: false, strict: false, back: None },
            far_uri,
            device: aim.device,
            local,
            direct: aim.device.is_some() && aim.route.is_empty(),
            sent: None,
            over: false,
        }
    }
}

impl Core {
    /// What kind of session a letter to a device needs, if any.
    pub(in super::super) fn session_for(&self, aim: &Aim, letter: &Letter) -> Option<Purpose> {
        let msrp = self.settings.msrp.as_ref()?;
        let full = self.sessions.len() >= msrp.sessions_max;
        if aim.paged || aim.form != Form::Cpim || full || self.relay_is_away() {
            return None;
        }
        let is_large = letter.body.len() > msrp.switchover_octets;
        if is_large && aim.capabilities.contains(Capabilities::STANDALONE_LARGE) {
            Some(Purpose::Large)
        } else if only_chats(aim.capabilities) || (is_large && chats(aim.capabilities)) {
            Some(Purpose::Chat)
        } else {
            None
        }
    }

    /// Opens a session with a device of `to` for what `from` says.
    ///
    /// # Errors
    /// The INVITE did not leave.
    pub(in super::super) fn call(
        &mut self,
        now_us: i64,
        purpose: Purpose,
        aim: &Aim,
        (from, to): (&Address, &Address),
        (letter, more): (Letter, &[(Name, HeaderValue)]),
        (flight, branch): (Slot, u8),
    ) -> Result<(), NoWay> {
        let settings = self.settings.clone();
        let (Some(msrp), Some(far), Some(number)) = (settings.msrp.as_ref(), from.number(), to.number())
        else {
            return Err(NoWay::Nowhere);
        };
        let (direction, setup) = match purpose {
            Purpose::Chat | Purpose::Group => (Direction::SendRecv, Setup::ActPass),
            Purpose::Large => (Direction::SendOnly, Setup::ActPass),
        };
        let setup = if msrp.active { Setup::Active } else { setup };
        let transport = transport_of(&aim.toward);
        let local = self.describe(transport == Transport::Tls, setup, direction).ok_or(NoWay::Nowhere)?;
        let mut offer = Vec::with_capacity(512);
        local.offer(&mut offer);
        let offer = Letter { content_type: mime::SDP, body: offer.into(), application: letter.application };
        let mut request = self.compose(aim, from, to, &offer, more);
        request.method = Method::INVITE;
        let headers = &mut request.headers;
        let service = describe::service(purpose);
        headers.set(
            Name::AcceptContact,
            format_args!("*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.{service}\""),
        );
        if headers.contains(Name::PAssertedService) {
            headers.set(Name::PAssertedService, format_args!("urn:urn-7:3gpp-service.ims.icsi.{service}"));
        }
        let allowed: Vec<&str> = ALLOWED.iter().map(Method::as_str).collect();
        headers.push(Name::Allow, allowed.join(", "));
        SessionTimer::ask(headers, &msrp.timer, None, None);
        headers.push(Name::Contact, self.contact_for(transport, purpose));
        let (user, far_line) = (Line::of(number, &settings.numbering), Line::of(far, &settings.numbering));
        let errand = Errand::Letter { letter, flight, branch };
        let call = Call { far_line, ..Call::new(purpose, errand, user, self.uri_for(far), aim, local) };
        self.dial_device(now_us, aim, request, call)?;
        if let Some(flight) = self.flight_mut(flight) {
            flight.called |= bit(branch);
        }
        Ok(())
    }

    /// Sends an INVITE of ours; what comes of it is said to whom it is for.
    pub(in super::super) fn dial_device(
        &mut self,
        now_us: i64,
        aim: &Aim,
        request: Request,
        call: Call,
    ) -> Result<Slot, NoWay> {
        let pair = self.pair(&call.user.line, &call.far_line);
        let slot = self.sessions.calls.insert(call);
        match self.send_as(now_us, aim.toward.clone(), request, Owner::Invite(slot)) {
            Ok(sending) => {
                self.counts.invited += 1;
                if let Some(call) = self.sessions.calls.get_mut(slot) {
                    call.sending = Some(sending);
                    self.sessions.calling.entry(pair).or_default().push(slot);
                    self.alarms.set(now_us + PATIENCE_US, Alarm::Call(slot));
                }
                Ok(slot)
            }
            Err(no_way) => {
                self.sessions.calls.remove(slot);
                Err(no_way)
            }
        }
    }

    /// An INVITE of ours has its final answer, which follows.
    pub(in super::super) fn call_sent(&mut self, slot: Slot, request: Request, flow: Flow) {
        if let Some(call) = self.sessions.calls.get_mut(slot) {
            call.sent = Some((request, flow));
        }
    }

    /// What came of it.
    pub(in super::super) fn call_heard(&mut self, now_us: i64, slot: Slot, heard: Heard) {
        let Some(call) = self.sessions.calls.remove(slot) else { return };
        let pair = self.pair(&call.user.line, &call.far_line);
        if let Some(calling) = self.sessions.calling.get_mut(&pair) {
            calling.retain(|other| *other != slot);
            if calling.is_empty() {
                self.sessions.calling.remove(&pair);
            }
        }
        match (heard, &call.errand) {
            (Heard::Answer(response), _) if response.status.is_success() => {
                self.call_taken(now_us, call, &response)
            }
            _ if call.over => {}
            (heard, &Errand::Member(ringing)) => self.member_away(now_us, ringing, heard.status()),
            (Heard::Answer(response), &Errand::Letter { flight, branch, .. }) => {
                self.branch_uncalled(now_us, flight, branch, Some(&response))
            }
            // Nothing was said yet: whoever did not answer certainly has not got it.
            (Heard::Silence, &Errand::Letter { flight, branch, .. }) => {
                self.branch_uncalled(now_us, flight, branch, None)
            }
            (Heard::NotSent, &Errand::Letter { flight, branch, .. }) => {
                self.not_sent(flight, branch, NoWay::Nowhere);
                self.conclude(now_us, flight);
            }
        }
    }

    fn call_taken(&mut self, now_us: i64, call: Call, response: &Response) {
        let (purpose, errand, is_over) = (call.purpose, call.errand.clone(), call.over);
        let opened = self.open_called(now_us, call, response);
        if is_over {
            // Somebody gave up meanwhile.
            if let Some(slot) = opened {
                self.hang_up(now_us, slot, Why::Over);
            }
            return;
        }
        let (letter, flight, branch) = match errand {
            Errand::Letter { letter, flight, branch } => (letter, flight, branch),
            Errand::Member(ringing) => {
                return match opened {
                    Some(slot) => self.member_here(now_us, ringing, slot),
                    None => self.member_away(now_us, ringing, StatusCode::NOT_ACCEPTABLE_HERE),
                };
            }
        };
        match opened {
            Some(slot) if self.say_called(now_us, slot, &letter, (flight, branch)) => {}
            Some(slot) => {
                // It does not take that.
                if purpose == Purpose::Large {
                    self.hang_up(now_us, slot, Why::Done);
                }
                self.branch_unsaid(now_us, flight, branch);
            }
            None => self.branch_unsaid(now_us, flight, branch),
        }
    }

    /// Acknowledges the answer; gives the session if it can be used, and ends it otherwise.
    fn open_called(&mut self, now_us: i64, call: Call, response: &Response) -> Option<Slot> {
        let settings = self.settings.clone();
        let msrp = settings.msrp.as_ref()?;
        let (request, flow) = call.sent?;
        let dialog = Dialog::of_answer(&request, response).ok()?;
        let way = Way { flow, direct: call.direct };
        let number = response.cseq().map_or(1, |cseq| cseq.number);
        let ack = dialog.ack(number);
        let toward = self.toward(&way, &dialog, &ack);
        self.send_ack(&toward, &ack);
        let agreed = sdp::read(&response.body).ok().and_then(|sdp| call.local.accept(&sdp).ok());
        // One that is for one message ends with it.
        let idles = call.purpose != Purpose::Large;
        let media =
            agreed.and_then(|agreed| self.sessions.relay.session(msrp, &call.local, agreed, idles).ok());
        let Some(media) = media else {
            self.bye(now_us, Leaving::new(dialog, way, Why::NotAcceptable));
            return None;
        };
        let mut kept = Headers::new();
        for name in [Name::ConversationId, Name::ContributionId] {
            kept.copy_from(&request.headers, name);
        }
        let session = Session {
            purpose: call.purpose,
            state: State::Open,
            invite: None,
            user: call.user,
            far_line: call.far_line,
            far_uri: call.far_uri,
            device: call.device,
            dialog: dialog.clone(),
            kept,
            request: None,
            local: call.local,
            agreed: None,
            planned: None,
            media: None,
            way,
            timer: SessionTimer::of_answer(now_us, response),
            updates: response.headers.tokens(Name::Allow).any(|method| method == "UPDATE"),
        };
        let Some(slot) = self.enter(session) else {
            self.bye(now_us, Leaving::new(dialog, way, Why::Draining));
            return None;
        };
        self.counts.sessions += 1;
        self.arm(slot);
        self.open_media(now_us, slot, media);
        self.sessions.open.get(slot).is_some_and(|session| session.media.is_some()).then_some(slot)
    }

    /// A copy of a 2xx: the ACK was lost (RFC 3261 §13.2.2.4).
    pub(in super::super) fn acknowledge_again(&self, response: &Response) -> Option<(Toward, Request)> {
        let id = DialogId::of_response(response)?;
        let session = self.sessions.open.get(*self.sessions.dialogs.get(&id)?)?;
        let cseq = response.cseq().filter(|cseq| cseq.method == Method::INVITE)?;
        let ack = session.dialog.ack(cseq.number);
        Some((self.toward(&session.way, &session.dialog, &ack), ack))
    }

    /// The device has opened a session itself: what our calls are for goes into that one (rcs sheet §8.3).
    pub(super) fn meet(&mut self, now_us: i64, slot: Slot) {
        let Some(session) = self.sessions.open.get(slot).filter(|session| session.purpose == Purpose::Chat)
        else {
            return;
        };
        let (pair, device) = (self.pair(&session.user.line, &session.far_line), session.device);
        for call in self.calls_between(pair) {
            let same = |call: &Call| call.purpose == Purpose::Chat && call.device == device && !call.over;
            if self.sessions.calls.get(call).is_some_and(same)
                && let Some(Errand::Letter { letter, flight, branch }) = self.call_off(now_us, call)
                && !self.say_called(now_us, slot, &letter, (flight, branch))
            {
                self.branch_unsaid(now_us, flight, branch);
            }
        }
    }

    fn calls_between(&self, pair: u64) -> SmallVec<[Slot; 2]> {
        self.sessions.calling.get(&pair).cloned().unwrap_or_default()
    }

    fn say_called(&mut self, now_us: i64, slot: Slot, letter: &Letter, (flight, branch): (Slot, u8)) -> bool {
        let media = self.sessions.open.get(slot).and_then(|session| session.media);
        media.is_some_and(|media| self.say_in(now_us, media, letter, Some(Owner::Flight { flight, branch })))
    }

    /// A session could not be opened, for that reason or without one.
    fn branch_uncalled(&mut self, now_us: i64, slot: Slot, branch: u8, response: Option<&Response>) {
        let aim = self.flight_mut(slot).and_then(|flight| flight.aims.get(usize::from(branch)));
        let chats = aim.is_some_and(|aim| only_chats(aim.capabilities));
        match response {
            Some(response) if chats || !speaks_of_sessions(response.status) => {
                self.branch_refused(slot, branch, response);
            }
            Some(_) => return self.branch_unsaid(now_us, slot, branch),
            None => self.refused_by(slot, branch, status::refusal(StatusCode::REQUEST_TIMEOUT, None)),
        }
        self.conclude(now_us, slot);
    }

    /// A session was of no use: it goes by MESSAGE.
    fn branch_unsaid(&mut self, now_us: i64, slot: Slot, branch: u8) {
        let Some(flight) = self.flight_mut(slot) else { return };
        if let Some(aim) = flight.aims.get_mut(usize::from(branch)) {
            aim.paged = true;
        }
        if let Err(no_way) = self.send_branch(now_us, slot, branch) {
            self.not_sent(slot, branch, no_way);
        }
        self.conclude(now_us, slot);
    }

    /// Takes an INVITE back; gives what it was for.
    pub(in super::super) fn call_off(&mut self, now_us: i64, slot: Slot) -> Option<Errand> {
        let call = self.sessions.calls.get_mut(slot).filter(|call| !call.over)?;
        call.over = true;
        let (sending, errand) = (call.sending, call.errand.clone());
        if let Some(sending) = sending {
            self.cancel_sending(now_us, sending);
        }
        Some(errand)
    }

    /// Nobody has taken it for long.
    pub(in super::super) fn call_due(&mut self, now_us: i64, slot: Slot) {
        match self.call_off(now_us, slot) {
            Some(Errand::Letter { flight, branch, .. }) => self.branch_uncalled(now_us, flight, branch, None),
            Some(Errand::Member(ringing)) => self.member_away(now_us, ringing, StatusCode::REQUEST_TIMEOUT),
            None => {}
        }
    }

    /// We stop: nothing of these has been said.
    pub(super) fn call_off_all(&mut self, now_us: i64) {
        let all: Vec<Slot> = self.sessions.calling.values().flatten().copied().collect();
        for slot in all {
            match self.call_off(now_us, slot) {
                Some(Errand::Letter { flight, branch, .. }) => self.branch_unsaid(now_us, flight, branch),
                Some(Errand::Member(ringing)) => {
                    self.member_away(now_us, ringing, StatusCode::TEMPORARILY_UNAVAILABLE)
                }
                None => {}
            }
        }
    }
}

/// By what a request leaves, as far as that is known before.
pub(in super::super) fn transport_of(toward: &Toward) -> Transport {
    match toward {
        Toward::Flow(flow) => flow.transport,
        Toward::Destination(destination) if destination.secure => Transport::Tls,
        Toward::Destination(destination) => destination.transport.unwrap_or(Transport::Udp),
    }
}

/// Statuses of an INVITE that speak of sessions, not of the message or of whom it is for: it may go as a MESSAGE.
const fn speaks_of_sessions(status: StatusCode) -> bool {
    matches!(status.code(), 405 | 406 | 415 | 420 | 421 | 422 | 486 | 488 | 491 | 501 | 606)
}
