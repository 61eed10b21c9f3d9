//! What is open and not in memory: read back from the store, a batch at a time, when it is needed.

use std::{collections::VecDeque, sync::Arc};

use hashbrown::HashMap;
use model::{
    Address, Answer, Cause, ChannelId, Command, Content, For, Inbound, MessageId, Number, Pii, Ticket,
    Timestamp,
};

use crate::{
    core::Core,
    delivery::State,
    journal::{Accepted, Chapter, Event},
    open::Key,
};

/// Withdrawals by addresses that look through the backlog at one time.
const SWEEPS_MAX: usize = 16;

/// What waits for content to be read back.
#[derive(Debug, Default)]
pub(crate) struct Cold {
    /// By batch; an entry means that the batch is being read.
    waiting: HashMap<u64, Vec<Inbound>>,
    wanted: Vec<u64>,
    /// Batches whose reading must be repeated: something was committed meanwhile that it may not have seen.
    outdated: Vec<u64>,
    /// Batches that have closed before they were read.
    closed: Vec<u64>,
    sweeps: VecDeque<Sweep>,
}

/// Messages withdrawn by their addresses, batch by batch.
#[derive(Debug)]
struct Sweep {
    origin: ChannelId,
    from: Pii<Number>,
    to: Pii<Number>,
    ticket: Ticket,
    births: VecDeque<u64>,
    count: u32,
}

impl Cold {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len() + self.sweeps.len()
    }

    pub(crate) fn want(&mut self, birth: u64) {
        let wanted = &mut self.wanted;
        self.waiting.entry(birth).or_insert_with(|| {
            wanted.push(birth);
            Vec::new()
        });
    }

    /// Asks for a batch and comes back to this when it is there.
    pub(crate) fn park(&mut self, birth: u64, inbound: Inbound) {
        self.want(birth);
        self.waiting.entry(birth).or_default().push(inbound);
    }

    /// Something about a message of this batch has become durable: what is being read may not show it.
    pub(crate) fn outdate(&mut self, birth: u64) {
        if self.waiting.contains_key(&birth) && !self.outdated.contains(&birth) {
            self.outdated.push(birth);
        }
    }

    /// Nothing of this batch is open any more: it cannot be read back, and need not be.
    pub(crate) fn closed(&mut self, birth: u64) {
        if self.waiting.contains_key(&birth) {
            self.closed.push(birth);
        }
    }
}

impl Core {
    /// Batches whose content must be read back from the store; see [`Core::loaded`].
    pub fn wanted(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.cold.wanted)
    }

    /// Takes content that was read back and does what waited for it.
    pub fn loaded(&mut self, now: Timestamp, chapters: Vec<Chapter>) {
        for chapter in chapters {
            if let Some(place) = self.cold.outdated.iter().position(|birth| *birth == chapter.birth) {
                self.cold.outdated.swap_remove(place);
                if self.cold.waiting.contains_key(&chapter.birth) {
                    self.cold.wanted.push(chapter.birth);
                    continue;
                }
            }
            let birth = chapter.birth;
            for (key, accepted) in self.fold(chapter) {
                self.open.heat(key.slot, Arc::new(accepted));
                self.relist(key);
            }
            self.read(now, birth);
        }
    }

    /// Goes on with what waited for batches that have closed meanwhile.
    pub(crate) fn give_up_reading(&mut self, now: Timestamp) {
        for birth in std::mem::take(&mut self.cold.closed) {
            self.read(now, birth);
        }
    }

    /// The messages of a chapter that are not in memory, as they stand now. What is in memory is newer.
    fn fold(&self, chapter: Chapter) -> Vec<(Key, Accepted)> {
        let mut contents: HashMap<MessageId, Content> = chapter.contents.into_iter().collect();
        let mut places: HashMap<MessageId, usize> = HashMap::new();
        let mut folded: Vec<(Key, Accepted)> = Vec::new();
        let missing: HashMap<MessageId, Key> = self
            .open
            .members(chapter.birth)
            .filter(|(_, key)| self.open.get(*key).is_some_and(|open| open.hot.is_none()))
            .collect();
        for entry in chapter.entries {
            if let Event::Accepted(accepted) = entry.event {
                let Some(&key) = missing.get(&entry.message) else { continue };
                places.insert(entry.message, folded.len());
                folded.push(match contents.remove(&entry.message) {
                    Some(content) => (key, accepted.with_content(content)),
                    None => (key, Arc::unwrap_or_clone(accepted)),
                });
            } else if let Some(place) = places.get(&entry.message)
                && let Some((_, accepted)) = folded.get_mut(*place)
            {
                accepted.apply(&entry.event);
            }
        }
        folded
    }

    fn relist(&mut self, key: Key) {
        if let Some(open) = self.open.get(key) {
            let (channel, origin) = (open.channel, open.origin);
            // A channel that is down looks at what it could not see before.
            self.lanes(channel).leaving = true;
            self.list(channel);
            self.list(origin);
        }
    }

    /// A batch is there, or gone.
    fn read(&mut self, now: Timestamp, birth: u64) {
        for inbound in self.cold.waiting.remove(&birth).unwrap_or_default() {
            self.take(now, inbound);
        }
        self.sweep(now, birth);
    }

    /// Comes back to a command when its message is there.
    pub(crate) fn ask_again(&mut self, birth: u64, command: Command, ticket: Ticket) {
        self.cold.park(birth, Inbound::Command { command, ticket });
    }

    /// Withdraws every waiting message of `origin` between these two. What is not in memory is read back first;
    /// then the answer comes when all of it has been looked at.
    pub(crate) fn cancel_matching(
        &mut self,
        now: Timestamp,
        origin: ChannelId,
        (from, to): (Pii<Number>, Pii<Number>),
        ticket: Ticket,
    ) {
        let mut slots = Vec::new();
        let mut births: Vec<u64> = Vec::new();
        for key in self.open.keys() {
            let Some(open) = self.open.get(key) else { continue };
            if open.origin != origin || !matches!(open.state, State::Waiting | State::Absent) {
                continue;
            }
            match &open.hot {
                Some(accepted) if accepted.is_between(&from, &to) => slots.push(key.slot),
                Some(_) => {}
                None => births.push(open.birth),
            }
        }
        births.sort_unstable();
        births.dedup();
        if !births.is_empty() && self.cold.sweeps.len() >= SWEEPS_MAX {
            return self.refuse(ticket, Cause::QueueFull);
        }
        let count = self.withdraw_all(now, &slots);
        match births.first() {
            None => self.answer(ticket, Answer::Count(count)),
            Some(&first) => {
                self.cold.want(first);
                self.cold.sweeps.push_back(Sweep { origin, from, to, ticket, births: births.into(), count });
            }
        }
    }

    fn withdraw_all(&mut self, now: Timestamp, slots: &[u32]) -> u32 {
        for &slot in slots {
            self.withdraw(now, slot);
        }
        u32::try_from(slots.len()).unwrap_or(u32::MAX)
    }

    /// Sweeps that wait for this batch go on with the next.
    fn sweep(&mut self, now: Timestamp, birth: u64) {
        for mut sweep in std::mem::take(&mut self.cold.sweeps) {
            if sweep.births.front() == Some(&birth) {
                sweep.births.pop_front();
                let members = self.open.members(birth).filter_map(|(_, key)| {
                    let open = self.open.get(key)?;
                    let waits =
                        matches!(open.state, State::Waiting | State::Absent) && open.origin == sweep.origin;
                    (waits && open.hot.as_ref()?.is_between(&sweep.from, &sweep.to)).then_some(key.slot)
                });
                let slots: Vec<u32> = members.collect();
                sweep.count += self.withdraw_all(now, &slots);
                self.cool_again(birth);
            }
            // What has closed meanwhile cannot be read back, and need not be.
            while sweep.births.front().is_some_and(|next| self.open.members(*next).next().is_none()) {
                sweep.births.pop_front();
            }
            match sweep.births.front() {
                Some(&next) => {
                    self.cold.want(next);
                    self.cold.sweeps.push_back(sweep);
                }
                None => self.answer(sweep.ticket, Answer::Count(sweep.count)),
            }
        }
    }

    /// A whole backlog was looked through: it need not stay.
    fn cool_again(&mut self, birth: u64) {
        let slots: Vec<u32> = self.open.members(birth).map(|(_, key)| key.slot).collect();
        for slot in slots {
            let waits =
                self.open.at(slot).is_some_and(|open| matches!(open.state, State::Waiting | State::Absent));
            if waits && self.open.hot() > self.policy.limits.hot_max && !self.fresh.contains_key(&slot) {
                self.open.cool(slot);
            }
        }
    }
}

impl Accepted {
    /// What later entries have made of it.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Replaced { expires_at, metered, scheduled_at } => {
                self.expires_at = *expires_at;
                self.metered = *metered;
                if let Some(at) = scheduled_at {
                    Arc::make_mut(&mut self.submission).scheduled_at = Some(*at);
                }
            }
            Event::Rerouted { metered: Some(metered), .. } => self.metered = *metered,
            _ => {}
        }
    }

    /// Its sender wrote this number as its own.
    #[must_use]
    pub fn is_from(&self, number: &Pii<Number>) -> bool {
        is_written(&self.submission.from, number)
    }

    fn is_between(&self, from: &Pii<Number>, to: &Pii<Number>) -> bool {
        self.is_from(from) && is_written(&self.submission.to, to)
    }
}

fn is_written(address: &Pii<Address>, number: &Pii<Number>) -> bool {
    match address.reveal(For::Decision) {
        Address::Number(written) => written.digits == number.reveal(For::Decision).digits,
        Address::User(_) => false,
    }
}
