//! Requests that await their response (SMPP 3.4 §2.8, SMPP 5.0 §2.9).
//!
//! Sequence numbers are ours and rise, so a request lives in the slot that the low bits of its number
//! name: no hashing. All requests wait equally long, so the order of sending is the order of
//! expiry, and a list through the slots keeps it.

use std::iter;

use crate::limits::{SEQUENCE_FIRST, SEQUENCE_MAX};

/// Slots of a window before it has been used.
const SLOTS_FIRST: usize = 16;
/// No slot: the end of the list.
const NONE: u32 = u32::MAX;

/// In-flight requests of one direction of one session.
#[derive(Debug)]
pub struct Window<T> {
    slots: Vec<Slot<T>>,
    size: usize,
    held: usize,
    next_sequence: u32,
    oldest: u32,
    newest: u32,
    response_timeout_us: i64,
}

#[derive(Debug)]
struct Slot<T> {
    sequence: u32,
    earlier: u32,
    later: u32,
    deadline_us: i64,
    request: Option<T>,
}

impl<T> Slot<T> {
    const EMPTY: Self = Self { sequence: 0, earlier: NONE, later: NONE, deadline_us: 0, request: None };
}

impl<T> Window<T> {
    /// A window of `size` requests, each of which may wait `response_timeout_us`.
    pub const fn new(size: usize, response_timeout_us: i64) -> Self {
        // More than this could not be told apart by number.
        let most = (SEQUENCE_MAX >> 2) as usize;
        let size = if size > most { most } else { size };
        Self {
            slots: Vec::new(),
            size,
            held: 0,
            next_sequence: SEQUENCE_FIRST,
            oldest: NONE,
            newest: NONE,
            response_timeout_us,
        }
    }

    /// The same window, as if so many requests had been sent before.
    #[must_use]
    pub fn starting_at(mut self, sequence: u32) -> Self {
        self.next_sequence = sequence.clamp(SEQUENCE_FIRST, SEQUENCE_MAX);
        self
    }

    /// Takes a request in and numbers it. A full window hands the request back: it has to wait, it
    /// has not failed.
    #[inline]
    pub fn insert(&mut self, now_us: i64, request: T) -> Result<u32, T> {
        if self.is_full() {
            return Err(request);
        }
        if self.held * 2 >= self.slots.len() {
            self.grow();
        }
        let sequence = self.sequence();
        let place = self.place(sequence);
        let newest = self.newest;
        let deadline_us = now_us.saturating_add(self.response_timeout_us);
        let Some(slot) = self.slots.get_mut(place as usize) else { return Err(request) };
        debug_assert!(slot.request.is_none(), "a number is given out only while its slot is free");
        *slot = Slot { sequence, earlier: newest, later: NONE, deadline_us, request: Some(request) };
        match self.slots.get_mut(newest as usize) {
            Some(before) => before.later = place,
            None => self.oldest = place,
        }
        self.newest = place;
        self.held += 1;
        Ok(sequence)
    }

    /// The next free number, for a request that is not held here: `enquire_link` and `unbind` go
    /// past the window.
    #[inline]
    pub fn sequence(&mut self) -> u32 {
        // Fewer slots are taken than there are, so this ends before it comes round.
        loop {
            let sequence = self.next_sequence;
            self.next_sequence = if sequence >= SEQUENCE_MAX { SEQUENCE_FIRST } else { sequence + 1 };
            let place = self.place(sequence) as usize;
            if self.slots.get(place).is_none_or(|slot| slot.request.is_none()) {
                return sequence;
            }
        }
    }

    /// The request that this response answers; `None` for a late response, or for one to nothing.
    #[inline]
    pub fn complete(&mut self, sequence: u32) -> Option<T> {
        let place = self.place(sequence);
        let slot = self.slots.get_mut(place as usize)?;
        if slot.sequence != sequence {
            return None;
        }
        let request = slot.request.take()?;
        let (earlier, later) = (slot.earlier, slot.later);
        match self.slots.get_mut(earlier as usize) {
            Some(before) => before.later = later,
            None => self.oldest = later,
        }
        match self.slots.get_mut(later as usize) {
            Some(after) => after.earlier = earlier,
            None => self.newest = earlier,
        }
        self.held -= 1;
        Some(request)
    }

    /// Looks at a request that waits.
    pub fn get(&self, sequence: u32) -> Option<&T> {
        let slot = self.slots.get(self.place(sequence) as usize)?;
        if slot.sequence == sequence { slot.request.as_ref() } else { None }
    }

    /// Gives up the requests whose time is over, oldest first. What became of them is unknown.
    pub fn expire(&mut self, now_us: i64) -> impl Iterator<Item = (u32, T)> {
        iter::from_fn(move || {
            let slot = self.slots.get(self.oldest as usize)?;
            if slot.deadline_us > now_us {
                return None;
            }
            let sequence = slot.sequence;
            Some((sequence, self.complete(sequence)?))
        })
    }

    /// Gives up every request, oldest first, when the link is lost. What became of them is unknown.
    pub fn drain(&mut self) -> impl Iterator<Item = (u32, T)> {
        self.expire(i64::MAX)
    }

    /// When the oldest request will have waited long enough.
    #[inline]
    pub fn next_deadline_us(&self) -> Option<i64> {
        Some(self.slots.get(self.oldest as usize)?.deadline_us)
    }

    /// Changes how many requests may wait; those that wait already stay.
    pub fn resize(&mut self, size: usize) {
        self.size = Self::new(size, 0).size;
    }

    /// Requests waiting.
    pub const fn len(&self) -> usize {
        self.held
    }

    /// Nothing waits.
    pub const fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// No request more.
    pub const fn is_full(&self) -> bool {
        self.held >= self.size
    }

    /// Requests that may still be sent.
    pub const fn room(&self) -> usize {
        self.size.saturating_sub(self.held)
    }

    /// The number of slots is a power of two, so that the numbering wraps without a seam.
    const fn place(&self, sequence: u32) -> u32 {
        sequence & (self.slots.len() as u32).wrapping_sub(1)
    }

    /// Twice the slots. Numbers that differ in fewer low bits differ in more.
    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(SLOTS_FIRST);
        let mut grown = Vec::with_capacity(slots);
        grown.resize_with(slots, || Slot::EMPTY);
        let mask = slots as u32 - 1;
        let old = std::mem::replace(&mut self.slots, grown);
        let moved = |place: u32| old.get(place as usize).map_or(NONE, |slot| slot.sequence & mask);
        (self.oldest, self.newest) = (moved(self.oldest), moved(self.newest));
        let links: Vec<_> = old.iter().map(|slot| (moved(slot.earlier), moved(slot.later))).collect();
        for (slot, (earlier, later)) in old.into_iter().zip(links) {
            if slot.request.is_some()
                && let Some(place) = self.slots.get_mut((slot.sequence & mask) as usize)
            {
                *place = Slot { earlier, later, ..slot };
            }
        }
    }
}
