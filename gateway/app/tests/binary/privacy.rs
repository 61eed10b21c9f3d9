use std::{fs, path::Path};

use serde_json::{Value, json};
use smpp::CommandStatus;

use crate::support::{Esme, Gateway, Home, Script, Smsc, carrier, until};

/// One person's number, as any layer may write it.
const NUMBER: &str = "+821099887766";
const NUMBER_WRITTEN: [&str; 3] = ["1099887766", "010-9988-7766", "99887766"];
/// The same in a country that no route leads to.
const ABROAD: &str = "+491099887766";
/// What that person reads and writes.
const TEXT: &str = "canary-Zp7qW the parcel is at the door";
const TEXT_WRITTEN: [&str; 2] = ["canary-Zp7qW", "parcel is at"];
const ANSWER: &str = "canary-Zp7qW parcel is at home now";

/// By the last digit: the canary's own messages are delivered and answered, refused, or fail.
fn script(to: &str) -> Script {
    match to.as_bytes().last() {
        Some(b'6') => Script::Answer(ANSWER),
        Some(b'7') => Script::Refuse,
        _ => Script::Fail,
    }
}

#[track_caller]
fn clean(what: &str, text: &str, needles: &[&str]) {
    for needle in needles {
        let line = text.lines().find(|line| line.contains(needle));
        assert!(line.is_none(), "{needle} in {what}: {line:?}");
    }
}

/// In UTF-8, in UCS-2, and as the octets of a log might be written.
fn contains(octets: &[u8], text: &str) -> bool {
    let ucs2: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let hex: String = text.bytes().map(|octet| format!("{octet:02x}")).collect();
    [text.as_bytes(), &ucs2, hex.as_bytes()]
        .iter()
        .any(|needle| octets.windows(needle.len()).any(|window| window == *needle))
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder).expect("it is a folder").map(|file| file.expect("it is there").path());
    files
        .filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("gateway.db")))
        .map(|file| (file.display().to_string(), fs::read(&file).expect("it can be read")))
        .collect()
}

/// Everything that HTTP callers, an ESME and a messenger do with the canary; gives back what they were answered.
fn everything_that_can_happen(gateway: &Gateway) -> Vec<String> {
    let mut answers = Vec::new();
    let caller = gateway.caller("shop-key");
    let post = |message: &Value| caller.post("/v1/messages", message);
    let to = |last: &str| format!("+82109988776{last}");
    let mut ends = Vec::new();
    for (last, end) in [("6", "delivered"), ("7", "undeliverable"), ("8", "undeliverable")] {
        let message = json!({ "from": "15881234", "to": to(last), "text": TEXT, "reference": "order" });
        ends.push((post(&message).is(202).id(), end));
    }
    // Refused at the door, in every way that has the number or the text in hand.
    answers.push(post(&json!({ "from": "15881234", "to": NUMBER, "text": TEXT.repeat(1_000) })).body);
    answers.push(post(&json!({ "from": "15881234", "to": ABROAD, "text": TEXT })).body);
    answers.push(post(&json!({ "from": "15881234", "to": NUMBER, "text": [TEXT] })).body);
    answers.push(post(&json!({ "from": NUMBER, "to": "", "text": TEXT })).body);
    answers.push(
        caller
            .request(
                "POST",
                "/v1/messages",
                &[],
                format!("{{\"to\":\"{NUMBER}\",\"text\":\"{TEXT}").as_bytes(),
            )
            .expect("the gateway answers")
            .body,
    );
    answers.push(
        gateway
            .caller("wrong")
            .post("/v1/messages", &json!({ "from": "15881234", "to": NUMBER, "text": TEXT }))
            .body,
    );

    let (mut esme, bound) = Esme::bind(gateway.smpp, "shop", "secret");
    assert_eq!(bound, CommandStatus::ROK);
    let number = NUMBER.trim_start_matches('+');
    let id = esme.submit("15881234", number, TEXT).expect("the account may send");
    ends.push((id, "delivered"));
    assert!(esme.submit("15881234", ABROAD.trim_start_matches('+'), TEXT).is_err(), "no route leads there");
    // Its receipt, and what the phones answer to the account's number.
    esme.wait_for(2);
    esme.stay();

    let messenger = gateway.caller("tictoc-token");
    let event = |id: &str, to: &str| json!({ "id": id, "kind": "text", "from": { "usr": "u1" }, "to": [{ "tel": to }], "body": { "text": TEXT }, "want": ["delivered"] });
    let events = json!({ "events": [event("c1", NUMBER), event("c2", &to("7")), event("c3", ABROAD)] });
    let taken = messenger.post("/omf/v1/events", &events).is(200);
    assert_eq!(taken.json()["results"][0]["st"], "accepted", "{}", taken.body);
    answers.push(taken.body);
    answers.push(
        messenger
            .post("/omf/v1/events", &json!({ "events": [{ "id": "c4", "kind": TEXT, "to": NUMBER }] }))
            .body,
    );

    for (id, end) in &ends {
        until(&format!("a message becomes {end}"), || {
            let shown = gateway.caller("shop-key").get(&format!("/v1/messages/{id}")).json();
            (shown["status"] == *end).then_some(())
        });
    }
    until("the messenger has its receipts and the answer", || {
        let page = messenger.get("/omf/v1/events?wait_s=1").json();
        let events = page["events"].as_array()?;
        let texts = events.iter().filter(|event| event["kind"] == "text").count();
        (texts == 1 && events.len() >= 3)
            .then(|| messenger.post("/omf/v1/acks", &json!({ "cursor": page["next"] })).is(200))
    });
    answers
}

#[test]
fn no_number_and_no_text_is_where_it_does_not_belong() {
    let smsc = Smsc::start(0, script);
    let home = Home::new(&carrier(smsc.port).replace("to = \"*\"", "to = \"82\""));
    let gateway = Gateway::start(&home);
    let answers = everything_that_can_happen(&gateway);
    until("everything has ended", || (gateway.metric("gateway_messages_open") == 0.0).then_some(()));

    for answer in &answers {
        clean("a refusal", answer, &TEXT_WRITTEN);
        clean("a refusal", answer, &NUMBER_WRITTEN);
    }
    for page in ["/metrics", "/livez", "/readyz"] {
        let text = gateway.management(page).body;
        clean(page, &text, &TEXT_WRITTEN);
        clean(page, &text, &NUMBER_WRITTEN);
    }
    let first = home.run(&["explain", gateway.usage("shop-key")[0]["message"].as_str().unwrap()]);
    assert_eq!(first.code, Some(0), "{}", first.err);
    clean("explain", &first.out, &TEXT_WRITTEN);
    clean("explain", &first.out, &NUMBER_WRITTEN);

    let said = gateway.stopped();
    assert!(
        said.contains("\"DEBUG\"") && said.contains("\"accepted\""),
        "the log was not at level debug:\n{said}"
    );
    clean("the log", &said, &TEXT_WRITTEN);
    clean("the log", &said, &NUMBER_WRITTEN);

    let files = files(home.path());
    assert!(
        files.iter().any(|(_, octets)| contains(octets, "1099887766")),
        "the search finds nothing: is this the database?"
    );
    for (file, octets) in &files {
        for text in TEXT_WRITTEN {
            assert!(!contains(octets, text), "{text} is still in {file} after the end of every message");
        }
    }
    home.verified();
}

/// The proof that the search above can find something.
#[test]
fn the_text_is_in_the_database_while_the_message_is_open() {
    let home = Home::new(&carrier(Smsc::port_for_later()));
    let gateway = Gateway::start(&home);
    gateway.submit("shop-key", NUMBER, TEXT);
    gateway.killed();
    assert!(
        files(home.path()).iter().any(|(_, octets)| contains(octets, TEXT_WRITTEN[0])),
        "where is the text of an open message?"
    );
}
