//! When the next attempt is due, by cause.

use std::time::Duration;

use model::{Cause, Refusal, Retry};

/// Delays before the second, third, … attempt; the last one repeats until the message expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule {
    /// The recipient cannot be reached: wait for people.
    pub unreachable: Vec<Duration>,
    /// The network has a fault: wait for machines.
    pub failure: Vec<Duration>,
    /// Attempts that ended in a refusal before the message is given up.
    pub attempts_max: u16,
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self {
            unreachable: [60, 300, 900, 3_600, 10_800, 21_600].map(Duration::from_secs).to_vec(),
            failure: [1, 5, 15, 60, 300, 900].map(Duration::from_secs).to_vec(),
            attempts_max: 50,
        }
    }
}

/// What to do after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Again after this, counted as an attempt unless it never left.
    Again {
        after: Duration,
        counts: bool,
    },
    /// Again when the recipient is there, or after this.
    WhenReachable {
        after: Duration,
    },
    /// Another leg of the plan.
    OtherLeg,
    GiveUp,
}

impl RetrySchedule {
    /// `attempts` counts those that ended in a refusal, this one included.
    #[must_use]
    pub fn next(&self, refusal: Refusal, attempts: u16, jitter: u32) -> Next {
        // What never left, or was only slowed down, is not an attempt (SMS sheet §1.9).
        let counts = !matches!(refusal.cause, Cause::Throttled | Cause::QueueFull | Cause::LinkDown);
        let after = match refusal.retry {
            Retry::Never => return Next::GiveUp,
            Retry::OtherRoute => return Next::OtherLeg,
            Retry::After(after) => after,
            Retry::Scheduled if counts && attempts >= self.attempts_max => return Next::GiveUp,
            Retry::WhenReachable => {
                let after = jittered(step(&self.unreachable, u16::MAX), jitter);
                return Next::WhenReachable { after };
            }
            Retry::Scheduled if refusal.cause == Cause::Unreachable => step(&self.unreachable, attempts),
            Retry::Scheduled => step(&self.failure, attempts),
        };
        Next::Again { after: jittered(after, jitter), counts }
    }
}

fn step(delays: &[Duration], attempts: u16) -> Duration {
    let index = usize::from(attempts.saturating_sub(1)).min(delays.len().saturating_sub(1));
    delays.get(index).copied().unwrap_or(Duration::from_secs(60))
}

/// Up to a tenth later, so that what failed together does not come back together (F53).
fn jittered(delay: Duration, jitter: u32) -> Duration {
    delay + delay / 10 * (jitter % 1_000) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(cause: Cause, retry: Retry) -> Refusal {
        Refusal::theirs(cause, retry, 0)
    }

    #[test]
    fn delays_grow_and_the_last_one_repeats() {
        let schedule = RetrySchedule::default();
        let after = |attempts| schedule.next(refusal(Cause::NetworkFailure, Retry::Scheduled), attempts, 0);
        assert_eq!(after(1), Next::Again { after: Duration::from_secs(1), counts: true });
        assert_eq!(after(2), Next::Again { after: Duration::from_secs(5), counts: true });
        assert_eq!(after(40), Next::Again { after: Duration::from_secs(900), counts: true });
        assert_eq!(after(50), Next::GiveUp);
    }

    #[test]
    fn throttling_and_a_broken_link_are_no_attempts() {
        let schedule = RetrySchedule::default();
        for cause in [Cause::Throttled, Cause::QueueFull, Cause::LinkDown] {
            assert!(matches!(
                schedule.next(refusal(cause, Retry::Scheduled), 60_000, 0),
                Next::Again { counts: false, .. }
            ));
        }
    }

    #[test]
    fn who_is_away_is_waited_for_and_doubted_slowly() {
        let schedule = RetrySchedule::default();
        let next = schedule.next(refusal(Cause::Unreachable, Retry::WhenReachable), 60_000, 0);
        assert_eq!(next, Next::WhenReachable { after: Duration::from_secs(21_600) });
    }

    #[test]
    fn permanent_refusals_are_not_repeated() {
        let schedule = RetrySchedule::default();
        assert_eq!(schedule.next(refusal(Cause::UnknownSubscriber, Retry::Never), 1, 0), Next::GiveUp);
        assert_eq!(schedule.next(refusal(Cause::NetworkRefused, Retry::OtherRoute), 1, 0), Next::OtherLeg);
    }
}
