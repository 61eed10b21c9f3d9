//! Putting chunks together again, in whatever order they come (RFC 4975 §5.1, §7.3.1).

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use crate::limits::SEGMENTS_MAX;

/// What has come of one message. Octets are copied in, so that no receive buffer is kept for a few of them.
/// `Debug` shows none.
#[derive(Default)]
pub struct Reassembly {
    /// By the place of their first octet, counted from 0; they neither touch nor overlap.
    segments: BTreeMap<u64, BytesMut>,
    octets: usize,
    /// Octets of the whole, once the chunk with the last one has come.
    total: Option<u64>,
}

/// More octets or more holes than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message is larger than allowed")]
pub struct TooLarge;

impl Reassembly {
    /// Octets at `at`, counted from 0. Where something lay already, the later octets win.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when the message would reach over `octets_max` or has too many holes.
    pub fn put(&mut self, at: u64, octets: &[u8], octets_max: usize) -> Result<(), TooLarge> {
        let end = at.checked_add(octets.len() as u64).ok_or(TooLarge)?;
        if end > octets_max as u64 {
            return Err(TooLarge);
        }
        if octets.is_empty() {
            return Ok(());
        }
        // Nearly always: the next chunk.
        if let Some((start, last)) = self.segments.iter_mut().next_back()
            && *start + last.len() as u64 == at
        {
            last.extend_from_slice(octets);
            self.octets += octets.len();
            return Ok(());
        }
        self.insert(at, end, octets);
        self.octets = self.segments.values().map(BytesMut::len).sum();
        if self.segments.len() > SEGMENTS_MAX { Err(TooLarge) } else { Ok(()) }
    }

    /// Merges with everything that touches `at..end`.
    fn insert(&mut self, at: u64, end: u64, octets: &[u8]) {
        let before = self.segments.range(..=at).next_back();
        let first = before.filter(|(start, held)| **start + held.len() as u64 >= at).map(|(start, _)| *start);
        let first = first.unwrap_or(at);
        let touched: Vec<u64> = self.segments.range(first..=end).map(|(start, _)| *start).collect();
        let mut merged = BytesMut::new();
        let mut tail = BytesMut::new();
        for start in touched {
            let Some(mut held) = self.segments.remove(&start) else { continue };
            let held_end = start + held.len() as u64;
            if held_end > end {
                tail = held.split_off(index(end.saturating_sub(start)));
            }
            if start < at {
                held.truncate(index(at - start));
                merged = held;
            }
        }
        merged.extend_from_slice(octets);
        merged.extend_from_slice(&tail);
        self.segments.insert(first, merged);
    }

    /// The chunk with the last octet has come; the message has this many.
    pub fn ends_at(&mut self, octets: u64) {
        self.total = Some(octets);
    }

    /// Nothing is missing.
    pub fn is_complete(&self) -> bool {
        match (self.total, self.segments.first_key_value()) {
            (None, _) => false,
            (Some(0), _) => true,
            (Some(_), None) => false,
            (Some(total), Some((start, first))) => *start == 0 && first.len() as u64 >= total,
        }
    }

    /// Octets held.
    pub const fn octets(&self) -> usize {
        self.octets
    }

    /// The message. What lies behind its end is cut off.
    pub fn into_message(mut self) -> Bytes {
        let mut first = self.segments.remove(&0).unwrap_or_default();
        first.truncate(self.total.map_or(first.len(), index));
        first.freeze()
    }
}

impl std::fmt::Debug for Reassembly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reassembly")
            .field("octets", &self.octets)
            .field("segments", &self.segments.len())
            .field("total", &self.total)
            .finish()
    }
}

fn index(octets: u64) -> usize {
    // Bounded by the largest message.
    usize::try_from(octets).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hole_is_waited_for() {
        let mut one = Reassembly::default();
        one.put(6, b"gh", 100).unwrap();
        one.ends_at(8);
        one.put(0, b"abc", 100).unwrap();
        assert!(!one.is_complete());
        one.put(3, b"def", 100).unwrap();
        assert!(one.is_complete());
        assert_eq!(one.octets(), 8);
        assert_eq!(&one.into_message()[..], b"abcdefgh");
    }

    #[test]
    fn the_last_one_wins() {
        let mut one = Reassembly::default();
        one.put(0, b"aaaaaa", 100).unwrap();
        one.put(2, b"bb", 100).unwrap();
        one.put(5, b"ccc", 100).unwrap();
        one.ends_at(8);
        assert_eq!(&one.into_message()[..], b"aabbaccc");
    }

    #[test]
    fn nothing_grows_over_the_limit() {
        let mut one = Reassembly::default();
        assert_eq!(one.put(0, b"abc", 2), Err(TooLarge));
        assert_eq!(one.put(u64::MAX, b"abc", 10), Err(TooLarge));
        assert_eq!(one.put(9, b"ab", 10), Err(TooLarge));
        let places = (0..1000).map(|at| one.put(at * 2, b"x", 1 << 20));
        assert_eq!(places.filter(Result::is_ok).count(), SEGMENTS_MAX);
    }

    proptest! {
        #[test]
        fn any_order_and_any_overlap(puts in prop::collection::vec((0_u64..60, prop::collection::vec(any::<u8>(), 0..20)), 0..40)) {
            let mut one = Reassembly::default();
            let mut plain: Vec<Option<u8>> = vec![None; 100];
            for (at, octets) in &puts {
                one.put(*at, octets, 100).unwrap();
                for (place, octet) in plain.iter_mut().skip(*at as usize).zip(octets) {
                    *place = Some(*octet);
                }
                prop_assert_eq!(one.octets(), plain.iter().flatten().count());
            }
            let whole = plain.iter().take_while(|octet| octet.is_some()).count();
            one.ends_at(whole as u64);
            prop_assert!(one.is_complete());
            let plain: Vec<u8> = plain.into_iter().flatten().take(whole).collect();
            prop_assert_eq!(&one.into_message()[..], &plain[..]);
        }
    }
}
