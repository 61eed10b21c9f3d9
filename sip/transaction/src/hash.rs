//! A keyed hash for keys made of octets that strangers choose: SipHash-1-3 with 128 bits of output.
//!
//! Two things follow from the key being secret and the output being long. Nobody can aim at one bucket, and two
//! different keys are never equal in practice, so tables keep the hash and not the octets.

/// The secret of one table. Drawn once at start, never changed while the table lives.
#[derive(Clone, Copy)]
pub struct Seed(pub u64, pub u64);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// Octets are fed in, a hash comes out. Every part fed by [`Hasher::part`] is closed by its length, so that
/// (`ab`, `c`) and (`a`, `bc`) differ.
#[derive(Clone, Debug)]
pub struct Hasher {
    v: [u64; 4],
    /// Octets that do not fill a word yet, lowest first.
    rest: u64,
    rest_octets: u32,
    octets: u64,
}

impl Hasher {
    /// Starts with a secret.
    #[must_use]
    pub const fn new(seed: Seed) -> Self {
        let Seed(k0, k1) = seed;
        let v = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        Self { v, rest: 0, rest_octets: 0, octets: 0 }
    }

    /// Feeds one part and closes it.
    pub fn part(&mut self, octets: &[u8]) {
        self.octets(octets);
        self.word(octets.len() as u64);
    }

    /// Feeds one part with ASCII letters made small, and closes it.
    pub fn part_ignoring_case(&mut self, octets: &[u8]) {
        for piece in octets.chunks(64) {
            let mut small = [0_u8; 64];
            let (small, _) = small.split_at_mut(piece.len());
            small.copy_from_slice(piece);
            small.make_ascii_lowercase();
            self.octets(small);
        }
        self.word(octets.len() as u64);
    }

    /// Feeds a number.
    pub fn word(&mut self, word: u64) {
        self.octets = self.octets.wrapping_add(8);
        self.absorb(word, 8);
    }

    fn octets(&mut self, octets: &[u8]) {
        self.octets = self.octets.wrapping_add(octets.len() as u64);
        let mut words = octets.chunks_exact(8);
        for word in &mut words {
            let mut le = [0_u8; 8];
            le.copy_from_slice(word);
            self.absorb(u64::from_le_bytes(le), 8);
        }
        let rest = words.remainder();
        let mut le = [0_u8; 8];
        let (head, _) = le.split_at_mut(rest.len());
        head.copy_from_slice(rest);
        self.absorb(u64::from_le_bytes(le), rest.len() as u32);
    }

    /// Takes the lowest `count` octets of `word`; the others are zero.
    fn absorb(&mut self, word: u64, count: u32) {
        let shift = 8 * self.rest_octets;
        let joined = self.rest | (word << shift);
        if self.rest_octets + count < 8 {
            self.rest = joined;
            self.rest_octets += count;
            return;
        }
        self.v[3] ^= joined;
        round(&mut self.v);
        self.v[0] ^= joined;
        self.rest = if shift == 0 { 0 } else { word >> (64 - shift) };
        self.rest_octets = self.rest_octets + count - 8;
    }

    /// The hash of all that was fed.
    #[must_use]
    pub fn finish(mut self) -> u128 {
        let last = self.rest | (self.octets << 56);
        self.v[3] ^= last;
        round(&mut self.v);
        self.v[0] ^= last;
        self.v[2] ^= 0xee;
        (0..3).for_each(|_| round(&mut self.v));
        let low = self.v.iter().fold(0, |all, v| all ^ v);
        self.v[1] ^= 0xdd;
        (0..3).for_each(|_| round(&mut self.v));
        let high = self.v.iter().fold(0, |all, v| all ^ v);
        u128::from(high) << 64 | u128::from(low)
    }
}

impl std::hash::Hasher for Hasher {
    fn write(&mut self, octets: &[u8]) {
        self.octets(octets);
    }

    fn write_u64(&mut self, word: u64) {
        self.word(word);
    }

    fn write_u32(&mut self, word: u32) {
        self.word(word.into());
    }

    fn finish(&self) -> u64 {
        Self::finish(self.clone()) as u64
    }
}

/// Makes the maps of this crate ones that strangers cannot aim at.
impl std::hash::BuildHasher for Seed {
    type Hasher = Hasher;

    fn build_hasher(&self) -> Hasher {
        Hasher::new(*self)
    }
}

#[inline]
const fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher as _;

    use proptest::prelude::*;

    use super::*;

    /// The 64-bit form of the same function, which the standard library has too.
    fn sip64(octets: &[u8]) -> u64 {
        let mut hasher = Hasher::new(Seed(0, 0));
        hasher.v[1] ^= 0xee;
        hasher.octets(octets);
        let last = hasher.rest | (hasher.octets << 56);
        hasher.v[3] ^= last;
        round(&mut hasher.v);
        hasher.v[0] ^= last;
        hasher.v[2] ^= 0xff;
        (0..3).for_each(|_| round(&mut hasher.v));
        hasher.v.iter().fold(0, |all, v| all ^ v)
    }

    proptest! {
        #[test]
        fn rounds_and_padding_are_those_of_the_standard_library(octets: Vec<u8>) {
            let mut theirs = std::collections::hash_map::DefaultHasher::new();
            theirs.write(&octets);
            prop_assert_eq!(sip64(&octets), theirs.finish());
        }

        #[test]
        fn octets_may_come_in_pieces(a: Vec<u8>, b: Vec<u8>) {
            let mut pieces = Hasher::new(Seed(1, 2));
            pieces.octets(&a);
            pieces.octets(&b);
            let mut whole = Hasher::new(Seed(1, 2));
            whole.octets(&[a, b].concat());
            prop_assert_eq!(pieces.finish(), whole.finish());
        }

        #[test]
        fn case_is_ignored_where_asked(octets: Vec<u8>) {
            let mut hashes = [octets.to_ascii_uppercase(), octets.to_ascii_lowercase()].map(|octets| {
                let mut hasher = Hasher::new(Seed(1, 2));
                hasher.part_ignoring_case(&octets);
                hasher.finish()
            });
            prop_assert_eq!(hashes[0], hashes[1]);
            let mut plain = Hasher::new(Seed(1, 2));
            plain.part(&octets.to_ascii_lowercase());
            hashes[1] = plain.finish();
            prop_assert_eq!(hashes[0], hashes[1]);
        }
    }

    #[test]
    fn parts_are_kept_apart_and_the_seed_counts() {
        let of = |seed, parts: &[&[u8]]| {
            let mut hasher = Hasher::new(seed);
            parts.iter().for_each(|part| hasher.part(part));
            hasher.finish()
        };
        assert_ne!(of(Seed(1, 2), &[b"ab", b"c"]), of(Seed(1, 2), &[b"a", b"bc"]));
        assert_ne!(of(Seed(1, 2), &[b"ab"]), of(Seed(1, 3), &[b"ab"]));
        assert_ne!(of(Seed(1, 2), &[b"", b""]), of(Seed(1, 2), &[b""]));
        let hash = of(Seed(1, 2), &[b"ab"]);
        assert_ne!((hash >> 64) as u64, hash as u64);
    }
}
