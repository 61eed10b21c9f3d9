//! Event and Subscription-State (RFC 6665 §8.2).

use super::{Item, Value};
use crate::fault::Malformed;
use crate::name::Name;
use crate::octets;
use crate::params::Params;

/// Event: a package, perhaps with an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// `conference`, `reg`, …; compared exactly.
    pub package: &'a str,
    /// Tells subscriptions of one dialog apart.
    pub id: Option<&'a str>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Value<'a> for Event<'a> {
    const NAME: Name = Name::Event;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let Item { value, params } = Item::parse(value)?;
        if !octets::is_token(value.as_bytes()) {
            return Err(Malformed::Token);
        }
        Ok(Self { package: value, id: params.get("id"), params })
    }
}

/// How a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Substate {
    /// `active`
    Active,
    /// `pending`
    Pending,
    /// `terminated`
    Terminated,
    /// An extension.
    Other,
}

/// Subscription-State.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionState<'a> {
    /// How it stands.
    pub state: Substate,
    /// Seconds left.
    pub expires: Option<u32>,
    /// Why it ended: `timeout`, `deactivated`, `rejected`, `noresource`, …
    pub reason: Option<&'a str>,
    /// Seconds to wait before the next attempt.
    pub retry_after: Option<u32>,
}

impl<'a> Value<'a> for SubscriptionState<'a> {
    const NAME: Name = Name::SubscriptionState;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let Item { value, params } = Item::parse(value)?;
        let state = match value {
            _ if value.eq_ignore_ascii_case("active") => Substate::Active,
            _ if value.eq_ignore_ascii_case("pending") => Substate::Pending,
            _ if value.eq_ignore_ascii_case("terminated") => Substate::Terminated,
            _ => Substate::Other,
        };
        Ok(Self {
            state,
            expires: params.number("expires"),
            reason: params.get("reason"),
            retry_after: params.number("retry-after"),
        })
    }
}
