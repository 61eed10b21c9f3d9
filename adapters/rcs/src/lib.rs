//! The RCS channel: messages, receipts, registrations and capabilities over SIP.
//!
//! [`translate`] turns bodies into the gateway's words and back, [`core`] decides what is answered and sent as a
//! function of what came in, [`driver`] is the one task that feeds it from sockets, answers and hand-overs.

pub mod core;
pub mod driver;
pub mod settings;
pub mod translate;

pub use self::{driver::Rcs, settings::Settings};
