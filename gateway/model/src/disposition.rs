//! How a message ended, or where it stands.

use serde::{Deserialize, Serialize};

/// The ladder of a message. Dispositions only move forward (invariant I4); the order of the variants is
/// that direction, and everything from `Delivered` on is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Disposition {
    /// Stored and metered; not yet handed on.
    Accepted,
    /// Handed to the next network, which took it.
    Sent,
    /// Handed over, but the answer was lost: neither sent nor failed (invariant I6).
    Unknown,
    /// The recipient's device has it.
    Delivered,
    /// Handed to a network that gives no proof.
    HandedOver,
    /// Validity ended first.
    Expired,
    /// The sender or an operator withdrew it.
    Cancelled,
    /// It can never be delivered.
    Undeliverable,
    /// A network or a rule refused it.
    Rejected,
    /// The outcome was never learnt inside the report window.
    Lost,
}

impl Disposition {
    #[must_use]
    pub fn is_final(self) -> bool {
        self >= Self::Delivered
    }

    /// The recipient has it, as far as anybody can say.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Delivered | Self::HandedOver)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Delivered => "delivered",
            Self::HandedOver => "handed_over",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Undeliverable => "undeliverable",
            Self::Rejected => "rejected",
            Self::Lost => "lost",
        }
    }
}
