//! Which path leads where, on which listener.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::FutureExt;
use http::{HeaderValue, header};
use utoipa::{
    OpenApi,
    openapi::{OpenApi as Document, OpenApiVersion},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{Api, Listener, PageSource, Problem, Seen, files, omf, openapi, v1};

/// What partners reach: accounts and messengers.
pub fn traffic(api: &Api) -> Router {
    let (router, document) = traffic_routes(omf::routes(api)).split_for_parts();
    // What devices call is spelled by others; it is not ours to document.
    finish(router.merge(files::routes()), document, api, Listener::Traffic)
}

/// What operators reach.
pub fn management(api: &Api) -> Router {
    let (router, document) = management_routes().split_for_parts();
    let pages = &api.services.pages;
    let router = router
        .route("/metrics", page(&pages.metrics))
        .route("/livez", page(&pages.livez))
        .route("/readyz", page(&pages.readyz));
    finish(router, document, api, Listener::Management)
}

/// The OpenAPI document of the traffic listener.
#[must_use]
pub fn traffic_document() -> Document {
    as_3_1(traffic_routes(omf::plain_routes()).into_openapi())
}

/// The OpenAPI document of the management listener.
#[must_use]
pub fn management_document() -> Document {
    as_3_1(management_routes().into_openapi())
}

fn traffic_routes(federation: OpenApiRouter<Api>) -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::Traffic::openapi()).merge(v1::traffic()).merge(federation)
}

fn management_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::Management::openapi()).merge(v1::management())
}

fn as_3_1(mut document: Document) -> Document {
    document.openapi = OpenApiVersion::Version31;
    document
}

fn finish(router: Router<Api>, document: Document, api: &Api, listener: Listener) -> Router {
    let document = as_3_1(document).to_json().unwrap_or_default();
    router
        .route(
            "/openapi.json",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], document) }),
        )
        .fallback(|| async { Problem::no_such_path() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(middleware::from_fn_with_state((api.clone(), listener), watch))
        .with_state(api.clone())
}

fn page(source: &PageSource) -> axum::routing::MethodRouter<Api> {
    let source = source.clone();
    get(move || async move {
        let page = source();
        (page.status, [(header::CONTENT_TYPE, HeaderValue::from_static(page.content_type))], page.body)
    })
}

/// Around every call: a panic becomes a 500 without details, and the observer is told.
async fn watch(State((api, listener)): State<(Api, Listener)>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let response = AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_panic| {
        // The panic hook has said where; what it says may quote the caller, so it goes no further.
        tracing::error!(listener = listener.as_str(), "a handler panicked");
        Problem::internal().close().into_response()
    });
    (api.services.observe)(&Seen {
        listener,
        path: path.as_ref().map_or("unmatched", MatchedPath::as_str),
        method: &method,
        status: response.status(),
        took: began.elapsed(),
    });
    response
}
