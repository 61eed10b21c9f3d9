//! `/omf/v1/ping` and `/.well-known/omf`: finding each other (§8.2).

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Api, Problem, caller::PeerCall, openapi::ProblemDetails};

/// What time it is here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pong {
    /// Who answers.
    peer: String,
    /// Who asked, as the gateway knows it.
    you: String,
    /// Milliseconds since 1970.
    ts: i64,
}

/// Liveness and clock offset.
#[utoipa::path(
    post,
    path = "/omf/v1/ping",
    tag = "federation",
    responses((status = 200, body = Pong), (status = "4XX", response = ProblemDetails))
)]
pub(crate) async fn ping(
    State(api): State<Api>,
    PeerCall { peer, .. }: PeerCall,
) -> Result<Json<Pong>, Problem> {
    let ts = (api.services.now)().millis();
    Ok(Json(Pong { peer: name(&api), you: peer.name.to_string(), ts }))
}

/// What the gateway offers to messengers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Offer {
    peer: String,
    #[schema(value_type = Vec<String>)]
    versions: [&'static str; 1],
    /// Where the calls are; relative to this document where the gateway does not know its public name.
    base: String,
    limits: OfferLimits,
    #[schema(value_type = Vec<String>)]
    features: [&'static str; 4],
    #[schema(value_type = Vec<String>)]
    kinds: [&'static str; 2],
}

#[derive(Debug, Serialize, ToSchema)]
struct OfferLimits {
    batch_events: usize,
    batch_bytes: usize,
    text_bytes: usize,
}

const TEXT_OCTETS_MAX: usize = 16_384;

/// Versions, limits and features.
#[utoipa::path(
    get,
    path = "/.well-known/omf",
    tag = "federation",
    security(()),
    responses((status = 200, body = Offer))
)]
pub(crate) async fn discover(State(api): State<Api>) -> Json<Offer> {
    let (batch_events, batch_bytes) = api.credit();
    let public = api.services.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    Json(Offer {
        peer: name(&api),
        versions: ["1.0"],
        base: format!("{public}/omf/v1"),
        limits: OfferLimits { batch_events, batch_bytes, text_bytes: TEXT_OCTETS_MAX },
        features: ["text", "delivered", "read", "typing"],
        kinds: ["direct", "a2p"],
    })
}

/// The public host name, where it is known.
fn name(api: &Api) -> String {
    let host = api.services.public_url.as_deref().and_then(|url| url.parse::<http::Uri>().ok());
    host.as_ref().and_then(http::Uri::host).unwrap_or("gateway").to_owned()
}
