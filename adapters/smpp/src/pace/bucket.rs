//! A token bucket in whole numbers.

/// One segment in the bucket's own unit.
const SEGMENT: i64 = 1_000_000_000;

/// A token bucket that counts segments.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    /// Thousandths of a segment per second.
    rate_milli: u64,
    /// What the bucket holds when full, in billionths of a segment.
    burst: i64,
    /// What it holds; below zero after a message longer than the burst.
    tokens: i64,
    filled_us: i64,
}

/// Not now: this long at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Microseconds until it is worth asking again.
    pub us: i64,
}

impl Bucket {
    /// A full bucket of `burst` segments that fills with `rate_milli` thousandths of a segment per
    /// second. A rate of 0 never lets anything through; a burst is at least one segment.
    pub fn new(rate_milli: u64, burst: u32, now_us: i64) -> Self {
        let burst = i64::from(burst.max(1)) * SEGMENT;
        Self { rate_milli, burst, tokens: burst, filled_us: now_us }
    }

    /// Lets `segments` through, all or none. A message longer than the burst passes when the bucket
    /// is full and leaves a debt, so that the rate is kept in the long run.
    #[inline]
    pub fn take(&mut self, now_us: i64, segments: u32) -> Result<(), Wait> {
        self.fill(now_us);
        let cost = i64::from(segments) * SEGMENT;
        let missing = cost.min(self.burst) - self.tokens;
        if missing > 0 {
            return Err(Wait { us: self.time_for(missing) });
        }
        self.tokens -= cost;
        Ok(())
    }

    /// Puts back what was taken for a message that did not go out.
    pub fn give_back(&mut self, segments: u32) {
        self.tokens = self.tokens.saturating_add(i64::from(segments) * SEGMENT).min(self.burst);
    }

    /// Thousandths of a segment per second.
    pub const fn rate_milli(&self) -> u64 {
        self.rate_milli
    }

    /// Changes the rate from now on.
    pub fn set_rate(&mut self, now_us: i64, rate_milli: u64) {
        self.fill(now_us);
        self.rate_milli = rate_milli;
    }

    /// Changes the rate, which is taken to have risen evenly since the last look.
    pub(super) fn set_rate_average(&mut self, now_us: i64, before_milli: u64, after_milli: u64) {
        self.rate_milli = before_milli.midpoint(after_milli);
        self.fill(now_us);
        self.rate_milli = after_milli;
    }

    #[inline]
    fn fill(&mut self, now_us: i64) {
        // A clock that stepped back fills nothing, and is not waited for either.
        let elapsed = now_us.saturating_sub(self.filled_us).max(0).unsigned_abs();
        self.filled_us = now_us;
        let gained = i64::try_from(u128::from(elapsed) * u128::from(self.rate_milli)).unwrap_or(i64::MAX);
        self.tokens = self.tokens.saturating_add(gained).min(self.burst);
    }

    fn time_for(&self, tokens: i64) -> i64 {
        match tokens.unsigned_abs().checked_add(self.rate_milli.saturating_sub(1)) {
            Some(tokens) if self.rate_milli > 0 => {
                i64::try_from(tokens / self.rate_milli).unwrap_or(i64::MAX)
            }
            _ => i64::MAX,
        }
    }
}
