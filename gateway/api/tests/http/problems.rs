//! What bad input gets: always a problem, never a 500, never the value back.

use crate::world::{Call, KEY, TOKEN, World};

#[tokio::test]
async fn without_a_valid_key_nothing_is_seen() {
    let world = World::new().await;
    for (method, path) in [
        ("POST", "/v1/messages"),
        ("GET", "/v1/messages"),
        ("GET", "/v1/messages/1"),
        ("DELETE", "/v1/messages/1"),
        ("GET", "/v1/usage"),
        ("POST", "/v1/consents"),
        ("POST", "/omf/v1/events"),
        ("GET", "/omf/v1/events"),
        ("POST", "/omf/v1/acks"),
        ("GET", "/omf/v1/events/1/status"),
        ("POST", "/omf/v1/capabilities"),
        ("POST", "/omf/v1/links"),
        ("POST", "/omf/v1/links/x/verify"),
        ("DELETE", "/omf/v1/links/x"),
        ("POST", "/omf/v1/ping"),
    ] {
        let reply = Call::new(method, path).send(world.traffic).await;
        reply.problem(401, "unauthorized");
        assert_eq!(reply.header("www-authenticate"), "Bearer", "{path}");
        for value in ["Bearer wrong", "Bearer ", "Basic ZGVtbw==", "demo-key", "Bearer"] {
            let reply = Call::new(method, path).header("authorization", value).send(world.traffic).await;
            reply.problem(401, "unauthorized");
        }
        // A messenger is not an account, and an account is not a messenger.
        let wrong = if path.starts_with("/v1") { TOKEN } else { KEY };
        Call::new(method, path).key(wrong).send(world.traffic).await.problem(401, "unauthorized");
    }
    assert!(world.intake.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_scheme_is_read_in_any_case() {
    let world = World::new().await;
    let reply =
        Call::new("GET", "/v1/usage").header("authorization", "bEARER demo-key").send(world.traffic).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn paths_and_methods_nobody_knows() {
    let world = World::new().await;
    for path in ["/", "/v1", "/v1/messages/", "/v1/messages/1/2", "/v2/messages", "/admin"] {
        world.get(path).await.problem(404, "no_such_path");
    }
    let reply = world.call("PUT", "/v1/messages/1", "{}").await;
    reply.problem(405, "method_not_allowed");
    let mut allowed: Vec<_> = reply.header("allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "HEAD"]);
    world.call("BREW", "/v1/messages", "{}").await.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn bodies_that_are_wrong_are_told_what_is_wrong() {
    let world = World::new().await;
    let secret = "01098765432";
    for (body, status, code, pointer) in [
        ("", 400, "malformed", None),
        ("not json 01098765432", 400, "malformed", None),
        ("{\"from\": \"\u{0}01098765432\"}", 400, "malformed", None),
        ("[]", 422, "malformed", Some("#")),
        ("\"01098765432\"", 422, "malformed", Some("#")),
        ("{}", 422, "malformed", Some("#")),
        (r#"{"from": "01098765432", "to": 1098765432, "text": "x"}"#, 422, "malformed", Some("#/to")),
        (r#"{"from": "1", "to": {"user": "01098765432"}, "text": "x"}"#, 422, "malformed", Some("#/to")),
        (
            r#"{"from": "1", "to": {"messenger": "m", "user": "u", "x": "01098765432"}, "text": "x"}"#,
            422,
            "malformed",
            Some("#/to/x"),
        ),
        (
            r#"{"from": "1", "to": "2", "text": "x", "prize": "01098765432"}"#,
            422,
            "malformed",
            Some("#/prize"),
        ),
        (r#"{"from": "1", "to": "2"}"#, 422, "malformed", Some("#/text")),
        (
            r#"{"from": "1", "to": "2", "text": "01098765432", "data": {"data_coding": 0, "octets": ""}}"#,
            422,
            "malformed",
            Some("#/text"),
        ),
        (
            r#"{"from": "1", "to": "2", "data": {"data_coding": 256, "octets": ""}}"#,
            422,
            "malformed",
            Some("#/data/data_coding"),
        ),
        (
            r#"{"from": "1", "to": "2", "data": {"data_coding": 0, "octets": "01098765432"}}"#,
            422,
            "malformed",
            Some("#/data/octets"),
        ),
        (
            r#"{"from": "1", "to": "2", "text": "x", "class": "01098765432"}"#,
            422,
            "malformed",
            Some("#/class"),
        ),
        (
            r#"{"from": "1", "to": "2", "text": "x", "validity": "01098765432"}"#,
            422,
            "malformed",
            Some("#/validity"),
        ),
        (r#"{"from": "1", "to": "2", "text": "x", "validity": 0}"#, 422, "malformed", Some("#/validity")),
        (r#"{"from": "1", "to": "2", "text": "x", "validity": -1}"#, 422, "malformed", Some("#/validity")),
        (
            r#"{"from": "1", "to": "2", "text": "x", "validity": "99999999999999999999w"}"#,
            422,
            "malformed",
            Some("#/validity"),
        ),
        (
            r#"{"from": "1", "to": "2", "text": "x", "schedule": "soon"}"#,
            422,
            "malformed",
            Some("#/schedule"),
        ),
        (
            r#"{"from": "1", "to": "2", "text": "x", "receipts": ["success", "01098765432"]}"#,
            422,
            "malformed",
            Some("#/receipts/1"),
        ),
        (r#"{"from": "1", "to": "2", "text": "x", "reference": ""}"#, 422, "malformed", Some("#/reference")),
        (
            r#"{"from": "1", "to": "2", "text": "x", "reference": "a\r\nb"}"#,
            422,
            "malformed",
            Some("#/reference"),
        ),
        (r#"{"from": "1", "from": "01098765432", "to": "2", "text": "x"}"#, 422, "malformed", None),
        (r#"{"from": "", "to": "2", "text": "x"}"#, 422, "bad_sender", Some("#/from")),
        (r#"{"from": "1", "to": " ", "text": "x"}"#, 422, "bad_destination", Some("#/to")),
        (r#"{"from": "1", "to": "0109\n8765432", "text": "x"}"#, 422, "bad_destination", Some("#/to")),
    ] {
        let reply = world.call("POST", "/v1/messages", body).await;
        let problem = reply.problem(status, code);
        if let Some(pointer) = pointer {
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
        }
        assert!(!reply.text().contains(secret) && !reply.text().contains("1098765432"), "{body}: {problem}");
    }
    assert!(world.intake.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_text_that_is_not_utf_8_is_malformed() {
    let world = World::new().await;
    let body = b"{\"from\": \"1\", \"to\": \"2\", \"text\": \"\xb0\xa1\"}";
    let call = Call::new("POST", "/v1/messages").key(KEY).header("content-type", "application/json");
    let reply = call.body(&body[..]).send(world.traffic).await;
    reply.problem(400, "malformed");
}

#[tokio::test]
async fn a_form_is_not_json() {
    let world = World::new().await;
    let send = |media_type: &'static str| {
        Call::new("POST", "/v1/messages")
            .key(KEY)
            .header("content-type", media_type)
            .body(r#"{"from": "1", "to": "2", "text": "x"}"#)
            .send(world.traffic)
    };
    let problem = send("application/x-www-form-urlencoded").await.problem(415, "unsupported_media_type");
    assert!(problem["detail"].as_str().unwrap().contains("application/json"));
    send("text/plain").await.problem(415, "unsupported_media_type");
    for media_type in ["application/json; charset=utf-8", "Application/JSON", "application/vnd.acme+json"] {
        assert_eq!(send(media_type).await.status, 202, "{media_type}");
    }
    let consent = Call::new("POST", "/v1/consents").key(KEY).header("content-type", "text/xml").body("<x/>");
    consent.send(world.traffic).await.problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn an_idempotency_key_has_bounds() {
    let world = World::new().await;
    let send = |key: String| {
        Call::new("POST", "/v1/messages")
            .key(KEY)
            .header("idempotency-key", &key)
            .json(r#"{"from": "1", "to": "2", "text": "x"}"#)
            .send(world.traffic)
    };
    send("k".repeat(256)).await.problem(400, "malformed");
    send(String::new()).await.problem(400, "malformed");
    assert_eq!(send("k".repeat(255)).await.status, 202);
}

#[tokio::test]
async fn a_panic_is_a_500_that_says_nothing_and_the_next_call_is_served() {
    let world = World::new().await;
    let reply = world.peer("POST", "/omf/v1/events", "1:panic").await;
    let problem = reply.problem(500, "internal");
    assert!(problem.get("detail").is_none());
    assert!(!reply.text().contains("1234"));
    assert_eq!(world.get("/v1/usage").await.status, 200);
}

#[tokio::test]
async fn every_call_is_observed_by_its_pattern() {
    let world = World::new().await;
    world.get("/v1/messages/4711").await;
    world.get("/v1/secret-4711").await;
    world.peer("POST", "/omf/v1/events", "1:panic").await;
    let seen = world.seen.lock().unwrap().clone();
    assert_eq!(
        seen,
        [
            ("/v1/messages/{id}".to_owned(), 404),
            ("unmatched".to_owned(), 404),
            ("/omf/v1/events".to_owned(), 500)
        ]
    );
}
