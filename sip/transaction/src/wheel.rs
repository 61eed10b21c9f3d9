//! A hierarchical timer wheel: one alarm for each numbered thing.
//!
//! Seven levels of 64 buckets; a bucket of level *n* spans 64ⁿ ticks. Setting and taking back an alarm cost a few
//! writes whatever the number of alarms, and an alarm moves down at most once for each level. It lies on the level of
//! its distance, not of the digit it differs in: those 32 s away are never more than one level up, and a bucket that
//! moves down is a 64th of a round and not all of it at once. Buckets are chains through the nodes, which have the
//! things' own numbers and lie in pieces, so that nothing is copied when there are more: memory is 24 octets for each
//! number ever used, and an alarm that was taken back leaves nothing behind.

/// Buckets to a level: one bit each in the level's `filled`.
const BUCKETS: usize = 64;
const BITS: u32 = BUCKETS.trailing_zeros();
/// 64⁷ ticks: at 10 ms a tick, fourteen centuries.
const LEVELS: usize = 7;

/// Nodes in one piece of memory.
const PIECE: usize = 1024;

const NONE: u32 = u32::MAX;
/// `bucket` of a node without an alarm.
const OFF: u16 = u16::MAX;
/// `bucket` of a node that is due and waits for [`Wheel::pop`].
const DUE: u16 = u16::MAX - 1;

#[derive(Debug, Clone, Copy)]
struct Node {
    tick: u64,
    next: u32,
    before: u32,
    bucket: u16,
}

/// Alarms for things numbered from zero, at instants in microseconds.
#[derive(Debug)]
pub struct Wheel {
    tick_us: i64,
    /// All ticks up to this one have been handed out.
    now: u64,
    nodes: Vec<Box<[Node]>>,
    heads: [[u32; BUCKETS]; LEVELS],
    filled: [u64; LEVELS],
    /// Chain of those that are due, first in first out.
    due_head: u32,
    due_tail: u32,
    set: usize,
}

impl Wheel {
    /// A wheel that stands at `now_us`. Alarms are late by less than `tick_us`, never early.
    #[must_use]
    pub fn new(now_us: i64, tick_us: i64) -> Self {
        let tick_us = tick_us.max(1);
        Self {
            tick_us,
            now: u64::try_from(now_us.div_euclid(tick_us)).unwrap_or(0),
            nodes: Vec::new(),
            heads: [[NONE; BUCKETS]; LEVELS],
            filled: [0; LEVELS],
            due_head: NONE,
            due_tail: NONE,
            set: 0,
        }
    }

    /// Alarms that are set.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.set
    }

    /// Whether no alarm is set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.set == 0
    }

    /// How far the wheel has come: alarms up to this instant are due, whatever earlier instant is asked about. Who
    /// compares instants of his own with it must not believe in an earlier now.
    #[must_use]
    pub fn now_us(&self) -> i64 {
        self.us(self.now)
    }

    /// Sets the alarm of thing `id`, instead of the one it had. An instant in the past is due at the next
    /// [`Wheel::pop`].
    pub fn set(&mut self, id: u32, at_us: i64) {
        self.clear(id);
        let pieces = id as usize / PIECE + 1;
        if pieces > self.nodes.len() {
            let idle = Node { tick: 0, next: NONE, before: NONE, bucket: OFF };
            self.nodes.resize_with(pieces, || vec![idle; PIECE].into_boxed_slice());
        }
        // Rounded up: never early.
        let tick =
            at_us.div_euclid(self.tick_us).saturating_add(i64::from(at_us.rem_euclid(self.tick_us) != 0));
        let tick = u64::try_from(tick).unwrap_or(0);
        self.set += 1;
        self.place(id, tick);
    }

    /// Takes the alarm of thing `id` back, if it had one.
    pub fn clear(&mut self, id: u32) {
        let Some(node) = self.node(id) else { return };
        if node.bucket == OFF {
            return;
        }
        self.unlink(id, node);
        self.set -= 1;
    }

    /// The instant of the alarm of thing `id`, rounded up to a tick.
    #[must_use]
    pub fn at(&self, id: u32) -> Option<i64> {
        let node = self.node(id).filter(|node| node.bucket != OFF)?;
        Some(self.us(node.tick))
    }

    /// The next thing whose alarm is due at `now_us`; its alarm is off then. Things come in the order of their
    /// ticks; those of one tick in any order, but the same one for the same history.
    pub fn pop(&mut self, now_us: i64) -> Option<u32> {
        let until = u64::try_from(now_us.div_euclid(self.tick_us)).unwrap_or(0);
        while self.due_head == NONE {
            if !self.advance(until) {
                return None;
            }
        }
        let id = self.due_head;
        let node = self.node(id)?;
        self.unlink(id, node);
        self.set -= 1;
        Some(id)
    }

    /// When [`Wheel::pop`] may next have something: not later than the next alarm, and at the latest when alarms
    /// have to move down a level. `None` when no alarm is set.
    #[must_use]
    pub fn next_us(&self) -> Option<i64> {
        if self.due_head != NONE {
            return Some(self.us(self.now));
        }
        self.next_stop().map(|tick| self.us(tick))
    }

    fn us(&self, tick: u64) -> i64 {
        i64::try_from(tick).unwrap_or(i64::MAX).saturating_mul(self.tick_us)
    }

    fn node(&self, id: u32) -> Option<Node> {
        self.nodes.get(id as usize / PIECE)?.get(id as usize % PIECE).copied()
    }

    fn node_mut(&mut self, id: u32) -> Option<&mut Node> {
        self.nodes.get_mut(id as usize / PIECE)?.get_mut(id as usize % PIECE)
    }

    /// The tick at which the next bucket of any level begins that has something.
    fn next_stop(&self) -> Option<u64> {
        let begins = |(level, filled): (usize, &u64)| {
            if *filled == 0 {
                return None;
            }
            let here = self.now >> (BITS * level as u32);
            // Turned so that the bucket after the present one is bit 0; the present one is a whole round away.
            let ahead = filled.rotate_right((here as u32 + 1) % BUCKETS as u32).trailing_zeros();
            Some((here + u64::from(ahead) + 1) << (BITS * level as u32))
        };
        self.filled.iter().enumerate().filter_map(begins).min()
    }

    /// Goes on to the next bucket that has something, but not beyond `until`; false when there is none.
    fn advance(&mut self, until: u64) -> bool {
        let Some(begins) = self.next_stop().filter(|begins| *begins <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = begins;
        // Buckets of several levels begin here when it is a round number.
        let levels = (begins.trailing_zeros() / BITS).min(LEVELS as u32 - 1);
        for level in 0..=levels {
            let number = (begins >> (BITS * level)) as usize % BUCKETS;
            let mut id = self.take_bucket(level as usize, number);
            while id != NONE {
                let Some(node) = self.node(id) else { return false };
                self.place(id, node.tick);
                id = node.next;
            }
        }
        true
    }

    /// Empties a bucket: the head of its chain.
    fn take_bucket(&mut self, level: usize, number: usize) -> u32 {
        if let Some(filled) = self.filled.get_mut(level) {
            *filled &= !(1 << number);
        }
        let head = self.heads.get_mut(level).and_then(|heads| heads.get_mut(number));
        head.map_or(NONE, |head| std::mem::replace(head, NONE))
    }

    /// Puts a node where its tick belongs, seen from now.
    fn place(&mut self, id: u32, tick: u64) {
        if tick <= self.now {
            let tail = self.due_tail;
            self.write(id, Node { tick, next: NONE, before: tail, bucket: DUE });
            match self.node_mut(tail) {
                Some(before) => before.next = id,
                None => self.due_head = id,
            }
            self.due_tail = id;
            return;
        }
        // One to 64 buckets ahead on its level. On the last one buckets stand for several rounds, and what is of a later
        // one is placed again.
        let level = ((tick - self.now).ilog2() / BITS).min(LEVELS as u32 - 1);
        let number = (tick >> (BITS * level)) as usize % BUCKETS;
        let level = level as usize;
        let Some(head) = self.heads.get_mut(level).and_then(|heads| heads.get_mut(number)) else { return };
        let next = std::mem::replace(head, id);
        if let Some(filled) = self.filled.get_mut(level) {
            *filled |= 1 << number;
        }
        self.write(id, Node { tick, next, before: NONE, bucket: (level * BUCKETS + number) as u16 });
        if let Some(after) = self.node_mut(next) {
            after.before = id;
        }
    }

    fn write(&mut self, id: u32, node: Node) {
        if let Some(place) = self.node_mut(id) {
            *place = node;
        }
    }

    fn unlink(&mut self, id: u32, node: Node) {
        if let Some(after) = self.node_mut(node.next) {
            after.before = node.before;
        } else if node.bucket == DUE {
            self.due_tail = node.before;
        }
        if let Some(before) = self.node_mut(node.before) {
            before.next = node.next;
        } else if node.bucket == DUE {
            self.due_head = node.next;
        } else {
            let (level, number) = (usize::from(node.bucket) / BUCKETS, usize::from(node.bucket) % BUCKETS);
            if let Some(head) = self.heads.get_mut(level).and_then(|heads| heads.get_mut(number)) {
                *head = node.next;
            }
            if node.next == NONE
                && let Some(filled) = self.filled.get_mut(level)
            {
                *filled &= !(1 << number);
            }
        }
        if let Some(place) = self.node_mut(id) {
            place.bucket = OFF;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Set { id: u32, after: i64 },
        Clear { id: u32 },
        Wait { us: i64 },
    }

    fn far() -> impl Strategy<Value = i64> {
        // Around every level of the wheel, and a little into the past.
        prop_oneof![
            -50_i64..50,
            0_i64..5_000,
            0_i64..500_000,
            0_i64..40_000_000,
            0_i64..2_000_000_000,
            0_i64..9_000_000_000_000
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u32..30, far()).prop_map(|(id, after)| Step::Set { id, after }),
            (0_u32..30).prop_map(|id| Step::Clear { id }),
            far().prop_map(|us| Step::Wait { us: us.max(0) }),
        ]
    }

    proptest! {
        /// Against a plain list of instants: nothing is lost, early, late by a tick, or twice.
        #[test]
        fn agrees_with_a_plain_list(start in 0_i64..5_000_000, tick in 1_i64..40, steps in proptest::collection::vec(step(), 0..120)) {
            let mut wheel = Wheel::new(start, tick);
            let mut model = BTreeMap::new();
            let mut now = start;
            for step in steps {
                match step {
                    Step::Set { id, after } => {
                        wheel.set(id, now.saturating_add(after));
                        model.insert(id, (now + after).max(0));
                        prop_assert!(wheel.at(id).is_some_and(|at| (0..tick).contains(&(at - (now + after).max(0)))));
                    }
                    Step::Clear { id } => {
                        wheel.clear(id);
                        model.remove(&id);
                        prop_assert_eq!(wheel.at(id), None);
                    }
                    Step::Wait { us } => {
                        now = now.saturating_add(us);
                        let reached = now.div_euclid(tick) * tick;
                        let mut last = i64::MIN;
                        while let Some(id) = wheel.pop(now) {
                            let at = model.remove(&id);
                            prop_assert!(at.is_some_and(|at| at <= now), "not early: {:?}", at);
                            // In the order of ticks, but for those set in the past.
                            let tick_of = at.unwrap_or(0).div_euclid(tick).max(last.min(start));
                            last = last.max(tick_of);
                        }
                        prop_assert!(model.values().all(|at| *at > reached), "none is left");
                    }
                }
                prop_assert_eq!(wheel.len(), model.len());
                prop_assert_eq!(wheel.is_empty(), model.is_empty());
                let first = model.values().min().copied();
                match (wheel.next_us(), first) {
                    (None, None) => {}
                    (Some(next), Some(first)) => prop_assert!(next < first.max(now) + tick, "{} after {}", next, first),
                    other => prop_assert!(false, "{:?}", other),
                }
                prop_assert!(wheel.nodes.len() <= 1);
            }
        }
    }

    /// Whoever sleeps until `next_us` each time wakes a handful of times, and the last time exactly then.
    #[test]
    fn sleeping_until_next_ends_at_the_alarm() {
        for after_us in [1, 9_999, 10_000, 32_000_000, 600_000_000_000, 31_557_600_000_000] {
            let (start, tick) = (1_800_000_000_000_000, 10_000);
            let mut wheel = Wheel::new(start, tick);
            wheel.set(3, start + after_us);
            let mut wakes = 0;
            loop {
                let now = wheel.next_us().expect("one alarm is set");
                wakes += 1;
                assert!(wakes <= LEVELS as u32 + 1, "{after_us}");
                if let Some(id) = wheel.pop(now) {
                    assert_eq!(id, 3);
                    assert!((0..tick).contains(&(now - start - after_us)), "{after_us}");
                    break;
                }
            }
            assert!(wheel.is_empty() && wheel.next_us().is_none());
        }
    }

    /// Timer J of a flood moves down in portions of 64 ticks, whenever it was set.
    #[test]
    fn what_is_32_s_away_lies_one_level_up() {
        let (start, tick) = (1_800_000_000_000_000, 10_000);
        let mut wheel = Wheel::new(start, tick);
        for id in 0..5_000 {
            let now = start + i64::from(id) * tick;
            assert_eq!(wheel.pop(now), (id >= 3_200).then(|| id - 3_200));
            wheel.set(id, now + 32_000_000);
            let node = wheel.node(id).expect("it was set");
            assert_eq!(usize::from(node.bucket) / BUCKETS, 1);
        }
    }

    #[test]
    fn one_tick_comes_before_the_next() {
        let mut wheel = Wheel::new(0, 10);
        for id in 0..1000_u32 {
            wheel.set(id, i64::from(id.wrapping_mul(7919) % 1000) * 10);
        }
        let mut last = -1;
        while let Some(id) = wheel.pop(20_000) {
            let at = i64::from(id.wrapping_mul(7919) % 1000);
            assert!(at >= last, "{at} after {last}");
            last = at;
        }
        assert_eq!(last, 999);
    }

    /// Instants beyond all reach neither panic nor fire.
    #[test]
    fn the_end_of_time_is_far() {
        let mut wheel = Wheel::new(0, 1);
        wheel.set(0, i64::MAX);
        wheel.set(1, i64::MIN);
        assert_eq!(wheel.pop(0), Some(1));
        assert_eq!(wheel.pop(1 << 50), None);
        assert_eq!(wheel.len(), 1);
        assert_eq!(wheel.pop(i64::MAX), Some(0));
    }
}
