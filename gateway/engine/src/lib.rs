//! Decisions: what becomes of a message. Pure: time, randomness and octets come in as values, decisions
//! go out.

pub mod journal;
