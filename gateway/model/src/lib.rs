//! The nouns of the gateway: what a message, a receipt and an answer are.
//!
//! Pure: no I/O, no clock, no randomness. Every other room speaks in these words, so a word
//! is defined here once and means the same everywhere.

mod address;
mod cause;
mod channel;
mod content;
mod disposition;
mod exchange;
mod id;
mod pii;
mod receipt;
mod rich;
mod submission;
mod time;

pub use address::{Address, Msisdn, Npi, Number, NumberingPlan, Ton, User};
pub use cause::{Cause, Party, Refusal, Retry};
pub use channel::{ChannelId, ChannelKind, Lane};
pub use content::{Coded, Content};
pub use disposition::Disposition;
pub use exchange::{
    Answer, AttemptId, Command, ConsentScope, Inbound, LinkAnswer, Outcome, Outgoing, OutgoingMessage,
    Presence, Report, SessionId, Signal, SignalKind, Standing, Ticket,
};
pub use id::{MessageId, MessageIds, UpstreamId};
pub use pii::{For, Pii};
pub use receipt::{Receipt, ReceiptState};
pub use rich::{About, Body, File, Place, Relation, Rich, Thumbnail};
pub use submission::{Class, Elsewhere, Part, ReceiptsWanted, Submission};
pub use time::{Duration, Timestamp};
