//! Health: whether the core turns (`/livez`) and whether traffic may come (`/readyz`). Served elsewhere.

use std::{
    borrow::Cow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{Registry, label::Label};

/// What must hold before traffic may come (operations sheet §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// A configuration is loaded.
    Configuration,
    /// The journal takes writes.
    Journal,
    /// At least one traffic listener is open.
    Ingress,
    /// Free space is above the stop mark.
    Space,
    /// The gateway is not draining.
    Serving,
}

impl Condition {
    pub const ALL: [Self; 5] =
        [Self::Configuration, Self::Journal, Self::Ingress, Self::Space, Self::Serving];
}

impl Label for Condition {
    const VALUES: &'static [&'static str] = &["configuration", "journal", "ingress", "space", "serving"];

    fn index(self) -> usize {
        self as usize
    }
}

/// An answer without its HTTP types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// 200 or 503.
    pub status: u16,
    /// JSON.
    pub body: String,
}

/// Shared by everybody who knows of a condition. Nothing holds until somebody says so.
pub struct Health {
    registry: Arc<Registry>,
    /// Why a condition is not met.
    unmet: Mutex<[Option<Cow<'static, str>>; Condition::ALL.len()]>,
    started: Instant,
    /// Milliseconds from `started` to the last beat.
    beat: AtomicU64,
    beat_age_max: Duration,
}

impl Health {
    /// The core loop beats at least this often, or the process is taken for dead.
    pub const BEAT_AGE_MAX: Duration = Duration::from_secs(10);

    #[must_use]
    pub fn new(registry: Arc<Registry>) -> Arc<Self> {
        let starting = || Some(Cow::Borrowed("starting"));
        Arc::new(Self {
            registry,
            unmet: Mutex::new(std::array::from_fn(|_| starting())),
            started: Instant::now(),
            beat: AtomicU64::new(0),
            beat_age_max: Self::BEAT_AGE_MAX,
        })
    }

    pub fn met(&self, condition: Condition) {
        self.change(condition, None);
    }

    /// The reason is for the operator; it names no person.
    pub fn unmet(&self, condition: Condition, reason: impl Into<Cow<'static, str>>) {
        self.change(condition, Some(reason.into()));
    }

    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock().iter().all(Option::is_none)
    }

    /// Called from the core loop, also when there is nothing to do.
    pub fn beat(&self) {
        self.beat_at(Instant::now());
    }

    /// Is the core turning? Never depends on peers or on the store.
    #[must_use]
    pub fn livez(&self) -> Page {
        self.livez_at(Instant::now())
    }

    /// May traffic come?
    #[must_use]
    pub fn readyz(&self) -> Page {
        #[derive(Serialize)]
        struct Body<'a> {
            status: &'static str,
            conditions: Vec<Line<'a>>,
        }
        #[derive(Serialize)]
        struct Line<'a> {
            name: &'static str,
            met: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            reason: Option<&'a str>,
        }
        let unmet = self.lock();
        let ready = unmet.iter().all(Option::is_none);
        let conditions = Condition::ALL
            .iter()
            .zip(unmet.iter())
            .map(|(condition, reason)| Line {
                name: condition.value(),
                met: reason.is_none(),
                reason: reason.as_deref(),
            })
            .collect();
        page(ready, &Body { status: if ready { "ready" } else { "not ready" }, conditions })
    }

    fn change(&self, condition: Condition, reason: Option<Cow<'static, str>>) {
        let mut unmet = self.lock();
        let slot = &mut unmet[condition.index()];
        if slot.is_some() != reason.is_some() {
            match &reason {
                None => tracing::info!(condition = condition.value(), "condition met"),
                Some(reason) => {
                    tracing::warn!(condition = condition.value(), %reason, "condition no longer met")
                }
            }
        }
        *slot = reason;
        let as_gauge = |met: bool| if met { 1.0 } else { 0.0 };
        self.registry.metrics.ready_condition[condition].set(as_gauge(slot.is_none()));
        self.registry.metrics.ready.set(as_gauge(unmet.iter().all(Option::is_none)));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, [Option<Cow<'static, str>>; Condition::ALL.len()]> {
        self.unmet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beat_at(&self, now: Instant) {
        self.beat.store(millis(now.saturating_duration_since(self.started)), Ordering::Relaxed);
    }

    fn livez_at(&self, now: Instant) -> Page {
        #[derive(Serialize)]
        struct Body {
            status: &'static str,
            last_beat_ms_ago: u64,
        }
        let age = millis(now.saturating_duration_since(self.started))
            .saturating_sub(self.beat.load(Ordering::Relaxed));
        let alive = age <= millis(self.beat_age_max);
        page(alive, &Body { status: if alive { "alive" } else { "stuck" }, last_beat_ms_ago: age })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn page(good: bool, body: &impl Serialize) -> Page {
    Page { status: if good { 200 } else { 503 }, body: serde_json::to_string(body).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BuildInfo;

    fn health() -> Arc<Health> {
        Health::new(Registry::new(BuildInfo::default()).expect("a registry"))
    }

    #[test]
    fn ready_only_when_every_condition_is_met() {
        let health = health();
        assert_eq!(health.readyz().status, 503);
        for condition in Condition::ALL {
            assert!(!health.is_ready());
            health.met(condition);
        }
        assert_eq!(health.readyz().status, 200);
        assert_eq!(health.registry.metrics.ready.get(), 1.0);
        health.unmet(Condition::Serving, "draining");
        let page = health.readyz();
        assert_eq!(page.status, 503);
        assert!(page.body.contains(r#"{"name":"serving","met":false,"reason":"draining"}"#), "{}", page.body);
        assert!(page.body.contains(r#"{"name":"journal","met":true}"#), "{}", page.body);
        assert_eq!(health.registry.metrics.ready.get(), 0.0);
        assert_eq!(health.registry.metrics.ready_condition[Condition::Journal].get(), 1.0);
    }

    #[test]
    fn a_core_that_stops_turning_is_found_out_whatever_the_conditions() {
        let health = health();
        let start = health.started;
        assert_eq!(health.livez_at(start + Duration::from_secs(10)).status, 200);
        assert_eq!(health.livez_at(start + Duration::from_secs(11)).status, 503);
        health.beat_at(start + Duration::from_secs(11));
        assert_eq!(health.livez_at(start + Duration::from_secs(20)).status, 200);
        assert_eq!(health.livez_at(start + Duration::from_secs(22)).status, 503);
    }

    #[test]
    fn conditions_are_listed_in_the_order_of_their_places() {
        for (place, condition) in Condition::ALL.iter().enumerate() {
            assert_eq!(condition.index(), place);
        }
    }
}
