//! Values that are written as one string, with an error that says how to write them.

use std::{borrow::Cow, fmt, marker::PhantomData, str::FromStr};

use serde::de::{self, Deserializer, Visitor};

/// A value that is not spelt as it should be: what is wrong, and what to write instead.
///
/// Neither half ever repeats the value itself: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misspelt {
    pub what: Cow<'static, str>,
    pub help: Cow<'static, str>,
}

impl Misspelt {
    pub fn new(what: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), help: help.into() }
    }
}

impl std::error::Error for Misspelt {}

/// The first line is the message, the rest is the help: `load::decode` takes them apart again, because
/// serde carries nothing but text from here to there.
impl fmt::Display for Misspelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.what, self.help)
    }
}

/// What the macro below needs to know of a type.
pub(crate) trait Spelled: FromStr<Err = Misspelt> {
    /// "a duration such as "30s"": completes "expected …".
    const EXPECTED: &'static str;

    /// A bare integer, where that can mean something.
    fn from_integer(_: i64) -> Result<Self, Misspelt> {
        Err(Misspelt::new(format!("expected {}, found a number", Self::EXPECTED), "put it in quotes"))
    }
}

pub(crate) struct SpelledVisitor<T>(pub(crate) PhantomData<T>);

impl<T: Spelled> SpelledVisitor<T> {
    fn wrong<E: de::Error>(found: &str) -> E {
        E::custom(format_args!("expected {}, found {found}", T::EXPECTED))
    }
}

impl<'de, T: Spelled> Visitor<'de> for SpelledVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        T::from_integer(number).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        i64::try_from(number)
            .map_err(|_| Self::wrong("a number"))
            .and_then(|number| T::from_integer(number).map_err(E::custom))
    }

    // The defaults of serde would repeat the value.
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<T, E> {
        Err(Self::wrong("a number"))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<T, E> {
        Err(Self::wrong("a boolean"))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<T, A::Error> {
        Err(Self::wrong("a list"))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, _: A) -> Result<T, A::Error> {
        Err(Self::wrong("a table"))
    }
}

pub(crate) fn deserialize<'de, T: Spelled, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(SpelledVisitor(PhantomData))
}

/// Serde and schema for a type that is `Spelled` and `Display`.
macro_rules! spelled {
    ($type:ty, $schema:literal, $json:tt) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::value::spelling::deserialize(deserializer)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $schema.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($json)
            }
        }
    };
}
pub(crate) use spelled;
