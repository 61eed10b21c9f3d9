//! Who comes and who goes (rcs sheet §10.1, §10.3).

use bytes::Bytes;
use model::{Cause, Refusal, Retry};
use sip_message::StatusCode;
use sip_rcs::{
    Private,
    conference::Joining,
    lists::{self, Entry},
};
use sip_transaction::hash::Hasher;
use smol_str::{SmolStr, format_smolstr};

use super::{
    Closing, Do, Focus, Invitation, Leg, NOT_A_MEMBER, Refused,
    member::{State, Trigger, refused},
    roster::{Group, Person, uri_of_line},
};
use crate::{Settings, core::status, translate::Line};

/// Octets of a subject that is kept, and of an id of the creator.
const SUBJECT_OCTETS_MAX: usize = 256;
const ID_OCTETS_MAX: usize = 128;

const TOO_MANY: Refused = Refused::warned(StatusCode::BUSY_HERE, "Maximum number of participants exceeded");
const NO_DESTINATIONS: Refused = Refused::warned(StatusCode::FORBIDDEN, "No destinations");

/// An INVITE to the conference factory.
#[derive(Debug, Clone)]
pub struct Creation<'a> {
    pub creator: Person,
    /// The session it opens.
    pub leg: Leg,
    pub contribution: &'a str,
    pub conversation: &'a str,
    pub subject: Option<&'a str>,
    /// The list of its body.
    pub members: Vec<Person>,
}

/// What a REFER asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// `method=INVITE`, or none.
    Add,
    /// `method=BYE`.
    Remove,
}

impl Wish {
    /// Of the method in a Refer-To; `None` for others.
    #[must_use]
    pub fn of(method: Option<&str>) -> Option<Self> {
        match method {
            None => Some(Self::Add),
            Some(method) if method.eq_ignore_ascii_case("INVITE") => Some(Self::Add),
            Some(method) if method.eq_ignore_ascii_case("BYE") => Some(Self::Remove),
            Some(_) => None,
        }
    }
}

impl Focus {
    /// Creates a group, or one that was lost once more. Gives its id: the user part of the conference URI.
    ///
    /// # Errors
    /// Too few or too many members, too many groups, and a group that goes on without the creator.
    pub fn create(
        &mut self,
        now_us: i64,
        settings: &Settings,
        creation: Creation<'_>,
    ) -> Result<SmolStr, Refused> {
        let policy = &settings.groups;
        if let Some(id) = self.contributions.get(creation.contribution).cloned() {
            // It is not lost: a device that says so comes back to it, if it may.
            self.rejoin(now_us, settings, &id, &creation.creator, creation.leg)?;
            return Ok(id);
        }
        let mut members: Vec<Person> = Vec::new();
        for person in creation.members {
            if person.line != creation.creator.line && !members.iter().any(|one| one.line == person.line) {
                members.push(person);
            }
            if members.len() >= policy.members_max {
                return Err(TOO_MANY);
            }
        }
        if members.len() + 1 < policy.members_min {
            return Err(NO_DESTINATIONS);
        }
        if creation.contribution.is_empty()
            || creation.contribution.len() > ID_OCTETS_MAX
            || creation.conversation.len() > ID_OCTETS_MAX
        {
            return Err(Refused::plainly(StatusCode::BAD_REQUEST));
        }
        self.forget_idle(now_us, settings);
        let of_creator =
            self.groups.values().filter(|group| group.member(&creation.creator.line).is_some()).count();
        if of_creator >= policy.groups_per_user_max {
            return Err(TOO_MANY);
        }
        if self.groups.len() >= policy.groups_max && !self.forget_one() {
            return Err(Refused::plainly(StatusCode::SERVICE_UNAVAILABLE));
        }
        let id = self.id_of(creation.contribution);
        let subject = creation.subject.map(shortened).filter(|subject| !subject.is_empty());
        let mut group = Group::new(
            id.clone(),
            creation.contribution.into(),
            creation.conversation.into(),
            subject.map(|subject| Private(subject.into())),
        );
        group.touched_us = now_us;
        let creator = creation.creator.line.clone();
        group.admit(creation.creator, State::Connected, Joining::DialedIn, policy.members_max);
        if let Some(member) = group.member_mut(&creator) {
            member.chairman = true;
            member.leg = Some(creation.leg);
        }
        for person in members {
            let member = person.line.clone();
            group.admit(person, State::Pending, Joining::DialedOut, policy.members_max);
            self.out.push(Do::Invite { group: id.clone(), member });
        }
        self.legs.insert(creation.leg, (id.clone(), creator));
        self.contributions.insert(group.contribution.clone(), id.clone());
        self.groups.insert(id.clone(), group);
        self.keep(&id);
        Ok(id)
    }

    /// What a group is called: the same whenever it is created again, so that its URI and the numbers that are lent
    /// to it stay.
    fn id_of(&self, contribution: &str) -> SmolStr {
        let mut hasher = Hasher::new(self.seed);
        hasher.part(b"group");
        hasher.part(contribution.as_bytes());
        format_smolstr!("g{:024x}", hasher.finish() >> 32)
    }

    /// The group that nobody has a session in and nothing happened in for the longest time makes room: its members
    /// find it gone, and may create it again.
    fn forget_one(&mut self) -> bool {
        let silent = self.groups.values().filter(|group| {
            group.belonging().all(|member| member.leg.is_none() && member.queue.is_empty())
                && group.belonging().all(|member| member.state != State::Elsewhere)
        });
        let Some(id) = silent.min_by_key(|group| group.touched_us).map(|group| group.id.clone()) else {
            return false;
        };
        self.remove(&id);
        true
    }

    /// An INVITE to the conference URI: a member comes back.
    ///
    /// # Errors
    /// 404 when there is no such group, 403 with Warning 127 for those who are no members.
    pub fn rejoin(
        &mut self,
        now_us: i64,
        settings: &Settings,
        group: &str,
        person: &Person,
        leg: Leg,
    ) -> Result<(), Refused> {
        let Some(known) = self.groups.get_mut(group) else {
            return Err(Refused::plainly(StatusCode::NOT_FOUND));
        };
        let Some(member) = known.member_mut(&person.line).filter(|member| member.state.is_member()) else {
            return Err(NOT_A_MEMBER);
        };
        let named = person.display.is_some() && member.person.display != person.display;
        if named {
            member.person.display.clone_from(&person.display);
        }
        if member.state == State::Pending {
            // The devices that ring need not any more.
            self.out.push(Do::Uninvite { group: group.into(), member: person.line.clone() });
        }
        if named {
            known.changed(&person.line);
        }
        self.enter(now_us, settings, group, &person.line, leg);
        Ok(())
    }

    /// A member has a session. `false`: nobody waits for it any more, end it.
    pub fn joined(&mut self, now_us: i64, settings: &Settings, group: &str, line: &Line, leg: Leg) -> bool {
        if self.groups.get(group).is_none_or(|group| group.member(line).is_none()) {
            return false;
        }
        self.enter(now_us, settings, group, line, leg);
        true
    }

    fn enter(&mut self, now_us: i64, settings: &Settings, group: &str, line: &Line, leg: Leg) {
        let Some(known) = self.groups.get_mut(group) else { return };
        known.touched_us = now_us;
        known.step(line, Trigger::Joined);
        let Some(member) = known.member_mut(line) else { return };
        let before = member.leg.replace(leg).filter(|before| *before != leg);
        let waiting = std::mem::take(&mut member.queue);
        if let Some(before) = before {
            // The device lost its bearer and comes with a new one (rcs sheet §8.3).
            self.legs.remove(&before);
            self.out.push(Do::Close { leg: before, why: Closing::Replaced });
        }
        self.legs.insert(leg, (known.id.clone(), line.clone()));
        for parcel in waiting {
            self.say(leg, parcel);
        }
        self.notify(settings, group);
    }

    /// An INVITE of ours came to nothing. Without a status nobody answered, or there was nobody to ask.
    pub fn not_joined(
        &mut self,
        now_us: i64,
        settings: &Settings,
        group: &str,
        line: &Line,
        status: Option<StatusCode>,
    ) {
        let Some(known) = self.groups.get_mut(group) else { return };
        let code = status.map_or(StatusCode::TEMPORARILY_UNAVAILABLE.code(), StatusCode::code);
        let trigger = refused(code, settings.groups.elsewhere);
        if known.find(line).is_none_or(|member| member.state != State::Pending) {
            return;
        }
        known.step(line, trigger);
        let waiting = known.member_mut(line).map(|member| std::mem::take(&mut member.queue));
        let status = status.unwrap_or(StatusCode::TEMPORARILY_UNAVAILABLE);
        self.give_back(waiting.unwrap_or_default(), status::refusal(status, None));
        if trigger == Trigger::Moved {
            self.invite_elsewhere(now_us, settings, group, line);
        }
        self.discharge(group, line);
        self.settle(settings, group);
    }

    /// A member cannot be reached at all.
    pub(super) fn unreachable(&mut self, settings: &Settings, group: &str, line: &Line) {
        if let Some(known) = self.groups.get_mut(group) {
            known.step(line, Trigger::Failed);
            self.discharge(group, line);
            self.settle(settings, group);
        }
    }

    /// A session is over; `cause` is the one of the Reason in a BYE. With 200 the member leaves the group, with
    /// anything else only the session is lost (rcs sheet §2.2).
    pub fn ended(&mut self, settings: &Settings, leg: Leg, cause: Option<u16>) {
        let Some((id, line)) = self.legs.remove(&leg) else { return };
        let Some(group) = self.groups.get_mut(&id) else { return };
        let Some(member) = group.member_mut(&line).filter(|member| member.leg == Some(leg)) else { return };
        member.leg = None;
        if cause == Some(200) {
            self.leave(settings, &id, &line, Trigger::Left);
        } else {
            group.step(&line, Trigger::Lost);
            self.notify(settings, &id);
        }
    }

    /// A member goes, by its own will or not.
    pub(super) fn leave(&mut self, settings: &Settings, id: &str, line: &Line, how: Trigger) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let rings = group.find(line).is_some_and(|member| member.state == State::Pending);
        if !group.step(line, how) {
            return;
        }
        if rings {
            self.out.push(Do::Uninvite { group: group.id.clone(), member: line.clone() });
        }
        let (mut leg, mut waiting) = (None, None);
        if let Some(member) = group.member_mut(line) {
            leg = member.leg.take();
            waiting = Some(std::mem::take(&mut member.queue));
        }
        if let Some(leg) = leg {
            self.legs.remove(&leg);
            self.out.push(Do::Close { leg, why: Closing::Gone });
        }
        let refusal = Refusal { retry: Retry::Never, ..Refusal::ours(Cause::Policy) };
        self.give_back(waiting.into_iter().flatten(), refusal);
        self.discharge(id, line);
        self.settle(settings, id);
    }

    /// Whoever is no member any more, however that came, has no office and hears nothing more.
    fn discharge(&mut self, id: &str, line: &Line) {
        let Some(group) = self.groups.get_mut(id) else { return };
        if group.member(line).is_some() {
            return;
        }
        if let Some(member) = group.member_mut(line) {
            member.chairman = false;
        }
        group.pass_the_chair();
        self.unwatch(id, Some(line));
    }

    /// Ends a group that has become too small, else says what changed.
    fn settle(&mut self, settings: &Settings, id: &str) {
        let Some(group) = self.groups.get(id) else { return };
        if group.belonging().count() < settings.groups.members_min {
            self.close(id);
        } else {
            self.notify(settings, id);
        }
    }

    /// Ends a group for everybody: `SIP;cause=410;text="Gone"`.
    pub fn close(&mut self, id: &str) {
        self.unwatch(id, None);
        self.remove(id);
    }

    fn remove(&mut self, id: &str) {
        let Some(group) = self.groups.remove(id) else { return };
        self.contributions.remove(&group.contribution);
        self.out.push(Do::Keep { group: group.id.clone(), value: None });
        for watcher in &group.watchers {
            self.watchers.remove(&watcher.token);
            self.out.push(Do::Unwatch { watcher: watcher.token });
        }
        for member in group.members {
            if member.state == State::Pending {
                self.out.push(Do::Uninvite { group: group.id.clone(), member: member.person.line });
            }
            if let Some(leg) = member.leg {
                self.legs.remove(&leg);
                self.out.push(Do::Close { leg, why: Closing::Gone });
            }
            let refusal = Refusal { retry: Retry::OtherRoute, ..Refusal::ours(Cause::NotFound) };
            self.give_back(member.queue, refusal);
        }
    }

    /// REFER: everything it asks for is done, or nothing.
    ///
    /// # Errors
    /// 404 when there is no such group, 403 for strangers and for those who may not, 486 when there would be too many
    /// members.
    pub fn refer(
        &mut self,
        now_us: i64,
        settings: &Settings,
        group: &str,
        by: &Line,
        wishes: &[(Person, Wish)],
    ) -> Result<(), Refused> {
        let policy = &settings.groups;
        let Some(known) = self.groups.get_mut(group) else {
            return Err(Refused::plainly(StatusCode::NOT_FOUND));
        };
        let Some(asking) = known.member(by) else { return Err(NOT_A_MEMBER) };
        if wishes.is_empty() {
            return Err(NO_DESTINATIONS);
        }
        let mut added: Vec<&Line> = Vec::new();
        for (person, wish) in wishes {
            match wish {
                Wish::Add if known.member(&person.line).is_none() && !added.contains(&&person.line) => {
                    added.push(&person.line);
                }
                Wish::Add => {}
                // Only the chairman removes others; who goes, says BYE.
                Wish::Remove if !asking.chairman || person.line == *by => {
                    return Err(Refused::warned(StatusCode::FORBIDDEN, "Function not allowed"));
                }
                Wish::Remove if known.member(&person.line).is_none() => {
                    return Err(Refused::plainly(StatusCode::NOT_FOUND));
                }
                Wish::Remove => {}
            }
        }
        if known.belonging().count() + added.len() > policy.members_max {
            return Err(TOO_MANY);
        }
        known.touched_us = now_us;
        let id = known.id.clone();
        // Who comes counts before who goes: the group is not over between the two.
        let (added, removed): (Vec<_>, Vec<_>) = wishes.iter().partition(|(_, wish)| *wish == Wish::Add);
        for (person, wish) in added.into_iter().chain(removed) {
            let Some(known) = self.groups.get_mut(&id) else { break };
            match wish {
                Wish::Remove => self.leave(settings, &id, &person.line, Trigger::Removed),
                Wish::Add if known.member(&person.line).is_none() => {
                    known.admit(person.clone(), State::Pending, Joining::DialedOut, policy.members_max);
                    self.out.push(Do::Invite { group: id.clone(), member: person.line.clone() });
                }
                // A member without a session is asked once more.
                Wish::Add => {
                    if known.step(&person.line, Trigger::Invited) {
                        self.out.push(Do::Invite { group: id.clone(), member: person.line.clone() });
                    }
                }
            }
        }
        self.notify(settings, &id);
        Ok(())
    }

    /// What a member is invited with; `None` when it is not to be invited any more.
    #[must_use]
    pub fn invitation(&self, settings: &Settings, group: &str, line: &Line) -> Option<Invitation> {
        let group = self.groups.get(group)?;
        group.find(line).filter(|member| member.state == State::Pending)?;
        let entries: Vec<Entry> =
            group.belonging().map(|member| Entry::to(&uri_of_line(&member.person.line, settings))).collect();
        let mut list = Vec::with_capacity(128 + entries.len() * 64);
        lists::write(&mut list, &entries);
        let creator = group.belonging().find(|member| member.chairman);
        Some(Invitation {
            conference: group.uri(settings),
            conversation: group.conversation.clone(),
            contribution: group.contribution.clone(),
            subject: group.subject.clone(),
            creator: creator.map(|member| Private(uri_of_line(&member.person.line, settings))),
            list: Bytes::from(list),
        })
    }
}

/// Cut at a character, and of one line.
pub(super) fn shortened(subject: &str) -> String {
    let subject: String = subject.trim().chars().filter(|c| !c.is_control()).collect();
    let end = subject.floor_char_boundary(SUBJECT_OCTETS_MAX.min(subject.len()));
    subject.get(..end).unwrap_or_default().to_owned()
}
