//! Sizes as people write them.

use std::{fmt, str::FromStr};

use super::spelling::{Misspelt, Spelled, spelled};

/// A size in octets: a whole number, or a number with `KiB`, `MiB` or `GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Octets(u64);

const HELP: &str =
    r#"write a number of octets, or a number and a unit (KiB, MiB, GiB), for example 65536 or "64KiB""#;

const UNITS: [(&str, u64); 5] = [("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// A tebibyte; also keeps every later addition far from overflow.
const OCTETS_MAX: u64 = 1 << 40;

impl Octets {
    #[must_use]
    pub const fn new(octets: u64) -> Self {
        Self(octets)
    }

    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for Octets {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let wrong = |what: &'static str| Misspelt::new(what, HELP);
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = text.strip_suffix(unit).unwrap_or_default();
        let Some(&(_, size)) = UNITS.iter().find(|(name, _)| *name == unit.trim_start()) else {
            return Err(wrong("this size has an unknown unit"));
        };
        if number.is_empty() {
            return Err(wrong("this is not a size"));
        }
        let octets =
            number.parse::<u64>().ok().and_then(|n| n.checked_mul(size)).filter(|n| *n <= OCTETS_MAX);
        octets.map(Self).ok_or_else(|| wrong("this size is over 1024 GiB"))
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let even = |(_, size): &&(&str, u64)| self.0 != 0 && self.0.is_multiple_of(*size);
        match UNITS.iter().rev().find(even) {
            Some((unit, size)) if *size > 1 => write!(f, "{}{unit}", self.0 / size),
            _ => write!(f, "{}", self.0),
        }
    }
}

impl Spelled for Octets {
    const EXPECTED: &'static str = r#"a size such as "64KiB""#;

    fn from_integer(number: i64) -> Result<Self, Misspelt> {
        let octets = u64::try_from(number).ok().filter(|octets| *octets <= OCTETS_MAX);
        octets.map(Self).ok_or_else(|| Misspelt::new("this is not a size", HELP))
    }
}

spelled!(Octets, "Octets", {
    "description": "A size in octets: a number, or a number with KiB, MiB or GiB.",
    "type": ["string", "integer"],
    "examples": ["64KiB", "1MiB", 65536]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_same_value() {
        for (text, octets) in
            [("0", 0), ("100", 100), ("64KiB", 65_536), ("1 MiB", 1 << 20), ("3GiB", 3 << 30)]
        {
            let size: Octets = text.parse().unwrap();
            assert_eq!(size.get(), octets);
            assert_eq!(size.to_string().parse::<Octets>().unwrap(), size);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, what) in [
            ("64kb", "this size has an unknown unit"),
            ("KiB", "this is not a size"),
            ("", "this is not a size"),
            ("1025GiB", "this size is over 1024 GiB"),
        ] {
            assert_eq!(text.parse::<Octets>().unwrap_err().what, what, "{text}");
        }
    }
}
