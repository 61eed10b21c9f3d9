//! `name-addr` and `addr-spec` (RFC 3261 §20.10, §25.1): From, To, Contact, Route, P-Asserted-Identity and their kin.

use std::borrow::Cow;
use std::fmt;

use crate::fault::Malformed;
use crate::octets::{self, find_outside, is_space, is_token_octet, trim};
use crate::params::{Params, unquote};
use crate::uri::UriRef;

/// An address with its display name and header parameters, read where it stands.
#[derive(Clone, Copy)]
pub struct NameAddr<'a> {
    /// As written, quotes included, trimmed; empty without one.
    display: &'a [u8],
    /// The URI.
    pub uri: UriRef<'a>,
    /// Parameters of the header, not of the URI.
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Of one header value, strictly.
    ///
    /// # Errors
    /// [`Malformed`] says which part cannot be read.
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        Self::parse_with(value, false)
    }

    /// Of one header value; `lenient` takes display names that should have been quoted.
    ///
    /// # Errors
    /// [`Malformed`] says which part cannot be read.
    pub fn parse_with(value: &'a [u8], lenient: bool) -> Result<Self, Malformed> {
        let value = trim(value);
        let open = match value.first() {
            None => return Err(Malformed::Empty),
            Some(b'<') => 0,
            Some(b'"') => {
                let end = octets::after_quoted(value, 0).ok_or(Malformed::Quote)?;
                let gap = value[end..].iter().take_while(|&&b| is_space(b)).count();
                if value.get(end + gap) != Some(&b'<') {
                    return Err(Malformed::DisplayName);
                }
                end + gap
            }
            Some(_) => match value.iter().position(|&b| b == b'<') {
                // A `<` behind the first `;` belongs to a parameter of an address without brackets.
                Some(open) if open < find_outside(value, b';', 0) => open,
                _ => return Self::bare(value),
            },
        };
        let display = trim(&value[..open]);
        if display.first() != Some(&b'"')
            && !lenient
            && !display.iter().all(|&b| is_token_octet(b) || is_space(b))
        {
            return Err(Malformed::DisplayName);
        }
        let close = octets::find(value, b'>', open).ok_or(Malformed::Uri)?;
        let uri = UriRef::parse(&value[open + 1..close])?;
        let params = Params::parse(&value[close + 1..])?;
        Ok(Self { display, uri, params })
    }

    /// An address without brackets: its parameters are the header's (RFC 3261 §20.10), and it may have neither `,`
    /// nor `?`.
    fn bare(value: &'a [u8]) -> Result<Self, Malformed> {
        let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
        let spec = trim(&value[..end]);
        if spec.iter().any(|b| matches!(b, b'?' | b',')) {
            return Err(Malformed::Uri);
        }
        Ok(Self { display: b"", uri: UriRef::parse(spec)?, params: Params::parse(&value[end..])? })
    }

    /// The display name without quotes and escapes; `None` without one.
    #[must_use]
    pub fn display(&self) -> Option<Cow<'a, str>> {
        (!self.display.is_empty()).then(|| unquote(self.display))
    }

    /// The tag of a From or To.
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.params.get("tag")
    }
}

/// Addresses of people stay out of logs.
impl fmt::Debug for NameAddr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameAddr").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// What the Contact headers of a message say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contacts<T> {
    /// `*`: all of them (RFC 3261 §10.2.2).
    All,
    /// The addresses, perhaps none.
    List(T),
}
