//! The only SQL: journal, usage and facts on SQLite and PostgreSQL.

mod contract;
mod fault;

pub use contract::{Bounds, Channel, Purged, Rating, Recovery, Search, Store, StoreSize, UsageRow, Written};
pub use fault::StoreError;
