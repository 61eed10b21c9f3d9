//! `GET /omf/v1/events/{id}/status`: what became of an event (§8.1, principle 6).

use axum::{Json, extract::State};
use engine::journal::{Entry, Event};
use model::{Cause, Disposition, ReceiptState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api, Problem,
    caller::PeerCall,
    openapi::ProblemDetails,
    query::Segment,
    spell::time,
    v1::{ladder, show},
};

/// An event and the states it went through.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventStatus {
    id: String,
    /// The gateway's id of the message.
    message: String,
    st: &'static str,
    /// Nothing will change any more.
    r#final: bool,
    /// False while an answer is lost, and when the outcome was never learnt.
    certain: bool,
    history: Vec<Reached>,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EventState)]
struct Reached {
    st: &'static str,
    #[schema(format = DateTime)]
    at: String,
    certain: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    cause: Option<&'static str>,
}

/// What became of an event, by the messenger's id of it or by ours of the message.
#[utoipa::path(
    get,
    path = "/omf/v1/events/{id}/status",
    tag = "federation",
    params(("id" = String, Path, description = "The id of the event")),
    responses(
        (status = 200, body = EventStatus),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn status(
    State(api): State<Api>,
    Segment(id): Segment,
    PeerCall { peer, .. }: PeerCall,
) -> Result<Json<EventStatus>, Problem> {
    let message = match (api.services.find_event)(peer.channel, id.as_str().into()).await {
        Some(message) => message.to_string(),
        None => id.clone(),
    };
    let (message, history) = show::history(&api, &message, Some(peer.channel)).await?;
    let (disposition, _) = ladder::standing(&history);
    Ok(Json(EventStatus {
        id,
        message: message.to_string(),
        st: disposition.as_str(),
        r#final: disposition.is_final(),
        certain: is_certain(disposition),
        history: states(&history),
    }))
}

const fn is_certain(disposition: Disposition) -> bool {
    !matches!(disposition, Disposition::Unknown | Disposition::Lost)
}

/// The states in order, without repetitions: a receipt for each of ten segments is one state.
fn states(history: &[Entry]) -> Vec<Reached> {
    let mut states: Vec<Reached> = Vec::new();
    for entry in history {
        let (st, certain, cause) = match &entry.event {
            Event::Accepted(_) => (Disposition::Accepted.as_str(), true, None),
            Event::Sent { .. } => (Disposition::Sent.as_str(), true, None),
            Event::Deferred { refusal, .. } => ("deferred", true, Some(refusal.cause)),
            Event::Rerouted { because, .. } => ("rerouted", true, Some(*because)),
            Event::AnswerLost { .. } => (Disposition::Unknown.as_str(), false, Some(Cause::AnswerLost)),
            Event::Receipt { state: ReceiptState::Displayed, .. } | Event::Displayed => ("read", true, None),
            Event::Final { disposition, cause, .. } => {
                (disposition.as_str(), is_certain(*disposition), *cause)
            }
            Event::Receipt { .. }
            | Event::LateReceipt { .. }
            | Event::Replaced { .. }
            | Event::Joined { .. }
            | Event::Revocation { .. }
            | Event::Unread
            | Event::Reported { .. } => continue,
        };
        let cause = cause.map(Cause::code);
        if states.last().is_none_or(|last| last.st != st || last.cause != cause) {
            states.push(Reached { st, at: time(entry.at), certain, cause });
        }
    }
    states
}
