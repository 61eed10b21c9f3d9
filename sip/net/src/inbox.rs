//! The bounded way from the sockets to the driver.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use sip_message::Message;
use tokio::sync::{
    OwnedSemaphorePermit, Semaphore,
    mpsc::{self, UnboundedReceiver, UnboundedSender},
};

use crate::{
    Flow,
    resolve::{Candidates, Unresolved},
};

/// A socket that was read empty is not looked at again for so long: what comes meanwhile is one batch. The first message
/// after a silence is taken at once; under load a message costs a tenth less.
pub(crate) const GATHERING: Duration = Duration::from_micros(300);

/// Why nothing more goes a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Ended {
    #[error("the peer closed the connection")]
    Closed,
    #[error("the connection broke")]
    Broken,
    #[error("nothing came or went for long")]
    Idle,
    #[error("a message took too long to come")]
    Slow,
    #[error("the stream was not SIP any more")]
    Framing,
    #[error("the peer takes less than is sent")]
    Overflow,
    #[error("nobody accepts connections there")]
    Refused,
    #[error("the peer did not answer in time")]
    TimedOut,
    #[error("the TLS handshake failed")]
    Handshake,
    #[error("we are closing")]
    Stopped,
}

/// What the driver hears.
#[derive(Debug)]
pub enum Event {
    /// A message that could be read. On a stream they come in their order.
    Message { flow: Flow, message: Message },
    /// A connection is gone. Whatever was handed over for it and is not answered may not have arrived.
    Ended { flow: Flow, why: Ended },
    /// This one certainly did not leave: the connection was gone, or the system refused the datagram.
    Unsent { flow: Flow, octets: Bytes },
    /// What [`Endpoint::resolve`](crate::Endpoint::resolve) found.
    Resolved { token: u64, servers: Result<Candidates, Unresolved> },
}

/// What one read brought.
#[derive(Debug)]
pub struct Batch {
    /// When, in microseconds since the epoch; how long it waited is how overloaded the driver is.
    pub at: i64,
    pub events: Vec<Event>,
    /// The room that its messages take in the queue, given back when the batch is dropped.
    _room: Option<OwnedSemaphorePermit>,
}

/// The driver's end.
#[derive(Debug)]
pub struct Inbox {
    batches: UnboundedReceiver<Batch>,
}

impl Inbox {
    /// The next batch; `None` when the endpoint is gone.
    pub async fn recv(&mut self) -> Option<Batch> {
        self.batches.recv().await
    }

    /// The next batch when there is one already.
    pub fn try_recv(&mut self) -> Option<Batch> {
        self.batches.try_recv().ok()
    }
}

/// The sockets' end. Messages are bounded by permits; the rest is bounded by the connections there may be.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    batches: UnboundedSender<Batch>,
    room: Arc<Semaphore>,
    messages_max: usize,
}

impl Feed {
    pub(crate) fn new(messages_max: usize) -> (Self, Inbox) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let messages_max = messages_max.clamp(1, Semaphore::MAX_PERMITS >> 1);
        let room = Arc::new(Semaphore::new(messages_max));
        (Self { batches: sender, room, messages_max }, Inbox { batches: receiver })
    }

    /// Hands in messages, or gives them back when there is no room for all of them.
    pub(crate) fn offer(&self, at: i64, messages: Vec<Event>) -> Result<(), Vec<Event>> {
        match self.room.clone().try_acquire_many_owned(self.permits(&messages)) {
            Ok(room) => {
                self.pass(Batch { at, events: messages, _room: Some(room) });
                Ok(())
            }
            Err(_full) => Err(messages),
        }
    }

    /// Hands in messages as soon as there is room, or gives them back when there is none in time.
    pub(crate) async fn offer_within(
        &self,
        patience: Duration,
        at: i64,
        messages: Vec<Event>,
    ) -> Result<(), Vec<Event>> {
        let room = self.room.clone().acquire_many_owned(self.permits(&messages));
        match tokio::time::timeout(patience, room).await {
            Ok(room) => {
                self.pass(Batch { at, events: messages, _room: room.ok() });
                Ok(())
            }
            Err(_elapsed) => Err(messages),
        }
    }

    /// Hands in what is no message, always.
    pub(crate) fn tell(&self, event: Event) {
        self.tell_all([event]);
    }

    pub(crate) fn tell_all(&self, events: impl IntoIterator<Item = Event>) {
        self.pass(Batch { at: now(), events: events.into_iter().collect(), _room: None });
    }

    /// Messages that were offered and whose batch is not dropped yet.
    pub(crate) fn queued(&self) -> usize {
        self.messages_max.saturating_sub(self.room.available_permits())
    }

    /// A batch larger than the queue fits when the queue is empty.
    fn permits(&self, messages: &[Event]) -> u32 {
        u32::try_from(messages.len().min(self.messages_max)).unwrap_or(u32::MAX)
    }

    fn pass(&self, batch: Batch) {
        // Without a driver nobody misses it.
        drop(self.batches.send(batch));
    }
}

/// The clock of the sockets.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
