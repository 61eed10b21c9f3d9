//! The configuration as an operator meets it: from text to values, errors and changes.

mod checks;
mod common;
mod diff;
mod errors;
mod examples;
mod overrides;
mod schema;
