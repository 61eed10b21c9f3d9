//! Groups across restarts: what is kept of each ([`model::Inbound::Keep`]), and how it is read again. Sessions and
//! subscriptions are not: whoever was in one is a member without a session then.

use bytes::Bytes;
use kit::Kept;
use serde::{Deserialize, Serialize};
use sip_rcs::{Private, conference::Joining};
use sip_transaction::hash::{Hasher, Seed};
use smol_str::SmolStr;

use super::{
    Do, Focus,
    member::State,
    roster::{Group, Person},
};
use crate::{Settings, translate::Line};

/// Raised when a group is written in another way.
const VERSION: u8 = 1;
/// The last octets say when something happened in it.
const TOUCHED_OCTETS: usize = 8;
/// How exactly that is known after a restart, so that messages cost nothing.
const TOUCHED_WITHIN_US: i64 = 86_400_000_000;

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    contribution: &'a str,
    conversation: &'a str,
    subject: Option<&'a str>,
    members: Vec<Seat<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Seat<'a> {
    line: &'a str,
    display: Option<&'a str>,
    chairman: bool,
    elsewhere: bool,
    dialed_in: bool,
}

impl Group {
    /// Who belongs to it, and what it is called.
    fn record(&self) -> Option<Vec<u8>> {
        let seats = self.belonging().map(|member| Seat {
            line: member.person.line.as_str(),
            display: member.person.display.as_ref().map(|name| name.as_str()),
            chairman: member.chairman,
            elsewhere: member.state == State::Elsewhere,
            dialed_in: member.joining == Joining::DialedIn,
        });
        let record = Record {
            contribution: &self.contribution,
            conversation: &self.conversation,
            subject: self.subject.as_ref().map(|subject| subject.as_str()),
            members: seats.collect(),
        };
        postcard::to_extend(&record, vec![VERSION]).ok()
    }

    /// `None` for what cannot be read.
    fn read(id: &str, octets: &[u8], settings: &Settings) -> Option<Self> {
        let (record, touched) = octets.split_at_checked(octets.len().checked_sub(TOUCHED_OCTETS)?)?;
        let (&VERSION, record) = record.split_first()? else { return None };
        let record: Record<'_> = postcard::from_bytes(record).ok()?;
        let subject = record.subject.map(|subject| Private(SmolStr::new(subject)));
        let mut group = Self::new(id.into(), record.contribution.into(), record.conversation.into(), subject);
        group.touched_us = i64::from_be_bytes(touched.try_into().ok()?);
        for seat in record.members.iter().take(settings.groups.members_max) {
            let line = Line::of(&model::Number::written(seat.line), &settings.numbering);
            let display = seat.display.map(|name| Private(SmolStr::new(name)));
            let state = if seat.elsewhere { State::Elsewhere } else { State::Away };
            let joining = if seat.dialed_in { Joining::DialedIn } else { Joining::DialedOut };
            let person = Person { line: line.clone(), display };
            group.admit(person, state, joining, settings.groups.members_max);
            if let Some(member) = group.member_mut(&line) {
                member.chairman = seat.chairman;
            }
        }
        Some(group)
    }
}

impl Focus {
    /// Has a group kept, if that is not kept already.
    pub(super) fn keep(&mut self, id: &str) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let stale = group.touched_us.saturating_sub(group.kept.touched_us) > TOUCHED_WITHIN_US;
        if group.kept.version == Some(group.version()) && !stale {
            return;
        }
        group.kept.version = Some(group.version());
        let Some(mut value) = group.record() else { return };
        let mut hasher = Hasher::new(Seed(0, 0));
        hasher.part(&value);
        let digest = (hasher.finish() >> 64) as u64;
        if digest == group.kept.digest && !stale {
            return;
        }
        group.kept.digest = digest;
        group.kept.touched_us = group.touched_us;
        value.extend(group.touched_us.to_be_bytes());
        self.out.push(Do::Keep { group: group.id.clone(), value: Some(value.into()) });
    }

    /// Groups as they were kept. What cannot be read, and where nothing happened for long, is kept no more.
    pub fn recall(&mut self, now_us: i64, settings: &Settings, kept: Kept) {
        for (key, value) in kept {
            let Some(id) = std::str::from_utf8(&key).ok().map(SmolStr::new) else { continue };
            let idle_us = i64::try_from(settings.groups.idle_max.as_micros()).unwrap_or(i64::MAX);
            let group = Group::read(&id, &value, settings)
                .filter(|group| group.touched_us.saturating_add(idle_us) > now_us)
                .filter(|group| group.belonging().count() >= settings.groups.members_min)
                .filter(|_| self.groups.len() < settings.groups.groups_max);
            let Some(mut group) = group else {
                self.out.push(Do::Keep { group: id, value: None });
                continue;
            };
            group.kept.version = Some(group.version());
            group.kept.touched_us = group.touched_us;
            self.contributions.insert(group.contribution.clone(), id.clone());
            self.groups.insert(id, group);
        }
    }

    /// Ends groups in which nothing happened for long.
    pub(super) fn forget_idle(&mut self, now_us: i64, settings: &Settings) {
        let idle_us = i64::try_from(settings.groups.idle_max.as_micros()).unwrap_or(i64::MAX);
        let idle = |group: &&Group| {
            group.touched_us.saturating_add(idle_us) <= now_us
                && group.belonging().all(|member| member.leg.is_none() && member.queue.is_empty())
        };
        let idle: Vec<SmolStr> = self.groups.values().filter(idle).map(|group| group.id.clone()).collect();
        idle.iter().for_each(|id| self.close(id));
    }
}

/// What is kept of a group now.
#[derive(Debug, Default)]
pub(super) struct Standing {
    version: Option<u32>,
    touched_us: i64,
    digest: u64,
}

/// As the gateway is told.
pub(in crate::core) fn key(group: &str) -> Bytes {
    Bytes::copy_from_slice(group.as_bytes())
}
