//! API keys: random secrets that are known here only by their SHA-256.
//!
//! A slow password hash would be a denial of service at one hash per call; keys are long and random, so a
//! fast hash is enough (crates sheet §5).

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a key. Compared in constant time, printed never.
#[derive(Clone, Copy, Eq)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    #[must_use]
    pub const fn from_octets(octets: [u8; 32]) -> Self {
        Self(octets)
    }
}

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// A map finds its bucket by the first octets of a digest, which say nothing about the key.
impl std::hash::Hash for KeyHash {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write(&[a, b, c, d, e, f, g, h]);
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash")
    }
}

/// The text is not the SHA-256 of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key hash is 64 hexadecimal digits, optionally after `sha256:`")]
pub struct NotAKeyHash;

/// As `sha256sum` prints it.
impl FromStr for KeyHash {
    type Err = NotAKeyHash;

    fn from_str(text: &str) -> Result<Self, NotAKeyHash> {
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return Err(NotAKeyHash) };
        if pairs.len() != 32 {
            return Err(NotAKeyHash);
        }
        let mut octets = [0; 32];
        for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
            let (Some(high), Some(low)) = (char::from(*high).to_digit(16), char::from(*low).to_digit(16))
            else {
                return Err(NotAKeyHash);
            };
            *octet = u8::try_from(high << 4 | low).map_err(|_| NotAKeyHash)?;
        }
        Ok(Self(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_matches_its_hash_as_sha256sum_prints_it() {
        let hash = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
        assert_eq!(hash.parse(), Ok(KeyHash::of(b"foo")));
        assert_ne!(hash.parse(), Ok(KeyHash::of(b"fop")));
        assert_eq!(format!("{:?}", KeyHash::of(b"foo")), "KeyHash");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "sha256:", "2c26", &"g".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
            assert_eq!(text.parse::<KeyHash>(), Err(NotAKeyHash), "{text}");
        }
    }
}
