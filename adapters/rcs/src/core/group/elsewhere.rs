//! Members without RCS (rcs sheet §13.3): the group is one whom they write to and hear from, on a phone by a number
//! that is lent to it for them, in a messenger by its name. Both see the same conversation.

use model::{
    AttemptId, Cause, Class, Content, For, Outcome, OutgoingMessage, Pii, Receipt, ReceiptState,
    ReceiptsWanted, Refusal, Retry, Submission, Timestamp, UpstreamId,
};
use smallvec::smallvec;
use smol_str::SmolStr;

use super::{
    About, Do, Focus,
    member::{State, Trigger},
    roster::uri_of_line,
    talk::{as_request, as_user, called, named},
};
use crate::{
    Settings,
    translate::{Carried, Id, Line, Namer, words_of},
};
use std::sync::Arc;

impl Focus {
    /// The first short message: who asks, what it is about, how to answer and how to leave.
    pub(super) fn invite_elsewhere(&mut self, now_us: i64, settings: &Settings, id: &str, member: &Line) {
        let Some(group) = self.groups.get(id) else { return };
        let host = group.belonging().find(|member| member.chairman);
        let host = host.map_or_else(String::new, |host| called(group, &host.person.line).to_owned());
        let subject = group.subject.as_ref().map_or("", |subject| subject.as_str());
        let leave = settings.groups.leave_words.first().map_or("", SmolStr::as_str);
        let text = settings
            .groups
            .invitation
            .replace("{who}", &host)
            .replace("{subject}", subject)
            .replace("{leave}", leave);
        let submission = Submission {
            id: None,
            origin: settings.channel,
            from: Pii::new(as_user(id, settings)),
            to: Pii::new(model::Address::Number(member.number())),
            class: Class::Person,
            receipts: ReceiptsWanted::NONE,
            received_at: Timestamp::from_micros(now_us),
            scheduled_at: None,
            expires_at: None,
            reference: None,
            idempotency_key: None,
            carried: bytes::Bytes::new(),
            part: None,
            charging_id: None,
            elsewhere: None,
            content: Content::Text(text.into()),
        };
        let about = About::Invitation { group: group.id.clone(), member: member.clone() };
        let ask = self.ask(about, 1);
        self.out.push(Do::Submit { ask, submission: Arc::new(submission) });
    }

    /// The gateway hands a message to the group over, of somebody who wrote to its number or its name. Strangers are
    /// refused; a word says that a member leaves; everything else is said to the others.
    pub fn from_elsewhere(
        &mut self,
        now_us: i64,
        settings: &Settings,
        namer: &Namer,
        id: &str,
        message: &OutgoingMessage,
    ) {
        let attempt = message.attempt;
        let submission = &message.submission;
        let from = message.from.as_ref().unwrap_or(&submission.from).reveal(For::Signalling);
        let line = from.number().map(|number| Line::of(number, &settings.numbering));
        let known = self.groups.get_mut(id);
        let (Some(group), Some(line)) = (known, line) else {
            return self.turn_away(attempt, Cause::UnknownSubscriber);
        };
        let Some(member) = group.member(&line) else {
            return self.turn_away(attempt, Cause::Policy);
        };
        let elsewhere = member.state == State::Elsewhere;
        group.touched_us = now_us;
        let words = words_of(&submission.content);
        let upstream = namer.name(message.message, &line);
        let says = |word: &SmolStr| word.eq_ignore_ascii_case(words.trim());
        if elsewhere && settings.groups.leave_words.iter().any(says) {
            self.leave(settings, id, &line, Trigger::Left);
            return self.arrived(attempt, upstream);
        }
        if self.asks.len() >= settings.limits.waiting_max {
            let refusal = Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::QueueFull) };
            self.out.push(Do::Outcome { attempt, outcome: Outcome::Refused(refusal) });
            return;
        }
        // For devices: the id is ours, made for each of them when it is handed over.
        let named = named(group, &line, settings);
        let request = as_request(group, settings, &upstream);
        let ids = |name| request.headers.text(name).map(Id::read);
        let carried = Carried {
            from: Some(&named),
            conversation: ids(sip_message::Name::ConversationId),
            contribution: ids(sip_message::Name::ContributionId),
            group: Some(id),
            ..Carried::default()
        };
        let onward = Submission {
            id: None,
            origin: settings.channel,
            from: Pii::new(model::Address::Number(line.number())),
            receipts: ReceiptsWanted::NONE,
            received_at: Timestamp::from_micros(now_us),
            scheduled_at: None,
            reference: None,
            idempotency_key: None,
            carried: carried.encode(),
            part: None,
            content: match &submission.content {
                Content::Coded(_) => Content::Text(words.as_ref().into()),
                other => other.clone(),
            },
            ..Submission::clone(submission)
        };
        let about = About::Elsewhere { attempt, upstream: upstream.clone() };
        if !self.fan_out(settings, id, &line, &onward, &upstream, about) {
            self.turn_away(attempt, Cause::NoRoute);
        }
    }

    fn turn_away(&mut self, attempt: AttemptId, cause: Cause) {
        self.out.push(Do::Outcome { attempt, outcome: Outcome::Refused(Refusal::ours(cause)) });
    }

    /// The group has a message: it is delivered.
    pub(super) fn arrived(&mut self, attempt: AttemptId, upstream: SmolStr) {
        let upstream = UpstreamId(upstream);
        self.out.push(Do::Outcome { attempt, outcome: Outcome::Sent(smallvec![upstream.clone()]) });
        let receipt = Receipt {
            upstream: smallvec![upstream],
            state: ReceiptState::Delivered,
            code: None,
            at: None,
            about: None,
        };
        self.out.push(Do::Receipt { ask: None, receipt });
    }

    /// The URI of somebody as the focus writes it.
    #[must_use]
    pub fn uri_of(line: &Line, settings: &Settings) -> String {
        uri_of_line(line, settings)
    }
}
