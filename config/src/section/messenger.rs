//! `[[messenger]]`: the servers of IP messengers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ChargeAt;
use crate::value::{Cidr, Credential, HttpUrl, Name, Period, SecretRef};

/// An IP messenger that is connected through the federation interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Messenger {
    /// Appears in routes, metrics and usage records. Accounts, channels and messengers share their names.
    pub name: Name,
    /// The protocol.
    #[serde(default)]
    pub kind: MessengerKind,
    /// Where its events are pushed to. Without it, the messenger pulls them.
    #[serde(default)]
    pub push: Option<HttpUrl>,
    /// Signs what is pushed (Standard Webhooks): `whsec_` and Base64, or any text of at least 24 octets.
    /// Needed with `push`.
    #[serde(default)]
    pub secret: Option<SecretRef>,
    /// The bearer token of its calls to us; `sha256:` is enough.
    pub token: Credential,
    /// Addresses its calls may come from; empty for all.
    #[serde(default)]
    pub allow: Vec<Cidr>,
    /// Push to private networks and without TLS too.
    #[serde(default)]
    pub allow_private_addresses: bool,
    /// The most events in one push or pull.
    #[serde(default = "Messenger::default_batch_max")]
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_max: u32,
    /// Pushes that may wait for an answer.
    #[serde(default = "Messenger::default_window")]
    #[schemars(range(min = 1, max = 1_000))]
    pub window: u32,
    /// A push that takes longer counts as lost and is repeated.
    #[serde(default = "Messenger::default_push_timeout")]
    pub push_timeout: Period,
    /// Events per second from it; 0 for no limit.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub rate: u32,
    /// How long a receipt waits for a messenger that is away. Messages wait as long as they are valid.
    #[serde(default = "Messenger::default_keep")]
    pub keep: Period,
    /// Its users without a number get one of this pool for a conversation.
    #[serde(default)]
    pub pool: Option<Name>,
    /// When its messages are charged.
    #[serde(default)]
    pub charge_at: ChargeAt,
}

impl Messenger {
    /// A messenger that pulls, with every other key at its default.
    #[must_use]
    pub fn pulling(name: Name, token: Credential) -> Self {
        Self {
            name,
            kind: MessengerKind::default(),
            push: None,
            secret: None,
            token,
            allow: Vec::new(),
            allow_private_addresses: false,
            batch_max: Self::default_batch_max(),
            window: Self::default_window(),
            push_timeout: Self::default_push_timeout(),
            rate: 0,
            keep: Self::default_keep(),
            pool: None,
            charge_at: ChargeAt::default(),
        }
    }

    #[must_use]
    pub const fn default_batch_max() -> u32 {
        100
    }

    #[must_use]
    pub const fn default_window() -> u32 {
        8
    }

    #[must_use]
    pub const fn default_push_timeout() -> Period {
        Period::from_secs(15)
    }

    #[must_use]
    pub const fn default_keep() -> Period {
        Period::from_days(7)
    }
}

/// The protocol of a messenger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessengerKind {
    /// The gateway's own federation interface: JSON over HTTP.
    #[default]
    Webhook,
}
