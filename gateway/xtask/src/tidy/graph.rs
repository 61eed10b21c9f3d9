//! No room looks up: which crate may know which.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Finding;
use crate::shell;

/// One crate of the workspace.
pub(super) struct Crate {
    pub(super) name: String,
    /// From the top of the tree, without a slash at the end.
    pub(super) folder: String,
    pub(super) licence: Option<String>,
    /// Without those of tests.
    pub(super) dependencies: Vec<String>,
}

const ALL: &[&str] = &[
    "model",
    "billing",
    "engine",
    "store",
    "sim",
    "kit",
    "sms",
    "smpp",
    "messengers",
    "rcs",
    "sip-message",
    "sip-transaction",
    "sip-net",
    "sip-rcs",
    "sip-msrp",
    "config",
    "monitoring",
    "api",
];

/// Who may know whom. Everything that is not here is refused, so a new crate begins with a line in this table.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("billing", &["model"]),
    ("engine", &["model", "billing"]),
    ("store", &["model", "billing", "engine"]),
    ("sim", &["model", "billing", "engine", "sms"]),
    ("kit", &["model"]),
    ("sms", &["model"]),
    ("smpp", &["model", "kit", "sms"]),
    ("messengers", &["model", "kit"]),
    ("sip-message", &[]),
    ("sip-transaction", &["sip-message"]),
    ("sip-rcs", &[]),
    ("sip-msrp", &[]),
    ("sip-net", &["sip-message", "sip-transaction", "sip-msrp"]),
    ("rcs", &["model", "kit", "sms", "sip-message", "sip-transaction", "sip-net", "sip-rcs", "sip-msrp"]),
    ("config", &[]),
    ("monitoring", &["model", "billing", "engine"]),
    ("api", &["model", "billing", "engine", "kit", "store", "messengers", "sip-rcs"]),
    ("gateway", ALL),
    ("xtask", &[]),
];

/// Nothing that ships may contain them: one TLS stack, and it is rustls on aws-lc.
const BANNED: &[&str] = &["openssl", "openssl-sys", "native-tls", "ring"];

pub(super) fn crates(metadata: &Value) -> Result<Vec<Crate>> {
    let root = metadata["workspace_root"].as_str().context("cargo metadata names no root")?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    packages.iter().map(|package| one(root, package)).collect()
}

fn one(root: &str, package: &Value) -> Result<Crate> {
    let name = package["name"].as_str().context("a package has no name")?.to_owned();
    let manifest = package["manifest_path"].as_str().context("a package has no manifest")?;
    let folder =
        manifest.trim_start_matches(root).trim_start_matches('/').trim_end_matches("/Cargo.toml").to_owned();
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    let dependencies = dependencies
        .filter(|dependency| dependency["kind"] != "dev")
        .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
        .collect();
    Ok(Crate { name, folder, licence: package["license"].as_str().map(str::to_owned), dependencies })
}

pub(super) fn check(crates: &[Crate]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in crates {
        let Some((_, known)) = MAY_KNOW.iter().find(|(name, _)| *name == one.name) else {
            findings.push(format!(
                "{}: this crate has no line in the graph of xtask/src/tidy/graph.rs",
                one.folder
            ));
            continue;
        };
        for dependency in &one.dependencies {
            let is_room = crates.iter().any(|other| other.name == *dependency);
            if is_room && !known.contains(&dependency.as_str()) {
                findings.push(format!("{}/Cargo.toml: {} may not know {dependency}", one.folder, one.name));
            }
        }
    }
    findings
}

pub(super) fn banned() -> Result<Vec<Finding>> {
    let mut tree = shell::cargo();
    tree.args(["tree", "--workspace", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
    let listed = shell::quietly(&mut tree)?;
    let found = BANNED.iter().filter(|name| listed.lines().any(|line| line.split(' ').next() == Some(name)));
    Ok(found
        .map(|name| format!("Cargo.lock: {name} must not ship; `cargo tree -i {name}` says who brings it"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, dependencies: &[&str]) -> Crate {
        let dependencies = dependencies.iter().map(|name| (*name).to_owned()).collect();
        Crate { name: name.into(), folder: name.into(), licence: None, dependencies }
    }

    #[test]
    fn a_room_that_looks_up_is_found() {
        let crates = [named("model", &["serde", "engine"]), named("engine", &["model"])];
        assert_eq!(check(&crates), ["model/Cargo.toml: model may not know engine"]);
    }

    #[test]
    fn a_room_without_a_line_is_found() {
        assert_eq!(check(&[named("shed", &[])]).len(), 1);
    }
}
