//! Each kind of mistake is told with its place and with what to do about it.

use config::ProblemKind;
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::common::{SOUND, refused, tells};

#[test]
fn the_sound_text_is_sound() {
    let loaded = crate::common::read(SOUND).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn errors_are_drawn_into_the_file() {
    let text = "[limits]\nbatch_messages_max = 0\n\n[[channel]]\nname = \"skt\"\nadress = \"smsc:2775\"\npassword = \"hunter2\"\n";
    let mut drawn = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .render_report(&mut drawn, &refused(text))
        .unwrap();
    insta::assert_snapshot!(drawn, @r#"
      × the configuration has 4 errors

    Error: config::out_of_range

      × `batch_messages_max` is 0, allowed are 1 to 65536
       ╭─[gateway.toml:2:22]
     1 │ [limits]
     2 │ batch_messages_max = 0
       ·                      ┬
       ·                      ╰── here
     3 │ 
       ╰────

    Error: config::missing_key

      × the channel "skt" needs the key `system_id`
       ╭─[gateway.toml:4:1]
     3 │ 
     4 │ [[channel]]
       · ─────┬─────
       ·      ╰── in here
     5 │ name = "skt"
       ╰────
      help: add system_id = "gateway"

    Error: config::unknown_key

      × there is no key `adress` in `channel`
       ╭─[gateway.toml:6:1]
     5 │ name = "skt"
     6 │ adress = "smsc:2775"
       · ───┬──
       ·    ╰── no such key
     7 │ password = "*******"
       ╰────
      help: did you mean `address`?

    Error: config::misspelt

      × `password`: a secret is written as a reference, not as it is
       ╭─[gateway.toml:7:12]
     6 │ adress = "smsc:2775"
     7 │ password = "*******"
       ·            ────┬────
       ·                ╰── here
       ╰────
      help: write "env:NAME" or "file:/path"; for a first try, "plain:" and the secret itself
    "#);
}

#[test]
fn a_missing_file_is_said() {
    let report = config::load(&config::Sources::new().with_file("/nonexistent/gateway.toml")).unwrap_err();
    assert_eq!(report.problems[0].kind, ProblemKind::Unreadable);
    assert!(
        report.lines()[0].starts_with("/nonexistent/gateway.toml cannot be read: "),
        "{:?}",
        report.lines()
    );
}

#[test]
fn a_file_is_read() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[http]\nlisten = 'off'").unwrap();
    let loaded = config::load(&config::Sources::new().with_file(file.path())).unwrap();
    assert_eq!(loaded.config.http.listen, config::Listen::Off);
}

#[test]
fn syntax() {
    tells("[http\nlisten = 1", &["gateway.toml:1:6: unclosed table, expected `]`"]);
    tells("a = 1\na = 2", &["gateway.toml:2:1: duplicate key"]);
}

#[test]
fn unknown_keys() {
    tells("[htpp]", &["gateway.toml:1:2: there is no key `htpp` (did you mean `http`?)"]);
    tells(
        "[log]\nlvel = 'info'",
        &["gateway.toml:2:1: there is no key `lvel` in `log` (did you mean `level`?)"],
    );
    tells(
        "[log]\ncolour = 1",
        &["gateway.toml:2:1: there is no key `colour` in `log` (the keys here are format, level)"],
    );
    tells(
        "policy.retry.unreachabel = ['1s']",
        &["gateway.toml:1:14: there is no key `unreachabel` in `retry` (did you mean `unreachable`?)"],
    );
}

#[test]
fn missing_keys_and_wrong_types() {
    tells(
        "[http]\ntls = { cert = '/etc/gateway/cert.pem' }",
        &["gateway.toml:2:7: `tls` needs the key `key` (key: The private key of the certificate, PEM.)"],
    );
    tells(
        "[http.tls]\ncert = '/etc/gateway/cert.pem'",
        &["gateway.toml:1:1: `tls` needs the key `key` (key: The private key of the certificate, PEM.)"],
    );
    tells(
        "[smpp]\nconnections_max = '5'",
        &["gateway.toml:2:19: `connections_max` takes an integer, not a string"],
    );
    tells(
        "[smpp]\nconnections_max = 1.5",
        &["gateway.toml:2:19: `connections_max` takes an integer, not a fraction"],
    );
    tells(
        "[smpp]\nconnections_max = 2026-01-01",
        &["gateway.toml:2:19: `connections_max` takes an integer, not a date"],
    );
    tells(
        "[management]\nallow_public = 1",
        &["gateway.toml:2:16: `allow_public` takes true or false, not an integer"],
    );
    tells("account = 1", &["gateway.toml:1:11: `account` takes a list, not an integer"]);
    tells("http = 1", &["gateway.toml:1:8: `http` takes a table, not an integer"]);
}

#[test]
fn ranges() {
    tells(
        "[smpp]\nconnections_max = -1",
        &["gateway.toml:2:19: `connections_max` is -1, allowed are 1 to 1000000"],
    );
    tells(
        "[smpp]\nconnections_max = 99999999999999999999",
        &["gateway.toml:2:19: `connections_max` takes an integer, not a number of more than 64 bits"],
    );
    tells(
        &format!("{SOUND}[[channel]]\nname = 'x'\nkind = 'loopback'\nkorean_data_coding = 256"),
        &["gateway.toml:17:22: `korean_data_coding` is 256, allowed are 0 to 255"],
    );
    tells(
        "[smpp]\nsystem_id = 'sixteen letters.'",
        &["gateway.toml:2:13: `system_id` has 16 characters, allowed are 1 to 15"],
    );
    tells(
        "[policy.retry]\nfailure = []",
        &["gateway.toml:2:11: `failure` has 0 elements, allowed are 1 to 32"],
    );
    tells(
        "[policy.retry]\nfailure = ['1s', '2d']",
        &[
            "gateway.toml:2:18: `failure` is 48h, allowed are 1ms to 24h (choose a duration within these bounds)",
        ],
    );
    tells(
        "[smpp]\npdu_octets_max = 5",
        &[r#"gateway.toml:2:18: `pdu_octets_max` is 5, allowed are 512 to 1MiB (for example "64KiB")"#],
    );
    tells(
        "[limits]\nbatch_delay = '10s'",
        &[
            "gateway.toml:2:15: `batch_delay` is 10s, allowed are 0s to 1s (choose a duration within these bounds)",
        ],
    );
    tells(
        "[limits]\nopen_messages_max = 1000",
        &[
            "gateway.toml:2:21: more messages in memory than there may be open, 1000 (lower `hot_messages_max` or raise `open_messages_max`)",
        ],
    );
}

#[test]
fn spelling() {
    tells(
        "[log]\nlevel = 'inof'",
        &[
            r#"gateway.toml:2:9: `level` cannot be "inof" (did you mean "info"? it is one of off, error, warn, info, debug, trace)"#,
        ],
    );
    tells(
        "[smpp]\nbind_timeout = 30",
        &[
            r#"gateway.toml:2:16: `bind_timeout`: this duration has no unit (write a whole number and a unit (ms, s, m, h, d), for example "2ms", "30s", "48h" or "1h30m")"#,
        ],
    );
    tells(
        "[store]\nurl = 'mysql://db'",
        &[
            r#"gateway.toml:2:7: `url`: this is not the address of a store (write "sqlite:./data/gateway.db", "postgres://user:password@host/database", "env:NAME" or "file:/path")"#,
        ],
    );
    // Several in one list, each at its own place.
    tells(
        "[[pool]]\nname = 'p'\nnumbers = ['x', '+821', 'y']",
        &[
            r#"gateway.toml:3:12: `numbers`: this is not a telephone number (write a number ("15881234", "+827040000000"), a prefix ("+8270*") or a range ("+827040000000..+827040009999"))"#,
            r#"gateway.toml:3:25: `numbers`: this is not a telephone number (write a number ("15881234", "+827040000000"), a prefix ("+8270*") or a range ("+827040000000..+827040009999"))"#,
        ],
    );
}

/// However the file is broken, what was meant to be secret is not in what is shown.
#[test]
fn secrets_are_never_shown() {
    for text in [
        "password = 'hunter2'",
        "[[account]]\nname = 'a'\nsmpp = { system_id = 'a', password = 'hunter2', window = -1 }",
        "[[account]]\nname = 'a'\n[account.smpp]\nsystem_id = 'a'\npasswrod = 'hunter2'\nwindow = 'x'",
        "[[account]]\nname = 'a'\n[account.smpp]\nsystem_id = 'a'\npassword = 'hunter2\nwindow = 1",
        "[[account]]\nname = 'a'\n[account.api]\nkeys = ['hunter2',\n  'hunter2', 5]",
        "[[account]]\nname = 'a'\n[account.api]\nkeys = [\n 'plain:hunter2'\n 'x']",
        "[[channel]]\nname = 'hunter2!'\npassword = ['hunter2']".replace("'hunter2!'", "5").as_str(),
        "[store]\nurl = 'postgres://u:hunter2@db/x'\nno_such_key = 0",
        "[store]\nurl = 'postgre://u:hunter2@db/x'",
        "[store]\nurl = 'postgres://u:hunter2@db/x",
        "[[messenger]]\nname = 'm'\ntoken = { plain = 'hunter2' }",
    ] {
        let report = refused(text);
        let mut drawn = String::new();
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
            .with_context_lines(9)
            .render_report(&mut drawn, &report)
            .unwrap();
        let shown = format!("{drawn}{report}{report:?}{:?}", report.lines());
        assert!(!shown.contains("hunter2"), "{text}\n{drawn}");
    }
}

/// Nothing an operator can write stops the check itself.
#[test]
fn every_cut_and_twist_of_the_example_is_survived() {
    let text = include_str!("../../gateway.example.toml");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    for skipped in 0..lines.len() {
        let without: Vec<&str> =
            lines.iter().enumerate().filter(|(at, _)| *at != skipped).map(|(_, line)| *line).collect();
        drop(crate::common::read(&without.join("\n")));
        let cut: String = lines[skipped].chars().take(lines[skipped].chars().count() / 2).collect();
        let twisted: Vec<&str> = lines
            .iter()
            .enumerate()
            .map(|(at, line)| if at == skipped { cut.as_str() } else { line })
            .collect();
        drop(crate::common::read(&twisted.join("\n")));
    }
}
