//! `[node]`: who this process is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Name;

/// Who this process is among several.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Node {
    /// The name of this node in usage records, leases and logs. Without it, the name of the host.
    pub name: Option<Name>,
}
