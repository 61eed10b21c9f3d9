//! What the compiler and its lints cannot see: the graph of rooms, their purity, the shape of the tree.

mod graph;
mod life;
mod purity;
mod shape;
mod words;

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{shell, tree};

/// One thing that is not tidy: where, and what to do.
type Finding = String;

/// A file that git knows or would take.
struct File {
    /// From the top of the tree.
    path: String,
    /// Empty when the file is not text.
    text: String,
}

pub(crate) fn run(_words: &[String]) -> Result<()> {
    let files = files()?;
    let metadata = shell::quietly(shell::cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata = serde_json::from_str(&metadata).context("cargo metadata did not answer with JSON")?;
    let crates = graph::crates(&metadata)?;
    let mut findings = graph::check(&crates);
    findings.extend(graph::banned()?);
    findings.extend(purity::check(&crates, &files));
    findings.extend(shape::check(&crates, &files));
    findings.extend(words::check(&files));
    findings.extend(life::check(&files));
    if findings.is_empty() {
        println!("   tidy: {} crates, {} files", crates.len(), files.len());
        return Ok(());
    }
    findings.iter().for_each(|finding| println!("   {finding}"));
    bail!("{} things are not tidy", findings.len())
}

fn files() -> Result<Vec<File>> {
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(tree::root());
    let listed = shell::quietly(&mut list)?;
    let paths = listed.split('\0').filter(|path| !path.is_empty());
    // A file that was removed but not committed yet is still listed.
    let read = |path: &str| fs::read(tree::root().join(path)).ok().map(|octets| (path.to_owned(), octets));
    Ok(paths
        .filter_map(read)
        .map(|(path, octets)| File { path, text: String::from_utf8(octets).unwrap_or_default() })
        .collect())
}
