//! One registry per process, built explicitly: a test gets a fresh one, and nothing is global.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use model::{Cause, ChannelId, ChannelKind, Timestamp};
use prometheus::{GaugeVec, Opts, TextEncoder, process_collector::ProcessCollector};

use crate::{
    catalogue::{BUILD_INFO, CHANNELS_NAMED_MAX, ChannelFamilies, ProcessMetrics},
    channel::ChannelMetrics,
    label::{AuthFailure, Check, FileAction, FileRefusal, Ingress, ParseError, Protocol, Task},
};

/// What was built.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuildInfo<'a> {
    pub version: &'a str,
    pub commit: &'a str,
}

/// Every metric of this process.
pub struct Registry {
    registry: prometheus::Registry,
    pub(crate) metrics: ProcessMetrics,
    families: ChannelFamilies,
    channels: RwLock<Channels>,
}

/// Channels by id; ids are small and dense because the store counts them up.
pub(crate) struct Channels {
    by_id: Vec<Option<ChannelMetrics>>,
    named: usize,
    /// Stands for every channel without a name of its own.
    other: ChannelMetrics,
}

impl Channels {
    /// One more than the highest id.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: ChannelId) -> &ChannelMetrics {
        self.by_id.get(usize::from(id.0)).and_then(Option::as_ref).unwrap_or(&self.other)
    }
}

/// The name shared by the channels beyond [`CHANNELS_NAMED_MAX`].
const OTHER: &str = "other";

impl Registry {
    /// Fails only when a definition contradicts another, which the tests exclude.
    ///
    /// # Errors
    /// What the `prometheus` crate says about the definition.
    pub fn new(build: BuildInfo<'_>) -> prometheus::Result<Arc<Self>> {
        let registry = prometheus::Registry::new();
        let metrics = ProcessMetrics::register(&registry)?;
        let families = ChannelFamilies::register(&registry)?;
        let info = GaugeVec::new(Opts::new(BUILD_INFO.name, BUILD_INFO.help), &BUILD_INFO.label_names())?;
        registry.register(Box::new(info.clone()))?;
        info.get_metric_with_label_values(&[build.version, build.commit])?.set(1.0);
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let other = ChannelMetrics::new(families.resolve(OTHER)?, OTHER, None);
        let channels = RwLock::new(Channels { by_id: Vec::new(), named: 0, other });
        Ok(Arc::new(Self { registry, metrics, families, channels }))
    }

    /// The handle of a configured channel; called for each at start and after a reload. The second call for
    /// an id gives the same handle.
    ///
    /// # Errors
    /// What the `prometheus` crate says about the name.
    pub fn channel(
        &self,
        id: ChannelId,
        kind: ChannelKind,
        name: &str,
    ) -> prometheus::Result<ChannelMetrics> {
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        let index = usize::from(id.0);
        if let Some(Some(known)) = channels.by_id.get(index) {
            return Ok(known.clone());
        }
        let made = if channels.named < CHANNELS_NAMED_MAX && name != OTHER {
            channels.named += 1;
            ChannelMetrics::new(self.families.resolve(name)?, name, Some(kind))
        } else {
            channels.other.sharing(name, kind)
        };
        if channels.by_id.len() <= index {
            channels.by_id.resize(index + 1, None);
        }
        channels.by_id[index] = Some(made.clone());
        Ok(made)
    }

    pub(crate) fn channels(&self) -> RwLockReadGuard<'_, Channels> {
        self.channels.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text exposition (format 0.0.4), for `/metrics`.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(64 * 1024);
        if let Err(error) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "metrics could not be written");
        }
        text
    }

    /// The content type of [`Registry::render`].
    pub const CONTENT_TYPE: &'static str = prometheus::TEXT_FORMAT;

    /// How many messages are open after recovery; from there on the observer counts.
    pub fn recovered(&self, open: u64) {
        self.metrics.messages_open.set(count(open));
    }

    pub fn links(&self, links: u64) {
        self.metrics.links.set(count(links));
    }

    /// So many requests were refused before the engine saw them: no room, no store, draining.
    pub fn refused(&self, cause: Cause, requests: u64) {
        self.metrics.messages_rejected[cause].inc_by(requests);
    }

    /// How many messages wait for their next attempt.
    pub fn retry_due(&self, messages: u64) {
        self.metrics.retry_due.set(count(messages));
    }

    /// A commit failed or its fate is unknown.
    pub fn commit_failed(&self) {
        self.metrics.journal_failures.inc();
    }

    /// Octets the store occupies, and octets left for it.
    pub fn store_space(&self, size: u64, free: u64) {
        self.metrics.store_size.set(count(size));
        self.metrics.store_free.set(count(free));
    }

    /// So many files of the content server were stored, fetched, or whatever it was.
    pub fn files(&self, action: FileAction, files: u64) {
        self.metrics.files[action].inc_by(files);
    }

    /// Octets of files that came in, and that went out.
    pub fn file_octets(&self, received: u64, sent: u64) {
        self.metrics.files_received.inc_by(received);
        self.metrics.files_sent.inc_by(sent);
    }

    /// Octets of all files together.
    pub fn files_size(&self, octets: u64) {
        self.metrics.files_size.set(count(octets));
    }

    /// Octets that they may take.
    pub fn files_room(&self, octets: u64) {
        self.metrics.files_room.set(count(octets));
    }

    /// A call about a file was refused: one more of that action, and of that reason.
    pub fn file_refused(&self, reason: FileRefusal) {
        self.files(FileAction::Refused, 1);
        self.metrics.files_refused[reason].inc();
    }

    /// A reconciliation ran and found so many differences.
    pub fn reconciled(&self, check: Check, mismatches: u64, at: Timestamp) {
        self.metrics.reconciliation[check].set(count(mismatches));
        self.metrics.reconciliation_at.set(seconds(at));
    }

    pub fn auth_failed(&self, ingress: Ingress, reason: AuthFailure) {
        self.metrics.auth_failures[(ingress, reason)].inc();
    }

    /// Octets from outside could not be understood.
    pub fn malformed(&self, protocol: Protocol, error: ParseError) {
        self.metrics.parse_errors[(protocol, error)].inc();
    }

    /// A configuration was loaded, or refused and the old one kept.
    pub fn configuration_loaded(&self, accepted: bool, at: Timestamp) {
        self.metrics.config_ok.set(if accepted { 1.0 } else { 0.0 });
        if accepted {
            self.metrics.config_at.set(seconds(at));
        }
    }

    pub fn task_panicked(&self, task: Task) {
        self.metrics.task_panics[task].inc();
    }
}

/// Gauges are floating point; what we count stays far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
pub(crate) const fn count(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "microseconds stay below 2^53 until the year 2255")]
pub(crate) const fn seconds(at: Timestamp) -> f64 {
    at.micros() as f64 / 1e6
}
