//! Users whom an IMS core serves: told to us by third-party registration (TS 24.229 §5.7.1.1, rcs sheet §14), asked
//! for by the registration event package (RFC 3680) where the core leaves out what their devices said.

use bytes::Bytes;
use hashbrown::HashMap;
use model::Presence;
use sip_message::{
    Contacts, HeaderValue, Limits, Message, Method, Name, Request, Scheme, StatusCode, Uri, parse_datagram,
};
use sip_rcs::{
    Capabilities, Features,
    mime::{self, Kind},
    multipart, reginfo,
};
use sip_transaction::{
    ServerKey,
    subscription::{Event, SubscriptionState, Substate},
};
use smol_str::SmolStr;

use super::{
    Core,
    alarms::Alarm,
    letters::{Aim, destination},
    registrar::{features, here},
    sends::{Heard, Owner, Toward},
    short::form_for,
};
use crate::translate::{Form, Line, Spelling, number_of};

/// When the core does not say for how long (TS 24.229: usually 600,000 s).
const EXPIRES_S: u32 = 3_600;

/// One user.
#[derive(Debug)]
struct Served {
    /// The S-CSCF.
    server: Uri,
    until_us: i64,
    capabilities: Capabilities,
    form: Form,
    /// How the core names its user.
    spelling: Spelling,
    /// Call-ID of the subscription to what its devices are, while it holds.
    watch: Option<SmolStr>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct ServedUsers {
    users: HashMap<Line, Served>,
    watches: HashMap<SmolStr, Line>,
}

impl ServedUsers {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.users.len()
    }
}

impl Core {
    /// REGISTER of an S-CSCF on behalf of a user. Answered at once: it does not wait long.
    pub(super) fn third_party(&mut self, now_us: i64, key: ServerKey, request: &Request) {
        self.counts.registrations += 1;
        let to = request.to();
        let Some(number) = to.as_ref().and_then(|to| number_of(&to.uri)) else {
            // A public identity that is no number: nothing to us, and no failure of the core's.
            return self.answer(now_us, key, StatusCode::OK);
        };
        let Some(server) = server(request) else { return self.answer(now_us, key, StatusCode::BAD_REQUEST) };
        let line = Line::of(&number, &self.settings.numbering);
        let expires_s = request.headers.expires().unwrap_or(EXPIRES_S);
        if expires_s == 0 {
            self.answer(now_us, key, StatusCode::OK);
            return self.served_gone(now_us, &line);
        }
        let known = self.served.users.contains_key(&line);
        if !known && self.served.users.len() >= self.settings.registration.users_max {
            return self.refuse_request(now_us, key, model::Cause::QueueFull);
        }
        self.respond(now_us, key, StatusCode::OK, |response| {
            response.headers.push(Name::Expires, HeaderValue::from(expires_s));
        });
        let told = told(request);
        let until_us = now_us.saturating_add(i64::from(expires_s) * 1_000_000);
        let (capabilities, form, watch) = match self.served.users.get(&line) {
            Some(known) => (told.unwrap_or(known.capabilities), known.form, known.watch.clone()),
            None => (told.unwrap_or_default(), Form::Cpim, None),
        };
        let wants_watch = told.is_none() && watch.is_none();
        let by_name = to.is_some_and(|to| {
            to.uri.scheme() != Scheme::Tel && to.uri.host_text().eq_ignore_ascii_case(&self.settings.domain)
        });
        let spelling = if by_name { Spelling::Sip } else { Spelling::Tel };
        let served = Served { server, until_us, capabilities, form, spelling, watch };
        self.served.users.insert(line.clone(), served);
        self.alarms.set(until_us, Alarm::Served(line.clone()));
        self.here_again(now_us, &line);
        if wants_watch {
            self.watch(now_us, &line, expires_s);
        }
    }

    /// Somebody who is here, or was all the time, can take what waits: it is tried.
    pub(super) fn here_again(&mut self, now_us: i64, line: &Line) {
        match self.served.users.get(line) {
            Some(served) => {
                let is_handset = form_for(served.form, served.capabilities) == Form::Short;
                self.present(line, here(is_handset, model::Timestamp::from_micros(served.until_us)));
            }
            None if self.devices_of(now_us, line).is_empty() => {}
            None => self.announce(now_us, line),
        }
    }

    /// The user is away now: the core said so, or his time is over.
    fn served_gone(&mut self, now_us: i64, line: &Line) {
        let Some(served) = self.served.users.remove(line) else { return };
        if let Some(watch) = served.watch {
            self.served.watches.remove(&watch);
        }
        let until = Self::timestamp(now_us) + self.settings.capabilities.expiry;
        self.present(line, Presence::Away { until });
    }

    pub(super) fn served_due(&mut self, now_us: i64, line: &Line) {
        if self.served.users.get(line).is_some_and(|served| served.until_us <= now_us) {
            self.served_gone(now_us, line);
        }
    }

    /// The way to a user of the core: by the S-CSCF that told us.
    pub(super) fn served_aim(&self, line: &Line) -> Option<Aim> {
        let served = self.served.users.get(line)?;
        Some(Aim {
            toward: Toward::Destination(destination(&served.server)?),
            uri: None,
            route: loose(&served.server),
            spelling: served.spelling,
            device: None,
            capabilities: served.capabilities,
            form: form_for(served.form, served.capabilities),
            paged: false,
        })
    }

    /// Whether the user is served, so that what was learnt of it is kept there.
    pub(super) fn served_takes_text_only(&mut self, line: &Line) -> bool {
        match self.served.users.get_mut(line) {
            Some(served) => {
                served.form = Form::Plain;
                true
            }
            None => false,
        }
    }

    /// Asks the core what the devices of a user said when they registered.
    fn watch(&mut self, now_us: i64, line: &Line, expires_s: u32) {
        let Some(aim) = self.served_aim(line) else { return };
        let domain = self.settings.domain.clone();
        let user = crate::translate::uri_of(&model::Address::Number(line.number()), &domain, aim.spelling);
        let Ok(uri) = Uri::new(&user) else { return };
        let (call_id, tag) = (self.draw.text(), self.draw.text());
        let call_id = smol_str::format_smolstr!("{call_id}@{domain}");
        let us = smol_str::format_smolstr!("sip:{domain}");
        let request = Request::builder(Method::SUBSCRIBE, uri)
            .from(&us, &tag)
            .to(&user, None)
            .call_id(&call_id)
            .cseq(1)
            .header(Name::PAssertedIdentity, format_args!("<{us}>"))
            .header(Name::Route, aim.route.as_str())
            .header(Name::Contact, self.contact(Capabilities::NONE))
            .header(Name::Event, HeaderValue::from_static("reg"))
            .header(Name::Accept, HeaderValue::from_static(mime::REGISTRATION_INFO))
            .header(Name::Expires, HeaderValue::from(expires_s))
            .build();
        if let Some(served) = self.served.users.get_mut(line) {
            served.watch = Some(call_id.clone());
        }
        self.served.watches.insert(call_id.clone(), line.clone());
        let slot = self.watching.insert(call_id);
        if self.send(now_us, aim.toward, request, Owner::Watch(slot)).is_err() {
            self.watch_heard(slot, &Heard::NotSent);
        }
    }

    /// What came of a SUBSCRIBE. Without it nothing is known of the devices, and that is no failure.
    pub(super) fn watch_heard(&mut self, slot: super::slots::Slot, heard: &Heard) {
        let Some(call_id) = self.watching.remove(slot) else { return };
        if !matches!(heard, Heard::Answer(response) if response.status.code() < 300) {
            self.watch_over(&call_id);
        }
    }

    fn watch_over(&mut self, call_id: &str) {
        let Some(line) = self.served.watches.remove(call_id) else { return };
        if let Some(served) = self.served.users.get_mut(&line) {
            served.watch = None;
        }
    }

    /// NOTIFY: what the devices of a user said.
    pub(super) fn notify(&mut self, now_us: i64, key: ServerKey, request: &Request) {
        if Event::of(&request.headers).is_none_or(|event| event.package != "reg") {
            return self.respond(now_us, key, StatusCode::BAD_EVENT, |response| {
                response.headers.push(Name::AllowEvents, HeaderValue::from_static("reg"));
            });
        }
        let Some(line) = self.served.watches.get(request.call_id()).cloned() else {
            return self.answer(now_us, key, StatusCode::NO_SUCH_DIALOG);
        };
        let info = match request.body.is_empty() {
            true => None,
            false => match reginfo::read(&request.body) {
                Ok(info) => Some(info),
                Err(_) => return self.answer(now_us, key, StatusCode::BAD_REQUEST),
            },
        };
        self.answer(now_us, key, StatusCode::OK);
        if let Some(info) = info {
            let mut all = Features::default();
            for contact in info.registrations.iter().flat_map(|registration| &registration.contacts) {
                if contact.active {
                    all.merge(&contact.features());
                }
            }
            if let Some(served) = self.served.users.get_mut(&line) {
                let before = form_for(served.form, served.capabilities);
                served.capabilities = Capabilities::of(&all);
                if form_for(served.form, served.capabilities) != before {
                    self.here_again(now_us, &line);
                }
            }
        }
        if SubscriptionState::of(&request.headers).is_some_and(|state| state.substate == Substate::Terminated)
        {
            self.watch_over(request.call_id());
        }
    }
}

/// The S-CSCF: what it names as its Contact, else who it says it is.
fn server(request: &Request) -> Option<Uri> {
    let contact = match request.headers.contacts().ok()? {
        Contacts::List(contacts) => contacts.first().map(|contact| contact.uri.to_uri()),
        Contacts::All => None,
    };
    contact.or_else(|| Some(request.from()?.uri.to_uri()))
}

/// As a Route that is loose.
fn loose(uri: &Uri) -> SmolStr {
    if uri.params().has("lr") {
        smol_str::format_smolstr!("<{uri}>")
    } else {
        smol_str::format_smolstr!("<{uri};lr>")
    }
}

/// What the devices said: the Contact of the REGISTER that the core got, or of its answer, carried along as
/// `message/sip`. `None` when the core carries nothing along.
fn told(request: &Request) -> Option<Capabilities> {
    let content_type = request.headers.text(Name::ContentType)?;
    match Kind::of(content_type) {
        Kind::Sip => of_inner(&request.body),
        Kind::Multipart => {
            let parts = multipart::read(content_type, &request.body).ok()?;
            let inner = parts.iter().filter(|part| part.kind() == Kind::Sip);
            inner.filter_map(|part| of_inner(&part.content)).reduce(|all, one| all | one)
        }
        _ => None,
    }
}

fn of_inner(octets: &Bytes) -> Option<Capabilities> {
    let message = parse_datagram(octets.clone(), &Limits::STREAM).ok()?;
    let headers = match &message {
        Message::Request(request) => &request.headers,
        Message::Response(response) => &response.headers,
    };
    let mut all = Features::default();
    for contact in headers.addresses(Name::Contact).filter_map(Result::ok) {
        all.merge(&features(contact.params));
    }
    Some(Capabilities::of(&all))
}
