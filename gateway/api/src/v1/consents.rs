//! `POST /v1/consents`: what a person agreed to, or no longer.

use axum::{
    Json,
    extract::{Request, State},
};
use model::{Answer, Cause, Command, ConsentScope, Number, Pii};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use utoipa::ToSchema;

use super::ask;
use crate::{Api, Problem, body, caller::Caller, openapi::ProblemDetails, problem::FieldError};

/// A person's word.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Consent {
    #[schema(value_type = String, example = "+821012345678")]
    number: SmolStr,
    scope: Scope,
    /// False withdraws it.
    granted: bool,
}

/// What a person may agree to or refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Scope {
    /// Everything from businesses; refusal is the 080 opt-out.
    Business,
    Advertising,
    /// Advertising between 21:00 and 08:00.
    NightAdvertising,
}

/// It is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recorded {
    scope: Scope,
    granted: bool,
}

/// Record or withdraw consent.
#[utoipa::path(
    post,
    path = "/v1/consents",
    tag = "consents",
    request_body = Consent,
    responses(
        (status = 200, description = "Recorded", body = Recorded),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn consent(
    State(api): State<Api>,
    Caller(_): Caller,
    request: Request,
) -> Result<Json<Recorded>, Problem> {
    let (head, payload) = request.into_parts();
    let limits = &api.services.limits;
    let Consent { number, scope, granted } =
        body::json(&head.headers, payload, limits.body_octets_max, limits.body_timeout).await?;
    let written = Number::written(&number);
    if written.ton == model::Ton::ALPHANUMERIC || number.len() > 40 {
        let pointer = "#/number".to_owned();
        return Err(Problem::of(Cause::BadDestination)
            .errors(vec![FieldError { pointer, detail: "expected a telephone number".into() }]));
    }
    let command = Command::Consent {
        number: Pii::new(written),
        scope: match scope {
            Scope::Business => ConsentScope::Business,
            Scope::Advertising => ConsentScope::Advertising,
            Scope::NightAdvertising => ConsentScope::NightAdvertising,
        },
        granted,
    };
    match ask::command(&api, command).await? {
        Answer::Done | Answer::Taken | Answer::Count(_) => Ok(Json(Recorded { scope, granted })),
        Answer::Refused(refusal) => Err(refusal.into()),
        other => Err(ask::unexpected(&other)),
    }
}
