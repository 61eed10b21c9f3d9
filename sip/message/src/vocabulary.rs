//! To and from the words of `rsip`.

use rsip::headers::UntypedHeader;
use rsip::headers::untyped;

use crate::cseq::CSeq;
use crate::headers::{HeaderValue, Headers};
use crate::method::Method;
use crate::name::Name;

impl TryFrom<&CSeq> for rsip::typed::CSeq {
    type Error = UnknownMethod;

    fn try_from(cseq: &CSeq) -> Result<Self, UnknownMethod> {
        match &cseq.method {
            Method::Known(method) => Ok(Self { seq: cseq.number, method: *method }),
            Method::Other(_) => Err(UnknownMethod),
        }
    }
}

impl From<rsip::typed::CSeq> for CSeq {
    fn from(cseq: rsip::typed::CSeq) -> Self {
        Self { number: cseq.seq, method: cseq.method.into() }
    }
}

/// `rsip` has no word for the method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a method without a word in rsip")]
pub struct UnknownMethod;

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
        self.iter()
            .map(|(name, value)| header(name, String::from_utf8_lossy(value).into_owned()))
            .collect::<Vec<_>>()
            .into()
    }
}

fn header(name: &Name, value: String) -> rsip::Header {
    match name {
        Name::Via => untyped::Via::new(value).into(),
        Name::From => untyped::From::new(value).into(),
        Name::To => untyped::To::new(value).into(),
        Name::CallId => untyped::CallId::new(value).into(),
        Name::CSeq => untyped::CSeq::new(value).into(),
        Name::MaxForwards => untyped::MaxForwards::new(value).into(),
        Name::Contact => untyped::Contact::new(value).into(),
        Name::ContentType => untyped::ContentType::new(value).into(),
        Name::ContentLength => untyped::ContentLength::new(value).into(),
        Name::Expires => untyped::Expires::new(value).into(),
        Name::Route => untyped::Route::new(value).into(),
        Name::RecordRoute => untyped::RecordRoute::new(value).into(),
        Name::Require => untyped::Require::new(value).into(),
        Name::Supported => untyped::Supported::new(value).into(),
        Name::Allow => untyped::Allow::new(value).into(),
        Name::Accept => untyped::Accept::new(value).into(),
        other => rsip::Header::Other(other.as_str().to_owned(), value),
    }
}
