//! How fast the whole channel sends: the agreed rate, and what the SMSC says about it (SMS sheet §1.9).

use crate::pace::{Pace, PaceOptions, Wait};

/// Without an agreement, an SMSC that complains is taken to bear what it took in the last second, and
/// never less than this.
const GUESS_MIN: u32 = 10;
/// A guess that has doubled up to this is none any more.
const GUESS_MAX: u32 = 1_000_000;
const SECOND_US: i64 = 1_000_000;

/// The pace of a channel, shared by its binds.
#[derive(Debug)]
pub(super) struct Rate {
    /// Segments per second; 0 without an agreement.
    agreed: u32,
    /// What the pace climbs to when nothing was agreed.
    guess: u32,
    pace: Option<Pace>,
    second_us: i64,
    taken: u32,
    taken_before: u32,
}

impl Rate {
    pub(super) fn new(agreed: u32, now_us: i64) -> Self {
        let pace = (agreed > 0).then(|| pace(agreed, now_us));
        Self { agreed, guess: 0, pace, second_us: now_us, taken: 0, taken_before: 0 }
    }

    /// False while everything may be sent at once.
    pub(super) const fn limits(&self) -> bool {
        self.pace.is_some()
    }

    pub(super) fn set(&mut self, agreed: u32, now_us: i64) {
        if agreed == self.agreed {
            return;
        }
        match &mut self.pace {
            Some(pace) if agreed > 0 => pace.set_agreed(now_us, agreed),
            _ => self.pace = (agreed > 0).then(|| pace(agreed, now_us)),
        }
        self.agreed = agreed;
    }

    /// Lets a message of so many segments through.
    pub(super) fn take(&mut self, segments: u32, now_us: i64) -> Result<(), Wait> {
        self.pace.as_mut().map_or(Ok(()), |pace| pace.take(now_us, segments))
    }

    /// What one batch of answers said: segments taken, whether some were throttled, and the load that
    /// the SMSC last reported.
    pub(super) fn heard(&mut self, taken: u32, throttled: bool, congestion: Option<u8>, now_us: i64) {
        if now_us - self.second_us >= SECOND_US {
            self.taken_before = if now_us - self.second_us < 2 * SECOND_US { self.taken } else { 0 };
            self.taken = 0;
            self.second_us = now_us;
            self.raise(now_us);
        }
        self.taken = self.taken.saturating_add(taken);
        let throttled = throttled || congestion.is_some_and(|load| load >= 95);
        match &mut self.pace {
            Some(pace) if throttled => pace.slow_down(now_us),
            Some(pace) => {
                if let Some(load) = congestion {
                    pace.congestion(now_us, load);
                }
            }
            None if throttled => self.guess(now_us),
            None => {}
        }
    }

    fn guess(&mut self, now_us: i64) {
        let bears = self.taken.max(self.taken_before).max(GUESS_MIN);
        self.guess = bears.saturating_mul(2);
        let mut guessed = pace(self.guess, now_us);
        guessed.slow_down(now_us);
        // It has just had more than it can take: begin with nothing saved up.
        let _full = guessed.take(now_us, burst(self.guess));
        self.pace = Some(guessed);
    }

    /// A guess that proves too low rises, once a second, until there is no limit again.
    fn raise(&mut self, now_us: i64) {
        let Some(pace) = &mut self.pace else { return };
        if self.agreed > 0 || pace.rate_milli() < u64::from(self.guess) * 1_000 {
            return;
        }
        self.guess = self.guess.saturating_mul(2);
        if self.guess > GUESS_MAX {
            self.pace = None;
        } else {
            pace.set_agreed(now_us, self.guess);
        }
    }
}

fn pace(rate: u32, now_us: i64) -> Pace {
    Pace::new(rate, burst(rate), now_us, PaceOptions::default())
}

/// A tenth of a second: enough for the grain of timers, and no more than an SMSC that counts by the second
/// bears. A message with more segments than that passes whole all the same, on credit (see
/// [`Bucket::take`](crate::pace::Bucket::take)).
fn burst(rate: u32) -> u32 {
    (rate / 10).max(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_agreed_is_no_limit_until_the_smsc_complains() {
        let mut rate = Rate::new(0, 0);
        assert!(!rate.limits());
        rate.heard(300, false, None, 100);
        rate.heard(0, true, None, 200);
        assert!(rate.limits());
        let wait = rate.take(1, 200).expect_err("nothing is saved up");
        assert!((3_000..=3_400).contains(&wait.us), "300 a second: {wait:?}");
    }

    #[test]
    fn a_guess_that_was_too_low_goes_away() {
        let mut rate = Rate::new(0, 0);
        rate.heard(0, true, None, 0);
        for second in 1..60 {
            let _wait = rate.take(1, second * SECOND_US);
            rate.heard(1, false, None, second * SECOND_US);
        }
        assert!(!rate.limits());
    }

    #[test]
    fn a_load_of_ninety_five_is_a_complaint() {
        let mut rate = Rate::new(100, 0);
        rate.take(10, 0).expect("the burst");
        rate.heard(0, false, Some(95), 0);
        assert_eq!(rate.take(1, 0), Err(Wait { us: 20_000 }));
    }

    #[test]
    fn a_reload_ends_or_changes_the_limit() {
        let mut rate = Rate::new(100, 0);
        rate.set(0, 0);
        assert!(!rate.limits());
        rate.set(1, 0);
        rate.take(10, 0).expect("the burst");
        assert_eq!(rate.take(1, 0), Err(Wait { us: SECOND_US }));
    }
}
