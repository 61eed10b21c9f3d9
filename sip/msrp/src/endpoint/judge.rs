//! May this request be taken? Two lists of questions, in the order in which they are asked: is it for a
//! session that may be reached over this connection, and does the session take it (RFC 4975 §7.3, §10).

use super::{ConnectionId, Endpoint, Security, SessionKey, states::Open};
use crate::{Method, Request, Session, Status};

/// A request and where it came.
struct Case<'a> {
    request: &'a Request,
    /// The session that our URI in it names.
    open: Option<&'a Open>,
    connection: ConnectionId,
    security: Security,
}

struct Check {
    fails: fn(&Case<'_>) -> bool,
    status: Status,
}

const fn check(fails: fn(&Case<'_>) -> bool, status: Status) -> Check {
    Check { fails, status }
}

/// Asked before the session is bound.
const ADDRESS: &[Check] = &[
    check(|case| case.request.fault.is_some(), Status::UNINTELLIGIBLE),
    // Only relays know AUTH.
    check(|case| matches!(case.request.method, Method::Auth | Method::Other(_)), Status::NOT_IMPLEMENTED),
    check(|case| case.open.is_none(), Status::NO_SESSION),
    check(is_unprotected, Status::NO_SESSION),
    check(is_elsewhere, Status::ON_ANOTHER_CONNECTION),
];

/// Asked of the session.
const CONTENT: &[Check] = &[
    check(
        |case| case.request.method == Method::Nickname && !case.agreed(|s| s.nicknames),
        Status::NOT_IMPLEMENTED,
    ),
    check(|case| has_content(case.request) && !case.agreed(|s| s.receives), Status::FORBIDDEN),
    check(|case| !takes_type(case), Status::MEDIA_TYPE),
    check(is_announced_too_large, Status::STOP_SENDING),
];

impl Case<'_> {
    fn agreed(&self, what: impl Fn(&Session) -> bool) -> bool {
        self.open.is_some_and(|open| what(&open.session))
    }
}

impl Endpoint {
    /// Whose request is it? The session may be bound then.
    pub(super) fn judge_address(
        &self,
        connection: ConnectionId,
        request: &Request,
    ) -> Result<SessionKey, Status> {
        let found = self.addressed(request);
        self.ask(ADDRESS, connection, request, found)?;
        found.ok_or(Status::NO_SESSION)
    }

    /// Does the session take it?
    pub(super) fn judge_content(
        &self,
        connection: ConnectionId,
        request: &Request,
        session: SessionKey,
    ) -> Result<(), Status> {
        self.ask(CONTENT, connection, request, Some(session))
    }

    fn ask(
        &self,
        checks: &[Check],
        connection: ConnectionId,
        request: &Request,
        session: Option<SessionKey>,
    ) -> Result<(), Status> {
        let open = session.and_then(|session| self.sessions.get(&session));
        let security = self.connections.get(&connection).map_or(Security::Plain, |one| one.security);
        let case = Case { request, open, connection, security };
        checks.iter().find(|check| (check.fails)(&case)).map_or(Ok(()), |check| Err(check.status))
    }

    /// We are the last hop, or it is not for us.
    fn addressed(&self, request: &Request) -> Option<SessionKey> {
        let [local] = request.to_path.hops() else { return None };
        let key = *self.ids.get(local.session_id()?)?;
        self.sessions.get(&key).is_some_and(|open| open.session.is_local(local)).then_some(key)
    }
}

fn is_unprotected(case: &Case<'_>) -> bool {
    case.agreed(|session| session.local.is_secure()) && case.security == Security::Plain
}

fn is_elsewhere(case: &Case<'_>) -> bool {
    case.open.and_then(|open| open.connection).is_some_and(|bound| bound != case.connection)
}

/// An empty request has none: it is taken in every session.
pub(super) fn has_content(request: &Request) -> bool {
    request.method == Method::Send && request.content_type.is_some()
}

fn takes_type(case: &Case<'_>) -> bool {
    match &case.request.content_type {
        Some(content_type) if has_content(case.request) => case.agreed(|s| s.accepts.takes(content_type)),
        _ => true,
    }
}

fn is_announced_too_large(case: &Case<'_>) -> bool {
    let total = case.request.byte_range.and_then(|range| range.total);
    has_content(case.request) && total.is_some_and(|total| case.agreed(|s| total > s.octets_max as u64))
}
