//! `[store]`: where messages and usage records are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::StoreUrl;

/// Where messages and usage records are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `sqlite:` and a path (relative to the working directory), or a `postgres://` address. An address with a
    /// password belongs into `env:NAME` or `file:/path`.
    pub url: StoreUrl,
}

impl Default for Store {
    fn default() -> Self {
        Self { url: StoreUrl::Sqlite("./data/gateway.db".into()) }
    }
}
