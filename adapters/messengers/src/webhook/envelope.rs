//! The envelope of an event as it stands in JSON (messengers sheet §8.4).

use std::{borrow::Cow, fmt, marker::PhantomData};

use model::{Address, For, Number, Pii, Ton, User};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use smol_str::SmolStr;

/// Octets of a number as written, of a sender name and of a user id.
const TEL_OCTETS_MAX: usize = 32;
const NAME_OCTETS_MAX: usize = 32;
const USER_OCTETS_MAX: usize = 128;

/// A list that keeps at most `N` elements and remembers that there were more: what a peer sends never
/// costs more memory than the limit.
#[derive(Debug)]
pub(super) struct Capped<T, const N: usize> {
    pub(super) items: Vec<T>,
    pub(super) over: bool,
}

impl<T, const N: usize> Default for Capped<T, N> {
    fn default() -> Self {
        Self { items: Vec::new(), over: false }
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Capped<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T, const N: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Elements<T, N> {
            type Value = Capped<T, N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Capped::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut capped = Capped::default();
                while capped.items.len() < N {
                    match seq.next_element()? {
                        Some(item) => capped.items.push(item),
                        None => return Ok(capped),
                    }
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    capped.over = true;
                }
                Ok(capped)
            }
        }

        deserializer.deserialize_any(Elements::<T, N>(PhantomData))
    }
}

/// The body of a call.
#[derive(Deserialize)]
pub(super) struct Batch<'a> {
    #[serde(borrow)]
    pub(super) events: Capped<&'a RawValue, { super::BATCH_EVENTS_MAX }>,
}

/// Just enough of a spoilt event to answer it.
#[derive(Deserialize)]
pub(super) struct Identified<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
}

/// One event. Fields that mean nothing to a gateway of texts are skipped unread.
#[derive(Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) conv: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) from: Option<Party<'a>>,
    #[serde(borrow, default)]
    pub(super) to: Capped<Party<'a>, { super::RECIPIENTS_MAX }>,
    #[serde(default)]
    pub(super) ts: Option<i64>,
    #[serde(default)]
    pub(super) ttl: Option<u64>,
    #[serde(borrow, default)]
    pub(super) body: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) re: Option<Relates<'a>>,
    #[serde(borrow, default)]
    pub(super) want: Capped<Cow<'a, str>, 16>,
    #[serde(borrow, default)]
    pub(super) fb: Option<Fallback<'a>>,
    #[serde(borrow, default)]
    pub(super) class: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) crypto: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) must: Capped<Cow<'a, str>, 32>,
}

/// What an event refers to.
#[derive(Default, Deserialize)]
pub(super) struct Relates<'a> {
    #[serde(borrow, default)]
    pub(super) target: Option<Cow<'a, str>>,
}

/// The sender's permission and text for another network.
#[derive(Deserialize, Serialize)]
pub(super) struct Fallback<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) sms: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after_s: Option<u64>,
}

/// Who an event is from or to: a number, a user of a messenger, or the name of a business.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Party<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub tel: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub usr: Option<Cow<'a, str>>,
    /// The messenger `usr` belongs to, when it is not the peer's own.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub net: Option<Cow<'a, str>>,
    /// An alphanumeric sender.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
}

impl Party<'_> {
    /// The sender: a user where one is named, for a number beside it is a claim that only a verified
    /// link makes true.
    #[must_use]
    pub fn sender(&self, messenger: &SmolStr) -> Option<Address> {
        self.user(messenger).or_else(|| self.number()).or_else(|| self.named())
    }

    /// The recipient: a number where one is given, for it can be reached by every channel.
    #[must_use]
    pub fn recipient(&self, messenger: &SmolStr) -> Option<Address> {
        self.number().or_else(|| self.user(messenger))
    }

    fn user(&self, messenger: &SmolStr) -> Option<Address> {
        let id = self.usr.as_deref().filter(|id| is_user(id))?;
        let messenger = match self.net.as_deref() {
            Some(net) if is_user(net) => net.into(),
            Some(_) => return None,
            None => messenger.clone(),
        };
        Some(Address::User(User { messenger, id: id.into() }))
    }

    /// Digits, `*` and `#` with an optional `+` and the usual separators.
    pub(super) fn number(&self) -> Option<Address> {
        let tel = self.tel.as_deref()?;
        if tel.len() > TEL_OCTETS_MAX {
            return None;
        }
        let number = Number::written(tel);
        let dialable = number.ton != Ton::ALPHANUMERIC && !number.digits.is_empty();
        dialable.then_some(Address::Number(number))
    }

    fn named(&self) -> Option<Address> {
        let name = self.name.as_deref()?.trim();
        if name.is_empty() || name.len() > NAME_OCTETS_MAX || name.chars().any(char::is_control) {
            return None;
        }
        Some(Address::Number(Number {
            ton: Ton::ALPHANUMERIC,
            npi: model::Npi::UNKNOWN,
            digits: name.into(),
        }))
    }
}

impl<'a> Party<'a> {
    /// How `address` is shown to the peer `messenger`.
    #[must_use]
    pub fn shown(address: &'a Pii<Address>, reason: For, messenger: &str) -> Self {
        match address.reveal(reason) {
            Address::User(user) => Self {
                usr: Some(Cow::Borrowed(&user.id)),
                net: (user.messenger != messenger).then_some(Cow::Borrowed(&user.messenger)),
                ..Self::default()
            },
            Address::Number(number) => Self::of_number(number),
        }
    }

    /// `+` belongs to the canonical form of an international number; everything else is shown as it is.
    #[must_use]
    pub fn of_number(number: &'a Number) -> Self {
        match number.ton {
            Ton::ALPHANUMERIC => Self { name: Some(Cow::Borrowed(&number.digits)), ..Self::default() },
            Ton::INTERNATIONAL if !number.digits.starts_with('+') => {
                Self { tel: Some(Cow::Owned(format!("+{}", number.digits))), ..Self::default() }
            }
            _ => Self { tel: Some(Cow::Borrowed(&number.digits)), ..Self::default() },
        }
    }
}

impl fmt::Debug for Party<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Party({})", Pii::new((&self.tel, &self.usr, &self.name)))
    }
}

fn is_user(id: &str) -> bool {
    !id.is_empty() && id.len() <= USER_OCTETS_MAX && !id.chars().any(char::is_control)
}
