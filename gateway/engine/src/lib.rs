//! Decisions: what becomes of a message. Pure: time, randomness and octets come in as values, decisions
//! go out.
//!
//! Start at [`Core`]: it takes what happened, and says what one commit must make durable.

mod accept;
mod command;
mod core;
pub mod delivery;
mod dispatch;
mod gates;
mod gather;
pub mod journal;
mod knowledge;
mod ladder;
mod lanes;
mod open;
mod policy;
mod progress;
mod recover;
mod retry;
mod route;
mod upstream;

pub use self::core::{Core, Depth, Footprint, Release, Sealed, Tally};
pub use billing::ChargeAt;
pub use ladder::ladder;
pub use policy::{AnswerLost, ChannelPolicy, Korea, Limits, Policy, Senders, Texts};
pub use retry::RetrySchedule;
pub use route::{Route, Routes};
