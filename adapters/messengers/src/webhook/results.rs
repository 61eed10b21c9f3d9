//! One result per event, written and read (messengers sheet §8.5).

use std::{borrow::Cow, collections::HashMap, time::Duration};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use kit::Taken;
use model::{Answer, Cause, Outcome, Outgoing, Refusal, Retry, UpstreamId};
use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

use super::{ITEMS_MAX, encode, envelope::Capped, error_class::ErrorClass};

/// The longest pause a peer can ask for; longer ones would outlive what is sent.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

#[derive(Serialize)]
struct Reply<'a> {
    results: Vec<Written<'a>>,
}

#[derive(Serialize)]
struct Written<'a> {
    id: &'a str,
    st: &'static str,
    /// Our id of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    err: Option<WrittenError<'a>>,
}

#[derive(Serialize)]
struct WrittenError<'a> {
    class: ErrorClass,
    code: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

pub(super) fn reply(answers: &[Taken]) -> Response<Bytes> {
    super::json(StatusCode::OK, &Reply { results: answers.iter().map(written).collect() })
}

fn written(taken: &Taken) -> Written<'_> {
    let (st, msg, refusal) = match &taken.answer {
        Answer::Accepted(message) => ("accepted", Some(message.to_string()), None),
        Answer::Duplicate(message) => ("duplicate", Some(message.to_string()), None),
        Answer::Refused(refusal) => ("rejected", None, Some(refusal)),
        // A receipt for what ended long ago is harmless; sending it again would change nothing.
        Answer::Taken
        | Answer::Done
        | Answer::Standing(_)
        | Answer::Count(_)
        | Answer::Link(_)
        | Answer::NotOpen => ("accepted", None, None),
    };
    let err = refusal.map(|refusal| WrittenError {
        class: ErrorClass::of(refusal.cause),
        code: refusal.cause.code(),
        text: taken.detail.as_deref().unwrap_or_else(|| refusal.cause.text()),
        retry_after_ms: match refusal.retry {
            Retry::After(delay) => Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
            Retry::Never | Retry::Scheduled | Retry::OtherRoute | Retry::WhenReachable => None,
        },
    });
    Written { id: &taken.id, st, msg, err }
}

#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(borrow)]
    results: Capped<Read<'a>, ITEMS_MAX>,
}

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    st: Cow<'a, str>,
    #[serde(borrow, default)]
    err: Option<Problem<'a>>,
}

#[derive(Deserialize)]
struct Problem<'a> {
    #[serde(borrow)]
    class: Cow<'a, str>,
    #[serde(default)]
    retry_after_ms: Option<u64>,
}

pub(super) fn outcomes(batch: &[Outgoing], response: &Response<Bytes>) -> Vec<Outcome> {
    if !response.status().is_success() {
        return vec![refused(response); batch.len()];
    }
    // A peer with nothing to say about single events says nothing.
    if response.body().is_empty() {
        return batch.iter().map(sent).collect();
    }
    // A success that cannot be read may come from anything on the way: nobody knows whether the peer has
    // stored the events (§2.4, `uncertain`).
    let Ok(answered) = serde_json::from_slice::<Answered<'_>>(response.body()) else {
        return vec![Outcome::Unknown; batch.len()];
    };
    let by_id: HashMap<&str, &Read<'_>> =
        answered.results.items.iter().map(|result| (result.id.as_ref(), result)).collect();
    batch
        .iter()
        .map(|outgoing| match encode::id(outgoing) {
            Some(id) => by_id.get(id.as_str()).map_or(Outcome::Unknown, |result| outcome(outgoing, result)),
            None => sent(outgoing),
        })
        .collect()
}

fn outcome(outgoing: &Outgoing, result: &Read<'_>) -> Outcome {
    match (result.st.as_ref(), &result.err) {
        ("accepted" | "duplicate", _) => sent(outgoing),
        ("rejected", Some(problem)) => {
            let retry_after =
                problem.retry_after_ms.map(Duration::from_millis).map(|delay| delay.min(RETRY_AFTER_MAX));
            // A class of a later version is a refusal all the same.
            let class = ErrorClass::named(&problem.class).unwrap_or(ErrorClass::BadRequest);
            class.outcome(retry_after).unwrap_or_else(|| sent(outgoing))
        }
        ("rejected", None) => Outcome::Refused(Refusal::theirs(Cause::NetworkRefused, Retry::Never, 0)),
        _ => Outcome::Unknown,
    }
}

/// Receipts will name the message by the id we gave it.
fn sent(outgoing: &Outgoing) -> Outcome {
    let ids: SmallVec<[UpstreamId; 1]> = match outgoing {
        Outgoing::Message(message) => smallvec![UpstreamId(smol_str::format_smolstr!("{}", message.message))],
        Outgoing::Report(_) | Outgoing::Revoke(_) | Outgoing::Signal(_) => SmallVec::new(),
    };
    Outcome::Sent(ids)
}

/// What a status says about the whole call.
fn refused(response: &Response<Bytes>) -> Outcome {
    let status = response.status();
    let (cause, retry) = match status.as_u16() {
        // The front door gave up waiting for the house: it may have arrived.
        504 => return Outcome::Unknown,
        429 => (Cause::Throttled, retry_after(response)),
        503 => (Cause::NetworkFailure, retry_after(response)),
        // Wrong credentials, and addresses that lead elsewhere, are repaired by an operator.
        401 | 403 | 407 | 300..=399 => (Cause::LinkDown, Retry::Scheduled),
        408 | 425 | 500..=599 => (Cause::NetworkFailure, Retry::Scheduled),
        413 => (Cause::TooLong, Retry::Never),
        _ => (Cause::NetworkRefused, Retry::Never),
    };
    Outcome::Refused(Refusal::theirs(cause, retry, u32::from(status.as_u16())))
}

/// Seconds only: the other form, a date, needs a calendar and is the peer's clock.
fn retry_after(response: &Response<Bytes>) -> Retry {
    let seconds = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds
        .map_or(Retry::Scheduled, |seconds| Retry::After(Duration::from_secs(seconds).min(RETRY_AFTER_MAX)))
}
