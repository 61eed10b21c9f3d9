//! The only SQL: journal, usage and facts on SQLite and PostgreSQL.
//!
//! One commit of the gateway is one transaction of one statement list, whatever the batch holds: its entries
//! as one value, its usage records as one statement. A message has no row of its own anywhere.

mod columns;
mod contract;
mod database;
mod fault;
mod frame;
mod party;
mod postgres;
mod prepared;
mod sql;
mod sqlite;
mod stored;
mod target;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
pub mod verify;

pub use contract::{Bounds, Channel, Purged, Rating, Recovery, Search, Store, StoreSize, UsageRow, Written};
pub use fault::StoreError;
pub use postgres::Postgres;
pub use sqlite::Sqlite;
pub use target::{OpenMode, StoreTarget, open};
