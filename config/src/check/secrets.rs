//! Secrets: that each can be had, fits where it goes, and is not written out where others can use it.

use super::{Findings, listeners};
use crate::{
    Config, Credential, Environment, Secret, SecretRef, StoreUrl, StoreUrlError,
    path::{Path, at},
    report::ProblemKind,
};

/// SMPP 3.4 §4.1: nine octets with the closing NUL.
const SMPP_PASSWORD_MAX: usize = 8;

pub(super) fn check(config: &Config, environment: &dyn Environment, findings: &mut Findings) {
    let mut secrets = Secrets { environment, findings, plain: Vec::new() };
    store(config, &mut secrets);
    for (at, key) in config.management.keys.iter().enumerate() {
        secrets.compared(key, at!["management", "keys", at]);
    }
    for (at, account) in config.accounts.iter().enumerate() {
        if let Some(smpp) = &account.smpp {
            let path = at!["account", at, "smpp", "password"];
            let password = secrets.compared(&smpp.password, path.clone());
            secrets.smpp_password(password.as_ref(), path);
        }
        for (key_at, key) in account.api.iter().flat_map(|api| &api.keys).enumerate() {
            secrets.compared(key, at!["account", at, "api", "keys", key_at]);
        }
    }
    for (at, channel) in config.channels.iter().enumerate() {
        if let Some(password) = &channel.password {
            let path = at!["channel", at, "password"];
            let password = secrets.sent(password, path.clone());
            secrets.smpp_password(password.as_ref(), path);
        }
    }
    for (at, messenger) in config.messengers.iter().enumerate() {
        secrets.compared(&messenger.token, at!["messenger", at, "token"]);
        if let Some(secret) = &messenger.secret {
            let path = at!["messenger", at, "secret"];
            let secret = secrets.sent(secret, path.clone());
            secrets.webhook(secret.as_ref(), path);
        }
    }
    for (at, user) in config.rcs.iter().flat_map(|rcs| &rcs.users).enumerate() {
        secrets.sent(&user.password, at!["rcs", "user", at, "password"]);
    }
    let relay = config.rcs.as_ref().and_then(|rcs| rcs.msrp_relay.as_ref());
    if let Some(password) = relay.and_then(|relay| relay.password.as_ref()) {
        secrets.sent(password, at!["rcs", "msrp_relay", "password"]);
    }
    if let Some(key) = &config.policy.codes.key {
        secrets.sent(key, at!["policy", "codes", "key"]);
    }
    let plain = std::mem::take(&mut secrets.plain);
    written_out(config, plain, findings);
    shared_keys(config, findings);
}

struct Secrets<'a> {
    environment: &'a dyn Environment,
    findings: &'a mut Findings,
    plain: Vec<Path>,
}

impl Secrets<'_> {
    fn sent(&mut self, reference: &SecretRef, path: Path) -> Option<Secret> {
        if reference.is_plain() {
            self.plain.push(path.clone());
        }
        match reference.resolve(self.environment) {
            Ok(secret) => Some(secret),
            Err(error) => {
                let help = match reference {
                    SecretRef::Env(name) => format!("set {name} for the process, or name a file: file:/path"),
                    _ => "name a file that the gateway may read and that holds nothing but the secret"
                        .to_owned(),
                };
                self.findings.error(ProblemKind::Secret, path, error.to_string(), help);
                None
            }
        }
    }

    fn compared(&mut self, credential: &Credential, path: Path) -> Option<Secret> {
        match credential {
            Credential::Secret(reference) => self.sent(reference, path),
            Credential::Sha256(_) => None,
        }
    }

    fn smpp_password(&mut self, password: Option<&Secret>, path: Path) {
        let Some(password) = password.map(Secret::expose) else { return };
        if password.len() > SMPP_PASSWORD_MAX || !password.is_ascii() {
            self.findings.error(
                ProblemKind::Secret,
                path,
                "SMPP carries passwords of up to 8 ASCII characters, and this one is none",
                "agree on a shorter one; TLS and the list of addresses protect it",
            );
        }
    }

    /// Standard Webhooks: 24 to 64 octets, in Base64 behind `whsec_`.
    fn webhook(&mut self, secret: Option<&Secret>, path: Path) {
        let Some(secret) = secret.map(Secret::expose) else { return };
        let wrong = match secret.strip_prefix("whsec_") {
            Some(base64) => match base64_octets(base64) {
                None => Some("what follows whsec_ is not Base64"),
                Some(octets) if !(24..=64).contains(&octets) => {
                    Some("a whsec_ secret has 24 to 64 octets, and this one has not")
                }
                Some(_) => None,
            },
            None if secret.len() < 24 => {
                Some("a secret that signs has at least 24 characters, and this one is shorter")
            }
            None => None,
        };
        if let Some(wrong) = wrong {
            let help = "make one with: echo whsec_$(openssl rand -base64 32)";
            self.findings.error(ProblemKind::Secret, path, wrong, help);
        }
    }
}

/// How many octets a text in Base64 stands for.
fn base64_octets(text: &str) -> Option<usize> {
    let bare = text.trim_end_matches('=');
    let sound = bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/'))
        && bare.len() % 4 != 1
        && text.len() - bare.len() <= 2;
    sound.then_some(bare.len() * 3 / 4)
}

fn store(config: &Config, secrets: &mut Secrets<'_>) {
    let path = at!["store", "url"];
    match config.store.url.resolve(secrets.environment) {
        Ok(StoreUrl::Postgres(url)) => {
            let has_password = url
                .rsplit_once('@')
                .is_some_and(|(user, _)| user.rsplit_once("://").is_some_and(|(_, user)| user.contains(':')));
            if has_password && matches!(config.store.url, StoreUrl::Postgres(_)) {
                secrets.findings.warning(
                    path,
                    "the password of the store is written out in the file",
                    "put the address into env:NAME or file:/path",
                );
            }
        }
        Ok(_) => {}
        Err(StoreUrlError::Secret(error)) => {
            secrets.findings.error(
                ProblemKind::Secret,
                path,
                error.to_string(),
                "set it, or write the address of the store itself",
            );
        }
        Err(StoreUrlError::Misspelt(wrong)) => {
            let message = format!("where `url` leads to: {}", wrong.what);
            secrets.findings.error(ProblemKind::Secret, path, message, wrong.help);
        }
    }
}

/// `plain:` is for first tries, and those need no listener that others can reach.
fn written_out(config: &Config, plain: Vec<Path>, findings: &mut Findings) {
    let Some((open, key, ..)) =
        listeners::listeners(config).into_iter().find(|(_, _, listen, _)| !listen.is_private())
    else {
        return;
    };
    for path in plain {
        if is_for_this_machine(config, &path) {
            continue;
        }
        findings.warning(
            path,
            format!("this secret is written out, and others can reach `{open}.{key}`"),
            "move it to env:NAME or file:/path, or write its sha256: where it is only compared",
        );
    }
}

/// The furniture for first tries is accepted from this machine only.
fn is_for_this_machine(config: &Config, path: &Path) -> bool {
    let loopback = |allow: &[crate::Cidr]| !allow.is_empty() && allow.iter().all(crate::Cidr::is_loopback);
    config.accounts.iter().enumerate().any(|(at, account)| {
        (*path == at!["account", at, "smpp", "password"]
            && account.smpp.as_ref().is_some_and(|smpp| loopback(&smpp.allow)))
            || (path.parent() == Some(at!["account", at, "api", "keys"])
                && account.api.as_ref().is_some_and(|api| loopback(&api.allow)))
    }) || config
        .messengers
        .iter()
        .enumerate()
        .any(|(at, messenger)| *path == at!["messenger", at, "token"] && loopback(&messenger.allow))
        || config
            .rcs
            .iter()
            .flat_map(|rcs| &rcs.users)
            .enumerate()
            .any(|(at, user)| *path == at!["rcs", "user", at, "password"] && loopback(&user.allow))
}

/// A key says who calls, so two accounts cannot have the same one. Only spellings are compared; hashes of what
/// stands behind `env:` belong to who uses them.
fn shared_keys(config: &Config, findings: &mut Findings) {
    let mut seen: Vec<&Credential> = Vec::new();
    for (at, account) in config.accounts.iter().enumerate() {
        for (key_at, key) in account.api.iter().flat_map(|api| &api.keys).enumerate() {
            if seen.contains(&key) {
                let path = at!["account", at, "api", "keys", key_at];
                findings.error(
                    ProblemKind::Duplicate,
                    path,
                    "this key is in use already",
                    "a key says who calls: give each account its own",
                );
            }
            seen.push(key);
        }
    }
}
