//! When to leave an unhealthy peer alone, and for how long (messengers sheet §8.6: full jitter, no fixed
//! ladders).

use model::Duration;
use tokio::time::Instant;

/// Failures in a row until the peer is left alone.
const FAILURES_MAX: u32 = 3;
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// The longest pause a peer can ask for.
const ASKED_PAUSE_MAX: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Healthy, as far as we know.
    Closed,
    /// Left alone until then.
    Open { until: Instant },
    /// One call tries whether it is back.
    Probing,
}

/// What a call told about the peer's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    Good,
    /// Down, failing or overloaded; with the pause it asked for.
    Bad {
        pause: Option<Duration>,
    },
    /// The peer works; what we sent did not suit it.
    Neutral,
    /// The call was never made.
    Untried,
}

#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    failures: u32,
    /// Pauses since the last success.
    pauses: u32,
}

impl Breaker {
    pub(super) const fn new() -> Self {
        Self { state: State::Closed, failures: 0, pauses: 0 }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    /// How much may be under way: `full` when healthy, one to probe.
    pub(super) fn allows(&self, full: usize) -> usize {
        match self.state {
            State::Closed => full,
            State::Open { .. } => 0,
            State::Probing => full.min(1),
        }
    }

    /// Ends a pause whose time has come.
    pub(super) fn tick(&mut self, now: Instant) {
        if let State::Open { until } = self.state
            && now >= until
        {
            self.state = State::Probing;
        }
    }

    /// Learns from a call. `random` spreads the pauses of many gateways.
    pub(super) fn learn(&mut self, now: Instant, health: Health, random: u64) {
        match (health, self.state) {
            // Calls that began before the pause change nothing about it.
            (_, State::Open { .. }) | (Health::Untried, _) => {}
            (Health::Good | Health::Neutral, _) => *self = Self::new(),
            (Health::Bad { pause }, state) => {
                self.failures += 1;
                if state == State::Probing || self.failures >= FAILURES_MAX || pause.is_some() {
                    self.pauses += 1;
                    self.failures = 0;
                    let asked = pause.unwrap_or_default().min(ASKED_PAUSE_MAX);
                    self.state = State::Open { until: now + jittered(self.pauses, random).max(asked) };
                }
            }
        }
    }
}

/// Between one second and 2, 4, 8 … 60 seconds.
fn jittered(pauses: u32, random: u64) -> Duration {
    let longest = PAUSE_MIN.saturating_mul(1 << pauses.min(6)).min(PAUSE_MAX);
    let spread_ms = u64::try_from((longest - PAUSE_MIN).as_millis()).unwrap_or(0);
    PAUSE_MIN + Duration::from_millis(random % (spread_ms + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Health = Health::Bad { pause: None };

    fn pause(breaker: &Breaker, now: Instant) -> Duration {
        match breaker.state() {
            State::Open { until } => until - now,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn three_failures_in_a_row_open_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new();
        for health in [BAD, BAD, Health::Good, BAD, Health::Untried, BAD] {
            breaker.learn(now, health, 0);
            assert_eq!(breaker.allows(4), 4);
        }
        breaker.learn(now, BAD, 0);
        assert_eq!(breaker.allows(4), 0);
        assert_eq!(pause(&breaker, now), PAUSE_MIN);
    }

    #[test]
    fn one_probe_decides() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new();
        breaker.learn(now, Health::Bad { pause: Some(Duration::from_secs(5)) }, 0);
        breaker.tick(now + Duration::from_millis(4_999));
        assert_eq!(breaker.allows(4), 0);
        now += Duration::from_secs(5);
        breaker.tick(now);
        assert_eq!(breaker.allows(4), 1);
        breaker.learn(now, BAD, 0);
        assert_eq!(breaker.allows(4), 0);
        now += PAUSE_MAX;
        breaker.tick(now);
        breaker.learn(now, Health::Good, 0);
        assert_eq!(breaker.allows(4), 4);
    }

    #[test]
    fn late_news_do_not_lengthen_a_pause() {
        let now = Instant::now();
        let mut breaker = Breaker::new();
        breaker.learn(now, Health::Bad { pause: Some(Duration::from_secs(5)) }, 0);
        breaker.learn(now + Duration::from_secs(4), BAD, u64::MAX);
        assert_eq!(pause(&breaker, now), Duration::from_secs(5));
    }

    #[test]
    fn pauses_grow_to_a_minute_and_are_spread() {
        for (pauses, longest) in [(1, 2), (2, 4), (5, 32), (6, 60), (400, 60)] {
            assert_eq!(jittered(pauses, 0), PAUSE_MIN);
            let spread = u64::try_from((Duration::from_secs(longest) - PAUSE_MIN).as_millis()).unwrap();
            assert_eq!(jittered(pauses, spread), Duration::from_secs(longest));
        }
        let now = Instant::now();
        let mut breaker = Breaker::new();
        breaker.learn(now, Health::Bad { pause: Some(Duration::from_secs(1_000_000)) }, 0);
        assert_eq!(pause(&breaker, now), ASKED_PAUSE_MAX);
    }
}
