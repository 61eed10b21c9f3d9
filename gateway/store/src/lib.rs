//! The only SQL: journal, usage and facts on SQLite and PostgreSQL.
//!
//! One commit of the gateway is one statement, whatever its batch holds: the entries go in as one value, the
//! usage records as one list. A message has no row of its own anywhere.
//!
//! Start at [`Store`]. What a row means is decided once, in `stored`; `sqlite` and `postgres` move rows.

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
