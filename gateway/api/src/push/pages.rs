//! Pull: pages with a cursor, and acknowledgements (messengers sheet §8.5).

use model::{Duration, Outcome, Outgoing, UpstreamId};
use smallvec::SmallVec;

use super::{Push, Spell, outbox};
use crate::pull::{Page, Paging, Pull, PullError};

/// Events on one page, whatever was asked for.
const PAGE_EVENTS_MAX: usize = 1_000;
/// Octets of one page, estimated.
const PAGE_OCTETS_MAX: usize = 4 << 20;

impl Pull for Push {
    fn page<'a>(&'a self, cursor: Option<&'a str>, limit: usize, wait: Duration) -> Paging<'a> {
        Box::pin(async move {
            let spell = self.settings.pull.as_ref().ok_or(PullError::NotOffered)?;
            let after = match cursor.map(|cursor| self.position(cursor)).transpose()? {
                Some(Position::Here(number)) => number,
                // What was not acknowledged before a restart has been handed over again.
                Some(Position::Elsewhere) | None => 0,
            };
            let limit = limit.clamp(1, PAGE_EVENTS_MAX);
            let deadline = tokio::time::Instant::now() + wait;
            let turn = self.pollers.try_acquire();
            let mut grown = self.grown.subscribe();
            loop {
                let page = self.read(spell, after, limit)?;
                if !page.events.is_empty() || turn.is_err() {
                    return Ok(page);
                }
                tokio::select! {
                    changed = grown.changed() => changed.map_err(|_| PullError::Closed)?,
                    () = tokio::time::sleep_until(deadline) => return Ok(page),
                }
            }
        })
    }

    fn ack(&self, cursor: &str) -> Result<(), PullError> {
        if self.settings.pull.is_none() {
            return Err(PullError::NotOffered);
        }
        // A cursor of the process before ours: its events come again, and the peer knows them by their ids.
        let Position::Here(number) = self.position(cursor)? else { return Ok(()) };
        {
            let mut state = self.lock();
            for outgoing in state.outbox.settle_up_to(number) {
                if let Some(attempt) = outbox::attempt(&outgoing) {
                    state.tell(attempt, arrived(&outgoing));
                }
            }
        }
        self.news.notify_one();
        Ok(())
    }

    fn arrived(&self, message: &str) {
        let Ok(message) = message.parse() else { return };
        {
            let mut state = self.lock();
            let Some(outgoing) = state.outbox.settle_shown(message) else { return };
            if let Some(attempt) = outbox::attempt(&outgoing) {
                state.tell(attempt, arrived(&outgoing));
            }
        }
        self.news.notify_one();
    }
}

/// Where a cursor points.
enum Position {
    Here(u64),
    /// Into the time before this process.
    Elsewhere,
}

impl Push {
    fn cursor(&self, number: u64) -> String {
        format!("{:x}-{number}", self.boot)
    }

    fn position(&self, cursor: &str) -> Result<Position, PullError> {
        let (boot, number) = cursor.split_once('-').ok_or(PullError::BadCursor)?;
        let boot = i64::from_str_radix(boot, 16).map_err(|_| PullError::BadCursor)?;
        let number: u64 = number.parse().map_err(|_| PullError::BadCursor)?;
        if boot != self.boot {
            return Ok(Position::Elsewhere);
        }
        self.lock().outbox.was_shown(number).map_err(|_| PullError::BadCursor)?;
        Ok(Position::Here(number))
    }

    /// The page after `after`.
    fn read(&self, spell: &Spell, after: u64, limit: usize) -> Result<Page, PullError> {
        loop {
            let (page, refused) = self.read_once(spell, after, limit)?;
            // Behind what has no spelling there may be more.
            if !page.events.is_empty() || !refused {
                return Ok(page);
            }
        }
    }

    /// One look. What has no spelling leaves with its refusal, and the flag says so.
    fn read_once(&self, spell: &Spell, after: u64, limit: usize) -> Result<(Page, bool), PullError> {
        let now = (self.settings.now)();
        let entries = {
            let state = self.lock();
            if state.stopped {
                return Err(PullError::Closed);
            }
            state.outbox.page(now, after, limit, PAGE_OCTETS_MAX)
        };
        // Spelling takes its time; the lock is for the books alone.
        let mut events = Vec::with_capacity(entries.len());
        let mut shown = Vec::with_capacity(entries.len());
        let mut refused = Vec::new();
        for (number, outgoing) in &entries {
            match spell(now, outgoing) {
                Ok(event) => {
                    events.push(event);
                    shown.push(*number);
                }
                Err(refusal) => refused.push((*number, refusal)),
            }
        }
        let mut state = self.lock();
        state.outbox.show(&shown);
        for (number, refusal) in &refused {
            if let Some(attempt) = state.outbox.settle(*number) {
                state.tell(attempt, Outcome::Refused(*refusal));
            }
        }
        drop(state);
        if !refused.is_empty() {
            self.news.notify_one();
        }
        let next = self.cursor(shown.last().copied().unwrap_or(after));
        Ok((Page { events, next }, !refused.is_empty()))
    }
}

/// The peer has it. Its receipts will name the message by the id we gave it.
fn arrived(outgoing: &Outgoing) -> Outcome {
    let ids: SmallVec<[UpstreamId; 1]> = match outgoing {
        Outgoing::Message(message) => {
            [UpstreamId(smol_str::format_smolstr!("{}", message.message))].into_iter().collect()
        }
        Outgoing::Report(_) | Outgoing::Revoke(_) | Outgoing::Signal(_) => SmallVec::new(),
    };
    Outcome::Sent(ids)
}
