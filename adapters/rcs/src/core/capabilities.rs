//! What people beyond us can do, asked and answered by OPTIONS (rcs sheet §1.6, §4).

use hashbrown::HashMap;
use model::{Address, OutgoingMessage, Presence, Timestamp};
use sip_message::{HeaderValue, Method, Name, Params, Request, Response, StatusCode, Uri};
use sip_rcs::{Capabilities, Features};
use sip_transaction::{Flow, ServerKey};

use super::{
    Core,
    classify::ALLOWED,
    flights::shown,
    letters::Aim,
    registrar::features,
    sends::{Heard, Owner},
    slots::{Slot, Slots},
};
use crate::translate::{Form, Line, number_of, uri_of};

/// What is known of somebody who is not registered here.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// `None`: no RCS user.
    capabilities: Option<Capabilities>,
    /// Learnt from answers to messages.
    form: Form,
    until_us: i64,
}

/// A message that waits for the answer to a question.
#[derive(Debug)]
struct Question {
    to: Line,
    message: Box<OutgoingMessage>,
    pair: u64,
}

/// An answer that says nothing is not asked for again so soon.
const UNKNOWN_US: i64 = 60_000_000;

/// What was learnt, within a limit, and what is being asked.
#[derive(Debug)]
pub(super) struct Book {
    known: HashMap<Line, Known>,
    /// People who said nothing of use, and until when they are not asked again.
    silent: HashMap<Line, i64>,
    asking: Slots<Question>,
}

impl Default for Book {
    fn default() -> Self {
        Self { known: HashMap::new(), silent: HashMap::new(), asking: Slots::new() }
    }
}

impl Book {
    pub(super) fn is_idle(&self) -> bool {
        self.asking.len() == 0
    }

    pub(super) fn abandon(&mut self) -> impl Iterator<Item = OutgoingMessage> + use<> {
        let asking = std::mem::take(&mut self.asking);
        asking.into_things().map(|question| *question.message)
    }

    fn fresh(&self, now_us: i64, line: &Line) -> Option<Known> {
        self.known.get(line).copied().filter(|known| known.until_us > now_us)
    }

    fn learn(&mut self, now_us: i64, line: &Line, known: Known, max: usize) {
        if self.known.len() >= max && !self.known.contains_key(line) {
            self.known.retain(|_, known| known.until_us > now_us);
            if self.known.len() >= max {
                return;
            }
        }
        self.known.insert(line.clone(), known);
    }

    fn is_silent(&self, now_us: i64, line: &Line) -> bool {
        self.silent.get(line).is_some_and(|until_us| *until_us > now_us)
    }

    fn stay_silent(&mut self, now_us: i64, line: &Line, max: usize) {
        if self.silent.len() >= max {
            self.silent.retain(|_, until_us| *until_us > now_us);
        }
        if self.silent.len() < max {
            self.silent.insert(line.clone(), now_us + UNKNOWN_US);
        }
    }
}

/// What an answer to OPTIONS means (rcs sheet §1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Rcs(Capabilities),
    Nobody,
    Away,
    Nothing,
}

fn meaning(status: StatusCode, capabilities: Capabilities) -> Meaning {
    match status.code() {
        200..=299 if capabilities.any_of(Capabilities::RCS) => Meaning::Rcs(capabilities),
        200..=299 | 404 | 604 => Meaning::Nobody,
        408 | 480 => Meaning::Away,
        _ => Meaning::Nothing,
    }
}

impl Core {
    /// OPTIONS: to us, or to one of our users.
    pub(super) fn options(&mut self, now_us: i64, key: ServerKey, flow: Flow, request: &Request) {
        let Some(to) = number_of(&request.uri) else {
            // A peer that asks whether we are there.
            return self.offer(now_us, key, Capabilities::NONE);
        };
        if request.headers.max_forwards() == Some(0) {
            // For somebody behind us, even where we answer in his place (RFC 3261 §11, §16.3).
            return self.answer(now_us, key, StatusCode::TOO_MANY_HOPS);
        }
        let Ok(sender) = self.recognise(now_us, key, flow, request) else { return };
        if sender.trusted {
            // The exchange is symmetric: whoever asks says what it can do.
            self.heard_of(now_us, &sender.line, said(&request.headers), StatusCode::OK);
        }
        let line = Line::of(&to, &self.settings.numbering);
        let devices = self.aims(now_us, &line);
        if !devices.is_empty() {
            let all = devices.iter().fold(Capabilities::NONE, |all, device| all | device.capabilities);
            return self.offer(now_us, key, all);
        }
        let is_ours = self.settings.users.contains_key(&line);
        match (is_ours, self.settings.capabilities.answer_for_absent) {
            // What is stored for them until they come.
            (true, true) => self.offer(now_us, key, self.offered()),
            (true, false) => self.answer(now_us, key, StatusCode::TEMPORARILY_UNAVAILABLE),
            (false, _) if self.settings.capabilities.answer_for_others => {
                self.offer(now_us, key, self.offered());
            }
            (false, _) => self.answer(now_us, key, StatusCode::NOT_FOUND),
        }
    }

    /// What we can do ourselves.
    fn offered(&self) -> Capabilities {
        let sessions = Capabilities::STANDALONE_LARGE | Capabilities::CHAT_CPM | Capabilities::CHAT_SIMPLE;
        let offered = self.settings.capabilities.offered;
        if self.settings.msrp.is_some() { offered | sessions } else { offered }
    }

    fn offer(&mut self, now_us: i64, key: ServerKey, capabilities: Capabilities) {
        let contact = self.contact(capabilities);
        self.respond(now_us, key, StatusCode::OK, |response| {
            let headers = &mut response.headers;
            headers.push(Name::Contact, contact);
            headers.push(Name::Allow, allow());
            headers.push(Name::Accept, HeaderValue::from_static("message/cpim, text/plain"));
            headers.push(Name::AcceptEncoding, HeaderValue::from_static("deflate, identity"));
            headers.push(Name::Supported, HeaderValue::from_static("path"));
        });
    }

    /// Our own Contact, with what it is to say.
    pub(super) fn contact(&self, capabilities: Capabilities) -> HeaderValue {
        let mut contact = format!("<sip:{}>", self.settings.contact).into_bytes();
        capabilities.features().write(&mut contact);
        contact.into()
    }

    /// Somebody's capabilities as the network told them.
    fn heard_of(&mut self, now_us: i64, line: &Line, capabilities: Capabilities, status: StatusCode) {
        let policy = self.settings.capabilities;
        let max = self.settings.limits.capabilities_max;
        let now = Self::timestamp(now_us);
        let presence = match meaning(status, capabilities) {
            Meaning::Rcs(capabilities) => {
                let until = now + policy.expiry;
                let form = self.book.fresh(now_us, line).map_or(Form::Cpim, |known| known.form);
                let known = Known { capabilities: Some(capabilities), form, until_us: until.micros() };
                self.book.learn(now_us, line, known, max);
                Presence::Here { until }
            }
            Meaning::Nobody => {
                let until = now + policy.negative_expiry;
                let known = Known { capabilities: None, form: Form::Cpim, until_us: until.micros() };
                self.book.learn(now_us, line, known, max);
                Presence::Nobody { until }
            }
            // Only of whom was known before is it known that he is an RCS user.
            Meaning::Away => match self.book.fresh(now_us, line) {
                Some(Known { capabilities: Some(_), until_us, .. }) => {
                    Presence::Away { until: Timestamp::from_micros(until_us) }
                }
                _ => return self.book.stay_silent(now_us, line, max),
            },
            Meaning::Nothing => return self.book.stay_silent(now_us, line, max),
        };
        self.present(line, presence);
    }

    /// What is known of somebody beyond us; `Err` when he is no user of RCS.
    pub(super) fn known_beyond(&self, now_us: i64, line: &Line) -> Result<(Capabilities, Form), ()> {
        match self.book.fresh(now_us, line) {
            Some(Known { capabilities: Some(capabilities), form, .. }) => Ok((capabilities, form)),
            Some(Known { capabilities: None, .. }) => Err(()),
            None => Ok((Capabilities::NONE, Form::Cpim)),
        }
    }

    /// Somebody beyond us only takes text.
    pub(super) fn takes_text_only(&mut self, now_us: i64, line: &Line) {
        let until_us = (Self::timestamp(now_us) + self.settings.capabilities.expiry).micros();
        let before = self.book.fresh(now_us, line);
        let known = Known {
            capabilities: Some(before.and_then(|known| known.capabilities).unwrap_or_default()),
            form: Form::Plain,
            until_us: before.map_or(until_us, |known| known.until_us),
        };
        self.book.learn(now_us, line, known, self.settings.limits.capabilities_max);
    }

    /// Whether the first message to somebody waits until he was asked what he can do.
    pub(super) fn should_ask(&self, now_us: i64, line: &Line) -> bool {
        self.settings.capabilities.ask
            && self.book.fresh(now_us, line).is_none()
            && !self.book.is_silent(now_us, line)
    }

    /// Asks, and lets the message wait for the answer. Gives it back when nothing can be asked.
    pub(super) fn ask(
        &mut self,
        now_us: i64,
        aim: &Aim,
        to: &Line,
        message: OutgoingMessage,
        pair: u64,
    ) -> Result<(), Box<OutgoingMessage>> {
        let from = shown(message.from.as_ref(), &message.submission.from).clone();
        let request = self.question(aim, &from, &Address::Number(to.number()));
        let question = Question { to: to.clone(), message: Box::new(message), pair };
        let slot = self.book.asking.insert(question);
        if self.send(now_us, aim.toward.clone(), request, Owner::Question(slot)).is_ok() {
            return Ok(());
        }
        self.book.stay_silent(now_us, to, self.settings.limits.capabilities_max);
        match self.book.asking.remove(slot) {
            Some(question) => Err(question.message),
            None => Ok(()),
        }
    }

    /// OPTIONS with what we can do, in Contact and in Accept-Contact: readers look at either.
    fn question(&mut self, aim: &Aim, from: &Address, to: &Address) -> Request {
        let domain = self.settings.domain.clone();
        let (from, to) = (uri_of(from, &domain, aim.spelling), uri_of(to, &domain, aim.spelling));
        let uri = Uri::new(&to).unwrap_or_else(|_| super::letters::ours(&domain));
        let offered = self.offered();
        let mut accept_contact = b"*".to_vec();
        offered.features().write(&mut accept_contact);
        let tag = self.draw.text();
        let mut request = Request::builder(Method::OPTIONS, uri)
            .from(&from, &tag)
            .to(&to, None)
            .header(Name::PAssertedIdentity, format_args!("<{from}>"))
            .header(Name::Contact, self.contact(offered))
            .header(Name::AcceptContact, HeaderValue::from(accept_contact))
            .header(Name::Accept, HeaderValue::from_static("application/sdp"))
            .header(Name::Allow, allow());
        if !aim.route.is_empty() {
            request = request.header(Name::Route, aim.route.as_str());
        }
        request.build()
    }

    /// The answer to a question. The message goes on as it says.
    pub(super) fn question_heard(&mut self, now_us: i64, slot: Slot, heard: &Heard) {
        let Some(question) = self.book.asking.remove(slot) else { return };
        match heard {
            Heard::Answer(response) => {
                self.heard_of(now_us, &question.to, of_answer(response), response.status);
            }
            Heard::Silence | Heard::NotSent => {
                self.book.stay_silent(now_us, &question.to, self.settings.limits.capabilities_max);
            }
        }
        self.start(now_us, *question.message, question.pair, &question.to);
    }
}

fn of_answer(response: &Response) -> Capabilities {
    said(&response.headers)
}

/// What the Contact and Accept-Contact of a message say together.
fn said(headers: &sip_message::Headers) -> Capabilities {
    let mut all = Features::default();
    for contact in headers.addresses(Name::Contact).filter_map(Result::ok) {
        all.merge(&features(contact.params));
    }
    for value in headers.list(Name::AcceptContact) {
        let params = value.iter().position(|b| *b == b';').and_then(|at| value.get(at..)).unwrap_or_default();
        all.merge(&features(Params::parse(params).unwrap_or_default()));
    }
    Capabilities::of(&all)
}

fn allow() -> HeaderValue {
    let methods: Vec<&str> = ALLOWED.iter().map(Method::as_str).collect();
    methods.join(", ").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rcs sheet §1.6, row by row.
    #[test]
    fn each_answer_has_its_meaning() {
        let of = |code: u16, capabilities| meaning(StatusCode::new(code).expect("a status"), capabilities);
        let rcs = Capabilities::STANDALONE_PAGER;
        assert_eq!(of(200, rcs), Meaning::Rcs(rcs));
        assert_eq!(of(200, Capabilities::SMS_OVER_IP), Meaning::Nobody);
        for code in [404, 604] {
            assert_eq!(of(code, rcs), Meaning::Nobody);
        }
        for code in [408, 480] {
            assert_eq!(of(code, rcs), Meaning::Away);
        }
        for code in [301, 403, 405, 420, 486, 500, 501, 503, 600] {
            assert_eq!(of(code, rcs), Meaning::Nothing, "{code}");
        }
    }
}
