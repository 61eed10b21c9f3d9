//! RCS: who is let in, and where an application server stands.

use std::collections::HashSet;

use super::{Findings, names};
use crate::{Config, NumberPattern, Rcs, RcsMode, path::at, report::ProblemKind};

pub(super) fn check(config: &Config, findings: &mut Findings) {
    let Some(rcs) = &config.rcs else { return };
    users(rcs, findings);
    sessions(rcs, findings);
    relay(rcs, findings);
    if let Some(pool) =
        rcs.pool.as_ref().filter(|pool| !config.pools.iter().any(|there| there.name == **pool))
    {
        let there = config.pools.iter().map(|there| &there.name);
        names::unknown(findings, at!["rcs", "pool"], "pool", pool, there);
    }
    let mut names = HashSet::new();
    for (index, peer) in rcs.peers.iter().enumerate() {
        if !names.insert(&peer.name) {
            let message = format!("there is another peer called \"{}\"", peer.name);
            findings.error(
                ProblemKind::Duplicate,
                at!["rcs", "peer", index, "name"],
                message,
                "choose another name",
            );
        }
        if peer.addresses.is_empty() {
            findings.error(
                ProblemKind::MissingKey,
                at!["rcs", "peer", index, "addresses"],
                "this peer comes from nowhere",
                r#"add addresses = ["192.0.2.7"]"#,
            );
        }
    }
    let centre = rcs.service_centre.strip_prefix('+').unwrap_or(&rcs.service_centre);
    if centre.is_empty() || !centre.bytes().all(|octet| octet.is_ascii_digit()) {
        findings.error(
            ProblemKind::Misspelt,
            at!["rcs", "service_centre"],
            "this is no number",
            r#"write digits, with or without a plus: "+82101234000""#,
        );
    }
    match rcs.mode {
        RcsMode::ApplicationServer => application_server(rcs, findings),
        RcsMode::Standalone if rcs.is_empty() => findings.warning(
            at!["rcs"],
            "nobody may register and nobody is trusted, so every SIP request is refused",
            "add a [[rcs.user]] or a [[rcs.peer]]",
        ),
        RcsMode::Standalone => {}
    }
}

fn users(rcs: &Rcs, findings: &mut Findings) {
    let mut numbers = HashSet::new();
    for (index, user) in rcs.users.iter().enumerate() {
        let here = at!["rcs", "user", index, "number"];
        match &user.number {
            NumberPattern::One(number) if number.starts_with('+') => {
                if !numbers.insert(number) {
                    let help = "a number has one password, however many devices";
                    findings.error(ProblemKind::Duplicate, here, "this number is listed already", help);
                }
            }
            _ => findings.error(
                ProblemKind::Misspelt,
                here,
                "a user has one number in international form",
                r#"write it with its country code: "+821012345678""#,
            ),
        }
    }
}

/// Not every device speaks TLS.
fn sessions(rcs: &Rcs, findings: &mut Findings) {
    if rcs.msrp_listen.addr().is_none() && rcs.msrp_tls_listen.addr().is_some() {
        findings.error(
            ProblemKind::MissingKey,
            at!["rcs", "msrp_tls_listen"],
            "sessions over TLS are held beside those without",
            r#"give msrp_listen an address, or set msrp_tls_listen = "off""#,
        );
    }
}

/// It asks for both or for neither.
fn relay(rcs: &Rcs, findings: &mut Findings) {
    let Some(relay) = &rcs.msrp_relay else { return };
    if rcs.msrp_listen.addr().is_none() {
        findings.error(
            ProblemKind::MissingKey,
            at!["rcs", "msrp_relay"],
            "there are no sessions that could go through a relay",
            "give msrp_listen an address: it names this end behind the relay, and nobody connects to it",
        );
    }
    let (there, missing) = match (&relay.user, &relay.password) {
        (Some(_), None) => ("user", "password"),
        (None, Some(_)) => ("password", "user"),
        _ => return,
    };
    findings.error(
        ProblemKind::MissingKey,
        at!["rcs", "msrp_relay", there],
        format!("a relay that asks who this is wants a {missing} too"),
        format!("add {missing}, or leave both out for a relay that does not ask"),
    );
}

fn application_server(rcs: &Rcs, findings: &mut Findings) {
    if rcs.next_hop.is_none() {
        findings.error(
            ProblemKind::MissingKey,
            at!["rcs", "next_hop"],
            "an application server must know its S-CSCF",
            r#"add next_hop = "scscf.ims.example:6060""#,
        );
    }
    if rcs.peers.is_empty() {
        findings.error(
            ProblemKind::MissingKey,
            at!["rcs", "peer"],
            "an application server believes its S-CSCF, and none is named",
            "add a [[rcs.peer]] with the addresses of the S-CSCF",
        );
    }
}
