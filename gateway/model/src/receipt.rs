//! Receipts: what another network says about something we handed it.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::{Disposition, Number, Pii, Timestamp, UpstreamId};

/// One receipt, whatever protocol it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The upstream id in every spelling that may match, best first.
    pub upstream: SmallVec<[UpstreamId; 2]>,
    pub state: ReceiptState,
    /// The network's own error code, verbatim.
    pub code: Option<SmolStr>,
    /// When the network says it happened.
    pub at: Option<Timestamp>,
    /// Recipient and sender of the message it is about, where the protocol tells: a message whose answer
    /// was lost has no upstream id to match.
    pub about: Option<Box<(Pii<Number>, Pii<Number>)>>,
}

/// SMPP `message_state`, IMDN status and HTTP states, folded into what the engine distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReceiptState {
    /// Still trying; an intermediate notification.
    Enroute,
    Delivered,
    /// Read by a person. Implies delivered.
    Displayed,
    Expired,
    Deleted,
    Undeliverable,
    /// Taken by the operator on behalf of the user.
    Accepted,
    Unknown,
    Rejected,
}

impl ReceiptState {
    /// The final disposition this state stands for, if it is final.
    #[must_use]
    pub const fn disposition(self) -> Option<Disposition> {
        match self {
            Self::Enroute => None,
            Self::Delivered | Self::Displayed => Some(Disposition::Delivered),
            Self::Accepted => Some(Disposition::HandedOver),
            Self::Expired => Some(Disposition::Expired),
            Self::Deleted => Some(Disposition::Cancelled),
            Self::Undeliverable => Some(Disposition::Undeliverable),
            Self::Unknown => Some(Disposition::Lost),
            Self::Rejected => Some(Disposition::Rejected),
        }
    }
}
