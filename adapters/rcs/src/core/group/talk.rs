//! What is said in groups: one submission for each member, and each of them into that member's session (rcs sheet
//! §7.2, §10.3).

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use model::{
    Address, AttemptId, Cause, Content, Elsewhere, For, MessageId, Outcome, OutgoingMessage, Party, Pii,
    Refusal, Retry, Submission, Timestamp, UpstreamId, User,
};
use sip_message::{Method, Name, Request, StatusCode, Uri};
use sip_msrp::Status;
use sip_rcs::{
    Capabilities, Cpim,
    cpim::{Edit, Field, Writer},
    iscomposing,
    mime::{self, Kind},
    multipart, xml,
};
use sip_transaction::hash::Hasher;
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::{
    About, Do, Focus, Leg, Sending, Verdict,
    member::{State, Trigger},
    membership::shortened,
    notices::Unreached,
    roster::{Group, Parcel, uri_of_line},
};
use crate::{
    Settings,
    translate::{
        Carried, Ends, Envelope, Form, Line, Namer, Reading, Room, Spelling, Unread, letter, number_of,
        submission_key, submission_of_cpim, uri_of, words_of,
    },
};

/// Somebody says something in a session of a group.
#[derive(Debug)]
pub struct Said<'a> {
    pub leg: Leg,
    /// Who is told what came of it.
    pub asker: u64,
    /// `Message-ID` of MSRP.
    pub id: &'a str,
    pub content_type: &'a str,
    pub body: Bytes,
}

impl Focus {
    /// Something was said.
    pub fn said(&mut self, now_us: i64, settings: &Settings, namer: &Namer, said: Said<'_>) {
        let asker = said.asker;
        if let Err(verdict) = self.take(now_us, settings, namer, said) {
            self.tell(asker, verdict);
        }
    }

    /// # Errors
    /// What the sender hears at once.
    fn take(
        &mut self,
        now_us: i64,
        settings: &Settings,
        namer: &Namer,
        said: Said<'_>,
    ) -> Result<(), Verdict> {
        let (id, sender) = self.legs.get(&said.leg).cloned().ok_or(Verdict::Status(StatusCode::FORBIDDEN))?;
        match Kind::of(said.content_type) {
            Kind::Cpim => {}
            // Bare: it names nobody, so there is nothing to change but the wrapping.
            Kind::IsComposing => return self.composing(now_us, settings, &id, &sender, None, &said.body),
            _ => return Err(Verdict::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
        }
        let cpim = Cpim::read(said.body.clone()).map_err(|_| Verdict::Status(StatusCode::BAD_REQUEST))?;
        match cpim.kind() {
            Kind::IsComposing => {
                let octets = cpim.decoded().map_err(|_| Verdict::Status(StatusCode::BAD_REQUEST))?;
                self.composing(now_us, settings, &id, &sender, Some(&cpim), &octets)
            }
            Kind::Imdn => self.notification(settings, namer, &id, &sender, said.asker, &cpim),
            Kind::Multipart if is_notification(&cpim) => {
                self.notification(settings, namer, &id, &sender, said.asker, &cpim)
            }
            Kind::GroupData => self.group_data(settings, &id, &sender, said.asker, &cpim),
            _ => self.message(now_us, settings, &id, &sender, &said, &cpim),
        }
    }

    /// A message to all.
    fn message(
        &mut self,
        now_us: i64,
        settings: &Settings,
        id: &str,
        sender: &Line,
        said: &Said<'_>,
        cpim: &Cpim,
    ) -> Result<(), Verdict> {
        let group = self.groups.get_mut(id).ok_or(Verdict::Status(StatusCode::FORBIDDEN))?;
        let to = cpim.to().and_then(|to| line_of(to.uri.0, settings));
        if to.is_some_and(|to| group.member(&to).is_some()) {
            // We do not offer private messages (RFC 7701 §6), and one of them must not be shown to all.
            return Err(Verdict::Status(StatusCode::FORBIDDEN));
        }
        if self.asks.len() >= settings.limits.waiting_max {
            return Err(Verdict::Refused(Cause::QueueFull));
        }
        group.touched_us = now_us;
        let request = as_request(group, settings, said.id);
        let from = Address::Number(sender.number());
        let named = named(group, sender, settings);
        let envelope = Envelope {
            origin: settings.channel,
            from: &from,
            to: &from,
            lines: (sender, sender),
            now: Timestamp::from_micros(now_us),
            request: &request,
            trusted: false,
            back: None,
            reading: Reading { text: &settings.text },
            room: Some(Room { id, from: &named }),
        };
        // Members know the messages of a group by one id: what refers to one of them says the same to all.
        let submission = submission_of_cpim(&envelope, cpim, |_| None).map_err(|unread| {
            Verdict::Status(match unread {
                Unread::Malformed => StatusCode::BAD_REQUEST,
                Unread::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            })
        })?;
        if let Some(reference) = &submission.reference {
            let hash = self.hash(&[reference.as_bytes()]);
            if let Some(group) = self.groups.get_mut(id) {
                group.remember(hash, sender);
            }
        }
        self.keep(id);
        let reference = submission.reference.clone();
        let name = reference.as_deref().unwrap_or(said.id);
        let about = About::Said { asker: said.asker, all: false, unreached: None };
        if self.fan_out(settings, id, sender, &submission, name, about) {
            Ok(())
        } else {
            Err(Verdict::Refused(Cause::NoRoute))
        }
    }

    /// One submission for each of the others. `false`: there is nobody.
    pub(super) fn fan_out(
        &mut self,
        settings: &Settings,
        id: &str,
        sender: &Line,
        submission: &Submission,
        name: &str,
        mut about: About,
    ) -> bool {
        let Some(group) = self.groups.get(id) else { return false };
        let called = called(group, sender);
        let submissions: SmallVec<[Arc<Submission>; 8]> = group
            .belonging()
            .filter(|member| member.person.line != *sender)
            .map(|member| {
                let line = &member.person.line;
                let mut own = submission.clone();
                own.to = Pii::new(Address::Number(line.number()));
                own.idempotency_key = Some(submission_key((sender, line), &[id, name].concat(), GROUP));
                if member.state == State::Elsewhere {
                    own.from = Pii::new(as_user(id, settings));
                    own.content =
                        Content::Text(format!("{called}: {}", words_of(&submission.content)).into());
                } else if settings.groups.elsewhere {
                    // What its devices give back is said to this member as to those.
                    own.elsewhere = Some(Box::new(Elsewhere {
                        from: Pii::new(as_user(id, settings)),
                        lead: Pii::new(format!("{called}: ").into()),
                    }));
                }
                Arc::new(own)
            })
            .collect();
        if submissions.is_empty() {
            return false;
        }
        let whole = submissions.len();
        let mut tells = false;
        if let About::Said { unreached, .. } = &mut about {
            *unreached = Unreached::of(id, sender, submission);
            tells = unreached.is_some();
        }
        let ask = self.ask(about, whole);
        for submission in submissions {
            let to = submission.to.reveal(For::Signalling).number();
            let ask = match to.filter(|_| tells) {
                Some(to) => {
                    let member = Line::of(to, &settings.numbering);
                    self.ask(About::Copy { of: ask, member }, 1)
                }
                None => ask,
            };
            self.out.push(Do::Submit { ask, submission });
        }
        true
    }

    /// The gateway hands a message of a group over: it is said in the member's session, who is invited if there is
    /// none.
    ///
    /// # Errors
    /// Gives back what is not said in a session: the group was lost, or the member has no sessions. It goes as any
    /// other message.
    #[expect(clippy::result_large_err, reason = "the message goes another way, whole")]
    pub fn deliver(
        &mut self,
        settings: &Settings,
        namer: &Namer,
        message: OutgoingMessage,
    ) -> Result<(), OutgoingMessage> {
        let submission = message.submission.clone();
        let carried = Carried::decode(&submission.carried);
        let to = message.to.as_ref().unwrap_or(&submission.to).reveal(For::Signalling);
        let (Some(id), Some(number)) = (carried.group, to.number()) else { return Err(message) };
        let line = Line::of(number, &settings.numbering);
        let Some(group) = self.groups.get(id) else { return Err(message) };
        let Some(member) = group.find(&line).filter(|member| member.state != State::Elsewhere) else {
            return Err(message);
        };
        if !member.state.is_member() {
            let refusal = Refusal { retry: Retry::Never, ..Refusal::ours(Cause::Policy) };
            self.out.push(Do::Outcome { attempt: message.attempt, outcome: Outcome::Refused(refusal) });
            return Ok(());
        }
        let (leg, waiting) = (member.leg, member.queue.len());
        let own = namer.name(message.message, &line);
        let name = submission.reference.as_deref().unwrap_or(&own);
        let sender = sender_of(&carried, settings);
        let upstream = match (&submission.reference, &sender) {
            (Some(reference), Some(sender)) => self.upstream(id, sender, reference, &line),
            _ => own.clone(),
        };
        let from = match &sender {
            Some(sender) => uri_of_line(sender, settings),
            None => uri_of(submission.from.reveal(For::Signalling), &settings.domain, Spelling::Tel).into(),
        };
        let ends = Ends { from: from.into(), to: group.uri(settings).into() };
        let body = letter(&message, name, &carried, &ends, WHOLE, Form::Cpim);
        let parcel = Parcel {
            attempt: message.attempt,
            message: Some(message.message),
            upstream: Some(upstream),
            body: body.body,
        };
        let Some(leg) = leg else {
            if waiting >= settings.groups.waiting_per_member_max {
                let refusal = Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::QueueFull) };
                self.give_back([parcel], refusal);
                return Ok(());
            }
            let group = self.groups.get_mut(id);
            if let Some(group) = group {
                // Pending: an invitation is on its way already.
                if group.step(&line, Trigger::Invited) {
                    self.out.push(Do::Invite { group: group.id.clone(), member: line.clone() });
                }
                if let Some(member) = group.member_mut(&line) {
                    member.queue.push_back(parcel);
                }
            }
            return Ok(());
        };
        self.say(leg, parcel);
        Ok(())
    }

    /// Says something of which the gateway hears what became of it.
    pub(super) fn say(&mut self, leg: Leg, parcel: Parcel) {
        let Parcel { attempt, upstream, body, .. } = parcel;
        let name = self.parcels.insert(Sending { leg, attempt, upstream }).token();
        self.out.push(Do::Say { leg, name: Some(name), content_type: mime::CPIM, body });
    }

    /// What became of something that was said: `None` when the other end has it.
    pub fn sent(&mut self, name: u64, refused: Option<Status>) {
        let Some(sending) = self.parcels.remove(super::Slot::of(name)) else { return };
        let outcome = match refused {
            None => Outcome::Sent(sending.upstream.into_iter().map(UpstreamId).collect()),
            Some(status) => Outcome::Refused(refusal(status)),
        };
        // Who has left meanwhile still has it.
        self.out.push(Do::Outcome { attempt: sending.attempt, outcome });
    }

    /// Takes a message out that waits for the session of a member; its attempt.
    pub fn take_back(&mut self, group: &str, line: &Line, message: MessageId) -> Option<AttemptId> {
        let member = self.groups.get_mut(group)?.member_mut(line)?;
        let at = member.queue.iter().position(|parcel| parcel.message == Some(message))?;
        member.queue.remove(at).map(|parcel| parcel.attempt)
    }

    /// For the very end: what was said may have arrived, what waits for a session has not left.
    pub fn abandon(&mut self) {
        for sending in std::mem::take(&mut self.parcels).into_things() {
            self.out.push(Do::Outcome { attempt: sending.attempt, outcome: Outcome::Unknown });
        }
        let waiting: Vec<Parcel> = self
            .groups
            .values_mut()
            .flat_map(|group| &mut group.members)
            .flat_map(|member| std::mem::take(&mut member.queue))
            .collect();
        let refusal = Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::LinkDown) };
        self.give_back(waiting, refusal);
    }

    /// A session ended with things in it that were not confirmed: they may have arrived or not, and are tried again
    /// with the same id. For sessions whose messages nobody else accounts for.
    pub fn unconfirmed(&mut self, leg: Leg) {
        let lost: Vec<u64> = self
            .parcels
            .iter()
            .filter(|(_, sending)| sending.leg == leg)
            .map(|(slot, _)| slot.token())
            .collect();
        for name in lost {
            self.sent(name, Some(Status::NO_SESSION));
        }
    }

    /// Somebody types: the others are told now or never.
    fn composing(
        &mut self,
        now_us: i64,
        settings: &Settings,
        id: &str,
        sender: &Line,
        wrapped: Option<&Cpim>,
        octets: &Bytes,
    ) -> Result<(), Verdict> {
        let read = iscomposing::read(octets).map_err(|_| Verdict::Status(StatusCode::BAD_REQUEST))?;
        let group = self.groups.get_mut(id).ok_or(Verdict::Status(StatusCode::FORBIDDEN))?;
        let named = named(group, sender, settings);
        let conference = group.uri(settings);
        let every_us = i64::from(settings.limits.composing_every_ms) * 1_000;
        let passes = group.member_mut(sender).is_some_and(|member| {
            let passes = !read.active || member.composed_us.saturating_add(every_us) <= now_us;
            if passes {
                member.composed_us = if read.active { now_us } else { i64::MIN / 2 };
            }
            passes
        });
        if !passes {
            return Err(Verdict::Taken);
        }
        let mut body = Vec::with_capacity(512);
        match wrapped {
            Some(cpim) => {
                let to = format!("<{conference}>");
                cpim.relay(
                    &mut body,
                    b"",
                    |header| match header.field() {
                        Field::From => Edit::Value(&named),
                        Field::To => Edit::Value(&to),
                        _ => Edit::Keep,
                    },
                    b"",
                );
            }
            None => Writer::new(&mut body)
                .header("From", &named)
                .to(&conference)
                .content(mime::IS_COMPOSING, octets),
        }
        let body = Bytes::from(body);
        let others = group.belonging().filter(|member| member.person.line != *sender);
        self.out.extend(others.filter_map(|member| member.leg).map(|leg| Do::Say {
            leg,
            name: None,
            content_type: mime::CPIM,
            body: body.clone(),
        }));
        Err(Verdict::Taken)
    }

    /// The chairman gives the group another subject.
    fn group_data(
        &mut self,
        settings: &Settings,
        id: &str,
        sender: &Line,
        asker: u64,
        cpim: &Cpim,
    ) -> Result<(), Verdict> {
        let octets = cpim.decoded().map_err(|_| Verdict::Status(StatusCode::BAD_REQUEST))?;
        let subject = subject_of(&octets).ok_or(Verdict::Status(StatusCode::BAD_REQUEST))?;
        let group = self.groups.get_mut(id).ok_or(Verdict::Status(StatusCode::FORBIDDEN))?;
        if !group.member(sender).is_some_and(|member| member.chairman) {
            return Err(Verdict::Status(StatusCode::FORBIDDEN));
        }
        group.rename(&subject);
        self.tell(asker, Verdict::Taken);
        self.notify(settings, id);
        Ok(())
    }

    /// What the gateway knows a message by that is said in the session of a member: whoever reports about it can be
    /// nobody else, and nothing has to be remembered.
    pub(super) fn upstream(&self, group: &str, sender: &Line, reference: &str, member: &Line) -> SmolStr {
        let parts =
            [group.as_bytes(), sender.as_str().as_bytes(), reference.as_bytes(), member.as_str().as_bytes()];
        let mut hasher = Hasher::new(self.seed);
        parts.iter().for_each(|part| hasher.part(part));
        let mut text = [0; 23];
        let (first, rest) = text.split_at_mut(1);
        first.copy_from_slice(b"g");
        // Sixteen octets take twenty-two characters.
        let _written = URL_SAFE_NO_PAD.encode_slice(hasher.finish().to_be_bytes(), rest);
        SmolStr::new(std::str::from_utf8(&text).unwrap_or_default())
    }

    pub(super) fn hash(&self, parts: &[&[u8]]) -> u64 {
        let mut hasher = Hasher::new(self.seed);
        parts.iter().for_each(|part| hasher.part(part));
        (hasher.finish() >> 64) as u64
    }
}

/// What is said in a group stays as it is: all of it is what members' devices say to each other.
const WHOLE: Capabilities = Capabilities::RCS;

/// Messages of groups have keys of their own.
const GROUP: u64 = 2;

/// A group as one whom phones and messengers can write to.
pub(super) fn as_user(id: &str, settings: &Settings) -> Address {
    Address::User(User { messenger: settings.name.clone(), id: id.into() })
}

/// The MESSAGE that would have brought it: with the ids of the group.
pub(super) fn as_request(group: &Group, settings: &Settings, id: &str) -> Request {
    let uri = Uri::new(&group.uri(settings)).unwrap_or_else(|_| crate::core::letters::ours(&settings.domain));
    Request::builder(Method::MESSAGE, uri)
        .header(Name::CallId, format_args!("{}/{id}", group.id))
        .cseq(1)
        .header(Name::ConversationId, group.conversation.as_str())
        .header(Name::ContributionId, group.contribution.as_str())
        .build()
}

/// From of CPIM: who it is, whatever the client wrote there.
pub(super) fn named(group: &Group, line: &Line, settings: &Settings) -> String {
    let uri = uri_of_line(line, settings);
    let display = group.find(line).and_then(|member| member.person.display.as_ref());
    match display {
        Some(display) => format!("{} <{uri}>", display.replace(['<', '>', '"', '\\'], "")),
        None => format!("<{uri}>"),
    }
}

/// How somebody is called in a short message.
pub(super) fn called<'a>(group: &'a Group, line: &'a Line) -> &'a str {
    let display = group.find(line).and_then(|member| member.person.display.as_ref());
    display.map_or(line.as_str(), |display| display.as_str())
}

/// Who said a message, if that was in a group.
pub(in crate::core) fn member_of(carried: &Carried<'_>, settings: &Settings) -> Option<Address> {
    carried.group?;
    sender_of(carried, settings).map(|line| Address::Number(line.number()))
}

/// Who said a message of a group.
pub(super) fn sender_of(carried: &Carried<'_>, settings: &Settings) -> Option<Line> {
    line_of(sip_rcs::cpim::Address::read(carried.from?)?.uri.0, settings)
}

pub(super) fn line_of(uri: &str, settings: &Settings) -> Option<Line> {
    let number = number_of(&Uri::new(uri).ok()?)?;
    Some(Line::of(&number, &settings.numbering))
}

fn is_notification(cpim: &Cpim) -> bool {
    multipart::read(cpim.content_type().unwrap_or_default(), cpim.content())
        .is_ok_and(|parts| parts.iter().any(|part| part.kind() == Kind::Imdn))
}

/// The first element called `subject`, wherever its namespace puts it.
fn subject_of(document: &[u8]) -> Option<String> {
    let mut reader = xml::Reader::new(document, xml::Limits::MESSAGE).ok()?;
    let root = reader.root().ok()?;
    let mut found = None;
    while let Some(element) = reader.child(&root).ok()? {
        if element.name == "subject" && found.is_none() {
            found = Some(shortened(&reader.text(&element).ok()?));
        }
    }
    reader.end().ok()?;
    found.filter(|subject| !subject.is_empty())
}

/// What a refusal in MSRP means to the gateway (RFC 4975 §10).
fn refusal(status: Status) -> Refusal {
    let (cause, retry) = match status {
        Status::MEDIA_TYPE => (Cause::Unencodable, Retry::OtherRoute),
        Status::STOP_SENDING => (Cause::TooLong, Retry::OtherRoute),
        Status::FORBIDDEN => (Cause::NetworkRefused, Retry::OtherRoute),
        // The session is gone: the next time the member is invited again.
        _ => (Cause::Unreachable, Retry::Scheduled),
    };
    Refusal { by: Party::Network, cause, retry, code: u32::from(status.code()) }
}
