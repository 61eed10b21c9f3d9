//! The content server: it needs a listener, and types that are types.

use super::Findings;
use crate::{Config, path::at, report::ProblemKind};

pub(super) fn check(config: &Config, findings: &mut Findings) {
    let Some(files) = &config.files else { return };
    for (index, range) in files.types.iter().enumerate() {
        let whole = range.split_once('/').is_some_and(|(family, kind)| {
            !family.is_empty() && !kind.is_empty() && !kind.contains('/') && (family != "*" || kind == "*")
        });
        if !whole {
            findings.error(
                ProblemKind::Misspelt,
                at!["files", "types", index],
                "this is no media type",
                r#"write "image/jpeg", "image/*", or "*/*""#,
            );
        }
    }
    if config.http.listen.addr().is_none() {
        findings.warning(
            at!["files"],
            "the listener of [http] is off, so nobody can leave or fetch a file",
            "set http.listen, or take [files] out",
        );
    }
}
