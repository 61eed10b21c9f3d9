//! What to do when the answer to a hand-over is lost.

use std::{fmt, str::FromStr};

use super::{
    Period,
    spelling::{Misspelt, Spelled, spelled},
};

/// `"resend"`: a duplicate is better than a loss. `"wait"`: a loss is better than a duplicate; only a receipt
/// or a late answer settles it. A duration: wait so long for either, then send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnAnswerLost {
    #[default]
    Resend,
    Wait,
    ResendAfter(Period),
}

impl FromStr for OnAnswerLost {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let help = r#"write "resend", "wait", or how long to wait before sending again, for example "10m""#;
        match text {
            "resend" => Ok(Self::Resend),
            "wait" => Ok(Self::Wait),
            _ if text.starts_with(|c: char| c.is_ascii_digit()) => {
                text.parse().map(Self::ResendAfter).map_err(|wrong: Misspelt| Misspelt::new(wrong.what, help))
            }
            _ => Err(Misspelt::new("this is nothing that can be done about a lost answer", help)),
        }
    }
}

impl fmt::Display for OnAnswerLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resend => f.write_str("resend"),
            Self::Wait => f.write_str("wait"),
            Self::ResendAfter(period) => period.fmt(f),
        }
    }
}

impl Spelled for OnAnswerLost {
    const EXPECTED: &'static str = r#""resend", "wait" or a duration"#;
}

spelled!(OnAnswerLost, "OnAnswerLost", {
    "description": "resend, wait, or how long to wait before sending again.",
    "type": "string",
    "examples": ["resend", "wait", "10m"]
});
