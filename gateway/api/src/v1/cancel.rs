//! `DELETE /v1/messages/{id}`: withdraw a message that was not handed on yet.

use axum::{Json, extract::State};
use model::{Answer, Cause, Command, Disposition};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ask, ladder, show};
use crate::{
    Api, Problem,
    caller::Caller,
    openapi::{ProblemBody, ProblemDetails},
    query::Segment,
};

/// The message was withdrawn.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cancelled {
    id: String,
    #[schema(value_type = String, example = "cancelled")]
    status: &'static str,
}

/// Withdraw a message.
#[utoipa::path(
    delete,
    path = "/v1/messages/{id}",
    tag = "messages",
    params(("id" = String, Path, description = "The id of the message")),
    responses(
        (status = 200, description = "Withdrawn, now or before", body = Cancelled),
        (status = 404, description = "Never accepted, or not this account's", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It was handed on already", body = ProblemBody, content_type = "application/problem+json"),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn cancel(
    State(api): State<Api>,
    Caller(account): Caller,
    Segment(id): Segment,
) -> Result<Json<Cancelled>, Problem> {
    let message = id.parse().map_err(|_| show::not_found())?;
    let cancelled = || Json(Cancelled { id: id.clone(), status: Disposition::Cancelled.as_str() });
    match ask::command(&api, Command::Cancel { origin: account.channel, message }).await? {
        Answer::Done | Answer::Count(1..) => Ok(cancelled()),
        Answer::NotOpen => {
            // It ended, or never was: the store knows. Withdrawing twice is withdrawing once.
            let (_, history) = show::history(&api, &id, Some(account.channel)).await?;
            match ladder::standing(&history).0 {
                Disposition::Cancelled => Ok(cancelled()),
                _ => Err(Problem::of(Cause::TooLate)),
            }
        }
        Answer::Refused(refusal) => Err(refusal.into()),
        other => Err(ask::unexpected(&other)),
    }
}
