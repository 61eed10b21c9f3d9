//! The focus on the network: its sessions, its subscriptions, and the gateway behind it (rcs sheet §10, §13.3).
//!
//! [`group`](super::group) decides; here is what it wants done, in SIP and MSRP.
//!
//! | what came | goes to |
//! | --- | --- |
//! | INVITE to the factory or to a group | [`join`] |
//! | a member to be invited, and what came of it | [`summon`] |
//! | REFER | [`refer`] |
//! | SUBSCRIBE, and what came of NOTIFY | [`watch`] |
//! | said in the session of a member, answered by the gateway, handed over | here |

mod join;
mod refer;
mod summon;
mod watch;

use bytes::Bytes;
use hashbrown::HashMap;
use model::{Address, Cause, Inbound, Outcome, OutgoingMessage, Receipt, Refusal, Report, Submission};
use sip_message::{HeaderValue, Name, StatusCode, Uri};
use sip_msrp::{Question, Status};
use sip_rcs::{features::icsi, mime};
use sip_transaction::{ServerKey, Transport, dialog::Dialogs, hash::Seed};
use smol_str::SmolStr;

use self::{summon::Ringing, watch::Watch};
use super::{
    Core,
    flights::shown,
    group::{Closing, Do, Leg, Refused, Said, Verdict, key},
    sends::Owner,
    session::{Fate, Purpose, Why},
    slots::{Slot, Slots},
    status,
    waiting::Waiting,
};
use crate::{
    Settings,
    settings::Groups,
    translate::{Carried, Letter, Line},
};

/// Which group a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Room {
    /// One that is to be.
    Factory,
    /// The one with that id.
    Group(SmolStr),
}

impl Room {
    /// By the user part of a conference URI, ours or what our Contact says.
    pub(super) fn of(uri: &Uri, groups: &Groups) -> Option<Self> {
        let user = uri.user()?;
        if user.eq_ignore_ascii_case(&groups.factory) {
            return Some(Self::Factory);
        }
        let digits = user.strip_prefix('g')?;
        let named = digits.len() == ID_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit());
        named.then(|| Self::Group(user.into()))
    }
}

/// Digits of a group's id.
const ID_DIGITS: usize = 24;

/// What the focus has under way.
#[derive(Debug)]
pub(super) struct Conference {
    /// Who waits for what came of something said.
    askers: Slots<Question>,
    ringing: Slots<Ringing>,
    watches: Slots<Watch>,
    /// Subscriptions with dialogs of their own.
    dialogs: Dialogs<Slot>,
    /// Those within the session of a member.
    within: HashMap<Slot, Slot>,
}

impl Conference {
    pub(super) fn new(settings: &Settings, seed: Seed) -> Self {
        let groups = &settings.groups;
        let most = groups.groups_max.saturating_mul(groups.members_max);
        Self {
            askers: Slots::new(),
            ringing: Slots::new(),
            watches: Slots::new(),
            dialogs: Dialogs::new(most.min(DIALOGS_MAX), seed),
            within: HashMap::new(),
        }
    }
}

impl Conference {
    /// Whether everybody is answered who said something, and nobody rings.
    pub(super) fn is_idle(&self) -> bool {
        self.askers.len() == 0 && self.ringing.len() == 0
    }
}

/// Subscriptions in all.
const DIALOGS_MAX: usize = 1_000_000;

impl Core {
    /// Does what the focus wants done.
    pub(super) fn settle_groups(&mut self, now_us: i64) {
        while !self.focus.out().is_empty() {
            for one in std::mem::take(self.focus.out()) {
                self.do_for_group(now_us, one);
            }
        }
    }

    fn do_for_group(&mut self, now_us: i64, one: Do) {
        match one {
            Do::Invite { group, member } => self.summon(now_us, &group, &member),
            Do::Keep { group, value } => {
                let channel = self.settings.channel;
                self.out.inbound.push(Inbound::Keep { channel, key: key(&group), value });
            }
            Do::Uninvite { group, member } => self.unsummon(now_us, &group, &member),
            Do::Close { leg, why } => {
                let why = match why {
                    Closing::Replaced => Why::Over,
                    Closing::Gone => Why::Gone,
                };
                self.hang_up(now_us, Slot::of(leg.0), why);
            }
            Do::Say { leg, name, content_type, body } => {
                self.say_to_member(now_us, leg, name, content_type, body);
            }
            Do::Submit { ask, submission } => self.submit_for_group(ask, submission),
            Do::Receipt { ask, receipt } => self.receipt_for_group(ask, receipt),
            Do::Tell { asker, verdict } => self.tell_member(now_us, asker, verdict),
            Do::Outcome { attempt, outcome } => self.outcome(attempt, outcome),
            Do::Notify { watcher, document } => self.tell_watcher(now_us, Slot::of(watcher), document),
            Do::Unwatch { watcher } => self.watcher_done(now_us, Slot::of(watcher)),
        }
    }

    fn submit_for_group(&mut self, ask: u64, submission: std::sync::Arc<Submission>) {
        let full = self.waiting.len() >= self.settings.limits.waiting_max;
        let cause = match self.closed {
            Some(cause) => Some(cause),
            None if self.draining => Some(Cause::Draining),
            None => full.then_some(Cause::QueueFull),
        };
        if let Some(cause) = cause {
            self.counts.refused += 1;
            self.watch.refusing(cause);
            let settings = self.settings.clone();
            return self.focus.answered(&settings, ask, Some(cause));
        }
        self.counts.submissions += 1;
        let ticket = self.wait(Waiting::Group { ask });
        self.out.inbound.push(Inbound::Submit { submission, ticket });
    }

    fn receipt_for_group(&mut self, ask: Option<u64>, receipt: Receipt) {
        let ticket = ask.map(|ask| self.wait(Waiting::Group { ask }));
        let channel = self.settings.channel;
        self.out.inbound.push(Inbound::Receipt { channel, receipt, ticket });
    }

    /// The gateway has answered one of them.
    pub(super) fn group_answered(&mut self, ask: u64, refusal: Option<Cause>) {
        let settings = self.settings.clone();
        self.focus.answered(&settings, ask, refusal);
    }

    /// A member said something in its session.
    pub(super) fn said_in_group(
        &mut self,
        now_us: i64,
        slot: Slot,
        question: Question,
        (id, content_type): (&str, &str),
        body: Bytes,
    ) {
        let (settings, namer) = (self.settings.clone(), self.namer);
        let asker = self.conference.askers.insert(question).token();
        let said = Said { leg: Leg(slot.token()), asker, id, content_type, body };
        self.focus.said(now_us, &settings, &namer, said);
    }

    fn tell_member(&mut self, now_us: i64, asker: u64, verdict: Verdict) {
        let Some(question) = self.conference.askers.remove(Slot::of(asker)) else { return };
        let status = match verdict {
            Verdict::Taken => StatusCode::OK,
            Verdict::Status(status) => status,
            Verdict::Refused(cause) => status::refused(cause).status,
        };
        self.tell_said(now_us, question, status);
    }

    /// Says something in the session of a member, at once or when its connection stands.
    fn say_to_member(
        &mut self,
        now_us: i64,
        leg: Leg,
        name: Option<u64>,
        content_type: &'static str,
        body: Bytes,
    ) {
        let letter = Letter { content_type, body, application: None };
        let refused = match self.media_of(Slot::of(leg.0)) {
            Some(media) if self.say_in(now_us, media, &letter, name.map(Owner::Parcel)) => return,
            Some(_) => Status::MEDIA_TYPE,
            None => Status::NO_SESSION,
        };
        if let Some(name) = name {
            self.focus.sent(name, Some(refused));
        }
    }

    /// What became of it.
    pub(super) fn parcel_said(&mut self, name: u64, fate: Fate) {
        let refused = match fate {
            Fate::Taken => None,
            Fate::Refused(status) => Some(status),
            Fate::Unheard { .. } => Some(Status::NO_SESSION),
        };
        self.focus.sent(name, refused);
    }

    /// The session of a member is over. `cause`: of the Reason of a BYE.
    pub(super) fn member_ended(&mut self, slot: Slot, cause: Option<u16>) {
        let settings = self.settings.clone();
        self.focus.ended(&settings, Leg(slot.token()), cause);
        if let Some(watch) = self.conference.within.remove(&slot) {
            self.conference.watches.remove(watch);
            self.focus.unwatched(watch.token());
        }
    }

    /// A message that is the group's business: to the group, or of one. Gives back what is not.
    pub(super) fn group_message(&mut self, now_us: i64, message: OutgoingMessage) -> Option<OutgoingMessage> {
        let (settings, namer) = (self.settings.clone(), self.namer);
        if let Address::User(user) = shown(message.to.as_ref(), &message.submission.to)
            && user.messenger == settings.name
        {
            let id = user.id.clone();
            self.focus.from_elsewhere(now_us, &settings, &namer, &id, &message);
            return None;
        }
        if self.focus.is_empty() || message.submission.origin != settings.channel {
            return Some(message);
        }
        self.focus.deliver(&settings, &namer, message).err()
    }

    /// A report about a message of a group, said in the session of who wrote it. `false`: there is none, or none that
    /// takes reports (rcs sheet §8.1).
    pub(super) fn report_in_group(&mut self, now_us: i64, report: &Report, sender: &Address) -> bool {
        let settings = self.settings.clone();
        let group = Carried::decode(&report.submission.carried).group;
        let line = sender.number().map(|number| Line::of(number, &settings.numbering));
        let leg = group.zip(line).and_then(|(group, line)| self.focus.leg_of(group, &line));
        if !leg.is_some_and(|leg| self.takes_wrapped(Slot::of(leg.0), mime::IMDN)) {
            return false;
        }
        let name = self.draw.text();
        self.focus.report(now_us, &settings, report, &name)
    }

    /// A message of a group is to disappear. `false`: it is none of a group.
    pub(super) fn revoke_in_group(&mut self, message: &OutgoingMessage, to: &Line) -> bool {
        if message.submission.origin != self.settings.channel {
            return false;
        }
        let Some(group) = Carried::decode(&message.submission.carried).group else { return false };
        if !self.focus.knows(group) {
            return false;
        }
        let taken_back = self.focus.take_back(group, to, message.message);
        let outcome = match taken_back {
            Some(waiting) => {
                self.outcome(waiting, Outcome::Refused(Refusal::ours(Cause::Cancelled)));
                Outcome::Sent(Default::default())
            }
            // What was said in a group was said.
            None => Outcome::Refused(Refusal::ours(Cause::Policy)),
        };
        self.outcome(message.attempt, outcome);
        true
    }

    /// Whatever was said may have arrived, what waits has not left. For the very end.
    pub(super) fn abandon_groups(&mut self) {
        self.focus.abandon();
        for one in std::mem::take(self.focus.out()) {
            if let Do::Outcome { attempt, outcome } = one {
                self.outcome(attempt, outcome);
            }
        }
    }

    /// A refusal of the focus, as an answer.
    fn refuse_for_group(&mut self, now_us: i64, key: ServerKey, refused: Refused) {
        let contact = self.settings.contact.clone();
        let retry_after_s = self.settings.limits.retry_after_s;
        self.respond(now_us, key, refused.status, |response| {
            if let Some(text) = refused.warning {
                response.headers.push(Name::Warning, format_args!("399 {contact} \"{text}\""));
            }
            if refused.status == StatusCode::SERVICE_UNAVAILABLE {
                response.headers.push(Name::RetryAfter, HeaderValue::from(retry_after_s));
            }
        });
    }

    /// Our Contact in a session: in that of a member it is the group, with us as its focus (RFC 4579 §3.1).
    pub(super) fn contact_in(&self, slot: Slot, transport: Transport, purpose: Purpose) -> String {
        match self.focus.at(Leg(slot.token())) {
            Some((group, _)) => self.contact_of_group(group, transport),
            None => self.contact_for(transport, purpose),
        }
    }

    fn contact_of_group(&self, group: &str, transport: Transport) -> String {
        let transport = match transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        format!(
            "<sip:{group}@{}{transport}>;isfocus;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.{}\"",
            self.settings.contact,
            icsi::SESSION_GROUP
        )
    }
}
