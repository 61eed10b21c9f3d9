//! Our own federation, JSON profile: how the operator's messenger and the gateway talk as peers
//! (messengers sheet §8.4–§8.7).
//!
//! Both sides send `{"events":[…]}` and answer with one result per event. An event's id is its
//! idempotency key, so no call does harm when it is repeated. Unknown fields and unknown kinds are
//! ignored unless the event names them in `must`.

mod decode;
mod encode;
mod envelope;
mod error_class;
mod results;
mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use kit::{HookError, HttpAdapter, HttpInbound, Taken};
use model::{For, Outcome, Outgoing, Refusal, Retry, Timestamp};
use sha2::{Digest, Sha256};

pub use decode::Item;
pub use envelope::Party;
pub use error_class::ErrorClass;

use crate::{Account, Credential, Messenger};

/// The line in the list of messengers.
pub const MESSENGER: Messenger = Messenger {
    kind: "webhook",
    about: "a messenger that speaks our federation API over HTTP with JSON",
    build: |account| Arc::new(Webhook::new(account)),
};

/// Events in one call.
pub const BATCH_EVENTS_MAX: usize = 100;
/// Octets of one call's body.
pub const BATCH_OCTETS_MAX: usize = 1 << 20;
/// Octets of one text in NFC.
pub const TEXT_OCTETS_MAX: usize = 16_384;
/// Octets of an event's id.
pub const ID_OCTETS_MAX: usize = 64;
/// Recipients of one event.
pub const RECIPIENTS_MAX: usize = 100;
/// Items one call may become: events times their recipients or the messages they are about.
pub const ITEMS_MAX: usize = 1_000;

/// One messenger account that speaks the JSON profile.
#[derive(Debug)]
pub struct Webhook {
    account: Account,
}

impl Webhook {
    #[must_use]
    pub const fn new(account: Account) -> Self {
        Self { account }
    }

    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Whether the messenger's server made this call: one of the account's credentials must fit.
    ///
    /// # Errors
    /// 401, with what was wrong.
    pub fn authenticate(&self, now: Timestamp, call: &Request<Bytes>) -> Result<(), HookError> {
        let mut why = "credentials are needed".to_owned();
        for credential in &self.account.credentials {
            match credential {
                Credential::Bearer(digest) => {
                    let token = call
                        .headers()
                        .get(header::AUTHORIZATION)
                        .and_then(|value| value.to_str().ok())
                        .and_then(|value| value.split_once(' '))
                        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
                    if token.is_some_and(|(_, token)| digest.matches(token.trim())) {
                        return Ok(());
                    }
                    if token.is_some() {
                        "the bearer token does not fit".clone_into(&mut why);
                    }
                }
                Credential::Signature(secret) => match secret.verify(now, call.headers(), call.body()) {
                    Ok(()) => return Ok(()),
                    Err(error) => why = error.to_string(),
                },
            }
        }
        Err(HookError { status: StatusCode::UNAUTHORIZED, code: "unauthorized", detail: why })
    }

    /// Reads `POST /omf/v1/events`: as [`HttpAdapter::decode`], with the sender's id beside each item. An
    /// event with several recipients, or about several messages, becomes several items.
    ///
    /// # Errors
    /// What to answer when the call cannot be taken at all.
    pub fn read(&self, now: Timestamp, call: &Request<Bytes>) -> Result<Vec<Item>, HookError> {
        self.authenticate(now, call)?;
        decode::batch(&self.account, now, call.body())
    }

    /// One outgoing item as an event, for pushing or for a page of a pull.
    ///
    /// # Errors
    /// A refusal when it has no spelling here.
    pub fn event(&self, now: Timestamp, outgoing: &Outgoing) -> Result<String, Refusal> {
        encode::event(&self.account, now, outgoing)
    }
}

impl HttpAdapter for Webhook {
    fn decode(&self, now: Timestamp, call: &Request<Bytes>) -> Result<Vec<HttpInbound>, HookError> {
        Ok(self.read(now, call)?.into_iter().map(|item| item.inbound).collect())
    }

    fn reply(&self, answers: &[Taken]) -> Response<Bytes> {
        results::reply(answers)
    }

    fn encode(&self, now: Timestamp, batch: &[Outgoing]) -> Result<Request<Bytes>, Refusal> {
        let (Some(url), Some(secret)) = (&self.account.push_url, &self.account.push_secret) else {
            return Err(Refusal { retry: Retry::Scheduled, ..Refusal::ours(model::Cause::LinkDown) });
        };
        let mut body = String::from(r#"{"events":["#);
        for (index, outgoing) in batch.iter().enumerate() {
            if index > 0 {
                body.push(',');
            }
            body.push_str(&self.event(now, outgoing)?);
        }
        body.push_str("]}");
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.clone();
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        // The same batch sent again has the same id, as the specification of the signature asks.
        let id = format!("msg_{:.32}", hex(&Sha256::digest(request.body())));
        let mut headers = std::mem::take(request.headers_mut());
        secret.sign(now, &id, request.body(), &mut headers);
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn outcomes(&self, batch: &[Outgoing], response: &Response<Bytes>) -> Vec<Outcome> {
        results::outcomes(batch, response)
    }
}

/// A JSON answer.
fn json(status: StatusCode, body: &impl serde::Serialize) -> Response<Bytes> {
    let (status, body) = match serde_json::to_vec(body) {
        Ok(body) => (status, body),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Addresses are shown to the peer that delivers to them.
const SHOWN: For = For::Signalling;
