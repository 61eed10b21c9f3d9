//! `[management]`: metrics, health and administration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tls;
use crate::value::{Credential, Listen};

/// The listener for metrics, health and administration. Never the same as a listener for traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Management {
    /// Where to listen, or `off`.
    pub listen: Listen,
    /// Listen on other addresses than those of this machine. Set `keys` too.
    pub allow_public: bool,
    /// TLS on this listener.
    pub tls: Option<Tls>,
    /// Who presents one of these keys as bearer token may administrate. Without keys, everybody who reaches
    /// the listener may.
    pub keys: Vec<Credential>,
}

impl Default for Management {
    fn default() -> Self {
        Self { listen: Listen::loopback(9464), allow_public: false, tls: None, keys: Vec::new() }
    }
}
