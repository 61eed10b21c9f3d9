//! New requests (RFC 3261 §8.1.1).

use std::fmt;

use bytes::Bytes;

use crate::headers::{HeaderValue, Headers};
use crate::message::Request;
use crate::method::Method;
use crate::name::Name;
use crate::uri::Uri;

/// Fills a new request. The transaction layer puts the Via on top ([`Request::push_via`]).
#[derive(Debug, Clone)]
pub struct RequestBuilder {
    request: Request,
}

impl RequestBuilder {
    /// Begins with Max-Forwards 70.
    #[must_use]
    pub fn new(method: Method, uri: Uri) -> Self {
        let mut headers = Headers::over(Bytes::new());
        headers.push(Name::MaxForwards, HeaderValue::from_static("70"));
        Self { request: Request { method, uri, headers, body: Bytes::new() } }
    }

    /// From: a URI and our tag.
    #[must_use]
    pub fn from(self, uri: impl fmt::Display, tag: &str) -> Self {
        self.header(Name::From, format_args!("<{uri}>;tag={tag}"))
    }

    /// To: a URI and, within a dialog, the peer's tag.
    #[must_use]
    pub fn to(self, uri: impl fmt::Display, tag: Option<&str>) -> Self {
        match tag {
            Some(tag) => self.header(Name::To, format_args!("<{uri}>;tag={tag}")),
            None => self.header(Name::To, format_args!("<{uri}>")),
        }
    }

    /// Call-ID.
    #[must_use]
    pub fn call_id(self, call_id: &str) -> Self {
        self.header(Name::CallId, call_id)
    }

    /// The number of CSeq; the method is the request's.
    #[must_use]
    pub fn cseq(self, number: u32) -> Self {
        let value = format!("{number} {}", self.request.method);
        self.header(Name::CSeq, value)
    }

    /// Another Max-Forwards than 70.
    #[must_use]
    pub fn max_forwards(mut self, hops: u32) -> Self {
        self.request.headers.set(Name::MaxForwards, hops);
        self
    }

    /// Any header, behind the others.
    #[must_use]
    pub fn header(mut self, name: Name, value: impl Into<HeaderValue>) -> Self {
        self.request.headers.push(name, value);
        self
    }

    /// A body of that type.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: Bytes) -> Self {
        self.request.headers.set(Name::ContentType, content_type);
        self.request.body = body;
        self
    }

    /// The request.
    #[must_use]
    pub fn build(self) -> Request {
        self.request
    }
}
