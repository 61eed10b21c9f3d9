//! Times as SMPP spells them: sixteen characters, absolute or relative (SMPP 3.4 §7.1.1).
//!
//! All instants are microseconds since the Unix epoch; `now` is an argument.

use crate::CommandStatus;
use crate::civil::{Civil, DAY_US, SECOND_US, century};

/// Characters of a time, without its NUL.
pub const TIME_OCTETS: usize = 16;

const QUARTER_US: i64 = 15 * 60 * SECOND_US;

/// Text that is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an SMPP time")]
pub struct BadTime;

/// Reads a time field. Empty is `None`: now when scheduling, the message centre's default for
/// validity.
pub fn parse(text: &[u8], now_us: i64) -> Result<Option<i64>, BadTime> {
    if text.is_empty() {
        return Ok(None);
    }
    let (digits, sign) = text.split_first_chunk::<15>().ok_or(BadTime)?;
    let [tens @ .., tenths, n1, n0] = digits;
    let mut pairs = [0; 6];
    for (pair, digits) in pairs.iter_mut().zip(tens.chunks_exact(2)) {
        *pair = number(digits)?;
    }
    let [year, month, day, hour, minute, second] = pairs;
    let quarters = i64::from(number(&[*n1, *n0])?);
    let tenths = i64::from(number(&[*tenths])?) * SECOND_US / 10;
    let ahead = match sign {
        // Tenths and quarters are 000 in relative times; a peer that writes others means nothing by it.
        b"R" => {
            let date = Civil::of(now_us).plus_months(i64::from(year) * 12 + i64::from(month));
            let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
            return Ok(Some(date.at_us() + i64::from(day) * DAY_US + seconds * SECOND_US));
        }
        b"+" => quarters,
        b"-" => -quarters,
        _ => return Err(BadTime),
    };
    if quarters > 48 {
        return Err(BadTime);
    }
    let local = Civil::new(century(year), month, day, [hour, minute, second]).ok_or(BadTime)?;
    Ok(Some(local.at_us() + tenths - ahead * QUARTER_US))
}

/// Writes an instant as local time so many quarter-hours ahead of UTC (-48 to 48).
pub fn absolute(at_us: i64, quarters_ahead: i8) -> [u8; TIME_OCTETS] {
    let quarters_ahead = quarters_ahead.clamp(-48, 48);
    let civil = Civil::of(at_us + i64::from(quarters_ahead) * QUARTER_US);
    let [hour, minute, second] = civil.hour_minute_second();
    let tenths = (civil.of_day_us % SECOND_US * 10 / SECOND_US) as u8;
    let sign = if quarters_ahead < 0 { b'-' } else { b'+' };
    let year = civil.year.rem_euclid(100) as u8;
    write([year, civil.month, civil.day, hour, minute, second], tenths, quarters_ahead.unsigned_abs(), sign)
}

/// Writes a span, rounded up to whole seconds, in days and less. 99 days is the most that fits.
pub fn relative(span_us: i64) -> [u8; TIME_OCTETS] {
    let longest = 99 * 86_400 + 86_399;
    let seconds = span_us.max(0).saturating_add(SECOND_US - 1) / SECOND_US;
    let seconds = seconds.min(longest);
    let part = |divisor: i64, modulus: i64| (seconds / divisor % modulus) as u8;
    write([0, 0, part(86_400, 100), part(3_600, 24), part(60, 60), part(1, 60)], 0, 0, b'R')
}

/// When to deliver and until when, both resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryWindow {
    /// `None`: at once.
    pub not_before_us: Option<i64>,
    /// `None`: the message centre's default.
    pub expires_us: Option<i64>,
}

impl DeliveryWindow {
    /// Reads `schedule_delivery_time`, `validity_period` and `qos_time_to_live` (seconds, which wins
    /// over validity). The schedule must lie before the end, and the end in the future.
    pub fn read(
        schedule: &[u8],
        validity: &[u8],
        qos_time_to_live: Option<u32>,
        now_us: i64,
    ) -> Result<Self, CommandStatus> {
        if schedule.is_empty() && validity.is_empty() && qos_time_to_live.is_none() {
            return Ok(Self { not_before_us: None, expires_us: None });
        }
        let not_before_us = parse(schedule, now_us).map_err(|BadTime| CommandStatus::RINVSCHED)?;
        let stated = parse(validity, now_us).map_err(|BadTime| CommandStatus::RINVEXPIRY)?;
        let expires_us = match qos_time_to_live {
            Some(seconds) => Some(now_us.saturating_add(i64::from(seconds) * SECOND_US)),
            None => stated,
        };
        if expires_us.is_some_and(|end| end <= now_us) {
            return Err(CommandStatus::RINVEXPIRY);
        }
        if let (Some(start), Some(end)) = (not_before_us, expires_us)
            && start >= end
        {
            return Err(CommandStatus::RINVSCHED);
        }
        Ok(Self { not_before_us, expires_us })
    }
}

fn number(digits: &[u8]) -> Result<u8, BadTime> {
    digits.iter().try_fold(0_u8, |number, digit| {
        if digit.is_ascii_digit() { Ok(number * 10 + (digit - b'0')) } else { Err(BadTime) }
    })
}

fn write(pairs: [u8; 6], tenths: u8, quarters: u8, sign: u8) -> [u8; TIME_OCTETS] {
    let mut text = [b'0'; TIME_OCTETS];
    for (place, number) in text.chunks_exact_mut(2).zip(pairs) {
        place.copy_from_slice(&two(number));
    }
    let [n1, n0] = two(quarters);
    if let Some(tail) = text.last_chunk_mut() {
        *tail = [b'0' + tenths % 10, n1, n0, sign];
    }
    text
}

pub(crate) const fn two(number: u8) -> [u8; 2] {
    [b'0' + number / 10 % 10, b'0' + number % 10]
}
