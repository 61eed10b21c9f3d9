//! `[[account]]`: who sends through the gateway.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DefaultAlphabet, SmppVersion};
use crate::value::{Cidr, Credential, Name, NumberPattern, Period, Senders};

/// Who sends through the gateway: an ESME that binds to us, a client of the HTTP API, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Appears in routes, metrics and usage records. Accounts, channels and messengers share their names.
    pub name: Name,
    /// The class of its messages when they name none.
    #[serde(default)]
    pub class: Class,
    /// When its messages are charged.
    #[serde(default)]
    pub charge_at: ChargeAt,
    /// The senders registered for it, or `any`. Lists hold single numbers, ranges and names.
    #[serde(default)]
    pub senders: Senders,
    /// Messages of phones to these numbers go to it.
    #[serde(default)]
    pub numbers: Vec<NumberPattern>,
    /// How it binds over SMPP. Without this table it cannot.
    #[serde(default)]
    pub smpp: Option<AccountSmpp>,
    /// How it calls the HTTP API. Without this table it cannot.
    #[serde(default)]
    pub api: Option<AccountApi>,
}

/// How an account binds over SMPP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountSmpp {
    /// Up to 15 characters.
    #[schemars(length(min = 1, max = 15))]
    pub system_id: String,
    /// Up to 8 characters; `sha256:` is enough.
    pub password: Credential,
    /// The most binds at once.
    #[serde(default = "AccountSmpp::default_binds_max")]
    #[schemars(range(min = 1, max = 10_000))]
    pub binds_max: u16,
    /// Submissions that may wait for an answer, per bind; then its connection is not read.
    #[serde(default = "AccountSmpp::default_window")]
    #[schemars(range(min = 1, max = 100_000))]
    pub window: u32,
    /// Segments per second over all its binds; 0 for no limit.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub rate: u32,
    /// Addresses it may come from; empty for all.
    #[serde(default)]
    pub allow: Vec<Cidr>,
    /// The `system_type`s it may name when it binds; empty for any.
    #[serde(default)]
    pub system_types: Vec<String>,
    /// The highest version spoken with it; a bind with a higher one is answered with this.
    #[serde(default = "AccountSmpp::default_version")]
    pub version: SmppVersion,
    /// What its `data_coding` 0 means.
    #[serde(default)]
    pub default_alphabet: DefaultAlphabet,
    /// What becomes of its receipts.
    #[serde(default)]
    pub receipts: Receipts,
}

impl AccountSmpp {
    #[must_use]
    pub const fn default_binds_max() -> u16 {
        4
    }

    #[must_use]
    pub const fn default_window() -> u32 {
        100
    }

    #[must_use]
    pub const fn default_version() -> SmppVersion {
        SmppVersion::V50
    }
}

/// What becomes of the receipts that an account gets. They say what they say in the text (SMPP 3.4 appendix B,
/// dates to the minute, ids in decimal as in the answers) and in TLVs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Receipts {
    /// How long a receipt waits for an account that is not bound.
    pub keep: Period,
}

impl Default for Receipts {
    fn default() -> Self {
        Self { keep: Period::from_hours(72) }
    }
}

/// How an account calls the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountApi {
    /// Its bearer tokens; `sha256:` is enough. Several make a change of keys possible.
    pub keys: Vec<Credential>,
    /// Addresses it may come from; empty for all.
    #[serde(default)]
    pub allow: Vec<Cidr>,
    /// Messages per second; 0 for no limit.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub rate: u32,
}

/// Why a message is sent. It decides who goes first and which rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Person to person.
    #[default]
    Person,
    /// A code somebody is waiting for.
    Otp,
    /// Business to person, not advertising.
    Transactional,
    /// Advertising: consent, label and night rules apply.
    Advertising,
}

/// The event that is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChargeAt {
    /// The positive answer; a certain failure later takes it back.
    #[default]
    Submission,
    /// The end, with its outcome.
    Delivery,
}
