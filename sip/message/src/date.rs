//! Date (RFC 3261 §20.17): always GMT, as in `Sat, 13 Nov 2010 23:29:00 GMT`.

use crate::fault::Malformed;
use crate::headers::Headers;
use crate::name::Name;
use crate::octets::{self, trim};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SECOND_US: i64 = 1_000_000;
const DAY_S: i64 = 86_400;

impl Headers {
    /// Date in microseconds since the epoch; `None` when absent.
    ///
    /// A date in another zone is [`Malformed::Date`]: RFC 4475 §3.1.2.12 lets us ignore it, which is what callers do.
    #[must_use]
    pub fn date(&self) -> Option<Result<i64, Malformed>> {
        self.get(Name::Date).map(|value| parse(value).ok_or(Malformed::Date))
    }
}

/// Microseconds since the epoch.
#[must_use]
pub fn parse(value: &[u8]) -> Option<i64> {
    let text = octets::text(trim(value));
    let (day_name, rest) = text.split_once(", ")?;
    let mut words = rest.split(' ');
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let (time, zone) = (words.next()?, words.next()?);
    if words.next().is_some() || zone != "GMT" || !DAYS.contains(&day_name) {
        return None;
    }
    let digits = |text: &str, len: usize, max: i64| {
        let ok = text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|n| ok && *n <= max)
    };
    let day = digits(day, 2, 31).filter(|day| *day >= 1)?;
    let month = MONTHS.iter().position(|name| *name == month)?;
    let year = digits(year, 4, 9999)?;
    let mut clock = time.split(':');
    let (hour, minute) = (digits(clock.next()?, 2, 23)?, digits(clock.next()?, 2, 59)?);
    // A leap second is the next one.
    let second = digits(clock.next()?, 2, 60)?;
    if clock.next().is_some() {
        return None;
    }
    let seconds =
        days_from(year, i64::try_from(month).ok()? + 1, day) * DAY_S + hour * 3600 + minute * 60 + second;
    Some(seconds * SECOND_US)
}

/// The header value for a time.
#[must_use]
pub fn format(time_us: i64) -> String {
    let seconds = time_us.div_euclid(SECOND_US);
    let (days, clock) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S));
    let (year, month, day) = civil(days);
    let name = |names: &[&'static str], at: i64| {
        usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or("")
    };
    format!(
        "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
        name(&DAYS, (days + 3).rem_euclid(7)),
        name(&MONTHS, month - 1),
        clock / 3600,
        clock / 60 % 60,
        clock % 60,
    )
}

/// Days since the epoch of a day of the Gregorian calendar; years begin in March so that the leap day is the last.
const fn days_from(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The day of the Gregorian calendar, as year, month, day.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march = (5 * day_of_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    (year, month, day_of_year - (153 * march + 2) / 5 + 1)
}
