//! The way into the gateway: what every adapter hands its batches to.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
};

use kit::{Closed, Intake, Session, Taking};
use model::{Answer, Cause, ChannelId, Inbound, SessionId, Signal};
use tokio::sync::mpsc;

/// Shared by all adapters.
pub(crate) struct Gate {
    inbound: mpsc::Sender<Vec<Inbound>>,
    sessions: RwLock<HashMap<SessionId, Arc<dyn Session>>>,
    next_session: AtomicU64,
    /// Index into [`Cause::ALL`] plus one; zero while submissions are welcome.
    closed: AtomicU8,
    /// There is no space for more.
    full: AtomicBool,
}

impl Gate {
    /// With room for so many batches that wait for the engine. A session hands in what one read of its socket
    /// held, so this bounds memory; a full queue stops the sockets from being read.
    pub(crate) fn new(batches_max: usize) -> (Arc<Self>, mpsc::Receiver<Vec<Inbound>>) {
        let (inbound, waiting) = mpsc::channel(batches_max.max(1));
        let gate = Self {
            inbound,
            sessions: RwLock::default(),
            // Zero is nobody: what the engine submits by itself is answered to it.
            next_session: AtomicU64::new(1),
            closed: AtomicU8::new(0),
            full: AtomicBool::new(false),
        };
        (Arc::new(gate), waiting)
    }

    /// From now on adapters refuse submissions with this cause, or take them again.
    pub(crate) fn set_closed(&self, cause: Option<Cause>) {
        let code = cause.and_then(|cause| Cause::ALL.iter().position(|known| *known == cause));
        self.closed
            .store(code.map_or(0, |index| u8::try_from(index + 1).unwrap_or(u8::MAX)), Ordering::Relaxed);
    }

    pub(crate) fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    /// Lets answers go to their sessions. Those of sessions that are gone are dropped: the peer will ask
    /// again, and idempotency or its own duplicate handling decides.
    pub(crate) fn release(&self, answers: Vec<(SessionId, Vec<(u64, Answer)>)>) {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        for (session, mut answers) in answers {
            if let Some(session) = sessions.get(&session) {
                session.answer(&mut answers);
            }
        }
    }
}

impl Gate {
    /// Hands in a fleeting event; dropped when the engine has no time for it.
    pub(crate) fn signal(&self, channel: ChannelId, signal: Signal) {
        let _dropped = self.inbound.try_send(vec![Inbound::Signal { channel, signal }]);
    }
}

impl Intake for Gate {
    fn take(&self, batch: Vec<Inbound>) -> Taking<'_> {
        Box::pin(async move { self.inbound.send(batch).await.map_err(|_| Closed) })
    }

    fn closed_for_submissions(&self) -> Option<Cause> {
        match self.closed.load(Ordering::Relaxed) {
            // Not `StoreUnavailable`: the store still takes the receipts of what is open.
            0 if self.full.load(Ordering::Relaxed) => Some(Cause::QueueFull),
            0 => None,
            code => Cause::ALL.get(usize::from(code) - 1).copied(),
        }
    }

    fn open(&self, session: Arc<dyn Session>) -> SessionId {
        let id = SessionId(self.next_session.fetch_add(1, Ordering::Relaxed));
        self.sessions.write().unwrap_or_else(PoisonError::into_inner).insert(id, session);
        id
    }

    fn close(&self, session: SessionId) {
        self.sessions.write().unwrap_or_else(PoisonError::into_inner).remove(&session);
    }
}
