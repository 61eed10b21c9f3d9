//! Money and usage, integers only: what was used, by whom, and the record that says so.
//!
//! A usage record is cut in the transaction of the event that causes it (invariant I3). Rating puts a price
//! on records; it never changes them.

mod meter;
mod money;
mod usage;

pub use meter::{ChargeAt, Meter, Metered};
pub use money::{MicroUnits, MoneyError};
pub use usage::{UsageEvent, UsageId, UsageKey, UsageOutcome, UsageRecord, UsageService};
