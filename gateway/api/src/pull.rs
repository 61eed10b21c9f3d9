//! The waiting room of a messenger that fetches instead of being called (messengers sheet §8.5).

use std::{future::Future, pin::Pin};

use bytes::Bytes;
use model::Duration;

/// Boxed once per call, so that the trait stays usable as an object.
pub type Paging<'a> = Pin<Box<dyn Future<Output = Result<Page, PullError>> + Send + 'a>>;

/// What one messenger's outgoing driver offers to a peer that pulls.
pub trait Pull: Send + Sync {
    /// The events after `cursor` (none: from the oldest not acknowledged), at most `limit`. While there are
    /// none it waits, at most for `wait`.
    fn page<'a>(&'a self, cursor: Option<&'a str>, limit: usize, wait: Duration) -> Paging<'a>;

    /// Everything up to `cursor` has arrived at the peer and may be dropped here.
    ///
    /// # Errors
    /// When the cursor was never given out.
    fn ack(&self, cursor: &str) -> Result<(), PullError>;

    /// The peer says something of the message with this id, and so it has it, acknowledged or not. Nothing happens to
    /// messages that were not on a page.
    fn arrived(&self, message: &str);
}

/// Some events, spelled by the messenger's adapter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Each one a complete JSON value.
    pub events: Vec<Bytes>,
    /// Asks for what comes after these.
    pub next: String,
}

/// Why a page cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PullError {
    #[error("the cursor is not one that was given out")]
    BadCursor,
    #[error("this messenger is configured for push")]
    NotOffered,
    #[error("the gateway is shutting down")]
    Closed,
}
