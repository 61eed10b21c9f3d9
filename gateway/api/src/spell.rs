//! How the gateway's words are written in JSON.

use std::fmt;

use model::{Address, Class, For, Msisdn, Number, Pii, Timestamp, Ton};
use serde::{Deserialize, Deserializer, Serialize, de};
use smol_str::{SmolStr, format_smolstr};
use utoipa::ToSchema;

/// RFC 3339 in UTC.
pub(crate) fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros()).map_or_else(|_| "never".to_owned(), |at| at.to_string())
}

/// Reads RFC 3339. In a query string the `+` of an offset is easily left unescaped and becomes a space.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let at = text.parse::<jiff::Timestamp>().or_else(|error| match text.rsplit_once(' ') {
        Some((time, offset)) => format!("{time}+{offset}").parse(),
        None => Err(error),
    });
    at.ok().map(|at| Timestamp::from_micros(at.as_microsecond()))
}

/// A point in time in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Moment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time as in RFC 3339, such as 2026-11-23T09:00:00+09:00")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Moment, E> {
                parse_time(text).map(Moment).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// A number as its owner reads it: with `+` where it is international.
pub(crate) fn number(number: &Number) -> SmolStr {
    if number.ton == Ton::INTERNATIONAL && !number.digits.starts_with('+') {
        format_smolstr!("+{}", number.digits)
    } else {
        number.digits.clone()
    }
}

/// E.164 with `+`.
pub(crate) fn msisdn(number: Msisdn) -> SmolStr {
    format_smolstr!("+{}", number.as_u64())
}

/// Either side of a message.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Party {
    /// A number or a sender name.
    #[schema(value_type = String, example = "+821012345678")]
    Number(SmolStr),
    User(PartyUser),
}

/// A user of a messenger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct PartyUser {
    /// The name of the messenger.
    #[schema(value_type = String)]
    pub(crate) messenger: SmolStr,
    /// The messenger's own id of the user.
    #[schema(value_type = String)]
    pub(crate) user: SmolStr,
}

impl Party {
    /// Spells an address for the party that owns it.
    pub(crate) fn of(address: &Pii<Address>) -> Self {
        match address.reveal(For::Owner) {
            Address::Number(it) => Self::Number(number(it)),
            Address::User(user) => {
                Self::User(PartyUser { messenger: user.messenger.clone(), user: user.id.clone() })
            }
        }
    }
}

/// Why a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClassName {
    /// Person to person.
    Person,
    /// A code somebody is waiting for.
    Otp,
    /// Business to person, not advertising.
    Transactional,
    /// Consent, label and night rules apply.
    Advertising,
}

impl From<ClassName> for Class {
    fn from(name: ClassName) -> Self {
        match name {
            ClassName::Person => Self::Person,
            ClassName::Otp => Self::OneTimePassword,
            ClassName::Transactional => Self::Transactional,
            ClassName::Advertising => Self::Advertising,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_both_ways() {
        let at = Timestamp::from_micros(1_800_000_000_123_456);
        assert_eq!(time(at), "2027-01-15T08:00:00.123456Z");
        assert_eq!(parse_time("2027-01-15T17:00:00.123456+09:00"), Some(at));
        assert_eq!(parse_time("2027-01-15T17:00:00.123456 09:00"), Some(at));
        assert_eq!(parse_time("2027-01-15 17:00"), None);
        assert_eq!(time(Timestamp::NEVER), "never");
    }

    #[test]
    fn international_numbers_have_their_plus() {
        assert_eq!(number(&Number::written("+82 10-1234-5678")), "+821012345678");
        assert_eq!(number(&Number::written("010-1234-5678")), "01012345678");
        assert_eq!(number(&Number::written("ACME")), "ACME");
    }
}
