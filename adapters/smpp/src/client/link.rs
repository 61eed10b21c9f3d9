//! One connection to the SMSC: what its two halves and the channel share.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
    },
};

use bytes::BytesMut;
use kit::Session;
use model::{Answer, Outgoing};
use tokio::sync::{Notify, mpsc::UnboundedSender};
use tokio_util::sync::CancellationToken;

use super::flights::{Flights, Queued};
use crate::Version;

/// What the writer is given to do.
pub(super) enum Post {
    /// From the engine.
    Submit(Vec<Outgoing>),
    /// From the gateway, after the commit: answers to what the SMSC delivered.
    Answers(Vec<(u64, Answer)>),
    /// Octets that the reader has made: the bind, refusals, `enquire_link_resp`.
    Octets(BytesMut),
    /// The SMSC was too busy for these.
    Again(Vec<Queued>),
    /// Room in the window again, or another rate.
    Go,
    /// Ask whether the peer is there.
    Enquire,
    /// Hand back what was not written, and take no more.
    Halt,
    /// We end the session.
    Unbind,
    /// Write what there is, then close.
    Close,
}

/// See the module.
pub(super) struct Link {
    pub(super) posts: UnboundedSender<Post>,
    pub(super) flights: Mutex<Flights>,
    version: AtomicU8,
    /// Hand-overs of the engine without an outcome.
    pub(super) held: AtomicUsize,
    /// Deliveries of the SMSC without an answer.
    pub(super) unanswered: AtomicUsize,
    /// The reader waits for the two numbers above to become zero, and wants to be told when they change.
    pub(super) emptying: AtomicBool,
    pub(super) changed: Notify,
    /// The writer has ended.
    pub(super) broken: CancellationToken,
    /// The writer is to end, whatever it is at.
    pub(super) cut: CancellationToken,
}

impl Link {
    pub(super) fn new(posts: UnboundedSender<Post>, window: usize, answer_us: i64) -> Arc<Self> {
        Arc::new(Self {
            posts,
            flights: Mutex::new(Flights::new(window, answer_us)),
            version: AtomicU8::new(Version::V33.octet()),
            held: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
            emptying: AtomicBool::new(false),
            changed: Notify::new(),
            broken: CancellationToken::new(),
            cut: CancellationToken::new(),
        })
    }

    pub(super) fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A writer that has ended takes nothing, and the reader learns of it by [`Link::broken`].
    pub(super) fn post(&self, post: Post) {
        let _gone = self.posts.send(post);
    }

    pub(super) fn version(&self) -> Version {
        Version::from_octet(self.version.load(Ordering::Relaxed))
    }

    pub(super) fn set_version(&self, version: Version) {
        self.version.store(version.octet(), Ordering::Relaxed);
    }

    pub(super) fn released(&self, count: usize) {
        if count > 0 {
            self.held.fetch_sub(count, Ordering::AcqRel);
            self.tell();
        }
    }

    pub(super) fn answered(&self, count: usize) {
        if count > 0 {
            self.unanswered.fetch_sub(count, Ordering::AcqRel);
            self.tell();
        }
    }

    fn tell(&self) {
        if self.emptying.load(Ordering::Acquire) {
            self.changed.notify_one();
        }
    }

    /// Nothing waits for an answer, in either direction.
    pub(super) fn is_empty(&self) -> bool {
        self.held.load(Ordering::Acquire) == 0 && self.unanswered.load(Ordering::Acquire) == 0
    }
}

impl Session for Link {
    fn answer(&self, answers: &mut Vec<(u64, Answer)>) {
        self.post(Post::Answers(std::mem::take(answers)));
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("version", &self.version()).finish_non_exhaustive()
    }
}
