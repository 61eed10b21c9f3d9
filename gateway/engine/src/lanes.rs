//! What waits for one channel, in the order it will go.

use std::collections::VecDeque;

use model::Lane;

use crate::open::Key;

/// Queues of one channel. Only keys: the backlog itself is in the store.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    urgent: VecDeque<Key>,
    reports: VecDeque<Key>,
    person: VecDeque<Key>,
    bulk: VecDeque<Key>,
    arrivals: Vec<(Queue, Key)>,
    /// Hand-overs the channel can hold unanswered; zero while it is down.
    pub(crate) room: u32,
    pub(crate) outstanding: u32,
    pub(crate) paused: bool,
    /// Said to be down. A channel that has not said anything yet may still be connecting.
    pub(crate) down: bool,
    /// Down, and what waits here is to be looked through for other ways.
    pub(crate) leaving: bool,
    /// Listed for the next dispatch.
    pub(crate) listed: bool,
}

/// Which queue of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    Message(Lane),
    Reports,
}

impl Queue {
    const ORDER: [Self; 4] =
        [Self::Message(Lane::Urgent), Self::Reports, Self::Message(Lane::Person), Self::Message(Lane::Bulk)];
}

impl Lanes {
    pub(crate) fn new(paused: bool) -> Self {
        Self { paused, ..Self::default() }
    }

    fn queue(&mut self, queue: Queue) -> &mut VecDeque<Key> {
        match queue {
            Queue::Message(Lane::Urgent) => &mut self.urgent,
            Queue::Reports => &mut self.reports,
            Queue::Message(Lane::Person) => &mut self.person,
            Queue::Message(Lane::Bulk) => &mut self.bulk,
        }
    }

    /// To the end. What comes while the channel is down is kept apart until it was looked at.
    pub(crate) fn push(&mut self, queue: Queue, key: Key) {
        if self.down {
            self.arrivals.push((queue, key));
        } else {
            self.queue(queue).push_back(key);
        }
    }

    pub(crate) fn take_arrivals(&mut self) -> Vec<(Queue, Key)> {
        std::mem::take(&mut self.arrivals)
    }

    pub(crate) fn stay(&mut self, queue: Queue, key: Key) {
        self.queue(queue).push_back(key);
    }

    /// Back to the front: what was taken out but could not go, or was only slowed down, keeps its place.
    pub(crate) fn push_front(&mut self, queue: Queue, key: Key) {
        self.queue(queue).push_front(key);
    }

    pub(crate) fn pop(&mut self) -> Option<(Queue, Key)> {
        Queue::ORDER.into_iter().find_map(|queue| self.queue(queue).pop_front().map(|key| (queue, key)))
    }

    pub(crate) fn pop_from(&mut self, queue: Queue) -> Option<Key> {
        self.queue(queue).pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.reports.is_empty() && self.person.is_empty() && self.bulk.is_empty()
    }

    /// The next keys of a queue, for reading ahead.
    pub(crate) fn ahead(&mut self, queue: Queue, count: usize) -> impl Iterator<Item = Key> + '_ {
        self.queue(queue).iter().take(count).copied()
    }

    pub(crate) fn has_room(&self) -> bool {
        !self.paused && self.outstanding < self.room
    }

    pub(crate) fn len(&self, lane: Lane) -> usize {
        match lane {
            Lane::Urgent => self.urgent.len(),
            Lane::Person => self.person.len(),
            Lane::Bulk => self.bulk.len(),
        }
    }

    pub(crate) fn reports(&self) -> usize {
        self.reports.len()
    }
}
