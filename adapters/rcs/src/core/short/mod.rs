//! Short messages over IMS (TS 24.341, rcs sheet §12): what a handset of the older kind says and is told, by MESSAGE.
//!
//! | what came | what becomes of it |
//! | --- | --- |
//! | RP-DATA with an SMS-SUBMIT | 202; a submission; after its commit RP-ACK or RP-ERROR in a MESSAGE of its own |
//! | RP-ACK, RP-ERROR | what came of a delivery or a status report of ours ([`deliver`]) |
//! | RP-SMMA | RP-ACK, and what waits for the handset is tried again |
//! | no RP message | 400, or the RP-ERROR that the relay layer has for it |

mod cause;
mod deliver;
mod submit;

use bytes::Bytes;
use hashbrown::HashMap;
use model::{Address, Number};
use sip_message::{HeaderValue, Method, Name, Request, StatusCode, Uri};
use sip_rcs::{Capabilities, mime};
use sip_transaction::{Flow, ServerKey};
use sms::{
    rp::{self, Body, Malformed, Rp},
    tpdu::{Direction, Tpdu},
};

use self::{deliver::Deliveries, submit::Submissions};
use super::{
    Core,
    identity::Sender,
    letters::{Aim, ours},
    reports::aim_back,
    sends::{NoWay, Owner, Toward},
    slots::Slot,
};
use crate::translate::{Back, Form, Line, Spelling, short::Centre, uri_of};

const ACCEPT_CONTACT: &str = "*;+g.3gpp.smsip;require;explicit";

/// Short messages under way.
#[derive(Debug, Default)]
pub(super) struct Shorts {
    submissions: Submissions,
    deliveries: Deliveries,
}

/// What answers an RP message: a reference, and to which MESSAGE.
#[derive(Debug, Clone, Copy)]
struct To<'a> {
    reference: u8,
    call_id: &'a str,
}

impl Core {
    /// A MESSAGE with an RP message, from somebody who is known.
    pub(super) fn short(
        &mut self,
        now_us: i64,
        key: ServerKey,
        flow: Flow,
        request: &Request,
        sender: &Sender,
    ) {
        let to = |reference| To { reference, call_id: request.call_id() };
        let rp = match Rp::decode(&request.body, Direction::FromMobile) {
            Ok(rp) => rp,
            Err(Malformed::Unreadable) => return self.answer(now_us, key, StatusCode::BAD_REQUEST),
            Err(Malformed::Refuse { reference, cause }) => {
                self.answer(now_us, key, StatusCode::ACCEPTED);
                let body = Body::Error { cause, diagnostic: None, tpdu: None };
                return self.rp_back(now_us, flow, sender, to(reference), body);
            }
        };
        match &rp.body {
            Body::Data { tpdu, .. } => {
                self.short_submitted(now_us, key, flow, request, sender, (rp.reference, tpdu));
            }
            Body::Ack { .. } => {
                self.answer(now_us, key, StatusCode::ACCEPTED);
                self.short_reported(now_us, &sender.line, request, rp.reference, None);
            }
            &Body::Error { cause, .. } => {
                let failure = match rp.tpdu(Direction::FromMobile) {
                    Some(Ok(Tpdu::DeliverReport(report))) => report.failure_cause,
                    _ => None,
                };
                self.answer(now_us, key, StatusCode::ACCEPTED);
                let error = Some((cause, failure));
                self.short_reported(now_us, &sender.line, request, rp.reference, error);
            }
            Body::MemoryAvailable => {
                self.answer(now_us, key, StatusCode::ACCEPTED);
                self.rp_back(now_us, flow, sender, to(rp.reference), Body::Ack { tpdu: None });
                self.here_again(now_us, &sender.line);
            }
        }
    }

    /// Answers an RP message the way it came, in a MESSAGE of its own. One that does not arrive is asked for again.
    fn rp_back(&mut self, now_us: i64, flow: Flow, sender: &Sender, to: To<'_>, body: Body) {
        let aim = self.handset(now_us, sender, flow);
        self.rp_answer(now_us, &aim, &sender.line, to, body);
    }

    fn rp_answer(&mut self, now_us: i64, aim: &Aim, line: &Line, to: To<'_>, body: Body) {
        let Ok(octets) = (Rp { reference: to.reference, body }).encode(Direction::ToMobile) else { return };
        let more = [(Name::InReplyTo, HeaderValue::from(to.call_id))];
        let request = self.rp_message(aim, line, octets.into(), &more);
        // It is not told whether a handset heard it: without RP-ACK it submits again.
        let _no_way = self.send(now_us, aim.toward.clone(), request, Owner::Nobody);
    }

    /// The handset that a request came from, as far as it can be told from its owner's others; without any, the way
    /// back.
    fn handset(&self, now_us: i64, sender: &Sender, flow: Flow) -> Aim {
        let from = Back::new(flow.transport, flow.remote);
        self.handset_from(now_us, &sender.line, Some(from)).unwrap_or_else(|| match sender.back {
            Some(back) => Aim { form: Form::Short, ..aim_back(back) },
            None => Aim { form: Form::Short, toward: Toward::Flow(flow), ..aim_back(from) },
        })
    }

    /// The handset of somebody that is registered from there, wherever it is reached; else his first one, else his
    /// first device. A core knows itself which one it is.
    fn handset_from(&self, now_us: i64, line: &Line, from: Option<Back>) -> Option<Aim> {
        if let Some(served) = self.served_aim(line) {
            return Some(Aim { form: Form::Short, ..served });
        }
        let devices = self.devices_of(now_us, line);
        let registered = |fits: &dyn Fn(Flow, Back) -> bool| {
            let from = from?;
            let mut bindings = self.location.lookup(now_us, line.as_str());
            let number = bindings.find(|binding| binding.flow.is_some_and(|its| fits(its, from)))?.number;
            devices.iter().position(|aim| aim.device == Some(number))
        };
        let at = registered(&|its, from| Back::new(its.transport, its.remote) == from)
            .or_else(|| registered(&|its, from| its.remote.ip() == from.remote.ip()))
            .or_else(|| devices.iter().position(is_handset))
            .unwrap_or(0);
        devices.into_iter().nth(at).map(|aim| Aim { form: Form::Short, ..aim })
    }

    /// A MESSAGE that brings an RP message to a handset (rcs sheet §12.2, §12.3).
    fn rp_message(&mut self, aim: &Aim, line: &Line, octets: Bytes, more: &[(Name, HeaderValue)]) -> Request {
        let domain = self.settings.domain.clone();
        let (us, tag) = (self.centre_uri(), self.draw.text());
        let to = uri_of(&Address::Number(line.number()), &domain, aim.spelling);
        let uri = aim.uri.clone().or_else(|| Uri::new(&to).ok()).unwrap_or_else(|| ours(&domain));
        let mut request = Request::builder(Method::MESSAGE, uri)
            .from(&us, &tag)
            .to(&to, None)
            .header(Name::PAssertedIdentity, format_args!("<{us}>"))
            .header(Name::AcceptContact, HeaderValue::from_static(ACCEPT_CONTACT))
            .header(Name::RequestDisposition, HeaderValue::from_static("no-fork"));
        if !aim.route.is_empty() {
            request = request.header(Name::Route, aim.route.as_str());
        }
        for (name, value) in more {
            request = request.header(name.clone(), value.clone());
        }
        request.body(mime::SMS, octets).build()
    }

    /// Who we are to handsets: they answer to this URI.
    fn centre_uri(&self) -> smol_str::SmolStr {
        uri_of(&Address::Number(self.settings.short.centre.clone()), &self.settings.domain, Spelling::Sip)
    }

    fn centre(&self) -> Centre {
        Centre { quarter_hours: self.settings.short.quarter_hours, profile: sms::Profile::GSM }
    }

    fn centre_number(&self) -> &Number {
        &self.settings.short.centre
    }
}

/// Whether a device takes short messages and nothing better.
pub(super) fn is_handset(aim: &Aim) -> bool {
    aim.form == Form::Short
}

/// What a device with these capabilities is sent, as far as it has not said otherwise.
pub(super) fn form_for(form: Form, capabilities: Capabilities) -> Form {
    const BETTER: Capabilities = Capabilities::RCS;
    let only_short = capabilities.contains(Capabilities::SMS_OVER_IP) && (capabilities & BETTER).is_empty();
    if only_short { Form::Short } else { form }
}
