//! Running other programs, saying what is run.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Says what begins now.
pub(crate) fn step(what: &str) {
    println!("── {what}");
}

/// Runs a program to its end with its output shown; failure names the whole command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    let begin = Instant::now();
    println!("   $ {line}");
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed with {status} after {:.0?}", begin.elapsed());
    }
    Ok(())
}

/// Runs a program quietly; its output is shown only when it fails.
pub(crate) fn quietly(command: &mut Command) -> Result<String> {
    let line = line(command);
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{line}`"))?;
    if !out.status.success() {
        bail!(
            "`{line}` failed with {}\n{}{}",
            out.status,
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Whether a program is there and what it does with `words` is a success.
pub(crate) fn answers(program: &str, words: &[&str]) -> bool {
    let mut asked = Command::new(program);
    asked.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

/// Cargo, as the one that started us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::tree::root());
    command
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
