//! Every file we ship can be used, and says the truth about the defaults.

use std::{fs, path::Path};

use config::{
    Account, Channel, ChannelKind, Config, DefaultAlphabet, Files, Listen, Loopback, Messenger, SecretRef,
    Senders,
};

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn examples() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map_while(Result::ok)
        .map(|entry| format!("examples/{}", entry.file_name().display()))
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    names
}

#[test]
fn every_example_checks_clean() {
    let names = examples();
    assert!(names.len() >= 4, "{names:?}");
    for name in names.iter().map(String::as_str).chain(["gateway.example.toml"]) {
        match crate::common::read(&shipped(name)) {
            Ok(loaded) if loaded.warnings.is_empty() => {}
            Ok(loaded) => panic!("{name}: {:#?}", loaded.warnings),
            Err(report) => panic!("{name}: {:#?}", report.lines()),
        }
    }
}

#[test]
fn the_relay_is_the_one_that_was_asked_for() {
    let config = crate::common::read(&shipped("examples/smpp-relay.toml")).unwrap().config;
    assert_eq!(config.smpp.listen.to_string(), "127.0.0.1:2776");
    assert_eq!(config.http.listen, Listen::loopback(8080));
    assert_eq!(config.management.listen, Listen::loopback(9464));
    assert_eq!(config.store.url.to_string(), "sqlite:./data/relay.db");
    let [account] = config.accounts.as_slice() else { panic!("one account") };
    let smpp = account.smpp.as_ref().unwrap();
    assert_eq!((smpp.system_id.as_str(), smpp.rate, smpp.window), ("esme", 0, 1_000));
    assert_eq!(smpp.password, config::Credential::plain("secret"));
    let [channel] = config.channels.as_slice() else { panic!("one channel") };
    let link = channel.link().unwrap();
    assert_eq!(
        (link.address.to_string().as_str(), channel.binds, channel.window),
        ("127.0.0.1:2775", 4, 500)
    );
    let [route] = config.routes.as_slice() else { panic!("one route") };
    assert_eq!((route.to[0].digits(), &route.channels[0]), ("", &channel.name));
}

#[test]
fn the_first_half_of_the_example_is_the_default() {
    let text = shipped("gateway.example.toml");
    let sections = text.split("# ── ").next().unwrap();
    assert_eq!(crate::common::read(sections).unwrap().config, Config::default());
    assert_eq!(crate::common::read("").unwrap().config, Config::default());
}

#[test]
fn the_second_half_writes_defaults_too() {
    let config = crate::common::read(&shipped("gateway.example.toml")).unwrap().config;
    let skt = &config.channels[0];
    let plain =
        Channel::smpp(skt.name.clone(), skt.address.clone().unwrap(), "gateway", SecretRef::plain("secret"));
    assert_eq!(*skt, plain);
    assert_eq!(config.channels[1].loopback, Some(Loopback::default()));

    let files = config.files.clone().unwrap();
    assert_eq!(files, Files { public_url: files.public_url.clone(), ..Files::default() });

    let tictoc = &config.messengers[0];
    let bare = Messenger::pulling(tictoc.name.clone(), tictoc.token.clone());
    let (push, secret, pool) = (tictoc.push.clone(), tictoc.secret.clone(), tictoc.pool.clone());
    assert_eq!(*tictoc, Messenger { push, secret, pool, ..bare });

    let bank = &config.accounts[0];
    let minimal = "[[account]]\nname = 'bank'\n[account.smpp]\nsystem_id = 'bank'\npassword = 'plain:x'\n[account.api]\nkeys = ['plain:y']";
    let minimal = crate::common::read(minimal).unwrap().config.accounts.remove(0);
    let mut expected = Account {
        class: bank.class,
        senders: bank.senders.clone(),
        numbers: bank.numbers.clone(),
        ..minimal
    };
    expected.smpp.as_mut().unwrap().password = bank.smpp.as_ref().unwrap().password.clone();
    expected.api.as_mut().unwrap().keys = bank.api.as_ref().unwrap().keys.clone();
    assert_eq!(*bank, expected);
}

/// With the keys that are commented out put back, every key of the schema is in the example.
#[test]
fn every_key_is_in_the_example() {
    let key = |line: &str| {
        line.strip_prefix('#')
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
            .map(str::to_owned)
    };
    let text: String = shipped("gateway.example.toml")
        .lines()
        .map(|line| key(line).unwrap_or_else(|| line.to_owned()) + "\n")
        .collect();
    let text = text.replace("tls = false", "tls = true");
    let tree: toml::Table = toml::from_str(&text).unwrap();
    if let Err(report) = crate::common::read(&text) {
        panic!("{:#?}", report.lines());
    }
    let schema = config::schema();
    let mut missing = Vec::new();
    walk("", &schema, &schema, &[&toml::Value::Table(tree)], &mut missing);
    assert!(missing.is_empty(), "not in gateway.example.toml: {missing:?}");
}

/// Looks for each property of `schema` in at least one of `values`.
fn walk(
    path: &str,
    root: &serde_json::Value,
    schema: &serde_json::Value,
    values: &[&toml::Value],
    missing: &mut Vec<String>,
) {
    let mut layers = vec![schema];
    let mut at = 0;
    while let Some(layer) = layers.get(at).copied() {
        let reference = layer.get("$ref").and_then(|name| root.pointer(name.as_str()?.strip_prefix('#')?));
        layers.extend(reference);
        layers.extend(layer.get("anyOf").and_then(|all| all.as_array()).into_iter().flatten());
        at += 1;
    }
    let elements: Vec<&toml::Value> =
        values.iter().copied().flat_map(|value| value.as_array().into_iter().flatten()).collect();
    for layer in layers {
        if let Some(items) = layer.get("items") {
            walk(path, root, items, &elements, missing);
        }
        for (key, property) in layer.get("properties").and_then(|all| all.as_object()).into_iter().flatten() {
            let below: Vec<&toml::Value> = values.iter().filter_map(|value| value.get(key)).collect();
            let path = format!("{path}.{key}");
            if below.is_empty() {
                // `client_ca` is shown once, at the management listener.
                missing.extend((!path.ends_with(".tls.client_ca")).then(|| path.clone()));
            } else {
                walk(&path, root, property, &below, missing);
            }
        }
    }
}

#[test]
fn the_default_is_sound_and_stays_on_this_machine() {
    let config = Config::default();
    assert_eq!(config::check(&config, &crate::common::MadeUp), []);
    let rcs = config.rcs.as_ref().unwrap();
    assert_eq!(rcs.users.len(), 4);
    assert!(rcs.users.iter().all(|user| user.allow.iter().all(config::Cidr::is_loopback)));
    for listen in
        [config.http.listen, config.management.listen, config.smpp.listen, rcs.listen, rcs.msrp_listen]
    {
        assert!(listen.is_private());
    }
    assert_eq!(config.smpp.listen, Listen::loopback(2775));
    assert_eq!(config.store.url.to_string(), "sqlite:./data/gateway.db");
    let [demo] = config.accounts.as_slice() else { panic!("one account") };
    let smpp = demo.smpp.as_ref().unwrap();
    assert_eq!((demo.name.as_str(), smpp.system_id.as_str(), &demo.senders), ("demo", "demo", &Senders::Any));
    assert_eq!(smpp.default_alphabet, DefaultAlphabet::Gsm7);
    for allow in [&smpp.allow, &demo.api.as_ref().unwrap().allow, &config.messengers[0].allow] {
        assert!(!allow.is_empty() && allow.iter().all(config::Cidr::is_loopback));
    }
    assert_eq!(config.channels[0].kind, ChannelKind::Loopback);
    assert!(config.channels[0].link().is_none());
    let names = [
        config.accounts[0].name.as_str(),
        config.channels[0].name.as_str(),
        config.messengers[0].name.as_str(),
    ];
    for name in names {
        assert!(name.parse::<config::Name>().is_ok(), "{name}");
    }
}

/// One written peer, and nothing of the furniture is left.
#[test]
fn the_furniture_goes_as_a_whole() {
    let config = crate::common::read("[[pool]]\nname = 'p'\nnumbers = ['+827050000000']").unwrap().config;
    assert!(
        config.accounts.is_empty()
            && config.channels.is_empty()
            && config.routes.is_empty()
            && config.messengers.is_empty()
            && config.rcs.is_none()
    );
    let config = crate::common::read("[http]\nlisten = '0.0.0.0:8080'").unwrap();
    assert_eq!(config.config.accounts, Config::default().accounts);
    assert_eq!(config.config.rcs, Config::default().rcs);
    // … and its well-known passwords are no danger there.
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn the_sip_relay_is_the_one_that_was_asked_for() {
    let config = crate::common::read(&shipped("examples/sip-relay.toml")).unwrap().config;
    let rcs = config.rcs.unwrap();
    assert_eq!((rcs.listen, rcs.users.len()), (Listen::loopback(5060), 0));
    let [peer] = rcs.peers.as_slice() else { panic!("one peer") };
    assert!(peer.addresses[0].contains("127.0.0.1".parse().unwrap()));
    let [channel] = config.channels.as_slice() else { panic!("one channel") };
    assert_eq!(channel.link().unwrap().address.to_string(), "127.0.0.1:2775");
    assert_eq!((channel.binds, channel.window), (4, 500));
    assert_eq!(
        (config.http.listen, config.management.listen),
        (Listen::loopback(8080), Listen::loopback(9464))
    );
    assert_eq!(config.store.url.to_string(), "sqlite:./data/sip-relay.db");
}

#[test]
fn the_rcs_example_is_the_one_that_was_asked_for() {
    let config = crate::common::read(&shipped("examples/rcs.toml")).unwrap().config;
    let rcs = config.rcs.unwrap();
    assert_eq!((rcs.domain.as_str(), rcs.mode), ("ims.example", config::RcsMode::Standalone));
    let listens = [rcs.listen, rcs.tls_listen, rcs.msrp_listen];
    assert_eq!(listens, [5060, 5061, 2855].map(Listen::loopback));
    let numbers: Vec<_> = rcs.users.iter().flat_map(|user| user.number.numbers().unwrap()).collect();
    assert_eq!(numbers, ["+821011110001", "+821011110002", "+821011110003", "+821011110004"]);
    assert!(rcs.users.iter().all(|user| user.password == SecretRef::plain("secret")));
    assert_eq!(config.messengers[0].name.as_str(), "tictoc");
}
