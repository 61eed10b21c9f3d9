//! What a process costs: CPU time and memory as the kernel counts them, and how to end it.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

/// `sysconf(_SC_CLK_TCK)` on every Linux architecture that Debian has.
const TICKS_PER_SECOND: u64 = 100;

/// User and system time of all threads so far (proc(5), `stat` fields 14 and 15).
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let stat =
        fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid} is gone"))?;
    // The second field is a name in brackets that may hold anything.
    let (_, fields) = stat.rsplit_once(')').context("/proc/…/stat looks strange")?;
    let mut fields = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let mut ticks =
        || fields.next().context("/proc/…/stat is short")?.context("/proc/…/stat holds no number");
    Ok(Duration::from_millis((ticks()? + ticks()?) * 1000 / TICKS_PER_SECOND))
}

/// The processes that process `pid` has forked and that are still there.
pub(crate) fn children(pid: u32) -> Result<Vec<u32>> {
    // A process whose threads fork has a list for each of them; the first thread is the process.
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .with_context(|| format!("process {pid} is gone"))?;
    list.split_whitespace().map(|pid| pid.parse().context("/proc/…/children holds no number")).collect()
}

/// Memory in KiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid} is gone"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .with_context(|| format!("/proc/{pid}/status has no {name}"))
    };
    Ok(Memory { now: field("VmRSS:")?, peak: field("VmHWM:")? })
}

/// Asks a process to stop.
pub(crate) fn terminate(pid: u32) -> Result<()> {
    let status =
        Command::new("kill").args(["-TERM", &pid.to_string()]).status().context("cannot run kill")?;
    anyhow::ensure!(status.success(), "process {pid} is gone already");
    Ok(())
}

/// The processor, the cores and the memory, for the foot of a table.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |pair| pair.1);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = read("/proc/meminfo");
    let kib = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok());
    format!("{} × {}, {} GiB", cores, model.trim(), kib.unwrap_or_default().div_ceil(1024 * 1024))
}
