//! Latitude and longitude as integers: what is read is what is written.

use std::fmt;

use crate::sink::{Sink, put_number};

const DEGREE_E7: i64 = 10_000_000;
const DECIMALS: usize = 7;

/// A point on the earth (WGS 84) in units of 10⁻⁷ degree, which is a centimetre. `Debug` does not tell it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Position {
    latitude_e7: i32,
    longitude_e7: i32,
}

impl Position {
    /// `None` when it is not on the earth: latitude −90…90, longitude −180…180 degrees.
    #[must_use]
    pub fn new(latitude_e7: i32, longitude_e7: i32) -> Option<Self> {
        let within = |value: i32, degrees: i64| i64::from(value).abs() <= degrees * DEGREE_E7;
        (within(latitude_e7, 90) && within(longitude_e7, 180)).then_some(Self { latitude_e7, longitude_e7 })
    }

    /// Reads two decimal numbers; digits behind the seventh are dropped.
    #[must_use]
    pub fn read(latitude: &str, longitude: &str) -> Option<Self> {
        Self::new(degrees(latitude)?, degrees(longitude)?)
    }

    #[must_use]
    pub const fn latitude_e7(self) -> i32 {
        self.latitude_e7
    }

    #[must_use]
    pub const fn longitude_e7(self) -> i32 {
        self.longitude_e7
    }

    /// Writes both numbers with as many decimals as they need.
    pub fn write(self, out: &mut impl Sink, between: &str) {
        write_degrees(out, self.latitude_e7);
        out.put(between.as_bytes());
        write_degrees(out, self.longitude_e7);
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Position")
    }
}

fn degrees(text: &str) -> Option<i32> {
    let text = text.trim_ascii();
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let decimals = fraction.bytes().chain(std::iter::repeat(b'0')).take(DECIMALS);
    let value =
        whole.bytes().chain(decimals).fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    i32::try_from(if negative { -value } else { value }).ok()
}

fn write_degrees(out: &mut impl Sink, value: i32) {
    let magnitude = i64::from(value).unsigned_abs();
    if value < 0 {
        out.put(b"-");
    }
    put_number(out, magnitude / DEGREE_E7 as u64);
    let mut decimals = [b'0'; DECIMALS];
    let mut rest = magnitude % DEGREE_E7 as u64;
    for place in decimals.iter_mut().rev() {
        *place += (rest % 10) as u8;
        rest /= 10;
    }
    let length = decimals.iter().rposition(|&digit| digit != b'0').map_or(0, |last| last + 1);
    if length > 0 {
        out.put(b".");
        out.put(&decimals[..length]);
    }
}
