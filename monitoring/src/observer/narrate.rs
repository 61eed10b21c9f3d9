//! One line per transition. Ids, channels, states and causes; never an address, a text or a peer's own words.

use std::time::Duration;

use engine::journal::{Batch, Entry, Event, FactKind};
use model::{Cause, Disposition, MessageId};
use tracing::{Level, debug, enabled, info, warn};

use crate::{label::Label, registry::Channels};

const TARGET: &str = "gateway::journal";
/// A commit that takes this long deserves a word.
const SLOW_COMMIT: Duration = Duration::from_secs(1);

pub(super) fn batch(batch: &Batch, took: Duration, channels: &Channels) {
    if took > SLOW_COMMIT {
        warn!(target: TARGET, batch = batch.seq, entries = batch.entries.len(), took_ms = took.as_millis(), "slow commit");
    }
    let everything = enabled!(target: TARGET, Level::DEBUG);
    if !everything && !enabled!(target: TARGET, Level::INFO) {
        return;
    }
    for entry in &batch.entries {
        rare(entry, channels);
        if everything {
            common(entry, channels);
        }
    }
    for change in &batch.facts {
        match change.kind {
            FactKind::Paused => {
                info!(target: TARGET, paused = change.value.is_some(), "channel paused or resumed")
            }
            kind if everything => {
                debug!(target: TARGET, fact = kind.value(), stored = change.value.is_some(), "fact changed");
            }
            _ => {}
        }
    }
}

/// What an operator wants to know of without asking.
fn rare(entry: &Entry, channels: &Channels) {
    let message_id = id(entry.message);
    match &entry.event {
        // Each duplicate at a peer must be explained by one of these (promise P4).
        Event::AnswerLost { channel, .. } => {
            info!(target: TARGET, message_id, channel = channels.get(*channel).name(), "answer lost");
        }
        Event::Replaced { .. } => info!(target: TARGET, message_id, "replaced by its sender"),
        Event::Reported { given_up: true, .. } => info!(target: TARGET, message_id, "report given up"),
        Event::Final { disposition, cause, .. }
            if *disposition == Disposition::Lost || *cause == Some(Cause::Internal) =>
        {
            info!(target: TARGET, message_id, disposition = disposition.as_str(), cause = code(*cause), "ended");
        }
        _ => {}
    }
}

fn common(entry: &Entry, channels: &Channels) {
    let message_id = id(entry.message);
    match &entry.event {
        Event::Accepted(accepted) => {
            let submission = &accepted.submission;
            let first = accepted.plan.legs.first().map_or("", |channel| channels.get(*channel).name());
            debug!(
                target: TARGET,
                message_id,
                origin = channels.get(submission.origin).name(),
                class = submission.class.as_str(),
                segments = accepted.metered.segments,
                legs = accepted.plan.legs.len(),
                channel = first,
                "accepted"
            );
        }
        Event::Sent { channel, parts } => {
            debug!(target: TARGET, message_id, channel = channels.get(*channel).name(), parts = parts.len(), "sent");
        }
        Event::Deferred { channel, refusal, due } => debug!(
            target: TARGET,
            message_id,
            channel = channels.get(*channel).name(),
            cause = refusal.cause.code(),
            code = refusal.code,
            retry_in_ms = due.since(entry.at).as_millis(),
            "deferred"
        ),
        Event::Rerouted { leg, channel, because, .. } => debug!(
            target: TARGET,
            message_id,
            leg,
            channel = channels.get(*channel).name(),
            cause = because.code(),
            "rerouted"
        ),
        Event::Receipt { part, state, .. } => {
            debug!(target: TARGET, message_id, part, state = state.value(), "receipt");
        }
        Event::LateReceipt { channel, state } => {
            let channel = channels.get(*channel).name();
            debug!(target: TARGET, message_id, channel, state = state.value(), "late receipt")
        }
        Event::Revocation { channel, refused } => {
            let channel = channels.get(*channel).name();
            debug!(target: TARGET, message_id, channel, cause = code(*refused), "revocation");
        }
        Event::Displayed => debug!(target: TARGET, message_id, "displayed"),
        Event::Unread => debug!(target: TARGET, message_id, "not displayed in time"),
        Event::Joined { parts } => debug!(target: TARGET, message_id, parts, "joined"),
        Event::Final { disposition, cause, .. } => {
            debug!(target: TARGET, message_id, disposition = disposition.as_str(), cause = code(*cause), "final");
        }
        Event::Reported { given_up: false, .. } => debug!(target: TARGET, message_id, "reported"),
        Event::AnswerLost { .. } | Event::Replaced { .. } | Event::Reported { given_up: true, .. } => {}
    }
}

const fn id(message: MessageId) -> u64 {
    message.as_u64()
}

fn code(cause: Option<Cause>) -> &'static str {
    cause.map_or("", Cause::code)
}
