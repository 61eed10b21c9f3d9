//! `GET /omf/v1/events` and `POST /omf/v1/acks`: for messengers that cannot be called (§8.5).

#![expect(unused_qualifications, reason = "written by the macros that describe this endpoint")]

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use model::{Cause, Duration};
use serde::Deserialize;
use smol_str::SmolStr;
use utoipa::{IntoParams, ToSchema};

use crate::{Api, Page, Problem, Pull, PullError, caller::PeerCall, openapi::ProblemDetails, query::Query};

/// Where to go on, and for how long to wait for news.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// `next` of the page before; from the oldest event that was not acknowledged without it.
    #[param(value_type = Option<String>)]
    cursor: Option<SmolStr>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Seconds to wait while there is nothing.
    #[param(minimum = 0, maximum = 60, default = 0)]
    wait_s: Option<u64>,
}

const LIMIT_DEFAULT: u32 = 100;
const CURSOR_OCTETS_MAX: usize = 256;

/// Fetch events for this messenger.
#[utoipa::path(
    get,
    path = "/omf/v1/events",
    tag = "federation",
    params(Wanted),
    responses(
        (status = 200, description = "`{\"events\": […], \"next\": \"…\"}`", body = Object),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn fetch(
    State(api): State<Api>,
    Query(wanted): Query<Wanted>,
    PeerCall { peer, .. }: PeerCall,
) -> Result<Response, Problem> {
    let pull = offered(peer.pull.as_deref())?;
    let limit = api.page_items(wanted.limit, LIMIT_DEFAULT)? as usize;
    let wait = Duration::from_secs(wanted.wait_s.unwrap_or(0)).min(api.services.limits.pull_wait_max);
    let cursor = wanted.cursor.as_deref();
    if cursor.is_some_and(|cursor| cursor.len() > CURSOR_OCTETS_MAX) {
        return Err(refused(PullError::BadCursor));
    }
    let page = tokio::select! {
        page = pull.page(cursor, limit, wait) => page.map_err(refused)?,
        () = api.services.stopping.cancelled() => return Err(refused(PullError::Closed)),
    };
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], spell(&page)).into_response())
}

/// The events are JSON already.
fn spell(page: &Page) -> Vec<u8> {
    let octets: usize = page.events.iter().map(|event| event.len() + 1).sum();
    let mut json = Vec::with_capacity(octets + page.next.len() + 32);
    json.extend_from_slice(b"{\"events\":[");
    for (index, event) in page.events.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        json.extend_from_slice(event);
    }
    json.extend_from_slice(b"],\"next\":");
    json.extend_from_slice(serde_json::Value::from(page.next.as_str()).to_string().as_bytes());
    json.push(b'}');
    json
}

/// How far the messenger has got.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Ack {
    cursor: String,
}

/// Let the gateway drop what has arrived.
#[utoipa::path(
    post,
    path = "/omf/v1/acks",
    tag = "federation",
    request_body = Ack,
    responses(
        (status = 200, description = "Everything up to the cursor may be dropped", body = Object),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn acknowledge(from: PeerCall) -> Result<Json<serde_json::Value>, Problem> {
    let pull = offered(from.peer.pull.as_deref())?;
    let ack: Ack = from.json()?;
    if ack.cursor.len() > CURSOR_OCTETS_MAX {
        return Err(refused(PullError::BadCursor));
    }
    pull.ack(&ack.cursor).map_err(refused)?;
    Ok(Json(serde_json::json!({})))
}

fn offered(pull: Option<&dyn Pull>) -> Result<&dyn Pull, Problem> {
    pull.ok_or_else(|| refused(PullError::NotOffered))
}

fn refused(error: PullError) -> Problem {
    match error {
        PullError::BadCursor => {
            Problem::of(Cause::Malformed).detail("the cursor is not one that was given out")
        }
        PullError::NotOffered => Problem::new(
            StatusCode::CONFLICT,
            "pull_not_offered",
            "events for this messenger are pushed to it",
        ),
        PullError::Closed => Problem::of(Cause::Draining),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_json_whatever_the_cursor_holds() {
        let page = Page { events: vec!["{\"id\":1}".into(), "{\"id\":2}".into()], next: "a\"b".to_owned() };
        let json: serde_json::Value = serde_json::from_slice(&spell(&page)).unwrap();
        assert_eq!(json, serde_json::json!({"events": [{"id": 1}, {"id": 2}], "next": "a\"b"}));
        let empty: serde_json::Value = serde_json::from_slice(&spell(&Page::default())).unwrap();
        assert_eq!(empty, serde_json::json!({"events": [], "next": ""}));
    }
}
