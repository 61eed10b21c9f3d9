//! `POST /v1/messages`: one message, or many as NDJSON.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use model::{Answer, MessageId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ask, batch,
    new_message::{NewMessage, key_of},
};
use crate::{
    Api, Problem, body,
    caller::Caller,
    desk::Ask,
    openapi::{ProblemBody, ProblemDetails},
};

/// The message is stored; what becomes of it is found under its link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// The id of the message, in every protocol and record.
    #[schema(value_type = String, example = "23912345678901234")]
    pub(crate) id: String,
    #[schema(value_type = String, example = "accepted")]
    pub(crate) status: &'static str,
    links: Links,
}

#[derive(Debug, Serialize, ToSchema)]
struct Links {
    /// The message and its ladder.
    #[serde(rename = "self")]
    itself: String,
}

impl Accepted {
    pub(crate) fn new(id: MessageId) -> Self {
        Self { id: id.to_string(), status: "accepted", links: Links { itself: format!("/v1/messages/{id}") } }
    }
}

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Send a message.
///
/// The answer comes after the message and its metering are stored. With `Content-Type:
/// application/x-ndjson` the body holds one message per line, and the answer one line per message, in
/// order.
#[utoipa::path(
    post,
    path = "/v1/messages",
    tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Sending again with the same key and body gives the first answer again. \
                       In a batch the key of a line is this one, `#` and the number of the line.")),
    request_body(content(
        (NewMessage = "application/json"),
        (NewMessage = "application/x-ndjson"),
    )),
    responses(
        (status = 202, description = "Stored", body = Accepted,
            headers(("Idempotent-Replayed" = bool, description = "The message was sent before"))),
        (status = 200, description = "A batch: one line for each line that came, in order", body = batch::Line,
            content_type = "application/x-ndjson"),
        (status = 429, description = "More messages a second than the account may send: none was taken",
            body = ProblemBody, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds until it is worth sending again"))),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn submit(
    State(api): State<Api>,
    Caller(account): Caller,
    request: Request,
) -> Result<Response, Problem> {
    ask::open(&api)?;
    let (head, payload) = request.into_parts();
    let media_type = body::media_type(&head.headers);
    if media_type.as_deref().is_some_and(batch::is_batch) {
        return batch::submit(&api, &account, &head.headers, payload).await;
    }
    if !body::is_json(media_type.as_deref()) {
        return Err(Problem::unsupported_media_type(
            "send `Content-Type: application/json`, or `application/x-ndjson` for a batch",
        ));
    }
    let limits = &api.services.limits;
    let now = (api.services.now)();
    account.access.take(now, 1)?;
    let octets = body::read(&head.headers, payload, limits.body_octets_max, limits.body_timeout).await?;
    let key = key_of(&head.headers)?;
    let message = body::parse::<NewMessage>(&octets)?.with_key(|| key);
    let submission = message.submission(&account, now)?;
    match api.desk.ask_one(Ask::Submit(Arc::new(submission)), limits.answer_timeout).await {
        Ok(Answer::Accepted(id)) => Ok(accepted(id, false)),
        Ok(Answer::Duplicate(id)) => Ok(accepted(id, true)),
        Ok(Answer::Refused(refusal)) => Err(refusal.into()),
        Ok(other) => Err(ask::unexpected(&other)),
        Err(missing) => Err(ask::missing(missing)),
    }
}

fn accepted(id: MessageId, replayed: bool) -> Response {
    let accepted = Accepted::new(id);
    let location = HeaderValue::from_str(&accepted.links.itself);
    let mut response = (StatusCode::ACCEPTED, axum::Json(accepted)).into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
