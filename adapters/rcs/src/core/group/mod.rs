//! Group chats of which we are the focus (rcs sheet §10, §13.3): values in, [`Do`] out.
//!
//! A group is what the focus knows: who belongs to it, what it is about, who wants to hear of changes. What is said
//! in it is the gateway's: one submission for each member, each with a receipt and a usage record of its own (I1,
//! I3); when the gateway hands one of them over, [`Focus::deliver`] says it in that member's session.
//!
//! | what came | here |
//! | --- | --- |
//! | INVITE to the factory or to a group, REFER, BYE | [`Focus::create`], [`Focus::rejoin`], [`Focus::refer`], [`Focus::ended`] (`membership`) |
//! | something said in a session | [`Focus::said`] (`talk`) |
//! | the gateway's answers and hand-overs | [`Focus::answered`], [`Focus::deliver`] (`talk`), [`Focus::report`] (`notices`) |
//! | a message to the group from somebody without RCS | [`Focus::from_elsewhere`] (`elsewhere`) |
//! | SUBSCRIBE, and the answers to NOTIFY | [`Focus::watch`], [`Focus::notified`], [`Focus::unwatched`] |
//!
//! Who belongs to a group is kept beyond the process, its sessions and subscriptions are not: [`Focus::recall`]
//! (`kept`). A device that finds its group gone creates it again with the old Contribution-ID, under the same URI.

mod elsewhere;
mod kept;
mod member;
mod membership;
mod notices;
mod roster;
mod talk;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use hashbrown::HashMap;
use model::{AttemptId, Cause, Outcome, Receipt, Refusal, Retry, Submission};
use sip_message::StatusCode;
use sip_rcs::Private;
use sip_transaction::hash::Seed;
use smol_str::SmolStr;

pub(super) use self::{kept::key, talk::member_of};
pub use self::{
    member::{ROWS as MEMBER, State as MemberState, Trigger as MemberTrigger},
    membership::{Creation, Wish},
    roster::Person,
    talk::Said,
};
use self::{
    notices::Unreached,
    roster::{Group, Parcel},
};
use super::slots::{Slot, Slots};
use crate::{Settings, translate::Line};

/// A session of a member, as its owner numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Leg(pub u64);

/// Why a request is refused: its status, and the text of a Warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    pub status: StatusCode,
    pub warning: Option<&'static str>,
}

impl Refused {
    pub(super) const fn plainly(status: StatusCode) -> Self {
        Self { status, warning: None }
    }

    pub(super) const fn warned(status: StatusCode, text: &'static str) -> Self {
        Self { status, warning: Some(text) }
    }
}

/// Who is not, or no longer, a member (rcs sheet §2.1).
pub const NOT_A_MEMBER: Refused = Refused::warned(StatusCode::FORBIDDEN, "127 Service not authorised");

/// What somebody hears who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is safe.
    Taken,
    Status(StatusCode),
    Refused(Cause),
}

/// Why a session is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Another session of the same member took its place.
    Replaced,
    /// The group is over, at least for this member: `SIP;cause=410`.
    Gone,
}

/// What is to be done, in order.
#[derive(Clone, PartialEq)]
pub enum Do {
    /// Invite a member, see [`Focus::invitation`]; what comes of it is said to [`Focus::joined`] or
    /// [`Focus::not_joined`].
    Invite { group: SmolStr, member: Line },
    /// Find this again after a restart, see [`Focus::recall`]; without a value, never again.
    Keep { group: SmolStr, value: Option<Bytes> },
    /// Take an invitation back that is not answered (RFC 3261 §9).
    Uninvite { group: SmolStr, member: Line },
    /// End a session.
    Close { leg: Leg, why: Closing },
    /// Say something in a session. With a `name`, what becomes of it is said to [`Focus::sent`].
    Say { leg: Leg, name: Option<u64>, content_type: &'static str, body: Bytes },
    /// A message for the gateway; its answer goes to [`Focus::answered`].
    Submit { ask: u64, submission: Arc<Submission> },
    /// A receipt for the gateway. With an `ask`, its answer goes to [`Focus::answered`].
    Receipt { ask: Option<u64>, receipt: Receipt },
    /// Answer somebody who said something.
    Tell { asker: u64, verdict: Verdict },
    /// What became of a hand-over.
    Outcome { attempt: AttemptId, outcome: Outcome },
    /// NOTIFY; its answer is said to [`Focus::notified`].
    Notify { watcher: u64, document: Bytes },
    /// The last NOTIFY: there is nothing to hear any more.
    Unwatch { watcher: u64 },
}

impl fmt::Debug for Do {
    /// What and how much, never whose.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, octets) = match self {
            Self::Invite { .. } => ("Invite", 0),
            Self::Keep { value, .. } => ("Keep", value.as_ref().map_or(0, Bytes::len)),
            Self::Uninvite { .. } => ("Uninvite", 0),
            Self::Close { why, .. } => return f.debug_tuple("Close").field(why).finish(),
            Self::Say { body, .. } => ("Say", body.len()),
            Self::Submit { .. } => ("Submit", 0),
            Self::Receipt { .. } => ("Receipt", 0),
            Self::Tell { verdict, .. } => return f.debug_tuple("Tell").field(verdict).finish(),
            Self::Outcome { outcome, .. } => return f.debug_tuple("Outcome").field(outcome).finish(),
            Self::Notify { document, .. } => ("Notify", document.len()),
            Self::Unwatch { .. } => ("Unwatch", 0),
        };
        f.debug_struct(name).field("octets", &octets).finish_non_exhaustive()
    }
}

/// What an INVITE to a member says (rcs sheet §10.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The conference URI: From, P-Asserted-Identity, Contact with `isfocus`.
    pub conference: String,
    pub conversation: SmolStr,
    pub contribution: SmolStr,
    pub subject: Option<Private<SmolStr>>,
    /// Referred-By.
    pub creator: Option<Private<String>>,
    /// `application/resource-lists+xml`, `Content-Disposition: recipient-list-history`.
    pub list: Bytes,
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Somebody waits for several answers of the gateway.
#[derive(Debug)]
struct Ask {
    about: About,
    left: usize,
    taken: usize,
    refused: Option<Cause>,
}

#[derive(Debug)]
enum About {
    /// Said in a session, or notifications of which every one has to be taken.
    Said { asker: u64, all: bool, unreached: Option<Box<Unreached>> },
    /// One copy of something said, of which the sender wants to know when it can never arrive.
    Copy { of: u64, member: Line },
    /// A message of somebody elsewhere, which the gateway has handed over to us.
    Elsewhere { attempt: AttemptId, upstream: SmolStr },
    /// The first short message to a member.
    Invitation { group: SmolStr, member: Line },
}

/// All groups.
#[derive(Debug)]
pub struct Focus {
    seed: Seed,
    groups: HashMap<SmolStr, Group>,
    /// Contribution-ID to group.
    contributions: HashMap<SmolStr, SmolStr>,
    legs: HashMap<Leg, (SmolStr, Line)>,
    watchers: HashMap<u64, SmolStr>,
    asks: Slots<Ask>,
    parcels: Slots<Sending>,
    out: Vec<Do>,
}

/// Said in a session and not confirmed.
#[derive(Debug)]
struct Sending {
    leg: Leg,
    attempt: AttemptId,
    upstream: Option<SmolStr>,
}

impl Focus {
    /// Without groups. `seed` names what is handed over: the same after a restart, and nobody's guess.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            groups: HashMap::new(),
            contributions: HashMap::new(),
            legs: HashMap::new(),
            watchers: HashMap::new(),
            asks: Slots::new(),
            parcels: Slots::new(),
            out: Vec::new(),
        }
    }

    /// What is to be done. Drain it after every call.
    pub const fn out(&mut self) -> &mut Vec<Do> {
        &mut self.out
    }

    /// Whether there is nothing to be done.
    pub(in crate::core) const fn is_settled(&self) -> bool {
        self.out.is_empty()
    }

    /// Whether nothing that the gateway handed over is under way.
    pub(in crate::core) fn is_idle(&self) -> bool {
        self.parcels.len() == 0
            && self.groups.values().all(|group| group.members.iter().all(|member| member.queue.is_empty()))
    }

    /// How many groups there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether there is such a group.
    #[must_use]
    pub fn knows(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    /// How somebody takes part; `None` for strangers.
    #[must_use]
    pub fn state_of(&self, group: &str, line: &Line) -> Option<MemberState> {
        Some(self.groups.get(group)?.find(line)?.state)
    }

    /// The Contribution-ID and Conversation-ID of a group.
    #[must_use]
    pub fn ids(&self, group: &str) -> Option<(&str, &str)> {
        let group = self.groups.get(group)?;
        Some((&group.contribution, &group.conversation))
    }

    /// Whose session it is, and in which group.
    #[must_use]
    pub fn at(&self, leg: Leg) -> Option<(&str, &Line)> {
        self.legs.get(&leg).map(|(group, line)| (group.as_str(), line))
    }

    /// The session of a member, if it has one.
    #[must_use]
    pub fn leg_of(&self, group: &str, line: &Line) -> Option<Leg> {
        self.groups.get(group)?.member(line)?.leg
    }

    /// Somebody subscribes, or refreshes a subscription: hears everything.
    ///
    /// # Errors
    /// Strangers, groups that are none, and too many subscriptions.
    pub fn watch(
        &mut self,
        settings: &Settings,
        group: &str,
        line: &Line,
        watcher: u64,
    ) -> Result<(), Refused> {
        let Some(group) = self.groups.get_mut(group) else {
            return Err(Refused::plainly(StatusCode::NOT_FOUND));
        };
        if group.member(line).is_none() {
            return Err(NOT_A_MEMBER);
        }
        let is_new = !self.watchers.contains_key(&watcher);
        let mine = group.watchers.iter().filter(|one| one.line == *line).count();
        if is_new && mine >= settings.groups.subscriptions_per_member_max {
            return Err(Refused::plainly(StatusCode::SERVICE_UNAVAILABLE));
        }
        group.watch(watcher, line);
        self.watchers.insert(watcher, group.id.clone());
        let id = group.id.clone();
        self.notify(settings, &id);
        Ok(())
    }

    /// A NOTIFY was answered: the next may leave.
    pub fn notified(&mut self, settings: &Settings, watcher: u64) {
        let Some(id) = self.watchers.get(&watcher).cloned() else { return };
        if let Some(group) = self.groups.get_mut(&id) {
            group.notified(watcher);
        }
        self.notify(settings, &id);
    }

    /// A subscriber is to hear everything once more.
    pub fn watch_again(&mut self, settings: &Settings, group: &str, watcher: u64) {
        if let Some(group) = self.groups.get_mut(group) {
            group.again(watcher);
        }
        self.notify(settings, group);
    }

    /// A subscription is over.
    pub fn unwatched(&mut self, watcher: u64) {
        if let Some(id) = self.watchers.remove(&watcher)
            && let Some(group) = self.groups.get_mut(&id)
        {
            group.watchers.retain(|one| one.token != watcher);
        }
    }

    /// Tells those who want to hear what changed, and has it kept.
    fn notify(&mut self, settings: &Settings, group: &str) {
        self.keep(group);
        if let Some(group) = self.groups.get_mut(group) {
            let told = group.notifications(settings);
            self.out.extend(told.into_iter().map(|(watcher, document)| Do::Notify { watcher, document }));
        }
    }

    /// The subscriptions of somebody who is no member any more, or of everybody.
    fn unwatch(&mut self, group: &str, whose: Option<&Line>) {
        let Some(group) = self.groups.get_mut(group) else { return };
        let (gone, stay) = std::mem::take(&mut group.watchers)
            .into_iter()
            .partition(|watcher| whose.is_none_or(|line| watcher.line == *line));
        group.watchers = stay;
        for watcher in Vec::from_iter::<Vec<roster::Watcher>>(gone) {
            self.watchers.remove(&watcher.token);
            self.out.push(Do::Unwatch { watcher: watcher.token });
        }
    }

    /// What waited for a member does not go this way.
    fn give_back(&mut self, parcels: impl IntoIterator<Item = Parcel>, refusal: Refusal) {
        self.out.extend(
            parcels
                .into_iter()
                .map(|parcel| Do::Outcome { attempt: parcel.attempt, outcome: Outcome::Refused(refusal) }),
        );
    }

    /// What somebody elsewhere said on behalf of an ask that is answered.
    fn tell(&mut self, asker: u64, verdict: Verdict) {
        self.out.push(Do::Tell { asker, verdict });
    }

    fn ask(&mut self, about: About, left: usize) -> u64 {
        self.asks.insert(Ask { about, left, taken: 0, refused: None }).token()
    }

    /// The gateway has answered one of the things that were handed in.
    pub fn answered(&mut self, settings: &Settings, ask: u64, refusal: Option<Cause>) {
        let slot = Slot::of(ask);
        let Some(open) = self.asks.get_mut(slot) else { return };
        open.left = open.left.saturating_sub(1);
        match refusal {
            None => open.taken += 1,
            // What passes outweighs what does not: it is worth saying again.
            Some(cause) if open.refused.is_none_or(|known| !known.is_passing()) => open.refused = Some(cause),
            Some(_) => {}
        }
        if open.left > 0 {
            return;
        }
        let Some(Ask { about, taken, refused, .. }) = self.asks.remove(slot) else { return };
        if let About::Copy { of, member } = about {
            if refused.is_some_and(|cause| !cause.is_passing())
                && let Some(whole) = self.asks.get_mut(Slot::of(of))
                && let About::Said { unreached: Some(unreached), .. } = &mut whole.about
            {
                unreached.members.push(member);
            }
            return self.answered(settings, of, refusal);
        }
        // A message is taken when it is safe for everybody who can get it (I1). Who can never get it does not keep it
        // from the others; what failed for a while is said again by its sender, whom the gateway answers as before for
        // those it has the message for.
        let refused = match &about {
            About::Said { all: true, .. } => refused,
            _ => refused.filter(|cause| taken == 0 || cause.is_passing()),
        };
        match (about, refused) {
            (About::Said { asker, unreached, .. }, None) => {
                self.tell(asker, Verdict::Taken);
                if let Some(unreached) = unreached {
                    self.tell_unreached(settings, &unreached);
                }
            }
            (About::Said { asker, .. }, Some(cause)) => self.tell(asker, Verdict::Refused(cause)),
            (About::Elsewhere { attempt, upstream }, None) => self.arrived(attempt, upstream),
            (About::Elsewhere { attempt, .. }, Some(cause)) => {
                let retry = if cause.is_passing() { Retry::Scheduled } else { Retry::Never };
                let outcome = Outcome::Refused(Refusal { retry, ..Refusal::ours(cause) });
                self.out.push(Do::Outcome { attempt, outcome });
            }
            (About::Invitation { .. }, None) | (About::Copy { .. }, _) => {}
            (About::Invitation { group, member }, Some(_)) => self.unreachable(settings, &group, &member),
        }
    }
}

/// Causes after which the same may work later.
trait Passing {
    fn is_passing(&self) -> bool;
}

impl Passing for Cause {
    fn is_passing(&self) -> bool {
        matches!(self, Self::Throttled | Self::QueueFull | Self::StoreUnavailable | Self::Draining)
    }
}
