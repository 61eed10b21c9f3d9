//! What a reload can do, and what it cannot.

use config::{Config, diff};

const BEFORE: &str = r#"
[[account]]
name = "esme"
smpp = { system_id = "esme", password = "plain:secret" }
[[account]]
name = "old"
api = { keys = ["plain:old"] }
[[channel]]
name = "skt"
address = "127.0.0.1:2776"
system_id = "gateway"
password = "plain:secret"
[[messenger]]
name = "tictoc"
token = "plain:token"
[[pool]]
name = "numbers"
numbers = ["+827050000000"]
[[route]]
channels = "skt"
"#;

/// What replacing these pieces of text comes to: what can be reloaded, and what cannot.
#[track_caller]
fn changes(edits: &[(&str, &str)], reloadable: &[&str], needs_restart: &[&str]) {
    let after = edits.iter().fold(BEFORE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    let changes = diff(&read(BEFORE), &read(&after));
    let lines = |changes: &[config::Change]| changes.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        (lines(&changes.reloadable), lines(&changes.needs_restart)),
        (
            reloadable.iter().map(ToString::to_string).collect(),
            needs_restart.iter().map(ToString::to_string).collect(),
        )
    );
}

fn read(text: &str) -> Config {
    match crate::common::read(text) {
        Ok(loaded) => loaded.config,
        Err(report) => panic!("{:?}", report.lines()),
    }
}

#[test]
fn nothing_changes_nothing() {
    assert!(diff(&Config::default(), &Config::default()).is_empty());
    changes(&[], &[], &[]);
}

#[test]
fn who_and_where_to_is_reloaded() {
    changes(&[("system_id = \"esme\"", "rate = 5, system_id = \"esme\"")], &["account.esme.smpp"], &[]);
    changes(&[("name = \"old\"", "name = \"new\"")], &["account.old (gone)", "account.new (new)"], &[]);
    changes(
        &[("password = \"plain:secret\" }", "password = \"plain:other\" }")],
        &["account.esme.smpp"],
        &[],
    );
    changes(
        &[("name = \"skt\"", "name = \"skt\"\nrate = 5\nwindow = 7")],
        &["channel.skt.window", "channel.skt.rate"],
        &[],
    );
    changes(&[("channels = \"skt\"", "to = '82'\nchannels = \"skt\"")], &["route"], &[]);
    changes(&[("+827050000000", "+827050000001")], &["pool.numbers.numbers"], &[]);
    changes(&[("plain:token", "plain:nekot")], &["messenger.tictoc.token"], &[]);
    changes(
        &[("[[account]]", "[policy.codes]\nkey = 'env:SET'\ntries_max = 3\n[[account]]")],
        &["policy.codes.key", "policy.codes.tries_max"],
        &[],
    );
    changes(
        &[("[[account]]", "[policy]\nvalidity_max = '3d'\n[policy.advertising]\nlabel = true\n[[account]]")],
        &["policy.validity_max", "policy.advertising.label"],
        &[],
    );
}

#[test]
fn a_new_channel_is_opened_at_once() {
    changes(
        &[("[[pool]]", "[[channel]]\nname = 'more'\nkind = 'loopback'\n[[pool]]")],
        &["channel.more (new)"],
        &[],
    );
}

#[test]
fn what_is_open_needs_a_restart() {
    changes(&[("127.0.0.1:2776", "127.0.0.1:2777")], &[], &["channel.skt.address"]);
    changes(
        &[("[[account]]", "[smpp]\nlisten = 'off'\n[store]\nurl = 'sqlite:x.db'\n[[account]]")],
        &[],
        &["store.url", "smpp.listen"],
    );
    changes(
        &[("[[account]]", "[log]\nlevel = 'debug'\n[management]\nkeys = ['plain:key']\n[[account]]")],
        &[],
        &["log.level", "management.keys"],
    );
}

/// The order of accounts and channels says nothing.
#[test]
fn order_is_no_change() {
    let config = read(BEFORE);
    let mut turned = config.clone();
    turned.accounts.reverse();
    assert!(diff(&config, &turned).is_empty());
}
