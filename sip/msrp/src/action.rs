//! What an [`Endpoint`](crate::Endpoint) wants done.

use bytes::Bytes;
use smol_str::SmolStr;

use crate::{ConnectionId, Headers, Path, SessionKey, Status};

/// One thing to do or to know. `Debug` shows no octet of a message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Write these octets.
    Write {
        /// Where.
        connection: ConnectionId,
        /// Whole frames.
        octets: Bytes,
    },
    /// Close the connection after what was written; then say [`closed`](crate::Endpoint::closed).
    Close {
        /// Which.
        connection: ConnectionId,
    },
    /// The session has its connection.
    Bound {
        /// Which session.
        session: SessionKey,
        /// Its connection.
        connection: ConnectionId,
    },
    /// A message has come, all of it. It is answered by [`answer`](crate::Endpoint::answer), after it is safe.
    Deliver {
        /// What to answer.
        question: Question,
        /// In which session.
        session: SessionKey,
        /// `Message-ID`.
        message_id: SmolStr,
        /// `Content-Type`.
        content_type: SmolStr,
        /// Headers without a field of their own.
        headers: Headers,
        /// The octets.
        body: Bytes,
    },
    /// A member of a conference wants a nickname; answered as a message is. An empty one gives it back.
    Nickname {
        /// What to answer.
        question: Question,
        /// In which session.
        session: SessionKey,
        /// The nickname.
        nickname: SmolStr,
    },
    /// The next hop has every chunk of a message.
    Sent {
        /// In which session.
        session: SessionKey,
        /// Which message.
        message_id: SmolStr,
    },
    /// A message will not be tried any further.
    Failed {
        /// In which session.
        session: SessionKey,
        /// Which message.
        message_id: SmolStr,
        /// Why.
        failure: Failure,
        /// All of it was written: without a refusal the other end may have it.
        whole: bool,
    },
    /// What the other end, or a relay on the way, reports about a message: 200 once all of it is covered.
    Report {
        /// In which session.
        session: SessionKey,
        /// Which message.
        message_id: SmolStr,
        /// What became of it.
        status: Status,
    },
    /// The connection is gone. Messages wait for another one, for a while.
    Parted {
        /// Which session.
        session: SessionKey,
    },
    /// The session is over and forgotten; its dialog is to be ended too.
    Ended {
        /// Which session.
        session: SessionKey,
        /// Why.
        ending: Ending,
    },
    /// A relay asks who we are; answered by [`credentials`](crate::Endpoint::credentials).
    Challenged(Challenge),
    /// A relay lends us its address.
    Authorized {
        /// The connection to the relay.
        connection: ConnectionId,
        /// `Use-Path`, in the order for `a=path` with our own URI behind it.
        use_path: Path,
        /// Seconds until it is renewed by itself, if the relay said so.
        expires_s: Option<u32>,
        /// With `Authentication-Info`, if the relay says who it is.
        headers: Headers,
    },
    /// A relay does not want us.
    NotAuthorized {
        /// The connection to the relay.
        connection: ConnectionId,
        /// Why; 408 when it does not answer.
        status: Status,
    },
}

/// A message or nickname that waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Question(pub(crate) u64);

/// What a sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// 200, and the REPORT if one was asked for.
    Taken,
    /// This status.
    Refused(Status),
}

/// Why a message was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// A response or a report said so.
    Refused(Status),
    /// No response for 30 s, as if 408 had come.
    NoAnswer,
    /// The session ended first.
    SessionOver,
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// No connection came.
    NeverConnected,
    /// The connection went, and no other came.
    ConnectionLost,
    /// Nothing was said for the agreed time.
    Idle,
    /// The other end showed another certificate than it had announced.
    Fingerprint,
    /// The other end does not know the session (481), or has it on another connection (506).
    Refused(Status),
}

/// What a relay asks (RFC 4976 §5.1). `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The connection to the relay.
    pub connection: ConnectionId,
    /// The values of `WWW-Authenticate`.
    pub challenges: Vec<SmolStr>,
    /// The `uri` of the digest; its method is `AUTH`.
    pub uri: SmolStr,
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Challenge({:?}, {} values)", self.connection, self.challenges.len())
    }
}

impl std::fmt::Debug for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Write { connection, octets } => write!(f, "Write({connection:?}, {} octets)", octets.len()),
            Self::Close { connection } => write!(f, "Close({connection:?})"),
            Self::Bound { session, connection } => write!(f, "Bound({session:?}, {connection:?})"),
            Self::Deliver { question, session, content_type, body, .. } => {
                write!(f, "Deliver({question:?}, {session:?}, {content_type}, {} octets)", body.len())
            }
            Self::Nickname { question, session, .. } => write!(f, "Nickname({question:?}, {session:?})"),
            Self::Sent { session, message_id } => write!(f, "Sent({session:?}, {message_id})"),
            Self::Failed { session, message_id, failure, whole } => {
                write!(f, "Failed({session:?}, {message_id}, {failure:?}, whole: {whole})")
            }
            Self::Report { session, message_id, status } => {
                write!(f, "Report({session:?}, {message_id}, {status})")
            }
            Self::Parted { session } => write!(f, "Parted({session:?})"),
            Self::Ended { session, ending } => write!(f, "Ended({session:?}, {ending:?})"),
            Self::Challenged(challenge) => challenge.fmt(f),
            Self::Authorized { connection, expires_s, .. } => {
                write!(f, "Authorized({connection:?}, {expires_s:?} s)")
            }
            Self::NotAuthorized { connection, status } => {
                write!(f, "NotAuthorized({connection:?}, {status})")
            }
        }
    }
}
