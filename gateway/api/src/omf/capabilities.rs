//! `POST /omf/v1/capabilities`: who can be reached, and with what (§8.5).

use axum::{Json, extract::State};
use model::Number;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use utoipa::ToSchema;

use crate::{Api, Problem, Reach, caller::PeerCall, openapi::ProblemDetails};

/// Whom to look up.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Lookup {
    #[schema(max_items = 500)]
    who: Vec<Who>,
}

/// A person, by number or by the messenger's own id.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Who {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "+821012345678")]
    tel: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    usr: Option<SmolStr>,
}

/// What is known about reaching one person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Capability {
    who: Who,
    /// `yes`, `no` or `unknown`.
    #[schema(value_type = String)]
    reach: &'static str,
    #[schema(value_type = Vec<String>)]
    features: &'static [&'static str],
    limits: Bounds,
    /// Changes when anything here changes.
    #[schema(value_type = String)]
    hash: &'static str,
    ttl_s: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CapabilityLimits)]
struct Bounds {
    #[serde(skip_serializing_if = "Option::is_none")]
    text_bytes: Option<u32>,
}

const WHO_MAX: usize = 500;
const TTL_SECS: u32 = 3_600;
/// What a text of any length may hold on its way through short messages.
const TEXT_OCTETS_MAX: u32 = 16_384;

/// Ask who can be reached.
///
/// The answer comes from routes, never from the network, and does not tell whether somebody has a number.
#[utoipa::path(
    post,
    path = "/omf/v1/capabilities",
    tag = "federation",
    request_body = Lookup,
    responses(
        (status = 200, description = "In the order asked", body = Vec<Capability>),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn capabilities(
    State(api): State<Api>,
    from: PeerCall,
) -> Result<Json<Vec<Capability>>, Problem> {
    let lookup: Lookup = from.json()?;
    if lookup.who.len() > WHO_MAX {
        return Err(Problem::field("#/who", format!("expected at most {WHO_MAX} entries")));
    }
    let known = lookup.who.into_iter().map(|who| {
        // The messenger knows its own users better than we do.
        let number = who.tel.as_deref().map(Number::written);
        let reach = number.map_or(Reach::Unknown, |number| api.services.directory.reach(&number));
        Capability::of(who, reach)
    });
    Ok(Json(known.collect()))
}

impl Capability {
    const fn of(who: Who, reach: Reach) -> Self {
        let (reach, features, text_bytes, hash): (_, &[&str], _, _) = match reach {
            Reach::Yes => ("yes", &["text", "delivered"], Some(TEXT_OCTETS_MAX), "sms-1"),
            Reach::No => ("no", &[], None, "none"),
            Reach::Unknown => ("unknown", &[], None, "none"),
        };
        Self { who, reach, features, limits: Bounds { text_bytes }, hash, ttl_s: TTL_SECS }
    }
}
