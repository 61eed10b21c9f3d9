//! Channels: what an SMSC needs, and what a simulated carrier has no use for.

use super::{Findings, accounts::text, listeners};
use crate::{
    Channel, ChannelKind, Config, Environment,
    path::{Path, at},
    report::ProblemKind,
};

pub(super) fn check(config: &Config, environment: &dyn Environment, findings: &mut Findings) {
    for (at, channel) in config.channels.iter().enumerate() {
        let here = at!["channel", at];
        match channel.kind {
            ChannelKind::Smpp => smpp(config, channel, &here, environment, findings),
            ChannelKind::Loopback => loopback(channel, &here, findings),
        }
    }
}

fn smpp(
    config: &Config,
    channel: &Channel,
    here: &Path,
    environment: &dyn Environment,
    findings: &mut Findings,
) {
    let needed = [
        ("address", channel.address.is_none(), r#"address = "smsc.example.net:2775""#),
        ("system_id", channel.system_id.is_none(), r#"system_id = "gateway""#),
        ("password", channel.password.is_none(), r#"password = "env:SMSC_PASSWORD""#),
    ];
    for (key, is_missing, example) in needed {
        if is_missing {
            let message = format!("the channel \"{}\" needs the key `{key}`", channel.name);
            findings.error(ProblemKind::MissingKey, here.key(key), message, format!("add {example}"));
        }
    }
    if let Some(address) = &channel.address
        && listeners::is_our_smpp(config, address)
    {
        findings.clash(
            ProblemKind::Conflict,
            [here.key("address"), at!["smpp", "listen"]],
            "this channel would bind to this gateway itself",
            "name the SMSC, or let `smpp.listen` be another port",
        );
    }
    for (key, value) in [
        ("system_id", channel.system_id.as_deref().unwrap_or_default()),
        ("system_type", &channel.system_type),
        ("address_range", &channel.address_range),
    ] {
        text(value, here.key(key), findings);
    }
    for (key, is_set) in [("tls_ca", channel.tls_ca.is_some()), ("tls_name", channel.tls_name.is_some())] {
        if is_set && !channel.tls {
            findings.error(
                ProblemKind::Conflict,
                here.key(key),
                format!("`{key}` without `tls` does nothing"),
                "add tls = true",
            );
        }
    }
    if let Some(file) = channel.tls_ca.as_deref().filter(|_| channel.tls) {
        listeners::pem(here.key("tls_ca"), file, "-----BEGIN CERTIFICATE-----", environment, findings);
    }
    if channel.loopback.is_some() {
        findings.error(
            ProblemKind::Conflict,
            here.key("loopback"),
            "this table is for the simulated carrier, and this channel is of kind \"smpp\"",
            r#"remove it, or set kind = "loopback""#,
        );
    }
    if !channel.tls
        && let Some(address) = channel.address.as_ref().filter(|address| is_public(address))
    {
        findings.warning(
            here.key("address"),
            format!("password and texts go to {address} unencrypted"),
            "set tls = true, unless a tunnel protects the way",
        );
    }
}

/// Certainly outside: a public address rather than a name, which may be anything.
fn is_public(address: &crate::HostPort) -> bool {
    let url: Result<crate::HttpUrl, _> = format!("http://{address}").parse();
    address.socket_addr().is_some() && url.is_ok_and(|url| !url.is_private())
}

fn loopback(channel: &Channel, here: &Path, findings: &mut Findings) {
    let needless = [
        ("address", channel.address.is_some()),
        ("system_id", channel.system_id.is_some()),
        ("password", channel.password.is_some()),
        ("tls", channel.tls),
        ("tls_ca", channel.tls_ca.is_some()),
        ("tls_name", channel.tls_name.is_some()),
    ];
    for (key, is_set) in needless {
        if is_set {
            findings.error(
                ProblemKind::Conflict,
                here.key(key),
                format!("`{key}` means nothing to the simulated carrier"),
                r#"remove it, or set kind = "smpp" for a real SMSC"#,
            );
        }
    }
}
