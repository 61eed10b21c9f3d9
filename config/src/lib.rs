//! What an operator writes: the TOML file, its defaults, its checks and its errors.
//!
//! This crate knows how a gateway is described, not how one works; the composition root turns a [`Config`]
//! into wiring. See `README.md`.

mod document;
mod section;
mod value;

pub use document::Config;
pub use section::*;
pub use value::*;

/// The exit code for a configuration that cannot be used (`EX_CONFIG` of sysexits).
pub const EXIT_CONFIG: u8 = 78;
