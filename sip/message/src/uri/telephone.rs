//! Telephone numbers in URIs: `tel:` and the user part of `sip:…;user=phone` (RFC 3966, RFC 3261 §19.1.6, RFC 4694).

use std::borrow::Cow;

use smol_str::{SmolStr, SmolStrBuilder};

use super::compare::{is_separator, unescaped};
use super::{Scheme, Uri};
use crate::params::Params;

/// A telephone number, read where it stands.
#[derive(Clone)]
pub struct Telephone<'a> {
    /// As written, escapes undone, before the first `;`.
    number: Cow<'a, str>,
    /// `phone-context`, `npdi`, `rn`, `ext`, `isub` and what else there is. They stay with the URI; the number does not
    /// contain them.
    pub params: Params<'a>,
}

/// Digits of the longest number (ITU-T E.164 §6.1).
const DIGITS_MAX: usize = 15;

impl<T: AsRef<str>> Uri<T> {
    /// The number that the URI names: any `tel:`, a user part marked `user=phone`, and, as peers write it without the
    /// mark, a user part that is `+` and digits.
    #[must_use]
    pub fn telephone(&self) -> Option<Telephone<'_>> {
        let text = match self.scheme() {
            Scheme::Tel => {
                return Some(Telephone { number: Cow::Borrowed(self.tel_number()?), params: self.params() });
            }
            Scheme::Sip | Scheme::Sips => self.user()?,
            Scheme::Other => return None,
        };
        let (number, params) = match text.find(';') {
            Some(at) => (text.get(..at)?, text.get(at..)?),
            None => (text, ""),
        };
        let number = unescaped(number);
        let marked = self.params().get("user").is_some_and(|user| user.eq_ignore_ascii_case("phone"));
        let looks = || {
            number
                .strip_prefix('+')
                .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        };
        (marked || looks()).then(|| Telephone { number, params: Params::unchecked(params.as_bytes()) })
    }
}

impl Telephone<'_> {
    /// As written, separators included.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.number
    }

    /// Whether it begins with `+`.
    #[must_use]
    pub fn is_global(&self) -> bool {
        self.number.starts_with('+')
    }

    /// The digits of E.164 without `+`, separators and parameters; `None` for what is no such number.
    ///
    /// A local number needs `phone-context` to begin with `+`: its digits then stand in front, and one `0` that the
    /// local number begins with is taken for the trunk prefix. `country` (digits, without `+`) stands in for a context
    /// that is a domain or absent.
    #[must_use]
    pub fn e164(&self, country: Option<&str>) -> Option<SmolStr> {
        let mut digits = Digits::default();
        let local = match self.number.strip_prefix('+') {
            Some(global) => {
                digits.take(global)?;
                return digits.finish();
            }
            None => self.number.as_ref(),
        };
        match self.params.get("phone-context").and_then(|context| context.strip_prefix('+')) {
            Some(context) => digits.take(context)?,
            None => digits.take(country?)?,
        }
        let mut rest = Digits::default();
        rest.take(local)?;
        let local = rest.finish()?;
        digits.take(local.strip_prefix('0').unwrap_or(&local))?;
        digits.finish()
    }
}

/// Numbers of people stay out of logs.
impl std::fmt::Debug for Telephone<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Telephone({} characters)", self.number.len())
    }
}

/// At most fifteen digits.
#[derive(Default)]
struct Digits {
    text: SmolStrBuilder,
    len: usize,
}

impl Digits {
    /// Digits with separators between; nothing else.
    fn take(&mut self, text: &str) -> Option<()> {
        for c in text.chars().filter(|c| !is_separator(*c)) {
            if !c.is_ascii_digit() || self.len == DIGITS_MAX {
                return None;
            }
            self.text.push(c);
            self.len += 1;
        }
        Some(())
    }

    fn finish(self) -> Option<SmolStr> {
        (self.len > 0).then(|| self.text.finish())
    }
}
