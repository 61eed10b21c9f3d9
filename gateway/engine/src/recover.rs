//! Coming back: the open messages are a fold over what the store gives back.

use std::{cmp::Reverse, sync::Arc};

use hashbrown::HashMap;
use model::{ChannelId, Content, Disposition, MessageId, ReceiptState, ReceiptsWanted, Timestamp};

use crate::{
    core::Core,
    delivery::State,
    journal::{Accepted, Chapter, Event, Fact},
    open::{Key, Open, Wanted, seconds},
    policy::{AnswerLost, reads_text},
    upstream::Past,
};

/// One message while its entries are read.
struct Folded {
    open: Open,
    accepted: Accepted,
    due: Option<Timestamp>,
    parts: Vec<model::UpstreamId>,
    done: Vec<u8>,
    /// Upstream ids of earlier legs.
    earlier: Vec<(ChannelId, Vec<model::UpstreamId>)>,
    ended_at: Timestamp,
    reported: bool,
}

impl Core {
    /// Takes standing knowledge back. Call before the chapters.
    pub fn recover_fact(&mut self, fact: &Fact) {
        // One that cannot be read belongs to a newer version of the gateway; it stays in the store.
        let _known = self.known.recover(fact);
        self.known.seen.bound(self.policy.limits.idempotency_keys_max);
    }

    /// Takes the open messages of one batch back, in the order of batches. Entries of messages that have
    /// closed since are passed over.
    pub fn recover(&mut self, now: Timestamp, chapter: Chapter) {
        let mut folded: Vec<Folded> = Vec::new();
        let mut places: HashMap<MessageId, usize> = HashMap::new();
        let mut contents: HashMap<MessageId, Content> = chapter.contents.into_iter().collect();
        for entry in chapter.entries {
            if let Event::Accepted(accepted) = entry.event {
                places.insert(entry.message, folded.len());
                folded.push(self.begin(chapter.birth, entry.message, &accepted));
            } else if let Some(message) = places.get(&entry.message).and_then(|place| folded.get_mut(*place))
            {
                message.apply(&entry.event, entry.at);
            }
        }
        let total = folded.len();
        let mut ended = 0;
        let mut kept = 0;
        let mut gathering = Vec::new();
        for mut message in folded {
            ended += usize::from(message.open.state.is_ended());
            let id = message.open.message;
            if let Some(content) = contents.remove(&id) {
                message.accepted = message.accepted.with_content(content);
            }
            if message.closed(now, self) {
                continue;
            }
            kept += 1;
            gathering.extend(self.restore(now, message));
        }
        for (key, accepted) in gathering {
            self.gather(now, key, &accepted);
        }
        // The crash may have come between the last entry and the commit that would have settled the batch;
        // both are the same commit, so this is only ever seen after a change of configuration.
        if kept == 0 && total > 0 {
            self.pending.close.push(chapter.birth);
        } else if ended == total {
            self.pending.erase.push(chapter.birth);
        }
    }

    fn begin(&self, birth: u64, message: MessageId, accepted: &Accepted) -> Folded {
        let submission = &accepted.submission;
        let takes_reports = self.policy.channel(submission.origin).is_some_and(|origin| origin.takes_reports);
        let first = accepted.first_leg().unwrap_or(submission.origin);
        let gathers = submission.part.is_some()
            && self.policy.channel(first).is_some_and(|channel| reads_text(channel.kind));
        Folded {
            open: Open {
                message,
                birth,
                hot: None,
                upstream: 0,
                generation: 0,
                deadline: seconds(accepted.expires_at),
                attempts: 0,
                lost: 0,
                segments: accepted.metered.segments,
                segments_done: 0,
                origin: submission.origin,
                channel: first,
                state: if gathers { State::Gathering } else { State::Waiting },
                leg: 0,
                lane: submission.class.lane(),
                receipts: Wanted::from(if takes_reports {
                    submission.receipts
                } else {
                    ReceiptsWanted::NONE
                }),
                disposition: Disposition::Accepted,
                cause: None,
                possible_duplicate: true,
                kept: false,
                displayed: false,
                told: false,
                told_displayed: false,
            },
            accepted: accepted.clone(),
            due: submission.scheduled_at,
            parts: Vec::new(),
            done: Vec::new(),
            earlier: Vec::new(),
            ended_at: Timestamp::ZERO,
            reported: false,
        }
    }

    /// Gives a message its place. Segments that wait for each other are returned: joining them ends some,
    /// which must not happen before all messages of their batch have their place.
    fn restore(&mut self, now: Timestamp, message: Folded) -> Option<(Key, Arc<Accepted>)> {
        let Folded { mut open, accepted, mut due, parts, done, earlier, .. } = message;
        let accepted = Arc::new(accepted);
        let past = Past::unheard(open.message, open.birth);
        for (channel, ids) in earlier {
            self.upstream.recall(channel, &ids, past);
        }
        let (state, channel, crowded) =
            (open.state, open.channel, self.open.hot() >= self.policy.limits.hot_max);
        if let Some(policy) = self.policy.channel(channel) {
            match state {
                State::Sent => open.deadline = after(open.deadline, policy.receipt_window),
                // A loss is preferred to a duplicate: when the wait is over the message ends, as it would have.
                State::Unknown if policy.answer_lost == AnswerLost::Wait => {
                    open.deadline = due.take().map_or(open.deadline, seconds);
                }
                _ => {}
            }
        }
        // Segments that wait for each other are needed whole; everything else is read again in time.
        open.hot = (!crowded || state == State::Gathering).then(|| accepted.clone());
        open.segments = self.segments_on(channel, &accepted);
        let deadline = open.deadline;
        let key = self.insert(open);
        if !state.is_ended() {
            let until = self.by(key.slot, &accepted, deadline);
            self.open.set_deadline(key.slot, until);
        }
        match state {
            State::Gathering => {}
            State::Sent => {
                let digest = self.upstream.insert(channel, &parts, key.slot);
                let past = Past::heard(past.message, past.birth);
                done.iter().for_each(|part| self.upstream.settle_part(key.slot, *part, past));
                if let Some(open) = self.open.at_mut(key.slot) {
                    open.upstream = digest;
                    open.segments_done = u16::try_from(done.len()).unwrap_or(u16::MAX);
                }
            }
            State::Unknown => {
                if let Some(open) = self.open.at_mut(key.slot) {
                    open.segments_done = u16::try_from(done.len()).unwrap_or(u16::MAX);
                }
                let between = self.between(channel, &accepted);
                self.unknown.entry((channel, between)).or_default().push(key);
                if let Some(due) = due {
                    self.due.push(Reverse((due, key)));
                }
            }
            State::Reporting | State::Unread => {
                if let Some(open) = self.open.at_mut(key.slot) {
                    open.upstream = u64::from(parts.len() == 1);
                }
                if self.open.at(key.slot).is_some_and(|open| self.awaits_display(open)) {
                    let digest = self.upstream.insert(channel, &parts, key.slot);
                    if let Some(open) = self.open.at_mut(key.slot) {
                        open.upstream = digest;
                    }
                } else if let Some(open) = self.open.at_mut(key.slot) {
                    open.upstream = 0;
                }
                if state == State::Unread {
                    self.unread += 1;
                } else {
                    self.enqueue_report(key.slot);
                }
            }
            _ => match due.filter(|due| *due > now) {
                Some(due) => self.due.push(Reverse((due, key))),
                None => self.enqueue(key),
            },
        }
        (state == State::Gathering).then_some((key, accepted))
    }
}

fn after(second: u32, window: std::time::Duration) -> u32 {
    second.saturating_add(u32::try_from(window.as_secs()).unwrap_or(u32::MAX))
}

impl Folded {
    fn apply(&mut self, event: &Event, at: Timestamp) {
        self.accepted.apply(event);
        let open = &mut self.open;
        match event {
            Event::Accepted(_) | Event::LateReceipt { .. } => {}
            Event::Sent { channel, parts } => {
                open.channel = *channel;
                open.state = State::Sent;
                open.disposition = Disposition::Sent;
                open.kept = false;
                open.deadline = seconds(at);
                self.parts = parts.to_vec();
                self.done.clear();
            }
            Event::Deferred { due, refusal, .. } => {
                open.state = State::Waiting;
                open.attempts = open.attempts.saturating_add(1);
                open.kept = false;
                // Whoever was away may have come meanwhile: that is asked again at once.
                self.due = (refusal.retry != model::Retry::WhenReachable).then_some(*due);
            }
            Event::AnswerLost { due, .. } => {
                open.state = State::Unknown;
                open.disposition = Disposition::Unknown;
                open.lost = open.lost.saturating_add(1);
                self.done.clear();
                self.due = Some(*due);
            }
            Event::Rerouted { leg, channel, .. } => {
                self.earlier.push((open.channel, std::mem::take(&mut self.parts)));
                open.state = State::Waiting;
                open.leg = *leg;
                open.channel = *channel;
                open.attempts = 0;
                open.lost = 0;
                open.kept = false;
                self.due = None;
            }
            // Followed by the next leg, unless it stays.
            Event::Revocation { .. } => {
                open.kept = true;
                open.deadline = seconds(at);
            }
            Event::Receipt { part, state, .. } => {
                open.displayed |= *state == ReceiptState::Displayed;
                if state.disposition().is_some() && !self.done.contains(part) {
                    self.done.push(*part);
                }
            }
            Event::Replaced { scheduled_at, expires_at, .. } => {
                open.deadline = seconds(*expires_at);
                self.due = scheduled_at.or(self.due);
            }
            Event::Joined { .. } => open.state = State::Waiting,
            Event::Final { disposition, cause, .. } => {
                open.state = State::Reporting;
                open.disposition = *disposition;
                open.cause = *cause;
                self.ended_at = at;
            }
            Event::Displayed => {
                open.displayed = true;
                open.told_displayed = false;
                self.ended_at = at;
            }
            Event::Unread => open.receipts.do_not_await_display(),
            Event::Reported { displayed, given_up } => {
                self.reported = true;
                open.told = true;
                open.told_displayed |= *displayed || *given_up;
            }
        }
    }

    /// Nothing is left to do about it.
    fn closed(&mut self, now: Timestamp, core: &Core) -> bool {
        let open = &mut self.open;
        if open.state != State::Reporting {
            return false;
        }
        let policy = core.policy.channel(open.origin);
        if policy.is_none_or(|policy| !policy.takes_reports) {
            return true;
        }
        let told = if open.disposition.is_success() {
            open.receipts.get().success
        } else {
            open.receipts.get().failure
        };
        let unsaid = open.receipts.get().displayed && open.displayed && !open.told_displayed;
        if (told && !self.reported) || unsaid {
            let window = policy.map_or(std::time::Duration::ZERO, |policy| policy.report_window);
            open.deadline = seconds(self.ended_at + window);
            return false;
        }
        let limits = core.policy.limits;
        let until = self.ended_at + limits.display_window;
        // As before the restart: its ids say that it can be told.
        open.upstream = u64::from(self.parts.len() == 1);
        if until <= now || core.unread >= limits.unread_max || !core.awaits_display(open) {
            return true;
        }
        open.state = State::Unread;
        open.deadline = seconds(until);
        false
    }
}
