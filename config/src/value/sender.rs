//! Who may appear as sender.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, SeqAccess, Visitor},
};

use super::{
    NumberPattern,
    spelling::{Misspelt, Spelled, spelled},
};

/// A registered sender: numbers, or a name of up to 11 letters and digits (TS 23.040 §9.1.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sender {
    Number(NumberPattern),
    Name(String),
}

impl FromStr for Sender {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        if !text.chars().any(|c| c.is_alphabetic()) {
            return text.parse().map(Self::Number);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '&');
        if text.len() <= 11 && text.chars().all(plain) {
            return Ok(Self::Name(text.to_owned()));
        }
        Err(Misspelt::new(
            "this cannot be a sender",
            r#"write a number, a prefix ("1588*"), a range, or a name of up to 11 letters and digits"#,
        ))
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(pattern) => pattern.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl Spelled for Sender {
    const EXPECTED: &'static str = "a sender number or name in quotes";
}

spelled!(Sender, "Sender", {
    "description": "A number, a prefix (ending in *), a range (first..last), or a name of up to 11 characters.",
    "type": "string"
});

/// The senders an account may use: a list, or `"any"`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Senders {
    #[default]
    Any,
    Listed(Vec<Sender>),
}

impl Serialize for Senders {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => serializer.serialize_str("any"),
            Self::Listed(list) => list.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Senders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Senders;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#""any" or a list of senders"#)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Senders, E> {
                if text == "any" {
                    return Ok(Senders::Any);
                }
                text.parse().map(|sender| Senders::Listed(vec![sender])).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Senders, A::Error> {
                let mut list = Vec::new();
                while let Some(sender) = items.next_element()? {
                    list.push(sender);
                }
                Ok(Senders::Listed(list))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Senders {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Senders".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let sender = generator.subschema_for::<Sender>();
        json_schema!({
            "description": "any, or a list of senders.",
            "type": ["string", "array"],
            "items": sender
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_a_number_or_a_name() {
        assert_eq!("1588-1234".parse::<Sender>().unwrap().to_string(), "15881234");
        assert_eq!("TICTOC".parse::<Sender>().unwrap(), Sender::Name("TICTOC".into()));
        assert!("TWELVE LETTERS".parse::<Sender>().is_err());
        assert!("틱톡".parse::<Sender>().is_err());
    }
}
