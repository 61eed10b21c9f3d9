//! Messengers: where pushes may go, and what signs them.

use super::{Findings, names};
use crate::{
    Config, Messenger,
    path::{Path, at},
    report::ProblemKind,
};

pub(super) fn check(config: &Config, findings: &mut Findings) {
    for (at, messenger) in config.messengers.iter().enumerate() {
        let here = at!["messenger", at];
        push(messenger, &here, findings);
        if let Some(pool) =
            messenger.pool.as_ref().filter(|pool| !config.pools.iter().any(|there| there.name == **pool))
        {
            names::unknown(
                findings,
                here.key("pool"),
                "pool",
                pool,
                config.pools.iter().map(|there| &there.name),
            );
        }
    }
}

fn push(messenger: &Messenger, here: &Path, findings: &mut Findings) {
    let Some(push) = &messenger.push else {
        if messenger.secret.is_some() {
            findings.error(
                ProblemKind::Conflict,
                here.key("secret"),
                "`secret` signs pushes, and nothing is pushed",
                "add push = \"https://…\", or remove the secret",
            );
        }
        return;
    };
    if messenger.secret.is_none() {
        findings.error(
            ProblemKind::MissingKey,
            here.key("secret"),
            format!("the messenger \"{}\" needs the key `secret`", messenger.name),
            "pushes are signed: add secret = \"env:NAME\"",
        );
    }
    if messenger.allow_private_addresses {
        return;
    }
    if push.is_private() {
        findings.error(
            ProblemKind::Unsafe,
            here.key("push"),
            "this address is inside a private network",
            "name a public address, or set allow_private_addresses = true if the messenger is in your own network",
        );
    } else if !push.secure {
        findings.error(
            ProblemKind::Unsafe,
            here.key("push"),
            "texts and numbers would cross the public network unencrypted",
            "use https://, or set allow_private_addresses = true if the messenger is in your own network",
        );
    }
}
