//! A message as a caller writes it, and the submission it becomes.

#![expect(unused_qualifications, reason = "written by the macros that describe this endpoint")]

use std::{borrow::Cow, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use model::{
    Address, Cause, Coded, Content, Duration, Number, Pii, ReceiptsWanted, Submission, Timestamp, User,
};
use serde::{Deserialize, Deserializer, de};
use smol_str::SmolStr;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, schema::Type},
};

use crate::{
    Account, Problem,
    spell::{ClassName, Moment, PartyUser},
};

/// Longest address; what a channel can carry is less.
const ADDRESS_OCTETS_MAX: usize = 128;
/// Longest reference of the caller.
const REFERENCE_OCTETS_MAX: usize = 128;
/// Longest idempotency key.
const KEY_OCTETS_MAX: usize = 255;
/// Most octets of a short message with data, joined or not (255 segments of 140).
const DATA_OCTETS_MAX: usize = 255 * 140;

/// A message to one recipient. Exactly one of `text` and `data` is set.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewMessage {
    /// A number or a sender name.
    #[schema(value_type = String, example = "15881234")]
    from: SmolStr,
    #[schema(schema_with = recipient_schema)]
    to: Recipient,
    /// Unicode text; long texts are split where the channel needs it.
    #[schema(value_type = Option<String>, example = "안녕하세요")]
    text: Option<Box<str>>,
    data: Option<Data>,
    /// The account's default where absent.
    class: Option<ClassName>,
    /// Which receipts the account's SMPP binds are sent: none by default.
    #[serde(default)]
    #[schema(schema_with = receipts_schema, required = false)]
    receipts: Receipts,
    /// How long delivery may be tried, from `schedule` on where that is set.
    #[schema(schema_with = validity_schema, required = false)]
    validity: Option<Validity>,
    /// Not before this time.
    #[schema(value_type = Option<String>, format = DateTime)]
    schedule: Option<Moment>,
    /// The caller's own id; comes back with receipts and in the ladder.
    #[schema(value_type = Option<String>, max_length = 128)]
    reference: Option<SmolStr>,
    /// For messages in a batch; a single message uses the header.
    #[schema(value_type = Option<String>, max_length = 255)]
    idempotency_key: Option<SmolStr>,
}

/// A short message exactly as it should be on the wire.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Data {
    /// As in SMPP 3.4 §5.2.19.
    data_coding: u8,
    /// The octets begin with a user data header.
    #[serde(default)]
    udhi: bool,
    /// Base64.
    #[schema(value_type = String, format = Byte)]
    octets: Octets,
}

impl NewMessage {
    /// Puts the key of the request in where the message has none of its own.
    pub(crate) fn with_key(mut self, key: impl FnOnce() -> Option<SmolStr>) -> Self {
        if self.idempotency_key.is_none() {
            self.idempotency_key = key();
        }
        self
    }

    /// The submission this is, or what is wrong with it.
    pub(crate) fn submission(self, account: &Account, now: Timestamp) -> Result<Submission, Problem> {
        let from = address("#/from", &self.from, Cause::BadSender)?;
        let to = match self.to {
            Recipient::Number(written) => address("#/to", &written, Cause::BadDestination)?,
            Recipient::User(user) => self::user(user)?,
        };
        let content = match (self.text, self.data) {
            (Some(text), None) => Content::Text(normal(text)),
            (None, Some(data)) => data.content()?,
            _ => return Err(Problem::field("#/text", "expected exactly one of `text` and `data`")),
        };
        let scheduled_at = self.schedule.map(|Moment(at)| at);
        let expires_at =
            self.validity.map(|Validity(lasting)| scheduled_at.unwrap_or(now).max(now) + lasting);
        Ok(Submission {
            id: None,
            origin: account.channel,
            from: Pii::new(from),
            to: Pii::new(to),
            class: self.class.map_or(account.class, Into::into),
            receipts: self.receipts.0,
            received_at: now,
            scheduled_at,
            expires_at,
            reference: plain("#/reference", self.reference, REFERENCE_OCTETS_MAX)?,
            idempotency_key: plain("#/idempotency_key", self.idempotency_key, KEY_OCTETS_MAX)?,
            carried: Bytes::new(),
            part: None,
            charging_id: None,
            elsewhere: None,
            content,
        })
    }
}

/// The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header): a string, with or without the
/// quotes of a structured field.
pub(crate) fn key_of(headers: &http::HeaderMap) -> Result<Option<SmolStr>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default().trim();
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    if key.is_empty() || key.len() > KEY_OCTETS_MAX {
        return Err(
            Problem::of(Cause::Malformed).detail("Idempotency-Key is 1 to 255 printable ASCII characters")
        );
    }
    Ok(Some(key.into()))
}

fn address(pointer: &str, written: &str, cause: Cause) -> Result<Address, Problem> {
    if written.trim().is_empty()
        || written.len() > ADDRESS_OCTETS_MAX
        || written.chars().any(char::is_control)
    {
        return Err(wrong(cause, pointer, "expected a number or a name, without control characters"));
    }
    Ok(Address::Number(Number::written(written)))
}

fn user(user: PartyUser) -> Result<Address, Problem> {
    for (pointer, part) in [("#/to/messenger", &user.messenger), ("#/to/user", &user.user)] {
        if part.is_empty() || part.len() > ADDRESS_OCTETS_MAX || part.chars().any(char::is_control) {
            return Err(wrong(Cause::BadDestination, pointer, "expected a name of 1 to 128 octets"));
        }
    }
    Ok(Address::User(User { messenger: user.messenger, id: user.user }))
}

fn wrong(cause: Cause, pointer: &str, detail: &'static str) -> Problem {
    Problem::of(cause).errors(vec![crate::problem::FieldError {
        pointer: pointer.to_owned(),
        detail: Cow::Borrowed(detail),
    }])
}

fn plain(pointer: &str, text: Option<SmolStr>, octets_max: usize) -> Result<Option<SmolStr>, Problem> {
    match text {
        Some(text) if text.is_empty() || text.len() > octets_max || text.chars().any(char::is_control) => {
            Err(Problem::field(
                pointer,
                format!("expected 1 to {octets_max} octets without control characters"),
            ))
        }
        text => Ok(text),
    }
}

/// NFC with LF line ends: what [`Content::Text`] promises.
fn normal(text: Box<str>) -> Box<str> {
    let text = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text };
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        text
    } else {
        text.nfc().collect()
    }
}

impl Data {
    fn content(self) -> Result<Content, Problem> {
        let octets = self.octets.0;
        if octets.len() > DATA_OCTETS_MAX {
            return Err(wrong(Cause::TooLong, "#/data/octets", "expected at most 35700 octets"));
        }
        Ok(Content::Coded(Coded { data_coding: self.data_coding, udhi: self.udhi, octets }))
    }
}

/// Who it is for: a number as a person writes it, or a user of a messenger.
#[derive(Debug)]
pub(crate) enum Recipient {
    Number(SmolStr),
    User(PartyUser),
}

impl<'de> Deserialize<'de> for Recipient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Recipient;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or an object with `messenger` and `user`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Recipient, E> {
                Ok(Recipient::Number(text.into()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Recipient, A::Error> {
                PartyUser::deserialize(de::value::MapAccessDeserializer::new(map)).map(Recipient::User)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Which receipts are wanted. Over HTTP the ladder is the receipt, so nobody gets one unasked.
#[derive(Debug, Clone, Copy)]
struct Receipts(ReceiptsWanted);

impl Default for Receipts {
    fn default() -> Self {
        Self(ReceiptsWanted::NONE)
    }
}

impl<'de> Deserialize<'de> for Receipts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Receipts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, or a list of `success`, `failure` and `intermediate`")
            }

            fn visit_bool<E: de::Error>(self, all: bool) -> Result<Receipts, E> {
                Ok(Receipts(if all { ReceiptsWanted::FINAL } else { ReceiptsWanted::NONE }))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Receipts, A::Error> {
                let mut wanted = ReceiptsWanted::NONE;
                while let Some(name) = list.next_element::<ReceiptName>()? {
                    match name {
                        ReceiptName::Success => wanted.success = true,
                        ReceiptName::Failure => wanted.failure = true,
                        ReceiptName::Intermediate => wanted.intermediate = true,
                    }
                }
                Ok(Receipts(wanted))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReceiptName {
    Success,
    Failure,
    Intermediate,
}

/// How long a message may live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Validity(Duration);

const SECONDS_MAX: u64 = 10 * 365 * 86_400;

impl Validity {
    fn seconds(secs: u64) -> Option<Self> {
        (1..=SECONDS_MAX).contains(&secs).then(|| Self(Duration::from_secs(secs)))
    }

    /// `48h`, `1h30m`, `2d`.
    fn written(text: &str) -> Option<Self> {
        let mut total = 0_u64;
        let mut number = None::<u64>;
        for c in text.chars() {
            if let Some(digit) = c.to_digit(10) {
                number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit.into())?);
                continue;
            }
            let unit = match c {
                's' => 1,
                'm' => 60,
                'h' => 3_600,
                'd' => 86_400,
                'w' => 604_800,
                _ => return None,
            };
            total = total.checked_add(number.take()?.checked_mul(unit)?)?;
        }
        if number.is_some() { None } else { Self::seconds(total) }
    }
}

impl<'de> Deserialize<'de> for Validity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Validity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds from 1, or a time such as `48h` or `1h30m` (w, d, h, m, s)")
            }

            fn visit_u64<E: de::Error>(self, secs: u64) -> Result<Validity, E> {
                Validity::seconds(secs).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(secs), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Validity, E> {
                Validity::written(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Base64 with its padding.
#[derive(Debug)]
struct Octets(Bytes);

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Octets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("octets in base64 (RFC 4648 §4)")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Octets, E> {
                let octets = BASE64_STANDARD.decode(text);
                octets
                    .map(|octets| Octets(octets.into()))
                    .map_err(|_| E::invalid_value(de::Unexpected::Other("text"), &self))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

fn recipient_schema() -> RefOr<Schema> {
    OneOfBuilder::new()
        .item(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("A number as a person writes it.")),
        )
        .item(Ref::from_schema_name("PartyUser"))
        .description(Some("Who it is for."))
        .examples(["+821012345678"])
        .into()
}

fn receipts_schema() -> RefOr<Schema> {
    let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([
        "success",
        "failure",
        "intermediate",
    ]));
    OneOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Boolean))
        .item(ArrayBuilder::new().items(name))
        .description(Some(
            "Which receipts the account's SMPP binds are sent: all final ones, none, or those listed. \
             An account without SMPP is sent none; `GET /v1/messages/{id}` tells what became of a message.",
        ))
        .default(Some(false.into()))
        .into()
}

fn validity_schema() -> RefOr<Schema> {
    let seconds = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(SECONDS_MAX))
        .description(Some("Seconds."));
    let written = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^([0-9]+[wdhms])+$"))
        .examples(["48h", "1h30m"]);
    OneOfBuilder::new()
        .description(Some("How long delivery may be tried, from `schedule` on where that is set."))
        .item(seconds)
        .item(written)
        .into()
}
