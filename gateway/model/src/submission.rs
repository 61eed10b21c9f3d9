//! A submission: one message to one recipient, as an adapter hands it to the engine.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{Address, ChannelId, Content, Lane, MessageId, Pii, Timestamp};

/// Everything known when a message comes in. Adapters fill it; the engine adds the id and decides.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// Given by the engine when it accepts.
    pub id: Option<MessageId>,
    /// Where it came in, and therefore where its receipts go and who is charged.
    pub origin: ChannelId,
    pub from: Pii<Address>,
    pub to: Pii<Address>,
    pub class: Class,
    pub receipts: ReceiptsWanted,
    pub received_at: Timestamp,
    /// Not before (SMPP `schedule_delivery_time`).
    pub scheduled_at: Option<Timestamp>,
    /// Not after. The engine caps it at the configured maximum.
    pub expires_at: Option<Timestamp>,
    /// The sender's own id, echoed in receipts.
    pub reference: Option<SmolStr>,
    /// Same key and same body from the same channel is the same message.
    pub idempotency_key: Option<SmolStr>,
    /// Parameters that only the adapter of `origin` can read and that a channel of the same protocol
    /// carries through unchanged (SMPP: service type, protocol id, TLVs). Empty in the common case. Each adapter's
    /// begins with an octet that no other's begins with: 0x01 SMPP, 0x52 RCS, 0x53 SMS over IMS, `{` JSON of
    /// messengers.
    pub carried: Bytes,
    /// This is one segment of a longer message.
    pub part: Option<Part>,
    /// The charging id of the network it came from (`icid-value`, RFC 7315 §4.6), for its usage records.
    pub charging_id: Option<SmolStr>,
    /// How it is shown on any channel but the one of `origin`, where that differs.
    pub elsewhere: Option<Box<Elsewhere>>,
    /// Not serialised with the rest: content is stored apart, so that it can be erased on its own.
    #[serde(skip)]
    pub content: Content,
}

/// Sizes where people could be named: what is carried may hold names and numbers.
impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submission")
            .field("id", &self.id)
            .field("origin", &self.origin)
            .field("from", &self.from)
            .field("to", &self.to)
            .field("class", &self.class)
            .field("receipts", &self.receipts)
            .field("received_at", &self.received_at)
            .field("scheduled_at", &self.scheduled_at)
            .field("expires_at", &self.expires_at)
            .field("reference", &self.reference)
            .field("idempotency_key", &self.idempotency_key)
            .field("carried_octets", &self.carried.len())
            .field("part", &self.part)
            .field("charging_id", &self.charging_id)
            .field("elsewhere", &self.elsewhere)
            .field("content", &self.content)
            .finish()
    }
}

/// A message as it is shown where its own channel is not known: who it is from, which a network of numbers is given
/// a number for, and what the words of it begin with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Elsewhere {
    pub from: Pii<Address>,
    pub lead: Pii<Box<str>>,
}

/// Which segment of which message (TS 23.040 §9.2.3.24.1), told by the sender's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Part {
    pub reference: u16,
    /// At least 2.
    pub total: u8,
    /// 1 to `total`.
    pub number: u8,
}

/// Why it is sent, in the words of the rules that apply to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub enum Class {
    /// Person to person.
    #[default]
    Person,
    /// A code somebody is waiting for.
    OneTimePassword,
    /// Business to person, not advertising.
    Transactional,
    /// Advertising: consent, label and night rules apply.
    Advertising,
}

impl Class {
    #[must_use]
    pub const fn lane(self) -> Lane {
        match self {
            Self::OneTimePassword => Lane::Urgent,
            Self::Person => Lane::Person,
            Self::Transactional | Self::Advertising => Lane::Bulk,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::OneTimePassword => "otp",
            Self::Transactional => "transactional",
            Self::Advertising => "advertising",
        }
    }
}

/// Which receipts the sender asked for (SMPP 3.4 §5.2.17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub struct ReceiptsWanted {
    pub success: bool,
    pub failure: bool,
    /// That it was handed on, and to what kind of network.
    pub intermediate: bool,
    /// That a person has seen it.
    pub displayed: bool,
}

impl ReceiptsWanted {
    pub const NONE: Self = Self { success: false, failure: false, intermediate: false, displayed: false };
    pub const FINAL: Self = Self { success: true, failure: true, intermediate: false, displayed: false };

    #[must_use]
    pub const fn any_final(self) -> bool {
        self.success || self.failure
    }
}
