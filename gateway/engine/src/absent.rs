//! Messages that wait until their recipient is there (deferred delivery, RCS sheet §8.5).
//!
//! They are in no queue: nothing is tried until a channel says that the person has come, or until a slow
//! timer doubts that it would have said so. All that wait for one person go together, in their order.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use model::{ChannelId, For, Lane, MessageId, Msisdn, Number, Pii, Presence, Timestamp};

use crate::{
    core::Core,
    delivery::{State, Trigger},
    lanes::Queue,
    open::Key,
};

/// Where somebody is waited for, and who.
type Person = (ChannelId, Msisdn);

#[derive(Debug, Default)]
pub(crate) struct Absent {
    lists: HashMap<Person, List>,
    due: BTreeSet<(Timestamp, Person)>,
    keys: usize,
}

#[derive(Debug)]
struct List {
    /// Those that have left in another way are passed over.
    keys: Vec<Key>,
    live: usize,
    at: Timestamp,
}

impl Absent {
    pub(crate) fn len(&self) -> usize {
        self.keys
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    pub(crate) fn awaits(&self, person: Person) -> bool {
        self.lists.contains_key(&person)
    }

    /// One more waits. Where it is the first, all are tried again at `at` without being asked.
    fn push(&mut self, at: Timestamp, person: Person, key: Key) {
        let due = &mut self.due;
        let list = self.lists.entry(person).or_insert_with(|| {
            due.insert((at, person));
            List { keys: Vec::new(), live: 0, at }
        });
        list.keys.push(key);
        list.live += 1;
        self.keys += 1;
    }

    /// One has left in another way: ended, or sent by another channel.
    fn left(&mut self, person: Person) {
        let Some(list) = self.lists.get_mut(&person) else { return };
        list.live = list.live.saturating_sub(1);
        if list.live == 0 {
            self.take(person);
        }
    }

    fn take(&mut self, person: Person) -> Vec<Key> {
        let Some(list) = self.lists.remove(&person) else { return Vec::new() };
        self.due.remove(&(list.at, person));
        self.keys -= list.keys.len();
        list.keys
    }

    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }
}

impl Core {
    /// The message waits for its recipient. False where that cannot be: there is no number to wait for, or
    /// too many wait already.
    pub(crate) fn await_recipient(&mut self, key: Key, at: Timestamp) -> bool {
        let Some(person) =
            self.person(key.slot).filter(|_| self.absent.len() < self.policy.limits.absent_max)
        else {
            return false;
        };
        if !self.step(key.slot, Trigger::Missed) {
            return false;
        }
        self.absent.push(at, person, key);
        if self.open.hot() > self.policy.limits.hot_max && !self.fresh.contains_key(&key.slot) {
            self.open.cool(key.slot);
        }
        true
    }

    /// A channel says who can be reached on it.
    pub(crate) fn presence(
        &mut self,
        now: Timestamp,
        channel: ChannelId,
        number: &Pii<Number>,
        presence: Presence,
    ) {
        let Some(number) = self.policy.numbering.e164(number.reveal(For::Decision)) else { return };
        self.known.set_presence(now, channel, number, presence, self.policy.limits.presences_max);
        if presence.is_here() {
            self.found(now, channel, number);
        }
    }

    /// The person is there, or may be: whatever waits for them goes, in the order of acceptance, and before what
    /// has come since (invariant I7). All of it is committed.
    pub(crate) fn found(&mut self, now: Timestamp, channel: ChannelId, number: Msisdn) {
        if self.absent.is_empty() {
            return;
        }
        let keys = self.absent.take((channel, number));
        let mut waiting: Vec<(MessageId, Lane, Key)> = keys
            .into_iter()
            .filter_map(|key| {
                let open = self.open.get(key).filter(|open| open.state == State::Absent)?;
                Some((open.message, open.lane, key))
            })
            .collect();
        waiting.sort_unstable_by_key(|(message, ..)| *message);
        for (_, _, key) in &waiting {
            self.step(key.slot, Trigger::Found);
        }
        let lanes = self.lanes(channel);
        if lanes.down && !lanes.paused {
            waiting.retain(|(.., key)| !self.moves_on(now, channel, *key));
        }
        let lanes = self.lanes(channel);
        waiting.into_iter().rev().for_each(|(_, lane, key)| lanes.push_front(Queue::Message(lane), key));
        self.list(channel);
    }

    /// Who a message waits for, or would.
    pub(crate) fn person(&self, slot: u32) -> Option<Person> {
        let open = self.open.at(slot)?;
        Some((open.channel, open.hot.as_ref()?.metered.to?))
    }

    /// To be called before a message that may be waiting for its recipient goes another way.
    pub(crate) fn no_longer_absent(&mut self, slot: u32) {
        if self.open.at(slot).is_some_and(|open| open.state == State::Absent)
            && let Some(person) = self.person(slot)
        {
            self.absent.left(person);
        }
    }

    /// Those whom no channel has named for a long time.
    pub(crate) fn doubt_absence(&mut self, now: Timestamp) {
        while let Some(&(at, (channel, number))) = self.absent.due.first()
            && at <= now
        {
            self.found(now, channel, number);
        }
    }

    /// Waits behind those who wait for the same person.
    pub(crate) fn joins_the_absent(&mut self, key: Key) -> bool {
        let awaited = |person| self.absent.awaits(person);
        // The first of them has set the time.
        !self.absent.is_empty()
            && self.person(key.slot).is_some_and(awaited)
            && self.await_recipient(key, Timestamp::ZERO)
    }
}
