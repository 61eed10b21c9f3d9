//! One writer for each file, and for what is noted of a transaction. Who comes later takes over: the connection of the
//! one before may be dead without our knowing, and its device is here again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use smol_str::SmolStr;
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

/// See the module. As many entries as there are writers and those who wait for them.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<SmolStr, Slot>>);

struct Slot {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Of the newest of those who want it.
    stop: CancellationToken,
    wanted_by: usize,
}

/// The right to write, until it is dropped.
pub(super) struct Turn {
    turns: Arc<Turns>,
    name: SmolStr,
    /// Somebody else wants it.
    pub(super) stop: CancellationToken,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Asks whoever writes what has this name to stop, and waits until that is done.
    pub(super) async fn take(self: &Arc<Self>, name: &str) -> Turn {
        let name = SmolStr::new(name);
        let stop = CancellationToken::new();
        let turn = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = slots.entry(name.clone()).or_insert_with(|| Slot {
                turn: Arc::default(),
                stop: stop.clone(),
                wanted_by: 0,
            });
            if slot.wanted_by > 0 {
                slot.stop.cancel();
            }
            slot.stop = stop.clone();
            slot.wanted_by += 1;
            slot.turn.clone()
        };
        // From here on dropping it takes the wish back, also while waiting.
        let mut taken = Turn { turns: self.clone(), name, stop, _turn: None };
        taken._turn = Some(turn.lock_owned().await);
        taken
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut slots = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get_mut(&self.name) {
            slot.wanted_by -= 1;
            if slot.wanted_by == 0 {
                slots.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_later_one_takes_over_and_nothing_stays_behind() {
        let turns = Arc::<Turns>::default();
        let first = turns.take("a").await;
        assert!(!first.stop.is_cancelled());
        let waiting = tokio::spawn({
            let turns = turns.clone();
            async move { turns.take("a").await }
        });
        first.stop.cancelled().await;
        assert!(!waiting.is_finished(), "the first one is still writing");
        drop(first);
        let second = waiting.await.unwrap();
        assert!(!second.stop.is_cancelled());
        let other = turns.take("b").await;
        assert!(!second.stop.is_cancelled(), "another file is nobody's business");
        drop((second, other));
        assert!(turns.0.lock().unwrap().is_empty());
    }
}
