//! What an operator may want to know about the sockets: numbers that only grow, and two that do not.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, count: usize) {
        if count > 0 {
            self.0.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn less(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Of one endpoint, over all its sockets.
#[derive(Debug, Default)]
pub struct Counters {
    /// Datagrams that came in, whatever they were.
    pub datagrams_in: Counter,
    /// Datagrams the system took from us.
    pub datagrams_out: Counter,
    /// Messages that came in on connections and could be read.
    pub stream_messages_in: Counter,
    /// Messages handed to connections.
    pub stream_messages_out: Counter,
    /// Blank datagrams, keep-alives and STUN, ignored.
    pub noise: Counter,
    /// Unreadable, and nothing to answer.
    pub unreadable: Counter,
    /// Unreadable, and answered so.
    pub refused: Counter,
    /// Requests answered 503 because the queue to the driver was full.
    pub overloaded: Counter,
    /// Requests answered 503 because their source asks too much.
    pub throttled: Counter,
    /// Requests dropped because their source did not listen to that.
    pub throttled_dropped: Counter,
    /// ACKs and responses that found the queue full.
    pub dropped: Counter,
    /// Datagrams that had to wait for the system.
    pub send_waited: Counter,
    /// Datagrams given up because too many waited.
    pub send_dropped: Counter,
    /// Datagrams the system refused.
    pub send_failed: Counter,
    /// Messages for connections that were gone, or whose queue was full.
    pub send_lost: Counter,
    /// Keep-alive pings answered.
    pub pings: Counter,
    /// Connections that stand now.
    pub connections: Counter,
    /// Connections that came in.
    pub accepted: Counter,
    /// Connections that came in and were one too many, over all or from one source.
    pub turned_away: Counter,
    /// Connections we opened.
    pub dialled: Counter,
    /// Connections we could not open.
    pub dial_failed: Counter,
    /// TLS handshakes that failed, in either direction.
    pub handshake_failed: Counter,
    /// Connections closed for what they said or how slowly they said it.
    pub offended: Counter,
}
