//! The contract between an adapter and the gateway.
//!
//! An adapter spells the gateway's words in the protocol of one kind of network. It never decides: where a
//! message goes, whether it is retried and what it costs is said elsewhere. Three traits are the whole
//! surface:
//!
//! * [`Intake`]: an adapter hands in what it received, in batches;
//! * [`Session`]: answers come back after the commit, in batches;
//! * [`Channel`]: the gateway hands over what should leave, in batches, and gets one outcome for each item.
//!
//! Messengers that speak HTTP implement [`HttpAdapter`] instead: pure functions over requests and
//! responses. The one HTTP server, the one client, retries and limits belong to the gateway.

mod http_adapter;

use std::{future::Future, pin::Pin, sync::Arc};

use model::{Answer, Inbound, Outgoing, SessionId};

pub use http_adapter::{HookError, HttpAdapter, HttpInbound, Taken};

/// The gateway is shutting down; nothing more is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the gateway is shutting down")]
pub struct Closed;

/// Boxed once per batch, so that the trait stays usable as an object.
pub type Taking<'a> = Pin<Box<dyn Future<Output = Result<(), Closed>> + Send + 'a>>;

/// The way into the gateway.
pub trait Intake: Send + Sync + 'static {
    /// Hands in a batch in the order it was received. Resolves when the gateway has room for more: while
    /// it waits, stop reading the socket, and the sender feels it.
    fn take(&self, batch: Vec<Inbound>) -> Taking<'_>;

    /// Whether a new submission would be refused right now, and why (overload, store failing, draining).
    /// Cheap; asked before parsing a body.
    fn closed_for_submissions(&self) -> Option<model::Cause>;

    /// Registers where answers for tickets of this session go.
    fn open(&self, session: Arc<dyn Session>) -> SessionId;

    /// No more answers are wanted; late ones are dropped.
    fn close(&self, session: SessionId);
}

/// Receives answers. Called from the gateway's own task: never blocks, never waits; hand the answers to
/// the connection's own queue, which is bounded by what the session has asked and not yet been told.
pub trait Session: Send + Sync {
    /// Pairs of the ticket's token and the answer, in order of commit. Drain the vector.
    fn answer(&self, answers: &mut Vec<(u64, Answer)>);
}

/// The way out to one network.
pub trait Channel: Send + Sync {
    /// Hands over a batch, at most as many as the room the channel announced with [`Inbound::Room`].
    /// Never blocks. Each message and report gets exactly one [`Inbound::Outcome`] through the intake, also
    /// when the link breaks (`Outcome::Unknown` if it may have arrived, `Refused` with `LinkDown` if it
    /// certainly was not sent).
    fn send(&self, batch: Vec<Outgoing>);
}

/// What a channel had kept with [`Inbound::Keep`], given back to it at the start: keys and values.
pub type Kept = Vec<(bytes::Bytes, bytes::Bytes)>;

/// Where messages stand that ended long ago.
pub trait Lookup: Send + Sync {
    /// `None` when `origin` never had such a message, or not from the sender that is named.
    fn standing(
        &self,
        origin: model::ChannelId,
        message: model::MessageId,
        from: Option<model::Pii<model::Number>>,
    ) -> Standing<'_>;
}

/// See [`Lookup::standing`].
pub type Standing<'a> = Pin<Box<dyn Future<Output = Option<model::Standing>> + Send + 'a>>;

/// What a link tells the operator beside messages. Every method may be left out.
pub trait Watch: Send + Sync {
    /// A session of the link came up.
    fn up(&self) {}
    /// A session went down.
    fn down(&self) {}
    /// A connection attempt follows a broken one.
    fn reconnecting(&self) {}
    /// Hand-overs under way and the most there may be, over all sessions.
    fn window(&self, _used: u32, _size: u32) {}
    /// Time from a hand-over to its answer; one of many is told.
    fn round_trip(&self, _took: std::time::Duration) {}
    /// The peer refused, or slowed us down.
    fn refused(&self, _refusal: &model::Refusal) {}
    /// We refused the peer before the engine saw it.
    fn refusing(&self, _cause: model::Cause) {}
    /// The peer sent what cannot be read.
    fn malformed(&self, _framing: bool) {}
    /// Somebody showed wrong credentials, or came from where they may not.
    fn auth_failed(&self) {}
}

/// Nobody is told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {}
