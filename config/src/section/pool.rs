//! `[[pool]]`: numbers the gateway lends.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Name, NumberPattern};

/// Numbers that are lent to messenger users without a number, so that a phone can answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// What messengers call it.
    pub name: Name,
    /// Single numbers and ranges in international form, at most 100,000 in all.
    pub numbers: Vec<NumberPattern>,
}
