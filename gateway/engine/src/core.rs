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

use billing::{Meter, UsageRecord};
use hashbrown::HashMap;
use model::{
    Answer, Cause, ChannelId, ChannelKind, Disposition, Inbound, Lane, MessageId, MessageIds, Outgoing,
    Refusal, SessionId, Ticket, Timestamp,
};

use crate::{
    delivery::{State, Trigger, next},
    gather::Gathering,
    journal::{Accepted, Batch, Entry, Event},
    knowledge::Knowledge,
    lanes::{Lanes, Queue},
    open::{Key, Open, OpenMessages, seconds},
    policy::{Policy, Texts},
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
    channels: HashMap<ChannelId, Lanes>,
    /// Channels that may have something to hand over.
    listed: Vec<ChannelId>,
    /// Retries and scheduled messages.
    pub(crate) due: BinaryHeap<Reverse<(Timestamp, Key)>>,
    pub(crate) parked: VecDeque<Parked>,
    /// Ids have become known since parked receipts were last tried.
    pub(crate) parked_may_match: bool,
    /// (channel, recipient digest) -> messages whose answer was lost there.
    pub(crate) unknown: HashMap<(ChannelId, u64), Vec<Key>>,
    pub(crate) references: HashMap<u64, u16>,
    /// Slots of messages whose content was replaced, with the batch that makes it durable.
    pub(crate) fresh: HashMap<u32, u64>,
    /// The network's own error codes of messages whose report is not out yet.
    pub(crate) codes: HashMap<MessageId, smol_str::SmolStr>,
    /// What waits for content to be read back.
    pub(crate) cold: HashMap<u64, Vec<Inbound>>,
    wanted: Vec<u64>,
    pub(crate) pending: Batch,
    release: Release,
    touched: u64,
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
    enqueue: Vec<(ChannelId, Queue, Key)>,
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

/// Happenings that are no transitions but that an operator counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub unmatched_receipts: u64,
    pub stale_outcomes: u64,
    pub duplicates: u64,
    pub refused: [u64; Cause::ALL.len()],
}

/// What memory holds, by kind. All zero when nothing is open and nothing is waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Footprint {
    pub open: usize,
    /// Open messages with their content.
    pub hot: usize,
    pub queued: usize,
    pub outstanding: u32,
    pub due: usize,
    pub upstream: usize,
    pub parked: usize,
    pub unknown: usize,
    pub gathering: usize,
    pub codes: usize,
    /// Batches being read back.
    pub cold: usize,
}

/// Gauges of the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    pub channel: ChannelId,
    pub room: u32,
    pub outstanding: u32,
    pub paused: bool,
    pub urgent: usize,
    pub person: usize,
    pub bulk: usize,
    pub reports: usize,
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
            references: HashMap::new(),
            fresh: HashMap::new(),
            codes: HashMap::new(),
            cold: HashMap::new(),
            wanted: Vec::new(),
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
            Inbound::Outcome { attempt, outcome } => {
                self.outcome(now, Key { slot: attempt.slot, generation: attempt.generation }, outcome);
            }
            Inbound::Receipt { channel, receipt, ticket } => self.receipt(now, channel, receipt, ticket),
            Inbound::Command { command, ticket } => self.command(now, command, ticket),
            Inbound::Room { channel, room } => self.room(channel, room),
            Inbound::Presence { .. } | Inbound::Signal { .. } => {}
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
        [due, parked, self.open.next_check(), self.gathering.next()].into_iter().flatten().min()
    }

    /// How many entries, answers and queue entries wait to be sealed.
    #[must_use]
    pub fn gathered(&self) -> usize {
        let Release { enqueue, .. } = &self.release;
        self.pending.entries.len()
            + self.release.answers()
            + enqueue.len()
            + usize::from(self.known.has_changes())
    }

    /// Closes the batch under way. `None` when nothing happened.
    pub fn seal(&mut self, now: Timestamp) -> Option<Sealed> {
        self.pending.facts.append(&mut self.known.take_changes());
        let idle = self.pending.is_empty();
        if idle && self.release.answers.is_empty() && self.release.enqueue.is_empty() {
            return None;
        }
        let seq = self.pending.seq;
        // An empty batch takes no number: the store never sees it.
        let next = if idle { seq } else { seq + 1 };
        let mut batch = std::mem::replace(&mut self.pending, Batch { seq: next, ..Batch::default() });
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
        let mut handed = Vec::new();
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

    /// Batches whose content must be read back from the store; see [`Core::loaded`].
    pub fn wanted(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.wanted)
    }

    pub(crate) fn want(&mut self, birth: u64) {
        self.cold.entry(birth).or_insert_with(|| {
            self.wanted.push(birth);
            Vec::new()
        });
    }

    /// The message that an idempotency key of this channel was used for.
    #[must_use]
    pub fn find(&self, origin: ChannelId, key: &str, now: Timestamp) -> Option<MessageId> {
        self.known.seen(origin, key, now).map(|(message, _)| message)
    }

    #[must_use]
    pub fn open_messages(&self) -> usize {
        self.open.len()
    }

    /// Happenings since the last call.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// Queues of all channels.
    #[must_use]
    pub fn depths(&self) -> Vec<Depth> {
        let depth = |(channel, lanes): (&ChannelId, &Lanes)| Depth {
            channel: *channel,
            room: lanes.room,
            outstanding: lanes.outstanding,
            paused: lanes.paused,
            urgent: lanes.len(Lane::Urgent),
            person: lanes.len(Lane::Person),
            bulk: lanes.len(Lane::Bulk),
            reports: lanes.reports(),
        };
        self.channels.iter().map(depth).collect()
    }

    /// What memory holds.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let lanes = self.channels.values();
        let queued =
            |lanes: &Lanes| Lane::ALL.map(|lane| lanes.len(lane)).iter().sum::<usize>() + lanes.reports();
        Footprint {
            open: self.open.len(),
            hot: self.open.hot(),
            queued: lanes.clone().map(queued).sum(),
            outstanding: lanes.map(|lanes| lanes.outstanding).sum(),
            due: self.due.len(),
            upstream: self.upstream.len(),
            parked: self.parked.len(),
            unknown: self.unknown.len(),
            gathering: self.gathering.len(),
            codes: self.codes.len(),
            cold: self.cold.len(),
        }
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

    /// Writes an entry about an open message into the batch under way.
    pub(crate) fn record(&mut self, now: Timestamp, message: MessageId, birth: u64, event: Event) {
        if birth != self.pending.seq && birth != self.touched {
            self.touched = birth;
            self.pending.touches.push(birth);
        }
        self.pending.entries.push(Entry { message, at: now, event });
    }

    pub(crate) fn charge(&mut self, record: Option<UsageRecord>) {
        self.pending.usage.extend(record);
    }

    /// Queues a message when the batch under way is committed.
    pub(crate) fn enqueue(&mut self, key: Key) {
        if let Some(open) = self.open.get(key) {
            self.release.enqueue.push((open.channel, Queue::Message(open.lane), key));
        }
    }

    /// Moves a message along the table. False where the table ignores it.
    pub(crate) fn step(&mut self, slot: u32, trigger: Trigger) -> bool {
        let Some(open) = self.open.at_mut(slot) else { return false };
        let Some(to) = next(open.state, trigger) else { return false };
        open.state = to;
        true
    }

    /// The whole of a message, or `None` after asking for it to be read back.
    pub(crate) fn hot(&mut self, slot: u32) -> Option<Arc<Accepted>> {
        let open = self.open.at(slot)?;
        if let Some(accepted) = &open.hot {
            return Some(accepted.clone());
        }
        let birth = open.birth;
        self.want(birth);
        None
    }

    /// Gives a message its final disposition. Call only when it is hot.
    pub(crate) fn end(&mut self, now: Timestamp, slot: u32, disposition: Disposition, cause: Option<Cause>) {
        let was = self.open.at(slot).map(|open| open.state);
        if !self.step(slot, Trigger::Ended) {
            return;
        }
        let Some(open) = self.open.at_mut(slot) else { return };
        open.disposition = disposition;
        open.cause = cause;
        let (message, birth, origin, channel, leg, digest) =
            (open.message, open.birth, open.origin, open.channel, open.leg, open.upstream);
        let receipts = open.receipts;
        if let Some(accepted) = open.hot.clone() {
            let class = accepted.submission.class;
            let meter = Meter { message, leg, origin, channel, class, metered: accepted.metered };
            self.charge(meter.ended(now, disposition, cause));
        }
        self.record(now, message, birth, Event::Final { disposition, cause });
        self.upstream.forget(slot, digest);
        if was == Some(State::Unknown) {
            self.forget_unknown(slot);
        }
        if self.open.ended(birth) && birth != self.pending.seq {
            self.pending.erase.push(birth);
        }
        let told = if disposition.is_success() { receipts.success } else { receipts.failure };
        let Some(policy) = self.policy.channel(origin) else { return self.close(slot) };
        if !told || !policy.takes_reports {
            return self.close(slot);
        }
        let until = seconds(now + policy.report_window);
        self.open.set_deadline(slot, until);
        self.enqueue_report(slot);
    }

    pub(crate) fn enqueue_report(&mut self, slot: u32) {
        let Some(key) = self.open.renew(slot) else { return };
        if let Some(open) = self.open.at(slot) {
            self.release.enqueue.push((open.origin, Queue::Reports, key));
        }
    }

    /// Nothing more is to be done about a message.
    pub(crate) fn close(&mut self, slot: u32) {
        if !self.codes.is_empty()
            && let Some(open) = self.open.at(slot)
        {
            self.codes.remove(&open.message);
        }
        if let Some((birth, true)) = self.open.remove(slot)
            && birth != self.pending.seq
        {
            self.open.forget(birth);
            self.pending.close.push(birth);
        }
    }

    /// A queue that is longer than what its channel takes soon need not be in memory.
    fn cool_if_crowded(&mut self, channel: ChannelId, queue: Queue, key: Key) {
        let lanes = self.lanes(channel);
        // What arrives at a channel that is down is looked at first, see `Core::arrivals`.
        if !lanes.has_room() && !lanes.down {
            self.cool(queue, key);
        }
    }

    pub(crate) fn cool(&mut self, queue: Queue, key: Key) {
        let crowded = self.open.hot() > self.policy.limits.hot_max;
        if crowded && matches!(queue, Queue::Message(_)) && !self.fresh.contains_key(&key.slot) {
            self.open.cool(key.slot);
        }
    }

    pub(crate) fn insert(&mut self, open: Open) -> Key {
        self.open.insert(open)
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
            if let Some(channel) = self.open.at(slot).map(|open| open.channel) {
                self.list(channel);
            }
        }
    }
}
