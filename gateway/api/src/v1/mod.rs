//! The accounts' API: one endpoint, one file.

pub(crate) mod ask;
mod batch;
mod cancel;
pub(crate) mod channels;
mod consents;
mod files;
pub(crate) mod ladder;
mod new_message;
mod search;
pub(crate) mod show;
mod submit;
mod usage;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Api;

/// What accounts may call.
pub(crate) fn traffic() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(submit::submit, search::search))
        .routes(routes!(show::show, cancel::cancel))
        .routes(routes!(usage::usage))
        .routes(routes!(consents::consent))
        .routes(routes!(files::store))
}

/// What operators may call.
pub(crate) fn management() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(show::show_to_operator))
        .routes(routes!(usage::usage_of_all))
        .routes(routes!(channels::list))
        .routes(routes!(channels::pause))
        .routes(routes!(channels::resume))
}
