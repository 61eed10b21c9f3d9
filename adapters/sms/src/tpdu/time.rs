//! Times in TPDUs: service centre time stamps and validity periods (3GPP TS 23.040 §9.2.3.11, §9.2.3.12).

const DAY_SECONDS: i64 = 86_400;
const QUARTER_HOUR_SECONDS: i64 = 900;
/// Two digits of a year below this are of this century: there was no short message before 1992.
const PIVOT: u8 = 90;

/// Seven octets of swapped decimal digits as they came. What they say is asked of them, because networks send
/// impossible ones and the message must not be lost for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Timestamp(pub [u8; 7]);

/// A time as written, with its distance from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Civil {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    /// Quarters of an hour east of UTC, −79 to 79.
    pub quarter_hours: i8,
}

impl Timestamp {
    /// The time, `None` when digits or their combination are impossible.
    pub fn civil(self) -> Option<Civil> {
        let [year, month, day, hour, minute, second, zone] = self.0;
        let year = decimal(year)?;
        let sign = if zone & 0x08 != 0 { -1 } else { 1 };
        let quarters = i8::try_from(decimal(zone & !0x08)?).ok()?;
        let civil = Civil {
            year: u16::from(year) + if year < PIVOT { 2000 } else { 1900 },
            month: decimal(month)?,
            day: decimal(day)?,
            hour: decimal(hour)?,
            minute: decimal(minute)?,
            second: decimal(second)?,
            quarter_hours: sign * quarters,
        };
        civil.is_possible().then_some(civil)
    }

    /// The octets of a time, `None` when it is impossible or outside 1990 to 2089.
    pub fn of_civil(civil: Civil) -> Option<Self> {
        if !civil.is_possible() || !(1900 + u16::from(PIVOT)..2000 + u16::from(PIVOT)).contains(&civil.year) {
            return None;
        }
        let year = u8::try_from(civil.year % 100).ok()?;
        let zone = swapped(civil.quarter_hours.unsigned_abs());
        let sign = if civil.quarter_hours < 0 { 0x08 } else { 0 };
        let Civil { month, day, hour, minute, second, .. } = civil;
        let [year, month, day, hour, minute, second] = [year, month, day, hour, minute, second].map(swapped);
        Some(Self([year, month, day, hour, minute, second, zone | sign]))
    }

    /// Seconds since 1970 in UTC.
    pub fn unix_seconds(self) -> Option<i64> {
        self.civil().map(Civil::unix_seconds)
    }

    /// The octets of a moment, as a clock so far from UTC shows it.
    pub fn of_unix_seconds(seconds: i64, quarter_hours: i8) -> Option<Self> {
        Self::of_civil(Civil::of_unix_seconds(seconds, quarter_hours)?)
    }
}

impl Civil {
    fn is_possible(self) -> bool {
        (1..=12).contains(&self.month)
            && self.day >= 1
            && self.day <= days_in_month(self.year, self.month)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
            && self.quarter_hours.unsigned_abs() < 80
    }

    fn unix_seconds(self) -> i64 {
        let days = days_since_1970(i64::from(self.year), i64::from(self.month), i64::from(self.day));
        let clock = i64::from(self.hour) * 3_600 + i64::from(self.minute) * 60 + i64::from(self.second);
        days * DAY_SECONDS + clock - i64::from(self.quarter_hours) * QUARTER_HOUR_SECONDS
    }

    fn of_unix_seconds(seconds: i64, quarter_hours: i8) -> Option<Self> {
        let local = seconds.checked_add(i64::from(quarter_hours) * QUARTER_HOUR_SECONDS)?;
        let (days, clock) = (local.div_euclid(DAY_SECONDS), local.rem_euclid(DAY_SECONDS));
        let (year, month, day) = date_of_days(days);
        Some(Self {
            year: u16::try_from(year).ok()?,
            month: u8::try_from(month).ok()?,
            day: u8::try_from(day).ok()?,
            hour: u8::try_from(clock / 3_600).ok()?,
            minute: u8::try_from(clock / 60 % 60).ok()?,
            second: u8::try_from(clock % 60).ok()?,
            quarter_hours,
        })
    }
}

/// How long the service centre keeps trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Validity {
    /// As long as the service centre likes.
    #[default]
    Unspecified,
    Relative(Relative),
    Absolute(Timestamp),
    Enhanced(Enhanced),
}

/// A relative validity period, one octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Relative(pub u8);

impl Relative {
    /// The period, from five minutes to 63 weeks.
    pub const fn seconds(self) -> u32 {
        let value = self.0 as u32;
        match self.0 {
            0..=143 => (value + 1) * 300,
            144..=167 => 12 * 3_600 + (value - 143) * 1_800,
            168..=196 => (value - 166) * 86_400,
            197..=255 => (value - 192) * 604_800,
        }
    }

    /// The shortest period that is not shorter than asked, or the longest there is.
    pub fn at_least(seconds: u32) -> Self {
        (0..u8::MAX).map(Self).find(|period| period.seconds() >= seconds).unwrap_or(Self(u8::MAX))
    }
}

/// An enhanced validity period: seven octets as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Enhanced(pub [u8; 7]);

/// What an enhanced validity period says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    Unspecified,
    Relative(Relative),
    Seconds(u8),
    Clock { hours: u8, minutes: u8, seconds: u8 },
}

impl Enhanced {
    const CONTINUED: u8 = 0x80;
    const SINGLE_SHOT: u8 = 0x40;

    /// The octets of a period.
    pub fn new(period: Period, is_single_shot: bool) -> Self {
        let shot = if is_single_shot { Self::SINGLE_SHOT } else { 0 };
        Self(match period {
            Period::Unspecified => [shot, 0, 0, 0, 0, 0, 0],
            Period::Relative(Relative(value)) => [shot | 1, value, 0, 0, 0, 0, 0],
            Period::Seconds(seconds) => [shot | 2, seconds, 0, 0, 0, 0, 0],
            Period::Clock { hours, minutes, seconds } => {
                let [hours, minutes, seconds] = [hours, minutes, seconds].map(|part| swapped(part.min(99)));
                [shot | 3, hours, minutes, seconds, 0, 0, 0]
            }
        })
    }

    /// One attempt only.
    pub const fn is_single_shot(self) -> bool {
        self.0[0] & Self::SINGLE_SHOT != 0
    }

    /// The period, `None` when its format is reserved or its digits are impossible.
    pub fn period(self) -> Option<Period> {
        // Further indicator octets say nothing yet; the value stands behind them.
        let last = self.0.iter().position(|octet| octet & Self::CONTINUED == 0)?;
        let mut value = self.0.iter().skip(last + 1).copied();
        Some(match self.0[0] & 0b111 {
            0 => Period::Unspecified,
            1 => Period::Relative(Relative(value.next()?)),
            2 => Period::Seconds(value.next()?),
            3 => {
                let mut part = || decimal(value.next()?);
                Period::Clock { hours: part()?, minutes: part()?, seconds: part()? }
            }
            _ => return None,
        })
    }
}

/// Two decimal digits, the first in the low half.
const fn decimal(octet: u8) -> Option<u8> {
    let (tens, ones) = (octet & 0x0F, octet >> 4);
    if tens > 9 || ones > 9 { None } else { Some(tens * 10 + ones) }
}

const fn swapped(value: u8) -> u8 {
    ((value % 10) << 4) | (value / 10)
}

const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days of the Gregorian calendar. Years are counted from March, so that the leap day is the last of a year.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

const fn date_of_days(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + (month <= 2) as i64, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_periods() {
        let hours = |value| f64::from(Relative(value).seconds()) / 3_600.0;
        assert_eq!([0, 143, 144, 167].map(hours), [1.0 / 12.0, 12.0, 12.5, 24.0]);
        assert_eq!(
            [168, 0xA9, 0xAA, 196, 197, 255].map(|value| hours(value) / 24.0),
            [2.0, 3.0, 4.0, 30.0, 35.0, 441.0]
        );
        assert_eq!(Relative::at_least(0), Relative(0));
        assert_eq!(Relative::at_least(301), Relative(1));
        assert_eq!(Relative::at_least(3 * 86_400), Relative(0xA9));
        assert_eq!(Relative::at_least(u32::MAX), Relative(255));
    }

    #[test]
    fn zones() {
        let zone = |octet| Timestamp([0x11, 0x10, 0x10, 0, 0, 0, octet]).civil().unwrap().quarter_hours;
        assert_eq!([0x63, 0x0A, 0x21, 0x00].map(zone), [36, -20, 12, 0]);
    }

    #[test]
    fn unix_seconds_both_ways() {
        // 2012-01-21 12:30:36 +09:00
        let korea = Timestamp([0x21, 0x10, 0x12, 0x21, 0x03, 0x63, 0x63]);
        assert_eq!(korea.unix_seconds(), Some(1_327_116_636));
        assert_eq!(Timestamp::of_unix_seconds(1_327_116_636, 36), Some(korea));
        for (seconds, date) in
            [(951_782_400, (2000, 2, 29)), (1_709_164_800, (2024, 2, 29)), (0, (1970, 1, 1))]
        {
            assert_eq!(date_of_days(seconds / DAY_SECONDS), date);
        }
    }

    #[test]
    fn impossible_times_are_kept_but_say_nothing() {
        for octets in [
            [0xFF; 7],
            [0; 7],
            [0x32, 0x20, 0x92, 0, 0, 0, 0], // 29 February 2023
            [0x32, 0x10, 0x10, 0x42, 0, 0, 0],
        ] {
            assert_eq!(Timestamp(octets).civil(), None);
        }
        assert_eq!(Timestamp::of_unix_seconds(i64::MAX, 0), None);
        assert_eq!(Timestamp::of_unix_seconds(i64::MIN, -79), None);
    }

    #[test]
    fn enhanced_periods() {
        for period in [
            Period::Unspecified,
            Period::Relative(Relative(7)),
            Period::Seconds(30),
            Period::Clock { hours: 12, minutes: 34, seconds: 56 },
        ] {
            let octets = Enhanced::new(period, true);
            assert_eq!((octets.period(), octets.is_single_shot()), (Some(period), true));
        }
        assert_eq!(Enhanced([0x81, 0x00, 9, 0, 0, 0, 0]).period(), Some(Period::Relative(Relative(9))));
        assert_eq!(Enhanced([0x04, 0, 0, 0, 0, 0, 0]).period(), None);
        assert_eq!(Enhanced([0xFF; 7]).period(), None);
    }
}
