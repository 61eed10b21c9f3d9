//! Prefixes of numbers, for routes.

use std::{fmt, str::FromStr};

use super::spelling::{Misspelt, Spelled, spelled};

/// The first digits of numbers in international form without `+`, `"8210"`; `"*"` stands for every number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Prefix(String);

const HELP: &str =
    r#"write the first digits in international form ("8210", "+8210"), or "*" for every number"#;

impl Prefix {
    /// Every number.
    pub const ALL: Self = Self(String::new());

    /// The digits; empty for every number.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl FromStr for Prefix {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let bare = text.strip_suffix('*').unwrap_or(text);
        let digits: String =
            bare.strip_prefix('+').unwrap_or(bare).chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if !digits.chars().all(|c| c.is_ascii_digit()) {
            return Err(Misspelt::new("this is not a prefix of telephone numbers", HELP));
        }
        if digits.len() > 15 {
            return Err(Misspelt::new("this prefix is longer than any number", HELP));
        }
        Ok(Self(digits))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "*" } else { &self.0 })
    }
}

impl Spelled for Prefix {
    const EXPECTED: &'static str = r#"a prefix such as "8210""#;
}

spelled!(Prefix, "Prefix", {
    "description": "The first digits of numbers in international form without +; * stands for every number.",
    "type": "string",
    "examples": ["8210", "*"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_has_three_spellings() {
        for text in ["", "*", "+"] {
            assert_eq!(text.parse::<Prefix>().unwrap(), Prefix::ALL);
        }
        assert_eq!("+82 10*".parse::<Prefix>().unwrap().digits(), "8210");
        assert!("82x".parse::<Prefix>().is_err());
        assert!("1234567890123456".parse::<Prefix>().is_err());
    }
}
