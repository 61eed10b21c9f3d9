//! What can be wrong with a message, and what is answered to it.

use std::borrow::Cow;
use std::fmt;

use crate::headers::{HeaderValue, Headers};
use crate::message::Response;
use crate::method::Method;
use crate::name::Name;
use crate::status::StatusCode;
use crate::via::Via;

/// Why a single value cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Nothing there.
    #[error("empty value")]
    Empty,
    /// A quoted string that does not end.
    #[error("unbalanced quotes")]
    Quote,
    /// A display name that needs quotes.
    #[error("display name needs quotes")]
    DisplayName,
    /// No URI, or blanks and other strangers in it.
    #[error("bad URI")]
    Uri,
    /// No host or port.
    #[error("bad host or port")]
    Host,
    /// Empty or strange parameters.
    #[error("bad parameters")]
    Params,
    /// Protocol and transport of a Via.
    #[error("bad protocol")]
    Via,
    /// Not a token where one must stand.
    #[error("not a token")]
    Token,
    /// Not a number, or too large.
    #[error("bad number")]
    Number,
    /// Not a date in GMT.
    #[error("bad date")]
    Date,
    /// Something else behind the value.
    #[error("trailing octets")]
    Trailing,
}

/// Why a message cannot be taken. Closed, without a word of the message: fit for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Blank lines or a few octets that keep a path open.
    KeepAlive,
    /// Nothing that looks like SIP.
    NotSip,
    /// A status line that is none, or a code outside 100 to 699.
    StatusLine,
    /// A request line that is not three parts with single spaces.
    RequestLine,
    /// The Request-URI: blanks, brackets, embedded headers, no scheme.
    RequestUri,
    /// A version other than SIP/2.0.
    Version,
    /// The start line is over its limit.
    StartLineTooLong,
    /// The head is over its limit.
    HeadTooLong,
    /// Too many header lines.
    TooManyHeaders,
    /// One header is over its limit.
    HeaderTooLong(&'static str),
    /// Too many Via values.
    TooManyVias,
    /// A line that is not `name: value`.
    HeaderLine,
    /// A control octet in the head.
    Control,
    /// The head does not end.
    NoBlankLine,
    /// No Content-Length on a stream.
    LengthMissing,
    /// Content-Length is not a number.
    LengthInvalid,
    /// Several Content-Length that differ.
    LengthConflict,
    /// Content-Length promises more than the datagram holds.
    Truncated,
    /// The message is over its limit.
    TooLarge,
    /// The body is over its limit.
    BodyTooLarge,
    /// A mandatory header is not there.
    Missing(&'static str),
    /// A header that may stand once stands twice.
    Repeated(&'static str),
    /// A header cannot be read.
    Malformed(&'static str, Malformed),
    /// The method of CSeq is another than that of the request line.
    CSeqMethod,
}

impl Fault {
    /// What a request with this fault is answered.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Version => StatusCode::VERSION_NOT_SUPPORTED,
            Self::StartLineTooLong => StatusCode::URI_TOO_LONG,
            Self::BodyTooLarge => StatusCode::ENTITY_TOO_LARGE,
            Self::TooLarge | Self::HeadTooLong | Self::HeaderTooLong(_) => StatusCode::MESSAGE_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The reason phrase: what is wrong, without a word of the message.
    #[must_use]
    pub fn phrase(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Missing(name) => return Cow::Owned(format!("Missing {name}")),
            Self::Repeated(name) => return Cow::Owned(format!("Repeated {name}")),
            Self::Malformed(name, what) => return Cow::Owned(format!("Bad {name}: {what}")),
            Self::RequestLine => "Bad Request Line",
            Self::RequestUri => "Bad Request-URI",
            Self::TooManyHeaders => "Too Many Headers",
            Self::TooManyVias => "Too Many Via",
            Self::HeaderLine => "Bad Header Line",
            Self::Control => "Control Character In Header",
            Self::NoBlankLine => "Head Does Not End",
            Self::LengthMissing => "Missing Content-Length",
            Self::LengthInvalid => "Bad Content-Length",
            Self::LengthConflict => "Conflicting Content-Length",
            Self::Truncated => "Body Shorter Than Content-Length",
            Self::CSeqMethod => "CSeq Method Differs",
            other => other.status().phrase(),
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeepAlive => f.write_str("keep-alive"),
            Self::NotSip => f.write_str("not SIP"),
            Self::StatusLine => f.write_str("bad status line"),
            other => f.write_str(&other.phrase()),
        }
    }
}

/// A message that cannot be taken: to be answered, or to be dropped in silence (RFC 3261 §8.2, §18.1.2, RFC 4475).
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// Why.
    pub fault: Fault,
    /// Whether the stream it came from lost its framing and must be closed (after the answer, if there is one).
    pub close: bool,
    reply: Option<Box<Reply>>,
}

/// What was saved of a request so that it can be answered.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) method: Method,
    /// Via*, From, To, Call-ID, CSeq as received.
    pub(crate) headers: Headers,
}

impl Unreadable {
    /// To be dropped: a response, an ACK, noise, or nobody to answer.
    pub(crate) const fn discard(fault: Fault) -> Self {
        Self { fault, close: false, reply: None }
    }

    pub(crate) fn answer(fault: Fault, reply: Reply) -> Self {
        Self { fault, close: false, reply: Some(Box::new(reply)) }
    }

    pub(crate) const fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// Whether nothing is to be sent.
    #[must_use]
    pub const fn is_discard(&self) -> bool {
        self.reply.is_none()
    }

    /// The status of the answer; `None` when there is none.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.reply.as_ref().map(|_| self.fault.status())
    }

    /// The method, when the message is a request to be answered.
    #[must_use]
    pub fn method(&self) -> Option<&Method> {
        self.reply.as_ref().map(|reply| &reply.method)
    }

    /// The top Via, which says where the answer goes.
    #[must_use]
    pub fn via(&self) -> Option<Via<'_>> {
        self.reply.as_ref()?.headers.via()
    }

    /// The answer, made of the raw headers; `None` when there is none to send. `to_tag` is set when To can be read and
    /// has no tag.
    #[must_use]
    pub fn response(&self, to_tag: &str) -> Option<Response> {
        let reply = self.reply.as_ref()?;
        let mut headers = reply.headers.clone();
        if headers.to().is_some_and(|to| to.tag().is_none()) {
            let raw = headers.get(Name::To).unwrap_or_default();
            let tagged = [raw, b";tag=", to_tag.as_bytes()].concat();
            headers.set(Name::To, HeaderValue::from(tagged));
        }
        let mut response = Response::new(self.fault.status(), headers);
        response.set_reason(&self.fault.phrase());
        Some(response)
    }
}
