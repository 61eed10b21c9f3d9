//! Outgoing HTTP: the driver that hands messages and receipts to one messenger's server.
//!
//! The messenger's adapter spells and reads; this driver keeps the line. It calls the server (*push*), or
//! lets the server fetch (*pull*), or both; in the last case an event is settled by whichever comes first.
//! Nothing is persisted here: what has no outcome when the process ends is handed over again.

mod breaker;
mod client;
mod driver;
mod guard;
mod outbox;
mod pages;

#[cfg(test)]
mod tests;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use kit::{Channel, HttpAdapter, Intake};
use model::{AttemptId, Cause, ChannelId, Inbound, Outcome, Outgoing, Refusal, Retry, Timestamp};
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;

pub use client::{ClientSettings, Trust};
pub use guard::{BadTarget, check_target};

use client::Client;
use outbox::{Full, Outbox};

/// Spells one outgoing item for a page, as a complete JSON value.
pub type Spell = Arc<dyn Fn(Timestamp, &Outgoing) -> Result<Bytes, Refusal> + Send + Sync>;

/// Everything the driver of one messenger needs.
#[derive(Clone)]
pub struct PushSettings {
    pub channel: ChannelId,
    pub adapter: Arc<dyn HttpAdapter>,
    /// Set where the messenger's server is called.
    pub push: Option<ClientSettings>,
    /// Set where it fetches.
    pub pull: Option<Spell>,
    /// Hand-overs held without an outcome.
    pub room: u32,
    /// Events in one call.
    pub batch_events_max: usize,
    /// Octets of one call's body, estimated.
    pub batch_octets_max: usize,
    /// Calls under way at the same time.
    pub calls_max: usize,
    /// The clock.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Spreads the pauses of many gateways.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl PushSettings {
    /// A driver that neither pushes nor pulls yet, with the usual limits.
    #[must_use]
    pub fn new(
        channel: ChannelId,
        adapter: Arc<dyn HttpAdapter>,
        now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        random: Arc<dyn Fn() -> u64 + Send + Sync>,
    ) -> Self {
        Self {
            channel,
            adapter,
            push: None,
            pull: None,
            room: 2_000,
            batch_events_max: 100,
            batch_octets_max: 1 << 20,
            calls_max: 4,
            now,
            random,
        }
    }
}

/// Why a driver cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    #[error("a messenger is pushed to, or pulls, or both; this one does neither")]
    NoWayOut,
    #[error("the certificates to trust cannot be used")]
    Trust(#[from] rustls::Error),
}

/// One messenger's way out. [`Push::run`] does the work.
pub struct Push {
    settings: PushSettings,
    client: Option<Client>,
    intake: Arc<dyn Intake>,
    state: Mutex<State>,
    /// Something was put, or an outcome is to be told.
    news: Notify,
    /// The highest number put, for those who wait for a page.
    grown: watch::Sender<u64>,
    /// Pages that may wait at the same time.
    pollers: Semaphore,
    /// Tells this process's cursors from those of the one before.
    boot: i64,
    healthy: AtomicBool,
}

struct State {
    outbox: Outbox,
    /// To be told by [`Push::run`]; each stands for an entry that has left, so there are never more than
    /// hand-overs without an outcome.
    outcomes: Vec<Inbound>,
    stopped: bool,
}

/// Servers that wait for a page at the same time; more are answered at once.
const POLLERS_MAX: usize = 8;

impl Push {
    /// # Errors
    /// See [`PushError`].
    pub fn new(settings: PushSettings, intake: Arc<dyn Intake>) -> Result<Arc<Self>, PushError> {
        if settings.push.is_none() && settings.pull.is_none() {
            return Err(PushError::NoWayOut);
        }
        let client = settings.push.as_ref().map(Client::new).transpose()?;
        let room = usize::try_from(settings.room).unwrap_or(usize::MAX);
        let boot = (settings.now)().micros();
        Ok(Arc::new(Self {
            client,
            intake,
            state: Mutex::new(State { outbox: Outbox::new(room), outcomes: Vec::new(), stopped: false }),
            news: Notify::new(),
            grown: watch::Sender::new(0),
            pollers: Semaphore::new(POLLERS_MAX),
            boot,
            healthy: AtomicBool::new(true),
            settings,
        }))
    }

    /// Works until `stop`, then lets the calls under way end and returns what waits.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        driver::run(&self, stop).await;
    }

    /// Whether the messenger's server could be reached when last tried.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// A panic elsewhere leaves the state whole: every change under the lock is complete in itself.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Channel for Push {
    fn send(&self, batch: Vec<Outgoing>) {
        let now = (self.settings.now)();
        {
            let mut state = self.lock();
            for outgoing in batch {
                if let Err(Full(Some(attempt))) = state.outbox.put(now, outgoing) {
                    state.tell(attempt, later(Cause::QueueFull));
                }
            }
            self.grown.send_replace(state.outbox.last());
        }
        self.news.notify_one();
    }
}

impl State {
    fn tell(&mut self, attempt: AttemptId, outcome: Outcome) {
        self.outcomes.push(Inbound::Outcome { attempt, outcome });
    }
}

/// Certainly not sent; worth trying again.
fn later(cause: Cause) -> Outcome {
    Outcome::Refused(Refusal { retry: Retry::Scheduled, ..Refusal::ours(cause) })
}
