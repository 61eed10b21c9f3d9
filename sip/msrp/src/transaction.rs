//! Transaction identifiers: who answers what, and where a body ends (RFC 4975 §7.1).

use std::fmt;

use smol_str::SmolStr;

/// `ident` of RFC 4975 §9: 4 to 32 characters, the first a letter or a digit.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransactionId(SmolStr);

impl TransactionId {
    /// The longest, in octets.
    pub const OCTETS_MAX: usize = 32;
    const OCTETS_MIN: usize = 4;

    /// The identifier that these octets spell, if they spell one.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        is_ident(octets).then(|| std::str::from_utf8(octets).ok().map(|text| Self(text.into())))?
    }

    /// An identifier of thirteen characters out of a random value.
    pub fn fresh(random: u64) -> Self {
        Self(spelled(random).into_iter().map(char::from).collect())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Thirteen letters and digits for 64 bits.
pub(crate) fn spelled(random: u64) -> [u8; 13] {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut left = random;
    std::array::from_fn(|_| {
        let letter = LETTERS[(left & 31) as usize];
        left >>= 5;
        letter
    })
}

/// Does RFC 4975 §9 call this an `ident`?
pub(crate) fn is_ident(octets: &[u8]) -> bool {
    (TransactionId::OCTETS_MIN..=TransactionId::OCTETS_MAX).contains(&octets.len())
        && octets.first().is_some_and(u8::is_ascii_alphanumeric)
        && octets.iter().all(|octet| octet.is_ascii_alphanumeric() || b".-+%=".contains(octet))
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc4975_9_ident() {
        for good in ["a786", "d93kswow", "0.-+%=", "a2345678901234567890123456789012"] {
            assert!(TransactionId::parse(good.as_bytes()).is_some(), "{good}");
        }
        for bad in ["", "abc", ".abc", "-abc", "ab d", "ab$d", "abcö", "a23456789012345678901234567890123"] {
            assert!(TransactionId::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn fresh_ones_are_legal_and_differ() {
        let mut seen = std::collections::HashSet::new();
        for random in (0..1000_u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).chain([u64::MAX]) {
            let id = TransactionId::fresh(random);
            assert_eq!(TransactionId::parse(id.as_str().as_bytes()).as_ref(), Some(&id));
            assert!(seen.insert(id));
        }
    }
}
