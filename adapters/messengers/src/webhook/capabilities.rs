//! What each number or user can be sent: `POST /omf/v1/capabilities` (messengers sheet §2.3, §8.5).

use bytes::Bytes;
use http::{Response, StatusCode};
use kit::HookError;
use model::{Address, For, Pii};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use super::{
    TEXT_OCTETS_MAX,
    envelope::{Capped, Party},
    hex, json,
};

/// Addresses in one question.
pub const WHO_MAX: usize = 500;
/// How long an answer may be kept.
const TTL_S: u32 = 86_400;

/// Whether somebody can be reached through the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    Yes,
    No,
    Unknown,
}

/// Reads `{"who":[{"tel":…},{"usr":…}]}`. `messenger` is the name of the channel that asks. An entry that
/// is no address is `None`: its answer is `no`.
///
/// # Errors
/// 400 when it is not JSON of that shape, 413 with more than [`WHO_MAX`] addresses.
pub fn question(messenger: &SmolStr, body: &Bytes) -> Result<Vec<Option<Pii<Address>>>, HookError> {
    #[derive(Deserialize)]
    struct Question<'a> {
        #[serde(borrow)]
        who: Capped<Party<'a>, WHO_MAX>,
    }
    let question: Question<'_> = serde_json::from_slice(body).map_err(|error| HookError {
        status: StatusCode::BAD_REQUEST,
        code: "malformed",
        detail: format!("the body does not fit at line {}, column {}", error.line(), error.column()),
    })?;
    if question.who.over {
        let detail = format!("a question names at most {WHO_MAX} addresses");
        return Err(HookError { status: StatusCode::PAYLOAD_TOO_LARGE, code: "too_large", detail });
    }
    Ok(question.who.items.iter().map(|party| party.recipient(messenger).map(Pii::new)).collect())
}

/// The answer, in the order of the question.
#[must_use]
pub fn answer(messenger: &SmolStr, who: &[(Option<Pii<Address>>, Reach)]) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Entry<'a> {
        who: Party<'a>,
        reach: Reach,
        features: &'static [&'static str],
        limits: Limits,
        hash: &'a str,
        ttl_s: u32,
    }
    let hash = hash();
    let entry = |(address, reach): &'_ (Option<Pii<Address>>, Reach)| -> Reach {
        if address.is_some() { *reach } else { Reach::No }
    };
    let entries: Vec<Entry<'_>> = who
        .iter()
        .map(|asked| {
            let reach = entry(asked);
            Entry {
                who: asked
                    .0
                    .as_ref()
                    .map(|address| Party::shown(address, For::Owner, messenger))
                    .unwrap_or_default(),
                reach,
                features: if reach == Reach::No { &[] } else { FEATURES },
                limits: LIMITS,
                hash: &hash,
                ttl_s: TTL_S,
            }
        })
        .collect();
    json(StatusCode::OK, &entries)
}

/// What the gateway carries in this profile, whoever is asked about.
const FEATURES: &[&str] = &["text", "reply", "delivered", "read", "typing"];
const LIMITS: Limits = Limits { text_bytes: TEXT_OCTETS_MAX };

#[derive(Clone, Copy, Serialize)]
struct Limits {
    text_bytes: usize,
}

/// Changes when the set does, so that a peer knows when to read again.
fn hash() -> String {
    format!("{:.16}", hex(&Sha256::digest(format!("{FEATURES:?}{TEXT_OCTETS_MAX}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_gets_an_answer_in_order() {
        let messenger = SmolStr::new("tictoc");
        let body = Bytes::from_static(br#"{"who":[{"tel":"+821012345678"},{"usr":"u_1"},{"tel":"nobody"}]}"#);
        let who = question(&messenger, &body).unwrap();
        assert_eq!(who.len(), 3);
        assert!(who[2].is_none());
        let asked: Vec<_> = who.into_iter().zip([Reach::Yes, Reach::Unknown, Reach::Yes]).collect();
        let told: serde_json::Value = serde_json::from_slice(answer(&messenger, &asked).body()).unwrap();
        assert_eq!(told[0]["who"]["tel"], "+821012345678");
        assert_eq!(told[0]["reach"], "yes");
        assert_eq!(told[0]["limits"]["text_bytes"], 16_384);
        assert_eq!(told[1]["who"], serde_json::json!({"usr": "u_1"}));
        assert_eq!(told[1]["reach"], "unknown");
        assert_eq!(told[2]["reach"], "no");
        assert_eq!(told[2]["features"], serde_json::json!([]));
        assert_eq!(told[0]["hash"].as_str().unwrap().len(), 16);
    }

    #[test]
    fn a_question_has_a_limit() {
        let body =
            |n: usize| Bytes::from(format!(r#"{{"who":[{}]}}"#, vec![r#"{"tel":"114"}"#; n].join(",")));
        assert_eq!(question(&SmolStr::default(), &body(500)).unwrap().len(), 500);
        assert_eq!(question(&SmolStr::default(), &body(501)).unwrap_err().status, 413);
        assert_eq!(question(&SmolStr::default(), &Bytes::from_static(b"[]")).unwrap_err().status, 400);
    }
}
