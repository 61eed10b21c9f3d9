//! `name=value, name="value"` behind a scheme (RFC 3261 §25.1 `challenge`, `credentials`).

use std::borrow::Cow;

use smol_str::SmolStr;

use super::AuthError;
use crate::octets::{self, skip_spaces, trim};
use crate::params::unquote;

/// Parameters of one header; more are refused.
const PARAMS_MAX: usize = 32;

/// Scheme and what stands behind it.
pub(super) fn scheme(value: &[u8]) -> (&[u8], &[u8]) {
    let value = trim(value);
    let (scheme, rest) = value.split_at(octets::run(value, octets::TOKEN));
    (scheme, skip_spaces(rest))
}

/// Calls `each` with every parameter of a Digest header, value unquoted.
pub(super) fn each<'a>(
    value: &'a [u8],
    mut each: impl FnMut(&'a str, Cow<'a, str>) -> Result<(), AuthError>,
) -> Result<(), AuthError> {
    let (scheme, mut rest) = scheme(value);
    if !scheme.eq_ignore_ascii_case(b"Digest") {
        return Err(AuthError::Scheme);
    }
    for _ in 0..PARAMS_MAX {
        let (name, after) = rest.split_at(octets::run(rest, octets::TOKEN));
        let [b'=', after @ ..] = skip_spaces(after) else { return Err(AuthError::Malformed) };
        let after = skip_spaces(after);
        let len = match after.first() {
            Some(b'"') => octets::after_quoted(after, 0).ok_or(AuthError::Malformed)?,
            // Some write base64 without quotes.
            _ => octets::run(after, octets::PARAM_VALUE),
        };
        if name.is_empty() {
            return Err(AuthError::Malformed);
        }
        let (value, after) = after.split_at(len);
        each(octets::text(name), unquote(value))?;
        rest = match skip_spaces(after) {
            [] => return Ok(()),
            [b',', after @ ..] => skip_spaces(after),
            _ => return Err(AuthError::Malformed),
        };
    }
    Err(AuthError::Malformed)
}

/// Keeps a value, once.
pub(super) fn keep(slot: &mut Option<SmolStr>, value: &str) -> Result<(), AuthError> {
    match slot.replace(SmolStr::new(value)) {
        None => Ok(()),
        Some(_) => Err(AuthError::Malformed),
    }
}
