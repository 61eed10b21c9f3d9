//! HTTP for machines.
//!
//! A handler reads, asks and spells: it builds submissions and commands, hands them to the
//! [`kit::Intake`], waits for the answers that come after the commit, and writes them down. It never
//! decides anything about a message.

mod access;
mod body;
mod caller;
mod desk;
mod directory;
mod federation;
mod files;
mod key;
mod omf;
mod openapi;
mod problem;
mod pull;
pub mod push;
mod query;
mod router;
mod serve;
mod services;
mod spell;
mod tls;
mod v1;

use std::{ops::Deref, sync::Arc};

use tokio::sync::Semaphore;

use crate::desk::Desk;

pub use access::{Access, PeerIp, Rate};
pub use directory::{Account, ChannelView, Directory, Messenger, Reach};
pub use federation::Federation;
pub use files::{
    FileEvent, FileLimits, FileRefusal, Files, FilesSettings, MediaRange, ShortLinks, Shown, Swept,
    UploadGuard, Verdict,
};
pub use key::{KeyHash, NotAKeyHash};
pub use problem::{FieldError, Problem, status_of};
pub use pull::{Page, Paging, Pull, PullError};
pub use router::{management, management_document, traffic, traffic_document};
pub use serve::serve;
pub use services::{
    ConnectionLimits, FindEvent, Finding, Limits, Listener, PageSource, Pages, RenderedPage, Seen, Services,
};
pub use tls::{Tls, TlsError, TlsFiles};

/// What every handler holds. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

/// See [`Api`].
pub struct Inner {
    services: Services,
    desk: Desk,
    /// Turns for bodies that hold many messages.
    batches: Semaphore,
}

/// A messenger with more than this unanswered gains nothing.
const CREDIT_EVENTS_MAX: usize = 500;

impl Api {
    /// Opens the session through which all calls get their answers.
    #[must_use]
    pub fn new(services: Services) -> Self {
        let desk = Desk::open(services.intake.clone());
        let batches = Semaphore::new(services.limits.batches_max);
        Self(Arc::new(Inner { services, desk, batches }))
    }
}

impl Deref for Api {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    /// Events and octets that a messenger may have unanswered.
    fn credit(&self) -> (usize, usize) {
        let limits = &self.services.limits;
        (limits.batch_messages_max.min(CREDIT_EVENTS_MAX), limits.batch_octets_max)
    }

    /// How many items a page may have.
    fn page_items(&self, wanted: Option<u32>, default: u32) -> Result<u32, Problem> {
        let max = u32::try_from(self.services.limits.page_items_max).unwrap_or(u32::MAX);
        match wanted {
            None => Ok(default.min(max)),
            Some(limit) if (1..=max).contains(&limit) => Ok(limit),
            Some(_) => Err(Problem::field("#/limit", format!("expected 1 to {max}"))),
        }
    }
}
