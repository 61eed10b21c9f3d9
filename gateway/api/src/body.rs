//! Bodies: bounded in octets and time, and JSON that says everything that is wrong with it at once.

use std::borrow::Cow;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use model::{Cause, Duration};
use serde::de::DeserializeOwned;

use crate::{Problem, problem::FieldError};

/// Unknown fields named in one answer.
const ERRORS_MAX: usize = 20;
/// Characters of one pointer: names come from the caller.
const POINTER_CHARS_MAX: usize = 100;

/// Reads a body of at most `octets_max`.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    octets_max: usize,
    timeout: Duration,
) -> Result<Bytes, Problem> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    if announced.is_some_and(|octets: u64| octets > octets_max as u64) {
        return Err(Problem::too_large(octets_max));
    }
    match tokio::time::timeout(timeout, Limited::new(body, octets_max).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::too_large(octets_max)),
        Ok(Err(_broken)) => Err(Problem::of(Cause::Malformed).detail("the body broke off").close()),
        Err(_elapsed) => Err(Problem::body_too_slow()),
    }
}

/// The media type without its parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Whether the body is JSON, by its announced type; no announcement counts as JSON.
pub(crate) fn is_json(media_type: Option<&str>) -> bool {
    media_type
        .is_none_or(|t| t == "application/json" || (t.starts_with("application/") && t.ends_with("+json")))
}

/// Reads a JSON body.
pub(crate) async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    octets_max: usize,
    timeout: Duration,
) -> Result<T, Problem> {
    // `curl -d` announces a form; asking for the right header is friendlier than guessing.
    if !is_json(media_type(headers).as_deref()) {
        return Err(Problem::unsupported_media_type("send `Content-Type: application/json`"));
    }
    parse(&read(headers, body, octets_max, timeout).await?)
}

/// Decodes the JSON body of a peer that may be newer than we are: unknown fields are passed over.
pub(crate) fn parse_of_peer<T: DeserializeOwned>(headers: &HeaderMap, octets: &[u8]) -> Result<T, Problem> {
    if !is_json(media_type(headers).as_deref()) {
        return Err(Problem::unsupported_media_type("send `Content-Type: application/json`"));
    }
    serde_json::from_slice(octets).map_err(|error| explain::<T>(octets, &error, Vec::new()))
}

/// Decodes a JSON value. Unknown fields are an error, and all of them are named.
pub(crate) fn parse<T: DeserializeOwned>(octets: &[u8]) -> Result<T, Problem> {
    let mut unknown = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(octets);
    let decoded = serde_ignored::deserialize(&mut json, |path| {
        if unknown.len() < ERRORS_MAX {
            unknown
                .push(FieldError { pointer: ignored_pointer(&path), detail: Cow::Borrowed("unknown field") });
        }
    })
    .and_then(|value: T| json.end().map(|()| value));
    match decoded {
        Ok(value) if unknown.is_empty() => Ok(value),
        Ok(_) => {
            Err(Problem::unprocessable().detail("the request has fields that nobody knows").errors(unknown))
        }
        Err(error) => Err(explain::<T>(octets, &error, unknown)),
    }
}

/// The slow path: decodes again to learn where it went wrong.
fn explain<T: DeserializeOwned>(
    octets: &[u8],
    error: &serde_json::Error,
    mut errors: Vec<FieldError>,
) -> Problem {
    if !error.is_data() {
        return Problem::new(StatusCode::BAD_REQUEST, Cause::Malformed.code(), Cause::Malformed.text())
            .detail(format!("not JSON: line {}, column {}", error.line(), error.column()));
    }
    let mut json = serde_json::Deserializer::from_slice(octets);
    if let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut json) {
        errors.insert(
            0,
            FieldError { pointer: pointer(error.path()), detail: without_value(&error.inner().to_string()) },
        );
    }
    Problem::unprocessable().detail("the request has fields with wrong values").errors(errors)
}

/// serde names the value it found; the caller knows it, and logs must not.
fn without_value(message: &str) -> Cow<'static, str> {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    if message.starts_with("missing field") || message.starts_with("duplicate field") {
        // These quote names of ours.
        return Cow::Owned(message.to_owned());
    }
    match message.rsplit_once(", expected ") {
        Some((_found, expected)) => Cow::Owned(format!("expected {expected}")),
        None => Cow::Borrowed("wrong value"),
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;

    let mut pointer = String::from("#");
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    shorten(pointer)
}

fn ignored_pointer(path: &serde_ignored::Path<'_>) -> String {
    fn walk(path: &serde_ignored::Path<'_>, pointer: &mut String) {
        use serde_ignored::Path;

        match path {
            Path::Root => pointer.push('#'),
            Path::Seq { parent, index } => {
                walk(parent, pointer);
                push(pointer, &index.to_string());
            }
            Path::Map { parent, key } => {
                walk(parent, pointer);
                push(pointer, key);
            }
            Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
                walk(parent, pointer);
            }
        }
    }
    let mut pointer = String::new();
    walk(path, &mut pointer);
    shorten(pointer)
}

/// RFC 6901 §3.
fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

fn shorten(pointer: String) -> String {
    match pointer.char_indices().nth(POINTER_CHARS_MAX) {
        Some((end, _)) => pointer.get(..end).unwrap_or_default().to_owned() + "…",
        None => pointer,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "only its decoding is looked at")]
        inner: Option<Inner>,
        #[expect(dead_code, reason = "only its decoding is looked at")]
        list: Option<Vec<u8>>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only its decoding is looked at")]
        flag: bool,
    }

    fn errors(json: &str) -> serde_json::Value {
        serde_json::to_value(parse::<Outer>(json.as_bytes()).unwrap_err()).unwrap()
    }

    #[test]
    fn every_unknown_field_is_named_by_its_path() {
        let problem = errors(r#"{"a": 1, "inner": {"flag": true, "b/c": [{"d": 1}]}}"#);
        assert_eq!(problem["status"], 422);
        assert_eq!(problem["errors"][0]["pointer"], "#/a");
        assert_eq!(problem["errors"][1]["pointer"], "#/inner/b~1c");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_wrong_type_is_named_by_its_path_and_not_quoted() {
        let problem = errors(r#"{"inner": {"flag": "821012345678, expected x"}}"#);
        assert_eq!(problem["errors"][0]["pointer"], "#/inner/flag");
        assert_eq!(problem["errors"][0]["detail"], "expected a boolean");
        assert!(!problem.to_string().contains("8210"));
        assert_eq!(errors(r#"{"list": [1, 999]}"#)["errors"][0]["pointer"], "#/list/1");
        assert_eq!(errors(r#"{"inner": {}}"#)["errors"][0]["detail"], "missing field `flag`");
    }

    #[test]
    fn what_is_not_json_is_a_400_with_its_place() {
        for json in ["", "{", "{\"inner\": 1,}", "{} x", "\u{feff}{}", "[[[["] {
            let problem = errors(json);
            assert!(problem["status"] == 400 || problem["status"] == 422, "{json}: {problem}");
        }
        assert_eq!(errors("{")["detail"], "not JSON: line 1, column 1");
        let deep = "[".repeat(100_000);
        assert!(parse::<serde_json::Value>(deep.as_bytes()).is_err());
    }

    #[test]
    fn a_thousand_unknown_fields_do_not_make_a_large_answer() {
        let many: String = (0..1_000).map(|n| format!("\"{}{n}\": 0,", "x".repeat(500))).collect();
        let problem = errors(&format!("{{{many} \"list\": []}}"));
        assert_eq!(problem["errors"].as_array().unwrap().len(), ERRORS_MAX);
        assert!(problem.to_string().len() < 4_096);
    }
}
