//! What the tests share: a made-up environment, and loading from text.

use std::{io, path::Path};

use config::{Environment, Loaded, Report, Sources, load};

/// `SET` is set, `/etc/gateway` holds PEM files, nothing else exists.
pub(crate) struct MadeUp;

impl Environment for MadeUp {
    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "SET" | "GATEWAY_CODE_KEY" => Some("a secret".into()),
            "LONG" => Some("a secret of more than eight characters".into()),
            "STORE" => Some("postgres://gw:hunter2@db/gw".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        match path.to_str() {
            Some("/etc/gateway/key.pem") => Ok("-----BEGIN PRIVATE KEY-----".into()),
            Some(path) if path.starts_with("/etc/gateway/") => Ok("-----BEGIN CERTIFICATE-----".into()),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        }
    }
}

pub(crate) fn sources(text: &str) -> Sources {
    Sources::new().with_text("gateway.toml", text).with_environment(MadeUp)
}

pub(crate) fn read(text: &str) -> Result<Loaded, Report> {
    load(&sources(text))
}

pub(crate) fn refused(text: &str) -> Report {
    match read(text) {
        Ok(loaded) => panic!("was accepted: {:?}", loaded.config),
        Err(report) => report,
    }
}

/// Exactly these lines.
#[track_caller]
pub(crate) fn tells(text: &str, expected: &[&str]) {
    assert_eq!(refused(text).lines(), expected);
}

/// An account, a channel and a route that are sound, on the first 13 lines.
pub(crate) const SOUND: &str = r#"[[account]]
name = "esme"
[account.smpp]
system_id = "esme"
password = "plain:secret"

[[channel]]
name = "skt"
address = "127.0.0.1:2776"
system_id = "gateway"
password = "plain:secret"
[[route]]
channels = "skt"
"#;
