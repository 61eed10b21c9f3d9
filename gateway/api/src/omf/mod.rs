//! Federation with a messenger's server over HTTP (messengers sheet §8.2–§8.7).
//!
//! Events are spelled by the messenger's adapter; this folder knows the calls around them. Peers may be
//! newer than we are, so unknown fields are passed over here, not refused.

mod capabilities;
mod events;
mod fetch;
mod links;
mod peer;
mod status;

use axum::{extract::State, middleware, response::Response};
use http::{HeaderName, HeaderValue};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Api;

/// What a messenger's server may call.
pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    plain_routes().layer(middleware::map_response_with_state(api.clone(), credit))
}

/// The same for the description alone.
pub(crate) fn plain_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(events::take, fetch::fetch))
        .routes(routes!(fetch::acknowledge))
        .routes(routes!(status::status))
        .routes(routes!(capabilities::capabilities))
        .routes(routes!(links::start))
        .routes(routes!(links::verify))
        .routes(routes!(links::unlink))
        .routes(routes!(peer::ping))
        .routes(routes!(peer::discover))
}

const CREDIT: HeaderName = HeaderName::from_static("omf-credit");

/// How much a peer may have unanswered (§8.6).
async fn credit(State(api): State<Api>, mut response: Response) -> Response {
    let (events, octets) = api.credit();
    if let Ok(value) = HeaderValue::try_from(format!("events={events},bytes={octets}")) {
        response.headers_mut().insert(CREDIT, value);
    }
    response
}
