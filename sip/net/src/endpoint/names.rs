//! Destinations become servers, beside the path of messages.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use super::Endpoint;
use crate::{
    inbox::Event,
    resolve::{Candidates, Destination, Unresolved},
};

/// Who waits for which destination.
pub(super) type Resolving = Mutex<HashMap<Destination, Vec<u64>>>;

impl Endpoint {
    /// The servers of a destination: at once when nothing has to be asked for it, otherwise later as
    /// [`Event::Resolved`] with that token. `random` decides between equal servers.
    pub fn resolve(
        &self,
        destination: &Destination,
        random: u64,
        token: u64,
    ) -> Option<Result<Candidates, Unresolved>> {
        if let Some(known) = self.resolver.known(destination, random) {
            return Some(known);
        }
        let mut resolving = lock(&self.resolving);
        // Too many already: names that nobody answers for do not pile up.
        let settings = &self.shared.settings;
        let full = resolving.len() >= settings.resolving_max;
        match resolving.get_mut(destination) {
            Some(waiting) if waiting.len() >= settings.resolving_tokens_max => {
                return Some(Err(Unresolved::NoAnswer));
            }
            // Whoever asks while the question is out gets the same answer.
            Some(waiting) => waiting.push(token),
            None if full => return Some(Err(Unresolved::NoAnswer)),
            None => {
                resolving.insert(destination.clone(), vec![token]);
                drop(resolving);
                self.ask(destination.clone(), random);
            }
        }
        None
    }

    fn ask(&self, destination: Destination, random: u64) {
        let (resolver, resolving, shared) =
            (self.resolver.clone(), self.resolving.clone(), self.shared.clone());
        self.shared.spawn(async move {
            let found = resolver.resolve(&destination, random);
            let servers = shared.stop.run_until_cancelled(found).await.unwrap_or(Err(Unresolved::NoAnswer));
            let waiting = lock(&resolving).remove(&destination).unwrap_or_default();
            shared.feed.tell_all(
                waiting.into_iter().map(|token| Event::Resolved { token, servers: servers.clone() }),
            );
        });
    }
}

fn lock(resolving: &Resolving) -> MutexGuard<'_, HashMap<Destination, Vec<u64>>> {
    resolving.lock().unwrap_or_else(PoisonError::into_inner)
}
