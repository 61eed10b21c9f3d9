use serde_json::json;

use crate::{
    LONG_KOREAN,
    foreign::Foreign,
    world::{Smsc, World},
};

/// A gateway bound to npm's `smpp` with further words of its script.
fn bound_to_npm(words: &[&str]) -> (World, Foreign) {
    let mut smsc = Foreign::node("npm_smsc.js", words);
    let world = World::start(&Smsc { port: smsc.port(), more: "" });
    smsc.wait_for_any("bound");
    (world, smsc)
}

#[test]
fn npm_smpp_delivers_what_came_over_http() {
    let (world, mut smsc) = bound_to_npm(&[]);
    let id = world.submit(LONG_KOREAN);
    assert_eq!(smsc.wait_for_any("message")["text"], LONG_KOREAN);
    world.wait_for_status(&id, "delivered");
    assert_eq!(world.charged(), 1);
}

#[test]
fn npm_smpp_answers_in_hexadecimal_and_receipts_in_decimal() {
    let (world, mut smsc) = bound_to_npm(&["--ids", "hex", "--receipt-ids", "decimal"]);
    // The first ids are the same in both; from the tenth on only who converts finds them.
    let ids: Vec<_> = (0..20).map(|number| world.submit(&format!("text {number}"))).collect();
    for id in &ids {
        world.wait_for_status(id, "delivered");
    }
    smsc.wait_for_any("receipt_answered");
}

#[test]
fn npm_smpp_throttles_and_gets_it_later() {
    let (world, mut smsc) = bound_to_npm(&["--throttle", "3"]);
    let id = world.submit("again");
    assert_eq!(smsc.wait_for_any("message")["text"], "again");
    world.wait_for_status(&id, "delivered");
    assert_eq!(world.charged(), 1, "a message that had to wait is one message");
}

#[test]
fn npm_smpp_reports_a_failure() {
    let (world, _smsc) = bound_to_npm(&["--receipts", "UNDELIV"]);
    world.wait_for_status(&world.submit("nobody there"), "undeliverable");
}

#[test]
fn npm_smpp_cuts_every_connection_and_we_come_back() {
    let (world, mut smsc) = bound_to_npm(&[]);
    world.wait_for_status(&world.submit("before"), "delivered");
    smsc.order(&json!({ "order": "drop" }));
    let id = world.submit("after");
    world.wait_for_status(&id, "delivered");
    smsc.wait_for("message", |message| message["text"] == "after");
}

#[test]
fn smpp34_delivers_with_hexadecimal_ids() {
    let mut smsc = Foreign::smpp34(&["smsc"]);
    let world = World::start(&Smsc { port: smsc.port(), more: "" });
    smsc.wait_for_any("bound");
    let id = world.submit("안녕하세요 😀");
    assert_eq!(smsc.wait_for_any("submit")["text"], "안녕하세요 😀");
    world.wait_for_status(&id, "delivered");
}

/// Jasmin gives ids that are UUIDs and writes receipts its own way; behind it stands another SMSC.
#[test]
fn jasmin_relays_and_its_receipts_come_back() {
    let mut sink = Foreign::node("npm_smsc.js", &["--system-id", "jasmin", "--password", "secret"]);
    let sink_port = sink.port().to_string();
    let mut jasmin = Foreign::python("jasmin_smsc.py", &["--sink-port", &sink_port]);
    let world = World::start(&Smsc { port: jasmin.port(), more: "" });
    for text in ["hello", LONG_KOREAN] {
        let id = world.submit(text);
        assert_eq!(sink.wait_for_any("message")["text"], text);
        world.wait_for_status(&id, "delivered");
    }
}
