use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{Home, SIMULATED, Smsc, carrier};

/// Of `sysexits.h`: a configuration error.
const EX_CONFIG: i32 = 78;

#[test]
fn the_demo_ends_by_itself_and_everything_adds_up() {
    let demo = Home::new(SIMULATED).run_plainly(&["demo", "--messages", "200"]);
    assert_eq!(demo.code, Some(0), "{}{}", demo.out, demo.err);
    let summary = [
        "200 messages accepted, 199 reached the SMSC, 1 an RCS handset",
        "200 delivered, 200 receipts back",
        "1 replies of phones reached the messenger",
        "200 usage records of deliveries, 1 of replies, 1 replaced by a fallback",
        "leg 1: over to smsc because of unreachable",
        "\nclean",
    ];
    for line in summary {
        assert!(demo.out.contains(line), "no {line:?} in\n{}", demo.out);
    }
    assert!(demo.out.contains("──▶"), "no ladder in\n{}", demo.out);
    assert!(!demo.out.contains("MISMATCH"), "{}", demo.out);
}

#[test]
fn a_wrong_configuration_is_told_by_file_line_and_column() {
    let home = Home::new("[smpp]\nsystem_id = \"gw\"\nlisten_on = \"127.0.0.1:2775\"\n");
    for command in ["check", "run"] {
        let output = home.run(&[command]);
        assert_eq!(output.code, Some(EX_CONFIG), "{command}: {}", output.err);
        assert!(output.err.contains("gateway.toml:3:1"), "{command} does not say where: {}", output.err);
        assert!(output.err.contains("listen_on"), "{command} does not say what: {}", output.err);
    }
    assert!(!home.database().exists(), "a gateway that cannot start has made a store");

    home.write("[smpp\n");
    let broken = home.run(&["check"]);
    assert_eq!(broken.code, Some(EX_CONFIG), "{}", broken.err);
    assert!(broken.err.contains("gateway.toml:1:"), "{}", broken.err);

    let missing = home.run_plainly(&["check", "--config", "nowhere.toml"]);
    assert_eq!(missing.code, Some(EX_CONFIG), "{}", missing.err);
    assert!(missing.err.contains("nowhere.toml"), "{}", missing.err);

    let flag = home.run_plainly(&["check", "--set", "smpp.listen=nonsense"]);
    assert_eq!(flag.code, Some(EX_CONFIG), "{}", flag.err);
    assert!(flag.err.contains("smpp.listen"), "{}", flag.err);
}

#[test]
fn a_wrong_command_line_is_told_apart_from_a_wrong_configuration() {
    assert_eq!(Home::new(SIMULATED).run_plainly(&["verfy"]).code, Some(2));
}

#[test]
fn every_example_is_a_good_configuration() {
    let home = Home::new(SIMULATED);
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/examples");
    let mut seen = 0;
    for entry in fs::read_dir(examples).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            let check = home.run_plainly(&["check", "--config", file.to_str().unwrap()]);
            assert_eq!(check.code, Some(0), "{}: {}", file.display(), check.err);
            assert!(check.out.starts_with("the configuration is good"), "{}", check.out);
            seen += 1;
        }
    }
    assert!(seen >= 4, "only {seen} examples");
}

#[test]
fn what_check_shows_holds_no_secret() {
    let home = Home::new(&carrier(2775));
    let shown = home.run(&["check", "--show"]);
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    assert!(shown.out.contains("\"smsc\""), "{}", shown.out);
    for secret in ["shop-key", "tictoc-token", "plain:secret"] {
        assert!(!shown.out.contains(secret), "{secret} in\n{}", shown.out);
    }
}

#[test]
fn the_schema_is_json_and_knows_the_sections() {
    let schema = Home::new(SIMULATED).run_plainly(&["schema"]);
    let schema: Value = serde_json::from_str(&schema.out).unwrap();
    for section in ["store", "smpp", "http", "management", "channel", "route", "policy"] {
        assert!(schema["properties"][section].is_object(), "{section} is missing");
    }
}

#[test]
fn the_doctor_finds_an_smsc_that_is_not_there() {
    let port = Smsc::port_for_later();
    let home = Home::new(&carrier(port));
    let sick = home.run(&["doctor"]);
    assert_eq!(sick.code, Some(1), "{}", sick.out);
    assert!(sick.out.contains(&format!("TROUBLE  SMSC of channel smsc at 127.0.0.1:{port}")), "{}", sick.out);

    let smsc = Smsc::start(0, |_| crate::support::Script::Deliver);
    home.write(&carrier(smsc.port));
    let well = home.run(&["doctor"]);
    assert_eq!(well.code, Some(0), "{}", well.out);
    assert!(!home.database().exists(), "the doctor has made a store");
}

#[test]
fn explain_says_when_it_knows_no_such_message() {
    let home = Home::new(SIMULATED);
    crate::support::Gateway::start(&home).stopped();
    let nobody = home.run(&["explain", "23942576249241600"]);
    assert_eq!(nobody.code, Some(1), "{}", nobody.out);
    assert!(nobody.err.contains("no message 23942576249241600"), "{}", nobody.err);
    assert_eq!(home.run(&["explain", "hello"]).code, Some(1));
}
