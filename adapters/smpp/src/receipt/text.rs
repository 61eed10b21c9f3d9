//! The text of a receipt: words with colons, in any order, some missing, the last cut off.
//!
//! `id:IIIIIIIIII sub:SSS dlvrd:DDD submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DDDDDDD err:EEE text:…`

use super::MessageState;
use crate::civil::{Civil, century};
use crate::time;

/// What the text says; whatever cannot be read is absent.
#[derive(Debug, Default)]
pub(super) struct TextFields<'t> {
    pub(super) id: Option<&'t [u8]>,
    pub(super) submitted: Option<u32>,
    pub(super) delivered: Option<u32>,
    pub(super) submitted_us: Option<i64>,
    pub(super) done_us: Option<i64>,
    pub(super) state: Option<MessageState>,
    pub(super) error: Option<&'t [u8]>,
    pub(super) text: Option<&'t [u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    Sub,
    Dlvrd,
    SubmitDate,
    DoneDate,
    Stat,
    Err,
    Text,
}

/// Spellings of the keys, by their last letter: one look decides for most colons.
const fn spellings(last: u8) -> &'static [(&'static [u8], Key)] {
    match last.to_ascii_lowercase() {
        b'd' => &[(b"id", Key::Id), (b"dlvrd", Key::Dlvrd)],
        b'b' => &[(b"sub", Key::Sub)],
        b'e' => &[
            (b"submit date", Key::SubmitDate),
            (b"done date", Key::DoneDate),
            (b"submit_date", Key::SubmitDate),
            (b"done_date", Key::DoneDate),
            (b"submitdate", Key::SubmitDate),
            (b"donedate", Key::DoneDate),
        ],
        b't' => &[(b"stat", Key::Stat), (b"text", Key::Text)],
        b's' => &[(b"status", Key::Stat)],
        b'r' => &[(b"err", Key::Err), (b"error", Key::Err)],
        _ => &[],
    }
}

impl<'t> TextFields<'t> {
    pub(super) fn read(text: &'t [u8]) -> Self {
        let mut fields = Self::default();
        let mut open: Option<(Key, usize)> = None;
        for (at, _) in text.iter().enumerate().filter(|(_, octet)| **octet == b':') {
            let before = text.get(..at).unwrap_or_default();
            let Some((key, length)) = key_at_end(before) else { continue };
            if let Some((earlier, start)) = open {
                // What stands between two colons belongs to the earlier one, up to the later one's key.
                fields.set(earlier, text.get(start..at - length).unwrap_or_default());
            }
            open = Some((key, at + 1));
            // The excerpt is the sender's own words: once we know enough, no word in it counts.
            if key == Key::Text && fields.id.is_some() && fields.state.is_some() {
                break;
            }
        }
        if let Some((key, start)) = open {
            fields.set(key, text.get(start..).unwrap_or_default());
        }
        fields
    }

    /// The first value of a key counts.
    fn set(&mut self, key: Key, value: &'t [u8]) {
        let word = value.trim_ascii().split(|octet| octet.is_ascii_whitespace() || *octet == 0);
        let word = word.into_iter().next().unwrap_or_default();
        let some = (!word.is_empty()).then_some(word);
        match key {
            Key::Id => self.id = self.id.or(some),
            Key::Sub => self.submitted = self.submitted.or_else(|| count(word)),
            Key::Dlvrd => self.delivered = self.delivered.or_else(|| count(word)),
            Key::SubmitDate => self.submitted_us = self.submitted_us.or_else(|| date(value)),
            Key::DoneDate => self.done_us = self.done_us.or_else(|| date(value)),
            Key::Stat => self.state = self.state.or_else(|| MessageState::from_text(word)),
            Key::Err => self.error = self.error.or(some),
            Key::Text => self.text = self.text.or(Some(value)),
        }
    }
}

/// The key that these octets end with, and its length; it must be a word of its own.
fn key_at_end(octets: &[u8]) -> Option<(Key, usize)> {
    spellings(*octets.last()?).iter().find_map(|(spelling, key)| {
        let start = octets.len().checked_sub(spelling.len())?;
        let (before, word) = octets.split_at_checked(start)?;
        let own = before.last().is_none_or(|octet| !octet.is_ascii_alphanumeric() && *octet != b'_');
        (own && word.eq_ignore_ascii_case(spelling)).then_some((*key, spelling.len()))
    })
}

fn count(word: &[u8]) -> Option<u32> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Ten digits, twelve (seconds, or a year of four digits), fourteen (both), with or without
/// punctuation; or a time of SMPP.
fn date(value: &[u8]) -> Option<i64> {
    let value = value.trim_ascii();
    // A key we do not know may follow the date, and its value with it.
    digits(value).or_else(|| digits(value.split(u8::is_ascii_whitespace).next()?))
}

fn digits(value: &[u8]) -> Option<i64> {
    if value.len() == time::TIME_OCTETS
        && let Some(b'+' | b'-') = value.last()
        && let Ok(at) = time::parse(value, 0)
    {
        return at;
    }
    let mut digits = [0_u8; 14];
    let mut length = 0;
    for &octet in value {
        match octet {
            b'0'..=b'9' => {
                *digits.get_mut(length)? = octet - b'0';
                length += 1;
            }
            b'-' | b'/' | b'.' | b':' | b' ' | b'T' => {}
            _ => return None,
        }
    }
    let [a, b, c, d, e, f, g] = [0, 2, 4, 6, 8, 10, 12].map(|at| match digits.get(at..at + 2) {
        Some([tens, ones]) => tens * 10 + ones,
        _ => 0,
    });
    let short = |second| Civil::new(century(a), b, c, [d, e, second]);
    let long = |second| Civil::new(i64::from(a) * 100 + i64::from(b), c, d, [e, f, second]);
    let civil = match length {
        10 => short(0),
        // A year of four digits has no month there, until 2101.
        12 => short(f).or_else(|| long(0)),
        14 => long(g),
        _ => None,
    };
    civil.map(|civil| civil.at_us())
}
