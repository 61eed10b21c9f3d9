//! How many uploads at once, and how many of one user in a minute.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use model::Timestamp;

use super::card::Owner;

/// Users counted in one minute; more are told to come back.
const USERS_MAX: usize = 100_000;

#[derive(Default)]
pub(super) struct Pace {
    under_way: AtomicUsize,
    minute: Mutex<Minute>,
}

#[derive(Default)]
struct Minute {
    number: i64,
    uploads: HashMap<Owner, u32>,
}

/// One of the uploads under way.
pub(super) struct Place(Arc<Pace>);

impl Pace {
    /// A place for an upload, if there is one.
    pub(super) fn place(self: &Arc<Self>, uploads_max: usize) -> Option<Place> {
        let add = |under_way: usize| (under_way < uploads_max).then_some(under_way + 1);
        self.under_way.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        Some(Place(self.clone()))
    }

    /// Counts an upload; otherwise says after how many seconds the next one may come.
    pub(super) fn count(&self, now: Timestamp, owner: &Owner, per_minute_max: u32) -> Result<(), u64> {
        let number = now.secs().div_euclid(60);
        let wait = 60 - u64::try_from(now.secs().rem_euclid(60)).unwrap_or_default();
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.number != number {
            *minute = Minute { number, uploads: HashMap::new() };
        }
        if minute.uploads.len() >= USERS_MAX && !minute.uploads.contains_key(owner) {
            return Err(wait);
        }
        let uploads = minute.uploads.entry(owner.clone()).or_default();
        if *uploads >= per_minute_max {
            return Err(wait);
        }
        *uploads += 1;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_so_many_in_a_minute() {
        let pace = Pace::default();
        let (one, other) = (Owner::user("1"), Owner::user("2"));
        let at = |secs: i64| Timestamp::from_secs(1_800_000_000 + secs);
        assert_eq!(pace.count(at(0), &one, 2), Ok(()));
        assert_eq!(pace.count(at(10), &one, 2), Ok(()));
        assert_eq!(pace.count(at(20), &one, 2), Err(40));
        assert_eq!(pace.count(at(20), &other, 2), Ok(()));
        assert_eq!(pace.count(at(60), &one, 2), Ok(()));
    }

    #[test]
    fn a_place_is_given_back() {
        let pace = Arc::<Pace>::default();
        let first = pace.place(1);
        assert!(first.is_some() && pace.place(1).is_none());
        drop(first);
        assert!(pace.place(1).is_some());
    }
}
