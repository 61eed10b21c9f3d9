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
    /// Requests that may wait for an answer, per bind and direction.
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
    /// The versions it may bind with; empty for all.
    #[serde(default)]
    pub versions: Vec<SmppVersion>,
    /// What its `data_coding` 0 means.
    #[serde(default)]
    pub default_alphabet: DefaultAlphabet,
    /// How its receipts look.
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
}

/// How the receipts that an account gets look. The ids are decimal in every form of answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Receipts {
    /// In the text, in TLVs, or in both.
    pub form: ReceiptForm,
    /// Digits of the dates in the text.
    pub dates: ReceiptDates,
    /// How message ids are written in receipts; answers to submissions always have them in decimal.
    pub ids: ReceiptIds,
    /// How long a receipt waits for an account that is not bound.
    pub keep: Period,
}

impl Default for Receipts {
    fn default() -> Self {
        Self {
            form: ReceiptForm::Both,
            dates: ReceiptDates::Minutes,
            ids: ReceiptIds::Decimal,
            keep: Period::from_hours(72),
        }
    }
}

/// Where a receipt says what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptForm {
    Text,
    Tlv,
    #[default]
    Both,
}

/// How exact the dates in the text of a receipt are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptDates {
    /// `YYMMDDhhmm`, SMPP 3.4 appendix B.
    #[default]
    Minutes,
    /// `YYMMDDhhmmss`.
    Seconds,
}

/// How a message id is written in a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptIds {
    #[default]
    Decimal,
    Hex,
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
