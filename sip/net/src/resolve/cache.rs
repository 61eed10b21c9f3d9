//! Answers are kept as long as their zones say, within bounds, and a little longer when DNS is dead.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Abilities, Answer, Candidates, Destination, Dns, Plan, Query, Unresolved};

/// How long and how many answers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// An answer is believed at least so long, also when its zone says less.
    pub ttl_min: Duration,
    /// And at most so long.
    pub ttl_max: Duration,
    /// "Nothing there" is believed so long.
    pub negative_ttl: Duration,
    /// A failed question is not repeated for so long.
    pub failure_ttl: Duration,
    /// An old answer serves so much longer while the name servers do not answer.
    pub stale_max: Duration,
    /// Answers kept; over it, the next to expire gives way.
    pub answers_max: usize,
    /// One question takes at most so long.
    pub timeout: Duration,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            ttl_min: Duration::from_secs(5),
            ttl_max: Duration::from_secs(3_600),
            negative_ttl: Duration::from_secs(30),
            failure_ttl: Duration::from_secs(2),
            stale_max: Duration::from_secs(3_600),
            answers_max: 4_096,
            timeout: Duration::from_secs(5),
        }
    }
}

/// Finds the servers of destinations.
pub struct Resolver {
    dns: Arc<dyn Dns>,
    abilities: Abilities,
    limits: CacheLimits,
    kept: Mutex<HashMap<Query, Kept>>,
}

#[derive(Debug)]
struct Kept {
    answer: Arc<Answer>,
    fresh_until: Instant,
    /// Never before `fresh_until`.
    usable_until: Instant,
}

impl Resolver {
    #[must_use]
    pub fn new(dns: Arc<dyn Dns>, abilities: Abilities, limits: CacheLimits) -> Self {
        Self { dns, abilities, limits, kept: Mutex::default() }
    }

    /// The servers, when nothing has to be asked for it. `None`: [`Self::resolve`] has to.
    #[must_use]
    pub fn known(&self, destination: &Destination, random: u64) -> Option<Result<Candidates, Unresolved>> {
        let mut plan = Plan::new(destination, self.abilities, random);
        while let Some(query) = plan.query() {
            plan.answer(self.fresh(&query)?.as_ref());
        }
        Some(plan.finish())
    }

    /// The servers in the order they are to be tried.
    ///
    /// # Errors
    /// When there is none.
    pub async fn resolve(&self, destination: &Destination, random: u64) -> Result<Candidates, Unresolved> {
        let mut plan = Plan::new(destination, self.abilities, random);
        while let Some(query) = plan.query() {
            let answer = match self.fresh(&query) {
                Some(answer) => answer,
                None => self.ask(query).await,
            };
            plan.answer(&answer);
        }
        plan.finish()
    }

    /// Answers kept now, expired ones included.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.lock().len()
    }

    fn fresh(&self, query: &Query) -> Option<Arc<Answer>> {
        let kept = self.lock();
        let found = kept.get(query)?;
        (found.fresh_until > Instant::now()).then(|| found.answer.clone())
    }

    async fn ask(&self, query: Query) -> Arc<Answer> {
        let asked = tokio::time::timeout(self.limits.timeout, self.dns.ask(&query)).await;
        let (answer, ttl) = match asked {
            Ok(answered) => (answered.answer, answered.ttl),
            Err(_elapsed) => (Answer::Failed, Duration::ZERO),
        };
        self.keep(query, answer, ttl)
    }

    /// What to go on with: the answer, or the old one when this one is a failure.
    fn keep(&self, query: Query, answer: Answer, ttl: Duration) -> Arc<Answer> {
        let now = Instant::now();
        let limits = &self.limits;
        let mut kept = self.lock();
        if answer == Answer::Failed
            && let Some(old) = kept.get_mut(&query).filter(|old| old.usable_until > now)
        {
            old.fresh_until = (now + limits.failure_ttl).min(old.usable_until);
            return old.answer.clone();
        }
        if !kept.contains_key(&query) && kept.len() >= limits.answers_max.max(1) {
            let next = kept.iter().min_by_key(|(_, kept)| kept.fresh_until).map(|(query, _)| query.clone());
            if let Some(next) = next {
                kept.remove(&next);
            }
        }
        let answer = Arc::new(answer);
        let (ttl, stale) = match answer.as_ref() {
            Answer::Failed => (limits.failure_ttl, Duration::ZERO),
            Answer::Nothing => (limits.negative_ttl, Duration::ZERO),
            _ => (ttl.clamp(limits.ttl_min, limits.ttl_max.max(limits.ttl_min)), limits.stale_max),
        };
        let fresh_until = now + ttl;
        let usable_until = fresh_until + stale;
        kept.insert(query, Kept { answer: answer.clone(), fresh_until, usable_until });
        answer
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Query, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("answers", &self.answers()).finish_non_exhaustive()
    }
}
