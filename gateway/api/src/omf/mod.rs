//! Federation with a messenger's server over HTTP (messengers sheet §8.2–§8.7).

use utoipa_axum::router::OpenApiRouter;

use crate::Api;

/// What a messenger's server may call.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
}
