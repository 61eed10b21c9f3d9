//! Durations as people write them.

use std::{fmt, str::FromStr, time::Duration};

use super::spelling::{Misspelt, Spelled, spelled};

/// A span of time: a whole number with a unit, `"2ms"`, `"30s"`, `"5m"`, `"48h"`, `"7d"`, or a sum such as
/// `"1h30m"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Period(Duration);

/// Ten years: longer is a slip of the keyboard, and sums of accepted values stay far from overflow.
const PERIOD_MAX: Duration = Duration::from_secs(10 * 365 * 86_400);

const HELP: &str =
    r#"write a whole number and a unit (ms, s, m, h, d), for example "2ms", "30s", "48h" or "1h30m""#;

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl Period {
    pub const ZERO: Self = Self(Duration::ZERO);

    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    #[must_use]
    pub const fn from_mins(minutes: u64) -> Self {
        Self::from_secs(minutes * 60)
    }

    #[must_use]
    pub const fn from_hours(hours: u64) -> Self {
        Self::from_secs(hours * 3_600)
    }

    #[must_use]
    pub const fn from_days(days: u64) -> Self {
        Self::from_secs(days * 86_400)
    }

    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<Period> for Duration {
    fn from(period: Period) -> Self {
        period.0
    }
}

impl FromStr for Period {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let wrong = |what: &'static str| Misspelt::new(what, HELP);
        if text == "0" {
            return Ok(Self::ZERO);
        }
        let mut rest = text;
        let mut total = Duration::ZERO;
        let mut coarsest = u64::MAX;
        while !rest.is_empty() {
            let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            let number = rest.strip_suffix(after).unwrap_or_default();
            let beyond = after.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            let unit = after.strip_suffix(beyond).unwrap_or_default();
            if number.is_empty() {
                return Err(wrong("this is not a duration"));
            }
            let Some(&(_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
                return Err(wrong(if unit.is_empty() {
                    "this duration has no unit"
                } else {
                    "this duration has an unknown unit"
                }));
            };
            if millis >= coarsest {
                return Err(wrong("the units of this duration are not in order"));
            }
            coarsest = millis;
            let part =
                number.parse::<u64>().ok().and_then(|n| n.checked_mul(millis)).map(Duration::from_millis);
            let sum = part.and_then(|part| total.checked_add(part)).filter(|sum| *sum <= PERIOD_MAX);
            let Some(sum) = sum else { return Err(wrong("this duration is longer than ten years")) };
            total = sum;
            rest = beyond;
        }
        if text.is_empty() { Err(wrong("this duration is empty")) } else { Ok(Self(total)) }
    }
}

/// The shortest spelling that reads back as the same value.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return f.write_str("0s");
        }
        // One unit when it comes out even, and "48h" rather than "2d": the trade counts validity in hours.
        for (unit, size) in UNITS.iter().rev() {
            if millis.is_multiple_of(*size) && (*unit != "d" || millis / size > 2) {
                return write!(f, "{}{unit}", millis / size);
            }
        }
        Ok(())
    }
}

impl Spelled for Period {
    const EXPECTED: &'static str = r#"a duration such as "30s""#;

    fn from_integer(number: i64) -> Result<Self, Misspelt> {
        if number == 0 { Ok(Self::ZERO) } else { Err(Misspelt::new("this duration has no unit", HELP)) }
    }
}

spelled!(Period, "Duration", {
    "description": "A whole number with a unit (ms, s, m, h, d), or a sum such as 1h30m.",
    "type": "string",
    "pattern": "^(0|([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$",
    "examples": ["2ms", "30s", "48h", "1h30m"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_same_value() {
        for (text, millis) in [
            ("2ms", 2),
            ("30s", 30_000),
            ("90s", 90_000),
            ("48h", 172_800_000),
            ("7d", 604_800_000),
            ("0s", 0),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period, Period::from_millis(millis));
            assert_eq!(period.to_string().parse::<Period>().unwrap(), period);
        }
        assert_eq!("1h30m".parse::<Period>().unwrap(), Period::from_mins(90));
        assert_eq!("1m500ms".parse::<Period>().unwrap(), Period::from_millis(60_500));
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, what) in [
            ("30", "this duration has no unit"),
            ("30 s", "this duration has no unit"),
            ("30sec", "this duration has an unknown unit"),
            ("s", "this is not a duration"),
            ("-1s", "this is not a duration"),
            ("1.5s", "this duration has no unit"),
            ("5s1m", "the units of this duration are not in order"),
            ("", "this duration is empty"),
            ("99999999999999999999d", "this duration is longer than ten years"),
            ("4000d", "this duration is longer than ten years"),
        ] {
            assert_eq!(text.parse::<Period>().unwrap_err().what, what, "{text}");
        }
    }
}
