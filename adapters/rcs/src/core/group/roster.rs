//! A group: who belongs to it, and what the others are told of that (RFC 4575, rcs sheet §10.2).

use std::collections::VecDeque;

use bytes::Bytes;
use model::{Address, AttemptId, MessageId};
use sip_rcs::{
    Private,
    conference::{ConferenceInfo, Endpoint, Extent, Joining, User},
};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::{
    Leg,
    kept::Standing,
    member::{State, Trigger},
};
use crate::{
    Settings,
    translate::{Line, Spelling, uri_of},
};

/// Messages whose sender is remembered, for notifications that do not name whom they are for.
const RECENT_MAX: usize = 256;

/// Somebody as a request names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub line: Line,
    /// What the person calls itself.
    pub display: Option<Private<SmolStr>>,
}

/// Something on its way to a member.
#[derive(Clone)]
pub(super) struct Parcel {
    pub(super) attempt: AttemptId,
    /// `None` for a report.
    pub(super) message: Option<MessageId>,
    /// What the gateway knows the hand-over by; `None` when no receipt will come.
    pub(super) upstream: Option<SmolStr>,
    pub(super) body: Bytes,
}

impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parcel").field("octets", &self.body.len()).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) person: Person,
    pub(super) chairman: bool,
    pub(super) state: State,
    pub(super) joining: Joining,
    pub(super) leg: Option<Leg>,
    /// What waits for the session.
    pub(super) queue: VecDeque<Parcel>,
    /// When the member was last said to be typing.
    pub(super) composed_us: i64,
}

/// Somebody who subscribed to the state of the group.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) token: u64,
    pub(super) line: Line,
    /// Of the last notification.
    version: u32,
    /// A notification is on its way: what changes meanwhile goes into the next.
    outstanding: bool,
    due: Due,
}

/// What a subscriber has not been told.
#[derive(Debug, Default)]
struct Due {
    full: bool,
    subject: bool,
    members: SmallVec<[Line; 2]>,
}

impl Due {
    fn is_none(&self) -> bool {
        !self.full && !self.subject && self.members.is_empty()
    }
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: SmolStr,
    pub(super) contribution: SmolStr,
    pub(super) conversation: SmolStr,
    pub(super) subject: Option<Private<SmolStr>>,
    /// In the order in which they came. Those who left stay for a while, so that others see that they did.
    pub(super) members: Vec<Member>,
    pub(super) watchers: Vec<Watcher>,
    pub(super) touched_us: i64,
    pub(super) kept: Standing,
    /// Changes so far.
    version: u32,
    recent: VecDeque<(u64, Line)>,
}

impl Group {
    pub(super) fn new(
        id: SmolStr,
        contribution: SmolStr,
        conversation: SmolStr,
        subject: Option<Private<SmolStr>>,
    ) -> Self {
        Self {
            id,
            contribution,
            conversation,
            subject,
            members: Vec::new(),
            watchers: Vec::new(),
            touched_us: 0,
            kept: Standing::default(),
            version: 0,
            recent: VecDeque::new(),
        }
    }

    /// The conference URI.
    pub(super) fn uri(&self, settings: &Settings) -> String {
        format!("sip:{}@{}", self.id, settings.domain)
    }

    pub(super) fn find(&self, line: &Line) -> Option<&Member> {
        self.members.iter().find(|member| member.person.line == *line)
    }

    /// Somebody who belongs to the group.
    pub(super) fn member(&self, line: &Line) -> Option<&Member> {
        self.find(line).filter(|member| member.state.is_member())
    }

    pub(super) fn member_mut(&mut self, line: &Line) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.person.line == *line)
    }

    pub(super) fn belonging(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.state.is_member())
    }

    /// Somebody new, or somebody who comes back. `room` is how many may be remembered.
    pub(super) fn admit(&mut self, person: Person, state: State, joining: Joining, room: usize) {
        if let Some(member) = self.member_mut(&person.line) {
            member.state = state;
            member.joining = joining;
            member.person.display = person.display.or_else(|| member.person.display.take());
        } else {
            if self.members.len() >= room.saturating_mul(2)
                && let Some(at) = self.members.iter().position(|member| !member.state.is_member())
            {
                self.members.remove(at);
            }
            self.members.push(Member {
                person: person.clone(),
                chairman: false,
                state,
                joining,
                leg: None,
                queue: VecDeque::new(),
                composed_us: i64::MIN / 2,
            });
        }
        self.changed(&person.line);
    }

    /// Something happens to a member; whether it changed anything.
    pub(super) fn step(&mut self, line: &Line, on: Trigger) -> bool {
        let Some(member) = self.member_mut(line) else { return false };
        let Some(to) = member.state.step(on) else { return false };
        let before = std::mem::replace(&mut member.state, to);
        if before.shown() != to.shown() {
            self.changed(line);
        }
        true
    }

    /// Changes so far.
    pub(super) const fn version(&self) -> u32 {
        self.version
    }

    /// The others are to hear of it.
    pub(super) fn changed(&mut self, line: &Line) {
        self.version = self.version.wrapping_add(1);
        for watcher in &mut self.watchers {
            if !watcher.due.members.contains(line) {
                watcher.due.members.push(line.clone());
            }
        }
    }

    pub(super) fn rename(&mut self, subject: &str) {
        self.subject = Some(Private(subject.into()));
        self.version = self.version.wrapping_add(1);
        self.watchers.iter_mut().for_each(|watcher| watcher.due.subject = true);
    }

    /// Who is in charge when the chairman is gone: who belongs longest.
    pub(super) fn pass_the_chair(&mut self) {
        if self.belonging().any(|member| member.chairman) {
            return;
        }
        self.members.iter_mut().for_each(|member| member.chairman = false);
        let next = self.belonging().find(|member| member.leg.is_some()).or_else(|| self.belonging().next());
        if let Some(line) = next.map(|member| member.person.line.clone()) {
            if let Some(member) = self.member_mut(&line) {
                member.chairman = true;
            }
            self.changed(&line);
        }
    }

    /// A subscription begins, or is to hear everything once more.
    pub(super) fn watch(&mut self, token: u64, line: &Line) {
        match self.watchers.iter_mut().find(|watcher| watcher.token == token) {
            Some(watcher) => watcher.due.full = true,
            None => self.watchers.push(Watcher {
                token,
                line: line.clone(),
                version: self.version,
                outstanding: false,
                due: Due { full: true, ..Due::default() },
            }),
        }
    }

    /// Everything once more, whether or not the last notification was answered.
    pub(super) fn again(&mut self, token: u64) {
        if let Some(watcher) = self.watchers.iter_mut().find(|watcher| watcher.token == token) {
            watcher.outstanding = false;
            watcher.due.full = true;
        }
    }

    /// A notification was answered.
    pub(super) fn notified(&mut self, token: u64) {
        if let Some(watcher) = self.watchers.iter_mut().find(|watcher| watcher.token == token) {
            watcher.outstanding = false;
        }
    }

    /// The notifications that can leave now: one at a time for each subscription.
    pub(super) fn notifications(&mut self, settings: &Settings) -> Vec<(u64, Bytes)> {
        let ready = |watcher: &Watcher| !watcher.outstanding && !watcher.due.is_none();
        if !self.watchers.iter().any(ready) {
            return Vec::new();
        }
        let mut watchers = std::mem::take(&mut self.watchers);
        let told = watchers.iter_mut().filter(|watcher| ready(watcher)).map(|watcher| {
            watcher.outstanding = true;
            watcher.version = watcher.version.wrapping_add(1);
            let due = std::mem::take(&mut watcher.due);
            let mut document = Vec::with_capacity(2_048);
            self.state(settings, watcher, &due).write(&mut document);
            (watcher.token, document.into())
        });
        let told = told.collect();
        self.watchers = watchers;
        told
    }

    fn state(&self, settings: &Settings, watcher: &Watcher, due: &Due) -> ConferenceInfo {
        let told = |member: &&Member| due.full || due.members.contains(&member.person.line);
        let user = |member: &Member| {
            let uri = uri_of_line(&member.person.line, settings);
            let (status, disconnection) = member.state.shown();
            let reason = match member.state {
                State::Departed => Some("SIP;cause=200;text=\"Call completed\"".to_owned()),
                State::Booted => Some("SIP;cause=410;text=\"Gone\"".to_owned()),
                _ => None,
            };
            let endpoint = Endpoint {
                entity: Private(uri.clone()),
                extent: Extent::Full,
                status: Some(status),
                joining: disconnection.is_none().then_some(member.joining),
                disconnection,
                reason,
            };
            User {
                entity: Private(uri),
                extent: Extent::Full,
                display: member.person.display.as_ref().map(|name| Private(name.to_string())),
                roles: vec![if member.chairman { "chairman" } else { "participant" }.to_owned()],
                own: member.person.line == watcher.line,
                endpoints: vec![endpoint],
            }
        };
        let connected = self.belonging().filter(|member| member.state.shown().0.is_connected()).count();
        ConferenceInfo {
            entity: Private(self.uri(settings)),
            extent: if due.full { Extent::Full } else { Extent::Partial },
            version: watcher.version,
            subject: self
                .subject
                .as_ref()
                .filter(|_| due.full || due.subject)
                .map(|subject| Private(subject.to_string())),
            maximum_users: due.full.then(|| count(settings.groups.members_max)),
            user_count: Some(count(connected)),
            active: due.full.then_some(true),
            users: self.members.iter().filter(told).map(user).collect(),
        }
    }

    /// Who said what has that id.
    pub(super) fn remember(&mut self, id: u64, sender: &Line) {
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((id, sender.clone()));
    }

    pub(super) fn sender_of(&self, id: u64) -> Option<&Line> {
        self.recent.iter().rev().find(|(known, _)| *known == id).map(|(_, line)| line)
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// `tel:` URI of somebody.
pub(super) fn uri_of_line(line: &Line, settings: &Settings) -> String {
    uri_of(&Address::Number(line.number()), &settings.domain, Spelling::Tel).to_string()
}
