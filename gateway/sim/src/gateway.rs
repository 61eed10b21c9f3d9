//! The process: the real engine, and the loop that drives it as the composition root does.
//!
//! One commit is under way at any time; what happens meanwhile gathers in the next batch. A crash drops
//! the engine and whatever was not committed; a start gives it what the store holds, and nothing else.

use std::sync::Arc;

use engine::{
    Core, Release,
    journal::{Batch, Chapter, Event as Step},
};
use model::{Answer, Duration, Inbound, SessionId, Timestamp};

use crate::{
    Sabotage,
    links::Fate,
    texts::WorldTexts,
    violation::{Found, Invariant, ensure},
    world::{Event, World},
};

/// Batches read back at once.
const CHAPTERS_PAGE: usize = 16;
const COMMIT_RETRY: Duration = Duration::from_millis(200);

/// One process of the gateway, or the time between two.
#[derive(Default)]
pub(crate) struct Gateway {
    pub(crate) core: Option<Core>,
    /// Counts the processes there have been.
    pub(crate) process: u32,
    committing: Option<Committing>,
    /// The store does not take writes: nothing new is let in.
    pub(crate) failing: bool,
    wake: Option<Timestamp>,
    to_load: Vec<u64>,
    loading: bool,
}

struct Committing {
    batch: Arc<Batch>,
    release: Release,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("process", &self.process).finish_non_exhaustive()
    }
}

impl World {
    /// What the loop does after every event.
    pub(crate) fn turn(&mut self) {
        let now = self.now;
        let Some(core) = &mut self.gateway.core else { return };
        core.tick(now);
        self.begin_commit();
        let Some(core) = &mut self.gateway.core else { return };
        let mut handed = core.dispatch(now);
        if self.sabotage == Some(Sabotage::OrderReversed) {
            handed.iter_mut().for_each(|(_, items)| items.reverse());
        }
        let wanted = core.wanted();
        self.gateway.to_load.extend(wanted);
        for (channel, items) in handed {
            for item in items {
                self.hand(channel, item);
            }
        }
        self.begin_load();
        // Messages that moved on to another channel, or expired when their turn came.
        self.begin_commit();
        let Some(core) = &self.gateway.core else { return };
        if let Some(next) = core.next_tick() {
            let next = next.max(now + Duration::from_millis(1));
            if self.gateway.wake.is_none_or(|wake| wake > next || wake <= now) {
                self.gateway.wake = Some(next);
                let process = self.gateway.process;
                self.agenda.enter(next, Event::Wake { process });
            }
        }
    }

    pub(crate) fn woken(&mut self, process: u32) {
        if process == self.gateway.process && self.gateway.wake.is_some_and(|wake| wake <= self.now) {
            self.gateway.wake = None;
        }
    }

    fn begin_commit(&mut self) {
        loop {
            let Some(core) = &mut self.gateway.core else { return };
            if self.gateway.committing.is_some() || core.gathered() == 0 {
                return;
            }
            let Some(sealed) = core.seal(self.now) else { return };
            if sealed.batch.is_empty() {
                // Answers about what was committed before.
                self.release(sealed.release);
                continue;
            }
            if self.story.is_told() {
                let what = self.story.batch(&sealed.batch);
                self.story.says(self.now, "gateway", "store", &what);
            }
            let release = if self.sabotage == Some(Sabotage::AnswerBeforeCommit) {
                self.release(sealed.release);
                Release::default()
            } else {
                sealed.release
            };
            self.gateway.committing = Some(Committing { batch: sealed.batch, release });
            self.await_commit(Duration::ZERO);
        }
    }

    fn await_commit(&mut self, delay: Duration) {
        let faults = self.scenario.faults;
        let took = if self.fault(faults.commit_slow) {
            self.random.millis(200, 3_000)
        } else {
            self.random.millis(1, 4)
        };
        let process = self.gateway.process;
        self.after(delay + took, Event::CommitEnds { process });
    }

    pub(crate) fn commit_ends(&mut self, process: u32) {
        if process != self.gateway.process {
            return;
        }
        let Some(Committing { batch, release }) = self.gateway.committing.take() else { return };
        let faults = self.scenario.faults;
        if self.fault(faults.commit_fails) {
            if self.random.chance(500) {
                // It was done; only the word that it was is lost.
                self.write(&batch);
            }
            self.story.says(self.now, "store", "gateway", &format!("batch {} failed", batch.seq));
            self.gateway.failing = true;
            self.gateway.committing = Some(Committing { batch, release });
            return self.await_commit(COMMIT_RETRY);
        }
        self.write(&batch);
        self.gateway.failing = false;
        self.story.says(self.now, "store", "gateway", &format!("batch {} committed", batch.seq));
        self.release(release);
    }

    /// Makes a batch durable, and lets the book follow.
    fn write(&mut self, batch: &Batch) {
        if batch.seq == self.store.last_seq {
            return;
        }
        let stored = match self.sabotage {
            Some(Sabotage::UsageForgotten) => Batch { usage: Vec::new(), ..batch.clone() },
            Some(Sabotage::FactsForgotten) => Batch { facts: Vec::new(), ..batch.clone() },
            _ => batch.clone(),
        };
        let result = self.permitted(&stored).and_then(|()| self.book.commit(&stored));
        self.check(result);
        let result = self.store.commit(&stored).map_err(|error| (Invariant::Contract, error.to_string()));
        self.check(result);
        for entry in &stored.entries {
            let result = match &entry.event {
                Step::Rerouted { .. } => self.failed_for_certain(entry.message, entry.at),
                Step::Final { disposition: model::Disposition::Delivered, channel, .. } => {
                    self.truly(entry.message, *channel)
                }
                Step::Final { .. } => {
                    self.book.lives.get(&entry.message).map_or(Ok(()), |life| self.in_time(life))
                }
                _ => Ok(()),
            };
            self.check(result);
        }
    }

    fn release(&mut self, release: Release) {
        let Some(core) = &mut self.gateway.core else { return };
        for (session, answers) in core.committed(release) {
            for (token, answer) in answers {
                self.answers(session, token, &answer);
            }
        }
    }

    fn answers(&mut self, session: SessionId, token: u64, answer: &Answer) {
        let result = self.book.answered(answer);
        self.check(result);
        if let Ok(request) = usize::try_from(token)
            && request < self.requests.len()
        {
            self.answered(session.0, request, answer);
        }
    }

    fn begin_load(&mut self) {
        if self.gateway.loading || self.gateway.to_load.is_empty() {
            return;
        }
        let page = self.gateway.to_load.len().min(CHAPTERS_PAGE);
        let births: Vec<u64> = self.gateway.to_load.drain(..page).collect();
        self.gateway.loading = true;
        let faults = self.scenario.faults;
        let slow = self.fault(faults.load_slow);
        let took = if slow { self.random.millis(20, 2_000) } else { self.random.millis(0, 3) };
        // Reading takes time: what it sees may be older than what is committed when it ends.
        let read = self.random.chance(500).then(|| self.store.chapters(&births));
        let process = self.gateway.process;
        self.after(took, Event::LoadEnds { process, births, read });
    }

    pub(crate) fn load_ends(&mut self, process: u32, births: Vec<u64>, read: Option<Vec<Chapter>>) {
        if process != self.gateway.process {
            return;
        }
        self.gateway.loading = false;
        let chapters = read.unwrap_or_else(|| self.store.chapters(&births));
        if let Some(core) = &mut self.gateway.core {
            core.loaded(self.now, chapters);
        }
    }

    /// Tells the engine, if there is one.
    pub(crate) fn take(&mut self, inbound: Inbound) {
        if let Some(core) = &mut self.gateway.core {
            core.take(self.now, inbound);
        }
    }

    pub(crate) fn crash(&mut self, down: Duration) {
        if self.gateway.core.take().is_none() {
            return;
        }
        self.crashes += 1;
        self.story.notes(self.now, "gateway", "crashes");
        if let Some(Committing { batch, .. }) = self.gateway.committing.take() {
            // The power went at any moment of the commit.
            if self.random.chance(500) {
                self.write(&batch);
            }
        }
        self.gateway = Gateway { process: self.gateway.process, ..Gateway::default() };
        self.book.lost.clear();
        for index in std::mem::take(&mut self.unanswered) {
            self.handovers[index].fate = Fate::Dead;
        }
        for index in 0..self.lines.len() {
            self.hang_up(channel_of(index), true);
        }
        self.after(down, Event::Start);
    }

    pub(crate) fn start(&mut self) {
        if self.gateway.core.is_some() {
            return;
        }
        self.gateway.process += 1;
        let texts = Arc::new(WorldTexts);
        let mut core = Core::new(self.policy.clone(), texts, self.store.last_seq, self.store.last_message);
        for fact in self.store.facts(self.now) {
            core.recover_fact(fact);
        }
        let births = self.store.open_births();
        for mut chapter in self.store.chapters(&births) {
            if self.sabotage == Some(Sabotage::JournalTorn) {
                chapter.entries.pop();
            }
            core.recover(self.now, chapter);
        }
        if self.gateway.process > 1 {
            let open = core.open_messages();
            self.story.notes(self.now, "gateway", &format!("starts; {open} open messages read back"));
        }
        self.gateway.core = Some(core);
        for index in 0..self.lines.len() {
            let delay = self.random.millis(1, 50);
            self.after(delay, Event::LineUp { channel: channel_of(index) });
        }
    }

    /// When all is over the engine remembers nothing of any message.
    pub(crate) fn gateway_is_empty(&self) -> Result<(), Found> {
        let Some(core) = &self.gateway.core else {
            return Err((Invariant::NothingLeft, "the gateway is not running".into()));
        };
        let footprint = core.footprint();
        ensure(footprint == engine::Footprint::default(), Invariant::NothingLeft, || {
            format!("memory still holds {footprint:?}")
        })
    }
}

fn channel_of(index: usize) -> model::ChannelId {
    model::ChannelId(u16::try_from(index).unwrap_or(u16::MAX))
}
