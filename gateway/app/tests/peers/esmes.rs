use serde_json::json;

use crate::{
    LONG_KOREAN, PHONE,
    foreign::Foreign,
    world::{Smsc, World},
};

/// A gateway that an ESME can submit to, and a foreign SMSC where its texts come out.
fn between() -> (World, Foreign) {
    let mut smsc = Foreign::node("npm_smsc.js", &["--system-id", "gateway", "--password", "secret"]);
    let world = World::start(&Smsc { port: smsc.port(), more: "" });
    smsc.wait_for_any("bound");
    (world, smsc)
}

/// The text came out as it went in, and everything was receipted and charged.
fn arrives(esme: Foreign, smsc: &mut Foreign, world: &World, text: &str) {
    let arrived = smsc.wait_for_any("message");
    assert_eq!(arrived["text"], text);
    assert_eq!(
        (&arrived["to"], &arrived["from"]),
        (&json!(PHONE.trim_start_matches('+')), &json!("15881234"))
    );
    esme.succeed();
    assert!(world.charged() >= 1, "a message that was taken must be charged");
}

#[test]
fn smpplib_submits_segments_with_a_header() {
    let (world, mut smsc) = between();
    let port = world.smpp.to_string();
    let esme = Foreign::python(
        "smpplib_esme.py",
        &["--port", &port, "--to", PHONE, "--text", LONG_KOREAN, "--split", "udh"],
    );
    arrives(esme, &mut smsc, &world, LONG_KOREAN);
}

#[test]
fn smpplib_submits_segments_with_sar_parameters() {
    let (world, mut smsc) = between();
    let port = world.smpp.to_string();
    let esme = Foreign::python(
        "smpplib_esme.py",
        &["--port", &port, "--to", PHONE, "--text", LONG_KOREAN, "--split", "sar"],
    );
    arrives(esme, &mut smsc, &world, LONG_KOREAN);
}

#[test]
fn smpplib_submits_a_payload_that_we_split() {
    let (world, mut smsc) = between();
    let port = world.smpp.to_string();
    let words = ["--port", &port, "--to", PHONE, "--text", LONG_KOREAN, "--split", "payload"];
    let esme = Foreign::python("smpplib_esme.py", &words);
    arrives(esme, &mut smsc, &world, LONG_KOREAN);
}

#[test]
fn smpplib_is_told_that_its_password_is_wrong() {
    let (world, _smsc) = between();
    let port = world.smpp.to_string();
    let esme = Foreign::python("smpplib_esme.py", &["--port", &port, "--to", PHONE, "--password", "guess"]);
    let complaint = esme.complaint();
    assert!(complaint.contains("bind_transceiver_resp"), "{complaint}");
}

#[test]
fn aiosmpplib_submits_segments_with_a_header() {
    let (world, mut smsc) = between();
    let port = world.smpp.to_string();
    let words = ["--port", &port, "--to", PHONE, "--text", LONG_KOREAN, "--split", "udh"];
    arrives(Foreign::python("aiosmpplib_esme.py", &words), &mut smsc, &world, LONG_KOREAN);
}

#[test]
fn aiosmpplib_submits_a_payload_that_we_split() {
    let (world, mut smsc) = between();
    let port = world.smpp.to_string();
    let words = ["--port", &port, "--to", PHONE, "--text", LONG_KOREAN, "--split", "payload"];
    arrives(Foreign::python("aiosmpplib_esme.py", &words), &mut smsc, &world, LONG_KOREAN);
}

#[test]
fn npm_smpp_submits_short_and_long_texts() {
    let (world, mut smsc) = between();
    let port = world.smpp.to_string();
    for text in ["짧은 글 😀", LONG_KOREAN] {
        let esme = Foreign::node("npm_esme.js", &["--port", &port, "--to", PHONE, "--text", text]);
        arrives(esme, &mut smsc, &world, text);
    }
}

#[test]
fn smpp34_submits_short_and_long_texts() {
    let (world, mut smsc) = between();
    let port = world.smpp.to_string();
    for text in ["짧은 글 😀", LONG_KOREAN] {
        arrives(Foreign::smpp34(&["esme", &port, PHONE, text]), &mut smsc, &world, text);
    }
}

#[test]
fn kannel_submits_and_hears_the_phone_answer() {
    let (world, mut smsc) = between();
    let port = world.smpp.to_string();
    let mut kannel = Foreign::python(
        "kannel_esme.py",
        &["--port", &port, "--to", PHONE, "--text", LONG_KOREAN, "--serve"],
    );
    let arrived = smsc.wait_for_any("message");
    assert_eq!(arrived["text"], LONG_KOREAN);
    kannel.wait_for("receipt", |receipt| receipt["stat"] == "DELIVRD");
    smsc.order(&json!({ "order": "deliver", "from": PHONE, "to": "15881234", "text": "답장입니다 😀" }));
    let heard = kannel.wait_for_any("received");
    assert_eq!(heard["text"], "답장입니다 😀");
    assert_eq!(smsc.wait_for_any("delivered")["status"], 0);
    kannel.succeed();
}
