//! INVITE: somebody opens a session (rcs sheet §8.1, §8.2). We accept it for whomever it is to, at once, unless a
//! message comes with it: that has to be safe first.

use bytes::Bytes;
use model::Cause;
use sip_message::{HeaderValue, Headers, Name, Request, Response, StatusCode};
use sip_rcs::{
    Cpim,
    mime::Kind,
    multipart,
    sdp::{self, Direction, Media, Sdp, Setup},
};
use sip_transaction::{
    Flow, ServerKey,
    dialog::{Dialog, SessionTimer, State as DialogState},
};

use super::{
    super::{
        Core, classify::ALLOWED, conference::Room, identity::Sender, pager::recipient, slots::Slot,
        waiting::Asker,
    },
    KEPT, Plan, Purpose, Session, State, Way,
    describe::{self, MsrpSession},
};
use crate::translate::Line;

/// The parts of an INVITE's body.
struct Offer {
    sdp: Option<Sdp>,
    /// A message that came with it (`firstMessageInvite`), or the head of one that comes later.
    cpim: Option<Bytes>,
    /// Whom a group is to be made of.
    list: Option<Bytes>,
}

/// What is wrong with it.
fn offer(request: &Request) -> Result<Offer, StatusCode> {
    if request.body.is_empty() {
        return Ok(Offer { sdp: None, cpim: None, list: None });
    }
    let content_type = request.headers.text(Name::ContentType).unwrap_or_default();
    let description = |octets: &[u8]| sdp::read(octets).map(Some).map_err(|_| StatusCode::BAD_REQUEST);
    if Kind::of(content_type) == Kind::Sdp {
        return Ok(Offer { sdp: description(&request.body)?, cpim: None, list: None });
    }
    let parts = multipart::read(content_type, &request.body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let part = |kind| parts.iter().find(|part| part.kind() == kind);
    let sdp = match part(Kind::Sdp) {
        Some(part) => description(&part.decoded().ok_or(StatusCode::BAD_REQUEST)?)?,
        None => return Err(StatusCode::BAD_REQUEST),
    };
    let decoded = |kind| match part(kind) {
        Some(part) => part.decoded().map(Some).ok_or(StatusCode::BAD_REQUEST),
        None => Ok(None),
    };
    Ok(Offer { sdp, cpim: decoded(Kind::Cpim)?, list: decoded(Kind::ResourceLists)? })
}

impl Core {
    /// Somebody wants a session.
    pub(in super::super) fn invited(&mut self, now_us: i64, key: ServerKey, flow: Flow, request: &Request) {
        let settings = self.settings.clone();
        let Some(msrp) = settings.msrp.as_ref() else {
            return self.answer(now_us, key, StatusCode::NOT_ACCEPTABLE_HERE);
        };
        if request.body.len() > settings.limits.body_octets_max {
            return self.refuse_request(now_us, key, Cause::TooLong);
        }
        let Ok(sender) = self.recognise(now_us, key, flow, request) else { return };
        let cause = if self.draining { Some(Cause::Draining) } else { self.closed };
        if let Some(cause) = cause {
            self.watch.refusing(cause);
            return self.refuse_session(now_us, key, cause);
        }
        if self.relay_is_away() {
            self.counts.sessions_refused += 1;
            let retry_after_s = settings.limits.retry_after_s;
            return self.respond(now_us, key, StatusCode::TEMPORARILY_UNAVAILABLE, |response| {
                response.headers.push(Name::RetryAfter, HeaderValue::from(retry_after_s));
            });
        }
        let named = |name| request.headers.contains(name);
        if sender.strict && !(named(Name::ConversationId) && named(Name::ContributionId)) {
            return self.answer(now_us, key, StatusCode::BAD_REQUEST);
        }
        let offer = match offer(request) {
            Ok(offer) => offer,
            Err(status) => return self.answer(now_us, key, status),
        };
        let room = Room::of(&request.uri, &settings.groups);
        let (purpose, far_line, far_uri) = if room.is_some() {
            if offer.cpim.as_ref().is_some_and(has_content) {
                // Nobody is there yet who could get it.
                return self.answer(now_us, key, StatusCode::NOT_ACCEPTABLE_HERE);
            }
            // What is said goes to the focus, not to somebody.
            (Purpose::Group, sender.line.clone(), request.uri.clone())
        } else {
            let Some(purpose) = describe::purpose(request, sender.trusted) else {
                return self.answer(now_us, key, StatusCode::NOT_ACCEPTABLE_HERE);
            };
            let Some(far) = recipient(request, &sender) else {
                return self.answer(now_us, key, StatusCode::NOT_FOUND);
            };
            let far_line = Line::of(&far, &settings.numbering);
            if !settings.capabilities.answer_for_absent
                && settings.users.contains_key(&far_line)
                && self.devices_of(now_us, &far_line).is_empty()
            {
                return self.answer(now_us, key, StatusCode::TEMPORARILY_UNAVAILABLE);
            }
            (purpose, far_line, self.uri_for(&far))
        };
        if self.sessions.len() >= msrp.sessions_max {
            self.watch.refusing(Cause::QueueFull);
            return self.refuse_session(now_us, key, Cause::QueueFull);
        }
        let of_user = self.sessions.users.get(&sender.line).copied().unwrap_or(0);
        if of_user as usize >= msrp.sessions_per_user_max {
            self.counts.sessions_refused += 1;
            return self.answer(now_us, key, StatusCode::BUSY_HERE);
        }
        let timer = match SessionTimer::of_request(now_us, request, &msrp.timer) {
            Ok(timer) => timer,
            Err(small) => {
                return self.respond(now_us, key, sip_transaction::dialog::TooSmall::STATUS, |response| {
                    response.headers.push(Name::MinSe, HeaderValue::from(small.min_s));
                });
            }
        };
        let Some(plan) = self.plan(purpose, offer.sdp.as_ref()) else {
            self.counts.sessions_refused += 1;
            return self.answer(now_us, key, StatusCode::NOT_ACCEPTABLE_HERE);
        };
        let Some(tag) = self.layer.to_tag(key) else { return };
        let Ok(dialog) = Dialog::of_request(request, tag.as_str(), DialogState::Early) else {
            return self.answer(now_us, key, StatusCode::BAD_REQUEST);
        };
        let (local, plan) = plan;
        let device = self.device_at(now_us, &sender, flow, &dialog);
        let mut kept = Headers::new();
        for name in KEPT {
            kept.copy_from(&request.headers, name);
        }
        let updates = request.headers.tokens(Name::Allow).any(|method| method == "UPDATE");
        let direct = request.headers.list(Name::Via).count() == 1;
        let asked = request;
        let mut request = request.clone();
        request.body = Bytes::new();
        let session = Session {
            purpose,
            state: State::Storing,
            invite: Some(key),
            // What CPM insists on was said with the INVITE.
            user: Sender { strict: false, ..sender },
            far_line,
            far_uri,
            device,
            dialog,
            kept,
            local,
            agreed: None,
            planned: Some(plan),
            media: None,
            way: Way { flow, direct },
            timer: Some(timer),
            updates,
            request: Some(Box::new(request)),
        };
        let Some(slot) = self.enter(session) else {
            return self.refuse_session(now_us, key, Cause::QueueFull);
        };
        if let Some(room) = room {
            return self.join(now_us, slot, &room, asked, offer.list.as_ref());
        }
        match offer.cpim.filter(|cpim| purpose != Purpose::Large && has_content(cpim)) {
            Some(cpim) => self.first_message(now_us, slot, cpim),
            None => self.accept(now_us, slot),
        }
    }

    fn refuse_session(&mut self, now_us: i64, key: ServerKey, cause: Cause) {
        self.counts.sessions_refused += 1;
        self.refuse_request(now_us, key, cause);
    }

    /// Our answer to an offer, or an offer of our own when there was none.
    fn plan(&mut self, purpose: Purpose, sdp: Option<&Sdp>) -> Option<(sdp::Local, Plan)> {
        let settings = self.settings.clone();
        let msrp = settings.msrp.as_ref()?;
        let tls = match sdp {
            Some(sdp) => sdp.media.iter().find(|media| media.is_msrp()).is_some_and(Media::is_tls),
            None => msrp.tls.is_some(),
        };
        let direction = match purpose {
            Purpose::Large => Direction::RecvOnly,
            Purpose::Chat | Purpose::Group => Direction::SendRecv,
        };
        let setup = match sdp {
            Some(_) if msrp.active => Setup::Active,
            Some(_) => Setup::Passive,
            None => Setup::ActPass,
        };
        let local = self.describe(tls, setup, direction)?;
        let plan = match sdp {
            Some(sdp) => {
                let answer = local.answer(sdp).ok()?;
                let media = self.sessions.relay.session(msrp, &local, answer.agreed, true).ok()?;
                Plan { body: answer.body.into(), media: Some(media) }
            }
            None => {
                let mut body = Vec::with_capacity(512);
                local.offer(&mut body);
                Plan { body: body.into(), media: None }
            }
        };
        Some((local, plan))
    }

    /// Which of its registered devices a request of somebody's is from.
    fn device_at(&self, now_us: i64, sender: &Sender, flow: Flow, dialog: &Dialog) -> Option<u64> {
        let target = dialog.target().as_str();
        let same_way = |its: Flow| {
            its.transport == flow.transport
                && (its.id == flow.id || !flow.reliable())
                && its.remote == flow.remote
        };
        let bindings = || self.location.lookup(now_us, sender.line.as_str());
        let by_way = bindings().find(|binding| binding.flow.is_some_and(same_way));
        by_way.or_else(|| bindings().find(|binding| binding.uri() == target)).map(|binding| binding.number)
    }

    /// The message that came with the INVITE is taken as any other: the session waits for it (I1).
    fn first_message(&mut self, now_us: i64, slot: Slot, cpim: Bytes) {
        let Some(session) = self.sessions.open.get(slot) else { return };
        let request = session.as_request("first", sip_rcs::mime::CPIM, cpim);
        let sender = session.user.clone();
        self.content(now_us, Asker::Invite(slot), &sender, &request);
    }

    /// What came with the INVITE is safe, or not.
    pub(in super::super) fn first_message_answered(&mut self, now_us: i64, slot: Slot, status: StatusCode) {
        if status.is_success() {
            return self.accept(now_us, slot);
        }
        if let Some(key) = self.withdraw(now_us, slot) {
            self.answer(now_us, key, status);
        }
    }

    /// A session that was not answered yet is none any more: gives its INVITE.
    pub(in super::super) fn withdraw(&mut self, now_us: i64, slot: Slot) -> Option<ServerKey> {
        self.sessions.open.get(slot).filter(|session| session.state == State::Storing)?;
        self.counts.sessions_refused += 1;
        self.leave(now_us, slot)?.invite
    }

    /// 200.
    pub(in super::super) fn accept(&mut self, now_us: i64, slot: Slot) {
        let Some(session) =
            self.sessions.open.get_mut(slot).filter(|session| session.state == State::Storing)
        else {
            return;
        };
        let (Some(key), Some(plan), Some(request)) =
            (session.invite, session.planned.take(), session.request.take())
        else {
            return;
        };
        let (purpose, flow, timer) = (session.purpose, session.way.flow, session.timer);
        session.state = State::Answered;
        session.dialog.answered(&sip_message::Method::INVITE, StatusCode::OK);
        let contact = self.contact_in(slot, flow.transport, purpose);
        let mut response = Response::new(StatusCode::OK, Headers::new());
        Dialog::copy_routes(&request, &mut response);
        let body = plan.body;
        finish(&mut response, &contact, timer.as_ref(), body);
        if self.layer.respond(now_us, key, &response, &mut self.actions).is_err() {
            // Its sender gave up meanwhile.
            self.leave(now_us, slot);
            return;
        }
        self.counts.sessions += 1;
        self.arm(slot);
        if let Some(media) = plan.media {
            self.open_media(now_us, slot, media);
        }
        self.meet(now_us, slot);
        self.replace_others(now_us, slot);
    }

    /// The ACK of our 200.
    pub(in super::super) fn acknowledged(&mut self, now_us: i64, key: Option<ServerKey>, ack: &Request) {
        let Some(key) = key else { return };
        if let Some(leaving) = self.sessions.leaving.remove(&key) {
            return self.bye(now_us, leaving);
        }
        let Some(slot) = self.sessions.invites.remove(&key) else { return };
        let Some(session) = self.sessions.open.get_mut(slot) else { return };
        session.invite = None;
        session.state = State::Open;
        if session.media.is_some() {
            return;
        }
        // We offered: that is the answer.
        match self.agreed_by_answer(slot, &ack.body) {
            Some(media) => self.open_media(now_us, slot, media),
            None => self.hang_up(now_us, slot, super::ending::Why::NotAcceptable),
        }
    }

    /// What an answer to our offer agrees on.
    pub(super) fn agreed_by_answer(&self, slot: Slot, body: &[u8]) -> Option<MsrpSession> {
        let session = self.sessions.open.get(slot)?;
        let agreed = session.local.accept(&sdp::read(body).ok()?).ok()?;
        self.sessions.relay.session(self.settings.msrp.as_ref()?, &session.local, agreed, true).ok()
    }

    /// The other end does not want its session any more, before it had our answer.
    pub(in super::super) fn cancelled(&mut self, now_us: i64, key: ServerKey) {
        let slot = self.sessions.invites.get(&key).copied();
        if let Some(slot) = slot
            && self.withdraw(now_us, slot).is_some()
        {
            self.answer(now_us, key, StatusCode::REQUEST_TERMINATED);
        }
    }

    /// Nobody acknowledged our answer: there is no session (RFC 3261 §13.3.1.4).
    pub(in super::super) fn unacknowledged(&mut self, now_us: i64, key: ServerKey) {
        if let Some(leaving) = self.sessions.leaving.remove(&key) {
            return self.bye(now_us, leaving);
        }
        let Some(slot) = self.sessions.invites.remove(&key) else { return };
        if let Some(session) = self.sessions.open.get_mut(slot) {
            session.invite = None;
            session.state = State::Open;
            self.hang_up(now_us, slot, super::ending::Why::Silent);
        }
    }
}

/// Everything of a 2xx that the INVITE does not decide.
pub(super) fn finish(response: &mut Response, contact: &str, timer: Option<&SessionTimer>, body: Bytes) {
    let headers = &mut response.headers;
    headers.push(Name::Contact, contact);
    let allowed: Vec<&str> = ALLOWED.iter().map(sip_message::Method::as_str).collect();
    headers.push(Name::Allow, allowed.join(", "));
    headers.push(Name::Supported, HeaderValue::from_static("timer"));
    if !body.is_empty() {
        headers.push(Name::ContentType, HeaderValue::from_static(sip_rcs::mime::SDP));
        response.body = body;
    }
    if let Some(timer) = timer {
        timer.confirm(response);
    }
}

/// A CPIM of headers alone only announces a message (rcs sheet §6).
fn has_content(cpim: &Bytes) -> bool {
    // What cannot be read is refused by who reads it.
    Cpim::read(cpim.clone()).map_or(true, |cpim| !cpim.content().is_empty())
}
