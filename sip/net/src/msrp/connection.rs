//! One connection: what waits to be written, and how it ends.

use std::{
    fmt,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use sip_msrp::ConnectionId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Target;
use crate::Ended;

pub(super) struct Connection {
    pub(super) id: ConnectionId,
    /// Whom we call.
    pub(super) target: Option<Target>,
    /// Who came to us.
    pub(super) source: Option<IpAddr>,
    outbox: Mutex<Outbox>,
    octets_max: usize,
    /// Something waits to be written.
    pub(super) wake: Notify,
    /// Nothing more is read; what waits is still written. Ends with everything.
    pub(super) ending: CancellationToken,
    /// Nor is anything written.
    pub(super) aborted: CancellationToken,
}

#[derive(Default)]
struct Outbox {
    waiting: Vec<Bytes>,
    octets: usize,
    ended: Option<Ended>,
}

impl Connection {
    pub(super) fn new(
        id: ConnectionId,
        target: Option<Target>,
        source: Option<IpAddr>,
        octets_max: usize,
        stop: &CancellationToken,
    ) -> Self {
        Self {
            id,
            target,
            source,
            outbox: Mutex::default(),
            octets_max,
            wake: Notify::new(),
            ending: stop.child_token(),
            aborted: CancellationToken::new(),
        }
    }

    /// Queues octets. Too many of them end the connection: the other end takes less than it is sent. The
    /// driver is told so as the end, not here.
    pub(super) fn push(&self, octets: Bytes) {
        let mut outbox = self.lock();
        if outbox.ended.is_some() {
            return;
        }
        if outbox.octets.saturating_add(octets.len()) > self.octets_max {
            drop(outbox);
            return self.end(Ended::Overflow);
        }
        outbox.octets += octets.len();
        outbox.waiting.push(octets);
        drop(outbox);
        self.wake.notify_one();
    }

    /// Takes everything that waits.
    pub(super) fn drain(&self, into: &mut Vec<Bytes>) {
        std::mem::swap(&mut self.lock().waiting, into);
    }

    /// So many octets have left.
    pub(super) fn written(&self, octets: usize) {
        let mut outbox = self.lock();
        outbox.octets = outbox.octets.saturating_sub(octets);
    }

    /// Nothing more is taken. The first reason stands.
    pub(super) fn end(&self, why: Ended) {
        self.lock().ended.get_or_insert(why);
        self.ending.cancel();
        if why == Ended::Overflow {
            self.aborted.cancel();
        }
        self.wake.notify_one();
    }

    pub(super) fn ended(&self) -> Option<Ended> {
        self.lock().ended
    }

    pub(super) fn is_open(&self) -> bool {
        self.ended().is_none() && !self.ending.is_cancelled()
    }

    fn lock(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("id", &self.id).finish_non_exhaustive()
    }
}
