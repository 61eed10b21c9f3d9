//! How fast to send: a token bucket, and a rate that listens to the peer.
//!
//! Both count *segments*, not messages, and hold at least one longest message, so that its second
//! segment never waits for a rate its first one passed. Time is a value: microseconds.

mod aimd;
mod bucket;

pub use aimd::{Pace, PaceOptions};
pub use bucket::{Bucket, Wait};
