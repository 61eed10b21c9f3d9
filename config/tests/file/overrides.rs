//! The environment wins over the file, flags win over both, and each value knows where it came from.

use config::{Config, Loaded, Origin, Report, load};

fn read(text: &str, variables: &[(&str, &str)], flags: &[&str]) -> Result<Loaded, Report> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    load(
        &crate::common::sources(text)
            .with_variables(variables)
            .with_flags(flags.iter().map(|flag| (*flag).to_owned())),
    )
}

#[test]
fn later_sources_win() {
    let file = "[smpp]\nlisten = '127.0.0.1:1001'\n[http]\nlisten = '127.0.0.1:2001'\n[log]\nlevel = 'debug'";
    let variables = [
        ("GATEWAY__SMPP__LISTEN", "127.0.0.1:1002"),
        ("GATEWAY__HTTP__LISTEN", "127.0.0.1:2002"),
        ("HOME", "/root"),
    ];
    let loaded = read(file, &variables, &["smpp.listen=127.0.0.1:1003"]).unwrap();
    let config = &loaded.config;
    assert_eq!(config.smpp.listen.to_string(), "127.0.0.1:1003");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:2002");
    assert_eq!(*loaded.origins.of("smpp.listen"), Origin::Flag("smpp.listen".into()));
    assert_eq!(*loaded.origins.of("http.listen"), Origin::Environment("GATEWAY__HTTP__LISTEN".into()));
    assert_eq!(
        *loaded.origins.of("log.level"),
        Origin::File { name: "gateway.toml".into(), line: 6, column: 9 }
    );
    assert_eq!(*loaded.origins.of("log.format"), Origin::Default);
    // An override is no furniture.
    assert_eq!(config.accounts, Config::default().accounts);
}

#[test]
fn every_type_can_be_written() {
    let flags = [
        "http.batch_max=7",
        "management.allow_public=true",
        "smpp.system_id=7",
        "policy.retry.failure=['1s', '2s']",
        "log.level=\"warn\"",
        "smpp.pdu_octets_max=1000",
        "policy.codes.text={code}",
    ];
    let config = read("", &[], &flags).unwrap().config;
    assert_eq!(config.http.batch_max, 7);
    assert!(config.management.allow_public);
    assert_eq!(config.smpp.system_id, "7");
    assert_eq!(config.policy.retry.failure.len(), 2);
    assert_eq!(config.log.level, config::LogLevel::Warn);
    assert_eq!(config.smpp.pdu_octets_max.get(), 1000);
    assert_eq!(config.policy.codes.text, "{code}");
}

const TWO: &str =
    "[[channel]]\nname = 'a-b'\nkind = 'loopback'\n[[channel]]\nname = 'c'\nkind = 'loopback'\n";

#[test]
fn elements_go_by_name_or_position() {
    let config = read(TWO, &[("GATEWAY__CHANNEL__A_B__RATE", "1")], &["channel.1.rate=2"]).unwrap().config;
    assert_eq!((config.channels[0].rate, config.channels[1].rate), (1, 2));
    let config =
        read("", &[], &["channel.0.name=x", "channel.0.kind=loopback", "channel.x.loopback.reply=false"])
            .unwrap()
            .config;
    assert_eq!(config.channels.len(), 1);
    assert!(!config.channels[0].loopback.as_ref().unwrap().reply);
}

#[test]
fn mistakes_point_at_the_override() {
    let lines = |variables: &[(&str, &str)], flags: &[&str]| read(TWO, variables, flags).unwrap_err().lines();
    assert_eq!(
        lines(&[("GATEWAY__SMPP__LISTEM", "x")], &[]),
        [
            "environment:1:1: there is no key `listem` for `GATEWAY__SMPP__LISTEM` to set (did you mean `listen`?)",
        ]
    );
    assert_eq!(
        lines(&[("GATEWAY__SMPP__LISTEN", "x")], &[]),
        [
            r#"environment:1:23: `listen`: this address has no port (write an IP address and a port, for example "127.0.0.1:8080", "0.0.0.0:8080" or "[::]:8080", or "off")"#,
        ]
    );
    assert_eq!(lines(&[], &["channel.c.rate=fast"]), ["flags:1:16: `rate` takes an integer, not a string"]);
    assert_eq!(
        lines(&[], &["channel.d.rate=1"]),
        ["flags:1:1: `channel.d.rate` names no element (name one of a-b, c, or its position from 0)",]
    );
    assert_eq!(
        lines(&[], &["smpp=1"])[0].split(" (").next().unwrap(),
        "flags:1:1: `smpp` names a whole section"
    );
    assert_eq!(
        lines(&[], &["smpp.listen.port=1"]),
        [
            "flags:1:1: `smpp.listen.port` goes deeper than the key it names (`smpp.listen` has nothing below it)",
        ]
    );
    assert_eq!(
        lines(&[], &["limits.hot_messages_max=99999", "limits.open_messages_max=200"]),
        [
            "flags:1:25: more messages in memory than there may be open, 200 (lower `hot_messages_max` or raise `open_messages_max`)",
        ]
    );
}

#[test]
fn secrets_in_overrides_are_not_shown() {
    for (variables, flags) in [
        (
            &[("GATEWAY__ACCOUNT__0__SMPP__PASSWORD", "hunter2")][..],
            &["account.0.name=a", "account.0.smpp.system_id=a"][..],
        ),
        (&[("GATEWAY__STORE__URL", "postgre://u:hunter2@db")][..], &[][..]),
        (&[][..], &["account.0.api.keys=['hunter2']", "account.0.name=a"][..]),
    ] {
        let report = read("", variables, flags).unwrap_err();
        let mut drawn = String::new();
        miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
            .render_report(&mut drawn, &report)
            .unwrap();
        assert!(!format!("{drawn}{report:?}").contains("hunter2"), "{drawn}");
    }
}
