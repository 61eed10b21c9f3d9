//! Channels: everything the gateway exchanges messages with, seen from the engine.

use serde::{Deserialize, Serialize};

/// A configured channel. Ids are given by the store to channel names and never reused, so that journal
/// entries stay readable when the configuration changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChannelId(pub u16);

/// What stands at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChannelKind {
    /// A carrier's SMSC that we bind to.
    Smsc,
    /// An ESME that binds to us.
    Esme,
    /// A messenger's server.
    Messenger,
    /// An account of the HTTP API.
    Http,
    /// RCS and IMS devices, reached over SIP.
    Rcs,
}

/// Who goes first when a channel is busy. Lower lanes wait for higher ones, never the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Lane {
    /// One-time passwords and what people wait for with the phone in their hand.
    Urgent,
    /// Person to person, and receipts.
    Person,
    /// Campaigns.
    Bulk,
}

impl Lane {
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Person, Self::Bulk];
}
