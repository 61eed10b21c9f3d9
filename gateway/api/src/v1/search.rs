//! `GET /v1/messages`: messages by number and time, newest first.

#![expect(unused_qualifications, reason = "written by the macros that describe this endpoint")]

use axum::{Json, extract::State};
use futures_util::{StreamExt, TryStreamExt, stream};
use model::{MessageId, Number};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use store::Search;
use utoipa::{IntoParams, ToSchema};

use super::ladder::{self, Message};
use crate::{
    Api, Problem,
    caller::Caller,
    openapi::ProblemDetails,
    query::Query,
    spell::{Moment, number},
};

/// What to look for; everything may be left out.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Sender or recipient: a number as written or in E.164 form, or the id of a messenger user.
    #[param(value_type = Option<String>)]
    number: Option<SmolStr>,
    /// Accepted at or after.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Moment>,
    /// Accepted before.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Moment>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u32>,
    /// Only messages older than this one: `next` of the page before.
    #[param(value_type = Option<String>)]
    before: Option<SmolStr>,
}

/// A page of messages, newest first, without their ladders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    messages: Vec<Message>,
    /// Set when there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

const LIMIT_DEFAULT: u32 = 50;
/// Histories read at the same time for one page.
const READS_MAX: usize = 4;

/// Find messages.
#[utoipa::path(
    get,
    path = "/v1/messages",
    tag = "messages",
    params(Wanted),
    responses(
        (status = 200, body = Found),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn search(
    State(api): State<Api>,
    Caller(account): Caller,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Found>, Problem> {
    let before = match wanted.before {
        Some(id) => {
            Some(id.parse::<MessageId>().map_err(|_| Problem::field("#/before", "expected a message id"))?)
        }
        None => None,
    };
    let limit = api.page_items(wanted.limit, LIMIT_DEFAULT)?.min(Search::LIMIT_MAX);
    let search = Search {
        party: wanted.number.map(|written| party(&written)),
        origin: Some(account.channel),
        from: wanted.from.map(|Moment(at)| at),
        until: wanted.until.map(|Moment(at)| at),
        before,
        limit,
    };
    let ids = api.services.store.search(&search).await?;
    let next = ids.last().filter(|_| ids.len() >= limit as usize).map(ToString::to_string);
    let histories: Vec<_> =
        stream::iter(ids).map(|id| api.services.store.history(id)).buffered(READS_MAX).try_collect().await?;
    let messages = histories
        .into_iter()
        .flatten()
        // The store was asked for this account's messages only; believing it is not necessary.
        .filter(|history| ladder::origin(history) == Some(account.channel))
        .filter_map(|history| ladder::tell(&history, &*api.services.directory, false))
        .collect();
    Ok(Json(Found { messages, next }))
}

/// Digits without `+` and separators, or what was written where it is not a number.
fn party(written: &str) -> SmolStr {
    // In a query string an unescaped `+` has become a space; `Number::written` drops it.
    let written = number(&Number::written(written));
    written.strip_prefix('+').map_or_else(|| written.clone(), SmolStr::from)
}
