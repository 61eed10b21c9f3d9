//! INVITE to the devices of a member, all at once: who takes it first is in (rcs sheet §10.1).

use model::Presence;
use sip_message::{HeaderValue, Method, Name, Request, StatusCode, Uri};
use sip_rcs::{
    features::icsi,
    mime, multipart,
    sdp::{Direction, Setup},
};
use sip_transaction::{Transport, dialog::SessionTimer};
use smallvec::{SmallVec, smallvec};
use smol_str::SmolStr;

use super::super::{
    Core,
    classify::ALLOWED,
    group::{Invitation, Leg},
    letters::{Aim, ours},
    session::{Call, Errand, Purpose, Why, transport_of},
    slots::Slot,
};
use crate::translate::{Line, Spelling, uri_of};

/// Devices of one member that are invited.
const DEVICES_MAX: usize = 8;

/// A member whose devices ring.
#[derive(Debug)]
pub(super) struct Ringing {
    group: SmolStr,
    member: Line,
    /// Devices that have not answered.
    left: usize,
    best: StatusCode,
    calls: SmallVec<[Slot; 2]>,
}

impl Core {
    /// A member is to be invited.
    pub(super) fn summon(&mut self, now_us: i64, group: &str, member: &Line) {
        let settings = self.settings.clone();
        let Some(invitation) = self.focus.invitation(&settings, group, member) else { return };
        let mut aims = self.aims(now_us, member);
        aims.truncate(DEVICES_MAX);
        if aims.is_empty() {
            match self.beyond(now_us, member) {
                Ok(aim) => aims = smallvec![aim],
                Err(refusal) => {
                    let status = u16::try_from(refusal.code).ok().and_then(StatusCode::new);
                    return self.focus.not_joined(now_us, &settings, group, member, status);
                }
            }
        }
        let ringing = self.conference.ringing.insert(Ringing {
            group: group.into(),
            member: member.clone(),
            left: aims.len(),
            best: StatusCode::NOT_FOUND,
            calls: SmallVec::new(),
        });
        for aim in &aims {
            match self.ring_device(now_us, group, member, &invitation, aim, ringing) {
                Some(call) => {
                    if let Some(ringing) = self.conference.ringing.get_mut(ringing) {
                        ringing.calls.push(call);
                    }
                }
                None => self.member_away(now_us, ringing, StatusCode::TEMPORARILY_UNAVAILABLE),
            }
        }
    }

    fn ring_device(
        &mut self,
        now_us: i64,
        group: &str,
        member: &Line,
        invitation: &Invitation,
        aim: &Aim,
        ringing: Slot,
    ) -> Option<Slot> {
        let settings = self.settings.clone();
        let msrp = settings.msrp.as_ref().filter(|msrp| self.sessions.len() < msrp.sessions_max)?;
        let setup = if msrp.active { Setup::Active } else { Setup::ActPass };
        let transport = transport_of(&aim.toward);
        let local = self.describe(transport == Transport::Tls, setup, Direction::SendRecv)?;
        let mut offer = Vec::with_capacity(512);
        local.offer(&mut offer);
        let request = self.invitation_to(group, member, invitation, aim, &offer, transport);
        let conference = Uri::new(&invitation.conference).unwrap_or_else(|_| ours(&settings.domain));
        let call = Call::new(Purpose::Group, Errand::Member(ringing), member.clone(), conference, aim, local);
        self.dial_device(now_us, aim, request, call).ok()
    }

    fn invitation_to(
        &mut self,
        group: &str,
        member: &Line,
        invitation: &Invitation,
        aim: &Aim,
        offer: &[u8],
        transport: Transport,
    ) -> Request {
        let domain = self.settings.domain.clone();
        let to = uri_of(&model::Address::Number(member.number()), &domain, aim.spelling);
        let uri = aim.uri.clone().or_else(|| Uri::new(&to).ok()).unwrap_or_else(|| ours(&domain));
        let service = icsi::SESSION_GROUP;
        let boundary = self.draw.text();
        let mut body = Vec::with_capacity(512 + offer.len() + invitation.list.len());
        multipart::Writer::new(&mut body, &boundary)
            .part(mime::SDP, None, offer)
            .part(mime::RESOURCE_LISTS, Some("recipient-list-history; handling=optional"), &invitation.list)
            .end();
        let allowed: Vec<&str> = ALLOWED.iter().map(Method::as_str).collect();
        let conference = &invitation.conference;
        let mut request = Request::builder(Method::INVITE, uri)
            .from(conference, &self.draw.text())
            .to(&to, None)
            .header(Name::PAssertedIdentity, format_args!("<{conference}>"))
            .header(Name::ConversationId, invitation.conversation.as_str())
            .header(Name::ContributionId, invitation.contribution.as_str())
            .header(Name::Contact, self.contact_of_group(group, transport))
            .header(Name::Allow, allowed.join(", "))
            .header(
                Name::AcceptContact,
                format_args!("*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.{service}\""),
            );
        if aim.spelling == Spelling::Tel {
            request = request
                .header(Name::PAssertedService, format_args!("urn:urn-7:3gpp-service.ims.icsi.{service}"));
        }
        if !aim.route.is_empty() {
            request = request.header(Name::Route, aim.route.as_str());
        }
        if let Some(subject) = &invitation.subject {
            request = request.header(Name::Subject, HeaderValue::from(subject.as_str()));
        }
        if let Some(creator) = &invitation.creator {
            request = request.header(Name::ReferredBy, format_args!("<{}>", creator.as_str()));
        }
        let content_type = format!("{};boundary={boundary}", mime::MIXED);
        let mut request = request.body(&content_type, body.into()).build();
        if let Some(msrp) = &self.settings.msrp {
            SessionTimer::ask(&mut request.headers, &msrp.timer, None, None);
        }
        request
    }

    /// A member whose devices ring is not to come any more (RFC 3261 §9).
    pub(super) fn unsummon(&mut self, now_us: i64, group: &str, member: &Line) {
        let rings = |ringing: &Ringing| ringing.group == group && ringing.member == *member;
        let found = self.conference.ringing.iter().find(|(_, ringing)| rings(ringing)).map(|(slot, _)| slot);
        let Some(ringing) = found.and_then(|slot| self.conference.ringing.remove(slot)) else { return };
        for call in ringing.calls {
            self.call_off(now_us, call);
        }
    }

    /// A device has taken it.
    pub(in super::super) fn member_here(&mut self, now_us: i64, ringing: Slot, session: Slot) {
        let Some(Ringing { group, member, calls, .. }) = self.conference.ringing.remove(ringing) else {
            // Another device was faster.
            return self.hang_up(now_us, session, Why::Over);
        };
        for call in calls {
            self.call_off(now_us, call);
        }
        let settings = self.settings.clone();
        if self.is_beyond(session) {
            // What a network beyond us says is all that is known of its users: they have RCS.
            let until = Self::timestamp(now_us) + settings.capabilities.expiry;
            self.present(&member, Presence::Here { until });
        }
        if !self.focus.joined(now_us, &settings, &group, &member, Leg(session.token())) {
            self.hang_up(now_us, session, Why::Gone);
        }
    }

    /// A device has not taken it.
    pub(in super::super) fn member_away(&mut self, now_us: i64, slot: Slot, status: StatusCode) {
        let Some(ringing) = self.conference.ringing.get_mut(slot) else { return };
        ringing.left = ringing.left.saturating_sub(1);
        if rank(status) > rank(ringing.best) {
            ringing.best = status;
        }
        if ringing.left == 0
            && let Some(Ringing { group, member, best, .. }) = self.conference.ringing.remove(slot)
        {
            let settings = self.settings.clone();
            self.focus.not_joined(now_us, &settings, &group, &member, Some(best));
        }
    }
}

/// Of several devices, the one whose word counts: a person who declined, then who may still come.
const fn rank(status: StatusCode) -> u8 {
    match status.code() {
        603 => 3,
        408 | 480 | 486 | 487 | 500..=599 | 600 => 2,
        404 => 0,
        _ => 1,
    }
}
