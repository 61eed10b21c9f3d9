//! One measurement: lines load, a sink receives, a process in between is watched.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Period;
use crate::flood::Flood;
use crate::histogram::Histogram;
use crate::line::{Counters, Line, Pace};
use crate::process::{self, Memory};
use crate::sink;
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
    pub(crate) memory: Memory,
    pub(crate) latencies: Histogram,
    /// Over the whole run, after everything had drained.
    pub(crate) accepted_in_all: u64,
    pub(crate) arrived_in_all: u64,
}

impl Measured {
    pub(crate) fn rate(&self) -> f64 {
        self.arrived as f64 / self.seconds
    }

    pub(crate) fn cpu_per_message(&self) -> Duration {
        self.cpu.div_f64(self.arrived.max(1) as f64)
    }
}

/// What every line of a run does.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) command: u32,
    pub(crate) receipt: bool,
    /// The window of each line, and the rate of all together.
    pub(crate) pace: Pace,
}

/// Loads over the given connections and watches process `pid` and the sink.
pub(crate) fn measure(
    lines: Vec<Bound>,
    load: Load,
    period: Period,
    pid: u32,
    sink: &sink::Counters,
) -> Result<Measured> {
    let counters = Counters::default();
    let share = lines.len() as f64;
    let pace = Pace { rate: load.pace.rate.map(|rate| rate / share), ..load.pace };
    let arrived_before = sink.submitted.load(Ordering::Relaxed);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..)
            .zip(lines)
            .map(|(line, bound)| {
                let script = Flood { command: load.command, receipt: load.receipt, limit: None, line };
                let mut line = Line::new(bound, pace, &counters, script);
                scope.spawn(move || line.run().map(|()| line.latencies))
            })
            .collect();
        let watched = watch(&counters, period, pid, sink);
        counters.stop.store(true, Ordering::Relaxed);
        let mut measured = watched?;
        for thread in threads {
            let latencies = thread.join().map_err(|_| anyhow::anyhow!("a line panicked"))?;
            measured.latencies.merge(&latencies.context("a connection of the load side ended")?);
        }
        measured.accepted_in_all = counters.accepted.load(Ordering::Relaxed);
        let expected = arrived_before + measured.accepted_in_all;
        let end = Instant::now() + Duration::from_secs(60);
        while sink.submitted.load(Ordering::Relaxed) < expected && Instant::now() < end {
            thread::sleep(Duration::from_millis(50));
        }
        measured.arrived_in_all = sink.submitted.load(Ordering::Relaxed) - arrived_before;
        Ok(measured)
    })
}

fn watch(counters: &Counters, period: Period, pid: u32, sink: &sink::Counters) -> Result<Measured> {
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let all = || [read(&counters.refused), read(&sink.submitted), read(&counters.receipts)];
    thread::sleep(period.warm_up);
    counters.measuring.store(true, Ordering::Relaxed);
    let (begin, cpu, before) = (Instant::now(), process::cpu(pid)?, all());
    thread::sleep(period.measured);
    let (seconds, cpu, after) = (begin.elapsed().as_secs_f64(), process::cpu(pid)? - cpu, all());
    counters.measuring.store(false, Ordering::Relaxed);
    let [refused, arrived, receipts] = [0, 1, 2].map(|at| after[at] - before[at]);
    Ok(Measured {
        seconds,
        refused,
        arrived,
        receipts,
        cpu,
        memory: process::memory(pid)?,
        latencies: Histogram::new(),
        accepted_in_all: 0,
        arrived_in_all: 0,
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
