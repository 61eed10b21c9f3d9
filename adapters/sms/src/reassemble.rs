//! Putting the segments of one message together again (3GPP TS 23.040 §9.2.3.24.1).
//!
//! Segments repeat, overtake one another, or never come. Memory is bounded by [`Limits`]; over a limit the
//! segment is refused, so that whoever sent it keeps it and tries again. Times are microseconds on the caller's
//! clock. The same calls in the same order give the same results, so a journal of segments rebuilds the state.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::alphabet::Alphabet;
use crate::udh::{Concatenation, Reference};

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Incomplete messages.
    pub messages_max: usize,
    /// Code units of all incomplete messages together.
    pub octets_max: usize,
    /// From a message's first segment until it is given up.
    pub lifetime_micros: u64,
    /// How long the segments of a completed message are recognised when they come again.
    pub remember_micros: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages_max: 100_000,
            octets_max: 64 << 20,
            lifetime_micros: 1_800_000_000,
            remember_micros: 120_000_000,
        }
    }
}

/// One segment as it came.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Part {
    pub concatenation: Concatenation,
    /// With the national tables of its own header.
    pub alphabet: Alphabet,
    /// The code units behind the header, septets unpacked.
    pub octets: Vec<u8>,
}

/// What became of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// It was the last one missing.
    Complete(Joined),
    /// Others are missing. `abandoned` is an earlier message whose reference this segment uses again: it will
    /// not be completed any more.
    Waiting { abandoned: Option<Joined> },
    /// It was here already.
    Duplicate,
}

/// A limit is reached: the segment was not taken, and may come again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room for more incomplete messages")]
pub struct Full;

/// The incomplete messages of all conversations. `K` tells conversations apart: source and destination.
#[derive(Debug, Clone)]
pub struct Reassembler<K> {
    limits: Limits,
    partial: BTreeMap<Key<K>, Partial>,
    /// When each incomplete message is given up.
    expiries: BTreeSet<(u64, Key<K>)>,
    octets: usize,
    done: BTreeMap<Key<K>, Done>,
    forgets: BTreeSet<(u64, Key<K>)>,
}

/// What segments of one message have in common; the width of the reference counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key<K> {
    conversation: K,
    reference: Reference,
    total: u8,
}

#[derive(Debug, Clone)]
struct Partial {
    expires_at: u64,
    joined: Joined,
}

#[derive(Debug, Clone)]
struct Done {
    forget_at: u64,
    /// Of each segment, in order of number.
    fingerprints: Vec<u64>,
}

impl<K: Ord + Clone> Reassembler<K> {
    /// Nothing yet.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            partial: BTreeMap::new(),
            expiries: BTreeSet::new(),
            octets: 0,
            done: BTreeMap::new(),
            forgets: BTreeSet::new(),
        }
    }

    /// Takes one segment of a conversation.
    pub fn take(&mut self, now: u64, conversation: K, part: Part) -> Result<Taken, Full> {
        let Concatenation { reference, total, .. } = part.concatenation;
        if total <= 1 {
            return Ok(Taken::Complete(Joined::starting_with(part)));
        }
        let key = Key { conversation, reference, total };
        self.forget(now);
        if self.done.get(&key).is_some_and(|done| done.has(&part)) {
            return Ok(Taken::Duplicate);
        }
        let Some(partial) = self.partial.get_mut(&key) else {
            return self.start(now, key, part, None);
        };
        match partial.joined.place(&part) {
            Place::Taken { is_same: true } => Ok(Taken::Duplicate),
            Place::Taken { is_same: false } => {
                let abandoned = self.remove(&key);
                self.start(now, key, part, abandoned)
            }
            Place::Free(at) => {
                let completes = partial.joined.parts.len() + 1 == usize::from(total);
                // The last segment frees more than it takes.
                if !completes && self.octets + part.octets.len() > self.limits.octets_max {
                    return Err(Full);
                }
                self.octets += part.octets.len();
                partial.joined.parts.insert(at, part);
                if !completes {
                    return Ok(Taken::Waiting { abandoned: None });
                }
                let Some(joined) = self.remove(&key) else {
                    return Ok(Taken::Waiting { abandoned: None });
                };
                self.remember(now, key, &joined);
                Ok(Taken::Complete(joined))
            }
        }
    }

    /// Gives up one message whose time has come, with what there is of it. Call until nothing is left.
    pub fn expire(&mut self, now: u64) -> Option<(K, Joined)> {
        let (expires_at, key) = self.expiries.first()?;
        if *expires_at > now {
            return None;
        }
        let key = key.clone();
        let joined = self.remove(&key)?;
        Some((key.conversation, joined))
    }

    /// When [`Reassembler::expire`] has something to do next.
    pub fn next_expiry(&self) -> Option<u64> {
        self.expiries.first().map(|&(expires_at, _)| expires_at)
    }

    /// Incomplete messages held.
    pub fn len(&self) -> usize {
        self.partial.len()
    }

    /// Whether no message is incomplete.
    pub fn is_empty(&self) -> bool {
        self.partial.is_empty()
    }

    /// Code units held.
    pub fn octets(&self) -> usize {
        self.octets
    }

    fn start(&mut self, now: u64, key: Key<K>, part: Part, abandoned: Option<Joined>) -> Result<Taken, Full> {
        let is_full = self.partial.len() >= self.limits.messages_max
            || self.octets + part.octets.len() > self.limits.octets_max;
        // A message that was abandoned left room for this one, unless this one is larger.
        if is_full && abandoned.is_none() {
            return Err(Full);
        }
        let expires_at = now.saturating_add(self.limits.lifetime_micros);
        self.octets += part.octets.len();
        self.expiries.insert((expires_at, key.clone()));
        self.partial.insert(key, Partial { expires_at, joined: Joined::starting_with(part) });
        Ok(Taken::Waiting { abandoned })
    }

    fn remove(&mut self, key: &Key<K>) -> Option<Joined> {
        let Partial { expires_at, joined } = self.partial.remove(key)?;
        self.expiries.remove(&(expires_at, key.clone()));
        self.octets = self.octets.saturating_sub(joined.parts.iter().map(|part| part.octets.len()).sum());
        Some(joined)
    }

    fn remember(&mut self, now: u64, key: Key<K>, joined: &Joined) {
        if let Some(before) = self.done.remove(&key) {
            self.forgets.remove(&(before.forget_at, key.clone()));
        }
        let forget_at = now.saturating_add(self.limits.remember_micros);
        let fingerprints = joined.parts.iter().map(fingerprint).collect();
        self.forgets.insert((forget_at, key.clone()));
        self.done.insert(key, Done { forget_at, fingerprints });
        while self.done.len() > self.limits.messages_max {
            let Some((_, oldest)) = self.forgets.pop_first() else { break };
            self.done.remove(&oldest);
        }
    }

    fn forget(&mut self, now: u64) {
        while let Some((forget_at, _)) = self.forgets.first()
            && *forget_at <= now
        {
            let Some((_, key)) = self.forgets.pop_first() else { break };
            self.done.remove(&key);
        }
    }
}

impl Done {
    fn has(&self, part: &Part) -> bool {
        let at = usize::from(part.concatenation.number).saturating_sub(1);
        self.fingerprints.get(at) == Some(&fingerprint(part))
    }
}

fn fingerprint(part: &Part) -> u64 {
    let mut hasher = DefaultHasher::new();
    part.hash(&mut hasher);
    hasher.finish()
}

/// The segments of one message that came, in order.
#[derive(Clone, PartialEq, Eq)]
pub struct Joined {
    total: u8,
    parts: Vec<Part>,
}

enum Place {
    Free(usize),
    Taken { is_same: bool },
}

impl Joined {
    fn starting_with(part: Part) -> Self {
        Self { total: part.concatenation.total, parts: vec![part] }
    }

    fn place(&self, part: &Part) -> Place {
        match self.parts.binary_search_by_key(&part.concatenation.number, |part| part.concatenation.number) {
            Ok(at) => Place::Taken { is_same: self.parts.get(at) == Some(part) },
            Err(at) => Place::Free(at),
        }
    }

    /// Whether every segment is here.
    pub fn is_complete(&self) -> bool {
        self.parts.len() >= usize::from(self.total)
    }

    /// Segments of the message, here or not.
    pub fn total(&self) -> u8 {
        self.total
    }

    /// The segments that are here, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Numbers of the segments that never came.
    pub fn missing(&self) -> impl Iterator<Item = u8> {
        let mut here = self.parts.iter().map(|part| part.concatenation.number).peekable();
        (1..=self.total).filter(move |number| here.next_if_eq(number).is_none())
    }

    /// The text, with `gap` where segments are missing; `None` for eight-bit data. Neighbours in one alphabet
    /// are read together, so that a character divided between two segments survives; eight-bit data among text
    /// shows as `gap` too.
    pub fn text(&self, gap: &str) -> Option<String> {
        if self.parts.iter().all(|part| part.alphabet == Alphabet::Octets) {
            return None;
        }
        let mut text = String::new();
        let mut expected = 1;
        let mut run: Option<(Alphabet, Vec<u8>)> = None;
        let close = |run: Option<(Alphabet, Vec<u8>)>, text: &mut String| {
            if let Some((alphabet, octets)) = run {
                text.push_str(alphabet.decode(&octets).as_deref().unwrap_or(gap));
            }
        };
        for part in &self.parts {
            let number = part.concatenation.number;
            if number != expected {
                close(run.take(), &mut text);
                text.push_str(gap);
            }
            expected = number.saturating_add(1);
            match &mut run {
                Some((alphabet, octets)) if *alphabet == part.alphabet => {
                    octets.extend_from_slice(&part.octets)
                }
                _ => {
                    close(run.take(), &mut text);
                    run = Some((part.alphabet, part.octets.clone()));
                }
            }
        }
        close(run, &mut text);
        if self.parts.last().is_some_and(|part| part.concatenation.number != self.total) {
            text.push_str(gap);
        }
        Some(text)
    }

    /// The code units of all segments here, one after the other: eight-bit data.
    pub fn octets(&self) -> Vec<u8> {
        self.parts.iter().flat_map(|part| &part.octets).copied().collect()
    }
}

/// Places and sizes only: the octets are somebody's message.
impl fmt::Debug for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joined").field("total", &self.total).field("parts", &self.parts).finish()
    }
}

/// Place and size only.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("concatenation", &self.concatenation)
            .field("alphabet", &self.alphabet)
            .field("octets", &self.octets.len())
            .finish()
    }
}
