//! One connection: what waits to be written, and how it ends.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::table::Key;
use crate::{Flow, inbox::Ended};

pub(crate) struct Connection {
    pub(super) flow: Flow,
    pub(super) key: Key,
    /// Who came to us; none when we dialled.
    pub(super) source: Option<IpAddr>,
    outbox: Mutex<Outbox>,
    octets_max: usize,
    /// Something waits to be written.
    pub(super) wake: Notify,
    /// Nothing more is read; what waits is still written. Ends with the endpoint.
    pub(super) ending: CancellationToken,
    /// Nor is anything written.
    pub(super) aborted: CancellationToken,
    /// The driver has heard of it, or asked for it: it is told the end.
    pub(super) known: AtomicBool,
    /// Written to since the reader last looked.
    pub(super) wrote: AtomicBool,
}

#[derive(Debug, Default)]
struct Outbox {
    waiting: Vec<Bytes>,
    octets: usize,
    ended: Option<Ended>,
}

impl Connection {
    pub(super) fn new(
        flow: Flow,
        key: Key,
        source: Option<IpAddr>,
        octets_max: usize,
        stop: &CancellationToken,
    ) -> Self {
        Self {
            flow,
            key,
            source,
            outbox: Mutex::default(),
            octets_max,
            wake: Notify::new(),
            ending: stop.child_token(),
            aborted: CancellationToken::new(),
            known: AtomicBool::new(source.is_none()),
            wrote: AtomicBool::new(false),
        }
    }

    pub(crate) const fn flow(&self) -> Flow {
        self.flow
    }

    /// Queues octets. Too many of them end the connection: its peer takes less than it asks for.
    pub(crate) fn push(&self, octets: Bytes) -> Result<(), Ended> {
        let mut outbox = self.lock();
        if let Some(ended) = outbox.ended {
            return Err(ended);
        }
        if outbox.octets.saturating_add(octets.len()) > self.octets_max {
            drop(outbox);
            self.end(Ended::Overflow);
            return Err(Ended::Overflow);
        }
        outbox.octets += octets.len();
        outbox.waiting.push(octets);
        drop(outbox);
        self.wake.notify_one();
        Ok(())
    }

    /// Takes everything that waits; `into` comes back empty-handed only when nothing does.
    pub(super) fn drain(&self, into: &mut Vec<Bytes>) {
        let mut outbox = self.lock();
        outbox.octets = 0;
        std::mem::swap(&mut outbox.waiting, into);
    }

    /// Nothing more is taken. The first reason stands.
    pub(crate) fn end(&self, why: Ended) {
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

    pub(crate) fn is_open(&self) -> bool {
        self.ended().is_none() && !self.ending.is_cancelled()
    }

    pub(crate) fn set_known(&self) {
        self.known.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }

    pub(super) fn touch(&self) {
        self.wrote.store(true, Ordering::Relaxed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("flow", &self.flow).finish_non_exhaustive()
    }
}
