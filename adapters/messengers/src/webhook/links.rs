//! Linking a number to a user by a code over SMS (messengers sheet §8.5, §11.2): the shapes of
//! `POST /omf/v1/links`, `POST /omf/v1/links/{id}/verify` and `DELETE /omf/v1/links`.

use bytes::Bytes;
use http::{Response, StatusCode};
use kit::HookError;
use model::{Address, For, LinkAnswer, Number, Pii};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{envelope::Party, json};

/// Digits of a code.
const CODE_DIGITS: usize = 6;

/// `{"tel":"+82…","usr":"u_77"}`: who wants to own which number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    pub number: Pii<Number>,
    pub user: SmolStr,
}

/// Reads the body of `POST /links`.
///
/// # Errors
/// 400 when it is not JSON of that shape, 422 when the number cannot be dialled.
pub fn start(body: &Bytes) -> Result<Start, HookError> {
    let party: Party<'_> = read(body)?;
    let Some(Address::Number(number)) = party.number() else {
        return Err(unprocessable("bad_destination", "`tel` is a telephone number"));
    };
    Ok(Start { number: Pii::new(number), user: user(&party)? })
}

/// The answer to `POST /links`: 202 with the id of the link, whose code is on its way.
#[must_use]
pub fn started(answer: &LinkAnswer) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Started {
        id: String,
        /// Milliseconds since 1970.
        #[serde(skip_serializing_if = "Option::is_none")]
        expires: Option<i64>,
    }
    let expires = answer.expires_at.map(model::Timestamp::millis);
    json(StatusCode::ACCEPTED, &Started { id: answer.link.to_string(), expires })
}

/// Reads the id in the path of `POST /links/{id}/verify`.
#[must_use]
pub fn id(segment: &str) -> Option<u64> {
    segment.parse().ok()
}

/// Reads the body of `POST /links/{id}/verify`: `{"code":"123456"}`.
///
/// # Errors
/// 400 when it is not JSON of that shape, 422 when the code is not six digits.
pub fn code(body: &Bytes) -> Result<u32, HookError> {
    #[derive(Deserialize)]
    struct Verify<'a> {
        #[serde(borrow)]
        code: std::borrow::Cow<'a, str>,
    }
    let Verify { code } = read(body)?;
    let digits = code.len() == CODE_DIGITS && code.bytes().all(|octet| octet.is_ascii_digit());
    match code.parse() {
        Ok(code) if digits => Ok(code),
        _ => Err(unprocessable("wrong_code", "`code` is six digits")),
    }
}

/// The answer to a verified link: 200 with the number, its user where the caller knows it, and the epoch.
#[must_use]
pub fn verified(answer: &LinkAnswer, user: Option<&str>) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Verified<'a> {
        #[serde(flatten)]
        party: Party<'a>,
        epoch: Option<u32>,
    }
    let mut party = Party::of_number(answer.number.reveal(For::Owner));
    party.usr = user.map(Into::into);
    json(StatusCode::OK, &Verified { party, epoch: answer.epoch })
}

/// Reads the body of `DELETE /links`: `{"usr":"u_77"}`. Answered with 204.
///
/// # Errors
/// 400 when it is not JSON of that shape, 422 without a user.
pub fn unlink(body: &Bytes) -> Result<SmolStr, HookError> {
    user(&read(body)?)
}

fn user(party: &Party<'_>) -> Result<SmolStr, HookError> {
    match party.sender(&SmolStr::default()) {
        Some(Address::User(user)) if party.net.is_none() => Ok(user.id),
        _ => Err(unprocessable("bad_sender", "`usr` is a user of the messenger that asks")),
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a Bytes) -> Result<T, HookError> {
    serde_json::from_slice(body).map_err(|error| HookError {
        status: StatusCode::BAD_REQUEST,
        code: "malformed",
        detail: format!("the body does not fit at line {}, column {}", error.line(), error.column()),
    })
}

fn unprocessable(code: &'static str, detail: &str) -> HookError {
    HookError { status: StatusCode::UNPROCESSABLE_ENTITY, code, detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    fn answer() -> LinkAnswer {
        LinkAnswer {
            link: u64::MAX,
            epoch: Some(3),
            number: Pii::new(Number::written("+821012345678")),
            expires_at: Some(Timestamp::from_secs(1_772_410_353)),
        }
    }

    #[test]
    fn a_link_is_started_for_a_number_and_a_user() {
        let started =
            start(&Bytes::from_static(br#"{"tel":"+82 10-1234-5678","usr":"u_77","later":[1]}"#)).unwrap();
        assert_eq!(started.number, Pii::new(Number::written("+821012345678")));
        assert_eq!(started.user, "u_77");
        for (body, status) in [
            (r#"{"tel":"ACME","usr":"u_77"}"#, 422),
            (r#"{"tel":"+821012345678"}"#, 422),
            (r#"{"tel":"+821012345678","usr":"u_77","net":"other"}"#, 422),
            (r#"{"tel":1,"usr":"u_77"}"#, 400),
            ("", 400),
        ] {
            assert_eq!(start(&Bytes::from_static(body.as_bytes())).unwrap_err().status, status, "{body}");
        }
    }

    #[test]
    fn answers_have_the_shapes_of_the_sheet() {
        let response = started(&answer());
        assert_eq!(response.status(), 202);
        // The id is a string: it does not fit into a JSON number that every language reads alike.
        assert_eq!(response.body(), &br#"{"id":"18446744073709551615","expires":1772410353000}"#[..]);
        let response = verified(&answer(), Some("u_77"));
        assert_eq!(response.status(), 200);
        assert_eq!(response.body(), &br#"{"tel":"+821012345678","usr":"u_77","epoch":3}"#[..]);
    }

    #[test]
    fn a_code_is_six_digits_with_its_zeros() {
        assert_eq!(code(&Bytes::from_static(br#"{"code":"001234"}"#)), Ok(1_234));
        for body in [r#"{"code":"1234"}"#, r#"{"code":"+12345"}"#, r#"{"code":"1234567"}"#] {
            assert_eq!(code(&Bytes::from_static(body.as_bytes())).unwrap_err().status, 422, "{body}");
        }
        assert_eq!(id("18446744073709551615"), Some(u64::MAX));
        assert_eq!(id("x"), None);
    }

    #[test]
    fn a_user_is_unlinked_by_name() {
        assert_eq!(unlink(&Bytes::from_static(br#"{"usr":"u_77"}"#)).unwrap(), "u_77");
        assert_eq!(unlink(&Bytes::from_static(b"{}")).unwrap_err().status, 422);
    }
}
