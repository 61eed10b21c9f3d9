//! Parameters: `;name=value;flag;other="quoted"` (RFC 3261 §25.1 `generic-param`, RFC 3840 feature parameters).

use std::borrow::Cow;
use std::fmt::{self, Write};

use crate::fault::Malformed;
use crate::octets::{self, skip_spaces};

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

    /// Of text that was checked where it came from.
    pub(crate) const fn unchecked(octets: &'a [u8]) -> Self {
        Self { octets }
    }

    /// Of text that begins with `;`, or is blank.
    ///
    /// # Errors
    /// [`Malformed::Params`] for an empty parameter, a name that is no token, a value with stray octets.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Malformed> {
        let octets = skip_spaces(octets);
        match Self::parse_prefix(octets, |_| {})? {
            (params, []) => Ok(params),
            _ => Err(Malformed::Params),
        }
    }

    /// Of text whose first parameter has no `;` before it, as in P-Charging-Vector; may be blank.
    ///
    /// # Errors
    /// [`Malformed::Params`] as in [`Params::parse`].
    pub fn parse_bare(octets: &'a [u8]) -> Result<Self, Malformed> {
        let octets = skip_spaces(octets);
        if octets.is_empty() {
            return Ok(Self::EMPTY);
        }
        let (_, rest) = param(octets).ok_or(Malformed::Params)?;
        match Self::parse_prefix(rest, |_| {})? {
            (_, []) => Ok(Self { octets }),
            _ => Err(Malformed::Params),
        }
    }

    /// The parameters that `octets` begin with, each shown to `each`, and what stands behind them: nothing, or
    /// something that is no `;`.
    pub(crate) fn parse_prefix(
        octets: &'a [u8],
        mut each: impl FnMut(Param<'a>),
    ) -> Result<(Self, &'a [u8]), Malformed> {
        let mut rest = octets;
        while let [b';', after @ ..] = rest {
            let (param, after) = param(skip_spaces(after)).ok_or(Malformed::Params)?;
            if !octets::is_token(param.name.as_bytes()) {
                return Err(Malformed::Params);
            }
            each(param);
            rest = after;
        }
        Ok((Self { octets: &octets[..octets.len() - rest.len()] }, rest))
    }

    /// As written.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.octets
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// In order.
    pub fn iter(self) -> impl Iterator<Item = Param<'a>> {
        let mut rest = self.octets;
        std::iter::from_fn(move || {
            let start = match rest {
                [b';', after @ ..] => after,
                other => other,
            };
            let (param, after) = param(skip_spaces(start))?;
            rest = after;
            Some(param)
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

    /// The values of a feature tag: one quoted comma list (RFC 3840 §9), a bare value, or none for a flag. Percent
    /// escapes stay.
    pub fn feature_values(self) -> impl Iterator<Item = &'a str> {
        let value = self.value.and_then(|value| std::str::from_utf8(value).ok()).unwrap_or("");
        let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        inner.split(',').map(str::trim).filter(|value| !value.is_empty())
    }

    /// Whether the name is that of a feature: `+…`, or one of the base tags (RFC 3840 §9, RFC 4579).
    #[must_use]
    pub fn is_feature(self) -> bool {
        const BASE: [&str; 20] = [
            "audio",
            "automata",
            "class",
            "duplex",
            "data",
            "control",
            "mobility",
            "description",
            "events",
            "priority",
            "methods",
            "schemes",
            "application",
            "video",
            "language",
            "type",
            "isfocus",
            "actor",
            "text",
            "extensions",
        ];
        self.name.starts_with('+') || BASE.iter().any(|base| base.eq_ignore_ascii_case(self.name))
    }

    /// Whether it is written in quotes.
    #[must_use]
    pub fn is_quoted(self) -> bool {
        self.value.is_some_and(|value| value.first() == Some(&b'"'))
    }
}

/// The parameter that `octets` begin with, and what stands behind it, blanks skipped.
fn param(octets: &[u8]) -> Option<(Param<'_>, &[u8])> {
    let len = octets::run(octets, octets::PARAM_NAME);
    if len == 0 {
        return None;
    }
    let (name, rest) = octets.split_at(len);
    let name = octets::text(name);
    let rest = skip_spaces(rest);
    let [b'=', rest @ ..] = rest else { return Some((Param { name, value: None }, rest)) };
    let rest = skip_spaces(rest);
    let len = match rest.first()? {
        b'"' => octets::after_quoted(rest, 0)?,
        _ => octets::run(rest, octets::PARAM_VALUE),
    };
    if len == 0 {
        return None;
    }
    let (value, rest) = rest.split_at(len);
    Some((Param { name, value: Some(value) }, skip_spaces(rest)))
}

/// Without quotes and escapes (RFC 3261 §25.1 `quoted-string`); anything else as it is.
#[must_use]
pub(crate) fn unquote(value: &[u8]) -> Cow<'_, str> {
    let [b'"', inner @ .., b'"'] = value else { return String::from_utf8_lossy(value) };
    if inner.iter().all(|&b| b != b'\\' && !b.is_ascii_control()) {
        return String::from_utf8_lossy(inner);
    }
    let mut plain = Vec::with_capacity(inner.len());
    let mut octets = inner.iter();
    while let Some(&b) = octets.next() {
        let b = if b == b'\\' { octets.next().copied().unwrap_or(b'\\') } else { b };
        // A quoted string may escape NUL and its kin; no text of ours shall have them.
        plain.push(if b.is_ascii_control() { b' ' } else { b });
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

/// Prints a text as a quoted string.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        f.write_char('"')
    }
}
