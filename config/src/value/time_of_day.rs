//! Times of the day.

use std::{fmt, str::FromStr};

use super::spelling::{Misspelt, Spelled, spelled};

/// A time on a 24-hour clock, `"21:00"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeOfDay {
    minutes: u16,
}

impl TimeOfDay {
    /// # Panics
    /// When there is no such time; it is for constants.
    #[must_use]
    pub const fn at(hour: u16, minute: u16) -> Self {
        assert!(hour < 24 && minute < 60, "a time of the day has 24 hours of 60 minutes");
        Self { minutes: hour * 60 + minute }
    }

    #[must_use]
    pub const fn hour(self) -> u16 {
        self.minutes / 60
    }

    #[must_use]
    pub const fn minute(self) -> u16 {
        self.minutes % 60
    }

    /// Minutes since midnight.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.minutes
    }
}

impl FromStr for TimeOfDay {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let two = |part: &str, below: u16| -> Option<u16> {
            (part.len() == 2 && part.chars().all(|c| c.is_ascii_digit()))
                .then(|| part.parse().ok())?
                .filter(|n| *n < below)
        };
        let parts = text.split_once(':').and_then(|(hour, minute)| Some((two(hour, 24)?, two(minute, 60)?)));
        let wrong = || {
            Misspelt::new(
                "this is not a time of the day",
                r#"write hours and minutes, for example "21:00" or "08:00""#,
            )
        };
        parts.map(|(hour, minute)| Self::at(hour, minute)).ok_or_else(wrong)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour(), self.minute())
    }
}

impl Spelled for TimeOfDay {
    const EXPECTED: &'static str = r#"a time of the day such as "21:00""#;
}

spelled!(TimeOfDay, "TimeOfDay", {
    "description": "Hours and minutes on a 24-hour clock.",
    "type": "string",
    "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_clock() {
        assert_eq!("21:00".parse::<TimeOfDay>().unwrap(), TimeOfDay::at(21, 0));
        for bad in ["24:00", "8:00", "21:60", "2100", "+1:00", ""] {
            assert!(bad.parse::<TimeOfDay>().is_err(), "{bad}");
        }
    }
}
