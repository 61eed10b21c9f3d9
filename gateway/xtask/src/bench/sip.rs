//! SIP in, SMPP out: the load tool alone, Kamailio, the gateway, all in one run (targets T3, T5).

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::Period;
use super::measure::{HEADS, Load, Measured, Watched, measure, row};
use super::table::Table;
use crate::gateway::{self, Site};
use crate::histogram::Histogram;
use crate::line::{Counters, Pace};
use crate::relay::Relay;
use crate::sink::Anything;
use crate::sip::line::Line;
use crate::sip::sink::Sink;
use crate::sip::socket::Transport;
use crate::{process, shell, sink, tree};

/// MESSAGEs that wait for their answer, of all sockets together.
const WINDOW: usize = 1000;
const LINES: u64 = 4;
/// Latency is measured at this share of the highest rate.
const STEADY: f64 = 0.7;
/// The configuration that T3 is measured on, and where it listens and binds to.
const EXAMPLE: &str = "sip-relay.toml";
const SIP: u16 = 5060;
const SMSC: u16 = 2775;

const TRANSPORTS: [Transport; 2] = [Transport::Udp, Transport::Tcp];

pub(crate) fn run(period: Period, only: Option<&str>, binary: Option<PathBuf>) -> Result<()> {
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    let binary = if wanted("gateway") { Some(binary.map_or_else(gateway::build, Ok)?) } else { None };
    let mut table = Table::new(HEADS);
    for transport in TRANSPORTS.into_iter().filter(|_| wanted("load")) {
        let over = transport.name();
        shell::step(&format!("the load tool against its own sink, over {over}"));
        let sink = Sink::start()?;
        let watched = Watched { pids: &[std::process::id()], arrived: sink.arrived() };
        let measured = measure(lines(transport, sink.address, None), period, watched)?;
        table.row(row(&format!("load tool and sink alone, {over}"), &measured, None));
    }
    for transport in TRANSPORTS.into_iter().filter(|_| wanted("kamailio")) {
        let over = transport.name();
        shell::step(&format!("Kamailio, over {over}"));
        table.row(row(&format!("Kamailio 5.6.3 t_relay, {over}"), &kamailio(transport, period)?, None));
    }
    if let Some(binary) = binary {
        for transport in TRANSPORTS {
            gateway(&binary, transport, period, &mut table)?;
        }
    }
    println!();
    table.print();
    println!(
        "\n{}, {}; `cargo xtask bench sip --seconds {}`; {LINES} sockets, window {} each, CPIM that asks for a receipt, load \
         tool and sink on the same machine.",
        process::machine(),
        tree::today(),
        period.measured.as_secs(),
        WINDOW / LINES as usize
    );
    Ok(())
}

/// One socket that floods.
struct Flooding {
    number: u64,
    transport: Transport,
    to: SocketAddr,
    pace: Pace,
}

impl Load for Flooding {
    fn run(self, counters: &Counters) -> io::Result<Histogram> {
        Line::connect(self.number, self.transport, self.to, self.pace, counters)?.run()
    }
}

/// Sockets that flood, at this rate of all together. A rate means that they are the second ones: their messages
/// must not have the ids of the first.
fn lines(transport: Transport, to: SocketAddr, rate: Option<f64>) -> Vec<Flooding> {
    let pace = Pace { window: WINDOW / LINES as usize, rate: rate.map(|rate| rate / LINES as f64) };
    let first = if rate.is_some() { LINES } else { 0 };
    (first..first + LINES).map(|number| Flooding { number, transport, to, pace }).collect()
}

/// Kamailio between the load and a sink.
fn kamailio(transport: Transport, period: Period) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let sink = Sink::start()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, tree::free_port()?));
    let relay = Relay::start(folder.path(), address, sink.address)?;
    let watched = Watched { pids: &relay.pids()?, arrived: sink.arrived() };
    measure(lines(transport, address, None), period, watched)
}

/// The gateway with a fresh store, as fast as it goes and at a steady rate.
fn gateway(binary: &Path, transport: Transport, period: Period, table: &mut Table) -> Result<()> {
    let over = transport.name();
    shell::step(&format!("the gateway over {over}, as fast as the windows allow"));
    let folder = tempfile::tempdir()?;
    let smsc = sink::Sink::start(SMSC, Arc::new(Anything))?;
    let site = Site::example(folder.path(), EXAMPLE)?;
    let gateway = site.start(binary)?;
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, SIP));
    let watched = Watched { pids: &[gateway.pid()], arrived: &smsc.counters.submitted };
    let fastest = measure(lines(transport, to, None), period, watched)?;
    shell::step("the gateway, at 70 % of that");
    let steady = measure(lines(transport, to, Some(fastest.rate() * STEADY)), period, watched)?;
    table.row(row(&format!("gateway, {over}: durable, metered, receipts back"), &fastest, None));
    table.row(row(&format!("gateway, {over}, at 70 % of that rate"), &steady, Some(())));
    gateway.stop()?;
    shell::step("gateway verify");
    print!("{}", site.verify(binary)?);
    Ok(())
}
