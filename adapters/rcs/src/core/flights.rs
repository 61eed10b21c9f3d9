//! Messages and reports on their way out (rcs sheet §5, §8.2). Each hand-over gets exactly one outcome:
//!
//! | what happened | outcome |
//! | --- | --- |
//! | a device answered 2xx | sent, with the `imdn.Message-ID`; the other devices make no difference any more |
//! | every device refused | refused, by the one that may still take it |
//! | a device may have it and none said so | unknown |
//! | nobody is registered | refused until somebody is, for users of ours; the next network else |
//! | nothing left us | refused: nobody there, or the link to the next network is down |
//!
//! Messages of one person to another leave one after the other (RFC 3428 §8).

use std::{collections::VecDeque, sync::Arc};

use hashbrown::HashMap;
use model::{
    Address, AttemptId, Cause, For, Inbound, MessageId, Outcome, OutgoingMessage, Party, Receipt,
    ReceiptState, Refusal, Retry, UpstreamId,
};
use sip_message::{Name, Response, StatusCode};
use sip_rcs::Capabilities;
use sip_transaction::hash::{Hasher, Seed};
use smallvec::{SmallVec, smallvec};
use smol_str::SmolStr;

use super::{
    Core,
    letters::Aim,
    sends::{Heard, NoWay, Owner},
    session::Spoken,
    short::is_handset,
    slots::{Slot, Slots},
    status,
};
use crate::translate::{Carried, Ends, Form, Line, is_data, letter};

/// Devices of one person that are tried.
const BRANCHES_MAX: usize = 8;

/// One of so many is told.
const ROUND_TRIPS_TOLD: u32 = 16;
/// How long a core knows the session in which it called us (64·T1).
const SESSION_US: i64 = 32_000_000;

/// Hand-overs that have no outcome yet.
#[derive(Debug)]
pub(super) struct Flights {
    open: Slots<Flight>,
    /// Pairs of people between whom a message is on its way, and what waits behind it.
    pairs: HashMap<u64, VecDeque<OutgoingMessage>>,
}

impl Default for Flights {
    fn default() -> Self {
        Self { open: Slots::new(), pairs: HashMap::new() }
    }
}

impl Flights {
    pub(super) fn is_empty(&self) -> bool {
        self.open.len() == 0
    }

    fn len(&self) -> usize {
        self.open.len()
    }
}

/// One hand-over under way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) attempt: AttemptId,
    pub(super) what: What,
    /// When it left.
    pub(super) at_us: i64,
    /// Devices that have not answered.
    pub(super) unheard: u8,
    /// The outcome was told; what comes now changes nothing.
    pub(super) told: bool,
    /// A device may have it.
    pub(super) lost: bool,
    pub(super) best: Option<Refusal>,
    /// Devices, a bit each, that a session was opened with for it: once is enough.
    pub(super) called: u8,
    pub(super) aims: SmallVec<[Aim; 1]>,
}

/// What is on its way.
#[derive(Debug)]
pub(super) enum What {
    Message {
        message: Box<OutgoingMessage>,
        pair: u64,
        name: SmolStr,
    },
    /// With what was said when that was in a session: it may have to go by MESSAGE still.
    Report(Option<Arc<Spoken>>),
}

impl Core {
    /// Names two people in this order.
    pub(super) fn pair(&self, from: &Line, to: &Line) -> u64 {
        let mut hasher = Hasher::new(Seed(0, 0));
        hasher.part(from.as_str().as_bytes());
        hasher.part(to.as_str().as_bytes());
        hasher.finish() as u64
    }

    fn pair_of(&self, from: &Address, to: &Line) -> u64 {
        match from {
            Address::Number(from) => self.pair(&Line::of(from, &self.settings.numbering), to),
            Address::User(_) => self.pair(to, to),
        }
    }

    /// Takes a message out that waits behind another one; its attempt.
    pub(super) fn take_waiting(
        &mut self,
        message: MessageId,
        from: &Address,
        to: &Line,
    ) -> Option<AttemptId> {
        let pair = self.pair_of(from, to);
        let behind = self.flights.pairs.get_mut(&pair)?;
        let at = behind.iter().position(|waiting| waiting.message == message)?;
        behind.remove(at).map(|waiting| waiting.attempt)
    }

    pub(super) fn outcome(&mut self, attempt: AttemptId, outcome: Outcome) {
        if let Outcome::Refused(refusal) = &outcome {
            self.watch.refused(refusal);
        }
        self.out.inbound.push(Inbound::Outcome { attempt, outcome });
    }

    /// A message is to leave.
    pub(super) fn message(&mut self, now_us: i64, message: OutgoingMessage) {
        let Some(message) = self.group_message(now_us, message) else { return };
        let Some(to) = shown(message.to.as_ref(), &message.submission.to).number() else {
            let refusal = Refusal { retry: Retry::OtherRoute, ..Refusal::ours(Cause::BadDestination) };
            return self.outcome(message.attempt, Outcome::Refused(refusal));
        };
        let to = Line::of(to, &self.settings.numbering);
        let pair = self.pair_of(shown(message.from.as_ref(), &message.submission.from), &to);
        match self.flights.pairs.entry(pair) {
            hashbrown::hash_map::Entry::Occupied(mut behind) => behind.get_mut().push_back(message),
            hashbrown::hash_map::Entry::Vacant(first) => {
                first.insert(VecDeque::new());
                self.start(now_us, message, pair, &to);
            }
        }
    }

    pub(super) fn start(&mut self, now_us: i64, message: OutgoingMessage, pair: u64, to: &Line) {
        let mut message = message;
        let mut aims = self.aims(now_us, to);
        // Not for people to read (rcs sheet §13.1): other devices would show what nobody understands.
        let is_data = is_data(&message.submission.content);
        let unfit = Refusal { retry: Retry::OtherRoute, ..Refusal::ours(Cause::Unencodable) };
        if is_data && !aims.is_empty() {
            aims.retain(|aim| is_handset(aim));
            if aims.is_empty() {
                self.outcome(message.attempt, Outcome::Refused(unfit));
                return self.release(now_us, pair);
            }
        }
        aims.truncate(BRANCHES_MAX);
        if let Some(onward) = self.on_its_way(now_us, &message, &aims) {
            aims = smallvec![onward];
        }
        if aims.is_empty() {
            match self.beyond(now_us, to) {
                Ok(_) if is_data => {
                    self.outcome(message.attempt, Outcome::Refused(unfit));
                    return self.release(now_us, pair);
                }
                Ok(aim) if self.should_ask(now_us, to) => {
                    match self.ask(now_us, &aim, to, message, pair) {
                        Ok(()) => return,
                        Err(unasked) => message = *unasked,
                    }
                    aims.push(aim);
                }
                Ok(aim) => aims.push(aim),
                Err(refusal) => {
                    self.outcome(message.attempt, Outcome::Refused(refusal));
                    return self.release(now_us, pair);
                }
            }
        }
        let name = self.namer.name(message.message, to);
        if let Some(reference) = &message.submission.reference {
            let max = self.settings.limits.recallable_max;
            self.references.insert(name.clone(), reference.clone(), max);
        }
        let flight = Flight {
            attempt: message.attempt,
            what: What::Message { message: Box::new(message), pair, name },
            at_us: now_us,
            unheard: 0,
            told: false,
            lost: false,
            best: None,
            called: 0,
            aims,
        };
        let slot = self.flights.open.insert(flight);
        self.launch(now_us, slot);
    }

    /// A message that a core gave us a moment ago goes on through that core: it knows what else is to be done with it.
    /// Later the core has forgotten its session. Devices that are registered here are not reached that way.
    fn on_its_way(&self, now_us: i64, message: &OutgoingMessage, aims: &[Aim]) -> Option<Aim> {
        let submission = &*message.submission;
        let age_us = now_us.saturating_sub(submission.received_at.micros());
        if submission.origin != self.settings.channel
            || age_us > SESSION_US
            || aims.iter().any(|aim| aim.device.is_some())
        {
            return None;
        }
        let route = Carried::decode(&submission.carried).route?;
        match aims.first() {
            Some(aim) => {
                let onward = self.onward(route, aim.capabilities, aim.form)?;
                Some(Aim { spelling: aim.spelling, ..onward })
            }
            None => self.onward(route, Capabilities::NONE, Form::Cpim),
        }
    }

    /// Where a message goes whose recipient is not registered here.
    pub(super) fn beyond(&self, now_us: i64, to: &Line) -> Result<Aim, Refusal> {
        let away = Refusal {
            by: Party::Network,
            cause: Cause::Unreachable,
            retry: Retry::WhenReachable,
            code: u32::from(StatusCode::TEMPORARILY_UNAVAILABLE.code()),
        };
        if self.settings.users.contains_key(to) {
            return Err(away);
        }
        let nobody = Refusal::theirs(
            Cause::UnknownSubscriber,
            Retry::OtherRoute,
            u32::from(StatusCode::NOT_FOUND.code()),
        );
        let Ok((capabilities, form)) = self.known_beyond(now_us, to) else { return Err(nobody) };
        let hop = self.next_hop().ok_or(nobody)?;
        Ok(Aim { capabilities, form, ..hop })
    }

    /// Sends to every device at once.
    fn launch(&mut self, now_us: i64, slot: Slot) {
        let count = self.flights.open.get(slot).map_or(0, |flight| flight.aims.len());
        if let Some(flight) = self.flights.open.get_mut(slot) {
            flight.unheard = u8::try_from(count).unwrap_or(u8::MAX);
        }
        for branch in 0..count {
            let branch = u8::try_from(branch).unwrap_or(u8::MAX);
            if let Err(no_way) = self.send_branch(now_us, slot, branch) {
                self.branch_failed(slot, branch, no_way);
            }
        }
        self.conclude(now_us, slot);
    }

    pub(super) fn send_branch(&mut self, now_us: i64, slot: Slot, branch: u8) -> Result<(), NoWay> {
        let Some(flight) = self.flights.open.get(slot) else { return Ok(()) };
        let Some(aim) = flight.aims.get(usize::from(branch)).cloned() else { return Ok(()) };
        let owner = Owner::Flight { flight: slot, branch };
        let is_called = flight.called & bit(branch) != 0;
        if let (What::Message { message, .. }, Form::Short) = (&flight.what, aim.form) {
            let message = message.clone();
            return self.short_message(now_us, (slot, branch), aim, &message);
        }
        let (message, name) = match &flight.what {
            What::Message { message, name, .. } => (message, name),
            What::Report(spoken) => {
                let Some(spoken) = spoken.clone() else { return Err(NoWay::Nowhere) };
                let Spoken { from, to, letter, more } = &*spoken;
                return self.deliver(now_us, aim, (from, to), letter, more, owner).map(|_by| ());
            }
        };
        let submission = message.submission.clone();
        let carried = match submission.origin == self.settings.channel {
            true => Carried::decode(&submission.carried),
            false => Carried::default(),
        };
        let from = shown(message.from.as_ref(), &submission.from).clone();
        let to = shown(message.to.as_ref(), &submission.to).clone();
        let ends = Ends::of(&from, &to, &self.settings.domain, aim.spelling);
        let letter = letter(message, name, &carried, &ends, aim.capabilities, aim.form);
        let mut more = self.conversation(&carried, &from, &to, message.message.as_u64());
        if aim.is_network() {
            more.push((Name::PChargingVector, self.charging_vector(&submission, message.message.as_u64())));
        }
        if self.say(now_us, &aim, (&from, &to), &letter, Some(owner)) {
            return Ok(());
        }
        if !is_called && let Some(purpose) = self.session_for(&aim, &letter) {
            return self.call(now_us, purpose, &aim, (&from, &to), (letter, &more), (slot, branch));
        }
        let request = self.compose(&aim, &from, &to, &letter, &more);
        self.send(now_us, aim.toward, request, owner)
    }

    /// What came of one device.
    pub(super) fn branch_heard(&mut self, now_us: i64, slot: Slot, branch: u8, heard: Heard) {
        match heard {
            Heard::NotSent => self.branch_failed(slot, branch, NoWay::Nowhere),
            Heard::Silence => self.branch_lost(slot, branch),
            Heard::Answer(response) if response.status.code() < 300 => self.branch_took(now_us, slot, branch),
            Heard::Answer(response) => {
                if self.again_as_text(now_us, slot, branch, &response) {
                    return;
                }
                self.branch_refused(slot, branch, &response);
            }
        }
        self.conclude(now_us, slot);
    }

    /// A device may have it.
    pub(super) fn branch_lost(&mut self, slot: Slot, _branch: u8) {
        if let Some(flight) = self.flights.open.get_mut(slot) {
            flight.unheard = flight.unheard.saturating_sub(1);
            flight.lost = true;
        }
    }

    pub(super) fn branch_took(&mut self, now_us: i64, slot: Slot, branch: u8) {
        let Some(flight) = self.flights.open.get_mut(slot) else { return };
        flight.unheard = flight.unheard.saturating_sub(1);
        if flight.told {
            return;
        }
        flight.told = true;
        let took_us = u64::try_from(now_us.saturating_sub(flight.at_us)).unwrap_or(0);
        let attempt = flight.attempt;
        let form = flight.aims.get(usize::from(branch)).map(|aim| aim.form);
        let name = match &flight.what {
            What::Message { name, .. } => Some(name.clone()),
            What::Report(_) => None,
        };
        if attempt.slot.is_multiple_of(ROUND_TRIPS_TOLD) {
            self.watch.round_trip(std::time::Duration::from_micros(took_us));
        }
        let ids = name.iter().cloned().map(UpstreamId).collect();
        self.outcome(attempt, Outcome::Sent(ids));
        if let (Some(name), Some(Form::Plain | Form::Short)) = (name, form) {
            // Nothing more will come from a device without notifications: its 200 is the delivery (rcs sheet §5).
            let receipt = Receipt {
                upstream: smallvec![UpstreamId(name)],
                state: ReceiptState::Delivered,
                code: None,
                at: None,
                about: None,
            };
            self.out.inbound.push(Inbound::Receipt { channel: self.settings.channel, receipt, ticket: None });
        }
    }

    /// A device that refuses CPIM and takes text is sent text, once, and is known from then on (rcs sheet §5, §23).
    fn again_as_text(&mut self, now_us: i64, slot: Slot, branch: u8, response: &Response) -> bool {
        let takes_text = response.status == StatusCode::UNSUPPORTED_MEDIA_TYPE
            && response.headers.tokens(Name::Accept).any(|range| {
                let media = range.split(';').next().unwrap_or_default().trim();
                media.eq_ignore_ascii_case("text/plain")
            });
        let Some(flight) = self.flights.open.get_mut(slot).filter(|_| takes_text) else { return false };
        if flight.told || !matches!(flight.what, What::Message { .. }) {
            return false;
        }
        let Some(aim) = flight.aims.get_mut(usize::from(branch)).filter(|aim| aim.form == Form::Cpim) else {
            return false;
        };
        aim.form = Form::Plain;
        let device = aim.device;
        let to = match &flight.what {
            What::Message { message, .. } => {
                shown(message.to.as_ref(), &message.submission.to).number().cloned()
            }
            What::Report(_) => None,
        };
        match (device.and_then(|number| self.devices.get_mut(&number)), to) {
            (Some(device), _) => device.form = Form::Plain,
            (None, Some(to)) => {
                let line = Line::of(&to, &self.settings.numbering);
                if !self.served_takes_text_only(&line) {
                    self.takes_text_only(now_us, &line);
                }
            }
            (None, None) => {}
        }
        self.counts.plain_learnt += 1;
        self.counts.sent_as_plain += 1;
        if let Err(no_way) = self.send_branch(now_us, slot, branch) {
            self.branch_failed(slot, branch, no_way);
            self.conclude(now_us, slot);
        }
        true
    }

    pub(super) fn branch_refused(&mut self, slot: Slot, branch: u8, response: &Response) {
        let retry_after = response.headers.text(Name::RetryAfter);
        let retry_after_s = retry_after.and_then(|text| {
            let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        });
        self.refused_by(slot, branch, status::refusal(response.status, retry_after_s));
    }

    /// What never left: nobody is at the device's address any more, or the link to the next network is down.
    fn branch_failed(&mut self, slot: Slot, branch: u8, no_way: NoWay) {
        let Some(flight) = self.flights.open.get(slot) else { return };
        let device = flight.aims.get(usize::from(branch)).is_some_and(|aim| aim.device.is_some());
        let refusal = match (no_way, device) {
            (NoWay::Full, _) => Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::QueueFull) },
            (NoWay::Nowhere, true) => Refusal::theirs(Cause::Unreachable, Retry::WhenReachable, 0),
            (NoWay::Nowhere, false) => Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::LinkDown) },
        };
        self.refused_by(slot, branch, refusal);
    }

    pub(super) fn refused_by(&mut self, slot: Slot, _branch: u8, refusal: Refusal) {
        let Some(flight) = self.flights.open.get_mut(slot) else { return };
        flight.unheard = flight.unheard.saturating_sub(1);
        if flight.best.is_none_or(|best| status::rank(&refusal) > status::rank(&best)) {
            flight.best = Some(refusal);
        }
    }

    /// Tells the outcome when it is certain, and lets the next one go.
    pub(super) fn conclude(&mut self, now_us: i64, slot: Slot) {
        let Some(flight) = self.flights.open.get_mut(slot) else { return };
        let over = flight.unheard == 0;
        if over && !flight.told {
            flight.told = true;
            let attempt = flight.attempt;
            let outcome = match (flight.lost, flight.best) {
                (true, _) => Outcome::Unknown,
                (false, Some(refusal)) => Outcome::Refused(refusal),
                (false, None) => Outcome::Refused(Refusal::ours(Cause::Internal)),
            };
            self.outcome(attempt, outcome);
        }
        let Some(flight) = self.flights.open.get_mut(slot) else { return };
        if !flight.told {
            return;
        }
        // The next message need not wait for further devices.
        let pair = match &mut flight.what {
            What::Message { pair, .. } => std::mem::take(pair),
            What::Report(_) => 0,
        };
        if over {
            self.flights.open.remove(slot);
        }
        if pair != 0 {
            self.release(now_us, pair);
        }
    }

    /// The next message between the same two may go.
    fn release(&mut self, now_us: i64, pair: u64) {
        let next = match self.flights.pairs.get_mut(&pair) {
            Some(behind) => behind.pop_front(),
            None => return,
        };
        let Some(message) = next else {
            self.flights.pairs.remove(&pair);
            return;
        };
        match shown(message.to.as_ref(), &message.submission.to).number() {
            Some(to) => {
                let to = Line::of(to, &self.settings.numbering);
                self.start(now_us, message, pair, &to);
            }
            None => self.release(now_us, pair),
        }
    }

    /// A report is to leave: to these, first come first served.
    pub(super) fn fly_report(&mut self, now_us: i64, attempt: AttemptId, aims: SmallVec<[Aim; 1]>) -> Slot {
        self.flights.open.insert(Flight {
            attempt,
            what: What::Report(None),
            at_us: now_us,
            unheard: 0,
            told: false,
            lost: false,
            best: None,
            called: 0,
            aims,
        })
    }

    /// Tells how full the window is.
    pub fn tell_window(&self) {
        let used = u32::try_from(self.flights.len()).unwrap_or(u32::MAX);
        self.watch.window(used, self.settings.limits.window);
    }

    /// Whatever is under way may have arrived, what waits behind it has not left. For the very end.
    pub fn abandon(&mut self) {
        let (open, pairs) = {
            let flights = std::mem::take(&mut self.flights);
            (flights.open, flights.pairs)
        };
        for flight in open.into_things() {
            if !flight.told {
                let outcome = Outcome::Unknown;
                self.out.inbound.push(Inbound::Outcome { attempt: flight.attempt, outcome });
            }
        }
        self.abandon_groups();
        for attempt in self.revocations.abandon() {
            let outcome = Outcome::Refused(Refusal::ours(Cause::AnswerLost));
            self.out.inbound.push(Inbound::Outcome { attempt, outcome });
        }
        let asking = self.book.abandon();
        for message in pairs.into_values().flatten().chain(asking) {
            let refusal = Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::LinkDown) };
            let outcome = Outcome::Refused(refusal);
            self.out.inbound.push(Inbound::Outcome { attempt: message.attempt, outcome });
        }
    }

    /// A report was said in a session: what it says is kept until it is answered.
    pub(super) fn keep_spoken(&mut self, slot: Slot, spoken: impl FnOnce() -> Spoken) {
        if let Some(Flight { what: What::Report(kept), .. }) = self.flights.open.get_mut(slot) {
            kept.get_or_insert_with(|| Arc::new(spoken()));
        }
    }

    pub(super) fn flight_mut(&mut self, slot: Slot) -> Option<&mut Flight> {
        self.flights.open.get_mut(slot)
    }

    pub(super) fn not_sent(&mut self, slot: Slot, branch: u8, no_way: NoWay) {
        self.branch_failed(slot, branch, no_way);
    }
}

/// As this channel shows it.
pub(super) fn shown<'a>(
    own: Option<&'a model::Pii<Address>>,
    original: &'a model::Pii<Address>,
) -> &'a Address {
    own.unwrap_or(original).reveal(For::Signalling)
}

/// A device in a set of them.
pub(super) const fn bit(branch: u8) -> u8 {
    1_u8.wrapping_shl(branch as u32)
}
