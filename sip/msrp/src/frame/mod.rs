//! What travels on a connection: requests with chunks of messages, and responses (RFC 4975 §7).

mod decode;
mod head;
mod search;
mod write;

use std::fmt;

use bytes::Bytes;
use smallvec::SmallVec;
use smol_str::SmolStr;

pub use decode::{Decoder, FrameError, FrameErrorKind, Limits, Within};
pub use write::Writer;

use crate::{ByteRange, FailureReport, Path, ReportStatus, Status, TransactionId};

/// One thing that a [`Decoder`] has cut out of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A request, with its body or the beginning of it.
    Request(Request),
    /// More of the body of the last request.
    Piece(Piece),
    /// A response.
    Response(Response),
}

/// What a request wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Method {
    /// To bring a chunk of a message.
    Send,
    /// To say what became of one.
    Report,
    /// To be known to a relay (RFC 4976).
    Auth,
    /// To be known to a conference under a name (RFC 7701).
    Nickname,
    /// Something else.
    Other(SmolStr),
}

impl Method {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Send => "SEND",
            Self::Report => "REPORT",
            Self::Auth => "AUTH",
            Self::Nickname => "NICKNAME",
            Self::Other(name) => name,
        }
    }

    fn parse(octets: &[u8]) -> Option<Self> {
        Some(match octets {
            b"SEND" => Self::Send,
            b"REPORT" => Self::Report,
            b"AUTH" => Self::Auth,
            b"NICKNAME" => Self::Nickname,
            _ if octets.is_empty() || !octets.iter().all(u8::is_ascii_uppercase) => return None,
            _ => Self::Other(std::str::from_utf8(octets).ok()?.into()),
        })
    }
}

/// The flag of an end-line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// `$`: the chunk has the last octet of the message.
    Complete,
    /// `+`: more chunks follow.
    More,
    /// `#`: the sender has given the message up.
    Abort,
}

impl End {
    /// The flag.
    pub const fn octet(self) -> u8 {
        match self {
            Self::Complete => b'$',
            Self::More => b'+',
            Self::Abort => b'#',
        }
    }

    const fn parse(octet: u8) -> Option<Self> {
        match octet {
            b'$' => Some(Self::Complete),
            b'+' => Some(Self::More),
            b'#' => Some(Self::Abort),
            _ => None,
        }
    }
}

/// A request. `Debug` shows lengths only.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Which transaction it opens.
    pub transaction: TransactionId,
    /// What it wants.
    pub method: Method,
    /// Where it goes; empty only with a [`fault`](Self::fault).
    pub to_path: Path,
    /// Where it comes from; empty only with a [`fault`](Self::fault).
    pub from_path: Path,
    /// Which message the chunk or the report is about.
    pub message_id: Option<SmolStr>,
    /// Where the chunk lies in its message.
    pub byte_range: Option<ByteRange>,
    /// Wants a REPORT when the message is complete.
    pub success_report: bool,
    /// Which responses it wants.
    pub failure_report: FailureReport,
    /// In a REPORT: what became of the message.
    pub status: Option<ReportStatus>,
    /// What the body is; none when there is no body.
    pub content_type: Option<SmolStr>,
    /// The other headers in their order.
    pub others: Headers,
    /// Why this cannot be understood; its answer is 400. The stream is in order all the same.
    pub fault: Option<Fault>,
    /// The body, or its beginning.
    pub body: Bytes,
    /// How the chunk ended; `None` when [`Piece`]s follow.
    pub end: Option<End>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("transaction", &self.transaction)
            .field("method", &self.method)
            .field("range", &self.byte_range)
            .field("headers", &self.others.len())
            .field("fault", &self.fault)
            .field("body", &self.body.len())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// More of a body that is too long to be collected first.
#[derive(Clone, PartialEq, Eq)]
pub struct Piece {
    /// The next octets.
    pub body: Bytes,
    /// How the chunk ended; `None` when more pieces follow.
    pub end: Option<End>,
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piece").field("body", &self.body.len()).field("end", &self.end).finish()
    }
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Which transaction it answers.
    pub transaction: TransactionId,
    /// The answer.
    pub status: Status,
    /// Where it goes; empty when that cannot be read.
    pub to_path: Path,
    /// Where it comes from; empty when that cannot be read.
    pub from_path: Path,
    /// The other headers in their order.
    pub others: Headers,
}

/// A header without a field of its own. `Debug` shows the name and the length of the value.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// As written.
    pub name: SmolStr,
    /// Without the spaces around it.
    pub value: SmolStr,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} octets", self.name, self.value.len())
    }
}

/// Headers in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(SmallVec<[Header; 1]>);

impl Headers {
    /// The first one of this name, in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|one| one.name.eq_ignore_ascii_case(name)).map(|one| one.value.as_str())
    }

    /// Every one of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |one| one.name.eq_ignore_ascii_case(name)).map(|one| one.value.as_str())
    }

    /// One more.
    pub fn push(&mut self, name: impl Into<SmolStr>, value: impl Into<SmolStr>) {
        self.0.push(Header { name: name.into(), value: value.into() });
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Header> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What cannot be understood in a head that ends where it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The start line names no method and no status.
    #[error("the start line names no method")]
    StartLine,
    /// A line without a name and a colon, or with control characters.
    #[error("a header line cannot be read")]
    HeaderLine,
    /// A header that may stand once stands twice.
    #[error("a header stands twice")]
    Twice,
    /// `To-Path` is missing or no path.
    #[error("To-Path is missing or cannot be read")]
    ToPath,
    /// `From-Path` is missing or no path.
    #[error("From-Path is missing or cannot be read")]
    FromPath,
    /// `Message-ID` is missing, empty or too long.
    #[error("Message-ID is missing or cannot be read")]
    MessageId,
    /// `Byte-Range` is none.
    #[error("Byte-Range cannot be read")]
    ByteRange,
    /// `Success-Report` or `Failure-Report` has no such value.
    #[error("Success-Report or Failure-Report cannot be read")]
    ReportWanted,
    /// A REPORT without a `Status` that can be read.
    #[error("Status is missing or cannot be read")]
    Status,
    /// A body without `Content-Type`.
    #[error("a body without Content-Type")]
    ContentType,
}
