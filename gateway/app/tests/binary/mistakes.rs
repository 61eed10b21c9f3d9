use serde_json::{Value, json};

use crate::support::{Answer, Gateway, Home, SIMULATED};

/// RFC 9457, with a stable type; nothing of what the caller wrote comes back.
#[track_caller]
fn refused(answer: Answer, status: u16, code: &str) -> Value {
    let kind = answer.header("content-type").unwrap_or_default().to_owned();
    let answer = answer.is(status);
    assert_eq!(kind, "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["type"], format!("urn:gateway:problem:{code}"), "{problem}");
    assert!(!answer.body.contains("canary"), "the answer quotes the caller: {problem}");
    problem
}

#[test]
fn no_mistake_of_a_caller_is_an_error_of_ours() {
    let home = Home::new(SIMULATED);
    let gateway = Gateway::start(&home);
    let caller = gateway.caller("demo");
    let good = || json!({ "from": "15881234", "to": "+821012345678", "text": "canary" });
    let with = |key: &str, value: Value| {
        let mut message = good();
        message[key] = value;
        message
    };
    let raw = |method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]| {
        caller.request(method, path, headers, body).expect("the gateway answers")
    };

    let unknown = refused(caller.post("/v1/messages", &with("txet", json!("canary"))), 422, "malformed");
    assert!(unknown.to_string().contains("txet"), "the unknown field is not named: {unknown}");
    refused(raw("POST", "/v1/messages", &[], b"{\"from\": canary"), 400, "malformed");
    refused(raw("POST", "/v1/messages", &[], b""), 400, "malformed");
    refused(raw("POST", "/v1/messages", &[], b"\xff\xfe"), 400, "malformed");
    let wrong = refused(caller.post("/v1/messages", &with("text", json!(7))), 422, "malformed");
    assert!(wrong.to_string().contains("#/text"), "the wrong field is not named: {wrong}");
    refused(caller.post("/v1/messages", &json!([])), 422, "malformed");
    refused(raw("POST", "/v1/messages", &[("content-type", "text/plain")], b"canary"), 415, "unsupported_media_type");
    let large = format!("{{\"text\":\"{}\"}}", "canary ".repeat(800_000));
    refused(raw("POST", "/v1/messages", &[], large.as_bytes()), 413, "body_too_large");
    refused(caller.post("/v1/messages", &with("text", json!("canary".repeat(10_000)))), 422, "too_long");
    refused(caller.post("/v1/messages", &with("to", json!("canary"))), 422, "bad_destination");
    refused(caller.post("/v1/messages", &with("to", json!(""))), 422, "malformed");

    for key in ["", "wrong"] {
        refused(gateway.caller(key).post("/v1/messages", &good()), 401, "unauthorized");
        refused(gateway.caller(key).get("/v1/usage"), 401, "unauthorized");
        gateway.caller(key).post("/omf/v1/events", &json!({ "events": [] })).is(401);
    }
    refused(caller.get("/v1/messages/1"), 404, "not_found");
    refused(caller.get("/v1/messages/canary"), 404, "not_found");
    refused(raw("DELETE", "/v1/messages/1", &[], b""), 404, "not_found");
    refused(raw("PUT", "/v1/messages", &[], b"{}"), 405, "method_not_allowed");
    refused(caller.get("/v1/canary"), 404, "no_such_path");
    let wrong = refused(caller.get("/v1/usage?limit=canary"), 422, "malformed");
    assert!(wrong.to_string().contains("limit"), "the wrong parameter is not named: {wrong}");
    // The traffic listener is no way to the operator's pages.
    refused(caller.get("/metrics"), 404, "no_such_path");

    assert!(gateway.usage("demo").is_empty(), "a mistake was charged");
    assert_eq!(gateway.metric("gateway_messages_accepted_total{channel=\"demo\",class=\"person\"}"), 0.0);
    let id = gateway.submit("demo", "+821012345678", "after all that");
    gateway.becomes("demo", &id, "delivered");
    let said = gateway.stopped();
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn one_bad_line_of_a_batch_leaves_the_others_alone() {
    let home = Home::new(SIMULATED);
    let gateway = Gateway::start(&home);
    let lines = "{\"from\":\"15881234\",\"to\":\"+821012345678\",\"text\":\"one\"}\n{\"from\":\n{\"from\":\"15881234\",\"to\":\"+821012345679\",\"text\":\"three\"}\n";
    let answer = gateway
        .caller("demo")
        .request("POST", "/v1/messages", &[("content-type", "application/x-ndjson")], lines.as_bytes())
        .unwrap();
    assert_eq!(answer.status / 100, 2, "{}", answer.body);
    let results: Vec<Value> = answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let taken: Vec<bool> = results.iter().map(|result| result["id"].is_string()).collect();
    assert_eq!(taken, [true, false, true], "{}", answer.body);
    assert_eq!(gateway.usage("demo").len(), 2);
}
