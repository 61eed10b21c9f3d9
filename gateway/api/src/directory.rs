//! Who may call and what they may see: the configuration as this room needs it.

use std::sync::Arc;

use model::{ChannelId, ChannelKind, Class, Number};
use smol_str::SmolStr;

use crate::{Access, Federation, KeyHash, Pull};

/// Accounts, messengers and channels as configured now. A reload is visible with the next call.
pub trait Directory: Send + Sync {
    /// The account that owns this API key.
    fn account(&self, key: &KeyHash) -> Option<Arc<Account>>;

    /// The messenger that owns this bearer token.
    fn messenger_by_key(&self, key: &KeyHash) -> Option<Arc<Messenger>>;

    /// The messenger of this name: for peers that sign instead of showing a token. Being found proves
    /// nothing; the adapter checks the signature.
    fn messenger(&self, name: &str) -> Option<Arc<Messenger>>;

    /// Every channel, by name.
    fn channels(&self) -> Vec<ChannelView>;

    /// The channel of this name.
    fn channel(&self, name: &str) -> Option<ChannelView> {
        self.channels().into_iter().find(|channel| channel.name == name)
    }

    /// What this channel is called; also for channels that are no longer configured, as far as known.
    fn channel_name(&self, channel: ChannelId) -> SmolStr {
        self.channels()
            .into_iter()
            .find(|known| known.id == channel)
            .map_or_else(|| smol_str::format_smolstr!("channel-{}", channel.0), |known| known.name)
    }

    /// Whether a message to this number could be carried, and how. The answer must not tell an unknown
    /// number from a barred one (threat T72).
    fn reach(&self, number: &Number) -> Reach {
        let _ = number;
        Reach::default()
    }
}

/// An account of the HTTP API.
#[derive(Debug, Clone)]
pub struct Account {
    pub channel: ChannelId,
    pub name: SmolStr,
    /// For messages that name none.
    pub class: Class,
    pub access: Access,
}

/// A messenger that speaks HTTP with us.
#[derive(Clone)]
pub struct Messenger {
    pub channel: ChannelId,
    pub name: SmolStr,
    pub adapter: Arc<dyn Federation>,
    /// Set where the messenger fetches its events.
    pub pull: Option<Arc<dyn Pull>>,
    pub access: Access,
}

/// What an operator sees of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelView {
    pub id: ChannelId,
    pub name: SmolStr,
    pub kind: ChannelKind,
    /// Whether the link stands.
    pub up: bool,
    pub paused: bool,
    /// How many hand-overs it can hold unanswered now.
    pub room: u32,
    /// Handed over and not yet answered.
    pub in_flight: u64,
    /// Waiting for the channel, ready to go.
    pub ready: u64,
    /// Waiting for a time: scheduled, or before the next attempt.
    pub later: u64,
}

/// What is known about reaching a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    Yes,
    No,
    #[default]
    Unknown,
}
