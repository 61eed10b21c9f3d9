//! `Byte-Range`: where a chunk lies in its message (RFC 4975 §7.1, §9).

use std::fmt;

/// `start-end/total`, counted from 1; `None` is written `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// The first octet.
    pub start: u64,
    /// The last octet, if the sender knew it when the chunk began.
    pub end: Option<u64>,
    /// Octets of the whole message, if the sender knows.
    pub total: Option<u64>,
}

impl Default for ByteRange {
    /// What a request without the header says.
    fn default() -> Self {
        Self { start: 1, end: None, total: None }
    }
}

impl ByteRange {
    /// The range of a message without octets.
    pub const EMPTY: Self = Self { start: 1, end: Some(0), total: Some(0) };

    /// All of a message.
    pub const fn whole(octets: u64) -> Self {
        Self { start: 1, end: Some(octets), total: Some(octets) }
    }

    /// Reads the value of the header. A range that runs backwards or past its total is none, but both are
    /// off by a line end often enough that two octets more are let through.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(octets).ok()?;
        let (span, total) = text.split_once('/')?;
        let (start, end) = span.split_once('-')?;
        let range = Self { start: number(start)?, end: open(end)?, total: open(total)? };
        let forwards = range.start >= 1 && range.end.is_none_or(|end| end >= range.start - 1);
        let inside = match (range.end, range.total) {
            (Some(end), Some(total)) => end <= total.saturating_add(2),
            (None, Some(total)) => range.start <= total.saturating_add(1),
            _ => true,
        };
        (forwards && inside).then_some(range)
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    // Room for sums with what is counted.
    digits.then(|| text.parse().ok())?.filter(|number| *number <= u64::MAX >> 1)
}

fn open(text: &str) -> Option<Option<u64>> {
    if text == "*" { Some(None) } else { number(text).map(Some) }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.start)?;
        match self.end {
            Some(end) => write!(f, "{end}/")?,
            None => f.write_str("*/")?,
        }
        match self.total {
            Some(total) => write!(f, "{total}"),
            None => f.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc4975_9_byte_range() {
        for good in ["1-25/25", "1-*/*", "1-*/8", "9-12/*", "1-0/0", "2049-4096/9000", "8-7/7"] {
            let range = ByteRange::parse(good.as_bytes());
            assert_eq!(range.map(|range| range.to_string()).as_deref(), Some(good));
        }
        for bad in [
            "",
            "1",
            "1-2",
            "1/2",
            "0-5/5",
            "5-3/9",
            "1-9/5",
            "9-*/5",
            "*-1/1",
            "+1-2/2",
            "1-2/-2",
            "1-2/2 ",
            "1-18446744073709551616/*",
            "1-*/18446744073709551615",
        ] {
            assert_eq!(ByteRange::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_line_end_counted_by_mistake_is_let_through() {
        assert!(ByteRange::parse(b"1-27/25").is_some());
        assert!(ByteRange::parse(b"1-28/25").is_none());
    }
}
