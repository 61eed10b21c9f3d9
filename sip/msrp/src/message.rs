//! A message that is to be sent.

use bytes::Bytes;
use smol_str::SmolStr;

use crate::{FailureReport, Headers};

/// A message, before it is cut into chunks. `Debug` shows lengths only.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// `Message-ID`, 4 to 32 characters; see [`message_id`].
    pub id: SmolStr,
    /// `Content-Type`.
    pub content_type: SmolStr,
    /// The octets.
    pub body: Bytes,
    /// Asks the other end for a REPORT when it has all of it.
    pub success_report: bool,
    /// Asks for which responses.
    pub failure_report: FailureReport,
    /// Further headers of every chunk.
    pub headers: Headers,
}

impl Message {
    /// A message that asks for every response and no REPORT.
    pub fn new(id: impl Into<SmolStr>, content_type: impl Into<SmolStr>, body: impl Into<Bytes>) -> Self {
        Self {
            id: id.into(),
            content_type: content_type.into(),
            body: body.into(),
            success_report: false,
            failure_report: FailureReport::Yes,
            headers: Headers::default(),
        }
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("content_type", &self.content_type)
            .field("octets", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A `Message-ID` out of random values.
pub fn message_id(random: u64) -> SmolStr {
    std::iter::once('m').chain(crate::transaction::spelled(random).into_iter().map(char::from)).collect()
}

/// Why a message was not taken. Nothing of it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no such session, or no longer.
    #[error("there is no such session")]
    NoSession,
    /// The other end only sends.
    #[error("the other end does not receive")]
    NotReceiving,
    /// The other end did not list the content type.
    #[error("the other end does not take this content type")]
    ContentType,
    /// The other end takes smaller messages only.
    #[error("the message is larger than the other end takes")]
    TooLarge,
    /// The `Message-ID` is no identifier, or one of a message that is under way.
    #[error("the Message-ID cannot be used")]
    MessageId,
    /// Too many messages or octets wait.
    #[error("the queue of the session is full")]
    QueueFull,
}
