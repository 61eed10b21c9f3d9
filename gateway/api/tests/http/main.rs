//! The HTTP surface over real loopback sockets, with everything behind it made up.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod access;
mod batch;
mod call;
mod document;
mod federation;
mod files;
mod limits;
mod management;
mod messages;
mod problems;
mod reading;
mod tls;
mod world;
