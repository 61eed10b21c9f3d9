//! Many messages in one call: NDJSON in, NDJSON out, line by line in order.
//!
//! The body is bounded and read whole, and so is the answer: a line is answered after its commit, and all
//! lines of a batch share commits.

use std::sync::Arc;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use model::{Answer, Cause};
use serde::Serialize;
use smol_str::format_smolstr;
use utoipa::ToSchema;

use super::{
    ask,
    new_message::{NewMessage, key_of},
};
use crate::{Account, Api, Limits, Problem, body, desk::Ask, openapi::ProblemBody};

/// What became of one line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Line {
    /// Counts from 1, empty lines too.
    line: usize,
    /// Set when the message was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "accepted")]
    status: Option<&'static str>,
    /// The message was sent before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    replayed: bool,
    /// Set when it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ProblemBody>)]
    problem: Option<Problem>,
}

pub(crate) fn is_batch(media_type: &str) -> bool {
    matches!(media_type, "application/x-ndjson" | "application/ndjson" | "application/jsonl")
}

pub(crate) async fn submit(
    api: &Api,
    account: &Account,
    headers: &HeaderMap,
    payload: Body,
) -> Result<Response, Problem> {
    let limits = &api.services.limits;
    account.access.ready((api.services.now)())?;
    let Ok(_turn) = api.batches.try_acquire() else {
        return Err(Problem::of(Cause::QueueFull)
            .detail(format!("at most {} batches are taken at the same time", limits.batches_max))
            .close());
    };
    let octets = body::read(headers, payload, limits.batch_octets_max, limits.body_timeout).await?;
    let key = key_of(headers)?;
    let now = (api.services.now)();
    let lines_max = limits.batch_messages_max.min(Limits::BATCH_MESSAGES_CEILING);

    let written =
        (1..).zip(octets.split(|&octet| octet == b'\n')).filter(|(_, line)| !line.trim_ascii().is_empty());
    match written.clone().take(lines_max.saturating_add(1)).count() {
        0 => return Err(Problem::of(Cause::Malformed).detail("the batch has no lines")),
        lines if lines > lines_max => return Err(Problem::batch_too_long(lines_max)),
        lines => account.access.take(now, lines)?,
    }

    let mut lines = Vec::new();
    let mut asks = Vec::new();
    for (line, written) in written {
        let read = body::parse::<NewMessage>(written).and_then(|message| {
            let message = message.with_key(|| key.as_ref().map(|key| format_smolstr!("{key}#{line}")));
            message.submission(account, now)
        });
        match read {
            Ok(submission) => {
                lines.push((line, None));
                asks.push(Ask::Submit(Arc::new(submission)));
            }
            Err(problem) => lines.push((line, Some(problem))),
        }
    }

    let answers = api.desk.ask(asks.into_iter(), limits.answer_timeout).await;
    let mut each = answers.each.into_iter();
    let mut out = Vec::with_capacity(lines.len() * 128);
    for (line, refused) in lines {
        let line = match refused {
            Some(problem) => Line::refused(line, problem),
            None => match each.next().flatten() {
                Some(answer) => Line::answered(line, answer),
                None => Line::refused(line, ask::missing(answers.missing)),
            },
        };
        serde_json::to_writer(&mut out, &line).map_err(|_| Problem::internal())?;
        out.push(b'\n');
    }
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"))], out).into_response())
}

impl Line {
    fn answered(line: usize, answer: Answer) -> Self {
        let (id, replayed) = match answer {
            Answer::Accepted(id) => (id, false),
            Answer::Duplicate(id) => (id, true),
            Answer::Refused(refusal) => return Self::refused(line, refusal.into()),
            other => return Self::refused(line, ask::unexpected(&other)),
        };
        Self { line, id: Some(id.to_string()), status: Some("accepted"), replayed, problem: None }
    }

    const fn refused(line: usize, problem: Problem) -> Self {
        Self { line, id: None, status: None, replayed: false, problem: Some(problem) }
    }
}
