//! Problem details (RFC 9457): the one way this room says no.
//!
//! A problem names fields and limits, never what a caller put into them: answers end up in other people's
//! logs.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use model::{Cause, Refusal, Retry};
use serde::{Serialize, ser::SerializeMap};
use store::StoreError;

/// What went wrong, for a machine and for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    /// The last part of the type URI; stable.
    code: &'static str,
    title: &'static str,
    /// The rest of the request will not be read.
    close: bool,
    more: Option<Box<More>>,
}

/// What not every problem has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct More {
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    retry_after_secs: Option<u64>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// One field that is wrong (RFC 9457 §3, the example's `errors`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// A JSON pointer as a URI fragment, e.g. `#/data/octets`.
    pub pointer: String,
    pub detail: Cow<'static, str>,
}

const TYPE_PREFIX: &str = "urn:gateway:problem:";

impl Problem {
    /// A problem that is not a [`Cause`]: something about HTTP itself.
    #[must_use]
    pub const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self { status, code, title, close: false, more: None }
    }

    /// A refusal of the gateway in HTTP's words.
    #[must_use]
    pub fn of(cause: Cause) -> Self {
        let problem = Self::new(status_of(cause), cause.code(), cause.text());
        match retry_after_secs(cause) {
            Some(secs) => problem.retry_after(secs),
            None => problem,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut More)) -> Self {
        change(self.more.get_or_insert_default());
        self
    }

    #[must_use]
    pub fn detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.with(|more| more.detail = Some(detail.into()))
    }

    #[must_use]
    pub fn errors(self, errors: Vec<FieldError>) -> Self {
        self.with(|more| more.errors = errors)
    }

    /// One field is wrong.
    #[must_use]
    pub fn field(pointer: &str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::unprocessable().errors(vec![FieldError { pointer: pointer.to_owned(), detail: detail.into() }])
    }

    #[must_use]
    pub fn retry_after(self, secs: u64) -> Self {
        self.with(|more| more.retry_after_secs = Some(secs))
    }

    #[must_use]
    pub fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.with(|more| more.header = Some((name, value)))
    }

    /// The rest of the request will not be read.
    #[must_use]
    pub const fn close(mut self) -> Self {
        self.close = true;
        self
    }

    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Understood as JSON, but not as what belongs here.
    #[must_use]
    pub const fn unprocessable() -> Self {
        let cause = Cause::Malformed;
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, cause.code(), cause.text())
    }

    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "the call carries no valid key")
            .detail("send the account's API key as `Authorization: Bearer KEY`")
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    #[must_use]
    pub const fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no_such_path", "there is nothing at this path")
    }

    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path does not know the method")
    }

    #[must_use]
    pub fn too_large(octets_max: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is too large")
            .detail(format!("at most {octets_max} octets are taken here"))
            .close()
    }

    #[must_use]
    pub fn batch_too_long(messages_max: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "batch_too_long", "the batch has too many messages")
            .detail(format!("at most {messages_max} are taken at once; none was taken"))
    }

    #[must_use]
    pub fn unsupported_media_type(wanted: &'static str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "the content type is not taken here",
        )
        .detail(wanted)
    }

    #[must_use]
    pub fn body_too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body did not arrive in time").close()
    }

    /// The commit took too long. Whether it took place is open, and the caller is told how to find out.
    #[must_use]
    pub fn answer_late() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "answer_late", "the gateway could not answer in time")
            .detail("it may have been taken all the same; ask again with the same Idempotency-Key to be sure")
            .retry_after(2)
    }

    /// Our own fault, without details.
    #[must_use]
    pub fn internal() -> Self {
        Self::of(Cause::Internal)
    }
}

/// Cause to status: the only place that says so.
#[must_use]
pub const fn status_of(cause: Cause) -> StatusCode {
    match cause {
        Cause::Malformed => StatusCode::BAD_REQUEST,
        Cause::BadDestination
        | Cause::BadSender
        | Cause::NoRoute
        | Cause::TooLong
        | Cause::Unencodable
        | Cause::Expired
        | Cause::UnknownSubscriber
        | Cause::WrongCode => StatusCode::UNPROCESSABLE_ENTITY,
        Cause::SenderNotRegistered
        | Cause::OptedOut
        | Cause::AdvertisingRule
        | Cause::QuietHours
        | Cause::Policy => StatusCode::FORBIDDEN,
        Cause::NotFound => StatusCode::NOT_FOUND,
        Cause::IdReuse | Cause::TooLate | Cause::Cancelled => StatusCode::CONFLICT,
        Cause::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Cause::QueueFull
        | Cause::StoreUnavailable
        | Cause::Draining
        | Cause::Unreachable
        | Cause::LinkDown
        | Cause::NetworkFailure => StatusCode::SERVICE_UNAVAILABLE,
        Cause::NetworkRefused | Cause::AnswerLost | Cause::AttemptsExhausted => StatusCode::BAD_GATEWAY,
        Cause::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// How long a caller should wait where waiting helps.
const fn retry_after_secs(cause: Cause) -> Option<u64> {
    match cause {
        Cause::Throttled => Some(1),
        Cause::QueueFull => Some(2),
        Cause::StoreUnavailable | Cause::LinkDown | Cause::NetworkFailure => Some(5),
        Cause::Draining => Some(10),
        Cause::Unreachable => Some(60),
        _ => None,
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = Self::of(refusal.cause);
        match refusal.retry {
            Retry::After(wait) => {
                problem.retry_after(wait.as_millis().div_ceil(1_000).clamp(1, 86_400) as u64)
            }
            _ => problem,
        }
    }
}

impl From<StoreError> for Problem {
    /// Reading failed. What exactly is the operator's business.
    fn from(error: StoreError) -> Self {
        if !error.is_transient() {
            tracing::error!(%error, "reading the store failed");
        }
        Self::of(Cause::StoreUnavailable)
    }
}

impl Serialize for Problem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("{TYPE_PREFIX}{}", self.code))?;
        map.serialize_entry("title", self.title)?;
        map.serialize_entry("status", &self.status.as_u16())?;
        if let Some(more) = &self.more {
            if let Some(detail) = &more.detail {
                map.serialize_entry("detail", detail)?;
            }
            if !more.errors.is_empty() {
                map.serialize_entry("errors", &more.errors)?;
            }
            if let Some(secs) = more.retry_after_secs {
                map.serialize_entry("retry_after_s", &secs)?;
            }
        }
        map.end()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let more = self.more.map(|more| *more).unwrap_or_default();
        if let Some(secs) = more.retry_after_secs {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        if let Some((name, value)) = more.header {
            headers.insert(name, value);
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use model::{Duration, Party};

    use super::*;

    #[test]
    fn every_cause_has_its_own_type_and_an_error_status() {
        for &cause in Cause::ALL {
            let problem = Problem::of(cause);
            assert!(problem.status().is_client_error() || problem.status().is_server_error(), "{cause:?}");
            let json = serde_json::to_value(&problem).unwrap();
            assert_eq!(json["type"], format!("urn:gateway:problem:{}", cause.code()));
            assert_eq!(json["status"], problem.status().as_u16());
        }
    }

    #[test]
    fn only_our_own_fault_is_a_500() {
        let faults: Vec<_> =
            Cause::ALL.iter().filter(|&&c| status_of(c) == StatusCode::INTERNAL_SERVER_ERROR).collect();
        assert_eq!(faults, [&Cause::Internal]);
    }

    #[test]
    fn whoever_is_told_to_come_again_is_told_when() {
        for &cause in Cause::ALL {
            let status = status_of(cause);
            if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
                assert!(
                    Problem::of(cause).into_response().headers().contains_key(header::RETRY_AFTER),
                    "{cause:?}"
                );
            }
        }
        let refusal = Refusal {
            by: Party::Gateway,
            cause: Cause::Throttled,
            retry: Retry::After(Duration::from_millis(2_100)),
            code: 0,
        };
        assert_eq!(Problem::from(refusal).into_response().headers()[header::RETRY_AFTER], "3");
    }
}
