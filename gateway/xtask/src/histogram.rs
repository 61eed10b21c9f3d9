//! Counts of durations in buckets of 1/32 of a power of two: quantiles within 3 %, one array, no allocation.

use std::time::Duration;

const STEPS: u32 = 32;
const BUCKETS: usize = 64 * STEPS as usize;

pub(crate) struct Histogram {
    counts: Box<[u64]>,
    total: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; BUCKETS].into_boxed_slice(), total: 0 }
    }

    pub(crate) fn record(&mut self, value: Duration) {
        let nanos = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts.iter()).for_each(|(mine, theirs)| *mine += theirs);
        self.total += other.total;
    }

    /// The duration that a share of the values stays below, `0.99` for the 99th percentile.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let rank = (self.total as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(upper_edge(index));
            }
        }
        Duration::ZERO
    }
}

fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(u64::from(STEPS));
    let power = nanos.ilog2();
    let step = (nanos >> (power - STEPS.ilog2())) - u64::from(STEPS);
    power as usize * STEPS as usize + step as usize
}

fn upper_edge(index: usize) -> u64 {
    let power = (index / STEPS as usize) as u32;
    let step = (index % STEPS as usize) as u64 + 1;
    (1_u64 << power).saturating_add(step.saturating_mul(1 << power.saturating_sub(STEPS.ilog2())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_three_percent() {
        let mut histogram = Histogram::new();
        (1..=100_000).for_each(|micros| histogram.record(Duration::from_micros(micros)));
        for (share, micros) in [(0.5, 50_000.0), (0.99, 99_000.0), (0.999, 99_900.0)] {
            let got = histogram.quantile(share).as_secs_f64() * 1e6;
            assert!((got / micros - 1.0).abs() < 0.035, "{share}: {got} against {micros}");
        }
        assert_eq!(Histogram::new().quantile(0.5), Duration::ZERO);
    }
}
