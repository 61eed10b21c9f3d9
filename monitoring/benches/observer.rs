//! What the observer costs per entry, logging off. `cargo bench -p monitoring`.

#[path = "../tests/suite/common.rs"]
#[expect(dead_code, reason = "tests use the rest")]
mod common;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use common::{Life, SMSC, gateway, upstream};
use engine::journal::{Batch, Event};
use model::{Disposition, MessageIds, ReceiptState, Timestamp};
use monitoring::Observer;

const ENTRIES: usize = 512;
const ROUNDS: u32 = 2_000;

/// The mix of steady traffic: of each message its acceptance, hand-over, receipt, end and report.
fn batch() -> Batch {
    let mut ids = MessageIds::default();
    let mut whole = Batch::default();
    while whole.entries.len() < ENTRIES {
        let mut life = Life::of(ids.next(Timestamp::from_secs(1_790_000_000)));
        life.then(Duration::from_millis(5), Event::Sent { channel: SMSC, parts: upstream(1) });
        life.then(
            Duration::from_secs(2),
            Event::Receipt { part: 0, state: ReceiptState::Delivered, code: None },
        );
        life.then(
            Duration::from_secs(2),
            Event::Final { disposition: Disposition::Delivered, cause: None, channel: None },
        );
        life.then(Duration::from_secs(2), Event::Reported { given_up: false, displayed: false });
        let one = life.batch();
        whole.entries.extend(one.entries);
        whole.usage.extend(one.usage);
        whole.at = one.at;
    }
    whole
}

#[expect(clippy::print_stdout, reason = "a measurement says its result")]
fn main() {
    let (registry, _) = gateway();
    let observer = Observer::new(registry.clone());
    let batch = batch();
    for round in 0..3 {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            observer.committed(black_box(&batch), Duration::from_millis(1));
        }
        let entries = f64::from(ROUNDS) * f64::from(u32::try_from(batch.entries.len()).unwrap_or(u32::MAX));
        println!("round {round}: {:.0} ns per entry", start.elapsed().as_secs_f64() * 1e9 / entries);
    }
    let start = Instant::now();
    let scraped = registry.render().len();
    println!("scrape of two channels: {scraped} octets in {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
}
