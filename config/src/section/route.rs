//! `[[route]]`: which channels lead to a number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Class;
use crate::value::{Name, OneOrMany, Prefix};

/// Which channels lead to a number. The longest prefix of all routes that fit wins; among equally long ones
/// the first in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The first digits of the destination in international form, one or a list; `*` for every number.
    #[serde(default = "Route::default_to")]
    pub to: OneOrMany<Prefix>,
    /// Only messages from this account or messenger.
    #[serde(default)]
    pub account: Option<Name>,
    /// Only messages of this class.
    #[serde(default)]
    pub class: Option<Class>,
    /// One channel or a list.
    pub channels: OneOrMany<Name>,
    /// How several channels share the work.
    #[serde(default)]
    pub strategy: Strategy,
}

impl Route {
    #[must_use]
    pub fn default_to() -> OneOrMany<Prefix> {
        OneOrMany(vec![Prefix::ALL])
    }
}

/// How several channels share the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The first, and the next when it fails.
    #[default]
    Failover,
    /// All of them, by recipient, so that the messages of one person stay in order; the others take over
    /// when one fails.
    Balance,
}
