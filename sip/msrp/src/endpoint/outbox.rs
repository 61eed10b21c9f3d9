//! What a session has to send, in order.

use std::collections::VecDeque;

use smol_str::SmolStr;

use crate::{Chunk, Chunks, FailureReport, Message, limits};

/// Messages of one session: those whose chunks wait for responses, then those that wait to be cut.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Outgoing>,
    octets: usize,
    /// Chunks that wait for a response and hold others back.
    unanswered: usize,
    last_number: u64,
}

#[derive(Debug)]
pub(super) struct Outgoing {
    /// Never given twice in one session.
    pub(super) number: u64,
    /// Its body is in `chunks`.
    pub(super) message: Message,
    chunks: Chunks,
    unanswered: usize,
    /// All of it was written once, maybe on a connection that is gone.
    whole: bool,
}

impl Outbox {
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn holds(&self, message_id: &str) -> bool {
        self.queue.iter().any(|one| one.message.id == message_id)
    }

    pub(super) fn has_room(&self, octets: usize) -> bool {
        self.queue.len() < limits::QUEUE_MESSAGES_MAX
            && (self.queue.is_empty() || self.octets.saturating_add(octets) <= limits::QUEUE_OCTETS_MAX)
    }

    pub(super) fn push(&mut self, mut message: Message) {
        self.last_number += 1;
        let body = std::mem::take(&mut message.body);
        self.octets += body.len();
        let chunks = Chunks::new(body);
        self.queue.push_back(Outgoing {
            number: self.last_number,
            message,
            chunks,
            unanswered: 0,
            whole: false,
        });
    }

    /// The next chunk, while the window lets one go.
    pub(super) fn cut(&mut self, octets: usize, window: usize) -> Option<(&Outgoing, Chunk)> {
        let one = self.queue.iter_mut().find(|one| !one.chunks.is_over())?;
        // Only who is answered can be asked to wait.
        if one.message.failure_report == FailureReport::Yes && self.unanswered >= window.max(1) {
            return None;
        }
        let chunk = one.chunks.cut(octets)?;
        one.whole |= one.chunks.is_over();
        if one.message.failure_report != FailureReport::No {
            one.unanswered += 1;
            self.unanswered += 1;
        }
        Some((one, chunk))
    }

    /// A chunk was taken. The message, if that was the last of it.
    pub(super) fn taken(&mut self, number: u64) -> Option<SmolStr> {
        let at = self.position(number)?;
        let one = self.queue.get_mut(at)?;
        one.unanswered = one.unanswered.saturating_sub(1);
        self.unanswered = self.unanswered.saturating_sub(1);
        let done = one.unanswered == 0 && one.chunks.is_over();
        done.then(|| self.remove(at).map(|one| one.message.id))?
    }

    /// Takes a message out, with the chunk that takes it back and whether all of it was written.
    pub(super) fn give_up(&mut self, number: u64) -> Option<(Outgoing, Option<Chunk>, bool)> {
        let at = self.position(number)?;
        let mut one = self.remove(at)?;
        let whole = one.whole;
        let abort = one.chunks.abort();
        Some((one, abort, whole))
    }

    pub(super) fn number_of(&self, message_id: &str) -> Option<u64> {
        self.queue.iter().find(|one| one.message.id == message_id).map(|one| one.number)
    }

    /// Everything from the beginning, on another connection.
    pub(super) fn rewind(&mut self) {
        self.unanswered = 0;
        for one in &mut self.queue {
            one.chunks.rewind();
            one.unanswered = 0;
        }
    }

    /// Everything, with whether all of it was written.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (SmolStr, bool)> {
        self.octets = 0;
        self.unanswered = 0;
        self.queue.drain(..).map(|one| (one.message.id, one.whole))
    }

    fn position(&self, number: u64) -> Option<usize> {
        self.queue.iter().position(|one| one.number == number)
    }

    fn remove(&mut self, at: usize) -> Option<Outgoing> {
        let one = self.queue.remove(at)?;
        self.octets = self.octets.saturating_sub(usize::try_from(one.chunks.total()).unwrap_or(usize::MAX));
        self.unanswered = self.unanswered.saturating_sub(one.unanswered);
        Some(one)
    }
}

impl Outgoing {
    /// The last chunk was cut.
    pub(super) const fn is_cut(&self) -> bool {
        self.chunks.is_over()
    }

    pub(super) const fn total(&self) -> u64 {
        self.chunks.total()
    }
}
