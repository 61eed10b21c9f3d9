//! Parameters: `;name=value;flag;other="quoted"` (RFC 3261 §25.1 `generic-param`, RFC 3840 feature parameters).

use std::borrow::Cow;

use crate::fault::Malformed;
use crate::octets::{self, find_outside, is_token, trim};

/// The parameters of a value, read where they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Params<'a> {
    /// From the first `;` on, or empty.
    octets: &'a [u8],
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// As written; compare without case.
    pub name: &'a str,
    /// As written, quotes included; `None` without `=`.
    pub value: Option<&'a [u8]>,
}

impl<'a> Params<'a> {
    /// None.
    pub const EMPTY: Self = Self { octets: b"" };

    /// Of text that begins with `;` (or is empty), without a check.
    #[must_use]
    pub const fn unchecked(octets: &'a [u8]) -> Self {
        Self { octets }
    }

    /// Of text that begins with `;`, or is blank.
    ///
    /// # Errors
    /// [`Malformed::Params`] for an empty parameter, a name that is no token, a value with stray octets.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Malformed> {
        let octets = trim(octets);
        match octets.first() {
            None => return Ok(Self::EMPTY),
            Some(b';') => {}
            Some(_) => return Err(Malformed::Params),
        }
        let params = Self { octets };
        if params.raw().all(is_param) { Ok(params) } else { Err(Malformed::Params) }
    }

    /// As written, from the first `;` on.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.octets
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    fn raw(self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.octets.get(1..);
        std::iter::from_fn(move || {
            let octets = rest?;
            let at = find_outside(octets, b';', 0);
            let (param, after) = octets.split_at(at);
            rest = after.get(1..);
            Some(trim(param))
        })
    }

    /// In order.
    pub fn iter(self) -> impl Iterator<Item = Param<'a>> {
        self.raw().map(|raw| {
            let (name, value) = split(raw);
            Param { name: octets::text(name), value }
        })
    }

    /// The first of that name.
    #[must_use]
    pub fn find(self, name: &str) -> Option<Param<'a>> {
        self.iter().find(|param| param.name.eq_ignore_ascii_case(name))
    }

    /// Whether there is one of that name, with a value or without.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Value of the first of that name, as written (a quoted string keeps its quotes); `None` when absent, without
    /// value, or not text.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.find(name)?.value.and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Value of the first of that name, without quotes and escapes.
    #[must_use]
    pub fn text(self, name: &str) -> Option<Cow<'a, str>> {
        self.find(name)?.text()
    }

    /// Value of the first of that name as a number.
    #[must_use]
    pub fn number(self, name: &str) -> Option<u32> {
        octets::number(self.find(name)?.value?).ok()
    }
}

impl<'a> Param<'a> {
    /// The value without quotes and escapes; octets that are no text become replacement characters.
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        self.value.map(unquote)
    }

    /// Whether it is written in quotes.
    #[must_use]
    pub fn is_quoted(self) -> bool {
        self.value.is_some_and(|value| value.first() == Some(&b'"'))
    }
}

/// Name and value of one parameter.
fn split(raw: &[u8]) -> (&[u8], Option<&[u8]>) {
    match raw.iter().position(|&b| b == b'=') {
        Some(at) => (trim(&raw[..at]), Some(trim(&raw[at + 1..]))),
        None => (raw, None),
    }
}

fn is_param(raw: &[u8]) -> bool {
    let (name, value) = split(raw);
    is_token(name) && value.is_none_or(is_value)
}

/// A quoted string, or octets that need no quotes: `token / host`, and what peers write bare (addresses, URNs).
fn is_value(value: &[u8]) -> bool {
    match value.first() {
        None => false,
        Some(b'"') => octets::after_quoted(value, 0) == Some(value.len()),
        Some(_) => {
            value.iter().all(|&b| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b'<' | b'>' | b'\\'))
        }
    }
}

/// Without quotes and escapes (RFC 3261 §25.1 `quoted-string`); anything else as it is.
#[must_use]
pub(crate) fn unquote(value: &[u8]) -> Cow<'_, str> {
    let [b'"', inner @ .., b'"'] = value else { return String::from_utf8_lossy(value) };
    if !inner.contains(&b'\\') {
        return String::from_utf8_lossy(inner);
    }
    let mut plain = Vec::with_capacity(inner.len());
    let mut octets = inner.iter();
    while let Some(&b) = octets.next() {
        plain.push(if b == b'\\' { octets.next().copied().unwrap_or(b'\\') } else { b });
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}
