//! Telephone numbers as an operator lists them: one, a whole prefix, or a range.

use std::{fmt, str::FromStr};

use super::spelling::{Misspelt, Spelled, spelled};

/// One number (`"15881234"`, `"+82 70-4000-0000"`), every number with a prefix (`"+8270*"`), or a range of
/// numbers of one length (`"+827040000000..+827040009999"`). Spaces and hyphens are for reading only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NumberPattern {
    One(String),
    Prefix(String),
    /// Both ends belong to it.
    Range(String, String),
}

const HELP: &str = r#"write a number ("15881234", "+827040000000"), a prefix ("+8270*") or a range ("+827040000000..+827040009999")"#;

/// The longest number we read: E.164 allows 15 digits, prefixes for routing a few more.
const DIGITS_MAX: usize = 20;

impl NumberPattern {
    /// Compares as written: bring `number` into the same form (with `+`, or national) first.
    #[must_use]
    pub fn matches(&self, number: &str) -> bool {
        match self {
            Self::One(one) => one == number,
            Self::Prefix(prefix) => number.starts_with(prefix.as_str()),
            Self::Range(first, last) => {
                number.len() == first.len() && first.as_str() <= number && number <= last.as_str()
            }
        }
    }

    /// How many numbers it names, unless it is a prefix.
    #[must_use]
    pub fn count(&self) -> Option<u128> {
        let value = |digits: &str| digits.trim_start_matches('+').parse::<u128>().ok();
        match self {
            Self::One(_) => Some(1),
            Self::Prefix(_) => None,
            Self::Range(first, last) => value(last)?.checked_sub(value(first)?)?.checked_add(1),
        }
    }

    /// Every number it names, unless it is a prefix.
    pub fn numbers(&self) -> Option<impl Iterator<Item = String>> {
        let (first, last) = match self {
            Self::One(one) => (one, one),
            Self::Range(first, last) => (first, last),
            Self::Prefix(_) => return None,
        };
        let plus = if first.starts_with('+') { "+" } else { "" };
        let width = first.len() - plus.len();
        let value = |digits: &str| digits.trim_start_matches('+').parse::<u128>().ok();
        let (first, last) = (value(first)?, value(last)?);
        Some((first..=last).map(move |number| format!("{plus}{number:0width$}")))
    }
}

fn digits(text: &str) -> Result<String, Misspelt> {
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let bare = plain.strip_prefix('+').unwrap_or(&plain);
    if bare.is_empty() || !bare.chars().all(|c| c.is_ascii_digit()) {
        return Err(Misspelt::new("this is not a telephone number", HELP));
    }
    if bare.len() > DIGITS_MAX {
        return Err(Misspelt::new(format!("this number has more than {DIGITS_MAX} digits"), HELP));
    }
    Ok(plain)
}

impl FromStr for NumberPattern {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        if let Some(prefix) = text.strip_suffix('*') {
            return digits(prefix).map(Self::Prefix);
        }
        let Some((first, last)) = text.split_once("..") else { return digits(text).map(Self::One) };
        let (first, last) = (digits(first)?, digits(last)?);
        if first.len() != last.len() || first.starts_with('+') != last.starts_with('+') {
            return Err(Misspelt::new("the two ends of this range are not equally long", HELP));
        }
        if first > last {
            return Err(Misspelt::new("this range ends before it begins", HELP));
        }
        Ok(Self::Range(first, last))
    }
}

impl fmt::Display for NumberPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(one) => f.write_str(one),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::Range(first, last) => write!(f, "{first}..{last}"),
        }
    }
}

impl Spelled for NumberPattern {
    const EXPECTED: &'static str = "a telephone number in quotes";
}

spelled!(NumberPattern, "NumberPattern", {
    "description": "One number, every number with a prefix (ending in *), or a range of numbers (first..last).",
    "type": "string",
    "examples": ["15881234", "+8270*", "+827040000000..+827040009999"]
});

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> NumberPattern {
        text.parse().unwrap()
    }

    #[test]
    fn matches_what_it_names() {
        assert!(pattern("1588-1234").matches("15881234"));
        assert!(pattern("+8270*").matches("+827012345678"));
        assert!(!pattern("+8270*").matches("+821012345678"));
        let range = pattern("+827040000000..+827040009999");
        assert!(range.matches("+827040000000") && range.matches("+827040009999"));
        assert!(!range.matches("+827040010000") && !range.matches("+82704000000"));
        assert_eq!(range.count(), Some(10_000));
        assert_eq!(range.numbers().unwrap().nth(12).unwrap(), "+827040000012");
        assert_eq!(pattern("0801..0803").numbers().unwrap().collect::<Vec<_>>(), ["0801", "0802", "0803"]);
        assert!(pattern("08*").numbers().is_none());
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, what) in [
            ("", "this is not a telephone number"),
            ("*", "this is not a telephone number"),
            ("TICTOC", "this is not a telephone number"),
            ("1000..999", "the two ends of this range are not equally long"),
            ("2000..1000", "this range ends before it begins"),
            ("123456789012345678901", "this number has more than 20 digits"),
        ] {
            assert_eq!(text.parse::<NumberPattern>().unwrap_err().what, what, "{text}");
        }
    }
}
