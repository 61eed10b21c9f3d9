//! Requests of others: absorbing copies, answering once, remembering the answer.
//!
//! An answered request costs 32 octets and its places in index and wheel until Timer J ends: the answer is written
//! again from the copy of the request that asks for it, as it was written from the request the first time. Only what
//! is open, or has an answer of more than a status, has a [`Detail`].

use bytes::Bytes;
use hashbrown::HashMap;
use sip_message::{Method, Request, StatusCode, Via};

use super::keys::{Identity, Tag, of_ack, of_merged, to_tag};
use super::octets::{self, Copied, Say, way_back};
use super::{Action, Common, Settings, TICK_US};
use crate::flow::Flow;
use crate::hash::Seed;
use crate::index::Index;
use crate::slab::{NONE, Slab};
use crate::table::{Do, INVITE_SERVER, Machine, Row, SERVER, State, Trigger};
use crate::timers::{Hand, Timer, Timers};
use crate::wheel::Wheel;

/// Names a request of somebody else until it is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServerKey {
    place: u32,
    /// Which of the requests that had this place.
    generation: u32,
}

/// The request has its final answer, or nobody waits for one any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request is answered or forgotten")]
pub struct Gone;

/// What is remembered of every request.
#[derive(Debug)]
struct Entry {
    /// Two halves, so that the entry needs no room for alignment.
    key: [u64; 2],
    generation: u32,
    /// Place of the [`Detail`], or none.
    detail: u32,
    /// The final answer, once there is one.
    status: u16,
    state: State,
    kind: Kind,
}

const _: () = assert!(size_of::<Entry>() == 32, "there are hundreds of thousands of these");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invite,
    Other,
}

impl Entry {
    const fn key(&self) -> u128 {
        (self.key[1] as u128) << 64 | self.key[0] as u128
    }

    const fn machine(&self) -> &'static Machine {
        match self.kind {
            Kind::Invite => &INVITE_SERVER,
            Kind::Other => &SERVER,
        }
    }
}

/// What is remembered of a request that is open, or has an answer that must be kept.
#[derive(Debug)]
struct Detail {
    /// Where answers go.
    flow: Flow,
    copied: Copied,
    /// The last answer; empty when there is none or a status says it all.
    said: Box<[u8]>,
    end: Option<(Timer, i64)>,
    repeat: Option<(Timer, i64)>,
    /// The last pause between repetitions.
    pause_us: i64,
    tag: Tag,
    /// What the ACK of a 2xx will be known by. INVITE only.
    ack: u64,
    /// The same request by another way will be known by this; zero when that is not looked for.
    merged: u64,
}

#[derive(Debug)]
pub(super) struct Servers {
    seed: Seed,
    index: Index,
    entries: Slab<Entry>,
    details: Slab<Detail>,
    wheel: Wheel,
    /// INVITEs that were answered 2xx.
    accepted: HashMap<u64, u32, Seed>,
    /// Requests that are open, by what copies on other ways have in common with them.
    merged: HashMap<u64, u32, Seed>,
    generation: u32,
    /// Octets that details hold.
    kept_octets: usize,
    scratch: Vec<u8>,
}

/// What came with a trigger.
enum With<'a> {
    Nothing,
    /// A copy of the request.
    Copy(&'a Request, &'a Via<'a>, Flow),
    /// An ACK or CANCEL.
    Own(Request, Flow),
    Say(Say<'a>),
}

impl Servers {
    pub(super) fn new(now_us: i64, settings: &Settings) -> Self {
        Self {
            seed: settings.seed,
            index: Index::default(),
            entries: Slab::new(),
            details: Slab::new(),
            wheel: Wheel::new(now_us, TICK_US),
            accepted: HashMap::with_hasher(settings.seed),
            merged: HashMap::with_hasher(settings.seed),
            generation: 0,
            kept_octets: 0,
            scratch: Vec::new(),
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn kept_octets(&self) -> usize {
        self.kept_octets
    }

    pub(super) fn next_us(&self) -> Option<i64> {
        self.wheel.next_us()
    }

    /// Any request but ACK and CANCEL.
    pub(super) fn received(
        &mut self,
        now_us: i64,
        flow: Flow,
        request: Request,
        common: &mut Common,
        out: &mut Vec<Action>,
    ) {
        // What was read has a Via; what has none cannot be answered.
        let Some(via) = request.via() else { return };
        let identity = Identity::of(self.seed, &request, &via);
        if let Some(at) = self.find(identity.key) {
            common.counts.copies_in += 1;
            self.step(now_us, at, Trigger::Copy, With::Copy(&request, &via, flow), common, out);
            return;
        }
        if self.entries.len() >= common.settings.servers_max
            || self.kept_octets >= common.settings.kept_octets_max
        {
            common.counts.refused_full += 1;
            let say = Say::Later(StatusCode::SERVICE_UNAVAILABLE, common.settings.retry_after_s);
            self.refuse(&request, &via, flow, identity, say, common, out);
            return;
        }
        let merged = if common.settings.refuse_merged && to_tag(&request).is_none() {
            of_merged(self.seed, &request)
        } else {
            0
        };
        if merged != 0 && self.merged.contains_key(&merged) {
            common.counts.refused_merged += 1;
            let say = Say::Status(StatusCode::LOOP_DETECTED);
            self.refuse(&request, &via, flow, identity, say, common, out);
            return;
        }
        let kind = if request.method == Method::INVITE { Kind::Invite } else { Kind::Other };
        let at = self.open(flow, &request, &via, identity, kind, merged);
        self.begin(now_us, at, common);
        out.push(Action::Request { key: self.key(at), flow, request });
    }

    /// ACK.
    pub(super) fn acknowledged(
        &mut self,
        now_us: i64,
        flow: Flow,
        request: Request,
        common: &mut Common,
        out: &mut Vec<Action>,
    ) {
        let Some(via) = request.via() else { return };
        let identity = Identity::of(self.seed, &request, &via);
        let to_tag = to_tag(&request).unwrap_or_default();
        let at = self
            .find(identity.key)
            .or_else(|| self.accepted.get(&of_ack(self.seed, &request, to_tag)).copied());
        match at {
            Some(at) => self.step(now_us, at, Trigger::Ack, With::Own(request, flow), common, out),
            // Of a refusal that nothing was remembered of.
            None if to_tag == identity.tag().as_str() => {}
            None => out.push(Action::Ack { key: None, flow, request }),
        }
    }

    /// CANCEL: a request of its own, which the layer answers itself (RFC 3261 §9.2).
    pub(super) fn cancelled(
        &mut self,
        now_us: i64,
        flow: Flow,
        request: Request,
        common: &mut Common,
        out: &mut Vec<Action>,
    ) {
        let Some(via) = request.via() else { return };
        let identity = Identity::of(self.seed, &request, &via);
        if let Some(at) = self.find(identity.key) {
            common.counts.copies_in += 1;
            self.step(now_us, at, Trigger::Copy, With::Copy(&request, &via, flow), common, out);
            return;
        }
        let invite = self.find(identity.invite);
        let status = if invite.is_some() { StatusCode::OK } else { StatusCode::NO_SUCH_DIALOG };
        if self.entries.len() < common.settings.servers_max {
            let at = self.open(flow, &request, &via, identity, Kind::Other, 0);
            self.begin(now_us, at, common);
            let say = if status == StatusCode::OK { Trigger::Success } else { Trigger::Failure };
            self.step(now_us, at, say, With::Say(Say::Status(status)), common, out);
        } else {
            self.refuse(&request, &via, flow, identity, Say::Status(status), common, out);
        }
        if let Some(invite) = invite {
            self.step(now_us, invite, Trigger::Cancel, With::Own(request, flow), common, out);
        }
    }

    /// The user answers.
    pub(super) fn say(
        &mut self,
        now_us: i64,
        key: ServerKey,
        say: Say<'_>,
        common: &mut Common,
        out: &mut Vec<Action>,
    ) -> Result<(), Gone> {
        let entry =
            self.entries.get(key.place).filter(|entry| entry.generation == key.generation).ok_or(Gone)?;
        if entry.status != 0 {
            return Err(Gone);
        }
        let on = match say.status() {
            status if status.is_provisional() => Trigger::Provisional,
            status if status.is_success() => Trigger::Success,
            _ => Trigger::Failure,
        };
        self.step(now_us, key.place, on, With::Say(say), common, out);
        Ok(())
    }

    pub(super) fn to_tag(&self, key: ServerKey) -> Option<Tag> {
        let entry = self.entries.get(key.place).filter(|entry| entry.generation == key.generation)?;
        self.details.get(entry.detail).map(|detail| detail.tag)
    }

    pub(super) fn tick(&mut self, now_us: i64, common: &mut Common, out: &mut Vec<Action>) {
        while let Some(at) = self.wheel.pop(now_us) {
            let Some(entry) = self.entries.get(at) else { continue };
            let timer = match self.details.get(entry.detail) {
                // Without a detail it is answered, and the end is all it waits for.
                None => Some(Timer::J),
                Some(detail) => match (detail.end, detail.repeat) {
                    (Some((timer, at_us)), _) if at_us <= now_us => Some(timer),
                    (_, Some((timer, at_us))) if at_us <= now_us => Some(timer),
                    _ => None,
                },
            };
            match timer {
                Some(timer) => self.step(now_us, at, Trigger::Fired(timer), With::Nothing, common, out),
                None => self.wind(at),
            }
        }
    }

    fn find(&self, key: u128) -> Option<u32> {
        self.index.find(key, |at| self.entries.get(at).is_some_and(|entry| entry.key() == key))
    }

    fn key(&self, at: u32) -> ServerKey {
        ServerKey { place: at, generation: self.entries.get(at).map_or(0, |entry| entry.generation) }
    }

    /// Answers and remembers nothing.
    #[expect(clippy::too_many_arguments, reason = "all of it was just read from one message")]
    fn refuse(
        &mut self,
        request: &Request,
        via: &Via<'_>,
        flow: Flow,
        identity: Identity,
        say: Say<'_>,
        common: &mut Common,
        out: &mut Vec<Action>,
    ) {
        Copied::write(request, via, flow, identity.tag(), &mut self.scratch);
        let octets = octets::answer(&self.scratch, say, &mut common.arena);
        out.push(Action::Transmit { flow: way_back(via, flow), octets });
    }

    fn open(
        &mut self,
        flow: Flow,
        request: &Request,
        via: &Via<'_>,
        identity: Identity,
        kind: Kind,
        merged: u64,
    ) -> u32 {
        let tag = identity.tag();
        let ack = match kind {
            Kind::Invite => of_ack(self.seed, request, to_tag(request).unwrap_or(tag.as_str())),
            Kind::Other => 0,
        };
        let copied = Copied::of(request, via, flow, tag, &mut self.scratch);
        self.kept_octets += copied.len();
        let detail = self.details.insert(Detail {
            flow: way_back(via, flow),
            copied,
            said: Box::default(),
            end: None,
            repeat: None,
            pause_us: 0,
            tag,
            ack,
            merged,
        });
        self.generation = self.generation.wrapping_add(1);
        let machine = if kind == Kind::Invite { &INVITE_SERVER } else { &SERVER };
        let at = self.entries.insert(Entry {
            key: [identity.key as u64, (identity.key >> 64) as u64],
            generation: self.generation,
            detail,
            status: 0,
            state: machine.first(),
            kind,
        });
        self.index.insert(identity.key, at);
        if merged != 0 {
            self.merged.insert(merged, at);
        }
        at
    }

    /// What the machine does at its start; delivering is the caller's, who has the request.
    fn begin(&mut self, now_us: i64, at: u32, common: &Common) {
        let Some(entry) = self.entries.get(at) else { return };
        let Some(detail) = self.details.get_mut(entry.detail) else { return };
        let timers = common.settings.timers(detail.flow);
        for act in entry.machine().start {
            if let Do::Arm(timer) = act {
                detail.arm(now_us, *timer, timers);
            }
        }
        self.wind(at);
    }

    /// Runs the row for `on`, and those for timers that are due at once.
    fn step(
        &mut self,
        now_us: i64,
        at: u32,
        on: Trigger,
        with: With<'_>,
        common: &mut Common,
        out: &mut Vec<Action>,
    ) {
        let Some(entry) = self.entries.get(at) else { return };
        let Some(row) = entry.machine().row(entry.state, on) else { return };
        self.run(now_us, at, row, with, common, out);
        let Some(entry) = self.entries.get(at) else { return };
        let due = match self.details.get(entry.detail).and_then(|detail| detail.end) {
            Some((timer, at_us)) if at_us <= now_us => timer,
            _ => return,
        };
        self.step(now_us, at, Trigger::Fired(due), With::Nothing, common, out);
    }

    fn run(
        &mut self,
        now_us: i64,
        at: u32,
        row: &Row,
        with: With<'_>,
        common: &mut Common,
        out: &mut Vec<Action>,
    ) {
        let key = self.key(at);
        let Some(entry) = self.entries.get_mut(at) else { return };
        let before = entry.state;
        entry.state = row.to;
        let Some(detail) = self.details.get_mut(entry.detail) else {
            // Answered with a status: a copy gets the same octets again, anything else is the end.
            if let With::Copy(request, via, flow) = with
                && row.act.contains(&Do::Again)
            {
                common.counts.answers_again += 1;
                let status = StatusCode::new(entry.status).unwrap_or(StatusCode::SERVER_INTERNAL_ERROR);
                let tag = Identity::of(self.seed, request, via).tag();
                Copied::write(request, via, flow, tag, &mut self.scratch);
                let octets = octets::answer(&self.scratch, Say::Status(status), &mut common.arena);
                out.push(Action::Transmit { flow: way_back(via, flow), octets });
            }
            if row.to == State::Terminated {
                self.forget(at);
            }
            return;
        };
        let timers = common.settings.timers(detail.flow);
        let flow = detail.flow;
        let octets_before = detail.octets();
        let mut say = match with {
            With::Say(say) => Some(say),
            _ => None,
        };
        let mut own = match with {
            With::Own(request, flow) => Some((request, flow)),
            _ => None,
        };
        for act in row.act {
            match act {
                Do::Transmit | Do::Refuse => {
                    let say = match act {
                        Do::Refuse => Say::Status(StatusCode::REQUEST_TIMEOUT),
                        _ => match say.take() {
                            Some(say) => say,
                            None => continue,
                        },
                    };
                    let octets = match say.status() {
                        StatusCode::TRYING => detail.copied.hundred(&mut common.arena),
                        _ => detail.copied.answer(say, &mut common.arena),
                    };
                    if say.status().is_final() {
                        entry.status = say.status().code();
                    }
                    // On a stream nobody asks again, unless it is an INVITE.
                    let asked_again = entry.kind == Kind::Invite || (!flow.reliable() && !say.is_plain());
                    if asked_again {
                        detail.said = octets.as_ref().into();
                    }
                    if entry.status != 0 {
                        detail.copied = Copied::default();
                        if row.to == State::Accepted {
                            self.accepted.insert(detail.ack, at);
                        }
                    }
                    out.push(Action::Transmit { flow, octets });
                }
                Do::Again => {
                    // In Proceeding an INVITE may have had 100 from us, or nothing yet.
                    let octets = match (&detail.said[..], detail.repeat) {
                        ([], Some((Timer::Hundred, _))) => continue,
                        ([], _) => detail.copied.hundred(&mut common.arena),
                        (said, _) => common.arena.copy(said),
                    };
                    common.counts.answers_again += 1;
                    out.push(Action::Transmit { flow, octets });
                }
                Do::Hundred => {
                    detail.repeat = None;
                    let octets: Bytes = detail.copied.hundred(&mut common.arena);
                    out.push(Action::Transmit { flow, octets });
                }
                Do::DeliverCancel => {
                    if let Some((request, _)) = own.take() {
                        out.push(Action::Cancel { key, request });
                    }
                }
                Do::DeliverAck => {
                    if let Some((request, flow)) = own.take() {
                        out.push(Action::Ack { key: Some(key), flow, request });
                    }
                }
                Do::Unacknowledged => {
                    common.counts.unacknowledged += 1;
                    out.push(Action::Unacknowledged { key, accepted: before == State::Accepted });
                }
                Do::Arm(timer) => detail.arm(now_us, *timer, timers),
                Do::Double(timer) => {
                    detail.pause_us = timers.next_us(*timer, detail.pause_us);
                    detail.repeat = Some((*timer, now_us.saturating_add(detail.pause_us)));
                }
                Do::Flat(timer) => {
                    detail.pause_us = timers.t2_us;
                    detail.repeat = Some((*timer, now_us.saturating_add(timers.t2_us)));
                }
                Do::Quiet => detail.repeat = None,
                // Of the client side, or done by the caller.
                Do::Deliver | Do::Acknowledge | Do::SendCancel | Do::TimedOut | Do::Failed => {}
            }
        }
        self.kept_octets = self.kept_octets - octets_before + detail.octets();
        match row.to {
            State::Terminated => {
                if entry.status == 0 {
                    common.counts.unanswered += 1;
                }
                self.forget(at);
            }
            State::Completed
                if entry.kind == Kind::Other && detail.said.is_empty() && !due(detail, now_us) =>
            {
                self.close(at);
            }
            _ => self.wind(at),
        }
    }

    /// Keeps of an answered request only what a status needs.
    fn close(&mut self, at: u32) {
        let Some(entry) = self.entries.get_mut(at) else { return };
        let Some(detail) = self.details.remove(std::mem::replace(&mut entry.detail, NONE)) else { return };
        if let Some((_, end_us)) = detail.end {
            self.wheel.set(at, end_us);
        }
        self.kept_octets -= detail.octets();
        self.unmerge(&detail);
    }

    fn forget(&mut self, at: u32) {
        let Some(entry) = self.entries.remove(at) else { return };
        self.index.remove(entry.key(), at);
        debug_assert_eq!(self.index.len(), self.entries.len(), "one place for each request");
        self.wheel.clear(at);
        if let Some(detail) = self.details.remove(entry.detail) {
            self.kept_octets -= detail.octets();
            if self.accepted.get(&detail.ack) == Some(&at) {
                self.accepted.remove(&detail.ack);
            }
            self.unmerge(&detail);
        }
        debug_assert!(self.entries.len() >= self.accepted.len(), "only what is remembered was accepted");
    }

    fn unmerge(&mut self, detail: &Detail) {
        if detail.merged != 0 {
            self.merged.remove(&detail.merged);
        }
    }

    /// Sets the alarm to whatever comes first.
    fn wind(&mut self, at: u32) {
        let Some(detail) = self.entries.get(at).and_then(|entry| self.details.get(entry.detail)) else {
            return;
        };
        let first = [detail.end, detail.repeat].into_iter().flatten().map(|(_, at_us)| at_us).min();
        match first {
            Some(at_us) => self.wheel.set(at, at_us),
            None => self.wheel.clear(at),
        }
    }
}

fn due(detail: &Detail, now_us: i64) -> bool {
    detail.end.is_some_and(|(_, at_us)| at_us <= now_us)
}

impl Detail {
    fn octets(&self) -> usize {
        self.copied.len() + self.said.len()
    }

    fn arm(&mut self, now_us: i64, timer: Timer, timers: Timers) {
        let after_us = timers.first_us(timer, self.flow.reliable());
        let hand = match timer.hand() {
            Hand::Repeat => &mut self.repeat,
            Hand::End => &mut self.end,
        };
        *hand = after_us.map(|after_us| (timer, now_us.saturating_add(after_us)));
        if timer.hand() == Hand::Repeat {
            self.pause_us = after_us.unwrap_or(0);
        }
    }
}
