//! Where somebody may call from, and how much a second.

use std::{
    fmt,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::Extensions;
use model::{Cause, Duration, Party, Refusal, Retry, Timestamp};

use crate::Problem;

/// The other end of the connection that a call came over; in the extensions of every request that
/// [`crate::serve`] passes on. What headers say about it is the caller's claim and counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerIp(pub IpAddr);

/// What an account or a messenger is held to. Clones share the rate.
#[derive(Clone)]
pub struct Access {
    /// Whether it may call from this address. Asked once for each call that names it.
    pub allowed: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Absent where it may send as much as it likes.
    pub rate: Option<Arc<Rate>>,
}

impl Access {
    /// From everywhere, without a limit.
    #[must_use]
    pub fn free() -> Self {
        Self { allowed: Arc::new(|_| true), rate: None }
    }

    /// Whether the call comes from where it may. One whose origin is unknown does not.
    pub(crate) fn admits(&self, call: &Extensions) -> bool {
        call.get::<PeerIp>().is_some_and(|PeerIp(ip)| (self.allowed)(*ip))
    }

    /// Refuses when not even one message would pass; takes nothing. For before a body is read.
    pub(crate) fn ready(&self, now: Timestamp) -> Result<(), Problem> {
        self.rate.as_ref().map_or(Ok(()), |rate| rate.ready(now).map_err(|wait| rate.exceeded(wait)))
    }

    /// Takes so many messages out of the rate: all or none.
    pub(crate) fn take(&self, now: Timestamp, messages: usize) -> Result<(), Problem> {
        self.rate.as_ref().map_or(Ok(()), |rate| rate.take(now, messages).map_err(|wait| rate.exceeded(wait)))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("rate", &self.rate).finish_non_exhaustive()
    }
}

/// So many messages a second, and a second's worth of them at once: a leaky bucket in whole numbers.
#[derive(Debug)]
pub struct Rate {
    per_second: NonZeroU32,
    level: Mutex<Level>,
}

/// How full the bucket is, as the time until it has run empty.
#[derive(Debug)]
struct Level {
    used_ns: u64,
    seen: Timestamp,
}

const SECOND_NS: u64 = 1_000_000_000;

impl Rate {
    #[must_use]
    pub fn new(per_second: NonZeroU32) -> Arc<Self> {
        let level = Mutex::new(Level { used_ns: 0, seen: Timestamp::from_micros(0) });
        Arc::new(Self { per_second, level })
    }

    #[must_use]
    pub const fn per_second(&self) -> NonZeroU32 {
        self.per_second
    }

    /// Takes so many messages, all or none; otherwise says how long to wait. More than a second's worth
    /// passes when nothing else was sent, and has to be waited out afterwards, so that large batches are
    /// possible and the rate holds in the long run.
    ///
    /// # Errors
    /// How long to wait before it is worth asking again.
    pub fn take(&self, now: Timestamp, messages: usize) -> Result<(), Duration> {
        let mut level = self.settled(now);
        let cost = self.cost(messages);
        self.fits(&level, cost)?;
        level.used_ns = level.used_ns.saturating_add(cost);
        Ok(())
    }

    /// Whether one message would pass now.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn ready(&self, now: Timestamp) -> Result<(), Duration> {
        self.fits(&self.settled(now), self.cost(1))
    }

    fn settled(&self, now: Timestamp) -> MutexGuard<'_, Level> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that stepped back empties nothing, and is not waited for either.
        let elapsed = u64::try_from(now.since(level.seen).as_nanos()).unwrap_or(u64::MAX);
        level.used_ns = level.used_ns.saturating_sub(elapsed);
        level.seen = now;
        level
    }

    fn cost(&self, messages: usize) -> u64 {
        let each = SECOND_NS / u64::from(self.per_second.get());
        each.saturating_mul(u64::try_from(messages).unwrap_or(u64::MAX))
    }

    fn fits(&self, level: &Level, cost: u64) -> Result<(), Duration> {
        // Not the whole second, which the price of one message may not divide.
        let burst = self.cost(usize::try_from(self.per_second.get()).unwrap_or(usize::MAX));
        match level.used_ns.saturating_add(cost.min(burst)).saturating_sub(burst) {
            0 => Ok(()),
            over => Err(Duration::from_nanos(over)),
        }
    }

    fn exceeded(&self, wait: Duration) -> Problem {
        let cause = Cause::Throttled;
        Problem::from(Refusal { by: Party::Gateway, cause, retry: Retry::After(wait), code: 0 })
            .detail(format!("at most {} messages a second are taken; none of these was", self.per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn rate(per_second: u32) -> Arc<Rate> {
        Rate::new(NonZeroU32::new(per_second).unwrap())
    }

    #[test]
    fn a_second_s_worth_passes_at_once_and_then_one_at_a_time() {
        for per_second in [1, 3, 7, 1_000, 1_000_000] {
            let rate = rate(per_second);
            for _ in 0..per_second {
                assert_eq!(rate.take(NOON, 1), Ok(()), "{per_second}");
            }
            let wait = rate.take(NOON, 1).unwrap_err();
            assert_eq!(rate.ready(NOON), Err(wait), "{per_second}");
            assert_eq!(wait.as_nanos(), u128::from(SECOND_NS / u64::from(per_second)), "{per_second}");
            let later = NOON + Duration::from_micros(wait.as_nanos().div_ceil(1_000).try_into().unwrap());
            assert_eq!(rate.ready(later), Ok(()), "{per_second}: looking takes nothing");
            assert_eq!(rate.take(later, 1), Ok(()), "{per_second}");
            assert!(rate.take(later, 1).is_err(), "{per_second}");
        }
    }

    #[test]
    fn more_than_a_second_s_worth_is_waited_out() {
        let rate = rate(10);
        assert_eq!(rate.take(NOON, 1), Ok(()));
        assert!(rate.take(NOON, 100).is_err(), "something was sent just now");
        let idle = NOON + Duration::from_millis(100);
        assert_eq!(rate.take(idle, 100), Ok(()));
        assert_eq!(rate.take(idle, 1), Err(Duration::from_millis(9_100)));
        assert_eq!(rate.take(idle + Duration::from_millis(9_100), 1), Ok(()));
    }

    #[test]
    fn a_refused_batch_takes_nothing() {
        let rate = rate(10);
        assert_eq!(rate.take(NOON, 5), Ok(()));
        for _ in 0..9 {
            assert_eq!(rate.take(NOON, 6), Err(Duration::from_millis(100)));
        }
        assert_eq!(rate.take(NOON, 5), Ok(()));
    }

    #[test]
    fn a_clock_that_steps_back_neither_helps_nor_harms() {
        let rate = rate(1);
        assert_eq!(rate.take(NOON, 1), Ok(()));
        let yesterday = NOON - Duration::from_secs(86_400);
        assert_eq!(rate.take(yesterday, 1), Err(Duration::from_secs(1)));
        assert_eq!(rate.take(yesterday + Duration::from_secs(1), 1), Ok(()));
    }
}
