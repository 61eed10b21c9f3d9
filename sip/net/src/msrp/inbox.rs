//! The bounded way from the connections to the driver.

use std::{net::SocketAddr, sync::Arc};

use sip_msrp::{ConnectionId, Frame, FrameError, Security};
use tokio::sync::{
    OwnedSemaphorePermit, Semaphore,
    mpsc::{self, UnboundedReceiver, UnboundedSender},
};

use crate::{Ended, inbox::now};

/// What a frame takes in memory besides its body.
const FRAME_OCTETS: usize = 512;

/// What happened on one connection. They come in their order: `Opened` first, `Closed` last.
#[derive(Debug)]
pub enum Event {
    /// The connection stands; the handshake is over and a fingerprint that was asked for is right.
    Opened {
        /// Its number.
        connection: ConnectionId,
        /// How it is protected, and by which certificate of the other end.
        security: Security,
        /// Who is there.
        remote: SocketAddr,
        /// The other end came to us.
        incoming: bool,
    },
    /// Frames that could be read.
    Frames {
        /// Where.
        connection: ConnectionId,
        /// In their order.
        frames: Vec<Frame>,
    },
    /// What came cannot be followed. The connection stays for the answer until it is closed.
    Broken {
        /// Where.
        connection: ConnectionId,
        /// What is wrong.
        error: FrameError,
    },
    /// The connection is gone, or never stood. What was handed over for it and is not answered may not have
    /// arrived.
    Closed {
        /// Which.
        connection: ConnectionId,
        /// Why.
        why: Ended,
    },
}

/// What one read brought.
#[derive(Debug)]
pub struct Batch {
    /// When, in microseconds since the epoch.
    pub at: i64,
    /// In their order.
    pub events: Vec<Event>,
    /// The room that its frames take in the queue, given back when the batch is dropped.
    room: Option<OwnedSemaphorePermit>,
}

impl Batch {
    /// The events and the room they take, for a driver that gives the room back later, when what it made of
    /// them is safe.
    pub fn into_parts(self) -> (Vec<Event>, Option<OwnedSemaphorePermit>) {
        (self.events, self.room)
    }
}

/// The driver's end.
#[derive(Debug)]
pub struct Inbox {
    batches: UnboundedReceiver<Batch>,
}

impl Inbox {
    /// The next batch; `None` when all connections and their owner are gone.
    pub async fn recv(&mut self) -> Option<Batch> {
        self.batches.recv().await
    }

    /// The next batch when there is one already.
    pub fn try_recv(&mut self) -> Option<Batch> {
        self.batches.try_recv().ok()
    }
}

/// The connections' end. Frames are bounded by permits, an octet each; the rest by the connections there may be.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    batches: UnboundedSender<Batch>,
    room: Arc<Semaphore>,
    octets_max: usize,
}

impl Feed {
    pub(super) fn new(octets_max: usize) -> (Self, Inbox) {
        let (sender, batches) = mpsc::unbounded_channel();
        let octets_max = octets_max.clamp(1, u32::MAX as usize >> 1);
        let room = Arc::new(Semaphore::new(octets_max));
        (Self { batches: sender, room, octets_max }, Inbox { batches })
    }

    /// Hands in frames as soon as there is room.
    pub(super) async fn frames(&self, connection: ConnectionId, frames: Vec<Frame>) {
        let octets: usize = frames.iter().map(|frame| FRAME_OCTETS + body_octets(frame)).sum();
        // More than the whole queue fits when the queue is empty.
        let permits = u32::try_from(octets.min(self.octets_max)).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(permits).await.ok();
        self.pass(Batch { at: now(), events: vec![Event::Frames { connection, frames }], room });
    }

    /// Hands in what are no frames, always.
    pub(super) fn tell(&self, event: Event) {
        self.pass(Batch { at: now(), events: vec![event], room: None });
    }

    fn pass(&self, batch: Batch) {
        // Without a driver nobody misses it.
        drop(self.batches.send(batch));
    }
}

fn body_octets(frame: &Frame) -> usize {
    match frame {
        Frame::Request(request) => request.body.len(),
        Frame::Piece(piece) => piece.body.len(),
        Frame::Response(_) => 0,
    }
}
