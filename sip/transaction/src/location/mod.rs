//! Registrations: which contacts stand for an address of record (RFC 3261 §10.3, RFC 5626, RFC 3327).

mod binding;

use std::collections::BTreeSet;

use hashbrown::HashMap;
use sip_message::{NameAddr, StatusCode};
use smallvec::SmallVec;
use smol_str::SmolStr;

pub use binding::Binding;
use binding::same_contact;

use crate::flow::Flow;
use crate::hash::Seed;
use crate::slab::Slab;
use crate::wheel::Wheel;

/// What a registrar allows.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Shorter is refused with 423, unless it is zero.
    pub expires_s_min: u32,
    /// Longer is cut.
    pub expires_s_max: u32,
    /// When nothing is asked.
    pub expires_s_default: u32,
    /// Contacts of one address of record.
    pub contacts_max: usize,
    /// Addresses of record.
    pub records_max: usize,
    /// Octets of one contact with its parameters, its Path and its Call-ID.
    pub octets_max: usize,
    /// Whether a contact with the `+sip.instance` of another one takes its place also without `reg-id`: a handset
    /// that comes back with a new address is still one handset (TS 24.229 §5.4.1.2).
    pub instance_replaces: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            expires_s_min: 60,
            expires_s_max: 604_800,
            expires_s_default: 3_600,
            contacts_max: 8,
            records_max: 1_000_000,
            octets_max: 8 * 1024,
            instance_replaces: true,
        }
    }
}

/// What one REGISTER asks for.
#[derive(Debug, Clone, Copy)]
pub struct Register<'a> {
    /// Call-ID of the request.
    pub call_id: &'a str,
    /// Number of its CSeq.
    pub cseq: u32,
    /// Its Expires header.
    pub expires_s: Option<u32>,
    /// Its Contact headers.
    pub contacts: Asked<'a>,
    /// Its Path headers joined by commas, empty without (RFC 3327).
    pub path: &'a str,
    /// Where it came from.
    pub flow: Flow,
}

/// The Contact headers of a REGISTER.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// None: what is registered?
    Nothing,
    /// `*`: remove all.
    All,
    /// Add, refresh, or with zero remove these.
    These(&'a [NameAddr<'a>]),
}

/// What became of one contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new; [`Binding::number`].
    Added(u64),
    /// Its time was set anew.
    Refreshed(u64),
    /// It was taken back.
    Removed(u64),
    /// It had run out already, and [`Location::expired`] did not say so yet.
    Expired(u64),
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `*` needs Expires: 0 and stands alone.
    #[error("* with another contact or without Expires: 0")]
    Wildcard,
    /// An older or repeated request of the same Call-ID (RFC 3261 §10.3 item 7).
    #[error("CSeq is not above the last one")]
    OutOfOrder,
    /// A contact asked for less time than is allowed.
    #[error("expires below {min_s} s")]
    TooBrief {
        /// For Min-Expires.
        min_s: u32,
    },
    /// More contacts than an address of record may have.
    #[error("more than {max} contacts")]
    TooMany {
        /// How many it may have.
        max: usize,
    },
    /// One contact is larger than what is kept.
    #[error("a contact of more than {max} octets")]
    TooLarge {
        /// How large it may be.
        max: usize,
    },
    /// All places are taken.
    #[error("no place for another address of record")]
    Full,
}

impl Refusal {
    /// The status to answer with.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Wildcard => StatusCode::BAD_REQUEST,
            Self::OutOfOrder => StatusCode::SERVER_INTERNAL_ERROR,
            Self::TooBrief { .. } => StatusCode::INTERVAL_TOO_BRIEF,
            Self::TooMany { .. } => StatusCode::FORBIDDEN,
            Self::TooLarge { .. } => StatusCode::ENTITY_TOO_LARGE,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// What a REGISTER would make of an address of record.
struct Outcome {
    next: SmallVec<[Binding; 1]>,
    changes: SmallVec<[Change; 2]>,
    last_number: u64,
}

#[derive(Debug)]
struct Record {
    aor: SmolStr,
    bindings: SmallVec<[Binding; 1]>,
}

/// All registrations.
#[derive(Debug)]
pub struct Location {
    settings: Settings,
    places: HashMap<SmolStr, u32, Seed>,
    records: Slab<Record>,
    /// The next contact of each record to run out.
    wheel: Wheel,
    /// (flow, record) of contacts that came over a connection.
    connections: BTreeSet<(u32, u32)>,
    contacts: usize,
    last_number: u64,
}

/// Instants of expiry are kept to a second.
const TICK_US: i64 = 1_000_000;

impl Location {
    /// An empty registrar.
    #[must_use]
    pub fn new(now_us: i64, settings: Settings, seed: Seed) -> Self {
        Self {
            settings,
            places: HashMap::with_hasher(seed),
            records: Slab::new(),
            wheel: Wheel::new(now_us, TICK_US),
            connections: BTreeSet::new(),
            contacts: 0,
            last_number: 0,
        }
    }

    /// Addresses of record with at least one contact.
    #[must_use]
    pub const fn records(&self) -> usize {
        self.records.len()
    }

    /// Contacts of all of them.
    #[must_use]
    pub const fn contacts(&self) -> usize {
        self.contacts
    }

    /// The contacts of an address of record that have not run out at `now_us`, best `q` first, then newest first.
    pub fn lookup(&self, now_us: i64, aor: &str) -> impl Iterator<Item = &Binding> {
        let record = self.places.get(aor).and_then(|at| self.records.get(*at));
        let bindings = record.map_or(&[][..], |record| &record.bindings[..]);
        bindings.iter().filter(move |binding| binding.expires_us > now_us)
    }

    /// Does what a REGISTER asks for, all of it or nothing (RFC 3261 §10.3 items 6 to 8). The caller has made sure
    /// that the sender may, and made `aor` canonical. The 200 lists what [`Location::lookup`] then gives.
    ///
    /// # Errors
    /// [`Refusal`], with nothing changed.
    pub fn register(
        &mut self,
        now_us: i64,
        aor: &str,
        asked: &Register<'_>,
    ) -> Result<SmallVec<[Change; 2]>, Refusal> {
        let place = self.places.get(aor).copied();
        let Outcome { next, changes, last_number } = {
            let all =
                place.and_then(|at| self.records.get(at)).map_or(&[][..], |record| &record.bindings[..]);
            let (known, over): (Vec<_>, Vec<_>) =
                all.iter().cloned().partition(|binding| binding.expires_us > now_us);
            let Some(mut outcome) = self.judge(now_us, known, asked)? else { return Ok(SmallVec::new()) };
            outcome.changes.insert_many(0, over.iter().map(|binding| Change::Expired(binding.number)));
            outcome
        };
        let at = match place {
            Some(at) => at,
            None if next.is_empty() => return Ok(changes),
            None if self.records.len() >= self.settings.records_max => return Err(Refusal::Full),
            None => {
                let aor = SmolStr::new(aor);
                let at = self.records.insert(Record { aor: aor.clone(), bindings: SmallVec::new() });
                self.places.insert(aor, at);
                at
            }
        };
        self.last_number = last_number;
        self.change(at, |bindings| *bindings = next);
        Ok(changes)
    }

    /// What a REGISTER makes of the contacts that are known; `None` when it only asks.
    fn judge(
        &self,
        now_us: i64,
        known: Vec<Binding>,
        asked: &Register<'_>,
    ) -> Result<Option<Outcome>, Refusal> {
        let contacts = match asked.contacts {
            Asked::Nothing => return Ok(None),
            Asked::All if asked.expires_s != Some(0) => return Err(Refusal::Wildcard),
            Asked::All if known.iter().any(|binding| binding.is_newer_than(asked)) => {
                return Err(Refusal::OutOfOrder);
            }
            Asked::All => {
                let changes = known.iter().map(|binding| Change::Removed(binding.number)).collect();
                return Ok(Some(Outcome { next: SmallVec::new(), changes, last_number: self.last_number }));
            }
            Asked::These(contacts) => contacts,
        };
        let mut next: SmallVec<[Binding; 1]> = known.iter().cloned().collect();
        let mut changes = SmallVec::new();
        let mut last_number = self.last_number;
        for contact in contacts {
            let expires_s = self.expires_s(contact, asked)?;
            let old =
                next.iter().position(|binding| self.replaces(contact, binding)).map(|at| next.remove(at));
            // One that was written a moment ago stands twice in this request: the last one counts.
            let of_before = |old: &&Binding| known.contains(old);
            if old.as_ref().filter(of_before).is_some_and(|old| old.is_newer_than(asked)) {
                return Err(Refusal::OutOfOrder);
            }
            if expires_s == 0 {
                changes.extend(old.map(|old| Change::Removed(old.number)));
                continue;
            }
            let number = match &old {
                Some(old) => {
                    changes.push(Change::Refreshed(old.number));
                    old.number
                }
                None => {
                    last_number += 1;
                    changes.push(Change::Added(last_number));
                    last_number
                }
            };
            let expires_us = now_us.saturating_add(i64::from(expires_s) * 1_000_000);
            let binding = Binding::new(number, contact, asked, expires_us);
            if binding.octets() > self.settings.octets_max {
                return Err(Refusal::TooLarge { max: self.settings.octets_max });
            }
            let at = next.iter().position(|other| other.q <= binding.q).unwrap_or(next.len());
            next.insert(at, binding);
        }
        if next.len() > self.settings.contacts_max {
            return Err(Refusal::TooMany { max: self.settings.contacts_max });
        }
        Ok(Some(Outcome { next, changes, last_number }))
    }

    /// Whether a contact takes the place of a known one: the same flow of the same instance (RFC 5626 §6), the same
    /// instance, or the same URI (RFC 3261 §10.3 item 7).
    fn replaces(&self, contact: &NameAddr<'_>, binding: &Binding) -> bool {
        let instance = contact.params.text("+sip.instance");
        let same_instance = instance.is_some() && binding.instance() == instance.as_deref();
        let reg_id = binding::reg_id(contact);
        reg_id == binding.reg_id
            && (same_instance && (reg_id.is_some() || self.settings.instance_replaces)
                || same_contact(binding.uri(), contact.uri.as_str()))
    }

    /// Seconds that a contact is asked for, within what is allowed (RFC 3261 §10.3 item 7).
    fn expires_s(&self, contact: &NameAddr<'_>, asked: &Register<'_>) -> Result<u32, Refusal> {
        // A parameter that is no number counts as not there (RFC 3261 §10.2.1.1).
        let own_s = contact.params.get("expires").filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        // One that is too large for a number is cut like any other.
        let own_s =
            own_s.filter(|digits| !digits.is_empty()).map(|digits| digits.parse().unwrap_or(u32::MAX));
        let asked_s = own_s.or(asked.expires_s);
        match asked_s.unwrap_or(self.settings.expires_s_default) {
            s if s > 0 && s < self.settings.expires_s_min => {
                Err(Refusal::TooBrief { min_s: self.settings.expires_s_min })
            }
            s => Ok(s.min(self.settings.expires_s_max)),
        }
    }

    /// Takes one contact away, for example because requests to it are answered 404 or 410.
    pub fn remove(&mut self, aor: &str, number: u64) -> Option<Binding> {
        let at = *self.places.get(aor)?;
        let mut removed = None;
        self.change(at, |bindings| {
            let place = bindings.iter().position(|binding| binding.number == number);
            removed = place.map(|place| bindings.remove(place));
        });
        removed
    }

    /// Says which contacts have run out at `now_us`, until there are none.
    pub fn expired(&mut self, now_us: i64) -> Option<(SmolStr, SmallVec<[Binding; 1]>)> {
        let now_us = now_us.max(self.wheel.now_us());
        loop {
            let at = self.wheel.pop(now_us)?;
            let Some(aor) = self.records.get(at).map(|record| record.aor.clone()) else { continue };
            let mut gone = SmallVec::new();
            self.change(at, |bindings| {
                let (over, left) = bindings.drain(..).partition(|binding| binding.expires_us <= now_us);
                (gone, *bindings) = (over, left);
            });
            if !gone.is_empty() {
                return Some((aor, gone));
            }
        }
    }

    /// When [`Location::expired`] may next say something.
    #[must_use]
    pub fn next_us(&self) -> Option<i64> {
        self.wheel.next_us()
    }

    /// A connection is gone. Contacts that were registered for that flow alone (`reg-id`, RFC 5626 §5.3) go with it;
    /// the others stay, to be reached by their URI. Says which went.
    pub fn disconnected(&mut self, flow_id: u32) -> Vec<(SmolStr, Binding)> {
        let places: Vec<u32> =
            self.connections.range((flow_id, 0)..=(flow_id, u32::MAX)).map(|(_, at)| *at).collect();
        let mut gone = Vec::new();
        for at in places {
            let Some(aor) = self.records.get(at).map(|record| record.aor.clone()) else { continue };
            self.change(at, |bindings| {
                bindings.retain(|binding| {
                    let on_it = binding.flow.is_some_and(|flow| flow.reliable() && flow.id == flow_id);
                    if on_it && binding.reg_id.is_some() {
                        gone.push((aor.clone(), binding.clone()));
                        return false;
                    }
                    if on_it {
                        binding.flow = None;
                    }
                    true
                });
            });
        }
        gone
    }

    /// The only place where contacts change: keeps the indexes true.
    fn change(&mut self, at: u32, change: impl FnOnce(&mut SmallVec<[Binding; 1]>)) {
        let Some(record) = self.records.get_mut(at) else { return };
        for flow in record.bindings.iter().filter_map(|binding| binding.flow) {
            self.connections.remove(&(flow.id, at));
        }
        self.contacts -= record.bindings.len();
        change(&mut record.bindings);
        self.contacts += record.bindings.len();
        for flow in record.bindings.iter().filter_map(|binding| binding.flow).filter(Flow::reliable) {
            self.connections.insert((flow.id, at));
        }
        debug_assert!(self.connections.len() <= self.contacts, "no connection without a contact");
        match record.bindings.iter().map(|binding| binding.expires_us).min() {
            Some(first) => self.wheel.set(at, first),
            None => {
                self.wheel.clear(at);
                if let Some(record) = self.records.remove(at) {
                    self.places.remove(&record.aor);
                }
            }
        }
    }
}
