//! How long something is kept.

use std::{fmt, str::FromStr};

use super::{
    Period,
    spelling::{Misspelt, Spelled, spelled},
};

/// A duration, or `"none"`: erased as soon as it is no longer needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    #[default]
    None,
    For(Period),
}

impl FromStr for Retention {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        if text == "none" { Ok(Self::None) } else { text.parse().map(Self::For) }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::For(period) => period.fmt(f),
        }
    }
}

impl Spelled for Retention {
    const EXPECTED: &'static str = r#""none" or a duration such as "24h""#;
}

spelled!(Retention, "Retention", {
    "description": "none, or a duration.",
    "type": "string",
    "examples": ["none", "24h"]
});
