//! Listeners: who can reach them, and whether they get in each other's way.

use super::Findings;
use crate::{Config, Environment, HostPort, Listen, Tls, path::at, report::ProblemKind};

pub(super) fn check(config: &Config, environment: &dyn Environment, findings: &mut Findings) {
    let listeners = listeners(config);
    for (later, (section, key, listen, tls)) in listeners.iter().enumerate() {
        if let Some((other, other_key, ..)) =
            listeners.iter().take(later).find(|(_, _, other, _)| other.collides(*listen))
        {
            findings.clash(
                ProblemKind::Duplicate,
                [at![*section, *key], at![*other, *other_key]],
                format!("`{section}` and `{other}` listen on the same address, {listen}"),
                "give one of them another port",
            );
        }
        if let Some(tls) = tls {
            certificates(section, tls, environment, findings);
        }
    }
    management(config, findings);
}

/// Section, key, address, TLS.
pub(super) fn listeners(config: &Config) -> Vec<(&'static str, &'static str, Listen, Option<&Tls>)> {
    let mut listeners = vec![
        ("http", "listen", config.http.listen, config.http.tls.as_ref()),
        ("management", "listen", config.management.listen, config.management.tls.as_ref()),
        ("smpp", "listen", config.smpp.listen, config.smpp.tls.as_ref()),
    ];
    if let Some(rcs) = &config.rcs {
        listeners.extend([
            ("rcs", "listen", rcs.listen, None),
            ("rcs", "tls_listen", rcs.tls_listen, rcs.tls.as_ref()),
            ("rcs", "msrp_listen", rcs.msrp_listen, None),
            ("rcs", "msrp_tls_listen", rcs.msrp_tls_listen, None),
        ]);
    }
    listeners
}

/// Whether a connection to `address` would end at our own SMPP server.
pub(super) fn is_our_smpp(config: &Config, address: &HostPort) -> bool {
    let Some(ours) = config.smpp.listen.addr() else { return false };
    let reaches = match address.socket_addr() {
        Some(there) => there.ip() == ours.ip() || (ours.ip().is_unspecified() && there.ip().is_loopback()),
        None => address.is_loopback() && (ours.ip().is_loopback() || ours.ip().is_unspecified()),
    };
    reaches && ours.port() == address.port
}

fn management(config: &Config, findings: &mut Findings) {
    let management = &config.management;
    if management.listen.is_private() {
        return;
    }
    if !management.allow_public {
        findings.error(
            ProblemKind::Unsafe,
            at!["management", "listen"],
            "the management listener can be reached from other machines",
            "listen on 127.0.0.1, or set allow_public = true and keys",
        );
    } else if management.keys.is_empty() {
        findings.warning(
            at!["management", "allow_public"],
            "whoever reaches the management listener may administrate the gateway",
            "set keys, or let only your monitoring reach this address",
        );
    }
}

fn certificates(section: &str, tls: &Tls, environment: &dyn Environment, findings: &mut Findings) {
    let files = [("cert", Some(&tls.cert)), ("key", Some(&tls.key)), ("client_ca", tls.client_ca.as_ref())];
    for (key, file) in files {
        let Some(file) = file else { continue };
        let at = at![section, "tls", key];
        pem(
            at,
            file,
            if key == "key" { "PRIVATE KEY-----" } else { "-----BEGIN CERTIFICATE-----" },
            environment,
            findings,
        );
    }
}

/// A file in PEM that holds what is looked for. Whether key and certificate fit each other is seen when they
/// are used.
pub(super) fn pem(
    at: crate::path::Path,
    file: &std::path::Path,
    holds: &str,
    environment: &dyn Environment,
    findings: &mut Findings,
) {
    let what = if holds.contains("KEY") { "private key" } else { "certificate" };
    match environment.file(file) {
        Err(error) => findings.error(
            ProblemKind::File,
            at,
            format!("{} cannot be read: {error}", file.display()),
            format!("name a file in PEM with a {what} that the gateway may read"),
        ),
        Ok(text) if !text.contains(holds) => findings.error(
            ProblemKind::File,
            at,
            format!("{} has no {what} in it", file.display()),
            "the file must be in PEM; openssl converts from other forms",
        ),
        Ok(_) => {}
    }
}
