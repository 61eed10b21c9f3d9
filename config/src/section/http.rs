//! `[http]`: the API for machines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tls;
use crate::value::{Listen, Octets, Period};

/// The listener of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Where to listen, or `off`.
    pub listen: Listen,
    /// TLS on this listener.
    pub tls: Option<Tls>,
    /// The largest body of a request with many messages; larger ones get 413, as do those with a single one
    /// from 64 KiB.
    pub body_octets_max: Octets,
    /// The most messages in one batch.
    #[schemars(range(min = 1, max = 65_536))]
    pub batch_max: u32,
    /// The most connections at once.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections_max: u32,
    /// A request that takes longer to arrive, or to be answered, is given up.
    pub request_timeout: Period,
    /// A connection on which no head of a request is complete for so long is closed.
    pub idle_timeout: Period,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: Listen::loopback(8080),
            tls: None,
            body_octets_max: Octets::new(4 << 20),
            batch_max: 10_000,
            connections_max: 4_096,
            request_timeout: Period::from_secs(30),
            idle_timeout: Period::from_secs(75),
        }
    }
}
