//! What crosses the lines: hand-overs going out with their answers, requests coming in with theirs.

use model::{
    Answer, Cause, ChannelId, Duration, Inbound, Outcome, Outgoing, Party, Refusal, Retry, SessionId, Ticket,
};

use crate::{
    Sabotage,
    links::{Fate, HandOver, Request, Wish},
    policy::{self, CONSOLE, RCS},
    violation::{Invariant, ensure},
    world::{Event, Scripted, World},
};

/// A channel gives up waiting for an answer.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Between a connect and what waited for it.
const RECONNECT_PAUSE: Duration = Duration::from_millis(5);
/// Requests that may be refused for a while are repeated so often.
const TRIES_MAX: u8 = 40;

impl World {
    /// The engine hands something to a channel.
    pub(crate) fn hand(&mut self, channel: ChannelId, outgoing: Outgoing) {
        let (attempt, message, is_message) = match &outgoing {
            Outgoing::Message(message) => (message.attempt, message.message, true),
            Outgoing::Revoke(message) => (message.attempt, message.message, false),
            Outgoing::Report(report) => (report.attempt, report.message, false),
            Outgoing::Signal(_) => {
                let result = self.may_leave(channel, &outgoing);
                self.check(result);
                let what = self.story.outgoing(channel, &outgoing);
                return self.story.says(self.now, "gateway", policy::name(channel), &what);
            }
        };
        self.line_mut(channel).outstanding += 1;
        let result = self.may_leave(channel, &outgoing);
        self.check(result);
        if self.story.is_told() {
            let what = self.story.outgoing(channel, &outgoing);
            self.story.says(self.now, "gateway", policy::name(channel), &what);
        }
        let index = self.handovers.len();
        let process = self.gateway.process;
        let (fate, on_way, reached) = (Fate::Open, false, false);
        let void = false;
        self.handovers.push(HandOver {
            channel,
            process,
            attempt,
            message,
            outgoing,
            fate,
            on_way,
            reached,
            void,
        });
        self.unanswered.insert(index);
        if is_message {
            if let Some(life) = self.book.lives.get_mut(&message) {
                life.due = None;
            }
            self.handed.entry(message).or_default().push(index);
        }
        let line = self.line(channel);
        let (up, session, free) = (line.up, line.session, line.free);
        let faults = self.scenario.faults;
        if !up {
            self.resolves(index, never_sent());
        } else if self.fault(faults.submit_lost) {
            let outcome = Outcome::Unknown;
            self.after(ANSWER_TIMEOUT, Event::Resolves { session, handover: index, outcome });
        } else {
            let at = free.max(self.now + self.random.millis(1, 10));
            self.line_mut(channel).free = at;
            self.handovers[index].on_way = true;
            self.agenda.enter(at, Event::Reaches { session, handover: index });
        }
    }

    pub(crate) fn reaches(&mut self, session: u64, handover: usize) {
        let HandOver { channel, on_way, .. } = self.handovers[handover];
        if on_way && self.line(channel).session == session {
            self.arrive(handover);
        }
    }

    /// The other side sees a hand-over, and answers it.
    fn arrive(&mut self, index: usize) {
        self.handovers[index].reached = true;
        self.handovers[index].on_way = false;
        let channel = self.handovers[index].channel;
        let session = self.line(channel).session;
        if let Outgoing::Message(_) = self.handovers[index].outgoing {
            let result = self.in_order(index);
            self.check(result);
        }
        let scripted = match policy::is_smsc(channel) {
            true => self.script.pop_front().unwrap_or(Scripted::Takes),
            false => Scripted::Takes,
        };
        let (outcome, delay) = match self.handovers[index].outgoing {
            _ if policy::is_smsc(channel) => self.submit_sm(index, scripted),
            Outgoing::Message(_) if channel == RCS => self.rcs_takes(index),
            Outgoing::Revoke(_) => self.rcs_revokes(index),
            _ => self.peer_takes(index),
        };
        let faults = self.scenario.faults;
        if self.fault(faults.answer_lost) || scripted == Scripted::AnswersNobody {
            let lost = Event::Resolves { session, handover: index, outcome: Outcome::Unknown };
            self.after(ANSWER_TIMEOUT, lost);
            if self.fault(faults.answer_late) {
                let late = ANSWER_TIMEOUT + self.random.millis(1, 60_000);
                self.after(late, Event::Resolves { session, handover: index, outcome });
            }
        } else {
            self.after(delay, Event::Resolves { session, handover: index, outcome });
        }
    }

    /// The channel tells the engine how a hand-over ended.
    pub(crate) fn resolves(&mut self, index: usize, outcome: Outcome) {
        let handover = &mut self.handovers[index];
        let (channel, message, attempt) = (handover.channel, handover.message, handover.attempt);
        if handover.process != self.gateway.process {
            return;
        }
        let told = match &outcome {
            Outcome::Sent(_) => Fate::Sent,
            Outcome::Refused(_) => Fate::Refused,
            Outcome::Unknown => Fate::Lost,
        };
        let is_report = matches!(handover.outgoing, Outgoing::Report(_));
        let is_message = matches!(handover.outgoing, Outgoing::Message(_));
        match (handover.fate, told) {
            (Fate::Open, _) => {
                handover.fate = told;
                self.unanswered.remove(&index);
                let line = self.line_mut(channel);
                line.outstanding = line.outstanding.saturating_sub(1);
            }
            // The answer comes after all.
            (Fate::Lost, Fate::Refused) => handover.fate = Fate::Refused,
            (Fate::Lost, Fate::Sent) => {}
            _ => return,
        }
        if self.story.is_told() {
            let what = self.story.outcome(channel, is_report, &outcome);
            if told == Fate::Lost
                || matches!(&outcome, Outcome::Refused(refusal) if refusal.cause == Cause::LinkDown)
            {
                self.story.notes(self.now, "gateway", &format!("{what} from {}", policy::name(channel)));
            } else {
                self.story.says(self.now, policy::name(channel), "gateway", &what);
            }
        }
        if told == Fate::Lost && is_message {
            self.book.lost.push(message);
        }
        let outcome = match self.sabotage {
            Some(Sabotage::LossHidden) if told == Fate::Lost => never_sent(),
            Some(Sabotage::OutcomeSwallowed) if told == Fate::Sent => return,
            _ => outcome,
        };
        self.take(Inbound::Outcome { attempt, outcome });
    }

    /// Somebody asks something of the gateway, as soon as their line is up.
    pub(crate) fn ask(&mut self, index: usize) {
        let request = &self.requests[index];
        if request.done || request.asked.is_some() {
            return;
        }
        let channel = request.channel;
        let line = self.line_mut(channel);
        if !line.up {
            if !line.waiting.contains(&index) {
                line.waiting.push(index);
            }
            return;
        }
        let session = line.session;
        self.requests[index].asked = Some(session);
        self.asked.insert(index);
        let way = self.random.millis(1, 10);
        self.after(way, Event::Arrives { session, request: index });
    }

    pub(crate) fn request(&mut self, request: Request) -> usize {
        self.requests.push(request);
        self.requests.len() - 1
    }

    pub(crate) fn arrives(&mut self, session: u64, index: usize) {
        let channel = self.requests[index].channel;
        let line = self.line(channel);
        if !line.up || line.session != session {
            return;
        }
        let known = self.requests[index].about.is_some_and(|about| self.is_known(index, about.0));
        self.requests[index].known = known;
        let ticket = Ticket { session: SessionId(session), token: index as u64 };
        let inbound = match self.requests[index].wish.clone() {
            Wish::Submit(submission) => Inbound::Submit { submission: submission.into(), ticket },
            Wish::Receipt(receipt) => Inbound::Receipt { channel, receipt, ticket: Some(ticket) },
            Wish::Command(command) => Inbound::Command { command, ticket },
        };
        if self.story.is_told() {
            let what = self.story.inbound(&inbound);
            self.story.says(self.now, policy::name(channel), "gateway", &what);
        }
        if self.gateway.failing {
            // The gate in front of the engine.
            return self.answered(session, index, &Answer::Refused(Refusal::ours(Cause::StoreUnavailable)));
        }
        self.take(inbound);
    }

    /// An answer leaves the gateway.
    pub(crate) fn answered(&mut self, session: u64, index: usize, answer: &Answer) {
        let request = &self.requests[index];
        let (channel, asked) = (request.channel, request.asked);
        let line = self.line(channel);
        if !line.up || line.session != session {
            return;
        }
        self.check(ensure(asked == Some(session), Invariant::Answers, || {
            "one request is answered twice".into()
        }));
        self.requests[index].asked = None;
        self.asked.remove(&index);
        if self.story.is_told() {
            let what = self.story.answer(channel, answer);
            self.story.says(self.now, "gateway", policy::name(channel), &what);
        }
        let result = self.stored(index, answer);
        self.check(result);
        let faults = self.scenario.faults;
        if self.requests[index].insists && self.fault(faults.reply_lost) {
            let again = Request { asked: None, ..self.requests[index].clone() };
            self.requests[index].done = true;
            let again = self.request(again);
            return self.after(ANSWER_TIMEOUT, Event::Ask { request: again });
        }
        self.hears(index, answer);
    }

    /// What the one who asked makes of the answer.
    fn hears(&mut self, index: usize, answer: &Answer) {
        let request = &mut self.requests[index];
        let again = match answer {
            Answer::Refused(refusal) => {
                let passing =
                    matches!(refusal.cause, Cause::QueueFull | Cause::StoreUnavailable | Cause::Throttled);
                request.tries += 1;
                passing && (request.tries < TRIES_MAX || matches!(request.wish, Wish::Receipt(_)))
            }
            _ => false,
        };
        request.done = !again;
        if again {
            request.tries = request.tries.min(TRIES_MAX);
            let delay = self.random.millis(1_000, 10_000);
            return self.after(delay, Event::Ask { request: index });
        }
        self.learns(index, answer);
    }

    pub(crate) fn line_up(&mut self, channel: ChannelId) {
        if self.gateway.core.is_none() || self.line(channel).up {
            return;
        }
        self.sessions += 1;
        let (session, now) = (self.sessions, self.now);
        let room = if channel == CONSOLE { 0 } else { self.scenario.room };
        let line = self.line_mut(channel);
        let is_first = line.session == 0;
        line.up = true;
        line.session = session;
        line.free = now;
        line.room = room;
        line.outstanding = 0;
        let waiting = std::mem::take(&mut line.waiting);
        if channel != CONSOLE {
            let nobody = channel == RCS && self.scenario.rcs == 0;
            if !is_first && !nobody {
                self.story.notes(self.now, policy::name(channel), "is connected again");
            }
            self.take(Inbound::Room { channel, room });
        }
        if channel == RCS {
            self.rcs_begins();
        }
        for request in waiting {
            self.after(RECONNECT_PAUSE, Event::Ask { request });
        }
    }

    pub(crate) fn line_down(&mut self, channel: ChannelId, until: model::Timestamp) {
        if self.line(channel).up {
            self.hang_up(channel, false);
            self.agenda.enter(until, Event::LineUp { channel });
        }
    }

    /// A line breaks. What is on it arrives or not; who asked and was not answered will ask again.
    pub(crate) fn hang_up(&mut self, channel: ChannelId, crash: bool) {
        if !self.line(channel).up {
            return;
        }
        if !crash {
            self.story.notes(self.now, policy::name(channel), "is cut off");
        }
        self.arrives_still(channel);
        let asked: Vec<usize> =
            self.asked.iter().copied().filter(|index| self.requests[*index].channel == channel).collect();
        for index in asked {
            self.asked.remove(&index);
            let request = &mut self.requests[index];
            request.asked = None;
            request.done = !request.insists;
            if request.insists {
                self.line_mut(channel).waiting.push(index);
            }
        }
        if channel == RCS {
            self.rcs_ends();
        }
        let line = self.line_mut(channel);
        line.up = false;
        let session = line.session;
        if crash {
            line.outstanding = 0;
            return;
        }
        let under_way: Vec<usize> = self
            .unanswered
            .iter()
            .copied()
            .filter(|index| self.handovers[*index].channel == channel)
            .collect();
        // A channel may find out about its line only when it next uses it.
        if self.random.chance(700) {
            self.no_room(channel, session);
        } else {
            let late = self.random.millis(1, 300);
            self.after(late, Event::NoRoom { channel, session });
        }
        for index in under_way {
            let sent = self.handovers[index].reached || self.random.chance(500);
            let outcome = if sent { Outcome::Unknown } else { never_sent() };
            self.resolves(index, outcome);
        }
    }

    /// The first few of what was written to the line still arrive.
    fn arrives_still(&mut self, channel: ChannelId) {
        let on_way: Vec<usize> = (0..self.handovers.len())
            .filter(|index| self.handovers[*index].on_way && self.handovers[*index].channel == channel)
            .collect();
        let mut broken = false;
        for index in on_way {
            broken |= self.random.chance(500);
            if !broken {
                self.arrive(index);
            }
            self.handovers[index].on_way = false;
        }
    }

    pub(crate) fn no_room(&mut self, channel: ChannelId, session: u64) {
        let line = self.line_mut(channel);
        if line.up || line.session != session {
            return;
        }
        line.room = 0;
        if channel != CONSOLE {
            self.take(Inbound::Room { channel, room: 0 });
        }
    }
}

/// The channel knows that nothing left.
const fn never_sent() -> Outcome {
    Outcome::Refused(Refusal { by: Party::Gateway, cause: Cause::LinkDown, retry: Retry::Scheduled, code: 0 })
}
