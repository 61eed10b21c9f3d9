//! Equivalence of URIs (RFC 3261 §19.1.4, RFC 3966 §4), and the key of an address of record (RFC 3261 §10.3).

use std::borrow::Cow;
use std::fmt::Write;

use smol_str::{SmolStr, SmolStrBuilder};

use super::{Scheme, Uri};
use crate::params::{Param, Params};

/// Parameters that both URIs have or neither: omitting one is not the same as its default.
const NEVER_IGNORED: [&str; 5] = ["transport", "user", "ttl", "method", "maddr"];

impl<T: AsRef<str>> Uri<T> {
    /// Whether both name the same resource by the rules of their scheme. Not transitive: parameters that only one has
    /// are mostly ignored.
    #[must_use]
    pub fn is_same_as<U: AsRef<str>>(&self, other: &Uri<U>) -> bool {
        if self.scheme() != other.scheme() {
            return false;
        }
        match self.scheme() {
            Scheme::Sip | Scheme::Sips => {
                same_text(self.user(), other.user())
                    && same_text(self.password(), other.password())
                    && self.host() == other.host()
                    && self.port() == other.port()
                    && same_params(self.params(), other.params(), false)
                    && same_headers(self.headers(), other.headers())
            }
            Scheme::Tel => {
                let number = |text: Option<&str>| {
                    text.unwrap_or("").chars().filter(|c| !is_separator(*c)).collect::<String>()
                };
                number(self.tel_number()).eq_ignore_ascii_case(&number(other.tel_number()))
                    && same_params(self.params(), other.params(), true)
            }
            Scheme::Other => {
                self.scheme_text().eq_ignore_ascii_case(other.scheme_text())
                    && self.slice(self.parts.after_scheme, self.parts.headers)
                        == other.slice(other.parts.after_scheme, other.parts.headers)
            }
        }
    }

    /// The address of record as a key: scheme, user without needless escapes, host in lower case, IPv6 and IPv4 by
    /// value; without password, port, parameters and headers. `tel:` numbers lose their separators.
    #[must_use]
    pub fn address_of_record(&self) -> SmolStr {
        let mut key = SmolStrBuilder::new();
        match self.scheme() {
            Scheme::Sip | Scheme::Sips => {
                key.push_str(if self.scheme() == Scheme::Sip { "sip:" } else { "sips:" });
                if let Some(user) = self.user() {
                    key.push_str(&unescaped(user));
                    key.push('@');
                }
                match self.host() {
                    Some(super::Host::Name(name)) => {
                        for c in name.trim_end_matches('.').chars() {
                            key.push(c.to_ascii_lowercase());
                        }
                    }
                    Some(super::Host::Ip(address)) => {
                        let address = super::Host::Ip(address.to_canonical());
                        let mut text = String::new();
                        if write!(text, "{address}").is_ok() {
                            key.push_str(&text);
                        }
                    }
                    None => {}
                }
            }
            Scheme::Tel => {
                key.push_str("tel:");
                for c in self.tel_number().unwrap_or("").chars().filter(|c| !is_separator(*c)) {
                    key.push(c);
                }
            }
            Scheme::Other => key.push_str(self.as_str()),
        }
        key.finish()
    }
}

/// What people put between digits (RFC 3966 §3, `visual-separator`).
pub(super) const fn is_separator(c: char) -> bool {
    matches!(c, '-' | '.' | '(' | ')')
}

fn same_text(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || unescaped(a) == unescaped(b),
        (None, None) => true,
        _ => false,
    }
}

/// Escapes of octets that need none are undone, the others written in capitals: two texts that are equal afterwards are
/// equivalent. The escaped octets themselves stay escaped, `%00` included.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let octet = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (octet, after.get(2..)) {
            (Some(b), Some(tail)) => {
                let c = char::from(b);
                if c.is_ascii_alphanumeric() || "-_.!~*'()+".contains(c) {
                    plain.push(c);
                } else {
                    plain.push('%');
                    plain.extend(after.chars().take(2).map(|c| c.to_ascii_uppercase()));
                }
                rest = tail;
            }
            _ => {
                plain.push('%');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn same_params(a: Params<'_>, b: Params<'_>, all: bool) -> bool {
    let counts = |name: &str| all || NEVER_IGNORED.iter().any(|never| never.eq_ignore_ascii_case(name));
    let within = |a: Params<'_>, b: Params<'_>| {
        a.iter().all(|param| match b.find(param.name) {
            Some(other) => same_value(param, other),
            None => !counts(param.name),
        })
    };
    within(a, b) && within(b, a)
}

fn same_value(a: Param<'_>, b: Param<'_>) -> bool {
    match (a.text(), b.text()) {
        (Some(a), Some(b)) => unescaped(&a).eq_ignore_ascii_case(&unescaped(&b)),
        (None, None) => true,
        _ => false,
    }
}

/// Headers of a URI are never ignored; their order does not matter.
fn same_headers(a: &str, b: &str) -> bool {
    let within = |a: &str, b: &str| {
        a.split('&')
            .filter(|header| !header.is_empty())
            .all(|header| b.split('&').any(|other| same_header(header, other)))
    };
    within(a, b) && within(b, a)
}

fn same_header(a: &str, b: &str) -> bool {
    let halves = |header| str::split_once(header, '=').unwrap_or((header, ""));
    let ((name_a, value_a), (name_b, value_b)) = (halves(a), halves(b));
    name_a.eq_ignore_ascii_case(name_b) && unescaped(value_a) == unescaped(value_b)
}
