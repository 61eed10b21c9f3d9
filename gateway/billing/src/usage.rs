//! The usage record: one for each billable event, by the charging sheet §3 and §6.

use std::fmt;

use model::{Cause, ChannelId, Class, Lane, MessageId, Msisdn, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

/// What makes a record unique: the database refuses a second one with the same key.
///
/// The key ascends with time, unlike a hash, so that inserting at full load touches the newest page only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UsageKey {
    pub message: MessageId,
    /// The leg of the plan that was metered, from 0. Another leg of the same service and length goes on under
    /// it.
    pub leg: u8,
    pub event: UsageEvent,
}

/// The billable event (charging sheet §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum UsageEvent {
    /// Accepted for delivery; the message is charged from here on.
    Submit = 1,
    /// Delivered, or ended, where the account is charged at delivery.
    Deliver = 2,
    /// Takes an earlier record back.
    Reversal = 3,
}

impl UsageEvent {
    pub const ALL: [Self; 3] = [Self::Submit, Self::Deliver, Self::Reversal];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Deliver => "deliver",
            Self::Reversal => "reversal",
        }
    }
}

/// The id that leaves the gateway: the first 128 bits of SHA-256 over the key and the schema version, so
/// whoever computes it, and however often, gets the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UsageId(pub [u8; 16]);

impl fmt::Display for UsageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("use_")?;
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl UsageKey {
    /// Part of every id; raised when the meaning of a record changes.
    pub const SCHEMA_VERSION: u16 = 1;

    #[must_use]
    pub fn id(self) -> UsageId {
        let mut hash = Sha256::new();
        hash.update(Self::SCHEMA_VERSION.to_be_bytes());
        hash.update(self.message.as_u64().to_be_bytes());
        hash.update([self.leg, self.event as u8]);
        let digest = hash.finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        UsageId(id)
    }
}

/// What kind of service was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum UsageService {
    /// A short message leaves towards a carrier.
    Sms = 1,
    /// A message is delivered into a messenger.
    Messenger = 2,
    /// A short message leaves towards an ESME.
    Esme = 3,
    /// A message leaves towards an RCS device.
    Rcs = 4,
}

impl UsageService {
    pub const ALL: [Self; 4] = [Self::Sms, Self::Messenger, Self::Esme, Self::Rcs];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Messenger => "messenger",
            Self::Esme => "esme",
            Self::Rcs => "rcs",
        }
    }
}

/// How the event ended, for the bill (charging sheet §4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum UsageOutcome {
    Accepted = 1,
    Delivered = 2,
    HandedOver = 3,
    Failed = 4,
    Expired = 5,
    Cancelled = 6,
    Unknown = 7,
    /// Another leg took over; this one is not charged.
    Replaced = 8,
}

impl UsageOutcome {
    pub const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Delivered,
        Self::HandedOver,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
        Self::Unknown,
        Self::Replaced,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::HandedOver => "handed_over",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::Replaced => "replaced",
        }
    }
}

/// One billable event. Small: at full load forty thousand of these are written a
/// second. Numbers are kept, because that is what a usage record is for; texts never are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRecord {
    pub key: UsageKey,
    pub at: Timestamp,
    pub service: UsageService,
    pub outcome: UsageOutcome,
    /// Who is charged.
    pub origin: ChannelId,
    /// Where it went.
    pub channel: ChannelId,
    pub class: Class,
    pub lane: Lane,
    /// At least 1.
    pub segments: u16,
    /// Octets of user content.
    pub octets: u32,
    /// E.164 forms where they exist; the journal has the numbers as written.
    pub from: Option<Msisdn>,
    pub to: Option<Msisdn>,
    pub cause: Option<Cause>,
    /// The leg whose record this one takes back or takes over from; see [`UsageRecord::parent`].
    pub parent: Option<u8>,
    /// The charging id of the network the message came from (`icid-value`, RFC 7315 §4.6).
    pub charging_id: Option<SmolStr>,
}

impl UsageRecord {
    /// The record that this one belongs to: what a reversal takes back, or the leg that a fallback replaced.
    #[must_use]
    pub fn parent(&self) -> Option<UsageKey> {
        let event = match self.key.event {
            UsageEvent::Deliver => UsageEvent::Deliver,
            UsageEvent::Submit | UsageEvent::Reversal => UsageEvent::Submit,
        };
        self.parent.map(|leg| UsageKey { leg, event, ..self.key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_a_function_of_the_key_alone() {
        let message = MessageId::from_u64(77).expect("an id");
        let key = UsageKey { message, leg: 0, event: UsageEvent::Submit };
        assert_eq!(key.id(), key.id());
        assert_ne!(key.id(), UsageKey { event: UsageEvent::Reversal, ..key }.id());
        assert_ne!(key.id(), UsageKey { leg: 1, ..key }.id());
        assert!(key.id().to_string().starts_with("use_"));
    }
}
