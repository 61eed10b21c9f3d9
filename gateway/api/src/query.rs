//! Query strings: typed, bounded, and unknown names are refused.

use axum::extract::FromRequestParts;
use http::request::Parts;
use model::Cause;
use serde::de::DeserializeOwned;

use crate::{Api, Problem};

/// The parameters of a query string. Their types say what is refused.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Api> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _api: &Api) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|axum::extract::Query(query)| Self(query)).map_err(|_| {
            // The rejection quotes what was written.
            Problem::of(Cause::Malformed)
                .detail("a query parameter is unknown, missing or has a wrong value; see the description of this path")
        })
    }
}

/// The one variable part of a path.
pub(crate) struct Segment(pub(crate) String);

impl FromRequestParts<Api> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        match axum::extract::Path::<String>::from_request_parts(parts, api).await {
            Ok(axum::extract::Path(segment)) => Ok(Self(segment)),
            Err(_not_utf8) => Err(Problem::no_such_path()),
        }
    }
}
