//! SIP transactions, dialogs, registrations and subscriptions as tables.

pub mod dialog;
pub mod flow;
pub mod hash;
mod index;
pub mod layer;
pub mod location;
mod slab;
pub mod subscription;
pub mod table;
pub mod timers;
pub mod wheel;

pub use flow::{Flow, Transport};
pub use hash::Seed;
pub use layer::{Action, Class, ClientKey, Counts, Gone, Layer, Refused, ServerKey, Settings, Tag};
pub use timers::{Timer, Timers};
pub use wheel::Wheel;
