//! Requests and responses.

use std::fmt;

use bytes::Bytes;
use rsip::Transport;
use smol_str::SmolStr;

use crate::address::NameAddr;
use crate::build::RequestBuilder;
use crate::cseq::CSeq;
use crate::headers::{HeaderValue, Headers};
use crate::method::Method;
use crate::name::Name;
use crate::status::StatusCode;
use crate::uri::Uri;
use crate::via::Via;

/// A message that was read, or is to be written.
#[derive(Debug, Clone)]
pub enum Message {
    /// With a method and a Request-URI.
    Request(Request),
    /// With a status.
    Response(Response),
}

/// A request.
#[derive(Clone)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// Of whom.
    pub uri: Uri,
    /// In order. Content-Length is written from the body, whatever stands here.
    pub headers: Headers,
    /// Octet for octet.
    pub body: Bytes,
}

/// A response.
#[derive(Clone)]
pub struct Response {
    /// 100 to 699.
    pub status: StatusCode,
    /// As received; `None` for the usual one.
    reason: Option<HeaderValue>,
    /// In order. Content-Length is written from the body, whatever stands here.
    pub headers: Headers,
    /// Octet for octet.
    pub body: Bytes,
}

impl Message {
    /// The headers of either.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }

    /// The body of either.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        match self {
            Self::Request(request) => &request.body,
            Self::Response(response) => &response.body,
        }
    }
}

macro_rules! core_headers {
    () => {
        /// The top Via. There in every message that was read.
        #[must_use]
        pub fn via(&self) -> Option<Via<'_>> {
            self.headers.via()
        }

        /// From. There in every message that was read.
        #[must_use]
        pub fn from(&self) -> Option<NameAddr<'_>> {
            self.headers.from()
        }

        /// To. There in every message that was read.
        #[must_use]
        pub fn to(&self) -> Option<NameAddr<'_>> {
            self.headers.to()
        }

        /// The tag of From; `None` from RFC 2543 peers.
        #[must_use]
        pub fn from_tag(&self) -> Option<&str> {
            self.headers.from().and_then(|from| from.tag())
        }

        /// The tag of To: there within a dialog.
        #[must_use]
        pub fn to_tag(&self) -> Option<&str> {
            self.headers.to().and_then(|to| to.tag())
        }

        /// Call-ID. Not empty in any message that was read.
        #[must_use]
        pub fn call_id(&self) -> &str {
            self.headers.call_id()
        }

        /// CSeq. There in every message that was read.
        #[must_use]
        pub fn cseq(&self) -> Option<CSeq> {
            self.headers.cseq()
        }
    };
}

impl Request {
    core_headers!();

    /// A new one, to be filled.
    #[must_use]
    pub fn builder(method: Method, uri: Uri) -> RequestBuilder {
        RequestBuilder::new(method, uri)
    }

    /// A response with Via, From, To, Call-ID and CSeq of the request (RFC 3261 §8.2.6). `to_tag` is set when the
    /// request has none and the status is not 100.
    #[must_use]
    pub fn response(&self, status: StatusCode, to_tag: Option<&str>) -> Response {
        let mut headers = self.headers.only(|name| match name {
            Name::Via | Name::From | Name::To | Name::CallId | Name::CSeq => true,
            Name::Timestamp => status == StatusCode::TRYING,
            _ => false,
        });
        if let Some(tag) = to_tag
            && status != StatusCode::TRYING
            && self.to_tag().is_none()
            && let Some(to) = self.headers.get(Name::To)
        {
            headers.set(Name::To, HeaderValue::from([to, b";tag=", tag.as_bytes()].concat()));
        }
        Response::new(status, headers)
    }

    /// Puts our own Via on top, asking for `rport` (RFC 3581). `sent_by` is host and, if need be, port.
    pub fn push_via(&mut self, transport: Transport, sent_by: impl fmt::Display, branch: &str) {
        let value = format!("SIP/2.0/{} {sent_by};rport;branch={branch}", transport_text(transport));
        self.headers.push_front(Name::Via, value);
    }

    /// The ACK of a final response other than 2xx, on the same branch (RFC 3261 §17.1.1.3).
    #[must_use]
    pub fn ack(&self, response: &Response) -> Self {
        let mut ack = self.sibling(Method::ACK);
        if let Some(to) = response.headers.get(Name::To) {
            ack.headers.set(Name::To, to);
        }
        ack
    }

    /// The CANCEL of this request, on the same branch (RFC 3261 §9.1).
    #[must_use]
    pub fn cancel(&self) -> Self {
        self.sibling(Method::CANCEL)
    }

    /// A request for the same target and transaction: top Via, Route, From, To, Call-ID, the number of CSeq.
    fn sibling(&self, method: Method) -> Self {
        let mut headers =
            self.headers.only(|name| matches!(name, Name::Route | Name::From | Name::To | Name::CallId));
        let via = self.headers.list(Name::Via).next().unwrap_or_default();
        headers.push_front(Name::Via, via);
        let number = self.cseq().map_or(0, |cseq| cseq.number);
        headers.push(Name::CSeq, format_args!("{number} {method}"));
        headers.push(Name::MaxForwards, HeaderValue::from_static("70"));
        Self { method, uri: self.uri.clone(), headers, body: Bytes::new() }
    }
}

impl Response {
    core_headers!();

    /// With the usual phrase and no body.
    #[must_use]
    pub const fn new(status: StatusCode, headers: Headers) -> Self {
        Self { status, reason: None, headers, body: Bytes::new() }
    }

    /// The reason phrase as octets: UTF-8 in theory, perhaps empty.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        self.reason.as_ref().map_or_else(|| self.status.phrase().as_bytes(), HeaderValue::as_bytes)
    }

    /// Another phrase than the usual one.
    pub fn set_reason(&mut self, reason: &str) {
        self.reason = Some(HeaderValue::from(reason));
    }

    pub(crate) fn with_reason(mut self, reason: HeaderValue) -> Self {
        self.reason = Some(reason);
        self
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: Name, value: impl Into<HeaderValue>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// With a body of that type.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: Bytes) -> Self {
        self.headers.set(Name::ContentType, content_type);
        self.body = body;
        self
    }
}

/// As it stands in a Via.
pub(crate) const fn transport_text(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
        Transport::Tls => "TLS",
        Transport::TlsSctp => "TLS-SCTP",
        Transport::Sctp => "SCTP",
        Transport::Ws => "WS",
        Transport::Wss => "WSS",
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

/// Addresses and content stay out of logs.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method: SmolStr = match &self.method {
            Method::Known(_) => self.method.as_str().into(),
            Method::Other(_) => SmolStr::new_static("other"),
        };
        write!(f, "Request({method}, {} headers, {} octets)", self.headers.len(), self.body.len())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} headers, {} octets)", self.status, self.headers.len(), self.body.len())
    }
}
