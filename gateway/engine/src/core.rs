//! The engine itself: takes what happened, decides, and says what one commit must make durable.
//!
//! ```text
//!   take, tick ──▶ decisions ──▶ seal ──▶ Batch ──▶ (the store commits) ──▶ committed ──▶ answers
//!                                                                             dispatch ──▶ hand-overs
//! ```
//!
//! Nothing that the outside can see leaves before its batch is committed: answers and queue entries of a
//! batch are kept in its [`Release`]. The memory moves ahead of the store by the batches under way; a
//! commit that fails is repeated, never dropped.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
};

use hashbrown::HashMap;
use model::{
    Answer, Cause, ChannelId, ChannelKind, Inbound, MessageId, MessageIds, Outgoing, Refusal, SessionId,
    Ticket, Timestamp,
};

use crate::{
    absent::Absent,
    cold::Cold,
    fleeting::{Fleeting, Signals},
    gather::Gathering,
    gauge::Tally,
    journal::Batch,
    knowledge::Knowledge,
    lanes::{Lanes, Queue},
    open::{Key, OpenMessages},
    policy::{Policy, Texts},
    revoke::Gone,
    seen::KeyDigest,
    upstream::Upstream,
};

/// The engine. One per store; single-threaded by design, because order is a promise.
pub struct Core {
    pub(crate) policy: Arc<Policy>,
    pub(crate) texts: Arc<dyn Texts>,
    pub(crate) ids: MessageIds,
    pub(crate) open: OpenMessages,
    pub(crate) upstream: Upstream,
    pub(crate) known: Knowledge,
    pub(crate) gathering: Gathering,
    pub(crate) channels: HashMap<ChannelId, Lanes>,
    /// Channels that may have something to hand over.
    listed: Vec<ChannelId>,
    /// Retries and scheduled messages.
    pub(crate) due: BinaryHeap<Reverse<(Timestamp, Key)>>,
    pub(crate) parked: VecDeque<Parked>,
    /// Ids have become known since parked receipts were last tried.
    pub(crate) parked_may_match: bool,
    /// (channel, recipient digest) -> messages whose answer was lost there.
    pub(crate) unknown: HashMap<(ChannelId, u64), Vec<Key>>,
    pub(crate) absent: Absent,
    /// Revocations under way, and the channel that has them.
    pub(crate) revoking: HashMap<Key, ChannelId>,
    pub(crate) gone: Gone,
    /// Messages that wait to be seen.
    pub(crate) unread: usize,
    pub(crate) fleeting: Fleeting,
    pub(crate) signals: Signals,
    pub(crate) references: HashMap<u64, u16>,
    /// Slots of messages whose content was replaced, with the batch that makes it durable.
    pub(crate) fresh: HashMap<u32, u64>,
    /// Messages that were cancelled while they waited: they keep their place until that is durable.
    pub(crate) withdrawn: HashMap<Key, u64>,
    /// Channels that wait for the next commit, because of what is fresh or withdrawn.
    pub(crate) held: Vec<ChannelId>,
    /// The network's own error codes of messages whose report is not out yet.
    pub(crate) codes: HashMap<MessageId, smol_str::SmolStr>,
    pub(crate) cold: Cold,
    pub(crate) pending: Batch,
    pub(crate) release: Release,
    pub(crate) touched: u64,
    pub(crate) tally: Tally,
    swept: Timestamp,
}

/// A receipt that came before the answer it belongs to.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) until: Timestamp,
    pub(crate) channel: ChannelId,
    pub(crate) receipt: model::Receipt,
    pub(crate) ticket: Option<Ticket>,
}

/// What waits for a commit.
#[derive(Debug, Default)]
pub struct Release {
    /// The batch it waits for.
    seq: u64,
    answers: Vec<(SessionId, Vec<(u64, Answer)>)>,
    pub(crate) enqueue: Vec<(ChannelId, Queue, Key)>,
    pub(crate) fleeting: Vec<(ChannelId, Outgoing)>,
}

impl Release {
    /// Answers that a failing store must not hold back are none: this says how many wait.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.answers.iter().map(|(_, answers)| answers.len()).sum()
    }
}

/// A batch to commit, and what to let go afterwards. An empty batch needs no commit, but keeps its place.
#[derive(Debug)]
pub struct Sealed {
    pub batch: Arc<Batch>,
    pub release: Release,
}

impl Core {
    /// `last_seq` and `last_message` are where the store stands.
    #[must_use]
    pub fn new(
        policy: Arc<Policy>,
        texts: Arc<dyn Texts>,
        last_seq: u64,
        last_message: Option<MessageId>,
    ) -> Self {
        Self {
            policy,
            texts,
            ids: MessageIds::after(last_message),
            open: OpenMessages::default(),
            upstream: Upstream::default(),
            known: Knowledge::default(),
            gathering: Gathering::default(),
            channels: HashMap::new(),
            listed: Vec::new(),
            due: BinaryHeap::new(),
            parked: VecDeque::new(),
            parked_may_match: false,
            unknown: HashMap::new(),
            absent: Absent::default(),
            revoking: HashMap::new(),
            gone: Gone::default(),
            unread: 0,
            fleeting: Fleeting::default(),
            signals: Signals::default(),
            references: HashMap::new(),
            fresh: HashMap::new(),
            withdrawn: HashMap::new(),
            held: Vec::new(),
            codes: HashMap::new(),
            cold: Cold::default(),
            pending: Batch { seq: last_seq + 1, ..Batch::default() },
            release: Release::default(),
            touched: 0,
            tally: Tally::default(),
            swept: Timestamp::ZERO,
        }
    }

    /// Takes the operator's new decisions. Messages on their way keep the plan they were accepted with.
    pub fn set_policy(&mut self, policy: Arc<Policy>) {
        self.policy = policy;
    }

    /// Takes one thing that happened.
    pub fn take(&mut self, now: Timestamp, inbound: Inbound) {
        match inbound {
            Inbound::Submit { submission, ticket } => self.submit(now, submission, ticket),
            Inbound::Outcome { attempt, outcome } if !self.fleeting_outcome(attempt) => {
                self.outcome(now, Key { slot: attempt.slot, generation: attempt.generation }, outcome);
            }
            Inbound::Outcome { .. } => {}
            Inbound::Receipt { channel, receipt, ticket } => self.receipt(now, channel, receipt, ticket),
            Inbound::Command { command, ticket } => self.command(now, command, ticket),
            Inbound::Room { channel, room } => self.room(channel, room),
            Inbound::Presence { channel, number, presence } => self.presence(now, channel, &number, presence),
            Inbound::Keep { channel, key, value } => self.known.keep(channel, &key, value.as_deref()),
            Inbound::Signal { channel, signal } => self.signal(now, channel, signal),
        }
    }

    /// Lets time pass: retries, expiry, windows.
    pub fn tick(&mut self, now: Timestamp) {
        while let Some(&Reverse((at, key))) = self.due.peek() {
            if at > now {
                break;
            }
            self.due.pop();
            self.wake(key);
        }
        loop {
            let due = self.open.due(now);
            if due.is_empty() {
                break;
            }
            for slot in due {
                self.deadline(now, slot);
            }
        }
        self.give_up_reading(now);
        self.doubt_absence(now);
        self.unpark(now);
        self.stop_gathering(now);
        if now.since(self.swept) > std::time::Duration::from_secs(60) {
            self.swept = now;
            self.known.sweep(now);
        }
    }

    /// When [`Core::tick`] is needed next, if nothing happens before.
    #[must_use]
    pub fn next_tick(&self) -> Option<Timestamp> {
        let due = self.due.peek().map(|Reverse((at, _))| *at);
        let parked = self.parked.front().map(|parked| parked.until);
        [due, parked, self.open.next_check(), self.gathering.next(), self.absent.next()]
            .into_iter()
            .flatten()
            .min()
    }

    /// How many entries, answers and queue entries wait to be sealed.
    #[must_use]
    pub fn gathered(&self) -> usize {
        let Release { enqueue, .. } = &self.release;
        self.pending.entries.len() + self.release.answers() + enqueue.len() + self.known.changes()
    }

    /// Closes the batch under way. `None` when nothing happened.
    pub fn seal(&mut self, now: Timestamp) -> Option<Sealed> {
        self.pending.facts.append(&mut self.known.take_changes(self.pending.seq));
        let idle = self.pending.is_empty();
        if idle && self.release.answers.is_empty() && self.release.enqueue.is_empty() {
            return None;
        }
        let seq = self.pending.seq;
        if idle {
            // Nothing to write down. An empty batch takes no number, and what else is pending waits for the next.
            let release = Release { seq, ..std::mem::take(&mut self.release) };
            return Some(Sealed { batch: Arc::new(Batch { seq, at: now, ..Batch::default() }), release });
        }
        let next = Batch { seq: seq + 1, ..Batch::default() };
        let mut batch = std::mem::replace(&mut self.pending, next);
        batch.at = now;
        // Whether all messages of a batch have ended is known only when no more can be accepted in it.
        if self.open.all_ended(seq) {
            batch.erase.push(seq);
        }
        if self.open.all_closed(seq) {
            self.open.forget(seq);
            batch.close.push(seq);
        }
        batch.touches.sort_unstable();
        batch.touches.dedup();
        self.touched = 0;
        let release = Release { seq, ..std::mem::take(&mut self.release) };
        Some(Sealed { batch: Arc::new(batch), release })
    }

    /// The batch is durable: lets its consequences go. Returns the answers by session.
    pub fn committed(&mut self, release: Release) -> Vec<(SessionId, Vec<(u64, Answer)>)> {
        self.settle_fresh(release.seq);
        self.withdrawn.retain(|_, batch| *batch > release.seq);
        for channel in std::mem::take(&mut self.held) {
            self.list(channel);
        }
        self.fleeting.passing.extend(release.fleeting);
        for (channel, queue, key) in release.enqueue {
            if self.open.get(key).is_some() {
                self.lanes(channel).push(queue, key);
                self.list(channel);
                self.cool_if_crowded(channel, queue, key);
            }
        }
        release.answers
    }

    /// What can be handed over now, by channel. Everything returned is committed.
    pub fn dispatch(&mut self, now: Timestamp) -> Vec<(ChannelId, Vec<Outgoing>)> {
        let mut handed: Vec<(ChannelId, Vec<Outgoing>)> = self
            .dispatch_fleeting()
            .into_iter()
            .map(|(channel, outgoing)| (channel, vec![outgoing]))
            .collect();
        for channel in std::mem::take(&mut self.listed) {
            let mut lanes = std::mem::take(self.lanes(channel));
            lanes.listed = false;
            let outgoing = self.dispatch_channel(now, channel, &mut lanes);
            self.channels.insert(channel, lanes);
            if !outgoing.is_empty() {
                handed.push((channel, outgoing));
            }
        }
        handed
    }

    /// The message that an idempotency key of this channel was used for.
    #[must_use]
    pub fn find(&self, origin: ChannelId, key: &str, now: Timestamp) -> Option<MessageId> {
        self.known.seen.get(KeyDigest::of(origin, key), now).map(|(message, _)| message)
    }

    #[must_use]
    pub fn open_messages(&self) -> usize {
        self.open.len()
    }

    /// Happenings since the last call.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    pub(crate) fn lanes(&mut self, channel: ChannelId) -> &mut Lanes {
        let known = &self.known;
        self.channels.entry(channel).or_insert_with(|| Lanes::new(known.is_paused(channel)))
    }

    /// Some carrier can take a message now.
    pub(crate) fn any_room(&self) -> bool {
        let is_smsc =
            |id: &ChannelId| self.policy.channel(*id).is_some_and(|policy| policy.kind == ChannelKind::Smsc);
        self.channels.iter().any(|(id, lanes)| lanes.room > 0 && is_smsc(id))
    }

    /// Channels that are down and have something waiting.
    pub(crate) fn down(&self) -> Vec<ChannelId> {
        let mut down: Vec<ChannelId> = self
            .channels
            .iter()
            .filter(|(_, lanes)| lanes.down && !lanes.is_empty())
            .map(|(channel, _)| *channel)
            .collect();
        down.sort_unstable();
        down
    }

    pub(crate) fn list(&mut self, channel: ChannelId) {
        let lanes = self.lanes(channel);
        if !lanes.listed {
            lanes.listed = true;
            self.listed.push(channel);
        }
    }

    pub(crate) fn answer(&mut self, ticket: Ticket, answer: Answer) {
        if let Answer::Refused(refusal) = &answer {
            self.tally.refused[refusal.cause as usize] += 1;
        }
        let waiting = &mut self.release.answers;
        // The same session nearly always speaks several times in a row.
        match waiting.iter_mut().rev().find(|(session, _)| *session == ticket.session) {
            Some((_, answers)) => answers.push((ticket.token, answer)),
            None => waiting.push((ticket.session, vec![(ticket.token, answer)])),
        }
    }

    pub(crate) fn refuse(&mut self, ticket: Ticket, cause: Cause) {
        self.answer(ticket, Answer::Refused(Refusal::ours(cause)));
    }

    /// What was replaced in a batch up to this one may be handed over, and read back.
    fn settle_fresh(&mut self, seq: u64) {
        if self.fresh.is_empty() {
            return;
        }
        let durable: Vec<u32> =
            self.fresh.iter().filter(|(_, batch)| **batch <= seq).map(|(slot, _)| *slot).collect();
        for slot in durable {
            self.fresh.remove(&slot);
            if let Some(birth) = self.open.at(slot).map(|open| open.birth) {
                // What is being read back now may have been read before this commit.
                self.cold.outdate(birth);
            }
        }
    }
}
