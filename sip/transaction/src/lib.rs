//! SIP transactions, dialogs, registrations and subscriptions as tables.

pub mod flow;
pub mod hash;
pub mod table;
pub mod timers;
pub mod wheel;

pub use flow::{Flow, Transport};
pub use hash::Seed;
pub use timers::{Timer, Timers};
pub use wheel::Wheel;
