//! Who calls: an account by its API key, a messenger by its token, an operator by theirs.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts};
use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, header, request::Parts};
use kit::HookError;
use serde::de::DeserializeOwned;

use crate::{Account, Api, KeyHash, Messenger, Problem, body};

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
        // A key that is shown from elsewhere is answered as if nobody had it.
        let account = api.services.directory.account(&key);
        let account = account.filter(|account| account.access.admits(&parts.extensions));
        account.map(Self).ok_or_else(Problem::unauthorized)
    }
}

/// A call of an authenticated messenger, with its body.
pub(crate) struct PeerCall {
    pub(crate) peer: Arc<Messenger>,
    pub(crate) call: Request<Bytes>,
}

impl PeerCall {
    /// The body as JSON. Peers may be newer than we are: unknown fields are passed over.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        body::parse_of_peer(self.call.headers(), self.call.body())
    }
}

impl FromRequest<Api> for PeerCall {
    type Rejection = Problem;

    async fn from_request(request: axum::extract::Request, api: &Api) -> Result<Self, Problem> {
        let limits = &api.services.limits;
        let claimed = claimed_peer(api, request.headers(), request.extensions())?;
        let (head, payload) = request.into_parts();
        let octets = body::read(&head.headers, payload, limits.body_octets_max, limits.body_timeout).await?;
        let call = Request::from_parts(head, octets);
        match claimed {
            Claimed::Proven(peer) => Ok(Self { peer, call }),
            Claimed::Named(peer) => {
                peer.adapter.authenticate((api.services.now)(), &call).map_err(refused_hook)?;
                Ok(Self { peer, call })
            }
        }
    }
}

/// Who a messenger says it is.
pub(crate) enum Claimed {
    /// It showed the token.
    Proven(Arc<Messenger>),
    /// It signs, which its adapter has yet to check.
    Named(Arc<Messenger>),
}

impl Claimed {
    pub(crate) const fn peer(&self) -> &Arc<Messenger> {
        match self {
            Self::Proven(peer) | Self::Named(peer) => peer,
        }
    }
}

/// Finds a messenger by its token, or by the name it signs for. From elsewhere it is not found.
pub(crate) fn claimed_peer(
    api: &Api,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Claimed, Problem> {
    let claimed = claimed(api, headers)?;
    if claimed.peer().access.admits(extensions) { Ok(claimed) } else { Err(unknown_peer()) }
}

fn claimed(api: &Api, headers: &HeaderMap) -> Result<Claimed, Problem> {
    if headers.contains_key(header::AUTHORIZATION) {
        let key = bearer(headers).ok_or_else(unknown_peer)?;
        return api.services.directory.messenger_by_key(&key).map(Claimed::Proven).ok_or_else(unknown_peer);
    }
    let name = headers.get("omf-peer").and_then(|name| name.to_str().ok()).ok_or_else(unknown_peer)?;
    api.services.directory.messenger(name).map(Claimed::Named).ok_or_else(unknown_peer)
}

/// An adapter's refusal of a whole call.
pub(crate) fn refused_hook(error: HookError) -> Problem {
    Problem::new(error.status, error.code, "the call cannot be taken").detail(error.detail)
}

fn unknown_peer() -> Problem {
    Problem::unauthorized()
        .detail("send the messenger's token as `Authorization: Bearer TOKEN`, or `omf-peer` and a signature")
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
    origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_scheme, authority)| authority)
        != host
}
