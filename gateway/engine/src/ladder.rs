//! The life of a message as a person reads it: one line a step.

use std::fmt::Write;

use model::{ChannelId, For, MessageId, Timestamp};

use crate::journal::{Entry, Event};

/// Draws the entries of one message. `name` gives the operator's names of channels. Numbers and texts
/// appear as digests only.
#[must_use]
pub fn ladder(message: MessageId, entries: &[Entry], name: &dyn Fn(ChannelId) -> String) -> String {
    let mut out = String::new();
    let begin = entries.first().map_or(Timestamp::ZERO, |entry| entry.at);
    let _infallible = writeln!(out, "message {message}");
    for entry in entries {
        let since = entry.at.since(begin);
        let (who, what) = line(&entry.event, name);
        let _infallible =
            writeln!(out, "t+{:>3}.{:03}  {who:<28}  {what}", since.as_secs(), since.subsec_millis());
    }
    out
}

fn line(event: &Event, name: &dyn Fn(ChannelId) -> String) -> (String, String) {
    match event {
        Event::Accepted(accepted) => {
            let submission = &accepted.submission;
            let legs: Vec<String> = accepted.plan.legs.iter().map(|leg| name(*leg)).collect();
            let plan = if legs.is_empty() { "the gateway itself".to_owned() } else { legs.join(", then ") };
            let segments = accepted.metered.segments;
            let to = accepted.plan.to.as_ref().unwrap_or(&submission.to);
            let kind = match to.reveal(For::Decision) {
                model::Address::Number(_) => "msisdn",
                model::Address::User(_) => "user",
            };
            (
                format!("{} ──▶ gateway", name(submission.origin)),
                format!(
                    "{} to {kind} {to}; stored and metered ({segments} segment{}); plan: {plan}",
                    submission.class.as_str(),
                    if segments == 1 { "" } else { "s" }
                ),
            )
        }
        Event::Sent { channel, parts } => {
            let ids: Vec<&str> = parts.iter().map(|id| id.0.as_str()).collect();
            (
                format!("gateway ──▶ {}", name(*channel)),
                format!("taken, id {}", if ids.is_empty() { "none".into() } else { ids.join(", ") }),
            )
        }
        Event::Deferred { channel, refusal, due } => (
            format!("gateway ──▶ {}", name(*channel)),
            format!(
                "refused: {} (code {:#x}); next attempt at {}",
                refusal.cause.code(),
                refusal.code,
                clock(*due)
            ),
        ),
        Event::AnswerLost { channel, due } => (
            format!("gateway ──▶ {}", name(*channel)),
            format!("answer lost: neither sent nor failed; decided again at {}", clock(*due)),
        ),
        Event::Revocation { channel, refused } => (
            format!("gateway ──▶ {}", name(*channel)),
            refused.map_or_else(
                || "taken back".to_owned(),
                |cause| format!("could not be taken back: {}", cause.code()),
            ),
        ),
        Event::Rerouted { leg, channel, because, .. } => {
            ("gateway".into(), format!("leg {leg}: over to {} because of {}", name(*channel), because.code()))
        }
        Event::Receipt { part, state, code } => (
            "network ──▶ gateway".into(),
            format!(
                "receipt for segment {}: {state:?}{}",
                part + 1,
                code.as_ref().map_or(String::new(), |code| format!(", code {code}"))
            ),
        ),
        Event::LateReceipt { channel, state } => (
            format!("{} ──▶ gateway", name(*channel)),
            format!("late receipt: {state:?}; counted, not applied"),
        ),
        Event::Replaced { .. } => ("sender ──▶ gateway".into(), "content replaced".into()),
        Event::Joined { parts } => ("gateway".into(), format!("{parts} segments joined")),
        Event::Final { disposition, cause, channel } => (
            "gateway".into(),
            format!(
                "{}{}{}",
                disposition.as_str(),
                channel.map_or(String::new(), |channel| format!(" by {}", name(channel))),
                cause.map_or(String::new(), |cause| format!(": {}", cause.text()))
            ),
        ),
        Event::Displayed => ("network ──▶ gateway".into(), "displayed".into()),
        Event::Unread => ("gateway".into(), "not displayed in time; no longer awaited".into()),
        Event::Reported { given_up, displayed } => {
            let what = if *displayed { "report of display" } else { "report" };
            ("gateway ──▶ sender".into(), format!("{what} {}", if *given_up { "given up" } else { "taken" }))
        }
    }
}

/// Hours, minutes and seconds of UTC.
fn clock(at: Timestamp) -> String {
    let second = at.secs().rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}
