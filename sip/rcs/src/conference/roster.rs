//! What a subscriber knows of a conference after some notifications (RFC 4575 §4.4 to §4.6).

use super::{ConferenceInfo, ENDPOINTS_MAX, Endpoint, Extent, USERS_MAX, User};
use crate::private::Private;

/// The state of one subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    state: ConferenceInfo,
    known: bool,
}

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    Applied,
    /// Older than what is known.
    Stale,
    /// Something was missed: the subscription is refreshed, which brings the full state.
    Gap,
    /// The conference is no more.
    Deleted,
}

impl Roster {
    /// What is known; empty before the first full state.
    #[must_use]
    pub const fn state(&self) -> &ConferenceInfo {
        &self.state
    }

    /// Takes one notification in.
    pub fn apply(&mut self, info: ConferenceInfo) -> Update {
        if self.known && info.version <= self.state.version {
            return Update::Stale;
        }
        match info.extent {
            Extent::Deleted => {
                *self = Self::default();
                Update::Deleted
            }
            Extent::Full => {
                self.state = info;
                self.known = true;
                Update::Applied
            }
            Extent::Partial if !self.known || info.version != self.state.version + 1 => Update::Gap,
            Extent::Partial => {
                self.merge(info);
                Update::Applied
            }
        }
    }

    fn merge(&mut self, info: ConferenceInfo) {
        let state = &mut self.state;
        state.version = info.version;
        take(&mut state.subject, info.subject);
        take(&mut state.maximum_users, info.maximum_users);
        take(&mut state.user_count, info.user_count);
        take(&mut state.active, info.active);
        for user in info.users {
            merge(&mut state.users, user, USERS_MAX);
        }
    }
}

fn take<T>(known: &mut Option<T>, told: Option<T>) {
    if told.is_some() {
        *known = told;
    }
}

/// Something with a key and an extent.
trait Part {
    fn entity(&self) -> &Private<String>;
    fn extent(&mut self) -> &mut Extent;
    fn merge(&mut self, told: Self);
}

impl Part for User {
    fn entity(&self) -> &Private<String> {
        &self.entity
    }

    fn extent(&mut self) -> &mut Extent {
        &mut self.extent
    }

    fn merge(&mut self, told: Self) {
        take(&mut self.display, told.display);
        if !told.roles.is_empty() {
            self.roles = told.roles;
        }
        self.own |= told.own;
        for endpoint in told.endpoints {
            merge(&mut self.endpoints, endpoint, ENDPOINTS_MAX);
        }
    }
}

impl Part for Endpoint {
    fn entity(&self) -> &Private<String> {
        &self.entity
    }

    fn extent(&mut self) -> &mut Extent {
        &mut self.extent
    }

    fn merge(&mut self, told: Self) {
        take(&mut self.status, told.status);
        take(&mut self.joining, told.joining);
        take(&mut self.disconnection, told.disconnection);
        take(&mut self.reason, told.reason);
    }
}

fn merge<T: Part>(known: &mut Vec<T>, mut told: T, max: usize) {
    let extent = std::mem::take(told.extent());
    let found = known.iter().position(|one| one.entity() == told.entity());
    match (extent, found) {
        (Extent::Deleted, Some(at)) => {
            known.remove(at);
        }
        (Extent::Deleted, None) => {}
        (Extent::Full, Some(at)) => known[at] = told,
        (Extent::Partial, Some(at)) => known[at].merge(told),
        // Over its limit nothing grows; the next full state is as large as its sender makes it, within the same limit.
        (_, None) if known.len() < max => known.push(told),
        (_, None) => {}
    }
}
