//! To and from the words of `rsip`: what passed the gate may be handed to its typed headers, and its values may be
//! written through ours.

use rsip::headers::UntypedHeader;
use rsip::headers::untyped;

use crate::cseq::CSeq;
use crate::headers::{HeaderValue, Headers};
use crate::message::Request;
use crate::method::Method;
use crate::name::Name;
use crate::uri::Uri;

/// `rsip` has no word for the method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a method without a word in rsip")]
pub struct UnknownMethod;

impl TryFrom<&Method> for rsip::Method {
    type Error = UnknownMethod;

    fn try_from(method: &Method) -> Result<Self, UnknownMethod> {
        match method {
            Method::Known(method) => Ok(*method),
            Method::Other(_) => Err(UnknownMethod),
        }
    }
}

impl TryFrom<&CSeq> for rsip::typed::CSeq {
    type Error = UnknownMethod;

    fn try_from(cseq: &CSeq) -> Result<Self, UnknownMethod> {
        Ok(Self { seq: cseq.number, method: (&cseq.method).try_into()? })
    }
}

impl From<rsip::typed::CSeq> for CSeq {
    fn from(cseq: rsip::typed::CSeq) -> Self {
        Self { number: cseq.seq, method: cseq.method.into() }
    }
}

impl<T: AsRef<str>> From<&Uri<T>> for rsip::Uri {
    /// The whole text as a host that prints itself: `rsip` has no `tel:`, no dotted users, no IPv6. It writes what we
    /// read, and is not to be taken apart.
    fn from(uri: &Uri<T>) -> Self {
        let host = rsip::Host::Domain(uri.as_str().to_owned().into());
        Self { host_with_port: rsip::HostWithPort { host, port: None }, ..Self::default() }
    }
}

impl Request {
    /// As `rsip` has it. Its own `to_string` would break the body: write ours.
    ///
    /// # Errors
    /// [`UnknownMethod`] for methods that it does not know.
    pub fn to_rsip(&self) -> Result<rsip::Request, UnknownMethod> {
        Ok(rsip::Request {
            method: (&self.method).try_into()?,
            uri: (&self.uri).into(),
            version: rsip::Version::V2,
            headers: self.headers.to_rsip(),
            body: self.body.to_vec(),
        })
    }
}

impl Headers {
    /// A header of `rsip`, behind the others.
    pub fn push_rsip(&mut self, header: impl Into<rsip::Header>) {
        let line = header.into().to_string();
        if let Some((name, value)) = line.split_once(": ") {
            self.push(Name::from(name), HeaderValue::from(value));
        }
    }

    /// All headers as `rsip` takes them: canonical names, unfolded, octets that are no text replaced.
    #[must_use]
    pub fn to_rsip(&self) -> rsip::Headers {
        let headers =
            self.iter().map(|(name, value)| header(name, String::from_utf8_lossy(value).into_owned()));
        headers.collect::<Vec<_>>().into()
    }
}

macro_rules! headers {
    ($($variant:ident)*) => {
        fn header(name: &Name, value: String) -> rsip::Header {
            match name {
                $(Name::$variant => untyped::$variant::new(value).into(),)*
                other => rsip::Header::Other(other.as_str().to_owned(), value),
            }
        }
    };
}

headers! {
    Accept
    AcceptEncoding
    AcceptLanguage
    AlertInfo
    Allow
    AuthenticationInfo
    Authorization
    CSeq
    CallId
    CallInfo
    Contact
    ContentDisposition
    ContentEncoding
    ContentLanguage
    ContentLength
    ContentType
    Date
    ErrorInfo
    Event
    Expires
    From
    InReplyTo
    MaxForwards
    MimeVersion
    MinExpires
    Organization
    Priority
    ProxyAuthenticate
    ProxyAuthorization
    ProxyRequire
    RecordRoute
    ReplyTo
    Require
    RetryAfter
    Route
    Server
    Subject
    SubscriptionState
    Supported
    Timestamp
    To
    Unsupported
    UserAgent
    Via
    Warning
    WwwAuthenticate
}
