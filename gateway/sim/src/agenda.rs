//! What will happen when, in virtual time.

use std::collections::BTreeMap;

use model::Timestamp;

/// Events by time; those of one instant in the order they were entered.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    events: BTreeMap<(Timestamp, u64), T>,
    entered: u64,
}

impl<T> Agenda<T> {
    pub(crate) const fn new() -> Self {
        Self { events: BTreeMap::new(), entered: 0 }
    }

    pub(crate) fn enter(&mut self, at: Timestamp, event: T) {
        self.entered += 1;
        self.events.insert((at, self.entered), event);
    }

    pub(crate) fn next(&mut self) -> Option<(Timestamp, T)> {
        self.events.pop_first().map(|((at, _), event)| (at, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_then_in_order() {
        let mut agenda = Agenda::new();
        for (at, name) in [(2, "c"), (1, "a"), (2, "d"), (1, "b")] {
            agenda.enter(Timestamp::from_secs(at), name);
        }
        let order: Vec<&str> = std::iter::from_fn(|| agenda.next()).map(|(_, name)| name).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }
}
