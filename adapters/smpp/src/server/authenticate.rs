//! Who may bind (SMPP 3.4 §4.1), and how those who may not are kept slow.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use model::Timestamp;

/// Failed binds from one address within a minute before its connections are closed unanswered.
const FAILURES_MAX: u32 = 10;
/// Addresses remembered; an attacker with more of them forgets the oldest.
const ADDRESSES_MAX: usize = 10_000;

/// Counts failed binds by source address.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<IpAddr, (i64, u32)>>);

impl Failures {
    pub(super) fn count(&self, from: IpAddr, now: Timestamp) {
        let minute = now.secs() / 60;
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= ADDRESSES_MAX {
            counts.retain(|_, (at, _)| *at == minute);
        }
        if counts.len() < ADDRESSES_MAX {
            let entry = counts.entry(from).or_insert((minute, 0));
            *entry = if entry.0 == minute { (minute, entry.1 + 1) } else { (minute, 1) };
        }
    }

    pub(super) fn is_barred(&self, from: IpAddr, now: Timestamp) -> bool {
        let minute = now.secs() / 60;
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&from).is_some_and(|(at, count)| *at == minute && *count >= FAILURES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_keeps_guessing_is_barred_for_the_minute() {
        let failures = Failures::default();
        let from = IpAddr::from([127, 0, 0, 1]);
        let at = Timestamp::from_secs(60_000);
        for _ in 0..FAILURES_MAX {
            assert!(!failures.is_barred(from, at));
            failures.count(from, at);
        }
        assert!(failures.is_barred(from, at));
        assert!(!failures.is_barred(from, Timestamp::from_secs(60_060)));
        assert!(!failures.is_barred(IpAddr::from([127, 0, 0, 2]), at));
    }
}
