//! Who calls: an account by its API key, a messenger by its token, an operator by theirs.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};

use crate::{Account, Api, KeyHash, Messenger, Problem};

/// The hash of the key after `Bearer` (RFC 6750 §2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<KeyHash> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then(|| KeyHash::of(key.as_bytes()))
}

/// An authenticated account. Handlers see nothing of other accounts.
pub(crate) struct Caller(pub(crate) Arc<Account>);

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let key = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
        api.services.directory.account(&key).map(Self).ok_or_else(Problem::unauthorized)
    }
}

/// An authenticated messenger.
pub(crate) struct Peer(pub(crate) Arc<Messenger>);

impl FromRequestParts<Api> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let key = bearer(&parts.headers).ok_or_else(unknown_peer)?;
        api.services.directory.messenger_by_key(&key).map(Self).ok_or_else(unknown_peer)
    }
}

/// A messenger that its adapter has yet to authenticate: by token, or by the name it signs for.
pub(crate) fn claimed_peer(api: &Api, headers: &HeaderMap) -> Result<Arc<Messenger>, Problem> {
    if headers.contains_key(header::AUTHORIZATION) {
        let key = bearer(headers).ok_or_else(unknown_peer)?;
        return api.services.directory.messenger_by_key(&key).ok_or_else(unknown_peer);
    }
    let name = headers.get("omf-peer").and_then(|name| name.to_str().ok()).ok_or_else(unknown_peer)?;
    api.services.directory.messenger(name).ok_or_else(unknown_peer)
}

fn unknown_peer() -> Problem {
    Problem::unauthorized().detail("send the messenger's token as `Authorization: Bearer TOKEN`")
}

/// Somebody who may use the management listener.
pub(crate) struct Operator;

impl FromRequestParts<Api> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        if !parts.method.is_safe() && foreign_origin(&parts.headers) {
            return Err(Problem::of(model::Cause::Policy).detail("calls from other web sites are refused"));
        }
        let operators = &api.services.operators;
        if operators.is_empty() {
            return Ok(Self);
        }
        let key = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
        // Every key is looked at, so that the time tells nothing.
        let known = operators.iter().fold(false, |known, operator| (*operator == key) | known);
        if known { Ok(Self) } else { Err(Problem::unauthorized()) }
    }
}

/// A browser says where a script comes from; one from elsewhere must not steer the gateway through the
/// browser of an operator, whose machine may reach a listener that is open to whoever reaches it.
fn foreign_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_scheme, authority)| authority) != host
}
