//! Date and time as messages carry them (RFC 3339): microseconds since the epoch, and back.

use crate::sink::Sink;

const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;
const DAY_US: i64 = 86_400 * SECOND_US;

/// The length of what [`write()`] writes.
pub const WRITTEN_OCTETS: usize = 29;

/// The offset from UTC is at most a day less a minute in either direction.
const OFFSET_MINUTES_MAX: i16 = 24 * 60 - 1;

/// Reads `2025-03-01T09:30:00.000+09:00`: any number of digits of a second, `Z` or an offset, `t`, `z` or a space
/// as peers write them. Microseconds since the epoch; `None` when it is no such time. A leap second is the
/// second after it.
#[must_use]
pub fn read(text: &str) -> Option<i64> {
    let octets = text.trim_ascii().as_bytes();
    let number = |from: usize, digits: usize| number(octets.get(from..from + digits)?);
    let mark = |at: usize, allowed: &[u8]| octets.get(at).is_some_and(|octet| allowed.contains(octet));
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let marks = mark(4, b"-") && mark(7, b"-") && mark(10, b"Tt ") && mark(13, b":") && mark(16, b":");
    let legal = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !(marks && legal) {
        return None;
    }
    let mut at = 19;
    let mut fraction_us = 0;
    if mark(at, b".,") {
        at += 1;
        let digits = octets.get(at..)?.iter().take_while(|octet| octet.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        for place in 0..6 {
            let digit = if place < digits { i64::from(octets.get(at + place)? - b'0') } else { 0 };
            fraction_us = fraction_us * 10 + digit;
        }
        at += digits;
    }
    let offset_us = match octets.get(at)? {
        b'Z' | b'z' if octets.len() == at + 1 => 0,
        sign @ (b'+' | b'-') => {
            // `+0900` is seen as well as `+09:00`.
            let minutes_at = if mark(at + 3, b":") { at + 4 } else { at + 3 };
            let (hours, minutes) = (number(at + 1, 2)?, number(minutes_at, 2)?);
            if hours > 23 || minutes > 59 || octets.len() != minutes_at + 2 {
                return None;
            }
            let offset = (hours * 60 + minutes) * MINUTE_US;
            if *sign == b'+' { offset } else { -offset }
        }
        _ => return None,
    };
    let of_day = ((hour * 60 + minute) * 60 + second) * SECOND_US + fraction_us;
    Some(days(year, month, day) * DAY_US + of_day - offset_us)
}

/// Writes 29 octets: milliseconds and an offset from UTC in minutes, which is clipped to what can be written.
/// A time before the year 0 or after 9999 is written as the nearest that can be.
pub fn write(out: &mut impl Sink, at_us: i64, offset_minutes: i16) {
    let offset = offset_minutes.clamp(-OFFSET_MINUTES_MAX, OFFSET_MINUTES_MAX);
    let earliest = days(0, 1, 1) * DAY_US;
    let latest = days(10_000, 1, 1) * DAY_US - 1;
    let local = at_us.saturating_add(i64::from(offset) * MINUTE_US).clamp(earliest, latest);
    let (year, month, day) = date(local.div_euclid(DAY_US));
    let of_day = local.rem_euclid(DAY_US);
    let second = of_day / SECOND_US;
    let mut text = *b"0000-00-00T00:00:00.000+00:00";
    let mut put = |at: usize, digits: usize, value: i64| {
        let mut rest = value;
        for place in (at..at + digits).rev() {
            text[place] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, second / 3_600);
    put(14, 2, second / 60 % 60);
    put(17, 2, second % 60);
    put(20, 3, of_day % SECOND_US / 1_000);
    put(24, 2, i64::from(offset.abs()) / 60);
    put(27, 2, i64::from(offset.abs()) % 60);
    if offset < 0 {
        text[23] = b'-';
    }
    out.put(&text);
}

/// Writes `2025-03-01T00:30:00Z`: whole seconds in UTC, as documents carry the end of something.
pub fn write_utc(out: &mut impl Sink, at_us: i64) {
    let mut text = Vec::with_capacity(WRITTEN_OCTETS);
    write(&mut text, at_us, 0);
    out.put(&text[..19]);
    out.put(b"Z");
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |value, octet| octet.is_ascii_digit().then(|| value * 10 + i64::from(octet - b'0')))
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since the epoch of a date in the proleptic Gregorian calendar; years begin in March, so that the leap day
/// is the last of its year.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

const fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day = shifted.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + year + (month <= 2) as i64;
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_times_are_read() {
        let at = 1_740_789_000_000_000; // 2025-03-01T00:30:00Z
        for text in [
            "2025-03-01T00:30:00Z",
            "2025-03-01t00:30:00z",
            "2025-03-01 00:30:00.000Z",
            "2025-03-01T09:30:00+09:00",
            "2025-03-01T09:30:00+0900",
            "2025-02-28T20:00:00.0000000-04:30",
        ] {
            assert_eq!(read(text), Some(at), "{text}");
        }
        assert_eq!(read("1970-01-01T00:00:00.123456789Z"), Some(123_456));
        assert_eq!(read("1969-12-31T23:59:59.5Z"), Some(-500_000));
        assert_eq!(read("2016-12-31T23:59:60Z"), read("2017-01-01T00:00:00Z"));
        assert_eq!(read("2024-02-29T00:00:00Z"), Some(1_709_164_800_000_000));
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "2025-03-01",
            "2025-03-01T09:30:00",
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-03-01T24:00:00Z",
            "2025-03-01T09:30:00.Z",
            "2025-03-01T09:30:00+24:00",
            "2025-03-01T09:30:00+09:00x",
            "2025-03-01T09:30:00Zx",
            "+025-03-01T09:30:00Z",
            "２025-03-01T09:30:00Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back_to_the_millisecond() {
        for at in [0, -1_000, 1_740_789_000_123_000, 253_402_300_799_999_000, -62_167_219_200_000_000] {
            for offset in [0, 540, -210, 345] {
                let mut out = Vec::new();
                write(&mut out, at, offset);
                assert_eq!(out.len(), WRITTEN_OCTETS);
                let text = String::from_utf8(out).unwrap();
                let pushed_out = (at > 253_402_200_000_000_000 && offset > 0)
                    || (at < -62_167_000_000_000_000 && offset < 0);
                if !pushed_out {
                    assert_eq!(read(&text), Some(at), "{text}");
                }
            }
        }
        let mut out = Vec::new();
        write(&mut out, i64::MAX, i16::MAX);
        write(&mut out, i64::MIN, i16::MIN);
        assert!(
            out.starts_with(b"9999-12-31T23:59:59.999+23:59")
                && out.ends_with(b"0000-01-01T00:00:00.000-23:59")
        );
    }
}
