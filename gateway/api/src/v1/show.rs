//! `GET /v1/messages/{id}`: a message with its ladder.

use axum::{Json, extract::State};
use engine::journal::Entry;
use model::{Cause, ChannelId, MessageId};

use super::ladder::{self, Message};
use crate::{
    Api, Problem,
    caller::{Caller, Operator},
    openapi::{ProblemBody, ProblemDetails},
    query::Segment,
};

/// Where a message stands, and everything that happened to it.
#[utoipa::path(
    get,
    path = "/v1/messages/{id}",
    tag = "messages",
    params(("id" = String, Path, description = "The id of the message")),
    responses(
        (status = 200, body = Message),
        (status = 404, description = "Never accepted, purged, or not this account's", body = ProblemBody, content_type = "application/problem+json"),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn show(
    State(api): State<Api>,
    Caller(account): Caller,
    Segment(id): Segment,
) -> Result<Json<Message>, Problem> {
    let (_, history) = history(&api, &id, Some(account.channel)).await?;
    tell(&api, &history)
}

/// Where a message of any account stands, and everything that happened to it.
#[utoipa::path(
    get,
    path = "/v1/messages/{id}",
    tag = "messages",
    params(("id" = String, Path, description = "The id of the message")),
    responses(
        (status = 200, body = Message),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn show_to_operator(
    State(api): State<Api>,
    Operator: Operator,
    Segment(id): Segment,
) -> Result<Json<Message>, Problem> {
    let (_, history) = history(&api, &id, None).await?;
    tell(&api, &history)
}

fn tell(api: &Api, history: &[Entry]) -> Result<Json<Message>, Problem> {
    ladder::tell(history, &*api.services.directory, true).map(Json).ok_or_else(not_found)
}

/// The life of a message that `origin` may see. Others' messages do not exist (threat T60).
pub(crate) async fn history(
    api: &Api,
    id: &str,
    origin: Option<ChannelId>,
) -> Result<(MessageId, Vec<Entry>), Problem> {
    let id: MessageId = id.parse().map_err(|_| not_found())?;
    let history = api.services.store.history(id).await?.ok_or_else(not_found)?;
    if origin.is_some() && ladder::origin(&history) != origin {
        return Err(not_found());
    }
    Ok((id, history))
}

pub(crate) fn not_found() -> Problem {
    Problem::of(Cause::NotFound)
}
