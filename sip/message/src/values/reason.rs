//! Reason (RFC 3326), Warning (RFC 3261 §20.43), Retry-After (§20.33): why something did not happen.

use std::borrow::Cow;
use std::fmt;

use super::{Item, Value};
use crate::fault::Malformed;
use crate::name::Name;
use crate::octets::{self, is_space, skip_spaces, trim};
use crate::params::{Params, Quoted, unquote};

/// Reason: one of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason<'a> {
    /// `SIP`, `Q.850`, …
    pub protocol: &'a str,
    /// A status or cause of that protocol.
    pub cause: Option<u32>,
    /// In words.
    pub text: Option<Cow<'a, str>>,
}

impl<'a> Value<'a> for Reason<'a> {
    const NAME: Name = Name::Reason;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let Item { value, params } = Item::parse(value)?;
        Ok(Self { protocol: value, cause: params.number("cause"), text: params.text("text") })
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.protocol)?;
        if let Some(cause) = self.cause {
            write!(f, ";cause={cause}")?;
        }
        if let Some(text) = &self.text {
            write!(f, ";text={}", Quoted(text))?;
        }
        Ok(())
    }
}

/// Warning: one of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning<'a> {
    /// Three digits; 399 with RCS functions, whose own number is in the text.
    pub code: u16,
    /// Who warns: a host or a pseudonym.
    pub agent: &'a str,
    /// In words.
    pub text: Cow<'a, str>,
}

impl<'a> Value<'a> for Warning<'a> {
    const NAME: Name = Name::Warning;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let (code, rest) = trim(value).split_at_checked(3).ok_or(Malformed::Number)?;
        let code =
            octets::number(code).ok().and_then(|code| u16::try_from(code).ok()).ok_or(Malformed::Number)?;
        let [b' ', rest @ ..] = rest else { return Err(Malformed::Number) };
        let rest = skip_spaces(rest);
        let end = rest.iter().position(|&b| is_space(b)).ok_or(Malformed::Token)?;
        let (agent, text) = rest.split_at(end);
        let text = skip_spaces(text);
        if agent.is_empty() || !agent.iter().all(u8::is_ascii_graphic) {
            return Err(Malformed::Token);
        }
        if text.first() != Some(&b'"') || octets::after_quoted(text, 0) != Some(text.len()) {
            return Err(Malformed::Quote);
        }
        Ok(Self { code, agent: octets::text(agent), text: unquote(text) })
    }
}

impl Warning<'_> {
    /// The number that RCS functions put in front of the text (`127 Service not authorised`); the code itself when it
    /// is not 399.
    #[must_use]
    pub fn number(&self) -> Option<u16> {
        if self.code != 399 {
            return Some(self.code);
        }
        let digits = self.text.split(' ').next()?;
        if digits.len() == 3 { digits.parse().ok() } else { None }
    }
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {} {}", self.code, self.agent, Quoted(&self.text))
    }
}

/// Retry-After.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter {
    /// Not before so many seconds.
    pub seconds: u32,
    /// Good for so many seconds from then on.
    pub duration: Option<u32>,
}

impl Value<'_> for RetryAfter {
    const NAME: Name = Name::RetryAfter;

    fn parse(value: &[u8]) -> Result<Self, Malformed> {
        let value = trim(value);
        let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = value.split_at(digits);
        let seconds = match octets::number(digits) {
            Ok(seconds) => seconds,
            Err(octets::NotANumber::TooBig) => u32::MAX,
            Err(octets::NotANumber::Digits) => return Err(Malformed::Number),
        };
        let params = Params::parse(after_comment(skip_spaces(rest)).ok_or(Malformed::Trailing)?)?;
        Ok(Self { seconds, duration: params.number("duration") })
    }
}

/// Behind a comment in parentheses, which may nest.
fn after_comment(octets: &[u8]) -> Option<&[u8]> {
    if octets.first() != Some(&b'(') {
        return Some(octets);
    }
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        match octets.get(at)? {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'\\' => at += 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return octets.get(at..);
        }
    }
}
