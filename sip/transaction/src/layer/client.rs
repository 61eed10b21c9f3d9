//! Requests of ours: sending again until an answer comes, delivering the answer once.
//!
//! The branch names the place of its request, so an answer is found without a search, and holds 64 keyed bits that
//! nobody can guess, so nobody else can answer.

use bytes::Bytes;
use hashbrown::HashMap;
use sip_message::{Method, Request, Response, Via};

use super::octets;
use super::{Action, Common, TICK_US};
use crate::flow::Flow;
use crate::hash::{Hasher, Seed};
use crate::slab::{NONE, Slab};
use crate::table::{CLIENT, Do, INVITE_CLIENT, Machine, Row, State, Trigger};
use crate::timers::{Hand, Timer, Timers};
use crate::wheel::Wheel;

/// Names a request of ours until it is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientKey {
    place: u32,
    secret: u64,
}

/// Why a request was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// [`super::Settings::clients_max`] requests are open.
    #[error("no room for another request")]
    Full,
    /// Too large for a datagram: take a stream (RFC 3261 §18.1.1), or split it.
    #[error("a request of {octets} octets does not go in a datagram of {max}")]
    TooLarge {
        /// How large it is under our Via.
        octets: usize,
        /// [`super::Class::datagram_octets_max`].
        max: usize,
    },
}

#[derive(Debug)]
struct Entry {
    secret: u64,
    /// Place of the [`Detail`]; none once the final answer to a non-INVITE is delivered.
    detail: u32,
    state: State,
    kind: Kind,
}

const _: () = assert!(size_of::<Entry>() == 16, "there are a hundred thousand of these");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invite,
    Other,
    /// CANCEL: under the branch of its INVITE, and of no interest to the user.
    Cancel,
}

impl Entry {
    const fn machine(&self) -> &'static Machine {
        match self.kind {
            Kind::Invite => &INVITE_CLIENT,
            Kind::Other | Kind::Cancel => &CLIENT,
        }
    }

    /// Whether an answer is still to come.
    const fn is_open(&self) -> bool {
        !matches!(self.state, State::Completed | State::Accepted | State::Terminated)
    }
}

#[derive(Debug)]
struct Detail {
    token: u64,
    flow: Flow,
    /// To send again; empty on streams and when nothing is sent again.
    octets: Bytes,
    end: Option<(Timer, i64)>,
    repeat: Option<(Timer, i64)>,
    pause_us: i64,
    /// INVITE only: the request under our Via, for ACK and CANCEL.
    invite: Option<Box<Request>>,
    /// Of an INVITE the place of its CANCEL, of a CANCEL the place of its INVITE.
    other: u32,
    /// The neighbours among the open requests on the same way.
    before: u32,
    next: u32,
}

#[derive(Debug)]
pub(super) struct Clients {
    seed: Seed,
    entries: Slab<Entry>,
    details: Slab<Detail>,
    wheel: Wheel,
    /// First of the open requests on a way: the chain that a failure walks.
    ways: HashMap<u64, u32, Seed>,
    /// Numbers what needs a secret.
    drawn: u64,
}

impl Clients {
    pub(super) fn new(now_us: i64, seed: Seed) -> Self {
        Self {
            seed,
            entries: Slab::new(),
            details: Slab::new(),
            wheel: Wheel::new(now_us, TICK_US),
            ways: HashMap::with_hasher(seed),
            drawn: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn next_us(&self) -> Option<i64> {
        self.wheel.next_us()
    }

    fn secret(&mut self) -> u64 {
        self.drawn += 1;
        let mut hasher = Hasher::new(self.seed);
        hasher.part(b"branch");
        hasher.word(self.drawn);
        hasher.finish() as u64
    }

    pub(super) fn start(
        &mut self,
        now_us: i64,
        flow: Flow,
        request: &Request,
        token: u64,
        common: &mut Common,
        out: &mut Vec<Action>,
    ) -> Result<ClientKey, Refused> {
        if self.entries.len() >= common.settings.clients_max {
            return Err(Refused::Full);
        }
        let kind = if request.method == Method::INVITE { Kind::Invite } else { Kind::Other };
        let secret = self.secret();
        let state = if kind == Kind::Invite { INVITE_CLIENT.first() } else { CLIENT.first() };
        let place = self.entries.insert(Entry { secret, detail: NONE, state, kind });
        let branch = branch(place, secret);
        let via = via(flow, &branch, common);
        let octets = octets::request(request, &via);
        let max = common.settings.class(flow).map_or(usize::MAX, |class| class.datagram_octets_max);
        if !flow.reliable() && octets.len() > max {
            self.entries.remove(place);
            return Err(Refused::TooLarge { octets: octets.len(), max });
        }
        let invite = (kind == Kind::Invite).then(|| {
            let mut request = Box::new(request.clone());
            request.headers.push_front(sip_message::Name::Via, &via[..]);
            request
        });
        self.open(now_us, place, flow, token, octets, invite, NONE, common, out);
        Ok(ClientKey { place, secret })
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one new entry")]
    fn open(
        &mut self,
        now_us: i64,
        place: u32,
        flow: Flow,
        token: u64,
        octets: Bytes,
        invite: Option<Box<Request>>,
        other: u32,
        common: &Common,
        out: &mut Vec<Action>,
    ) {
        let mut detail = Detail {
            token,
            flow,
            octets: if flow.reliable() { Bytes::new() } else { octets.clone() },
            end: None,
            repeat: None,
            pause_us: 0,
            invite,
            other,
            before: NONE,
            next: NONE,
        };
        let timers = common.settings.timers(flow);
        let Some(entry) = self.entries.get_mut(place) else { return };
        for act in entry.machine().start {
            match act {
                Do::Transmit => out.push(Action::Transmit { flow, octets: octets.clone() }),
                Do::Arm(timer) => detail.arm(now_us, *timer, timers),
                _ => {}
            }
        }
        entry.detail = self.details.insert(detail);
        self.link(place, flow);
        self.wind(place);
    }

    pub(super) fn send(&mut self, flow: Flow, request: &Request, common: &Common, out: &mut Vec<Action>) {
        let secret = self.secret();
        let octets = octets::request(request, &via(flow, &branch(NONE, secret), common));
        out.push(Action::Transmit { flow, octets });
    }

    pub(super) fn received(
        &mut self,
        now_us: i64,
        flow: Flow,
        response: Response,
        common: &mut Common,
        out: &mut Vec<Action>,
    ) {
        let Some(mut place) = self.find(&response) else {
            common.counts.strays += 1;
            return;
        };
        let of_cancel = response.cseq().is_some_and(|cseq| cseq.method == Method::CANCEL);
        let Some(entry) = self.entries.get(place) else { return };
        if of_cancel && entry.kind == Kind::Invite {
            // One branch for both: the CSeq says which of them is answered (RFC 3261 §17.1.3).
            place = self.details.get(entry.detail).map_or(NONE, |detail| detail.other);
        } else if entry.kind == Kind::Invite
            && response.cseq().is_none_or(|cseq| cseq.method != Method::INVITE)
        {
            place = NONE;
        }
        let on = match response.status {
            status if status.is_provisional() => Trigger::Provisional,
            status if status.is_success() => Trigger::Success,
            _ => Trigger::Failure,
        };
        if !self.step(now_us, place, on, Some((response, flow)), common, out) {
            common.counts.strays += 1;
        }
    }

    fn find(&self, response: &Response) -> Option<u32> {
        let via = response.via()?;
        let (place, secret) = read_branch(via.branch?)?;
        self.entries.get(place).filter(|entry| entry.secret == secret).map(|_| place)
    }

    pub(super) fn cancel(&mut self, now_us: i64, key: ClientKey, common: &mut Common, out: &mut Vec<Action>) {
        let known =
            self.entries.get(key.place).is_some_and(|e| e.secret == key.secret && e.kind == Kind::Invite);
        if known {
            self.step(now_us, key.place, Trigger::Cancel, None, common, out);
        }
    }

    pub(super) fn failed(&mut self, now_us: i64, flow: Flow, common: &mut Common, out: &mut Vec<Action>) {
        let way = self.way(flow);
        while let Some(place) = self.ways.get(&way).copied() {
            // Its row ends it, and so takes it off the chain.
            if !self.step(now_us, place, Trigger::TransportFailed, None, common, out) {
                self.unlink(place);
            }
        }
    }

    pub(super) fn tick(&mut self, now_us: i64, common: &mut Common, out: &mut Vec<Action>) {
        while let Some(place) = self.wheel.pop(now_us) {
            let Some(entry) = self.entries.get(place) else { continue };
            let timer = match self.details.get(entry.detail) {
                // Without a detail it has its final answer, and the end is all it waits for.
                None => Some(Timer::K),
                Some(detail) => match (detail.end, detail.repeat) {
                    (Some((timer, at_us)), _) if at_us <= now_us => Some(timer),
                    (_, Some((timer, at_us))) if at_us <= now_us => Some(timer),
                    _ => None,
                },
            };
            match timer {
                Some(timer) => {
                    self.step(now_us, place, Trigger::Fired(timer), None, common, out);
                }
                None => self.wind(place),
            }
        }
    }

    /// Runs the row for `on`, and those for timers that are due at once. False when there is no row.
    fn step(
        &mut self,
        now_us: i64,
        place: u32,
        on: Trigger,
        response: Option<(Response, Flow)>,
        common: &mut Common,
        out: &mut Vec<Action>,
    ) -> bool {
        let Some(entry) = self.entries.get(place) else { return false };
        let Some(row) = entry.machine().row(entry.state, on) else { return false };
        self.run(now_us, place, row, response, common, out);
        let Some(entry) = self.entries.get(place) else { return true };
        if let Some((timer, at_us)) = self.details.get(entry.detail).and_then(|detail| detail.end)
            && at_us <= now_us
        {
            self.step(now_us, place, Trigger::Fired(timer), None, common, out);
        }
        true
    }

    fn run(
        &mut self,
        now_us: i64,
        place: u32,
        row: &Row,
        mut response: Option<(Response, Flow)>,
        common: &mut Common,
        out: &mut Vec<Action>,
    ) {
        let Some(entry) = self.entries.get_mut(place) else { return };
        let was_open = entry.is_open();
        entry.state = row.to;
        let key = ClientKey { place, secret: entry.secret };
        let (kind, is_open) = (entry.kind, entry.is_open());
        let Some(detail) = self.details.get_mut(entry.detail) else {
            if row.to == State::Terminated {
                self.forget(place);
            }
            return;
        };
        let timers = common.settings.timers(detail.flow);
        let (flow, token) = (detail.flow, detail.token);
        let mut cancel = None;
        for act in row.act {
            match act {
                Do::Deliver if kind == Kind::Cancel => {}
                Do::Deliver => {
                    if let Some((response, flow)) = response.take() {
                        out.push(Action::Response { token, key, flow, response });
                    }
                }
                Do::Again => {
                    common.counts.copies_out += 1;
                    out.push(Action::Transmit { flow, octets: detail.octets.clone() });
                }
                Do::Acknowledge => {
                    // Before the answer is given away: the ACK takes its To from it.
                    if let (Some(invite), Some((response, _))) = (&detail.invite, &response) {
                        out.push(Action::Transmit { flow, octets: invite.ack(response).to_bytes() });
                    }
                }
                Do::SendCancel => cancel = detail.invite.as_ref().map(|invite| invite.cancel()),
                Do::TimedOut if kind != Kind::Cancel => {
                    common.counts.timed_out += 1;
                    out.push(Action::TimedOut { token });
                }
                Do::Failed if kind != Kind::Cancel => {
                    common.counts.failed += 1;
                    out.push(Action::Failed { token });
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
                Do::Quiet => {
                    detail.repeat = None;
                    detail.octets = Bytes::new();
                }
                // Of the server side, or done at the start.
                _ => {}
            }
        }
        let due = detail.end.is_some_and(|(_, at_us)| at_us <= now_us);
        if was_open && !is_open {
            self.unlink(place);
        }
        match row.to {
            State::Terminated => self.forget(place),
            State::Completed if kind == Kind::Other && !due => self.close(place),
            _ => self.wind(place),
        }
        if let Some(cancel) = cancel {
            self.send_cancel(now_us, place, flow, &cancel, common, out);
        }
    }

    /// CANCEL goes under the branch of its INVITE, as a transaction of its own.
    fn send_cancel(
        &mut self,
        now_us: i64,
        invite: u32,
        flow: Flow,
        cancel: &Request,
        common: &Common,
        out: &mut Vec<Action>,
    ) {
        let secret = self.secret();
        let entry = Entry { secret, detail: NONE, state: CLIENT.first(), kind: Kind::Cancel };
        let place = self.entries.insert(entry);
        self.open(now_us, place, flow, 0, cancel.to_bytes(), None, invite, common, out);
        if let Some(detail) = self.entries.get(invite).and_then(|entry| self.details.get_mut(entry.detail)) {
            detail.other = place;
        }
    }

    /// Keeps of an answered request only its place.
    fn close(&mut self, place: u32) {
        let Some(entry) = self.entries.get_mut(place) else { return };
        let Some(detail) = self.details.remove(std::mem::replace(&mut entry.detail, NONE)) else { return };
        if let Some((_, end_us)) = detail.end {
            self.wheel.set(place, end_us);
        }
    }

    fn forget(&mut self, place: u32) {
        let Some(entry) = self.entries.remove(place) else { return };
        self.wheel.clear(place);
        let Some(detail) = self.details.remove(entry.detail) else { return };
        match entry.kind {
            // A CANCEL has nothing left to stop once its INVITE is over.
            Kind::Invite if detail.other != NONE => {
                self.unlink(detail.other);
                self.forget(detail.other);
            }
            Kind::Cancel => {
                let invite = self.entries.get(detail.other).map_or(NONE, |entry| entry.detail);
                if let Some(invite) = self.details.get_mut(invite) {
                    invite.other = NONE;
                }
            }
            Kind::Invite | Kind::Other => {}
        }
    }

    fn wind(&mut self, place: u32) {
        let Some(detail) = self.entries.get(place).and_then(|e| self.details.get(e.detail)) else { return };
        let first = [detail.end, detail.repeat].into_iter().flatten().map(|(_, at_us)| at_us).min();
        match first {
            Some(at_us) => self.wheel.set(place, at_us),
            None => self.wheel.clear(place),
        }
    }

    /// What fails together: a connection, or one address behind a datagram socket.
    fn way(&self, flow: Flow) -> u64 {
        let mut hasher = Hasher::new(self.seed);
        hasher.word(u64::from(flow.id) << 1 | u64::from(flow.reliable()));
        if !flow.reliable() {
            match flow.remote.ip().to_canonical() {
                std::net::IpAddr::V4(address) => hasher.word(u32::from(address).into()),
                std::net::IpAddr::V6(address) => hasher.part(&address.octets()),
            }
            hasher.word(flow.remote.port().into());
        }
        hasher.finish() as u64
    }

    fn detail_mut(&mut self, place: u32) -> Option<&mut Detail> {
        let entry = self.entries.get(place)?;
        self.details.get_mut(entry.detail)
    }

    fn link(&mut self, place: u32, flow: Flow) {
        let way = self.way(flow);
        let next = self.ways.insert(way, place).unwrap_or(NONE);
        if let Some(detail) = self.detail_mut(next) {
            detail.before = place;
        }
        if let Some(detail) = self.detail_mut(place) {
            (detail.before, detail.next) = (NONE, next);
        }
    }

    fn unlink(&mut self, place: u32) {
        let Some(detail) = self.detail_mut(place) else { return };
        let (before, next, flow) = (detail.before, detail.next, detail.flow);
        (detail.before, detail.next) = (NONE, NONE);
        if let Some(detail) = self.detail_mut(next) {
            detail.before = before;
        }
        if let Some(detail) = self.detail_mut(before) {
            detail.next = next;
            return;
        }
        let way = self.way(flow);
        if self.ways.get(&way) != Some(&place) {
            return;
        }
        if next == NONE {
            self.ways.remove(&way);
        } else {
            self.ways.insert(way, next);
        }
    }
}

impl Detail {
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

/// Digits of place and secret.
const DIGITS: usize = 8 + 16;
const BRANCH_OCTETS: usize = Via::COOKIE.len() + DIGITS;

fn branch(place: u32, secret: u64) -> [u8; BRANCH_OCTETS] {
    let mut branch = [0; BRANCH_OCTETS];
    let (cookie, digits) = branch.split_at_mut(Via::COOKIE.len());
    cookie.copy_from_slice(Via::COOKIE.as_bytes());
    let mut bits = u128::from(place) << 64 | u128::from(secret);
    for digit in digits.iter_mut().rev() {
        *digit = match (bits & 15) as u8 {
            low @ 0..10 => b'0' + low,
            high => b'a' + high - 10,
        };
        bits >>= 4;
    }
    branch
}

fn read_branch(branch: &str) -> Option<(u32, u64)> {
    let digits = branch.as_bytes().strip_prefix(Via::COOKIE.as_bytes()).filter(|d| d.len() == DIGITS)?;
    let mut bits = 0_u128;
    for digit in digits {
        bits = bits << 4 | u128::from(char::from(*digit).to_digit(16)?);
    }
    Some(((bits >> 64) as u32, bits as u64))
}

/// The value of our Via.
fn via(flow: Flow, branch: &[u8], common: &Common) -> Vec<u8> {
    let sent_by =
        common.settings.class(flow).map_or("invalid.invalid", |class| class.sent_by(flow.transport));
    [b"SIP/2.0/", flow.transport.name().as_bytes(), b" ", sent_by.as_bytes(), b";branch=", branch, b";rport"]
        .concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_branch_is_read_as_it_was_written(place: u32, secret: u64) {
            let branch = branch(place, secret);
            let text = std::str::from_utf8(&branch).expect("digits");
            prop_assert_eq!(read_branch(text), Some((place, secret)));
        }

        #[test]
        fn foreign_branches_are_nobodys(text: String) {
            read_branch(&text);
            read_branch(&format!("z9hG4bK{text}"));
        }
    }
}
