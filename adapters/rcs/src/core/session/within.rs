//! Requests within the dialog of a session, theirs and ours (RFC 3261 §12.2, §14, RFC 3311, RFC 4028).

use bytes::Bytes;
use sip_message::{HeaderValue, Method, Name, Request, Response, StatusCode, values::Reason};
use sip_rcs::{mime::Kind, sdp};
use sip_transaction::{
    ServerKey,
    dialog::{After, Refusal, SessionTimer, TooSmall},
};

use super::{
    super::{
        Core,
        sends::{Heard, Owner},
        slots::Slot,
    },
    Purpose,
    ending::Why,
    invite::finish,
};

impl Core {
    /// A request that names a dialog.
    pub(in super::super) fn within(&mut self, now_us: i64, key: ServerKey, request: &Request) {
        let Some(slot) = self.session_named(now_us, key, request) else { return };
        match request.method {
            Method::BYE => {
                if self.sessions.open.get(slot).is_some_and(|session| session.purpose == Purpose::Group) {
                    self.member_ended(slot, cause_of(request));
                }
                self.answer(now_us, key, StatusCode::OK);
                if let Some(invite) = self.withdraw(now_us, slot) {
                    // An early dialog: its INVITE ends with it (RFC 3261 §15.1.2).
                    return self.answer(now_us, invite, StatusCode::REQUEST_TERMINATED);
                }
                self.leave(now_us, slot);
            }
            Method::INVITE | Method::UPDATE => self.renegotiate(now_us, key, slot, request),
            // Whose session it is knows more methods.
            _ => self.answer(now_us, key, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// The session that a request names, if it is its turn. `None`: it is answered.
    pub(in super::super) fn session_named(
        &mut self,
        now_us: i64,
        key: ServerKey,
        request: &Request,
    ) -> Option<Slot> {
        let Some(slot) = self.sessions.named(request) else {
            self.answer(now_us, key, StatusCode::NO_SUCH_DIALOG);
            return None;
        };
        let session = self.sessions.open.get_mut(slot)?;
        if let Err(refusal) = session.dialog.received(request) {
            let random = self.draw.word();
            self.respond(now_us, key, refusal.status(), |response| {
                if refusal == Refusal::Overlapping {
                    let pause_s = u32::try_from(random % 11).unwrap_or(0);
                    response.headers.push(Name::RetryAfter, HeaderValue::from(pause_s));
                }
            });
            return None;
        }
        Some(slot)
    }

    /// The session is refreshed, or described anew.
    fn renegotiate(&mut self, now_us: i64, key: ServerKey, slot: Slot, request: &Request) {
        match self.renegotiated(now_us, slot, request) {
            Ok((timer, body)) => {
                let Some(session) = self.sessions.open.get_mut(slot) else { return };
                session.dialog.answered(&request.method, StatusCode::OK);
                session.timer = Some(timer);
                let (purpose, transport) = (session.purpose, session.way.flow.transport);
                let contact = self.contact_in(slot, transport, purpose);
                self.respond(now_us, key, StatusCode::OK, |response| {
                    finish(response, &contact, Some(&timer), body);
                });
                self.arm(slot);
            }
            Err(status) => {
                if let Some(session) = self.sessions.open.get_mut(slot) {
                    session.dialog.answered(&request.method, status);
                }
                let min_s = self.settings.msrp.as_ref().map_or(0, |msrp| msrp.timer.interval_s_min);
                self.respond(now_us, key, status, |response| {
                    if status == TooSmall::STATUS {
                        response.headers.push(Name::MinSe, HeaderValue::from(min_s));
                    }
                });
            }
        }
    }

    fn renegotiated(
        &mut self,
        now_us: i64,
        slot: Slot,
        request: &Request,
    ) -> Result<(SessionTimer, Bytes), StatusCode> {
        let settings = self.settings.clone();
        let msrp = settings.msrp.as_ref().ok_or(StatusCode::NOT_ACCEPTABLE_HERE)?;
        let timer =
            SessionTimer::of_request(now_us, request, &msrp.timer).map_err(|_small| TooSmall::STATUS)?;
        let session = self.sessions.open.get_mut(slot).ok_or(StatusCode::NO_SUCH_DIALOG)?;
        if request.body.is_empty() {
            let mut body = Vec::new();
            // An INVITE without an offer wants one (RFC 3261 §14.2); an UPDATE only refreshes.
            if request.method == Method::INVITE {
                session.local.offer(&mut body);
            }
            return Ok((timer, body.into()));
        }
        let content_type = request.headers.text(Name::ContentType).unwrap_or_default();
        if Kind::of(content_type) != Kind::Sdp {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let sdp = sdp::read(&request.body).map_err(|_| StatusCode::BAD_REQUEST)?;
        let answer = session.local.answer(&sdp).map_err(|_| StatusCode::NOT_ACCEPTABLE_HERE)?;
        let relay = &self.sessions.relay;
        let to = relay
            .session(msrp, &session.local, answer.agreed, true)
            .map_err(|_| StatusCode::NOT_ACCEPTABLE_HERE)?;
        session.local.session_version += 1;
        if let Some(media) = session.media {
            session.agreed = Some(to.agreed);
            self.sessions.endpoint.change(media, to.session);
        }
        Ok((timer, answer.body.into()))
    }

    /// We say that the session still lives: by UPDATE, or by INVITE to those who do not know it.
    pub(super) fn refresh(&mut self, now_us: i64, slot: Slot) {
        let settings = self.settings.clone();
        let Some(msrp) = settings.msrp.as_ref() else { return };
        let Some(session) = self.sessions.open.get_mut(slot) else { return };
        let method = if session.updates { Method::UPDATE } else { Method::INVITE };
        // While another INVITE is open, that refreshes.
        let Some(mut request) = session.dialog.request(method.clone()) else { return };
        let interval_s = session.timer.map(|timer| timer.interval_s());
        let refresher = session.timer.map(|timer| timer.refresher());
        SessionTimer::ask(&mut request.headers, &msrp.timer, interval_s, refresher);
        if method == Method::INVITE {
            let mut body = Vec::with_capacity(512);
            session.local.offer(&mut body);
            request.headers.push(Name::ContentType, HeaderValue::from_static(sip_rcs::mime::SDP));
            request.body = body.into();
        }
        let (purpose, transport) = (session.purpose, session.way.flow.transport);
        let contact = self.contact_in(slot, transport, purpose);
        request.headers.push(Name::Contact, contact);
        let Some(session) = self.sessions.open.get(slot) else { return };
        let toward = self.toward(&session.way, &session.dialog, &request);
        // Without a way the timer runs out.
        let _no_way = self.send(
            now_us,
            toward,
            request,
            Owner::Refresh { session: slot, invite: method == Method::INVITE },
        );
    }

    /// What came of it.
    pub(in super::super) fn refreshed(&mut self, now_us: i64, slot: Slot, invite: bool, heard: &Heard) {
        let method = if invite { Method::INVITE } else { Method::UPDATE };
        let Some(session) = self.sessions.open.get_mut(slot) else { return };
        let after = match heard {
            Heard::Answer(response) => {
                let after = session.dialog.heard(&method, response);
                if response.status.is_success()
                    && let Some(timer) = SessionTimer::of_answer(now_us, response)
                {
                    session.timer = Some(timer);
                }
                after
            }
            Heard::Silence => session.dialog.unheard(&method),
            Heard::NotSent => After::Stays,
        };
        match (after, heard) {
            (After::Ended, _) => return self.hang_up(now_us, slot, Why::Silent),
            (After::Stays, Heard::Answer(response)) if invite && response.status.is_success() => {
                self.acknowledge(slot, response);
            }
            (After::Stays, _) => {}
        }
        self.arm(slot);
    }

    /// ACK to a 2xx of theirs.
    pub(super) fn acknowledge(&mut self, slot: Slot, response: &Response) {
        let Some(session) = self.sessions.open.get(slot) else { return };
        let number = response.cseq().map_or(1, |cseq| cseq.number);
        let ack = session.dialog.ack(number);
        let toward = self.toward(&session.way, &session.dialog, &ack);
        self.send_ack(&toward, &ack);
    }
}

/// Of the Reason of a BYE (RFC 3326): whether somebody left or lost the way (rcs sheet §2.2).
fn cause_of(request: &Request) -> Option<u16> {
    let reasons = request.headers.each::<Reason<'_>>().filter_map(Result::ok);
    let mut of_sip = reasons.filter(|reason| reason.protocol.eq_ignore_ascii_case("SIP"));
    of_sip.find_map(|reason| u16::try_from(reason.cause?).ok())
}
