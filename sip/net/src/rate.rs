//! How much one source may ask: a token bucket each, within bounds.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use hashbrown::HashMap;

/// Requests one source may send. Responses are never limited: we asked for them.
#[derive(Clone)]
pub struct SourceRate {
    pub requests_per_s: u32,
    /// Requests at once after a silence. As many again are answered 503 before the rest is dropped.
    pub burst: u32,
    /// Sources without a limit: the proxies that speak for many.
    pub exempt: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

impl fmt::Debug for SourceRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceRate")
            .field("requests_per_s", &self.requests_per_s)
            .field("burst", &self.burst)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    /// To be told 503.
    Refuse,
    /// Told often enough.
    Drop,
}

/// Sources looked after; strangers beyond share one bucket.
const SOURCES_MAX: usize = 65_536;
const SWEEP_EVERY_US: i64 = 1_000_000;
const TOKEN: i64 = 1_000_000;

#[derive(Debug, Default)]
pub(crate) struct Sources {
    buckets: HashMap<IpAddr, Bucket>,
    /// Of those that found no room.
    strangers: Bucket,
    /// Quiet sources are looked for only now and then: strangers that never end must not cost more each.
    sweep_at_us: i64,
}

/// A token is a million: one second at one request per second.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    tokens: i64,
    at_us: i64,
}

impl Sources {
    /// Of one request.
    pub(crate) fn judge(&mut self, now_us: i64, source: IpAddr, rate: &SourceRate) -> Verdict {
        if (rate.exempt)(source) {
            return Verdict::Pass;
        }
        let source = one_party(source);
        if self.buckets.len() >= SOURCES_MAX && now_us >= self.sweep_at_us {
            self.buckets.retain(|_, bucket| !bucket.is_full(now_us, rate));
            self.sweep_at_us = now_us.saturating_add(SWEEP_EVERY_US);
        }
        if self.buckets.len() >= SOURCES_MAX && !self.buckets.contains_key(&source) {
            return self.strangers.take(now_us, rate);
        }
        let full = Bucket { tokens: i64::from(rate.burst) * TOKEN, at_us: now_us };
        self.buckets.entry(source).or_insert(full).take(now_us, rate)
    }
}

impl Bucket {
    fn refilled(self, now_us: i64, rate: &SourceRate) -> i64 {
        let elapsed = now_us.saturating_sub(self.at_us).max(0);
        let gained = elapsed.saturating_mul(i64::from(rate.requests_per_s));
        self.tokens.saturating_add(gained).min(i64::from(rate.burst) * TOKEN)
    }

    fn is_full(self, now_us: i64, rate: &SourceRate) -> bool {
        self.refilled(now_us, rate) >= i64::from(rate.burst) * TOKEN
    }

    fn take(&mut self, now_us: i64, rate: &SourceRate) -> Verdict {
        let tokens = self.refilled(now_us, rate);
        let (tokens, verdict) = if tokens >= TOKEN {
            (tokens - TOKEN, Verdict::Pass)
        } else if tokens > -i64::from(rate.burst) * TOKEN {
            (tokens - TOKEN, Verdict::Refuse)
        } else {
            (tokens, Verdict::Drop)
        };
        *self = Self { tokens, at_us: now_us.max(self.at_us) };
        verdict
    }
}

/// Whoever has an IPv6 address has 2⁶⁴ of them.
fn one_party(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(requests_per_s: u32, burst: u32) -> SourceRate {
        SourceRate { requests_per_s, burst, exempt: Arc::new(|ip| ip.is_loopback()) }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn s15_6_a_flood_is_told_503_for_a_while_and_then_nothing() {
        let (mut sources, rate) = (Sources::default(), rate(2, 3));
        let said: Vec<_> = (0..9).map(|_| sources.judge(0, ip("192.0.2.1"), &rate)).collect();
        let expected = [[Verdict::Pass; 3], [Verdict::Refuse; 3], [Verdict::Drop; 3]].concat();
        assert_eq!(said, expected);
        assert_eq!(sources.judge(0, ip("192.0.2.2"), &rate), Verdict::Pass, "the neighbour is not concerned");
        // Silence makes good again: from minus three to one takes two seconds at two a second.
        assert_eq!(sources.judge(1_900_000, ip("192.0.2.1"), &rate), Verdict::Refuse);
        assert_eq!(sources.judge(5_000_000, ip("192.0.2.1"), &rate), Verdict::Pass);
    }

    #[test]
    fn the_agreed_rate_passes_for_ever() {
        let (mut sources, rate) = (Sources::default(), rate(100, 1));
        for n in 0..10_000 {
            assert_eq!(sources.judge(n * 10_000, ip("192.0.2.1"), &rate), Verdict::Pass);
        }
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing_away_and_takes_nothing() {
        let (mut sources, rate) = (Sources::default(), rate(1, 1));
        assert_eq!(sources.judge(10_000_000, ip("192.0.2.1"), &rate), Verdict::Pass);
        assert_eq!(sources.judge(0, ip("192.0.2.1"), &rate), Verdict::Refuse);
        assert_eq!(sources.judge(i64::MAX, ip("192.0.2.1"), &rate), Verdict::Pass);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_party() {
        let (mut sources, rate) = (Sources::default(), rate(1, 1));
        assert_eq!(sources.judge(0, ip("2001:db8::1"), &rate), Verdict::Pass);
        assert_eq!(sources.judge(0, ip("2001:db8::ffff:1"), &rate), Verdict::Refuse);
        assert_eq!(sources.judge(0, ip("2001:db8:0:1::1"), &rate), Verdict::Pass);
    }

    #[test]
    fn proxies_are_exempt() {
        let (mut sources, rate) = (Sources::default(), rate(0, 0));
        assert_eq!(sources.judge(0, ip("127.0.0.1"), &rate), Verdict::Pass);
        assert_eq!(sources.judge(0, ip("192.0.2.1"), &rate), Verdict::Drop);
    }

    #[test]
    fn i8_sources_are_bounded_and_forgotten_when_they_are_quiet() {
        let (mut sources, rate) = (Sources::default(), rate(1, 1));
        let source = |n: u32| IpAddr::from(n.to_be_bytes());
        for n in 0..70_000 {
            sources.judge(0, source(n), &rate);
            assert!(sources.buckets.len() <= SOURCES_MAX);
        }
        assert_eq!(sources.judge(0, source(80_000), &rate), Verdict::Drop, "strangers share one bucket");
        assert_eq!(sources.judge(2_000_000, source(80_000), &rate), Verdict::Pass);
        assert_eq!(sources.buckets.len(), 1);
    }
}
