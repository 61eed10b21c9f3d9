//! What happened, as a ladder: who says what to whom, and when. Numbers and texts appear as digests only.

use std::{collections::HashMap, fmt::Write};

use billing::UsageRecord;
use engine::journal::{Batch, Entry, Event};
use model::{
    Address, Answer, Cause, ChannelId, Class, Content, For, Inbound, MessageId, Number, Outcome, Outgoing,
    OutgoingMessage, Pii, Presence, Receipt, Refusal, Report, Submission, Timestamp,
};

use crate::{book, policy, texts};

/// Columns before what is said.
const MARGIN: usize = 36;

/// Lines in the order of time, when anybody wants to read them.
#[derive(Debug, Default)]
pub(crate) struct Story {
    told: Option<String>,
    begin: Timestamp,
    names: HashMap<MessageId, usize>,
}

impl Story {
    pub(crate) fn told(begin: Timestamp) -> Self {
        Self { told: Some(String::new()), begin, ..Self::default() }
    }

    pub(crate) const fn is_told(&self) -> bool {
        self.told.is_some()
    }

    pub(crate) fn take(&mut self) -> String {
        self.told.take().unwrap_or_default()
    }

    /// One exchange.
    pub(crate) fn says(&mut self, now: Timestamp, who: &str, whom: &str, what: &str) {
        let since = now.since(self.begin);
        if let Some(told) = &mut self.told {
            let line = format!(
                "t+{:>3}.{:03}  {who:<9} ──▶ {whom:<9}  {what}",
                since.as_secs(),
                since.subsec_millis()
            );
            let _infallible = writeln!(told, "{}", line.trim_end());
        }
    }

    /// Something that happens to one of them.
    pub(crate) fn notes(&mut self, now: Timestamp, who: &str, what: &str) {
        let since = now.since(self.begin);
        if let Some(told) = &mut self.told {
            let (secs, millis) = (since.as_secs(), since.subsec_millis());
            let _infallible = writeln!(told, "t+{secs:>3}.{millis:03}  {who:<9}                {what}");
        }
    }

    /// Messages are numbered in the order of acceptance.
    pub(crate) fn message(&mut self, message: MessageId) -> String {
        let next = self.names.len() + 1;
        format!("message {}", self.names.entry(message).or_insert(next))
    }

    pub(crate) fn inbound(&self, inbound: &Inbound) -> String {
        match inbound {
            Inbound::Submit { submission, .. } => submitted(submission),
            Inbound::Receipt { channel, receipt, .. } => received(*channel, receipt),
            Inbound::Command { command, .. } => {
                // The name of the variant is all that is told: the rest names people.
                let debug = format!("{command:?}");
                let name: String = debug.chars().take_while(|c| c.is_alphanumeric()).collect();
                format!("command {name}")
            }
            Inbound::Presence { number, presence, .. } => self.presence(number, *presence),
            Inbound::Signal { .. } => "signal".into(),
            Inbound::Keep { .. } => "keep".into(),
            Inbound::Outcome { .. } | Inbound::Room { .. } => String::new(),
        }
    }

    pub(crate) fn presence(&self, number: &Pii<Number>, presence: Presence) -> String {
        let number = address(&Pii::new(Address::Number(number.reveal(For::Record).clone())));
        let what = match presence {
            Presence::Here { .. } | Presence::Handset { .. } => "is here",
            Presence::Away { .. } => "is away",
            Presence::Nobody { .. } => "is nobody here",
        };
        format!("{number} {what}")
    }

    pub(crate) fn answer(&mut self, channel: ChannelId, answer: &Answer) -> String {
        let command = if policy::is_smsc(channel) { "deliver_sm_resp" } else { "submit_sm_resp" };
        let ok = if wire(channel) { format!("{command} 0") } else { "202".into() };
        match answer {
            Answer::Accepted(id) => format!("{ok}: {}", self.message(*id)),
            Answer::Duplicate(id) => format!("{ok}: {} again", self.message(*id)),
            Answer::Refused(refusal) => format!("refused: {}", refusal.cause.text()),
            Answer::Taken if channel == policy::RCS => "200 OK".into(),
            Answer::Taken if wire(channel) => "deliver_sm_resp 0".into(),
            Answer::Taken => "200".into(),
            Answer::Standing(standing) => {
                format!("{} is {}", self.message(standing.message), standing.disposition.as_str())
            }
            Answer::Done => "done".into(),
            Answer::Count(count) => format!("{count} messages"),
            Answer::Link(link) => link.epoch.map_or_else(
                || {
                    format!(
                        "code sent to {}",
                        address(&Pii::new(Address::Number(link.number.reveal(For::Record).clone())))
                    )
                },
                |epoch| format!("linked; epoch {epoch} of the number"),
            ),
            Answer::NotOpen => "not open".into(),
        }
    }

    pub(crate) fn outgoing(&mut self, channel: ChannelId, outgoing: &Outgoing) -> String {
        match outgoing {
            Outgoing::Message(message) => self.handed(channel, message),
            Outgoing::Report(report) => self.reported(channel, report),
            Outgoing::Revoke(message) => format!("revoke {}", self.message(message.message)),
            Outgoing::Signal(_) => "signal".into(),
        }
    }

    fn handed(&mut self, channel: ChannelId, message: &OutgoingMessage) -> String {
        let to = message.to.as_ref().unwrap_or(&message.submission.to);
        let from = message.from.as_ref().unwrap_or(&message.submission.from);
        let name = self.message(message.message);
        let (from, to) = (address(from), address(to));
        let again = if message.possible_duplicate { "; may be a repetition" } else { "" };
        if policy::is_smsc(channel) {
            let receipt = if message.want_receipt { ", receipt wanted" } else { "" };
            let shape = texts::shape(&message.submission.content);
            format!("submit_sm {shape}: {name} from {from} to {to}{receipt}{again}")
        } else if wire(channel) {
            format!(
                "deliver_sm {}: {name} from {from} to {to}{again}",
                texts::shape(&message.submission.content)
            )
        } else if channel == policy::RCS {
            format!("MESSAGE {name} from {from} to {to}: {}{again}", content(&message.submission.content))
        } else {
            format!("{name} from {from} to {to}: {}{again}", content(&message.submission.content))
        }
    }

    fn reported(&mut self, channel: ChannelId, report: &Report) -> String {
        let name = self.message(report.message);
        let how = report.disposition.as_str();
        let cause = report.cause.map_or(String::new(), |cause| format!(", {}", cause.code()));
        if report.intermediate {
            let via = report.via.map_or(String::new(), |via| format!(" over {via:?}"));
            return format!("notification for {name}: under way{via}");
        }
        let how = if report.displayed { "displayed" } else { how };
        if wire(channel) {
            format!("deliver_sm receipt for {name}: {how}{cause}")
        } else if channel == policy::RCS {
            format!("IMDN for {name}: {how}{cause}")
        } else {
            format!("receipt for {name}: {how}{cause}")
        }
    }

    pub(crate) fn outcome(&self, channel: ChannelId, is_report: bool, outcome: &Outcome) -> String {
        let command = match (wire(channel), policy::is_smsc(channel), is_report) {
            _ if channel == policy::RCS => "200 OK",
            (_, true, _) => "submit_sm_resp",
            (true, ..) => "deliver_sm_resp",
            _ => "200",
        };
        match outcome {
            Outcome::Sent(ids) if ids.is_empty() => format!("{command}: taken"),
            Outcome::Sent(ids) => {
                let ids: Vec<&str> = ids.iter().map(|id| id.0.as_str()).collect();
                format!("{command} id={}", ids.join(", "))
            }
            Outcome::Refused(Refusal { cause: Cause::LinkDown, .. }) => "never sent: the link is down".into(),
            Outcome::Refused(refusal) if !wire(channel) => {
                format!("{}: {}", refusal.code, refusal.cause.code())
            }
            Outcome::Refused(refusal) => format!("{command} {:#06x}: {}", refusal.code, refusal.cause.code()),
            Outcome::Unknown => format!("no {command}"),
        }
    }

    pub(crate) fn batch(&mut self, batch: &Batch) -> String {
        let mut steps: Vec<String> = batch.entries.iter().map(|entry| self.entry(entry)).collect();
        if !batch.usage.is_empty() {
            steps.push(usage(&batch.usage));
        }
        if !batch.facts.is_empty() {
            let kinds: Vec<String> = batch.facts.iter().map(|fact| format!("{:?}", fact.kind)).collect();
            steps.push(format!("facts: {}", kinds.join(", ").to_lowercase()));
        }
        if !batch.erase.is_empty() {
            steps.push("content erased".into());
        }
        let head = format!("batch {}: ", batch.seq);
        // One step a line, under each other.
        let under = format!("\n{:width$}", "", width = MARGIN + head.len());
        format!("{head}{}", steps.join(&under))
    }

    fn entry(&mut self, entry: &Entry) -> String {
        let name = self.message(entry.message);
        let what = match &entry.event {
            Event::Accepted(accepted) => {
                let legs: Vec<&str> = accepted.plan.legs.iter().map(|leg| policy::name(*leg)).collect();
                let plan = if legs.is_empty() { "the gateway itself".into() } else { legs.join(", then ") };
                let segments = accepted.metered.segments;
                let s = if segments == 1 { "" } else { "s" };
                format!("accepted, {segments} segment{s}; plan: {plan}")
            }
            Event::Sent { parts, .. } if parts.is_empty() => "sent".into(),
            Event::Sent { parts, .. } => {
                let ids: Vec<&str> = parts.iter().map(|id| id.0.as_str()).collect();
                format!("sent, id {}", ids.join(", "))
            }
            Event::Deferred { refusal, .. } if refusal.retry == model::Retry::WhenReachable => {
                format!("deferred for {}, until the recipient is there", refusal.cause.code())
            }
            Event::Deferred { refusal, due, .. } => {
                format!("deferred for {}, again {}", refusal.cause.code(), self.clock(*due))
            }
            Event::AnswerLost { due, .. } => format!("answer lost, decided again {}", self.clock(*due)),
            Event::Revocation { refused: None, .. } => "taken back".into(),
            Event::Revocation { refused: Some(cause), .. } => format!("not taken back: {}", cause.code()),
            Event::LateReceipt { channel, state } => {
                format!("late receipt {state:?} from {}: counted, not applied", policy::name(*channel))
            }
            Event::Rerouted { channel, because, .. } => {
                format!("over to {} because of {}", policy::name(*channel), because.code())
            }
            Event::Receipt { part, state, .. } => format!("receipt {state:?} for segment {}", part + 1),
            Event::Joined { parts } => format!("joined from {parts} segments"),
            Event::Final { disposition, cause, channel } => {
                let cause = cause.map_or(String::new(), |cause| format!(", {}", cause.code()));
                let by = channel.map_or(String::new(), |channel| format!(" by {}", policy::name(channel)));
                format!("final: {}{by}{cause}", disposition.as_str())
            }
            Event::Reported { given_up: true, .. } => "report given up".into(),
            Event::Reported { displayed: true, .. } => "display reported".into(),
            other => book::kind(other).into(),
        };
        format!("{name} {what}")
    }

    fn clock(&self, at: Timestamp) -> String {
        let since = at.since(self.begin);
        format!("at t+{}.{:03}", since.as_secs(), since.subsec_millis())
    }
}

/// Speaks SMPP.
fn wire(channel: ChannelId) -> bool {
    channel == policy::SHOP || policy::is_smsc(channel)
}

fn submitted(submission: &Submission) -> String {
    let (from, to) = (address(&submission.from), address(&submission.to));
    let class = match submission.class {
        Class::Person => String::new(),
        class => format!(" ({})", class.as_str()),
    };
    if policy::is_smsc(submission.origin) {
        format!("deliver_sm {} from {from} to {to}", texts::shape(&submission.content))
    } else if submission.origin == policy::RCS {
        format!("MESSAGE from {from} to {to}{class}: {}", content(&submission.content))
    } else if wire(submission.origin) {
        format!("submit_sm {} from {from} to {to}{class}", texts::shape(&submission.content))
    } else {
        format!("message from {from} to {to}{class}: {}", content(&submission.content))
    }
}

fn received(channel: ChannelId, receipt: &Receipt) -> String {
    let ids: Vec<&str> = receipt.upstream.iter().map(|id| id.0.as_str()).collect();
    if channel == policy::RCS {
        return format!("IMDN {:?} for {}", receipt.state, ids.join("|"));
    }
    if !wire(channel) {
        return format!("event {:?} for {}", receipt.state, ids.join("|"));
    }
    format!("deliver_sm receipt id:{} stat:{:?}", ids.join("|"), receipt.state)
}

fn content(content: &Content) -> String {
    format!("text, {} octets", content.octets())
}

fn usage(records: &[UsageRecord]) -> String {
    let one = |record: &UsageRecord| {
        let segments =
            if record.segments == 1 { "1 segment".into() } else { format!("{} segments", record.segments) };
        format!("{} {segments} {}", record.key.event.as_str(), record.service.as_str())
    };
    let all: Vec<String> = records.iter().map(one).collect();
    format!("usage: {}", all.join(", "))
}

pub(crate) fn address(address: &Pii<Address>) -> String {
    let kind = match address.reveal(For::Record) {
        Address::Number(_) => "msisdn",
        Address::User(_) => "user",
    };
    address.to_string().replace("pii", kind)
}
