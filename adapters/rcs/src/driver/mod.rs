//! The one task that owns the core: it takes whatever is there (datagrams and streams, answers, hand-overs, time),
//! runs the core over all of it, then sends everything in one go and hands everything in, in one batch.
//!
//! Nothing is locked and nothing is spawned for a message. While the gateway has no room the sockets are not read,
//! and senders feel it.

use std::{
    collections::hash_map::RandomState,
    future::Future,
    hash::{BuildHasher, Hasher},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use kit::{Channel, Intake, Kept, Session, Watch};
use model::{Answer, Cause, Inbound, Outcome, Outgoing, Refusal, Retry};
use sip_net::{
    Ended, Endpoint, Event, Flow, Inbox, NoFlow, Target, msrp,
    resolve::{Candidates, Destination, Unresolved},
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_util::sync::CancellationToken;

use crate::{
    Settings,
    core::{Core, Counts, Note, Standing, Ways},
};

/// Messages taken before what came of them is sent on. Few, so that the gateway works on these while the next are
/// taken, and nothing waits for the end of a long turn.
const BATCH_MAX: usize = 128;
/// The same of hand-overs and answers.
const JOBS_MAX: usize = 256;
/// How long what is under way may take when we are told to stop.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Between two looks at how full the window is.
const WINDOW_TOLD_US: i64 = 100_000;
/// The core is looked at so often while nothing happens.
const IDLE: Duration = Duration::from_secs(60);

/// What the task is given beside what the sockets bring.
enum Job {
    HandOver(Vec<Outgoing>),
    Answers(Vec<(u64, Answer)>),
    Set(Arc<Settings>),
    Figures(tokio::sync::oneshot::Sender<(Counts, Standing)>),
}

impl Job {
    fn weight(&self) -> usize {
        match self {
            Self::HandOver(batch) => batch.len(),
            Self::Answers(answers) => answers.len(),
            Self::Set(_) | Self::Figures(_) => 1,
        }
    }
}

/// The RCS channel.
pub struct Rcs {
    jobs: UnboundedSender<Job>,
    intake: Arc<dyn Intake>,
}

impl Rcs {
    /// The channel without sessions, see [`Self::with_sessions`].
    pub fn start(
        settings: Settings,
        endpoint: Arc<Endpoint>,
        inbox: Inbox,
        intake: Arc<dyn Intake>,
        watch: Arc<dyn Watch>,
        stop: CancellationToken,
    ) -> (Arc<Self>, impl Future<Output = ()> + Send + use<>) {
        Self::with_sessions(settings, (endpoint, inbox), None, Kept::new(), intake, watch, stop)
    }

    /// The channel, and the task that keeps it going until `stop`: then nothing more is taken, and what is under way
    /// is waited for. The endpoint and the connections of MSRP are to be stopped after that. Sessions need both
    /// `media` and [`Settings::msrp`]. `kept`: what it had kept when the last process ended.
    pub fn with_sessions(
        settings: Settings,
        (endpoint, inbox): (Arc<Endpoint>, Inbox),
        media: Option<(msrp::Connections, msrp::Inbox)>,
        kept: Kept,
        intake: Arc<dyn Intake>,
        watch: Arc<dyn Watch>,
        stop: CancellationToken,
    ) -> (Arc<Self>, impl Future<Output = ()> + Send + use<>) {
        let (connections, media) = media.unzip();
        let (jobs, queue) = mpsc::unbounded_channel();
        let session = intake.open(Arc::new(Answers(jobs.clone())));
        let ways = Box::new(Sockets { sip: endpoint.clone(), msrp: connections.clone() });
        let mut core = Core::new(now(), Arc::new(settings), session, random(), ways, watch.clone());
        core.recall(now(), kept);
        let driver = Driver {
            core,
            told_us: 0,
            endpoint,
            connections,
            intake: intake.clone(),
            inbox,
            media,
            jobs: queue,
            stop,
        };
        let closing = intake.clone();
        // One session: the sockets are there.
        let sockets = watch.clone();
        let task = async move {
            sockets.up();
            // Boxed once: the core is large.
            Box::pin(driver.run()).await;
            sockets.down();
            closing.close(session);
        };
        (Arc::new(Self { jobs, intake }), task)
    }

    /// Takes new settings, from the next batch on.
    pub fn set(&self, settings: Settings) {
        // A task that has ended has no use for them.
        let _ended = self.jobs.send(Job::Set(Arc::new(settings)));
    }

    /// What was seen since the start, and what is there now; `None` once the task has ended.
    pub async fn figures(&self) -> Option<(Counts, Standing)> {
        let (reply, figures) = tokio::sync::oneshot::channel();
        self.jobs.send(Job::Figures(reply)).ok()?;
        figures.await.ok()
    }
}

impl Channel for Rcs {
    fn send(&self, batch: Vec<Outgoing>) {
        if let Err(unsent) = self.jobs.send(Job::HandOver(batch))
            && let Job::HandOver(batch) = unsent.0
        {
            let intake = self.intake.clone();
            tokio::spawn(async move {
                // Nobody hears it when the gateway has shut down.
                let _closed = intake.take(refused(&batch)).await;
            });
        }
    }
}

impl std::fmt::Debug for Rcs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rcs").finish_non_exhaustive()
    }
}

/// What was never looked at certainly was not sent.
fn refused(batch: &[Outgoing]) -> Vec<Inbound> {
    let refusal = Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::LinkDown) };
    let attempts = batch.iter().filter_map(Outgoing::attempt);
    attempts.map(|attempt| Inbound::Outcome { attempt, outcome: Outcome::Refused(refusal) }).collect()
}

/// Where answers go.
struct Answers(UnboundedSender<Job>);

impl Session for Answers {
    fn answer(&self, answers: &mut Vec<(u64, Answer)>) {
        // Late ones are dropped.
        let _ended = self.0.send(Job::Answers(std::mem::take(answers)));
    }
}

/// The sockets as the core sees them.
struct Sockets {
    sip: Arc<Endpoint>,
    msrp: Option<msrp::Connections>,
}

impl Ways for Sockets {
    fn flow(&self, target: &Target) -> Result<Flow, NoFlow> {
        self.sip.flow(target)
    }

    fn is_open(&self, flow: Flow) -> bool {
        self.sip.is_open(flow)
    }

    fn resolve(
        &self,
        destination: &Destination,
        random: u64,
        token: u64,
    ) -> Option<Result<Candidates, Unresolved>> {
        self.sip.resolve(destination, random, token)
    }

    fn connect(&self, target: msrp::Target) -> Option<msrp::ConnectionId> {
        self.msrp.as_ref()?.connect(target)
    }
}

struct Driver {
    core: Core,
    /// When the window was last told.
    told_us: i64,
    endpoint: Arc<Endpoint>,
    connections: Option<msrp::Connections>,
    intake: Arc<dyn Intake>,
    inbox: Inbox,
    media: Option<msrp::Inbox>,
    jobs: UnboundedReceiver<Job>,
    stop: CancellationToken,
}

impl Driver {
    async fn run(mut self) {
        if self.flush().await.is_err() {
            return;
        }
        let mut draining: Option<tokio::time::Instant> = None;
        loop {
            let until = draining.unwrap_or_else(|| tokio::time::Instant::now() + IDLE);
            let wait = match self.core.next_tick_us() {
                Some(at_us) => {
                    let wait_us = u64::try_from(at_us.saturating_sub(now())).unwrap_or(0);
                    (tokio::time::Instant::now() + Duration::from_micros(wait_us)).min(until)
                }
                None => until,
            };
            tokio::select! {
                batch = self.inbox.recv() => match batch {
                    Some(batch) => self.take_batch(batch),
                    None => break,
                },
                Some(batch) = next(&mut self.media) => self.take_media(batch),
                job = self.jobs.recv() => match job {
                    Some(job) => self.take_job(job),
                    // Nobody can hand anything over or answer any more.
                    None => break,
                },
                () = tokio::time::sleep_until(wait) => {}
                () = self.stop.cancelled(), if draining.is_none() => {
                    draining = Some(tokio::time::Instant::now() + DRAIN_MAX);
                    self.core.drain(now());
                }
            }
            self.take_all();
            if self.flush().await.is_err() {
                break;
            }
            if draining.is_some_and(|until| self.core.is_idle() || until <= tokio::time::Instant::now()) {
                break;
            }
        }
        Box::pin(self.end()).await;
    }

    /// Whatever else is there already.
    fn take_all(&mut self) {
        self.core.set_closed(self.intake.closed_for_submissions());
        let mut room = BATCH_MAX;
        while room > 0
            && let Some(batch) = self.inbox.try_recv()
        {
            room = room.saturating_sub(batch.events.len());
            self.take_batch(batch);
        }
        while room > 0
            && let Some(batch) = self.media.as_mut().and_then(msrp::Inbox::try_recv)
        {
            room -= 1;
            self.take_media(batch);
        }
        let mut room = JOBS_MAX;
        while room > 0
            && let Ok(job) = self.jobs.try_recv()
        {
            room = room.saturating_sub(job.weight());
            self.take_job(job);
        }
        let now_us = now();
        if self.core.next_tick_us().is_some_and(|at_us| at_us <= now_us) {
            self.core.tick(now_us);
        }
        if now_us - self.told_us >= WINDOW_TOLD_US {
            self.told_us = now_us;
            self.core.tell_window();
        }
    }

    fn take_batch(&mut self, batch: sip_net::Batch) {
        let now_us = now();
        for event in batch.events {
            match event {
                Event::Message { flow, message } => self.core.received(now_us, flow, message),
                Event::Ended { flow, why } => {
                    let never_stood = matches!(why, Ended::Refused | Ended::TimedOut | Ended::Handshake);
                    self.core.ended(now_us, flow, never_stood);
                }
                Event::Unsent { flow, octets } => self.core.unsent(now_us, flow, &octets),
                Event::Resolved { token, servers } => self.core.resolved(now_us, token, servers),
            }
        }
    }

    /// The room that a batch has in the queue comes back at once: what is not answered yet is bounded for each
    /// connection.
    fn take_media(&mut self, batch: msrp::Batch) {
        let now_us = now();
        for event in batch.events {
            self.core.msrp(now_us, event);
        }
    }

    fn take_job(&mut self, job: Job) {
        match job {
            Job::HandOver(batch) => self.core.hand_over(now(), batch),
            Job::Answers(answers) => self.core.answers(now(), answers),
            Job::Set(settings) => self.core.set(now(), settings),
            Job::Figures(reply) => {
                // Whoever asked may be gone.
                let _gone = reply.send((*self.core.counts(), self.core.standing()));
            }
        }
    }

    /// Sends first: nobody waits on the network for the gateway's room.
    async fn flush(&mut self) -> Result<(), kit::Closed> {
        let out = self.core.out();
        if !out.transmit.is_empty() {
            self.endpoint.send_all(&mut out.transmit);
        }
        match &self.connections {
            Some(connections) => connections.perform(&mut out.msrp),
            None => out.msrp.clear(),
        }
        out.notes.drain(..).for_each(tell);
        if out.inbound.is_empty() {
            return Ok(());
        }
        let inbound = std::mem::take(&mut out.inbound);
        self.intake.take(inbound).await
    }

    /// Every hand-over gets its outcome, also now.
    async fn end(mut self) {
        self.jobs.close();
        while let Ok(job) = self.jobs.try_recv() {
            match job {
                Job::HandOver(batch) => self.core.out().inbound.extend(refused(&batch)),
                other => self.take_job(other),
            }
        }
        self.core.abandon();
        let _closed = self.flush().await;
    }
}

/// To the log.
fn tell(note: Note) {
    match note {
        Note::RelayAway(Some(status)) => tracing::warn!(
            status,
            "the relay of MSRP lends us no path: until it does, no session begins; it is asked again"
        ),
        Note::RelayAway(None) => tracing::warn!(
            "the relay of MSRP cannot be reached: until it can, no session begins; it is tried again"
        ),
        Note::RelayBack => tracing::info!("the relay of MSRP lends us a path again"),
    }
}

/// What the connections of MSRP say next; never, when there are none.
async fn next(media: &mut Option<msrp::Inbox>) -> Option<msrp::Batch> {
    match media {
        Some(media) => media.recv().await,
        None => std::future::pending().await,
    }
}

/// Microseconds since the epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// From the system, by way of the keys that it gives to hash maps.
fn random() -> [u64; 4] {
    std::array::from_fn(|at| {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_usize(at);
        hasher.finish()
    })
}
