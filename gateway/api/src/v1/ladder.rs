//! A message and its ladder: the journal in words.

use engine::journal::{Accepted, Entry, Event};
use model::{Cause, ChannelId, Disposition, MessageId, ReceiptState, Refusal, Retry, Submission};
use serde::Serialize;
use smol_str::SmolStr;
use utoipa::ToSchema;

use crate::{
    Directory,
    spell::{Party, time},
};

/// A message as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Message {
    id: String,
    /// Moves forward only; everything from `delivered` on is final.
    #[schema(value_type = Status)]
    status: &'static str,
    /// Why it ended as it did, where there is a reason to give.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    from: Party,
    to: Party,
    class: &'static str,
    /// Where it came in.
    #[schema(value_type = String)]
    origin: SmolStr,
    /// Where it went last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    channel: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reference: Option<SmolStr>,
    #[schema(format = DateTime)]
    accepted_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    scheduled_at: Option<String>,
    #[schema(format = DateTime)]
    expires_at: String,
    /// What it counts as.
    segments: u16,
    octets: u32,
    /// Hand-overs so far.
    attempts: u32,
    /// The next attempt, where one is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    /// Everything that happened, oldest first. Left out in lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    ladder: Vec<Step>,
}

/// Where a message stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the spelling of `Disposition`")]
enum Status {
    Accepted,
    Sent,
    Unknown,
    Delivered,
    HandedOver,
    Expired,
    Cancelled,
    Undeliverable,
    Rejected,
    Lost,
}

/// One step of a ladder.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Step {
    #[schema(format = DateTime)]
    at: String,
    event: &'static str,
    /// What happened, for a person.
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    channel: Option<SmolStr>,
    /// Counts hand-overs from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// Which segment, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<u16>,
    /// What a receipt says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    state: Option<&'static str>,
    /// The network's own code, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    code: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    cause: Option<&'static str>,
    /// When the next thing is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    due: Option<String>,
}

/// The acceptance in a history: its first entry, unless the history is broken.
pub(crate) fn acceptance(history: &[Entry]) -> Option<(MessageId, &Accepted)> {
    history.iter().find_map(|entry| match &entry.event {
        Event::Accepted(accepted) => Some((entry.message, &**accepted)),
        _ => None,
    })
}

/// Where a message was accepted, which is who may see it.
pub(crate) fn origin(history: &[Entry]) -> Option<ChannelId> {
    acceptance(history).map(|(_, accepted)| accepted.submission.origin)
}

/// Where a message stands: the fold over its history. Nothing follows the end.
pub(crate) fn standing(history: &[Entry]) -> (Disposition, Option<Cause>) {
    let mut standing = (Disposition::Accepted, None);
    for entry in history {
        standing = match entry.event {
            Event::Sent { .. } => (Disposition::Sent, None),
            Event::AnswerLost { .. } => (Disposition::Unknown, Some(Cause::AnswerLost)),
            Event::Final { disposition, cause, .. } => return (disposition, cause),
            _ => continue,
        };
    }
    standing
}

/// Tells a history. `None` when it holds no acceptance.
pub(crate) fn tell(history: &[Entry], directory: &dyn Directory, with_ladder: bool) -> Option<Message> {
    let (id, accepted) = acceptance(history)?;
    let submission: &Submission = &accepted.submission;
    let (disposition, cause) = standing(history);
    let mut teller = Teller { directory, attempts: 0, channel: accepted.plan.legs.first().copied() };
    let mut metered = accepted.metered;
    let mut times = (submission.scheduled_at, accepted.expires_at);
    let mut next = None;
    let mut ladder = Vec::with_capacity(if with_ladder { history.len() } else { 0 });
    for entry in history {
        match &entry.event {
            Event::Replaced { scheduled_at, expires_at, metered: new } => {
                metered = *new;
                times = (scheduled_at.or(times.0), *expires_at);
            }
            Event::Deferred { due, .. } | Event::AnswerLost { due, .. } => next = Some(*due),
            Event::Rerouted { metered: new, .. } => {
                metered = new.unwrap_or(metered);
                next = None;
            }
            Event::Sent { .. } | Event::Final { .. } => next = None,
            _ => {}
        }
        let step = teller.step(entry);
        if with_ladder {
            ladder.push(step);
        }
    }
    Some(Message {
        id: id.to_string(),
        status: disposition.as_str(),
        cause: cause.map(Cause::code),
        from: Party::of(&submission.from),
        to: Party::of(&submission.to),
        class: submission.class.as_str(),
        origin: directory.channel_name(submission.origin),
        channel: teller.channel.map(|channel| directory.channel_name(channel)),
        reference: submission.reference.clone(),
        accepted_at: time(id.accepted_at()),
        scheduled_at: times.0.map(time),
        expires_at: time(times.1),
        segments: metered.segments,
        octets: metered.octets,
        attempts: teller.attempts,
        next_attempt_at: next.map(time),
        ladder,
    })
}

/// Walks a history and counts along.
struct Teller<'a> {
    directory: &'a dyn Directory,
    attempts: u32,
    channel: Option<ChannelId>,
}

impl Teller<'_> {
    fn name(&self, channel: ChannelId) -> SmolStr {
        self.directory.channel_name(channel)
    }

    /// An attempt on `channel` ended.
    fn attempt(&mut self, channel: ChannelId) -> Step {
        self.attempts += 1;
        self.channel = Some(channel);
        Step { channel: Some(self.name(channel)), attempt: Some(self.attempts), ..Step::default() }
    }

    fn step(&mut self, entry: &Entry) -> Step {
        Step { at: time(entry.at), ..self.happened(&entry.event) }
    }

    fn happened(&mut self, event: &Event) -> Step {
        match event {
            Event::Accepted(accepted) => {
                let ways: Vec<_> = accepted.plan.legs.iter().map(|leg| self.name(*leg)).collect();
                Step {
                    event: "accepted",
                    text: format!(
                        "stored and metered as {}; plan: {}",
                        segments(accepted.metered.segments),
                        ways.join(", then ")
                    ),
                    ..Step::default()
                }
            }
            Event::Sent { channel, parts } => {
                let step = self.attempt(*channel);
                let in_parts =
                    if parts.len() > 1 { format!(" in {} segments", parts.len()) } else { String::new() };
                Step { event: "sent", text: format!("{} took it{in_parts}", self.name(*channel)), ..step }
            }
            Event::Deferred { channel, refusal, due } => {
                let step = self.attempt(*channel);
                Step {
                    event: "deferred",
                    text: format!("not taken: {}{}", refusal.cause.text(), outlook(refusal)),
                    cause: Some(refusal.cause.code()),
                    code: (refusal.code != 0).then(|| smol_str::format_smolstr!("{:#x}", refusal.code)),
                    due: Some(time(*due)),
                    ..step
                }
            }
            Event::AnswerLost { channel, due } => {
                let step = self.attempt(*channel);
                Step {
                    event: "answer_lost",
                    text: format!("{} did not answer; it may have arrived", self.name(*channel)),
                    cause: Some(Cause::AnswerLost.code()),
                    due: Some(time(*due)),
                    ..step
                }
            }
            Event::Rerouted { channel, because, .. } => {
                self.channel = Some(*channel);
                Step {
                    event: "rerouted",
                    text: format!("goes on to {}: {}", self.name(*channel), because.text()),
                    channel: Some(self.name(*channel)),
                    cause: Some(because.code()),
                    ..Step::default()
                }
            }
            Event::Receipt { part, state, code } => Step {
                event: "receipt",
                text: format!("the network says: {}", state_words(*state)),
                channel: self.channel.map(|channel| self.name(channel)),
                part: Some(u16::from(*part) + 1),
                state: Some(state_name(*state)),
                code: code.clone(),
                ..Step::default()
            },
            Event::LateReceipt { channel, state } => Step {
                event: "late_receipt",
                text: format!("too late the network says: {}; nothing changes", state_words(*state)),
                channel: Some(self.name(*channel)),
                state: Some(state_name(*state)),
                ..Step::default()
            },
            Event::Revocation { channel, refused } => Step {
                event: "revocation",
                text: match refused {
                    None => format!("{} has taken it back", self.name(*channel)),
                    Some(cause) => format!("{} cannot take it back: {}", self.name(*channel), cause.text()),
                },
                channel: Some(self.name(*channel)),
                cause: refused.map(Cause::code),
                ..Step::default()
            },
            Event::Replaced { expires_at, metered, .. } => Step {
                event: "replaced",
                text: format!("the sender put other content in, {}", segments(metered.segments)),
                due: Some(time(*expires_at)),
                ..Step::default()
            },
            Event::Joined { parts } => Step {
                event: "joined",
                text: format!("joined from {parts} segments that came one by one"),
                ..Step::default()
            },
            Event::Final { disposition, cause, channel } => Step {
                event: "final",
                text: match cause {
                    Some(cause) => format!("{}: {}", disposition_words(*disposition), cause.text()),
                    None => disposition_words(*disposition).to_owned(),
                },
                channel: channel.map(|channel| self.name(channel)),
                state: Some(disposition.as_str()),
                cause: cause.map(Cause::code),
                ..Step::default()
            },
            Event::Displayed => {
                Step { event: "displayed", text: "the recipient has read it".to_owned(), ..Step::default() }
            }
            Event::Unread => Step {
                event: "unread",
                text: "not read in time; that is not awaited any more".to_owned(),
                ..Step::default()
            },
            Event::Reported { given_up, .. } => Step {
                event: "reported",
                text: if *given_up {
                    "the sender never took the receipt"
                } else {
                    "the sender has the receipt"
                }
                .to_owned(),
                ..Step::default()
            },
        }
    }
}

fn segments(count: u16) -> String {
    if count == 1 { "1 segment".to_owned() } else { format!("{count} segments") }
}

const fn outlook(refusal: &Refusal) -> &'static str {
    match refusal.retry {
        Retry::Never => "",
        Retry::After(_) | Retry::Scheduled => "; it is tried again",
        Retry::OtherRoute => "; another way is tried",
        Retry::WhenReachable => "; it is tried again when the recipient is there",
    }
}

const fn state_name(state: ReceiptState) -> &'static str {
    match state {
        ReceiptState::Enroute => "enroute",
        ReceiptState::Delivered => "delivered",
        ReceiptState::Displayed => "displayed",
        ReceiptState::Expired => "expired",
        ReceiptState::Deleted => "deleted",
        ReceiptState::Undeliverable => "undeliverable",
        ReceiptState::Accepted => "accepted",
        ReceiptState::Unknown => "unknown",
        ReceiptState::Rejected => "rejected",
    }
}

const fn state_words(state: ReceiptState) -> &'static str {
    match state {
        ReceiptState::Enroute => "still trying",
        ReceiptState::Delivered => "delivered",
        ReceiptState::Displayed => "read",
        ReceiptState::Expired => "the validity ended first",
        ReceiptState::Deleted => "deleted before delivery",
        ReceiptState::Undeliverable => "cannot be delivered",
        ReceiptState::Accepted => "taken on behalf of the recipient",
        ReceiptState::Unknown => "nobody knows what became of it",
        ReceiptState::Rejected => "rejected",
    }
}

const fn disposition_words(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Accepted => "accepted",
        Disposition::Sent => "sent",
        Disposition::Unknown => "nobody knows yet",
        Disposition::Delivered => "delivered",
        Disposition::HandedOver => "handed to a network that gives no proof",
        Disposition::Expired => "the validity ended first",
        Disposition::Cancelled => "withdrawn",
        Disposition::Undeliverable => "it can never be delivered",
        Disposition::Rejected => "refused",
        Disposition::Lost => "the outcome was never learnt",
    }
}
