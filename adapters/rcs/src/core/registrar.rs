//! REGISTER: which devices our users have, and for how long (RFC 3261 §10, RFC 3327, rcs sheet §2).

use model::{For, Inbound, Pii, Presence, Timestamp};
use sip_message::{Contacts, HeaderValue, Name, Params, Request, StatusCode};
use sip_rcs::{Capabilities, Features};
use sip_transaction::{
    Flow, ServerKey,
    location::{Asked, Change, Register},
};

use super::{Core, identity::Unrecognised, short::is_handset};
use crate::{
    Settings,
    translate::{Form, Line, Spelling, number_of, uri_of},
};

/// What is kept of a registered device beside its contact.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Device {
    pub(super) capabilities: Capabilities,
    /// Learnt from its answers.
    pub(super) form: Form,
}

impl Core {
    pub(super) fn register(&mut self, now_us: i64, key: ServerKey, flow: Flow, request: &Request) {
        if self.peer(flow).is_some_and(|peer| peer.registrar) {
            return self.third_party(now_us, key, request);
        }
        let Some(number) = request.to().and_then(|to| number_of(&to.uri)) else {
            return self.answer(now_us, key, StatusCode::NOT_FOUND);
        };
        let line = Line::of(&number, &self.settings.numbering);
        if let Err(Unrecognised) = self.prove(now_us, key, flow, request, &line, true) {
            return;
        }
        let Ok(contacts) = request.headers.contacts() else {
            return self.answer(now_us, key, StatusCode::BAD_REQUEST);
        };
        let path = joined(request, &Name::Path);
        let asked = Register {
            call_id: request.call_id(),
            cseq: request.cseq().map_or(0, |cseq| cseq.number),
            expires_s: request.headers.expires(),
            contacts: match &contacts {
                Contacts::All => Asked::All,
                Contacts::List(contacts) if contacts.is_empty() => Asked::Nothing,
                Contacts::List(contacts) => Asked::These(contacts),
            },
            path: &path,
            flow,
        };
        let changes = match self.location.register(now_us, line.as_str(), &asked) {
            Ok(changes) => changes,
            Err(refusal) => {
                let min_s = self.settings.registration.expires_s_min;
                return self.respond(now_us, key, refusal.status(), |response| {
                    if refusal.status() == StatusCode::INTERVAL_TOO_BRIEF {
                        response.headers.push(Name::MinExpires, HeaderValue::from(min_s));
                    }
                });
            }
        };
        self.counts.registrations += 1;
        for change in &changes {
            self.device_changed(now_us, &line, *change);
        }
        self.registered(now_us, key, &line, &path);
        if !changes.is_empty() {
            self.announce(now_us, &line);
        }
    }

    fn device_changed(&mut self, now_us: i64, line: &Line, change: Change) {
        match change {
            Change::Removed(number) | Change::Expired(number) => {
                self.devices.remove(&number);
            }
            Change::Added(number) | Change::Refreshed(number) => {
                let binding =
                    self.location.lookup(now_us, line.as_str()).find(|binding| binding.number == number);
                let Some(binding) = binding else { return };
                let capabilities = Capabilities::of(&features(
                    Params::parse(binding.params().as_bytes()).unwrap_or_default(),
                ));
                self.devices.entry(number).or_default().capabilities = capabilities;
            }
        }
    }

    /// The 200: what is registered now, and who else the user is (RFC 7315 §4.1).
    fn registered(&mut self, now_us: i64, key: ServerKey, line: &Line, path: &str) {
        let mut contacts = Vec::new();
        for binding in self.location.lookup(now_us, line.as_str()) {
            let mut contact = format!("<{}>", binding.uri());
            for param in Params::parse(binding.params().as_bytes()).unwrap_or_default().iter() {
                if param.name.eq_ignore_ascii_case("expires") {
                    continue;
                }
                contact.push(';');
                contact.push_str(param.name);
                if let Some(value) = param.value {
                    contact.push('=');
                    contact.push_str(&String::from_utf8_lossy(value));
                }
            }
            contact.push_str(&format!(";expires={}", binding.left_s(now_us)));
            contacts.push(contact);
        }
        let address = model::Address::Number(line.number());
        let domain = self.settings.domain.clone();
        let identities = [Spelling::Sip, Spelling::Tel]
            .map(|spelling| format!("<{}>", uri_of(&address, &domain, spelling)));
        self.respond(now_us, key, StatusCode::OK, |response| {
            let headers = &mut response.headers;
            for contact in contacts {
                headers.push(Name::Contact, contact);
            }
            for identity in identities {
                headers.push(Name::PAssociatedUri, identity);
            }
            if !path.is_empty() {
                headers.push(Name::Path, path);
                headers.push(Name::Supported, HeaderValue::from_static("path"));
            }
            headers.push(Name::Date, sip_message::date::format(now_us));
        });
    }

    /// A contact has run out, or its connection is gone.
    pub(super) fn device_gone(&mut self, now_us: i64, aor: &str, number: u64) {
        self.devices.remove(&number);
        let line = Line::of(&model::Number::written(aor), &self.settings.numbering);
        self.announce(now_us, &line);
    }

    /// Tells the gateway whether somebody can be reached now.
    pub(super) fn announce(&mut self, now_us: i64, line: &Line) {
        let until = self.location.lookup(now_us, line.as_str()).map(|binding| binding.expires_us).max();
        let presence = match until {
            Some(until) => {
                let is_handset = self.devices_of(now_us, line).iter().any(is_handset);
                here(is_handset, Timestamp::from_micros(until))
            }
            None => Presence::Away { until: Timestamp::NEVER },
        };
        self.present(line, presence);
    }

    pub(super) fn present(&mut self, line: &Line, presence: Presence) {
        let number = Pii::new(line.number());
        debug_assert!(!number.reveal(For::Signalling).digits.is_empty());
        self.out.inbound.push(Inbound::Presence { channel: self.settings.channel, number, presence });
    }

    /// The gateway learns who its users are, though they are away.
    pub(super) fn announce_users(&mut self, now_us: i64) {
        let settings = self.settings.clone();
        for line in settings.users.keys() {
            self.announce(now_us, line);
        }
    }

    /// Users that are no more lose their registrations.
    pub(super) fn forget_users(&mut self, now_us: i64, before: &Settings) {
        let settings = self.settings.clone();
        for line in before.users.keys().filter(|line| !settings.users.contains_key(*line)) {
            let gone: Vec<u64> =
                self.location.lookup(now_us, line.as_str()).map(|binding| binding.number).collect();
            for number in gone {
                self.location.remove(line.as_str(), number);
                self.devices.remove(&number);
            }
            let until = Timestamp::from_micros(now_us) + settings.capabilities.negative_expiry;
            self.present(line, Presence::Nobody { until });
        }
    }
}

/// Reached until then; at a handset for short messages or not.
pub(super) const fn here(is_handset: bool, until: Timestamp) -> Presence {
    if is_handset { Presence::Handset { until } } else { Presence::Here { until } }
}

/// Feature tags among parameters.
pub(super) fn features(params: Params<'_>) -> Features {
    Features::read(params.iter().map(|param| {
        let value = param.value.and_then(|value| std::str::from_utf8(value).ok());
        (param.name, value)
    }))
}

/// All lines of a header, joined by commas.
fn joined(request: &Request, name: &Name) -> String {
    let mut all = String::new();
    for value in request.headers.all(name.clone()) {
        if !all.is_empty() {
            all.push_str(", ");
        }
        all.push_str(&String::from_utf8_lossy(value));
    }
    all
}
