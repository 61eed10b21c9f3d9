//! `/v1/channels`: what the gateway exchanges messages with, and stopping or resuming one. Operators only.

use axum::{Json, extract::State};
use http::StatusCode;
use model::{Answer, ChannelKind, Command};
use serde::Serialize;
use smol_str::SmolStr;
use utoipa::ToSchema;

use super::ask;
use crate::{Api, ChannelView, Problem, caller::Operator, openapi::ProblemDetails, query::Segment};

/// Every channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Channels {
    channels: Vec<Channel>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Channel {
    id: u16,
    #[schema(value_type = String)]
    name: SmolStr,
    /// `smsc`, `esme`, `messenger` or `http`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// `up`, `down`, or `paused` by an operator.
    #[schema(value_type = String)]
    state: &'static str,
    paused: bool,
    /// How many hand-overs it can hold unanswered now.
    room: u32,
    /// Handed over and not yet answered.
    in_flight: u64,
    queue: Queue,
}

#[derive(Debug, Serialize, ToSchema)]
struct Queue {
    /// Ready to go.
    ready: u64,
    /// Waiting for a time.
    later: u64,
}

impl From<ChannelView> for Channel {
    fn from(view: ChannelView) -> Self {
        Self {
            id: view.id.0,
            name: view.name,
            kind: match view.kind {
                ChannelKind::Smsc => "smsc",
                ChannelKind::Esme => "esme",
                ChannelKind::Messenger => "messenger",
                ChannelKind::Http => "http",
                ChannelKind::Rcs => "rcs",
            },
            state: match (view.paused, view.up) {
                (true, _) => "paused",
                (false, true) => "up",
                (false, false) => "down",
            },
            paused: view.paused,
            room: view.room,
            in_flight: view.in_flight,
            queue: Queue { ready: view.ready, later: view.later },
        }
    }
}

/// List channels.
#[utoipa::path(
    get,
    path = "/v1/channels",
    tag = "channels",
    responses((status = 200, body = Channels), (status = "4XX", response = ProblemDetails))
)]
pub(crate) async fn list(State(api): State<Api>, Operator: Operator) -> Json<Channels> {
    let mut channels: Vec<_> = api.services.directory.channels().into_iter().map(Channel::from).collect();
    channels.sort_by(|a, b| a.name.cmp(&b.name));
    Json(Channels { channels })
}

/// Stop handing messages to a channel.
///
/// The backlog is kept, and so is the pause over restarts.
#[utoipa::path(
    post,
    path = "/v1/channels/{name}/pause",
    tag = "channels",
    params(("name" = String, Path, description = "The name of the channel")),
    responses(
        (status = 200, body = Channel),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn pause(
    State(api): State<Api>,
    Operator: Operator,
    Segment(name): Segment,
) -> Result<Json<Channel>, Problem> {
    set_paused(&api, &name, true).await
}

/// Hand messages to a channel again.
#[utoipa::path(
    post,
    path = "/v1/channels/{name}/resume",
    tag = "channels",
    params(("name" = String, Path, description = "The name of the channel")),
    responses(
        (status = 200, body = Channel),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn resume(
    State(api): State<Api>,
    Operator: Operator,
    Segment(name): Segment,
) -> Result<Json<Channel>, Problem> {
    set_paused(&api, &name, false).await
}

async fn set_paused(api: &Api, name: &str, paused: bool) -> Result<Json<Channel>, Problem> {
    let known = api.services.directory.channel(name);
    let channel = known
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no_such_channel", "no channel has this name"))?;
    match ask::command(api, Command::Pause { channel: channel.id, paused }).await? {
        Answer::Done | Answer::Taken => Ok(Json(ChannelView { paused, ..channel }.into())),
        Answer::Refused(refusal) => Err(refusal.into()),
        other => Err(ask::unexpected(&other)),
    }
}
