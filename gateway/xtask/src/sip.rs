//! The judge's own SIP: just enough to send a flood of MESSAGEs, to answer them, and to count.
//!
//! Written apart from `sip/` on purpose. What judges the gateway must not share its mistakes.

pub(crate) mod line;
pub(crate) mod message;
pub(crate) mod sink;
pub(crate) mod socket;
