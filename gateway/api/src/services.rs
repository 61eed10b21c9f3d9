//! What this room needs from the others, as one value.

use std::{future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::StatusCode;
use kit::Intake;
use model::{ChannelId, Duration, MessageId, Signal, Timestamp};
use smol_str::SmolStr;
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::{Directory, Files, KeyHash};

/// Everything a listener is built from.
#[derive(Clone)]
pub struct Services {
    /// The way in.
    pub intake: Arc<dyn Intake>,
    /// What was committed.
    pub store: Arc<dyn Store>,
    /// Who is who.
    pub directory: Arc<dyn Directory>,
    pub pages: Pages,
    /// The content server, where there is one.
    pub files: Option<Arc<Files>>,
    /// The clock.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Unpredictable numbers: one-time codes and link ids come from here.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Typing marks of a messenger. They are dropped where nobody listens.
    pub signals: Arc<dyn Fn(ChannelId, Signal) + Send + Sync>,
    /// Which message an event of a messenger became, by the messenger's own id of the event.
    pub find_event: FindEvent,
    /// Called once for each call that was answered; for metrics.
    pub observe: Arc<dyn Fn(&Seen<'_>) + Send + Sync>,
    /// Who may use the management listener; empty means whoever can reach it.
    pub operators: Arc<[KeyHash]>,
    /// How peers reach this gateway, e.g. `https://gw.example.kr`; without it links to it are relative.
    pub public_url: Option<Arc<str>>,
    /// The gateway is stopping: calls that only wait for news return.
    pub stopping: CancellationToken,
    pub limits: Limits,
}

/// See [`Services::find_event`].
pub type FindEvent = Arc<dyn Fn(ChannelId, SmolStr) -> Finding + Send + Sync>;
/// Boxed once per call.
pub type Finding = Pin<Box<dyn Future<Output = Option<MessageId>> + Send>>;

/// The pages that other rooms write.
#[derive(Clone)]
pub struct Pages {
    pub metrics: PageSource,
    pub livez: PageSource,
    pub readyz: PageSource,
}

/// Renders a page.
pub type PageSource = Arc<dyn Fn() -> RenderedPage + Send + Sync>;

/// A page of another room.
#[derive(Debug, Clone)]
pub struct RenderedPage {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: Bytes,
}

/// One answered call. The path is the pattern, never what the caller wrote.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub listener: Listener,
    pub path: &'a str,
    pub method: &'a http::Method,
    pub status: StatusCode,
    pub took: Duration,
}

/// Which door a call came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listener {
    Traffic,
    Management,
}

impl Listener {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Traffic => "traffic",
            Self::Management => "management",
        }
    }
}

/// Everything a caller could make grow, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a body with one message or command.
    pub body_octets_max: usize,
    /// Octets of a body with many: NDJSON and messenger events.
    pub batch_octets_max: usize,
    /// Messages in one batch; at most [`Self::BATCH_MESSAGES_CEILING`].
    pub batch_messages_max: usize,
    /// Batches being read or answered at the same time.
    pub batches_max: usize,
    /// Items on one page of a list.
    pub page_items_max: usize,
    /// How long a caller waits for the commit before it is told to come again.
    pub answer_timeout: Duration,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long a peer that pulls may wait for news.
    pub pull_wait_max: Duration,
    pub connections: ConnectionLimits,
}

impl Limits {
    /// A ticket names the place of an answer in its batch with sixteen bits.
    pub const BATCH_MESSAGES_CEILING: usize = 1 << 16;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_octets_max: 64 << 10,
            batch_octets_max: 8 << 20,
            batch_messages_max: 10_000,
            batches_max: 32,
            page_items_max: 1_000,
            answer_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            pull_wait_max: Duration::from_secs(60),
            connections: ConnectionLimits::default(),
        }
    }
}

/// Limits of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Open connections; further ones wait in the operating system's queue.
    pub connections_max: usize,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long a request head may take to arrive, and how long an idle connection is kept.
    pub head_timeout: Duration,
    /// Octets of a request head.
    pub head_octets_max: usize,
    /// After the signal to stop: how long calls under way may still take.
    pub drain_timeout: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            handshake_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(30),
            head_octets_max: 32 << 10,
            drain_timeout: Duration::from_secs(30),
        }
    }
}
