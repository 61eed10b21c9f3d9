//! Routes: that they lead somewhere, and can be reached.

use std::collections::{HashMap, HashSet};

use super::{Findings, names};
use crate::{Class, Config, Name, Prefix, path::at, report::ProblemKind};

pub(super) fn check(config: &Config, findings: &mut Findings) {
    let rcs = config.rcs.as_ref().map(|rcs| &rcs.name);
    let channels = config.channels.iter().map(|channel| &channel.name).chain(rcs);
    let origins = config
        .accounts
        .iter()
        .map(|account| &account.name)
        .chain(config.messengers.iter().map(|messenger| &messenger.name))
        .chain(rcs);
    let mut seen: HashMap<&Prefix, Vec<Conditions<'_>>> = HashMap::new();
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
            let conditions = (route.account.as_ref(), route.class);
            let before: &mut Vec<_> = seen.entry(prefix).or_default();
            if before.iter().any(|earlier| covers(*earlier, conditions)) {
                findings.error(
                    ProblemKind::Duplicate,
                    here.key("to").index(position),
                    format!("an earlier route for \"{prefix}\" takes everything that this one is for"),
                    "put the closer route first, or name all channels in one",
                );
            }
            before.push(conditions);
        }
    }
    // RCS users reach each other without one.
    if config.routes.is_empty() && !(config.accounts.is_empty() && config.messengers.is_empty()) {
        findings.warning(
            at!["route"],
            "there is no route, so no message leaves",
            "add a [[route]] with the channels to use",
        );
    }
}

type Conditions<'a> = (Option<&'a Name>, Option<Class>);

/// Whatever fits `later` fits `earlier`, and the first in the file wins.
fn covers(earlier: Conditions<'_>, later: Conditions<'_>) -> bool {
    (earlier.0.is_none() || earlier.0 == later.0) && (earlier.1.is_none() || earlier.1 == later.1)
}
