use serde_json::{Value, json};

use crate::support::{Gateway, Home, SIMULATED, until};

const PHONE: &str = "+821012345678";

#[test]
fn the_first_curl_is_delivered_metered_and_told() {
    let home = Home::new(SIMULATED);
    let gateway = Gateway::start(&home);
    gateway.says("a simulated carrier answers: nothing leaves this machine");

    let id = gateway.submit("demo", PHONE, "안녕하세요");
    let shown = gateway.becomes("demo", &id, "delivered");
    let steps: Vec<&str> =
        shown["ladder"].as_array().unwrap().iter().filter_map(|step| step["event"].as_str()).collect();
    assert_eq!(steps, ["accepted", "sent", "receipt", "final"], "{shown}");

    let usage = gateway.usage("demo");
    assert_eq!(usage.len(), 1, "{usage:?}");
    assert_eq!(
        (usage[0]["message"].as_str(), usage[0]["event"].as_str()),
        (Some(id.as_str()), Some("submit"))
    );

    // The observer is told at the commit; depths and open messages once a second.
    assert_eq!(gateway.metric("gateway_messages_accepted_total{channel=\"demo\",class=\"person\"}"), 1.0);
    assert_eq!(gateway.metric("gateway_messages_final_total{outcome=\"delivered\"}"), 1.0);
    assert_eq!(gateway.metric("gateway_usage_records_total{event=\"submit\",service=\"sms\"}"), 1.0);

    let told = home.run(&["explain", &id]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert!(
        told.out.contains("demo ──▶ gateway") && told.out.contains("gateway ──▶ loopback"),
        "{}",
        told.out
    );

    // The handset may still be writing back: more may be accepted by the second proof, never less.
    let running = home.verified();
    assert!(running["accepted"].as_u64() >= Some(1), "{running}");
    gateway.stopped();
    let stopped = home.verified();
    assert!(stopped["usage_rows"].as_u64() >= Some(1) && stopped["faults"] == 0, "{stopped}");
}

#[test]
fn a_messenger_user_reaches_a_phone_and_the_phone_answers() {
    let home = Home::new(SIMULATED);
    let gateway = Gateway::start(&home);
    let messenger = gateway.caller("demo");
    let event = json!({
        "id": "e1", "kind": "text", "from": { "usr": "u1" }, "to": [{ "tel": PHONE }],
        "body": { "text": "are you there?" }, "want": ["delivered"],
    });
    let taken = messenger.post("/omf/v1/events", &json!({ "events": [event] })).is(200).json();
    assert_eq!(taken["results"][0]["st"], "accepted", "{taken}");

    let mut cursor = String::new();
    let mut events: Vec<Value> = Vec::new();
    until("the receipt and the answer", || {
        let from = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
        let page = messenger.get(&format!("/omf/v1/events?wait_s=1{from}")).is(200).json();
        events.extend(page["events"].as_array().cloned().unwrap_or_default());
        if let Some(next) = page["next"].as_str() {
            next.clone_into(&mut cursor);
        }
        (events.len() >= 2).then_some(())
    });
    let of = |kind: &str| {
        events.iter().find(|event| event["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {events:?}"))
    };
    assert_eq!(of("delivered")["re"]["target"], "e1");
    assert_eq!(of("delivered")["to"][0]["usr"], "u1");
    let reply = of("text");
    assert_eq!(
        (reply["from"]["tel"].as_str(), reply["to"][0]["usr"].as_str()),
        (Some(PHONE), Some("u1")),
        "{reply}"
    );
    assert!(
        reply["body"]["text"].as_str().is_some_and(|text| text.starts_with("(simulated handset)")),
        "{reply}"
    );

    messenger.post("/omf/v1/acks", &json!({ "cursor": cursor })).is(200);
    let again = messenger.get("/omf/v1/events?wait_s=0").is(200).json();
    assert_eq!(
        again["events"].as_array().map(Vec::len),
        Some(0),
        "what was acknowledged came again: {again}"
    );
    gateway.stopped();
    assert_eq!(home.verified()["accepted"], 2);
}

#[test]
fn an_esme_binds_to_the_defaults_and_gets_its_receipt() {
    let home = Home::new(SIMULATED);
    let gateway = Gateway::start(&home);
    let (mut esme, bound) = crate::support::Esme::bind(gateway.smpp, "demo", "demo");
    assert_eq!(bound, smpp::CommandStatus::ROK);
    let id = esme.submit("15881234", "821012345678", "hello").unwrap();
    esme.wait_for(1);
    let receipt = String::from_utf8_lossy(&esme.delivered[0]).into_owned();
    assert!(receipt.contains(&format!("id:{id}")) && receipt.contains("stat:DELIVRD"), "{receipt}");
}
