use serde_json::{Value, json};

use smpp::CommandStatus;

use crate::support::{Answer, Esme, Gateway, Home, SIMULATED, Smsc, carrier, until};

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
    refused(
        raw("POST", "/v1/messages", &[("content-type", "text/plain")], b"canary"),
        415,
        "unsupported_media_type",
    );
    let large = format!("{{\"text\":\"{}\"}}", "canary ".repeat(800_000));
    refused(raw("POST", "/v1/messages", &[], large.as_bytes()), 413, "body_too_large");
    refused(caller.post("/v1/messages", &with("text", json!("canary".repeat(10_000)))), 422, "too_long");
    refused(caller.post("/v1/messages", &with("to", json!(""))), 422, "bad_destination");

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
    let wrong = refused(caller.get("/v1/usage?limit=canary"), 400, "malformed");
    assert!(wrong["detail"].as_str().is_some_and(|detail| detail.contains("query parameter")), "{wrong}");
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

#[test]
fn a_number_without_a_route_is_refused_in_the_callers_own_protocol() {
    let home = Home::new(&carrier(Smsc::port_for_later()).replace("to = \"*\"", "to = \"82\""));
    let gateway = Gateway::start(&home);
    let abroad = "+4915112345678";
    let message = json!({ "from": "15881234", "to": abroad, "text": "hello" });
    refused(gateway.caller("shop-key").post("/v1/messages", &message), 422, "no_route");
    let (mut esme, _) = Esme::bind(gateway.smpp, "shop", "secret");
    assert_eq!(
        esme.submit("15881234", abroad.trim_start_matches('+'), "hello"),
        Err(CommandStatus::RINVDSTADR)
    );
    drop(esme);
    let event = json!({ "id": "e1", "kind": "text", "from": { "usr": "u1" }, "to": [{ "tel": abroad }], "body": { "text": "hello" } });
    let taken =
        gateway.caller("tictoc-token").post("/omf/v1/events", &json!({ "events": [event] })).is(200).json();
    assert_eq!(taken["results"][0]["st"], "rejected", "{taken}");
    // What is refused is counted once a second.
    until("all three are counted", || {
        (gateway.metric("gateway_messages_rejected_total{cause=\"no_route\"}") == 3.0).then_some(())
    });
    gateway.stopped();
    assert_eq!(home.verified()["accepted"], 0);
}

#[test]
fn a_wrong_password_does_not_bind() {
    let gateway = Gateway::start(&Home::new(SIMULATED));
    for (system_id, password) in [("demo", "wrong"), ("nobody", "demo")] {
        let (_esme, status) = Esme::bind(gateway.smpp, system_id, password);
        assert!(
            matches!(status, CommandStatus::RINVPASWD | CommandStatus::RBINDFAIL | CommandStatus::RINVSYSID),
            "{status:?}"
        );
    }
    assert!(gateway.metric("gateway_auth_failures_total{ingress=\"smpp\",reason=\"wrong_secret\"}") >= 1.0);
}
