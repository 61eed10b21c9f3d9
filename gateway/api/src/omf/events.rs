//! `POST /omf/v1/events`: a messenger tells us things (§8.5).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use kit::{HttpInbound, Taken};
use model::{Answer, Cause, Duration, Party, Refusal, Retry};

use crate::{
    Api, Limits, Messenger, Problem, body,
    caller::{Claimed, claimed_peer, refused_hook},
    desk::{Ask, Missing},
    openapi::ProblemDetails,
    v1::ask,
};

/// Tell the gateway what happened.
///
/// The answer has one result for each event and is sent after the commit. Sending an event again does no
/// harm: the same id and body get the first result again.
#[utoipa::path(
    post,
    path = "/omf/v1/events",
    tag = "federation",
    request_body(content = Object, description = "`{\"events\": […]}`, each as the profile says"),
    responses(
        (status = 200, description = "One result for each event: `accepted`, `duplicate` or `rejected`", body = Object),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn take(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let claimed = claimed_peer(&api, request.headers(), request.extensions())?;
    ask::open(&api)?;
    let now = (api.services.now)();
    // How fast a messenger is, is nothing for those who only know its name.
    if let Claimed::Proven(peer) = &claimed {
        peer.access.ready(now)?;
    }
    let peer = claimed.peer();
    let limits = &api.services.limits;
    let Ok(_turn) = api.batches.try_acquire() else { return Err(Problem::of(Cause::QueueFull).close()) };
    let (head, payload) = request.into_parts();
    let octets = body::read(&head.headers, payload, limits.batch_octets_max, limits.body_timeout).await?;
    let call = http::Request::from_parts(head, octets);
    let items = peer.adapter.read(now, &call).map_err(refused_hook)?;
    if items.len() > limits.batch_messages_max.min(Limits::BATCH_MESSAGES_CEILING) {
        return Err(Problem::batch_too_long(limits.batch_messages_max));
    }
    peer.access.take(now, items.len())?;

    let mut asks = Vec::with_capacity(items.len());
    let fates: Vec<_> =
        items.into_iter().map(|(id, item)| Fate::of(&api, peer, id, item, &mut asks)).collect();
    let answers = api.desk.ask(asks.into_iter(), limits.answer_timeout).await;
    let mut each = answers.each.into_iter();
    let taken: Vec<_> = fates
        .into_iter()
        .map(|fate| match fate {
            Fate::Known(taken) => taken,
            Fate::Asked { id } => {
                let answer = each.next().flatten().unwrap_or_else(|| Answer::Refused(again(answers.missing)));
                Taken { id, answer, detail: None }
            }
        })
        .collect();
    Ok(peer.adapter.reply(&taken).map(Body::from))
}

/// What becomes of one item of a call.
enum Fate {
    Known(Taken),
    /// The engine is asked.
    Asked {
        id: String,
    },
}

impl Fate {
    fn of(api: &Api, peer: &Messenger, id: String, item: HttpInbound, asks: &mut Vec<Ask>) -> Self {
        asks.push(match item {
            HttpInbound::Submit(submission) => {
                debug_assert_eq!(submission.origin, peer.channel, "a messenger submits for itself only");
                Ask::Submit(Arc::from(submission))
            }
            HttpInbound::Receipt(receipt) => {
                // Before it acknowledges a page: the message would wait for that, and the receipt for the message.
                if let Some(pull) = &peer.pull {
                    receipt.upstream.iter().for_each(|id| pull.arrived(&id.0));
                }
                Ask::Receipt(peer.channel, receipt)
            }
            HttpInbound::Command(command) => Ask::Command(command),
            HttpInbound::Signal(signal) => {
                (api.services.signals)(peer.channel, signal);
                return Self::Known(Taken { id, answer: Answer::Taken, detail: None });
            }
            HttpInbound::Ignored { .. } => {
                return Self::Known(Taken { id, answer: Answer::Taken, detail: None });
            }
            HttpInbound::Refused { cause, detail, .. } => {
                let answer = Answer::Refused(Refusal::ours(cause));
                return Self::Known(Taken { id, answer, detail: Some(detail) });
            }
        });
        Self::Asked { id }
    }
}

/// No answer came for this item alone; sending it again is safe and finds out.
const fn again(missing: Missing) -> Refusal {
    let cause = match missing {
        Missing::Closed => Cause::Draining,
        Missing::Late => Cause::StoreUnavailable,
        Missing::Crowded => Cause::QueueFull,
    };
    Refusal { by: Party::Gateway, cause, retry: Retry::After(Duration::from_secs(2)), code: 0 }
}
