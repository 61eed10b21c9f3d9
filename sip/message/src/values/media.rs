//! Media types and ranges (RFC 3261 §20.1, §20.15), Content-Disposition (§20.11), and the preferences of RFC 3841.

use super::{Item, Value};
use crate::fault::Malformed;
use crate::name::Name;
use crate::octets;
use crate::params::Params;

/// Content-Type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaType<'a> {
    /// `type/subtype` as written; compare without case.
    pub essence: &'a str,
    /// `charset`, `boundary`, …
    pub params: Params<'a>,
}

impl<'a> Value<'a> for MediaType<'a> {
    const NAME: Name = Name::ContentType;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let value = octets::trim(value);
        // Blanks around the slash are legal and nobody writes them.
        let end = octets::find_outside(value, b';', 0);
        let essence = octets::trim(&value[..end]);
        let mut halves = essence.splitn(2, |&b| b == b'/');
        if !halves.next().is_some_and(octets::is_token) || !halves.next().is_some_and(octets::is_token) {
            return Err(Malformed::Token);
        }
        Ok(Self { essence: octets::text(essence), params: Params::parse(&value[end..])? })
    }
}

impl MediaType<'_> {
    /// Whether it is that type, `type/subtype` in lower case.
    #[must_use]
    pub fn is(&self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence)
    }
}

/// One element of Accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaRange<'a> {
    /// `type/subtype`, `type/*` or `*/*`.
    pub range: &'a str,
    /// Thousandths, 1000 when not written; 0 means "not this".
    pub quality: u16,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Value<'a> for MediaRange<'a> {
    const NAME: Name = Name::Accept;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let Item { value, params } = Item::parse(value)?;
        if !value.contains('/') {
            return Err(Malformed::Token);
        }
        let quality = params.get("q").map_or(1000, thousandths);
        Ok(Self { range: value, quality, params })
    }
}

impl MediaRange<'_> {
    /// Whether it takes that type.
    #[must_use]
    pub fn matches(&self, essence: &str) -> bool {
        self.quality > 0 && in_range(self.range, essence)
    }
}

/// Whether `essence` lies in `range`.
pub(crate) fn in_range(range: &str, essence: &str) -> bool {
    let (Some((kind, sub)), Some((essence_kind, essence_sub))) =
        (range.split_once('/'), essence.split_once('/'))
    else {
        return false;
    };
    (kind == "*" || kind.eq_ignore_ascii_case(essence_kind))
        && (sub == "*" || sub.eq_ignore_ascii_case(essence_sub))
}

/// `0.5` as 500; what is no quality counts as 1.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole != "0" || fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return 1000;
    }
    fraction.bytes().chain(*b"000").take(3).fold(0, |sum, b| sum * 10 + u16::from(b - b'0'))
}

/// Content-Disposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentDisposition<'a> {
    /// `session`, `render`, `recipient-list`, …
    pub kind: &'a str,
    /// Whether the body may be ignored by who does not understand it.
    pub optional: bool,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Value<'a> for ContentDisposition<'a> {
    const NAME: Name = Name::ContentDisposition;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let Item { value, params } = Item::parse(value)?;
        let optional =
            params.get("handling").is_some_and(|handling| handling.eq_ignore_ascii_case("optional"));
        Ok(Self { kind: value, optional, params })
    }
}

/// One element of Accept-Contact or Reject-Contact: `*` and features that a contact should have, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactPreference<'a> {
    /// The features among them (see [`crate::Param::is_feature`]), as written.
    pub params: Params<'a>,
    /// Only contacts that match may be used.
    pub require: bool,
    /// Only contacts that registered the features.
    pub explicit: bool,
}

impl<'a> Value<'a> for ContactPreference<'a> {
    const NAME: Name = Name::AcceptContact;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let Item { value, params } = Item::parse(value)?;
        if value != "*" {
            return Err(Malformed::Token);
        }
        Ok(Self { params, require: params.has("require"), explicit: params.has("explicit") })
    }
}
