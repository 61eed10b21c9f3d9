//! `[smpp]`: the server that ESMEs bind to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tls;
use crate::value::{Listen, Octets, Period};

/// The SMPP server that ESMEs bind to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Smpp {
    /// Where to listen, or `off`.
    pub listen: Listen,
    /// TLS on this listener.
    pub tls: Option<Tls>,
    /// What this server calls itself in answers to binds, up to 15 characters.
    #[schemars(length(min = 1, max = 15))]
    pub system_id: String,
    /// The highest version spoken.
    pub version: SmppVersion,
    /// The most connections at once, bound or not.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections_max: u32,
    /// A connection that has not bound after so long is closed (session_init timer).
    pub bind_timeout: Period,
    /// A silent peer is asked after so long whether it is still there.
    pub enquire_link: Period,
    /// A peer that asks nothing for so long is unbound. `0` keeps it.
    pub inactivity: Period,
    /// How long to wait for the answer to a request of ours.
    pub answer_timeout: Period,
    /// A PDU that began must be complete after so long.
    pub pdu_timeout: Period,
    /// The answer to one bind more than an account may have: `failed` (ESME_RBINDFAIL) or `already-bound`
    /// (ESME_RALYBND), which some partners expect.
    pub over_binds: OverBinds,
    /// Answer an unknown `system_id` and a wrong password alike, so that names cannot be tried out.
    pub hide_accounts: bool,
    /// A longer PDU closes the connection.
    pub pdu_octets_max: Octets,
}

impl Default for Smpp {
    fn default() -> Self {
        Self {
            listen: Listen::loopback(2775),
            tls: None,
            system_id: "gateway".into(),
            version: SmppVersion::V50,
            connections_max: 4_096,
            bind_timeout: Period::from_secs(30),
            enquire_link: Period::from_secs(30),
            inactivity: Period::from_secs(300),
            answer_timeout: Period::from_secs(60),
            pdu_timeout: Period::from_secs(10),
            over_binds: OverBinds::default(),
            hide_accounts: true,
            pdu_octets_max: Octets::new(70_000),
        }
    }
}

/// The answer to one bind too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OverBinds {
    #[default]
    Failed,
    AlreadyBound,
}

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
pub enum SmppVersion {
    #[serde(rename = "3.3")]
    V33,
    #[default]
    #[serde(rename = "3.4")]
    V34,
    #[serde(rename = "5.0")]
    V50,
}

/// What `data_coding` 0 means to a peer. SMPP leaves it open, so it is agreed with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DefaultAlphabet {
    /// TS 23.038, one septet per octet.
    #[default]
    Gsm7,
    Ascii,
    Latin1,
}
