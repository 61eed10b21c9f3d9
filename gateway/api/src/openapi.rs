//! The OpenAPI 3.1 documents, made from the handlers.

use serde::Serialize;
use utoipa::{
    Modify, OpenApi, ToResponse, ToSchema,
    openapi::{
        ComponentsBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// Stable for each kind of problem: `urn:gateway:problem:` and a word.
    #[schema(example = "urn:gateway:problem:bad_destination")]
    r#type: String,
    /// One sentence, the same for each type.
    title: String,
    status: u16,
    /// What to do about it, for a developer.
    detail: Option<String>,
    /// The fields that are wrong.
    errors: Option<Vec<FieldErrorBody>>,
    /// As the header `Retry-After`.
    retry_after_s: Option<u64>,
}

#[derive(Serialize, ToSchema)]
struct FieldErrorBody {
    /// A JSON pointer as a URI fragment.
    #[schema(example = "#/data/octets")]
    pointer: String,
    detail: String,
}

/// Not taken, and why.
#[derive(ToResponse)]
#[response(content_type = "application/problem+json")]
#[expect(dead_code, reason = "describes an answer")]
pub(crate) struct ProblemDetails(ProblemBody);

/// The document of the traffic listener.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Messaging gateway",
        description = "Send messages to phones and messengers, follow them, and read what they cost.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "messages", description = "Send, follow, withdraw"),
        (name = "usage", description = "One record for each billable event"),
        (name = "consents", description = "What people agreed to"),
        (name = "files", description = "Files that messages speak of"),
        (name = "federation", description = "A messenger's server and the gateway as peers"),
    ),
    components(schemas(ProblemBody, crate::spell::PartyUser), responses(ProblemDetails)),
    security(("key" = [])),
    modifiers(&Key),
)]
pub(crate) struct Traffic;

/// The document of the management listener.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Messaging gateway, management",
        description = "For operators only; keep it on a network of its own.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "channels", description = "Everything the gateway exchanges messages with"),
        (name = "messages", description = "Messages of all accounts"),
    ),
    components(schemas(ProblemBody), responses(ProblemDetails)),
    security((), ("key" = [])),
    modifiers(&Key),
)]
pub(crate) struct Management;

struct Key;

impl Modify for Key {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let key = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The account's API key."))
            .build();
        let components = openapi.components.take().unwrap_or_else(|| ComponentsBuilder::new().build());
        let mut components = components;
        components.add_security_scheme("key", SecurityScheme::Http(key));
        openapi.components = Some(components);
    }
}
