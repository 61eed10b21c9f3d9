//! The whole proof: what CI runs, and what a contributor runs before a commit.

use std::time::Instant;

use anyhow::Result;

use crate::{kill, peers, shell, tidy};

/// Kills in every run; a release has 10,000 of them.
const KILLS: &str = "30";

/// Peers, tidiness, kills, tests. The tests come last, so that the runner's own summary ends the output.
pub(crate) fn test(words: &[String]) -> Result<()> {
    step("peers", || peers::run(&[]))?;
    step("tidy", || tidy::run(&[]))?;
    step("kill", || kill::run(&["--cycles".into(), KILLS.into()]))?;
    let has_nextest = shell::answers("cargo", &["nextest", "--version"]);
    if has_nextest {
        // nextest leaves out the examples in documentation.
        step("tests in documentation", || {
            shell::run(shell::cargo().args(["test", "--workspace", "--doc", "--quiet"]))
        })?;
    }
    let runner: &[&str] =
        if has_nextest { &["nextest", "run", "--workspace"] } else { &["test", "--workspace"] };
    step("tests", || shell::run(shell::cargo().args(runner).args(words)))
}

/// Format and lints before the tests: exactly what a merge needs.
pub(crate) fn ci(words: &[String]) -> Result<()> {
    step("format", || shell::run(shell::cargo().args(["fmt", "--all", "--check"])))?;
    let lint = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"];
    step("lints", || shell::run(shell::cargo().args(lint)))?;
    test(words)
}

fn step(name: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
    shell::step(name);
    let begin = Instant::now();
    run()?;
    // On the other stream, so that the runner's summary stays the last line of the output.
    eprintln!("   {name}: {:.0?}", begin.elapsed());
    Ok(())
}
