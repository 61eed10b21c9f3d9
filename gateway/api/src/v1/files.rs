//! `POST /v1/files`: a file that messages can speak of.

#![expect(unused_qualifications, reason = "written by the macros that describe this endpoint")]

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Access, Api, Problem,
    caller::bearer,
    files::{self, Served},
    openapi::{ProblemBody, ProblemDetails},
    query::Query,
    spell,
};

/// What the file is called.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Named {
    /// What its receiver sees; without folders.
    #[param(example = "invoice.pdf")]
    filename: Option<String>,
}

/// The file is stored.
#[derive(Serialize, ToSchema)]
pub(crate) struct StoredFile {
    /// Where it can be fetched by whoever knows this.
    #[schema(example = "https://ft.example.kr/files/d/5r8bzq2m4w6y0v1c3x7t9n2k8h")]
    url: String,
    /// The same, for a text that people read.
    #[schema(example = "https://ft.example.kr/f/5r8bzq2m4w6y0v1c")]
    link: String,
    name: String,
    content_type: String,
    /// Octets.
    size: u64,
    /// Until when, as in RFC 3339.
    #[schema(example = "2026-12-23T09:00:00Z")]
    until: String,
}

/// Store a file.
///
/// The body is the file, as it is. The answer comes after it is stored; it can be fetched without a key until
/// it expires.
#[utoipa::path(
    post,
    path = "/v1/files",
    tag = "files",
    params(Named),
    request_body(content = Vec<u8>, content_type = "application/octet-stream",
        description = "The file; its media type as Content-Type, its length as Content-Length"),
    responses(
        (status = 201, description = "Stored", body = StoredFile),
        (status = 413, description = "The file is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Files of this type are not taken", body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, description = "There is no room", body = ProblemBody, content_type = "application/problem+json"),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn store(
    State(api): State<Api>,
    Served(served): Served,
    Query(named): Query<Named>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let (peer, access) = caller(&api, &head)?;
    access.take((api.services.now)(), 1)?;
    let filename = named.filename.unwrap_or_default();
    let stored = files::store(served, &peer, &filename, &head.headers, body).await?;
    let location = HeaderValue::try_from(stored.url.as_str());
    let body = StoredFile {
        url: stored.url,
        link: stored.link,
        name: stored.name,
        content_type: stored.content_type,
        size: stored.size,
        until: spell::time(stored.until),
    };
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// An account or a messenger, by its key.
fn caller(api: &Api, head: &http::request::Parts) -> Result<(String, Access), Problem> {
    let key = bearer(&head.headers).ok_or_else(Problem::unauthorized)?;
    let directory = &api.services.directory;
    let account = directory.account(&key).map(|account| (account.name.to_string(), account.access.clone()));
    let found = account.or_else(|| {
        directory
            .messenger_by_key(&key)
            .map(|messenger| (messenger.name.to_string(), messenger.access.clone()))
    });
    found.filter(|(_, access)| access.admits(&head.extensions)).ok_or_else(Problem::unauthorized)
}
