//! What an operator writes: the TOML file, its defaults, its checks and its errors.
//!
//! This crate knows how a gateway is described, not how one works; the composition root turns a [`Config`]
//! into wiring. See `README.md`.

mod check;
mod diff;
mod document;
mod load;
mod path;
mod report;
mod schema;
mod section;
mod value;

pub use check::{Finding, check};
pub use diff::{Change, Changes, diff};
pub use document::Config;
pub use load::{Document, Loaded, Origin, Origins, Sources, load};
pub use path::{Path, Step};
pub use report::{Place, Problem, ProblemKind, Report, Severity};
pub use schema::schema;
pub use section::*;
pub use value::*;

/// The exit code for a configuration that cannot be used (`EX_CONFIG` of sysexits).
pub const EXIT_CONFIG: u8 = 78;
