//! Who takes part in a group (RFC 4575): what a focus tells its subscribers, and what a subscriber makes of it.

mod read;
mod roster;
mod write;

pub use read::read;
pub use roster::{Roster, Update};

use crate::private::Private;

pub const NS: &str = "urn:ietf:params:xml:ns:conference-info";

/// Users of one document.
pub const USERS_MAX: usize = 1_000;
/// Endpoints of one user.
pub const ENDPOINTS_MAX: usize = 16;

/// How much an element says (RFC 4575 §4.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Extent {
    /// All there is: it replaces what was known.
    #[default]
    Full,
    /// Only what changed.
    Partial,
    /// It is no more.
    Deleted,
}

/// One notification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConferenceInfo {
    /// The conference URI.
    pub entity: Private<String>,
    pub extent: Extent,
    /// One higher with every notification of a subscription.
    pub version: u32,
    pub subject: Option<Private<String>>,
    pub maximum_users: Option<u32>,
    pub user_count: Option<u32>,
    pub active: Option<bool>,
    pub users: Vec<User>,
}

/// A member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    pub entity: Private<String>,
    pub extent: Extent,
    pub display: Option<Private<String>>,
    /// `chairman`, `participant` and so on.
    pub roles: Vec<String>,
    /// It is the subscriber. Marked by the focus, differently for each.
    pub own: bool,
    pub endpoints: Vec<Endpoint>,
}

/// A device of a member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    pub entity: Private<String>,
    pub extent: Extent,
    pub status: Option<Status>,
    pub joining: Option<Joining>,
    pub disconnection: Option<Disconnection>,
    /// A `Reason` header value: `SIP;cause=200;text="Call completed"`.
    pub reason: Option<String>,
}

/// RFC 4575 §5.7.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Pending,
    DialingOut,
    DialingIn,
    Alerting,
    OnHold,
    Connected,
    MutedViaFocus,
    Disconnecting,
    Disconnected,
}

/// RFC 4575 §5.7.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Joining {
    DialedIn,
    DialedOut,
    FocusOwner,
}

/// RFC 4575 §5.7.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disconnection {
    Departed,
    Booted,
    Failed,
    Busy,
}

/// What a status is called in the document.
trait Named: Sized + Copy + PartialEq + 'static {
    const NAMES: &'static [(&'static str, Self)];

    fn read(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, value)| value)
    }

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, value)| *value == self).map_or("", |&(name, _)| name)
    }
}

impl Named for Extent {
    const NAMES: &'static [(&'static str, Self)] =
        &[("full", Self::Full), ("partial", Self::Partial), ("deleted", Self::Deleted)];
}

impl Named for Status {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("pending", Self::Pending),
        ("dialing-out", Self::DialingOut),
        ("dialing-in", Self::DialingIn),
        ("alerting", Self::Alerting),
        ("on-hold", Self::OnHold),
        ("connected", Self::Connected),
        ("muted-via-focus", Self::MutedViaFocus),
        ("disconnecting", Self::Disconnecting),
        ("disconnected", Self::Disconnected),
    ];
}

impl Named for Joining {
    const NAMES: &'static [(&'static str, Self)] =
        &[("dialed-in", Self::DialedIn), ("dialed-out", Self::DialedOut), ("focus-owner", Self::FocusOwner)];
}

impl Named for Disconnection {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("departed", Self::Departed),
        ("booted", Self::Booted),
        ("failed", Self::Failed),
        ("busy", Self::Busy),
    ];
}

impl Status {
    /// In the session, or as good as.
    #[must_use]
    pub const fn is_connected(self) -> bool {
        matches!(self, Self::Connected | Self::OnHold | Self::MutedViaFocus)
    }

    /// Invited, and no answer yet.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Pending | Self::DialingOut | Self::DialingIn | Self::Alerting)
    }
}

impl User {
    /// Whether any device of the member is in the session.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.status.is_some_and(Status::is_connected))
    }
}
