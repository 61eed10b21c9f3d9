//! SMPP in, SMPP out: the load tool alone, Kannel, the gateway, all in one run (targets T1, T2, T5, T8).

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Result;

use super::Period;
use super::measure::{Bound, Load, Measured, accept, measure};
use super::table::{Table, thousands};
use crate::gateway::{self, PASSWORD, SYSTEM_ID, Site};
use crate::kannel::{Kannel, Keep};
use crate::line::{self, Pace};
use crate::sink::{Anything, Sink};
use crate::{process, shell, tree, wire};

const WINDOW: usize = 500;
const LINES: usize = 4;
/// Latency is measured at this share of the highest rate.
const STEADY: f64 = 0.7;

pub(crate) fn run(period: Period, only: Option<&str>, binary: Option<PathBuf>) -> Result<()> {
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    let binary = if wanted("gateway") { Some(binary.map_or_else(gateway::build, Ok)?) } else { None };
    let mut table =
        Table::new(&["Path", "Rate", "CPU per message", "p50", "p99", "p99.9", "Memory", "Receipts"]);
    if wanted("load") {
        shell::step("the load tool against its own sink");
        table.row(row("load tool and sink alone", &ceiling(period)?, None));
    }
    if wanted("kannel") {
        for (keep, name) in [(Keep::Nothing, "no store"), (Keep::File, "file store")] {
            shell::step(&format!("Kannel, {name}"));
            table.row(row(&format!("Kannel 1.4.5 bearerbox, {name}"), &kannel(period, keep)?, None));
        }
    }
    if let Some(binary) = binary {
        shell::step("the gateway, as fast as the windows allow");
        let folder = tempfile::tempdir()?;
        let sink = Sink::start(0, Arc::new(Anything))?;
        let site = Site::new(folder.path(), sink.address)?;
        let gateway = site.start(&binary)?;
        let lines = || -> Result<Vec<Bound>> {
            (0..LINES).map(|_| Ok(line::bind(site.smpp, SYSTEM_ID, PASSWORD)?)).collect()
        };
        let load =
            Load { command: wire::SUBMIT_SM, receipt: true, pace: Pace { window: WINDOW, rate: None } };
        let fastest = measure(lines()?, load, period, gateway.pid(), &sink.counters)?;
        shell::step("the gateway, at 70 % of that");
        let pace = Pace { rate: Some(fastest.rate() * STEADY), ..load.pace };
        let steady = measure(lines()?, Load { pace, ..load }, period, gateway.pid(), &sink.counters)?;
        table.row(row("gateway: durable, metered, receipts back", &fastest, None));
        table.row(row("gateway at 70 % of that rate", &steady, Some(())));
        gateway.stop()?;
        shell::step("gateway verify");
        print!("{}", site.verify(&binary)?);
    }
    println!();
    table.print();
    println!(
        "\n{}, {}; `cargo xtask bench smpp --seconds {}`; {LINES} connections, window {WINDOW}, 63 octets of text, load \
         tool and sink on the same machine.",
        process::machine(),
        tree::today(),
        period.measured.as_secs()
    );
    Ok(())
}

/// The sink in this same process: what remains for a peer is less than this.
fn ceiling(period: Period) -> Result<Measured> {
    let sink = Sink::start(0, Arc::new(Anything))?;
    let lines = (0..2).map(|_| Ok(line::bind(sink.address, SYSTEM_ID, PASSWORD)?)).collect::<Result<_>>()?;
    let load = Load { command: wire::SUBMIT_SM, receipt: true, pace: Pace { window: WINDOW, rate: None } };
    measure(lines, load, period, std::process::id(), &sink.counters)
}

fn kannel(period: Period, keep: Keep) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let sink = Sink::start(0, Arc::new(Anything))?;
    let source = TcpListener::bind("127.0.0.1:0")?;
    let mut kannel = Kannel::start(folder.path(), source.local_addr()?.port(), sink.address.port(), keep)?;
    source.set_nonblocking(true)?;
    let stream =
        kannel.wait_for("the bind to the source", || source.accept().ok().map(|(stream, _)| stream))?;
    let bound = accept(stream)?;
    kannel.wait_for("the bind to the sink", || {
        (sink.counters.binds.load(Ordering::Relaxed) > 0).then_some(())
    })?;
    let load = Load { command: wire::DELIVER_SM, receipt: false, pace: Pace { window: WINDOW, rate: None } };
    measure(vec![bound], load, period, kannel.pid(), &sink.counters)
}

fn row(name: &str, measured: &Measured, latencies: Option<()>) -> Vec<String> {
    let quantile = |share| match latencies {
        Some(()) => format!("{:.1} ms", measured.latencies.quantile(share).as_secs_f64() * 1e3),
        None => "–".into(),
    };
    if measured.arrived_in_all != measured.accepted_in_all {
        println!("   {name}: {} accepted, {} arrived", measured.accepted_in_all, measured.arrived_in_all);
    }
    if measured.refused > 0 {
        println!("   {name}: {} refused while measured", measured.refused);
    }
    vec![
        name.to_owned(),
        format!("{}/s", thousands(measured.rate())),
        format!("{:.1} µs", measured.cpu_per_message().as_secs_f64() * 1e6),
        quantile(0.5),
        quantile(0.99),
        quantile(0.999),
        format!("{} MiB", measured.memory.peak / 1024),
        format!("{}/s", thousands(measured.receipts as f64 / measured.seconds)),
    ]
}
