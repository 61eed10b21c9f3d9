//! Message ids: issuing ours, and recognising a peer's id when its receipt spells it otherwise
//! (SMPP 3.4 §5.2.23; every difference handled here has been seen in the field).
//!
//! A peer may answer `submit_sm` with `38601FA` and send a receipt for `0059113978`, which is the same
//! number. [`key`] is the form to store beside the raw id; [`candidates`] are the forms to look up, in
//! the order in which they deserve belief. The caller also compares the recipient, since a hit by a
//! later form proves less.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::limits::MESSAGE_ID;

/// The largest id we issue. Eighteen digits survive a signed 64-bit number and a change of base.
pub const ISSUED_MAX: u64 = 999_999_999_999_999_999;

/// An id on the stack: up to 65 octets.
#[derive(Clone, Copy)]
pub struct IdText {
    octets: [u8; MESSAGE_ID],
    length: u8,
}

impl IdText {
    const EMPTY: Self = Self { octets: [0; MESSAGE_ID], length: 0 };

    /// Copies an id; `None` when it is empty or longer than any id may be.
    #[inline]
    pub fn new(id: &[u8]) -> Option<Self> {
        if id.is_empty() {
            return None;
        }
        let mut text = Self::EMPTY;
        text.octets.get_mut(..id.len())?.copy_from_slice(id);
        text.length = u8::try_from(id.len()).ok()?;
        Some(text)
    }

    /// The id we issue for a number: decimal, no leading zero, at most 18 digits. `None` for 0 and
    /// above [`ISSUED_MAX`].
    pub fn issue(number: u64) -> Option<Self> {
        ((1..=ISSUED_MAX).contains(&number)).then(|| Self::number(u128::from(number), 10))
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The id as text, when it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()).ok()
    }

    fn number(mut number: u128, base: u128) -> Self {
        let mut digits = [b'0'; 40];
        let mut length = 0;
        for digit in digits.iter_mut().rev() {
            let value = (number % base) as u8;
            *digit = if value < 10 { b'0' + value } else { b'a' + value - 10 };
            length += 1;
            number /= base;
            if number == 0 {
                break;
            }
        }
        Self::new(digits.get(40 - length..).unwrap_or_default()).unwrap_or(Self::EMPTY)
    }

    fn map(mut self, change: impl Fn(&mut [u8])) -> Self {
        let length = usize::from(self.length);
        if let Some(octets) = self.octets.get_mut(..length) {
            change(octets);
        }
        self
    }
}

impl PartialEq for IdText {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for IdText {}

impl Hash for IdText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl AsRef<[u8]> for IdText {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Display for IdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().escape_ascii().fmt(f)
    }
}

impl fmt::Debug for IdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How a receipt's id became the id it was found under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transform {
    /// Not at all.
    Exact,
    /// In lower case.
    Lower,
    /// In upper case.
    Upper,
    /// Without leading zeros.
    Stripped,
    /// Lower case without leading zeros: the form of [`key`].
    Key,
    /// Decimal read, hexadecimal written.
    Hex,
    /// The same in upper case.
    HexUpper,
    /// Hexadecimal read, decimal written.
    Decimal,
    /// A negative number read as the unsigned number with the same 64 bits.
    Unsigned64,
    /// A negative number read as the unsigned number with the same 32 bits.
    Unsigned32,
    /// A number above 2^63 read as the signed number with the same bits.
    Signed64,
    /// Without what stands before its one separator.
    Unprefixed,
}

impl Transform {
    /// Every transform, in the order of belief.
    pub const ALL: &'static [Self] = &[
        Self::Exact,
        Self::Lower,
        Self::Upper,
        Self::Stripped,
        Self::Key,
        Self::Hex,
        Self::HexUpper,
        Self::Decimal,
        Self::Unsigned64,
        Self::Unsigned32,
        Self::Signed64,
        Self::Unprefixed,
    ];

    /// The id in this form; `None` when it has none.
    pub fn apply(self, id: &IdText) -> Option<IdText> {
        let octets = id.as_bytes();
        match self {
            Self::Exact => Some(*id),
            Self::Lower => Some(id.map(<[u8]>::make_ascii_lowercase)),
            Self::Upper => Some(id.map(<[u8]>::make_ascii_uppercase)),
            Self::Stripped => IdText::new(stripped(octets)),
            Self::Key => key(octets),
            Self::Hex => Some(IdText::number(parse(octets, 10)?, 16)),
            Self::HexUpper => Some(Self::Hex.apply(id)?.map(<[u8]>::make_ascii_uppercase)),
            Self::Decimal => Some(IdText::number(parse(octets, 16)?, 10)),
            Self::Unsigned64 => {
                let value = i64::try_from(parse(octets.strip_prefix(b"-")?, 10)?).ok()?;
                Some(IdText::number(u128::from(value.wrapping_neg().cast_unsigned()), 10))
            }
            Self::Unsigned32 => {
                let value = i32::try_from(parse(octets.strip_prefix(b"-")?, 10)?).ok()?;
                Some(IdText::number(u128::from(value.wrapping_neg().cast_unsigned()), 10))
            }
            Self::Signed64 => {
                let value = u64::try_from(parse(octets, 10)?).ok()?.cast_signed();
                if value >= 0 {
                    return None;
                }
                let mut signed = IdText::EMPTY;
                let digits = IdText::number(u128::from(value.unsigned_abs()), 10);
                let (first, rest) = signed.octets.split_first_mut()?;
                *first = b'-';
                rest.get_mut(..digits.as_bytes().len())?.copy_from_slice(digits.as_bytes());
                signed.length = digits.length + 1;
                Some(signed)
            }
            Self::Unprefixed => {
                let mut parts = octets.split(|octet| !octet.is_ascii_alphanumeric());
                let (prefix, rest) = (parts.next()?, parts.next()?);
                // Several separators are a UUID or the like; a short rest would match by chance.
                let clear = parts.next().is_none() && !prefix.is_empty() && rest.len() >= 4;
                IdText::new(rest).filter(|_| clear)
            }
        }
    }
}

/// The form of an id to store for matching: lower case, no leading zeros. `None` when the id is
/// empty, or longer than any id may be.
pub fn key(id: &[u8]) -> Option<IdText> {
    Some(IdText::new(stripped(id))?.map(<[u8]>::make_ascii_lowercase))
}

/// The forms under which to look for a receipt's id, each once. What matched for this peer before
/// (`hint`) comes first, so that the usual receipt costs one look.
pub fn candidates(id: &IdText, hint: Option<Transform>) -> impl Iterator<Item = (Transform, IdText)> {
    let order = move |at: usize| match (at, hint) {
        (0, Some(hint)) => Some(hint),
        (at, Some(_)) => Transform::ALL.get(at - 1).copied(),
        (at, None) => Transform::ALL.get(at).copied(),
    };
    let id = *id;
    (0..).map_while(order).enumerate().filter_map(move |(at, transform)| {
        let form = transform.apply(&id)?;
        let seen =
            (0..at).filter_map(order).filter_map(|earlier| earlier.apply(&id)).any(|seen| seen == form);
        (!seen).then_some((transform, form))
    })
}

/// What a peer's receipts have taught us: the transform that hit several times running.
#[derive(Debug, Clone, Copy, Default)]
pub struct Learned {
    last: Option<Transform>,
    run: u8,
}

impl Learned {
    /// Hits in a row before one is believed: ids below ten look the same in every form.
    const RUN: u8 = 3;

    /// A receipt was found.
    pub fn hit(&mut self, transform: Transform) {
        self.run = if self.last == Some(transform) { self.run.saturating_add(1) } else { 1 };
        self.last = Some(transform);
    }

    /// What to try first.
    pub fn hint(&self) -> Option<Transform> {
        self.last.filter(|_| self.run >= Self::RUN)
    }
}

/// Without leading zeros, but not without its last digit.
fn stripped(id: &[u8]) -> &[u8] {
    let zeros = id.iter().take_while(|&&octet| octet == b'0').count();
    id.get(zeros.min(id.len().saturating_sub(1))..).unwrap_or_default()
}

/// A number in the base; `None` when a character is no digit, or the number has more than 128 bits.
fn parse(digits: &[u8], base: u32) -> Option<u128> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u128, |number, &digit| {
        let digit = char::from(digit).to_digit(base)?;
        number.checked_mul(u128::from(base))?.checked_add(u128::from(digit))
    })
}
