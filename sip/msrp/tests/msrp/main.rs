//! RFC 4975 and its relatives, clause by clause: framing, answers, sending, sharing, relays, and two ends that
//! talk to each other.
#![expect(clippy::unwrap_used, reason = "a test ends where what it expects is not there")]

mod answers;
mod bench;
mod binding;
mod framing;
mod hostile;
mod pair;
mod relay;
mod reports;
mod sending;
