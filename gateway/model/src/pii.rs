//! Personal data prints as a short keyed digest, so that two log lines about one person can be matched
//! without naming them.

use std::{fmt, hash::Hash, sync::OnceLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A number, a user or a text. `Debug` and `Display` never show it; see [`Pii::reveal`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii<T>(T);

/// Why a value is being shown in the clear: the complete list of legitimate reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Another network needs it to deliver.
    Signalling,
    /// A decision needs it: routing, consent, segmentation.
    Decision,
    /// It is written to the store or to a usage record.
    Record,
    /// The party that owns the data asked for it.
    Owner,
}

static KEY: OnceLock<[u8; 16]> = OnceLock::new();

impl<T> Pii<T> {
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    #[must_use]
    pub const fn reveal(&self, _reason: For) -> &T {
        &self.0
    }

    #[must_use]
    pub fn into_inner(self, _reason: For) -> T {
        self.0
    }
}

impl Pii<()> {
    /// Sets the digest key of this process; the first call wins. Without it digests are stable across runs.
    pub fn set_key(key: [u8; 16]) {
        KEY.get_or_init(|| key);
    }
}

impl<T: Hash> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sink = HashSink(Sha256::new_with_prefix(KEY.get().copied().unwrap_or_default()));
        self.0.hash(&mut sink);
        let digest = sink.0.finalize();
        write!(f, "pii#{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2])
    }
}

impl<T: Hash> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Feeds `Hash` into a cryptographic hash: a ten-digit number must not be found by trying them all unkeyed.
struct HashSink(Sha256);

impl std::hash::Hasher for HashSink {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_display_shows_the_value() {
        let secret = Pii::new("821012345678");
        assert!(!format!("{secret} {secret:?}").contains("8210"));
        assert_eq!(secret.to_string(), Pii::new("821012345678").to_string());
        assert_ne!(secret.to_string(), Pii::new("821012345679").to_string());
    }
}
