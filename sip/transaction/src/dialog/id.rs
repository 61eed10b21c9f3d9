//! Names of dialogs, and finding them.

use hashbrown::HashMap;
use sip_message::{Request, Response};
use smol_str::SmolStr;

use crate::hash::Seed;

/// Call-ID and both tags, seen from our side (RFC 3261 §12).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogId {
    call_id: SmolStr,
    local_tag: SmolStr,
    remote_tag: SmolStr,
}

impl DialogId {
    /// Of its parts.
    #[must_use]
    pub fn new(call_id: &str, local_tag: &str, remote_tag: &str) -> Self {
        Self { call_id: call_id.into(), local_tag: local_tag.into(), remote_tag: remote_tag.into() }
    }

    /// That a request of theirs belongs to; `None` outside any dialog.
    #[must_use]
    pub fn of_request(request: &Request) -> Option<Self> {
        Some(Self::new(request.call_id(), request.to_tag()?, request.from_tag()?))
    }

    /// That an answer to a request of ours belongs to; `None` without a tag.
    #[must_use]
    pub fn of_response(response: &Response) -> Option<Self> {
        Some(Self::new(response.call_id(), response.from_tag()?, response.to_tag()?))
    }

    /// Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// The tag we gave.
    #[must_use]
    pub fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// The tag the peer gave.
    #[must_use]
    pub fn remote_tag(&self) -> &str {
        &self.remote_tag
    }
}

impl std::fmt::Debug for DialogId {
    /// A Call-ID may hold a host or a name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DialogId({} octets, {})", self.call_id.len(), self.local_tag)
    }
}

/// There are as many dialogs as there may be: 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room for another dialog")]
pub struct NoRoom;

/// Whatever is kept for each dialog, by its name.
#[derive(Debug)]
pub struct Dialogs<T> {
    by_id: HashMap<DialogId, T, Seed>,
    max: usize,
}

impl<T> Dialogs<T> {
    /// For at most `max` dialogs.
    #[must_use]
    pub const fn new(max: usize, seed: Seed) -> Self {
        Self { by_id: HashMap::with_hasher(seed), max }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Adds one, or replaces what was kept for it.
    ///
    /// # Errors
    /// [`NoRoom`] when the limit is reached.
    pub fn insert(&mut self, id: DialogId, thing: T) -> Result<Option<T>, NoRoom> {
        if self.by_id.len() >= self.max && !self.by_id.contains_key(&id) {
            return Err(NoRoom);
        }
        Ok(self.by_id.insert(id, thing))
    }

    /// The one of that name.
    #[must_use]
    pub fn get(&self, id: &DialogId) -> Option<&T> {
        self.by_id.get(id)
    }

    /// The one of that name.
    pub fn get_mut(&mut self, id: &DialogId) -> Option<&mut T> {
        self.by_id.get_mut(id)
    }

    /// The one a request of theirs belongs to. `None` for one that names a dialog we do not know: 481, unless it is
    /// an ACK, which is never answered (RFC 3261 §12.2.2).
    pub fn of_request(&mut self, request: &Request) -> Option<&mut T> {
        self.by_id.get_mut(&DialogId::of_request(request)?)
    }

    /// Forgets one.
    pub fn remove(&mut self, id: &DialogId) -> Option<T> {
        self.by_id.remove(id)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&DialogId, &T)> {
        self.by_id.iter()
    }
}
