//! The names of files. Who knows one may fetch the file, so nobody can guess one.

use std::fmt;

/// Crockford's base 32 in lower case: no letter looks like another or like a digit.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ID_DIGITS: usize = 26;
pub(super) const SHORT_DIGITS: usize = 16;

/// 128 random bits: names a file in the URLs that devices use.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FileId([u8; ID_DIGITS]);

/// The first 80 bits of a [`FileId`]: names a file in links that people get, and on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ShortId([u8; SHORT_DIGITS]);

impl FileId {
    pub(super) fn new(random: [u64; 2]) -> Self {
        let [high, low] = random.map(u128::from);
        let mut bits = high << 64 | low;
        Self(std::array::from_fn(|_| {
            let digit = DIGITS[(bits & 31) as usize];
            bits >>= 5;
            digit
        }))
    }

    /// Of a path; nothing but digits of ours gets through.
    pub(super) fn parse(text: &str) -> Option<Self> {
        digits(text).map(Self)
    }

    pub(super) fn short(&self) -> ShortId {
        ShortId(std::array::from_fn(|at| self.0[at]))
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl ShortId {
    /// See [`FileId::parse`].
    pub(super) fn parse(text: &str) -> Option<Self> {
        digits(text).map(Self)
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let octets: [u8; N] = text.as_bytes().try_into().ok()?;
    octets.iter().all(|digit| DIGITS.contains(digit)).then_some(octets)
}

/// A name is as good as a key: it is not shown.
impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileId")
    }
}

impl fmt::Debug for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShortId")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_counts_and_the_short_one_has_eighty() {
        let id = |random: u128| FileId::new([(random >> 64) as u64, random as u64]);
        let none = id(0);
        for bit in 0..128 {
            let other = id(1 << bit);
            assert_ne!(other, none);
            assert_eq!(other.short() != none.short(), bit < 80, "{bit}");
        }
    }

    #[test]
    fn only_names_of_ours_are_read() {
        let id = FileId::new([u64::MAX, 7]);
        assert_eq!(FileId::parse(id.as_str()), Some(id));
        assert_eq!(ShortId::parse(id.short().as_str()), Some(id.short()));
        assert!(id.as_str().starts_with(id.short().as_str()));
        for text in [
            "",
            "..",
            "../../../../../etc/passwd0",
            "0000000000000000000000000/",
            "0000000000000000000000000I",
        ] {
            assert_eq!(FileId::parse(text), None, "{text}");
        }
        assert_eq!(ShortId::parse("../../etc/passwd"), None);
    }

    #[test]
    fn a_name_is_not_shown() {
        assert_eq!(format!("{:?}", FileId::new([1, 2])), "FileId");
    }
}
