//! What lies where, and how long it is.

use super::graph::Crate;
use super::{File, Finding};

/// Everything at the top of the tree. `target/` and `data/` are not files of the project.
const TOP: &[&str] = &[
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".config",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "adapters",
    "config",
    "gateway",
    "monitoring",
    "sip",
];

const LICENCE: &str = "Apache-2.0";

/// A typical file is below the first; none is above the second.
const LINES_TYPICAL: usize = 400;
const LINES_MAX: usize = 600;

/// Files that were longer when the rule came. A number here may only become smaller.
const LONGER: &[(&str, usize)] = &[];

pub(super) fn check(crates: &[Crate], files: &[File]) -> Vec<Finding> {
    let mut findings = top(files);
    findings.extend(crates.iter().flat_map(|one| one_crate(one, files)));
    findings.extend(lengths(files, LONGER));
    findings
}

fn top(files: &[File]) -> Vec<Finding> {
    let mut entries: Vec<_> = files.iter().filter_map(|file| file.path.split('/').next()).collect();
    entries.sort_unstable();
    entries.dedup();
    let strange = entries.iter().filter(|entry| !TOP.contains(entry));
    let mut findings: Vec<_> =
        strange.map(|entry| format!("{entry}: not a room; it belongs into one")).collect();
    for needed in ["LICENSE", "README.md", "Cargo.lock"] {
        if !entries.contains(&needed) {
            findings.push(format!("{needed}: missing"));
        }
    }
    findings
}

fn one_crate(one: &Crate, files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let readme = format!("{}/README.md", one.folder);
    if !files.iter().any(|file| file.path == readme) {
        findings.push(format!("{readme}: missing; what lives here, what never does, where to start reading"));
    }
    if one.licence.as_deref() != Some(LICENCE) {
        findings.push(format!(
            "{}/Cargo.toml: the licence is {LICENCE}, by license.workspace = true",
            one.folder
        ));
    }
    findings
}

fn lengths(files: &[File], longer: &[(&str, usize)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let lines = file.text.lines().count();
        match longer.iter().find(|(path, _)| *path == file.path) {
            Some((path, allowed)) if lines > *allowed => {
                findings.push(format!("{path}: {lines} lines, {allowed} allowed"))
            }
            Some((path, allowed)) if lines < *allowed => {
                findings.push(format!(
                    "{path}: only {lines} lines left; put that into the list of tidy/shape.rs"
                ));
            }
            Some(_) => {}
            None if lines > LINES_MAX => {
                findings.push(format!("{}: {lines} lines, {LINES_MAX} allowed; split by idea", file.path))
            }
            None if lines > LINES_TYPICAL => {
                println!("   {}: {lines} lines, {LINES_TYPICAL} are typical", file.path)
            }
            None => {}
        }
    }
    let gone = longer.iter().filter(|(path, _)| !files.iter().any(|file| file.path == *path));
    findings.extend(gone.map(|(path, _)| format!("{path}: gone; take it off the list of tidy/shape.rs")));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, lines: usize) -> File {
        File { path: path.into(), text: "x\n".repeat(lines) }
    }

    #[test]
    fn the_ratchet_only_tightens() {
        let longer = [("a.rs", 700), ("b.rs", 900), ("c.rs", 800), ("gone.rs", 1)];
        let files =
            [file("a.rs", 701), file("b.rs", 899), file("c.rs", 800), file("d.rs", 601), file("e.rs", 600)];
        let findings = lengths(&files, &longer);
        let named: Vec<_> = findings.iter().filter_map(|finding| finding.split(':').next()).collect();
        assert_eq!(named, ["a.rs", "b.rs", "d.rs", "gone.rs"]);
    }

    #[test]
    fn a_stranger_at_the_top_is_found() {
        let files = [file("LICENSE", 1), file("README.md", 1), file("Cargo.lock", 1), file("notes/a.md", 1)];
        assert_eq!(top(&files), ["notes: not a room; it belongs into one"]);
    }
}
