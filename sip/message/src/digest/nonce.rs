//! Nonces that carry their own proof, and the counts that were seen with them (RFC 7616 §3.3, §5.4, §5.12).

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Octets of randomness in a nonce.
const RANDOM: usize = 16;
/// Octets of proof in a nonce.
pub(super) const PROOF: usize = 16;
/// Octets of a nonce before base64: time, randomness, proof.
const OCTETS: usize = 8 + RANDOM + PROOF;

/// Makes nonces and recognises its own, without keeping them.
#[derive(Clone)]
pub struct NonceKey([u8; 32]);

/// A nonce that is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nonce {
    /// When it was made, µs.
    pub(super) made_us: i64,
    /// Names it.
    pub(super) proof: u128,
}

impl NonceKey {
    /// Of 32 random octets; the same key on every node of a cluster.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// A nonce for one source (empty when sources may move).
    #[must_use]
    pub fn make(&self, now_us: i64, random: [u8; RANDOM], realm: &str, source: &[u8]) -> String {
        let mut octets = [0; OCTETS];
        octets[..8].copy_from_slice(&now_us.to_be_bytes());
        octets[8..8 + RANDOM].copy_from_slice(&random);
        let proof = self.proof(&octets[..8 + RANDOM], realm, source);
        octets[8 + RANDOM..].copy_from_slice(&proof);
        URL_SAFE_NO_PAD.encode(octets)
    }

    /// What the nonce says, if it is ours.
    pub(super) fn read(&self, nonce: &str, realm: &str, source: &[u8]) -> Option<Nonce> {
        let octets: [u8; OCTETS] = URL_SAFE_NO_PAD.decode(nonce).ok()?.try_into().ok()?;
        let (made, proof) = octets.split_at(8 + RANDOM);
        let ours = self.proof(made, realm, source);
        if !bool::from(ours.as_slice().ct_eq(proof)) {
            return None;
        }
        Some(Nonce {
            made_us: i64::from_be_bytes(made.get(..8)?.try_into().ok()?),
            proof: u128::from_be_bytes(ours),
        })
    }

    pub(super) fn proof(&self, made: &[u8], realm: &str, source: &[u8]) -> [u8; PROOF] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(made);
        mac.update(&[u8::try_from(realm.len()).unwrap_or(u8::MAX)]);
        mac.update(realm.as_bytes());
        mac.update(source);
        let mut proof = [0; PROOF];
        proof.copy_from_slice(&mac.finalize().into_bytes()[..PROOF]);
        proof
    }
}

/// Nothing of it is ever shown.
impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey")
    }
}

/// Which counts came with which nonce: each may come once. Out of order is fine within a window of 64, as datagrams
/// overtake each other.
///
/// Two generations bound the memory: when the young one is full the old one is forgotten, and nonces made before that
/// are stale from then on.
#[derive(Debug)]
pub struct NonceCounts {
    young: BTreeMap<u128, Window>,
    old: BTreeMap<u128, Window>,
    /// Nonces of a generation.
    capacity: usize,
    /// Nonces made at or before are not known any more.
    forgotten_us: i64,
    /// When the young generation began.
    young_since_us: i64,
}

/// Highest count, and which of the 64 up to it came.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    highest: u32,
    seen: u64,
}

impl Window {
    /// Takes note of a count; whether it is new.
    fn take(&mut self, count: u32) -> bool {
        if count == 0 {
            return false;
        }
        if count > self.highest {
            let ahead = count - self.highest;
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let bit = 1_u64.checked_shl(self.highest - count).unwrap_or(0);
        let new = bit != 0 && self.seen & bit == 0;
        self.seen |= bit;
        new
    }
}

impl NonceCounts {
    /// Keeps at most twice `capacity` nonces.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self {
            young: BTreeMap::new(),
            old: BTreeMap::new(),
            capacity,
            forgotten_us: i64::MIN,
            young_since_us: i64::MIN,
        }
    }

    /// Takes note of a count; whether it is the first with that nonce.
    pub(super) fn take(&mut self, now_us: i64, nonce: Nonce, count: u32) -> bool {
        if let Some(window) = self.young.get_mut(&nonce.proof) {
            return window.take(count);
        }
        let mut window = match self.old.remove(&nonce.proof) {
            Some(window) => window,
            None if nonce.made_us <= self.forgotten_us => return false,
            None => Window::default(),
        };
        if self.young.len() >= self.capacity {
            // What the old generation held came before the young one began.
            self.old = std::mem::take(&mut self.young);
            self.forgotten_us = self.young_since_us;
            self.young_since_us = now_us;
        }
        let new = window.take(count);
        self.young.insert(nonce.proof, window);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_two_generations_and_what_was_forgotten_is_not_taken_again() {
        let mut counts = NonceCounts::new(10);
        let nonce = |at: i64| Nonce { made_us: at, proof: at.unsigned_abs().into() };
        assert!((1..=35).all(|at| counts.take(at, nonce(at), 1)));
        assert!(counts.young.len() <= 10 && counts.old.len() <= 10);
        assert!(!counts.take(36, nonce(3), 2), "forgotten, so nobody knows which counts it had");
        assert!(!counts.take(36, nonce(34), 1), "still known");
        assert!(counts.take(36, nonce(25), 2), "known in the old generation");
        assert!(counts.take(36, nonce(36), 5), "new");
    }

    #[test]
    fn a_nonce_is_ours_for_its_realm_and_source_alone() {
        let key = NonceKey::new([3; 32]);
        let made = key.make(77, [1; 16], "r", b"s");
        assert_eq!(key.read(&made, "r", b"s").map(|nonce| nonce.made_us), Some(77));
        assert_eq!(key.read(&made, "r", b"t"), None);
        assert_eq!(key.read(&made, "rs", b""), None, "nothing slides from one into the other");
        assert_eq!(NonceKey::new([4; 32]).read(&made, "r", b"s"), None);
        assert_eq!(key.read("", "r", b"s"), None);
    }
}
