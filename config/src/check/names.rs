//! Names are given once.

use std::collections::HashMap;

use super::Findings;
use crate::{
    Config, Name,
    path::{Path, at},
    report::ProblemKind,
};

pub(super) fn check(config: &Config, findings: &mut Findings) {
    // One word is one thing in metrics, records and routes, so the three kinds of peers share their names.
    let accounts = config.accounts.iter().enumerate().map(|(i, account)| ("account", i, &account.name));
    let channels = config.channels.iter().enumerate().map(|(i, channel)| ("channel", i, &channel.name));
    let messengers =
        config.messengers.iter().enumerate().map(|(i, messenger)| ("messenger", i, &messenger.name));
    unique(accounts.chain(channels).chain(messengers), findings);
    if let Some(rcs) = &config.rcs
        && let Some(other) = peer(config, &rcs.name)
    {
        let message = format!("there is a peer called \"{}\" already: {other}", rcs.name);
        findings.error(ProblemKind::Duplicate, at!["rcs", "name"], message, "choose another name");
    }
    unique(config.pools.iter().enumerate().map(|(i, pool)| ("pool", i, &pool.name)), findings);
}

/// What has this name.
fn peer(config: &Config, name: &Name) -> Option<&'static str> {
    let named = |is: bool, what| is.then_some(what);
    named(config.accounts.iter().any(|one| one.name == *name), "an account")
        .or_else(|| named(config.channels.iter().any(|one| one.name == *name), "a channel"))
        .or_else(|| named(config.messengers.iter().any(|one| one.name == *name), "a messenger"))
}

fn unique<'a>(names: impl Iterator<Item = (&'static str, usize, &'a Name)>, findings: &mut Findings) {
    let mut seen: HashMap<&Name, &str> = HashMap::new();
    for (section, index, name) in names {
        let Some(first) = seen.insert(name, section) else { continue };
        let message = if first == section {
            format!("there is another {section} called \"{name}\"")
        } else {
            let article = if first == "account" { "an" } else { "a" };
            format!("there is {article} {first} called \"{name}\" too")
        };
        let help = "accounts, channels and messengers share their names: choose another one";
        let help = if section == "pool" { "choose another name" } else { help };
        findings.error(ProblemKind::Duplicate, at![section, index, "name"], message, help);
    }
}

/// For references: what could have been meant.
pub(super) fn unknown<'a>(
    findings: &mut Findings,
    path: Path,
    what: &str,
    name: &Name,
    there: impl Iterator<Item = &'a Name> + Clone,
) {
    let help = match crate::load::closest(name.as_str(), there.clone().map(Name::as_str)) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => {
            let all: Vec<&str> = there.map(Name::as_str).collect();
            if all.is_empty() {
                format!("there is no {what} at all: write a [[{what}]]")
            } else {
                format!("there are {}", all.join(", "))
            }
        }
    };
    findings.error(ProblemKind::UnknownName, path, format!("there is no {what} called \"{name}\""), help);
}
