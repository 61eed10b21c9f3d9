//! `/omf/v1/links`: a messenger user proves to own a number, by a code sent to it as a short message.
//!
//! The id of a link holds the user it is for, so that nothing has to be kept here to end it again. A
//! messenger that makes ids up reaches its own users only.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::StatusCode;
use model::{Answer, Cause, Command, For, Number, Pii, Timestamp};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use utoipa::ToSchema;

use crate::{
    Api, Problem, caller::PeerCall, openapi::ProblemDetails, query::Segment, spell::number, v1::ask,
};

/// Who wants to own which number.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Claim {
    /// The messenger's id of the user.
    #[schema(value_type = String, max_length = 128)]
    usr: SmolStr,
    #[schema(value_type = String, example = "+821012345678")]
    tel: SmolStr,
}

/// A code is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Started {
    id: String,
    /// Milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

/// The code that the person typed.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Typed {
    /// Spaces and dashes do not matter.
    #[schema(value_type = String, example = "123456")]
    code: SmolStr,
}

/// The number is linked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Linked {
    id: String,
    usr: String,
    #[schema(value_type = String)]
    tel: SmolStr,
    /// How many owners the number has had; goes with every event from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u32>,
}

const USER_OCTETS_MAX: usize = 128;
const CODES: u64 = 1_000_000;
const CODE_DIGITS: usize = 6;

/// Start linking a number: a code is sent to it.
#[utoipa::path(
    post,
    path = "/omf/v1/links",
    tag = "federation",
    request_body = Claim,
    responses(
        (status = 202, description = "The code is on its way", body = Started),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn start(State(api): State<Api>, from: PeerCall) -> Result<Response, Problem> {
    ask::open(&api)?;
    let claim: Claim = from.json()?;
    if claim.usr.is_empty() || claim.usr.len() > USER_OCTETS_MAX || claim.usr.chars().any(char::is_control) {
        return Err(Problem::field("#/usr", "expected 1 to 128 octets without control characters"));
    }
    let random = &api.services.random;
    let link = random();
    let code = u32::try_from(random() % CODES).unwrap_or_default();
    let number = Pii::new(Number::written(&claim.tel));
    let command =
        Command::LinkStart { origin: from.peer.channel, user: claim.usr.clone(), number, link, code };
    match ask::command(&api, command).await? {
        Answer::Link(link) => {
            let id = LinkId { link: link.link, user: claim.usr.to_string() }.spelled();
            let started = Started { id, expires: link.expires_at.map(Timestamp::millis) };
            Ok((StatusCode::ACCEPTED, Json(started)).into_response())
        }
        Answer::Refused(refusal) => Err(refusal.into()),
        other => Err(ask::unexpected(&other)),
    }
}

/// Complete a link with the code.
#[utoipa::path(
    post,
    path = "/omf/v1/links/{id}/verify",
    tag = "federation",
    params(("id" = String, Path, description = "The id of the link")),
    request_body = Typed,
    responses(
        (status = 200, body = Linked),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn verify(
    State(api): State<Api>,
    Segment(id): Segment,
    from: PeerCall,
) -> Result<Json<Linked>, Problem> {
    let LinkId { link, user } = LinkId::read(&id).ok_or_else(no_such_link)?;
    let typed: Typed = from.json()?;
    let digits: SmolStr = typed.code.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    // What is not a code is a wrong code: it counts as a try only when it could have been right.
    let is_code = digits.len() == CODE_DIGITS && digits.bytes().all(|octet| octet.is_ascii_digit());
    let code = digits.parse().ok().filter(|_| is_code).ok_or_else(|| Problem::of(Cause::WrongCode))?;
    match ask::command(&api, Command::LinkVerify { origin: from.peer.channel, link, code }).await? {
        Answer::Link(link) => {
            let tel = number(link.number.reveal(For::Owner));
            Ok(Json(Linked { id, usr: user, tel, epoch: link.epoch }))
        }
        Answer::NotOpen => Err(no_such_link()),
        Answer::Refused(refusal) => Err(refusal.into()),
        other => Err(ask::unexpected(&other)),
    }
}

/// End a link.
#[utoipa::path(
    delete,
    path = "/omf/v1/links/{id}",
    tag = "federation",
    params(("id" = String, Path, description = "The id of the link")),
    responses(
        (status = 204, description = "The user has no number any more"),
        (status = "4XX", response = ProblemDetails),
        (status = "5XX", response = ProblemDetails),
    )
)]
pub(crate) async fn unlink(
    State(api): State<Api>,
    Segment(id): Segment,
    PeerCall { peer, .. }: PeerCall,
) -> Result<StatusCode, Problem> {
    let LinkId { user, .. } = LinkId::read(&id).ok_or_else(no_such_link)?;
    match ask::command(&api, Command::Unlink { origin: peer.channel, user: user.into() }).await? {
        Answer::Done | Answer::Taken | Answer::Link(_) => Ok(StatusCode::NO_CONTENT),
        Answer::NotOpen => Err(no_such_link()),
        Answer::Refused(refusal) if refusal.cause == Cause::NotFound => Err(no_such_link()),
        Answer::Refused(refusal) => Err(refusal.into()),
        other => Err(ask::unexpected(&other)),
    }
}

fn no_such_link() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no_such_link", "there is no such link")
}

/// A link and whom it is for.
#[derive(Debug, PartialEq, Eq)]
struct LinkId {
    link: u64,
    user: String,
}

impl LinkId {
    fn spelled(&self) -> String {
        format!("{:016x}.{}", self.link, BASE64_URL_SAFE_NO_PAD.encode(&self.user))
    }

    fn read(id: &str) -> Option<Self> {
        let (link, user) = id.split_once('.')?;
        if link.len() != 16
            || !link.bytes().all(|octet| octet.is_ascii_hexdigit())
            || user.len() > USER_OCTETS_MAX * 2
        {
            return None;
        }
        let user = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(user).ok()?).ok()?;
        (!user.is_empty()).then_some(Self { link: u64::from_str_radix(link, 16).ok()?, user })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_ids_carry_any_user() {
        for user in ["u_77", "사용자", "a.b/c?d"] {
            let id = LinkId { link: 0xfeed, user: user.to_owned() };
            assert_eq!(LinkId::read(&id.spelled()), Some(id));
        }
        for id in [
            "",
            ".",
            "000000000000feed",
            "000000000000feed.",
            "+00000000000feed.dQ",
            "000000000000feed.!",
            "feed.dQ",
        ] {
            assert_eq!(LinkId::read(id), None, "{id}");
        }
    }
}
