//! We bind to SMSCs: one client is one channel, over as many binds as were agreed.
//!
//! A connection is two tasks. The reader cuts PDUs, matches answers and hands whole batches to the intake;
//! the writer turns submissions and answers into octets, as many as are there, in one write. They share
//! the submissions under way, locked once per batch. All connections of a channel share its rate.
//!
//! What a message can come to:
//!
//! | what happened | outcome |
//! | --- | --- |
//! | every segment was answered with `ESME_ROK` | sent, with the ids in order |
//! | a segment was refused | refused, with the meaning of that status |
//! | throttled, or the queue of the SMSC full | none yet: slowed down, and written again in its place; refused after a minute of it |
//! | no answer in time, or the connection broke after the write | unknown; a late answer makes it sent after all |
//! | never written | another bind sends it; refused with *link down* when there is none |

mod arrival;
mod connect;
mod flights;
mod link;
mod rate;
mod reader;
mod settings;
mod writer;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use kit::{Channel, Intake, Watch};
use model::{AttemptId, Inbound, Outcome, Outgoing};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::settings::{BindMode, ClientSettings, ClientTls, IdSpelling, Password};
use self::{
    flights::link_down,
    link::{Link, Post},
    rate::Rate,
};
use crate::server::turn;

/// Between two looks at how full the windows are.
const WINDOW_TOLD_US: i64 = 100_000;

/// The SMPP client of one channel. See the module.
pub struct Client {
    settings: RwLock<Arc<ClientSettings>>,
    intake: Arc<dyn Intake>,
    watch: Arc<dyn Watch>,
    started: Instant,
    rate: Mutex<Rate>,
    /// Whether the rate has anything to say; spares the lock.
    limited: AtomicBool,
    /// The links that submit, in the order they came.
    transmitting: Mutex<Vec<Arc<Link>>>,
    /// Rooms are announced one after the other, so that the last one announced is the last one there was.
    announcing: tokio::sync::Mutex<()>,
    draining: AtomicBool,
    unmatched: AtomicU64,
    window_told_us: AtomicI64,
    me: Weak<Self>,
}

impl Client {
    #[must_use]
    pub fn new(settings: ClientSettings, intake: Arc<dyn Intake>, watch: Arc<dyn Watch>) -> Arc<Self> {
        let rate = Rate::new(settings.rate, 0);
        Arc::new_cyclic(|me| Self {
            limited: AtomicBool::new(rate.limits()),
            rate: Mutex::new(rate),
            settings: RwLock::new(Arc::new(settings)),
            intake,
            watch,
            started: Instant::now(),
            transmitting: Mutex::default(),
            announcing: tokio::sync::Mutex::default(),
            draining: AtomicBool::new(false),
            unmatched: AtomicU64::new(0),
            window_told_us: AtomicI64::new(0),
            me: me.clone(),
        })
    }

    #[must_use]
    pub fn settings(&self) -> Arc<ClientSettings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes new settings; see [`ClientSettings`] for what is followed when.
    pub fn set(&self, settings: ClientSettings) {
        let (rate, window) = (settings.rate, settings.window);
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        self.with_rate(|held, now_us| held.set(rate, now_us));
        for link in self.links() {
            link.flights().window.resize(window.max(1));
            link.post(Post::Go);
        }
        let Some(me) = self.me.upgrade() else { return };
        tokio::spawn(async move { me.announce().await });
    }

    /// Keeps the binds up until told to stop. Then nothing more is taken, what is under way is waited for,
    /// and every bind is unbound.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let settings = self.settings();
        let binds = TaskTracker::new();
        for bind in 0..settings.binds {
            for &kind in settings.bind.kinds() {
                binds.spawn(connect::keep(self.clone(), kind, bind, stop.clone()));
            }
        }
        binds.close();
        stop.cancelled().await;
        self.draining.store(true, Ordering::Release);
        self.announce().await;
        binds.wait().await;
    }

    /// Binds that can submit now.
    #[must_use]
    pub fn usable(&self) -> usize {
        self.transmitting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Responses that belonged to nothing.
    #[must_use]
    pub fn unmatched(&self) -> u64 {
        self.unmatched.load(Ordering::Relaxed)
    }

    /// The clock of windows, timers and rates; it never steps.
    fn now_us(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    fn until(&self, at_us: i64) -> Duration {
        Duration::from_micros(u64::try_from(at_us.saturating_sub(self.now_us())).unwrap_or(0))
            .min(Duration::from_secs(3_600))
    }

    fn links(&self) -> Vec<Arc<Link>> {
        self.transmitting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn limited(&self) -> bool {
        self.limited.load(Ordering::Acquire)
    }

    fn with_rate(&self, change: impl FnOnce(&mut Rate, i64)) {
        let now_us = self.now_us();
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut rate, now_us);
        self.limited.store(rate.limits(), Ordering::Release);
    }

    /// A link can submit.
    async fn join(&self, link: &Arc<Link>) {
        self.transmitting.lock().unwrap_or_else(PoisonError::into_inner).push(link.clone());
        self.announce().await;
    }

    /// A link submits no longer.
    async fn leave(&self, link: &Arc<Link>) {
        if self.remove(link) {
            self.announce().await;
        }
    }

    fn remove(&self, link: &Arc<Link>) -> bool {
        let mut links = self.transmitting.lock().unwrap_or_else(PoisonError::into_inner);
        let before = links.len();
        links.retain(|other| !Arc::ptr_eq(other, link));
        links.len() < before
    }

    /// Tells the engine how many hand-overs the channel can hold.
    async fn announce(&self) {
        let _turn = self.announcing.lock().await;
        let settings = self.settings();
        let links = if self.draining.load(Ordering::Acquire) { 0 } else { self.usable() };
        let room = u32::try_from(links.saturating_mul(settings.window.max(1))).unwrap_or(u32::MAX);
        // Nobody hears it when the gateway is shutting down.
        let _closed = self.intake.take(vec![Inbound::Room { channel: settings.channel, room }]).await;
    }

    async fn outcomes(&self, outcomes: Vec<(AttemptId, Outcome)>) {
        if !outcomes.is_empty() {
            let _closed = self.intake.take(inbound(outcomes)).await;
        }
    }

    /// Tells how full the windows are, now and then.
    fn tell_window(&self, now_us: i64) {
        if now_us - self.window_told_us.load(Ordering::Relaxed) < WINDOW_TOLD_US {
            return;
        }
        self.window_told_us.store(now_us, Ordering::Relaxed);
        let window = self.settings().window.max(1);
        let links = self.transmitting.lock().unwrap_or_else(PoisonError::into_inner);
        let used: usize = links.iter().map(|link| link.held.load(Ordering::Relaxed)).sum();
        let size = links.len().saturating_mul(window);
        drop(links);
        self.watch.window(u32::try_from(used).unwrap_or(u32::MAX), u32::try_from(size).unwrap_or(u32::MAX));
    }
}

impl Client {
    /// Hands messages to the links, those of one pair always to the same one. Gives back what none of them
    /// takes.
    fn distribute(&self, batch: Vec<Outgoing>) -> Vec<Outgoing> {
        let links = self.transmitting.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.is_empty() || links.is_empty() || self.draining.load(Ordering::Acquire) {
            return batch;
        }
        let mut by_link: Vec<Vec<Outgoing>> = links.iter().map(|_| Vec::new()).collect();
        match by_link.as_mut_slice() {
            [only] => *only = batch,
            several => {
                let count = several.len();
                for item in batch {
                    if let Some(items) = several.get_mut(turn(&item) % count) {
                        items.push(item);
                    }
                }
            }
        }
        let mut left = Vec::new();
        for (link, items) in links.iter().zip(by_link).filter(|(_, items)| !items.is_empty()) {
            let count = items.iter().filter(|item| !matches!(item, Outgoing::Signal(_))).count();
            link.held.fetch_add(count, Ordering::AcqRel);
            if let Err(unsent) = link.posts.send(Post::Submit(items))
                && let Post::Submit(items) = unsent.0
            {
                link.released(count);
                left.extend(items);
            }
        }
        left
    }
}

impl Channel for Client {
    fn send(&self, batch: Vec<Outgoing>) {
        let outcomes = refused(self.distribute(batch));
        if outcomes.is_empty() {
            return;
        }
        let Some(me) = self.me.upgrade() else { return };
        tokio::spawn(async move { me.outcomes(outcomes).await });
    }
}

/// What no link takes certainly was not sent. Fleeting signals have no outcome.
fn refused(unsent: Vec<Outgoing>) -> Vec<(AttemptId, Outcome)> {
    let attempts = unsent.iter().filter_map(Outgoing::attempt);
    attempts.map(|attempt| (attempt, Outcome::Refused(link_down()))).collect()
}

fn inbound(outcomes: Vec<(AttemptId, Outcome)>) -> Vec<Inbound> {
    outcomes.into_iter().map(|(attempt, outcome)| Inbound::Outcome { attempt, outcome }).collect()
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("channel", &self.settings().name)
            .field("usable", &self.usable())
            .finish_non_exhaustive()
    }
}
