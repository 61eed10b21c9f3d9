//! A rate that is halved when the peer complains and climbs back (fault F30; SMPP 5.0 §4.8.4.18).

use super::{Bucket, Wait};

/// What a [`Pace`] may be told apart from the agreed rate.
#[derive(Debug, Clone, Copy)]
pub struct PaceOptions {
    /// Never slower than this many thousandths of a segment per second.
    pub floor_milli: u64,
    /// After a halving, complaints are taken to be about requests sent before it for this long.
    pub deaf_us: i64,
    /// How long a report of optimum load keeps the rate where it is.
    pub hold_us: i64,
}

impl Default for PaceOptions {
    fn default() -> Self {
        Self { floor_milli: 1_000, deaf_us: 1_000_000, hold_us: 1_000_000 }
    }
}

/// The pace of one bind.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    bucket: Bucket,
    agreed_milli: u64,
    options: PaceOptions,
    climbed_us: i64,
    deaf_until_us: i64,
    hold_until_us: i64,
}

impl Pace {
    /// `rate` segments per second as agreed, and the longest message in segments as the burst.
    pub fn new(rate: u32, burst: u32, now_us: i64, options: PaceOptions) -> Self {
        let agreed_milli = u64::from(rate) * 1_000;
        Self {
            bucket: Bucket::new(agreed_milli, burst, now_us),
            agreed_milli,
            options: PaceOptions { floor_milli: options.floor_milli.min(agreed_milli), ..options },
            climbed_us: now_us,
            deaf_until_us: i64::MIN,
            hold_until_us: i64::MIN,
        }
    }

    /// Lets a message of `segments` through, or says how long to wait.
    #[inline]
    pub fn take(&mut self, now_us: i64, segments: u32) -> Result<(), Wait> {
        if self.bucket.rate_milli() < self.agreed_milli {
            self.climb(now_us);
        }
        self.bucket.take(now_us, segments)
    }

    /// Puts back what was taken for a message that did not go out.
    pub fn give_back(&mut self, segments: u32) {
        self.bucket.give_back(segments);
    }

    /// The peer answered `ESME_RTHROTTLED` or `ESME_RMSGQFUL`. Half the rate: once, however many of
    /// the requests already under way are refused too.
    pub fn slow_down(&mut self, now_us: i64) {
        if now_us < self.deaf_until_us {
            return;
        }
        self.climb(now_us);
        let halved = (self.bucket.rate_milli() / 2).max(self.options.floor_milli);
        self.bucket.set_rate(now_us, halved);
        self.climbed_us = now_us;
        self.deaf_until_us = now_us.saturating_add(self.options.deaf_us);
    }

    /// The peer reported its `congestion_state`: 80–94 is where it wants to be.
    pub fn congestion(&mut self, now_us: i64, state: u8) {
        match state {
            0..=79 => self.hold_until_us = i64::MIN,
            80..=94 => {
                self.climb(now_us);
                self.hold_until_us = now_us.saturating_add(self.options.hold_us);
            }
            95.. => self.slow_down(now_us),
        }
    }

    /// Another agreed rate, after a reload. A bind that was slowed climbs from where it is.
    pub fn set_agreed(&mut self, now_us: i64, rate: u32) {
        self.climb(now_us);
        let whole = self.bucket.rate_milli() >= self.agreed_milli;
        self.agreed_milli = u64::from(rate) * 1_000;
        let now = if whole { self.agreed_milli } else { self.bucket.rate_milli().min(self.agreed_milli) };
        self.bucket.set_rate(now_us, now);
    }

    /// What is let through just now, in thousandths of a segment per second.
    pub const fn rate_milli(&self) -> u64 {
        self.bucket.rate_milli()
    }

    /// A tenth of the agreed rate for each second since the last look.
    fn climb(&mut self, now_us: i64) {
        let from_us = self.climbed_us.max(self.hold_until_us.min(now_us));
        let elapsed = now_us.saturating_sub(from_us).max(0).unsigned_abs();
        let gained = u128::from(self.agreed_milli) * u128::from(elapsed) / 10_000_000;
        let gained = u64::try_from(gained).unwrap_or(u64::MAX);
        if gained == 0 {
            // The remainder of the division is not lost: the clock stays where it was.
            self.climbed_us = self.climbed_us.max(from_us);
            return;
        }
        self.climbed_us = now_us;
        let before = self.bucket.rate_milli();
        let after = before.saturating_add(gained).min(self.agreed_milli);
        // The bucket filled at a rate that rose from one to the other.
        self.bucket.set_rate_average(now_us, before, after);
    }
}
