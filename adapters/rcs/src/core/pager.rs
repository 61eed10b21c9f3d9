//! MESSAGE in: a message, a notification about one, somebody typing, or a message to be taken back (rcs sheet §3, §5).

use std::sync::Arc;

use model::{Address, Inbound, Number, Submission};
use sip_message::{
    HeaderValue, Name, Request, StatusCode,
    values::{CalledParty, ServedUser, SessionCase},
};
use sip_rcs::{Cpim, mime::Kind};
use sip_transaction::{Flow, ServerKey};
use smol_str::SmolStr;

use super::{
    Core,
    identity::Sender,
    revocation::recall,
    waiting::{Asker, Waiting},
};
use crate::translate::{
    Envelope, Line, MessageName, Reading, Unread, number_of, submission_of_cpim, submission_of_text,
};

/// What we take, said with 415.
const ACCEPT: &str = "message/cpim, text/plain, application/vnd.3gpp.sms";

impl Core {
    pub(super) fn pager(&mut self, now_us: i64, key: ServerKey, flow: Flow, request: &Request) {
        if request.body.len() > self.settings.limits.body_octets_max {
            return self.refuse_request(now_us, key, model::Cause::TooLong);
        }
        let Ok(sender) = self.recognise(now_us, key, flow, request) else { return };
        if request.headers.text(Name::ContentType).map(Kind::of) == Some(Kind::Sms) {
            return self.short(now_us, key, flow, request, &sender);
        }
        self.content(now_us, Asker::Request(key), &sender, request);
    }

    /// What somebody sent who is known, as a MESSAGE or within a session: `request` has its body and its headers.
    pub(super) fn content(&mut self, now_us: i64, asker: Asker, sender: &Sender, request: &Request) {
        let content_type = request.headers.text(Name::ContentType);
        match content_type.map_or(Kind::Text, Kind::of) {
            Kind::Cpim => {
                let Ok(cpim) = Cpim::read(request.body.clone()) else {
                    return self.tell(now_us, asker, StatusCode::BAD_REQUEST);
                };
                match cpim.kind() {
                    Kind::Imdn => self.notification(now_us, asker, sender, request, &cpim),
                    Kind::IsComposing => {
                        self.composing(now_us, asker, sender, request, &cpim.content().clone())
                    }
                    Kind::Revocation => self.revocation(now_us, asker, sender, request, &cpim),
                    Kind::Multipart if self.is_notification(&cpim) => {
                        self.notification(now_us, asker, sender, request, &cpim);
                    }
                    _ => self.submit(now_us, asker, sender, request, Some(&cpim)),
                }
            }
            Kind::Imdn => self.bare_notification(now_us, asker, sender, request),
            Kind::IsComposing => self.composing(now_us, asker, sender, request, &request.body.clone()),
            _ => self.submit(now_us, asker, sender, request, None),
        }
    }

    fn submit(&mut self, now_us: i64, asker: Asker, sender: &Sender, request: &Request, cpim: Option<&Cpim>) {
        if let Some(cause) = self.closed {
            self.counts.refused += 1;
            self.watch.refusing(cause);
            return self.refuse(now_us, asker, cause);
        }
        if self.draining || self.waiting.len() >= self.settings.limits.waiting_max {
            self.counts.refused += 1;
            let cause = if self.draining { model::Cause::Draining } else { model::Cause::QueueFull };
            self.watch.refusing(cause);
            return self.refuse(now_us, asker, cause);
        }
        let cpm = cpim.is_some() && sender.strict;
        if cpm
            && !(request.headers.contains(Name::ConversationId)
                && request.headers.contains(Name::ContributionId))
        {
            return self.tell(now_us, asker, StatusCode::BAD_REQUEST);
        }
        let Some(to) = recipient(request, sender) else {
            return self.tell(now_us, asker, StatusCode::NOT_FOUND);
        };
        let to_line = Line::of(&to, &self.settings.numbering);
        let message_id = cpim.and_then(Cpim::message_id);
        if let Some(name) = message_id.and_then(MessageName::read)
            && self.namer.is_to(&name, &to_line)
        {
            // What we sent ourselves to that very person has come back.
            self.counts.loops += 1;
            return self.tell(now_us, asker, StatusCode::LOOP_DETECTED);
        }
        let recall = message_id.map_or(0, |id| recall(&sender.line, &to_line, id));
        let (from, to) = (sender.address(), Address::Number(to));
        let settings = self.settings.clone();
        let envelope = Envelope {
            origin: settings.channel,
            from: &from,
            to: &to,
            lines: (&sender.line, &to_line),
            now: Self::timestamp(now_us),
            request,
            trusted: sender.trusted,
            back: sender.back,
            reading: Reading { text: &settings.text },
            room: None,
        };
        let submission = match cpim {
            Some(cpim) => submission_of_cpim(&envelope, cpim, |id| self.known_as(&sender.line, &to_line, id)),
            None => submission_of_text(&envelope, request.headers.text(Name::ContentType)),
        };
        match submission {
            Ok(submission) => self.hand_in(asker, recall, submission),
            Err(unread) => {
                self.counts.refused += 1;
                self.unread(now_us, asker, unread);
            }
        }
    }

    /// What the recipient's side calls a message that the sender refers to by that id: one that he was given by us, or
    /// one of his own that we handed on.
    fn known_as(&self, sender: &Line, recipient: &Line, id: &str) -> Option<SmolStr> {
        match MessageName::read(id).filter(|name| self.namer.is_to(name, sender)) {
            Some(_) => self.references.get(id).cloned(),
            None => {
                let message = self.revocations.called(recall(sender, recipient, id))?;
                Some(self.namer.name(message, recipient))
            }
        }
    }

    fn hand_in(&mut self, asker: Asker, recall: u64, submission: Submission) {
        self.counts.submissions += 1;
        let ticket = self.wait(Waiting::Submission { asker, recall });
        self.out.inbound.push(Inbound::Submit { submission: Arc::new(submission), ticket });
    }

    pub(super) fn unread(&mut self, now_us: i64, asker: Asker, unread: Unread) {
        match unread {
            Unread::Malformed => self.tell(now_us, asker, StatusCode::BAD_REQUEST),
            Unread::Unsupported => {
                let Asker::Request(key) = asker else {
                    return self.tell(now_us, asker, StatusCode::UNSUPPORTED_MEDIA_TYPE);
                };
                self.respond(now_us, key, StatusCode::UNSUPPORTED_MEDIA_TYPE, |response| {
                    response.headers.push(Name::Accept, HeaderValue::from_static(ACCEPT));
                })
            }
        }
    }
}

/// Who a message is for: whom the terminating network says was called or is served, else the Request-URI.
pub(super) fn recipient(request: &Request, sender: &Sender) -> Option<Number> {
    if sender.trusted {
        if let Some(Ok(CalledParty(address))) = request.headers.typed::<CalledParty<'_>>() {
            return number_of(&address.uri);
        }
        if let Some(Ok(served)) = request.headers.typed::<ServedUser<'_>>()
            && served.session_case == Some(SessionCase::Terminating)
        {
            return number_of(&served.address.uri);
        }
    }
    number_of(&request.uri)
}
