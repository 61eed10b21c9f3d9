//! Route sets (RFC 3261 §12.1, §12.2.1.1).

use bytes::Bytes;
use sip_message::{HeaderValue, Headers, Name, NameAddr, Uri};

/// Proxies that a dialog goes through.
pub(super) const ROUTES_MAX: usize = 16;

/// The proxies that want to see every request, nearest first, as they wrote themselves.
#[derive(Clone, Default)]
pub(super) struct Routes(Vec<HeaderValue>);

impl Routes {
    /// For the callee: as the request has them. `None` when there are too many.
    pub(super) fn in_order(headers: &Headers) -> Option<Self> {
        let routes: Vec<HeaderValue> = headers
            .list(Name::RecordRoute)
            .take(ROUTES_MAX + 1)
            .map(|route| HeaderValue::from(Bytes::copy_from_slice(route)))
            .collect();
        (routes.len() <= ROUTES_MAX).then_some(Self(routes))
    }

    /// For the caller: the other way round.
    pub(super) fn reversed(headers: &Headers) -> Option<Self> {
        let mut routes = Self::in_order(headers)?;
        routes.0.reverse();
        Some(routes)
    }

    /// Request-URI and Route values of a request to `target`. A first proxy without `lr` is a strict router: it gets
    /// its own URI in the request line, and the target comes last.
    pub(super) fn towards(&self, target: &Uri) -> (Uri, Vec<HeaderValue>) {
        let first = self.0.first().and_then(|route| NameAddr::parse_with(route.as_bytes(), true).ok());
        match first {
            Some(first) if !first.uri.params().has("lr") => {
                let mut routes: Vec<HeaderValue> = self.0.iter().skip(1).cloned().collect();
                routes.push(HeaderValue::display(format_args!("<{target}>")));
                (first.uri.to_uri(), routes)
            }
            _ => (target.clone(), self.0.clone()),
        }
    }
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.len())
    }
}
