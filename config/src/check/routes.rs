//! Routes: that they lead somewhere, and can be reached.

use std::collections::HashSet;

use super::{Findings, names};
use crate::{Config, path::at, report::ProblemKind};

pub(super) fn check(config: &Config, findings: &mut Findings) {
    let channels = config.channels.iter().map(|channel| &channel.name);
    let origins = config
        .accounts
        .iter()
        .map(|account| &account.name)
        .chain(config.messengers.iter().map(|messenger| &messenger.name));
    let mut seen = HashSet::new();
    for (at, route) in config.routes.iter().enumerate() {
        let here = at!["route", at];
        if let Some(account) =
            route.account.as_ref().filter(|account| !origins.clone().any(|name| name == *account))
        {
            names::unknown(findings, here.key("account"), "account", account, origins.clone());
        }
        let mut used = HashSet::new();
        for (position, name) in route.channels.iter().enumerate() {
            // A list of one may be written without brackets; then its place is the place of the key.
            let path = here.key("channels").index(position);
            if !channels.clone().any(|channel| channel == name) {
                names::unknown(findings, path, "channel", name, channels.clone());
            } else if !used.insert(name) {
                findings.error(
                    ProblemKind::Duplicate,
                    path,
                    format!("\"{name}\" is in this list already"),
                    "name each channel once",
                );
            }
        }
        if route.channels.is_empty() {
            findings.error(
                ProblemKind::MissingKey,
                here.key("channels"),
                "this route leads nowhere",
                "name at least one channel",
            );
        }
        if route.to.is_empty() {
            findings.error(
                ProblemKind::MissingKey,
                here.key("to"),
                "this route is for no number",
                r#"name a prefix, or "*" for every number"#,
            );
        }
        for (position, prefix) in route.to.iter().enumerate() {
            if !seen.insert((prefix, &route.account, route.class)) {
                findings.error(
                    ProblemKind::Duplicate,
                    here.key("to").index(position),
                    format!(
                        "an earlier route has the same conditions for \"{prefix}\", so this one is never used"
                    ),
                    "remove one of them, or name all channels in one route",
                );
            }
        }
    }
    if config.routes.is_empty() && !(config.accounts.is_empty() && config.messengers.is_empty()) {
        findings.warning(
            at!["route"],
            "there is no route, so no message leaves",
            "add a [[route]] with the channels to use",
        );
    }
}
