//! Decisions: what becomes of a message. Pure: time, randomness and octets come in as values, decisions
//! go out.
//!
//! Start at [`Core`]: it takes what happened, and says what one commit must make durable.

mod absent;
mod accept;
mod cold;
mod command;
mod core;
mod deadline;
pub mod delivery;
mod destination;
mod dispatch;
mod display;
mod elsewhere;
mod fallback;
mod fleeting;
mod gates;
mod gather;
mod gauge;
pub mod journal;
mod kept;
mod knowledge;
mod ladder;
mod lanes;
mod life;
mod open;
mod outcome;
mod policy;
mod presence;
mod receipt;
mod recover;
mod retry;
mod revoke;
mod route;
mod seen;
mod upstream;

pub use self::core::{Core, Release, Sealed};
pub use billing::ChargeAt;
pub use gauge::{Depth, Footprint, Tally};
pub use ladder::ladder;
pub use policy::{AnswerLost, ChannelPolicy, Korea, Limits, Policy, Senders, Texts};
pub use retry::RetrySchedule;
pub use route::{Route, Routes};
