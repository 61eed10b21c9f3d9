//! The release binary under load, killed at random moments, against a ledger that it knows nothing of (target R1).

mod load;
mod sip;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::flood::scatter;
use crate::gateway::{self, KEY, Site};
use crate::http::Http;
use crate::ledger::{Ledger, Verdict, key_of};
use crate::line::Counters;
use crate::shell;
use crate::sink::Sink;

/// A ledger is settled and a store begins anew after so many kills, so that a run of any length needs no more memory.
const CYCLES_PER_ROUND: u64 = 50;
const SETTLED: Duration = Duration::from_secs(120);

pub(crate) fn run(words: &[String]) -> Result<()> {
    let (mut cycles, mut seed, mut binary) = (30_u64, None, None);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--cycles" => cycles = value()?.parse()?,
            "--seed" => seed = Some(value()?.parse()?),
            "--binary" => binary = Some(PathBuf::from(value()?)),
            _ => bail!("kill knows --cycles N, --seed N and --binary PATH, not {word}"),
        }
    }
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    let binary = binary.map_or_else(gateway::build, Ok)?;
    shell::step(&format!("{cycles} kills, --seed {seed}"));
    let mut done = 0;
    while done < cycles {
        let now = CYCLES_PER_ROUND.min(cycles - done);
        Round::new(seed ^ (done << 32))?.run(&binary, done, now)?;
        done += now;
    }
    println!("{cycles} kills: nothing lost, nothing billed twice");
    Ok(())
}

struct Round {
    seed: u64,
    folder: tempfile::TempDir,
    ledger: Arc<Ledger>,
    sink: Sink<Ledger>,
    site: Site,
    network: sip::Network,
}

/// What one kill looked like.
struct Cycle {
    ready: Option<Duration>,
    loaded: Duration,
}

impl Round {
    fn new(seed: u64) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let ledger = Arc::new(Ledger::new(&folder.path().join("ledger.tsv"))?);
        let sink = Sink::start(0, Arc::clone(&ledger))?;
        let site = Site::new(folder.path(), sink.address)?;
        Ok(Self { seed, folder, ledger, sink, site, network: sip::Network::new()? })
    }

    fn run(self, binary: &Path, done: u64, cycles: u64) -> Result<()> {
        let judged = self.cycles(binary, done, cycles);
        if judged.is_err() {
            let kept = self.folder.keep();
            println!("   the store, the log and the ledger are in {}", kept.display());
        }
        judged
    }

    fn cycles(&self, binary: &Path, done: u64, cycles: u64) -> Result<()> {
        for number in 1..=cycles {
            let before = self.ledger.judge();
            let sent_before = self.ledger.sent();
            let cycle = self.cycle(binary, number)?;
            let after = self.ledger.judge();
            println!(
                "   {:>5}  ready {:>9}  killed after {:>4} ms  sent {:>5}  promised {:>5}  arrived {:>5}  again {:>3}",
                done + number,
                cycle.ready.map_or_else(|| "killed".into(), |ready| format!("{} ms", ready.as_millis())),
                cycle.loaded.as_millis(),
                self.ledger.sent() - sent_before,
                after.promised - before.promised,
                after.arrived - before.arrived,
                after.duplicates_at_a_kill - before.duplicates_at_a_kill
            );
        }
        self.settle(binary)
    }

    /// One life of the gateway. Most are killed under load, some while they start.
    fn cycle(&self, binary: &Path, number: u64) -> Result<Cycle> {
        let chance = scatter(self.seed.wrapping_add(number));
        self.ledger.next_life();
        let mut gateway = self.site.spawn(binary)?;
        let early = number > 1 && chance.is_multiple_of(6);
        if early {
            let loaded = Duration::from_millis(scatter(chance) % 60);
            thread::sleep(loaded);
            gateway.kill()?;
            self.wait_for_silence();
            return Ok(Cycle { ready: None, loaded });
        }
        gateway.wait_ready(&self.site)?;
        let ready = gateway.start;
        let loaded = Duration::from_millis(100 + scatter(chance) % 1100);
        let counters = Counters::default();
        thread::scope(|scope| {
            let mut lines = load::start(scope, &self.site, &self.ledger, &counters);
            lines.push(scope.spawn(|| self.network.submit(self.site.sip, &self.ledger, &counters)));
            thread::sleep(loaded);
            let killed = gateway.kill();
            counters.stop.store(true, Ordering::Relaxed);
            for line in lines {
                line.join().map_err(|_| anyhow::anyhow!("the load side panicked"))??;
            }
            killed
        })?;
        self.wait_for_silence();
        Ok(Cycle { ready: Some(ready), loaded })
    }

    /// Octets of the killed gateway may still lie in the sink's sockets; they belong to the life that ended.
    fn wait_for_silence(&self) {
        let end = Instant::now() + Duration::from_secs(10);
        while self.sink.counters.open.load(Ordering::Relaxed) > 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The last life is not killed: everything promised must arrive, every receipt must be heard, every bill be there.
    fn settle(&self, binary: &Path) -> Result<()> {
        self.ledger.next_life();
        let gateway = self.site.start(binary)?;
        let listening = AtomicBool::new(true);
        thread::scope(|scope| {
            let listener = scope.spawn(|| load::listen(&self.site, &self.ledger, &listening));
            let network = scope.spawn(|| self.network.listen(&self.ledger, &listening));
            let end = Instant::now() + SETTLED;
            while self.ledger.open() != (0, 0) && Instant::now() < end && !listener.is_finished() {
                thread::sleep(Duration::from_millis(20));
            }
            listening.store(false, Ordering::Relaxed);
            network.join().map_err(|_| anyhow::anyhow!("the network panicked"))??;
            listener.join().map_err(|_| anyhow::anyhow!("the listener panicked"))?
        })?;
        self.read_bills()?;
        gateway.stop()?;
        let verified = self.site.verify(binary);
        print(&self.ledger.judge(), self.ledger.sent());
        match &verified {
            Ok(said) => print!("{said}"),
            Err(error) => println!("{error}"),
        }
        judge(&self.ledger.judge())?;
        verified.map(drop)
    }

    /// Reads every usage record, page by page.
    fn read_bills(&self) -> Result<()> {
        self.ledger.forget_bills();
        let mut http = Http::connect(self.site.management, KEY)?;
        let mut path = "/v1/usage?limit=1000".to_owned();
        loop {
            let answer = http.get(&path)?;
            ensure!(answer.status == 200, "GET {path} was answered with {}", answer.status);
            let page = answer.json()?;
            let records = page["records"].as_array().context("a page of usage has no records")?;
            for record in records.iter().filter(|record| record["event"] == "submit") {
                let to = record["to"].as_str().context("a usage record has no recipient")?;
                self.ledger.bill(
                    key_of(to.as_bytes())
                        .with_context(|| format!("a usage record for {to}, whom nobody wrote to"))?,
                );
            }
            if records.is_empty() {
                return Ok(());
            }
            path = format!(
                "/v1/usage?limit=1000&after={}",
                page["next"].as_str().context("a page of usage has no next")?
            );
        }
    }
}

fn print(verdict: &Verdict, sent: u64) {
    println!("   sent {sent}, promised {}, arrived {}", verdict.promised, verdict.arrived);
    println!("   lost                             {}", verdict.lost.len());
    println!("   billed twice                     {}", verdict.billed_twice.len());
    println!("   not billed                       {}", verdict.unbilled.len());
    println!("   twice without a lost answer      {}", verdict.duplicates_without_reason.len());
    println!("   twice, answer lost at a kill     {}", verdict.duplicates_at_a_kill);
    println!("   without receipt                  {}", verdict.without_receipt.len());
    println!("   receipts repeated after a kill   {}", verdict.receipts_repeated);
    println!("   not as it was sent               {}", verdict.strange.len());
}

fn judge(verdict: &Verdict) -> Result<()> {
    let findings = [
        ("lost", &verdict.lost),
        ("billed twice", &verdict.billed_twice),
        ("not billed", &verdict.unbilled),
        ("twice at the sink without a lost answer", &verdict.duplicates_without_reason),
        ("without receipt", &verdict.without_receipt),
    ];
    for (what, keys) in findings {
        ensure!(keys.is_empty(), "{} messages {what}, the first to 8210{:08}", keys.len(), keys[0]);
    }
    ensure!(verdict.strange.is_empty(), "{}", verdict.strange.join("\n"));
    ensure!(verdict.promised > 0, "nothing was promised, so nothing was tested");
    Ok(())
}
