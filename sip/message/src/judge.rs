//! What a request is refused for before anybody looks who sent it (RFC 3261 §8.2): method, scheme, extensions, content,
//! hops. One verdict for each request, in the order of the RFC.

use smallvec::SmallVec;

use crate::fault::{Fault, Malformed};
use crate::headers::HeaderValue;
use crate::message::{Request, Response};
use crate::method::Method;
use crate::name::Name;
use crate::status::StatusCode;
use crate::uri::Scheme;
use crate::values::{ContentDisposition, MediaRange, MediaType, Value, in_range};

/// What this element can do.
#[derive(Debug, Clone, Copy)]
pub struct Served<'a> {
    /// Methods that are answered with something else than 405 and 501. ACK and CANCEL belong in it.
    pub methods: &'a [Method],
    /// Option tags that may be required.
    pub extensions: &'a [&'a str],
    /// Types of bodies that are read: `type/subtype` or `type/*`, lower case.
    pub media: &'a [&'a str],
    /// Types that an answer to INVITE may have.
    pub answers: &'a [&'a str],
    /// Whether the request would travel on from here, so that it needs a hop.
    pub forwards: bool,
}

/// Why a request is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The answer's status.
    pub status: StatusCode,
    /// What the answer says besides.
    header: Option<(Name, HeaderValue)>,
    /// Another phrase than the usual one.
    fault: Option<Fault>,
    /// An ACK is never answered: drop it.
    pub silent: bool,
}

impl Objection {
    fn new(status: StatusCode) -> Self {
        Self { status, header: None, fault: None, silent: false }
    }

    fn fault(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::new(fault.status()) }
    }

    fn with(mut self, name: Name, value: String) -> Self {
        self.header = Some((name, HeaderValue::from(value)));
        self
    }

    /// The answer.
    #[must_use]
    pub fn response(&self, request: &Request, to_tag: &str) -> Response {
        let mut response = request.response(self.status, Some(to_tag));
        if let Some((name, value)) = &self.header {
            response.headers.push(name.clone(), value.clone());
        }
        if let Some(fault) = self.fault {
            response.set_reason(&fault.phrase());
        }
        response
    }
}

/// Judges a request by what it says alone.
///
/// # Errors
/// [`Objection`], which makes the answer.
pub fn judge(request: &Request, served: &Served<'_>) -> Result<(), Objection> {
    let verdict = method(request, served)
        .and_then(|()| scheme(request))
        .and_then(|()| extensions(request, served))
        .and_then(|()| content(request, served))
        .and_then(|()| acceptable(request, served))
        .and_then(|()| hops(request, served));
    verdict.map_err(|objection| Objection { silent: request.method == Method::ACK, ..objection })
}

/// §8.2.1.
fn method(request: &Request, served: &Served<'_>) -> Result<(), Objection> {
    if served.methods.contains(&request.method) {
        return Ok(());
    }
    let status = match request.method {
        Method::Known(_) => StatusCode::METHOD_NOT_ALLOWED,
        Method::Other(_) => StatusCode::NOT_IMPLEMENTED,
    };
    let methods: Vec<&str> = served.methods.iter().map(Method::as_str).collect();
    Err(Objection::new(status).with(Name::Allow, methods.join(", ")))
}

/// §8.2.2.1; for REGISTER also whom it registers (RFC 4475 §3.3.4).
fn scheme(request: &Request) -> Result<(), Objection> {
    if request.uri.scheme() == Scheme::Other {
        return Err(Objection::new(StatusCode::UNSUPPORTED_URI_SCHEME));
    }
    if request.method == Method::REGISTER && request.to().is_none_or(|to| to.uri.scheme() == Scheme::Other) {
        return Err(Objection::fault(Fault::Malformed(Name::To.label(), Malformed::Uri)));
    }
    Ok(())
}

/// §8.2.2.3. Not for ACK and CANCEL.
fn extensions(request: &Request, served: &Served<'_>) -> Result<(), Objection> {
    if matches!(request.method, Method::ACK | Method::CANCEL) {
        return Ok(());
    }
    let known = |tag: &&str| served.extensions.iter().any(|served| served.eq_ignore_ascii_case(tag));
    let required = request.headers.tokens(Name::Require).chain(request.headers.tokens(Name::ProxyRequire));
    let unknown: SmallVec<[&str; 4]> = required.filter(|tag| !known(tag)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Objection::new(StatusCode::BAD_EXTENSION).with(Name::Unsupported, unknown.join(", ")))
}

/// §8.2.3.
fn content(request: &Request, served: &Served<'_>) -> Result<(), Objection> {
    if request.body.is_empty() || matches!(request.method, Method::ACK | Method::CANCEL) {
        return Ok(());
    }
    let headers = &request.headers;
    if headers.tokens(Name::ContentEncoding).any(|coding| !coding.eq_ignore_ascii_case("identity")) {
        let objection = Objection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        return Err(objection.with(Name::AcceptEncoding, "identity".into()));
    }
    if matches!(headers.typed::<ContentDisposition<'_>>(), Some(Ok(disposition)) if disposition.optional) {
        return Ok(());
    }
    let Some(media) = headers.get(Name::ContentType) else {
        return Err(Objection::fault(Fault::Missing(Name::ContentType.label())));
    };
    let media = MediaType::parse(media)
        .map_err(|what| Objection::fault(Fault::Malformed(Name::ContentType.label(), what)))?;
    if served.media.iter().any(|range| in_range(range, media.essence)) {
        return Ok(());
    }
    Err(Objection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).with(Name::Accept, served.media.join(", ")))
}

/// §20.1: an INVITE that takes nothing of what we could answer with.
fn acceptable(request: &Request, served: &Served<'_>) -> Result<(), Objection> {
    if request.method != Method::INVITE || !request.headers.contains(Name::Accept) {
        return Ok(());
    }
    let takes = |range: MediaRange<'_>| served.answers.iter().any(|answer| range.matches(answer));
    if request.headers.each::<MediaRange<'_>>().filter_map(Result::ok).any(takes) {
        return Ok(());
    }
    Err(Objection::new(StatusCode::NOT_ACCEPTABLE))
}

/// §16.3: OPTIONS is answered by who gets it, the others need a hop to go on.
fn hops(request: &Request, served: &Served<'_>) -> Result<(), Objection> {
    if served.forwards && request.method != Method::OPTIONS && request.headers.max_forwards() == Some(0) {
        return Err(Objection::new(StatusCode::TOO_MANY_HOPS));
    }
    Ok(())
}
