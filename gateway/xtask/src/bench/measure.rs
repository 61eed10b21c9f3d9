//! One measurement: lines load, a sink receives, a process in between is watched.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Period;
use super::table::thousands;
use crate::flood::Flood;
use crate::histogram::Histogram;
use crate::line::{Counters, Line, Pace};
use crate::process::{self, Memory};
use crate::wire::{self, Intake};

pub(crate) type Bound = (TcpStream, Intake);

/// What one run showed, over its measured period.
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    /// Negative answers to the load side.
    pub(crate) refused: u64,
    /// Messages that reached the sink.
    pub(crate) arrived: u64,
    /// Receipts that reached the load side.
    pub(crate) receipts: u64,
    pub(crate) cpu: Duration,
    /// Of one process; several share theirs, and their sum would say nothing.
    pub(crate) memory: Option<Memory>,
    pub(crate) latencies: Histogram,
    /// Over the whole run, after everything had drained.
    pub(crate) accepted_in_all: u64,
    pub(crate) arrived_in_all: u64,
    /// Retransmissions of the load side.
    pub(crate) again_in_all: u64,
}

impl Measured {
    pub(crate) fn rate(&self) -> f64 {
        self.arrived as f64 / self.seconds
    }

    pub(crate) fn cpu_per_message(&self) -> Duration {
        self.cpu.div_f64(self.arrived.max(1) as f64)
    }
}

/// The load side of one connection: runs until it is told to stop.
pub(crate) trait Load: Send {
    fn run(self, counters: &Counters) -> io::Result<Histogram>;
}

/// One connection that floods over SMPP.
pub(crate) struct Smpp {
    pub(crate) bound: Bound,
    pub(crate) script: Flood,
    pub(crate) pace: Pace,
}

impl Load for Smpp {
    fn run(self, counters: &Counters) -> io::Result<Histogram> {
        let mut line = Line::new(self.bound, self.pace, counters, self.script);
        line.run().map(|()| line.latencies)
    }
}

/// What is watched while lines load.
#[derive(Clone, Copy)]
pub(crate) struct Watched<'a> {
    /// The processes between the load and the sink.
    pub(crate) pids: &'a [u32],
    /// Messages that reached the sink.
    pub(crate) arrived: &'a AtomicU64,
}

/// Runs every line and watches what is in between.
pub(crate) fn measure(lines: Vec<impl Load>, period: Period, watched: Watched<'_>) -> Result<Measured> {
    let counters = Counters::default();
    let arrived_before = watched.arrived.load(Ordering::Relaxed);
    thread::scope(|scope| {
        let counters = &counters;
        let threads: Vec<_> = lines.into_iter().map(|line| scope.spawn(move || line.run(counters))).collect();
        let seen = watch(counters, period, watched);
        counters.stop.store(true, Ordering::Relaxed);
        let mut measured = seen?;
        for thread in threads {
            let latencies = thread.join().map_err(|_| anyhow::anyhow!("a line panicked"))?;
            measured.latencies.merge(&latencies.context("a connection of the load side ended")?);
        }
        measured.accepted_in_all = counters.accepted.load(Ordering::Relaxed);
        measured.again_in_all = counters.again.load(Ordering::Relaxed);
        let expected = arrived_before + measured.accepted_in_all;
        let end = Instant::now() + Duration::from_secs(60);
        while watched.arrived.load(Ordering::Relaxed) < expected && Instant::now() < end {
            thread::sleep(Duration::from_millis(50));
        }
        measured.arrived_in_all = watched.arrived.load(Ordering::Relaxed) - arrived_before;
        Ok(measured)
    })
}

fn watch(counters: &Counters, period: Period, watched: Watched<'_>) -> Result<Measured> {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let all = || [read(&counters.refused), read(watched.arrived), read(&counters.receipts)];
    let cpu = || watched.pids.iter().map(|pid| process::cpu(*pid)).sum::<Result<Duration>>();
    thread::sleep(period.warm_up);
    counters.measuring.store(true, Ordering::Relaxed);
    let (begin, cpu_before, before) = (Instant::now(), cpu()?, all());
    thread::sleep(period.measured);
    let (seconds, cpu, after) = (begin.elapsed().as_secs_f64(), cpu()? - cpu_before, all());
    counters.measuring.store(false, Ordering::Relaxed);
    let [refused, arrived, receipts] = [0, 1, 2].map(|at| after[at] - before[at]);
    let memory = match watched.pids {
        [pid] => Some(process::memory(*pid)?),
        _ => None,
    };
    Ok(Measured {
        seconds,
        refused,
        arrived,
        receipts,
        cpu,
        memory,
        latencies: Histogram::new(),
        accepted_in_all: 0,
        arrived_in_all: 0,
        again_in_all: 0,
    })
}

/// Answers the bind of a client that connected to us.
pub(crate) fn accept(mut stream: TcpStream) -> Result<Bound> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    let mut intake = Intake::new();
    loop {
        if let Some(bind) = intake.next()? {
            let mut out = Vec::new();
            wire::answer(&mut out, &bind, wire::OK, b"source");
            stream.write_all(&out)?;
            return Ok((stream, intake));
        }
        intake.fill(&mut stream)?;
    }
}

pub(crate) const HEADS: &[&str] =
    &["Path", "Rate", "CPU per message", "p50", "p99", "p99.9", "Memory", "Receipts"];

/// One row under [`HEADS`]; a run whose messages got lost says so above the table.
pub(crate) fn row(name: &str, measured: &Measured, latencies: Option<()>) -> Vec<String> {
    let quantile = |share| match latencies {
        Some(()) => format!("{:.1} ms", measured.latencies.quantile(share).as_secs_f64() * 1e3),
        None => "–".into(),
    };
    if measured.arrived_in_all != measured.accepted_in_all {
        println!("   {name}: {} accepted, {} arrived", measured.accepted_in_all, measured.arrived_in_all);
    }
    if measured.again_in_all > 0 {
        println!("   {name}: {} retransmissions", measured.again_in_all);
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
        measured.memory.map_or_else(|| "–".into(), |memory| format!("{} MiB", memory.peak / 1024)),
        format!("{}/s", thousands(measured.receipts as f64 / measured.seconds)),
    ]
}
