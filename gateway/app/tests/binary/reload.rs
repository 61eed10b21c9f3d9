use serde_json::json;

use crate::support::{Gateway, Home, Script, Smsc, carrier, until};

fn accepted(gateway: &Gateway, key: &str) -> u16 {
    let message = json!({ "from": "15881234", "to": "+821012345678", "text": "hello" });
    gateway.caller(key).post("/v1/messages", &message).status
}

#[test]
fn a_reload_brings_new_keys_and_routes_and_takes_old_ones() {
    let (first, second) = (Smsc::start(0, |_| Script::Deliver), Smsc::start(0, |_| Script::Deliver));
    let home = Home::new(&carrier(first.port));
    let gateway = Gateway::start(&home);
    let id = gateway.submit("shop-key", "+821012345678", "by the first");
    gateway.becomes("shop-key", &id, "delivered");
    assert_eq!((first.texts().len(), second.texts().len()), (1, 0));

    // Another key, another carrier, another account; and a value that only a restart can change.
    let extended = carrier(first.port)
        .replace("plain:shop-key", "plain:new-key")
        .replace("channels = \"smsc\"", "channels = \"other\"")
        + &format!(
            r#"
[[channel]]
name = "other"
address = "127.0.0.1:{}"
system_id = "gateway"
password = "plain:secret"

[[account]]
name = "bank"
api = {{ keys = ["plain:bank-key"] }}

[smpp]
system_id = "renamed"
"#,
            second.port
        );
    home.write(&extended);
    gateway.signal("HUP");
    until("the new key is known", || (accepted(&gateway, "new-key") == 202).then_some(()));
    assert_eq!(accepted(&gateway, "shop-key"), 401, "the removed key still works");
    assert_eq!(accepted(&gateway, "bank-key"), 202, "the new account cannot send");
    until("the messages take the new road", || (second.texts().len() == 2).then_some(()));
    assert_eq!(first.texts().len(), 1, "a message took the old road");
    let restart = gateway.says("takes effect with the next start");
    assert!(restart.contains("smpp.system_id"), "{restart}");
    assert!(gateway.says("channel.other (new)").contains("reloaded"), "the new channel is open");
    // Its history stays with the account, whatever its key.
    assert_eq!(gateway.caller("new-key").get(&format!("/v1/messages/{id}")).status, 200);
    gateway.stopped();
    home.verified();
}

#[test]
fn an_invalid_file_leaves_everything_as_it_was() {
    let smsc = Smsc::start(0, |_| Script::Deliver);
    let home = Home::new(&carrier(smsc.port));
    let gateway = Gateway::start(&home);
    assert_eq!(gateway.metric("gateway_config_last_reload_successful"), 1.0);
    home.write(
        &carrier(smsc.port)
            .replace("plain:shop-key", "plain:new-key")
            .replace("channels = \"smsc\"", "channels = \"smcs\""),
    );
    gateway.signal("HUP");
    let why = gateway.says("the new configuration cannot be used; the old one stays");
    assert!(why.contains("smcs") && why.contains("gateway.toml:"), "{why}");
    assert_eq!((accepted(&gateway, "shop-key"), accepted(&gateway, "new-key")), (202, 401));
    assert_eq!(gateway.metric("gateway_config_last_reload_successful"), 0.0, "nobody who watches can see it");
    assert_eq!(gateway.management("/readyz").status, 200);

    home.write(&carrier(smsc.port).replace("plain:shop-key", "plain:new-key"));
    gateway.signal("HUP");
    until("the corrected file is taken", || (accepted(&gateway, "new-key") == 202).then_some(()));
    until("and shown", || (gateway.metric("gateway_config_last_reload_successful") == 1.0).then_some(()));
}

/// Receipts find their messages by the ids of the carrier, so these must not begin anew.
#[test]
fn a_reload_between_a_message_and_its_receipt_confuses_nobody() {
    let home = Home::new("");
    // The loopback is a channel like any other: named, it can be slow.
    home.write(
        r#"
[[account]]
name = "shop"
api = { keys = ["plain:shop-key"] }

[[channel]]
name = "simulated"
kind = "loopback"
loopback = { receipt_after = "2s" }

[[route]]
to = "*"
channels = "simulated"
"#,
    );
    let gateway = Gateway::start(&home);
    let before = gateway.submit("shop-key", "+821012345678", "before");
    gateway.becomes("shop-key", &before, "sent");
    gateway.signal("HUP");
    gateway.says("the configuration has not changed");
    let after = gateway.submit("shop-key", "+821012345679", "after");
    for id in [before, after] {
        gateway.becomes("shop-key", &id, "delivered");
    }
    assert_eq!(gateway.metric("gateway_receipts_unmatched_total"), 0.0);
}
