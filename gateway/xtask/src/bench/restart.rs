//! A restart with many open messages, and what each of them costs in memory (targets T8, T9).

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::{Result, ensure};

use super::table::{Table, thousands};
use crate::flood::Flood;
use crate::gateway::{self, PASSWORD, SYSTEM_ID, Site};
use crate::line::{self, Counters, Line, Pace};
use crate::{process, shell, tree, wire};

pub(crate) fn run(messages: u64, binary: Option<PathBuf>) -> Result<()> {
    let binary = binary.map_or_else(gateway::build, Ok)?;
    let folder = tempfile::tempdir()?;
    // Nobody listens where the SMSC should be, so every message stays open.
    let nobody = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, tree::free_port()?));
    let site = Site::new(folder.path(), nobody)?;
    let gateway = site.start(&binary)?;
    let empty_start = gateway.start;
    let empty = process::memory(gateway.pid())?;

    shell::step(&format!("submitting {} messages that cannot leave", thousands(messages as f64)));
    let counters = Counters::default();
    let script = Flood { command: wire::SUBMIT_SM, receipt: true, limit: Some(messages), line: 0 };
    let pace = Pace { window: 500, rate: None };
    let mut line = Line::new(line::bind(site.smpp, SYSTEM_ID, PASSWORD)?, pace, &counters, script);
    line.run()?;
    let accepted = counters.accepted.load(Ordering::Relaxed);
    ensure!(accepted == messages, "only {accepted} of {messages} messages were accepted");
    let full = process::memory(gateway.pid())?;

    shell::step("SIGKILL, and again");
    gateway.kill()?;
    let again = site.start(&binary)?;
    let restarted = process::memory(again.pid())?;
    let per_message = |memory: process::Memory| {
        format!("{:.0} octets", memory.now.saturating_sub(empty.now) as f64 * 1024.0 / messages as f64)
    };
    let mut table = Table::new(&["Open messages", "Ready after", "Memory", "Memory per open message"]);
    table.row(vec![
        "0".into(),
        format!("{empty_start:.2?}"),
        format!("{} MiB", empty.now / 1024),
        "–".into(),
    ]);
    table.row(vec![
        format!("{} just accepted", thousands(messages as f64)),
        "–".into(),
        format!("{} MiB", full.now / 1024),
        per_message(full),
    ]);
    table.row(vec![
        format!("{} after SIGKILL", thousands(messages as f64)),
        format!("{:.2?}", again.start),
        format!("{} MiB", restarted.now / 1024),
        per_message(restarted),
    ]);
    println!();
    table.print();
    println!(
        "\n{}, {}; `cargo xtask bench restart --messages {messages}`.",
        process::machine(),
        tree::today()
    );
    Ok(())
}
