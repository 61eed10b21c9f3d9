//! What this room asks of a messenger's adapter.

use bytes::Bytes;
use http::{Request, Response};
use kit::{HookError, HttpInbound, Taken};
use model::Timestamp;

/// One messenger's spelling of the calls its server makes to us. Pure: time and octets come in.
pub trait Federation: Send + Sync {
    /// Whether this messenger's server made the call: its token or its signature fits.
    ///
    /// # Errors
    /// What to answer when it did not.
    fn authenticate(&self, now: Timestamp, call: &Request<Bytes>) -> Result<(), HookError>;

    /// Reads a call with events, each with the sender's own id. Authentication is part of reading.
    ///
    /// # Errors
    /// What to answer when the call cannot be taken at all.
    fn read(&self, now: Timestamp, call: &Request<Bytes>) -> Result<Vec<(String, HttpInbound)>, HookError>;

    /// The answer, after the commit: one entry for each item that was read, in order.
    fn reply(&self, answers: &[Taken]) -> Response<Bytes>;
}
