//! Messengers over HTTP as pure functions.

use bytes::Bytes;
use http::{Request, Response};
use model::{Answer, Cause, Command, Outcome, Outgoing, Refusal, Signal, Submission, Timestamp};

/// One messenger's spelling. Everything is a value in and a value out; time is passed in.
pub trait HttpAdapter: Send + Sync {
    /// Reads a call of the messenger's server to us. Authentication is part of reading.
    ///
    /// # Errors
    /// What to answer when the call cannot be taken at all.
    fn decode(&self, now: Timestamp, call: &Request<Bytes>) -> Result<Vec<HttpInbound>, HookError>;

    /// The answer to a call, after the commit, one entry for each item `decode` returned.
    fn reply(&self, answers: &[Taken]) -> Response<Bytes>;

    /// Spells outgoing items as one call to the messenger's server.
    ///
    /// # Errors
    /// A refusal when the content has no spelling there.
    fn encode(&self, now: Timestamp, batch: &[Outgoing]) -> Result<Request<Bytes>, Refusal>;

    /// Reads the messenger's answer to an encoded batch: one outcome for each item.
    fn outcomes(&self, batch: &[Outgoing], response: &Response<Bytes>) -> Vec<Outcome>;
}

/// One thing a messenger's server told us.
#[derive(Debug, Clone)]
pub enum HttpInbound {
    Submit(Box<Submission>),
    /// The messenger's own receipt for something we handed it, by our message id or its own id.
    Receipt(model::Receipt),
    Signal(Signal),
    Command(Command),
    /// Understood and harmless, but nothing to do (an unknown event kind). Answered as accepted.
    Ignored {
        id: String,
    },
    /// This item alone is refused.
    Refused {
        id: String,
        cause: Cause,
        detail: String,
    },
}

/// What became of one item of a call.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The sender's id of the item.
    pub id: String,
    pub answer: Answer,
    /// A sentence for the sender's developer when it was refused.
    pub detail: Option<String>,
}

/// A call that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {detail}")]
pub struct HookError {
    pub status: http::StatusCode,
    /// Stable word for machines.
    pub code: &'static str,
    pub detail: String,
}
