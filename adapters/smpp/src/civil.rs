//! The proleptic Gregorian calendar in UTC, by whole days: all that SMPP's times need.

pub(crate) const SECOND_US: i64 = 1_000_000;
pub(crate) const DAY_US: i64 = 86_400 * SECOND_US;

/// A date and a time of day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1–12.
    pub(crate) month: u8,
    /// 1–31.
    pub(crate) day: u8,
    /// Microseconds since midnight.
    pub(crate) of_day_us: i64,
}

impl Civil {
    pub(crate) const fn of(at_us: i64) -> Self {
        let (year, month, day) = date(at_us.div_euclid(DAY_US));
        Self { year, month, day, of_day_us: at_us.rem_euclid(DAY_US) }
    }

    pub(crate) const fn at_us(&self) -> i64 {
        days(self.year, self.month, self.day) * DAY_US + self.of_day_us
    }

    /// `None` when there is no such day or time.
    pub(crate) fn new(year: i64, month: u8, day: u8, [hour, minute, second]: [u8; 3]) -> Option<Self> {
        let legal = (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
        legal.then_some(Self { year, month, day, of_day_us: seconds * SECOND_US })
    }

    /// The same day so many months later, or the last day of that month when it is shorter.
    pub(crate) fn plus_months(self, months: i64) -> Self {
        let months = self.year * 12 + i64::from(self.month) - 1 + months;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) as u8 + 1);
        Self { year, month, day: self.day.min(days_in_month(year, month)), of_day_us: self.of_day_us }
    }

    pub(crate) const fn hour_minute_second(&self) -> [u8; 3] {
        let seconds = self.of_day_us / SECOND_US;
        [(seconds / 3_600) as u8, (seconds / 60 % 60) as u8, (seconds % 60) as u8]
    }
}

/// Two-digit years: 38–99 are of the twentieth century, the rest of ours.
pub(crate) const fn century(two_digits: u8) -> i64 {
    (if two_digits < 38 { 2_000 } else { 1_900 }) + two_digits as i64
}

const fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

const fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of a year of March to February that lie before its `month`th month, March being 0.
const fn days_before(month: i64) -> i64 {
    (153 * month + 2) / 5
}

/// Days since 1970-01-01. The year is taken to start in March, so that a leap day is its last.
const fn days(year: i64, month: u8, day: u8) -> i64 {
    let (year, month) = if month > 2 { (year, month as i64 - 3) } else { (year - 1, month as i64 + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + days_before(month) + day as i64 - 1 - 719_468
}

/// The inverse of [`days`].
const fn date(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = (of_year - days_before(month) + 1) as u8;
    let (next, month) = if month < 10 { (0, month as u8 + 3) } else { (1, month as u8 - 9) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1_600, 1, 1);
        for number in days(1_600, 1, 1)..days(2_400, 1, 1) {
            assert_eq!(date(number), (year, month, day));
            assert_eq!(days(year, month, day), number);
            day += 1;
            if day > days_in_month(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2022, 5, 17), 19_129);
    }
}
