//! Names of accounts, channels, messengers and pools.

use std::{fmt, str::FromStr};

use super::spelling::{Misspelt, Spelled, spelled};

/// A short name: lower-case letters, digits, `-` and `_`, at most 32, starting with a letter or digit.
///
/// Names are metric labels, columns of usage records and parts of URLs, so they are kept plain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

const HELP: &str =
    "use lower-case letters, digits, '-' and '_', at most 32, starting with a letter or a digit";

impl Name {
    /// A name of ours; `default_is_sound` in `tests` looks at each.
    pub(crate) fn known(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if starts && text.len() <= 32 && text.chars().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Misspelt::new("this cannot be a name", HELP))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Spelled for Name {
    const EXPECTED: &'static str = "a name";
}

spelled!(Name, "Name", {
    "description": "Lower-case letters, digits, - and _, at most 32, starting with a letter or digit.",
    "type": "string",
    "pattern": "^[a-z0-9][a-z0-9_-]{0,31}$"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_plain() {
        for good in ["skt", "a", "skt-1_b", &"x".repeat(32)] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in ["", "SKT", "-a", "a b", "에스케이", &"x".repeat(33)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}
