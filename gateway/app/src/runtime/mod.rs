//! The loop that drives the engine: takes what adapters hand in, commits, lets go.
//!
//! One commit is under way at any time; what happens meanwhile gathers in the next batch. Under load
//! batches therefore grow by themselves, and an idle gateway commits the first message at once.

mod gate;

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use engine::{Core, Depth, Policy, Release, journal::Chapter};
use kit::Channel;
use model::{Cause, ChannelId, Inbound, MessageId, Timestamp};
use monitoring::{Condition, Health, Observer};
use smol_str::SmolStr;
use store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub(crate) use self::gate::Gate;

/// While a commit is under way, so many times [`Runtime::batch_max`] gather for the next; more wait.
const GATHERED_BATCHES_MAX: usize = 4;
/// Batches read back from the store at once.
const CHAPTERS_PAGE: usize = 16;
/// Between two tries of a commit that the store did not take.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// What the loop is told beside messages.
pub(crate) enum Control {
    /// The configuration was reloaded; the last is the new `drain_max`.
    Policy(Arc<Policy>, HashMap<ChannelId, Arc<dyn Channel>>, Duration),
    /// Which message this idempotency key of this channel became.
    Find(ChannelId, SmolStr, oneshot::Sender<Option<MessageId>>),
}

/// What the loop needs.
pub(crate) struct Runtime {
    pub(crate) core: Core,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) inbound: mpsc::Receiver<Vec<Inbound>>,
    pub(crate) control: mpsc::Receiver<Control>,
    pub(crate) channels: HashMap<ChannelId, Arc<dyn Channel>>,
    pub(crate) observer: Observer,
    pub(crate) health: Arc<Health>,
    pub(crate) depths: Arc<RwLock<Vec<Depth>>>,
    /// With so many entries and answers a batch is full, and its commit begins.
    pub(crate) batch_max: usize,
    /// Commits begin no closer together than this, unless a batch is full.
    pub(crate) batch_delay: Duration,
    pub(crate) stop: CancellationToken,
    pub(crate) drain_max: Duration,
}

/// Boxed once per commit.
type Committing = Pin<
    Box<dyn Future<Output = (Result<(), StoreError>, Arc<engine::journal::Batch>, Release, Duration)> + Send>,
>;
type Loading = Pin<Box<dyn Future<Output = Result<Vec<Chapter>, Vec<u64>>> + Send>>;

/// The one clock of the process, read once per turn.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

impl Runtime {
    /// Runs until told to stop, then until what was taken is answered.
    ///
    /// # Errors
    /// What the store said when nothing can be committed any more.
    pub(crate) async fn run(mut self) -> Result<(), StoreError> {
        let mut committing: Option<Committing> = None;
        let mut loading: Option<Loading> = None;
        let mut to_load: Vec<u64> = Vec::new();
        let mut last_commit = Instant::now();
        let mut report = tokio::time::interval(Duration::from_secs(1));
        report.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut draining: Option<Instant> = None;

        loop {
            let at = now();
            let gathered = self.core.gathered();
            let held = last_commit.elapsed();
            if committing.is_none()
                && gathered > 0
                && (gathered >= self.batch_max || held >= self.batch_delay)
            {
                committing = self.begin(at);
                last_commit = Instant::now();
            }
            if loading.is_none() && !to_load.is_empty() {
                let page: Vec<u64> = to_load.drain(..to_load.len().min(CHAPTERS_PAGE)).collect();
                let store = self.store.clone();
                loading = Some(Box::pin(async move {
                    let read = store.chapters(&page).await;
                    match read {
                        Ok(chapters) => Ok(chapters),
                        Err(error) => {
                            tracing::warn!(%error, "reading back a part of the backlog failed; it is tried again");
                            tokio::time::sleep(RETRY_DELAY).await;
                            Err(page)
                        }
                    }
                }));
            }
            if let Some(since) = draining
                && committing.is_none()
                && self.core.gathered() == 0
                && (self.inbound.is_empty() && self.idle() || since.elapsed() > self.drain_max)
            {
                return Ok(());
            }

            // The earliest of: the next retry or deadline, and the end of the wait that lets a batch grow.
            let mut sleep = self
                .core
                .next_tick()
                .map_or(Duration::from_millis(500), |due| due.since(at).min(Duration::from_millis(500)));
            if committing.is_none() && gathered > 0 {
                sleep = sleep.min(self.batch_delay.saturating_sub(held));
            }

            tokio::select! {
                biased;
                (result, batch, release, took) = async { committing.as_mut().expect("guarded").await }, if committing.is_some() => {
                    committing = None;
                    match result {
                        Ok(()) => self.committed(&batch, release, took, draining.is_some()),
                        Err(error) if error.is_transient() => {
                            self.failing(&error);
                            committing = Some(self.commit(batch, release, RETRY_DELAY));
                        }
                        Err(error) => {
                            self.failing(&error);
                            return Err(error);
                        }
                    }
                }
                batch = self.inbound.recv(), if gathered < self.gathered_max() => {
                    match batch {
                        Some(batch) => self.take(batch),
                        None => return Ok(()),
                    }
                }
                chapters = async { loading.as_mut().expect("guarded").await }, if loading.is_some() => {
                    loading = None;
                    match chapters {
                        Ok(chapters) => self.core.loaded(now(), chapters),
                        Err(mut page) => to_load.append(&mut page),
                    }
                }
                Some(control) = self.control.recv() => self.controlled(control),
                () = self.stop.cancelled(), if draining.is_none() => {
                    draining = Some(Instant::now());
                    self.gate.set_closed(Some(Cause::Draining));
                }
                _ = report.tick() => {
                    let (tally, depths) = (self.core.take_tally(), self.core.depths());
                    self.observer.core(&tally, &depths);
                    *self.depths.write().unwrap_or_else(PoisonError::into_inner) = depths;
                    self.health.beat();
                }
                () = tokio::time::sleep(sleep) => {}
            }

            self.core.tick(now());
            if draining.is_none() {
                self.dispatch();
            }
            to_load.append(&mut self.core.wanted());
        }
    }

    const fn gathered_max(&self) -> usize {
        self.batch_max.saturating_mul(GATHERED_BATCHES_MAX)
    }

    /// Nothing that was handed over is still unanswered.
    fn idle(&self) -> bool {
        self.core.depths().iter().all(|depth| depth.outstanding == 0)
    }

    /// Takes what is there, one batch after the other, as far as one commit reaches.
    fn take(&mut self, first: Vec<Inbound>) {
        let at = now();
        let mut batch = Some(first);
        while let Some(items) = batch {
            for item in items {
                self.core.take(at, item);
            }
            batch =
                if self.core.gathered() < self.gathered_max() { self.inbound.try_recv().ok() } else { None };
        }
    }

    fn begin(&mut self, at: Timestamp) -> Option<Committing> {
        let sealed = self.core.seal(at)?;
        if sealed.batch.is_empty() {
            // Answers about things that were committed before: nothing to make durable.
            let answers = self.core.committed(sealed.release);
            self.gate.release(answers);
            return None;
        }
        Some(self.commit(sealed.batch, sealed.release, Duration::ZERO))
    }

    fn commit(&self, batch: Arc<engine::journal::Batch>, release: Release, delay: Duration) -> Committing {
        let store = self.store.clone();
        Box::pin(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let begun = Instant::now();
            let result = store.commit(batch.clone()).await;
            (result, batch, release, begun.elapsed())
        })
    }

    fn committed(
        &mut self,
        batch: &engine::journal::Batch,
        release: Release,
        took: Duration,
        draining: bool,
    ) {
        let answers = self.core.committed(release);
        self.gate.release(answers);
        self.observer.committed(batch, took);
        self.health.met(Condition::Journal);
        if !draining {
            self.gate.set_closed(None);
        }
    }

    /// No positive answer leaves while the store does not take writes; the batch is kept and tried again.
    fn failing(&self, error: &StoreError) {
        tracing::error!(%error, "the store did not take a commit");
        self.health.unmet(Condition::Journal, error.to_string());
        self.gate.set_closed(Some(Cause::StoreUnavailable));
    }

    fn dispatch(&mut self) {
        for (channel, batch) in self.core.dispatch(now()) {
            if let Some(channel) = self.channels.get(&channel) {
                channel.send(batch);
            }
        }
    }

    fn controlled(&mut self, control: Control) {
        match control {
            Control::Policy(policy, channels, drain_max) => {
                self.core.set_policy(policy);
                self.channels = channels;
                self.drain_max = drain_max;
            }
            Control::Find(channel, key, reply) => drop(reply.send(self.core.find(channel, &key, now()))),
        }
    }
}
