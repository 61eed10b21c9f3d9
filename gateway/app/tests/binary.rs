//! The one binary as its operator and its callers meet it: a process, its sockets, its signals, its exit code.
//!
//! Every test has a gateway of its own, in a folder of its own, on ports that the system picks and the log names.

mod support;

/// `check`, `schema`, `doctor`, `demo` and wrong configurations.
#[path = "binary/commands.rs"]
mod commands;
/// What is counted about calls.
#[path = "binary/figures.rs"]
mod figures;
/// The first message, as in the README.
#[path = "binary/first_message.rs"]
mod first_message;
/// What callers do wrong is theirs.
#[path = "binary/mistakes.rs"]
mod mistakes;
/// Nothing personal where it does not belong (R6).
#[path = "binary/privacy.rs"]
mod privacy;
/// SIGHUP.
#[path = "binary/reload.rs"]
mod reload;
/// SIGTERM and SIGKILL.
#[path = "binary/restart.rs"]
mod restart;
/// A store that does not take writes.
#[path = "binary/store_failure.rs"]
mod store_failure;
