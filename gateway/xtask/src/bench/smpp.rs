//! SMPP in, SMPP out: the load tool alone, Kannel, the gateway, all in one run (targets T1, T2, T5, T8).

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Result;

use super::Period;
use super::measure::{HEADS, row};
use super::measure::{Measured, Smpp, Watched, accept, measure};
use super::table::Table;
use crate::flood::Flood;
use crate::gateway::{self, PASSWORD, SYSTEM_ID, Site};
use crate::kannel::{Kannel, Keep};
use crate::line::{self, Pace};
use crate::sink::{Anything, Sink};
use crate::{process, shell, tree, wire};

const WINDOW: usize = 500;
const LINES: u64 = 4;
/// Latency is measured at this share of the highest rate.
const STEADY: f64 = 0.7;

pub(crate) fn run(period: Period, only: Option<&str>, binary: Option<PathBuf>) -> Result<()> {
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    let binary = if wanted("gateway") { Some(binary.map_or_else(gateway::build, Ok)?) } else { None };
    let mut table = Table::new(HEADS);
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
        let watched = Watched { pids: &[gateway.pid()], arrived: &sink.counters.submitted };
        let fastest = measure(lines(LINES, site.smpp, None)?, period, watched)?;
        shell::step("the gateway, at 70 % of that");
        let steady = measure(lines(LINES, site.smpp, Some(fastest.rate() * STEADY))?, period, watched)?;
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

/// Lines that submit, at this rate of all together.
fn lines(count: u64, address: SocketAddr, rate: Option<f64>) -> Result<Vec<Smpp>> {
    let pace = Pace { window: WINDOW, rate: rate.map(|rate| rate / count as f64) };
    let line = |line| -> Result<Smpp> {
        let script = Flood { command: wire::SUBMIT_SM, receipt: true, limit: None, line };
        Ok(Smpp { bound: line::bind(address, SYSTEM_ID, PASSWORD)?, script, pace })
    };
    (0..count).map(line).collect()
}

/// The sink in this same process: what remains for a peer is less than this.
fn ceiling(period: Period) -> Result<Measured> {
    let sink = Sink::start(0, Arc::new(Anything))?;
    let watched = Watched { pids: &[std::process::id()], arrived: &sink.counters.submitted };
    measure(lines(2, sink.address, None)?, period, watched)
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
    let script = Flood { command: wire::DELIVER_SM, receipt: false, limit: None, line: 0 };
    let pace = Pace { window: WINDOW, rate: None };
    let watched = Watched { pids: &[kannel.pid()], arrived: &sink.counters.submitted };
    measure(vec![Smpp { bound, script, pace }], period, watched)
}
