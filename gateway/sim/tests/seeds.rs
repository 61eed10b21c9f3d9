//! Thousands of worlds with faults; every invariant holds in each.

use std::sync::atomic::{AtomicU64, Ordering};

use sim::Totals;

const SEEDS: u64 = 10_000;

#[test]
fn ten_thousand_seeds_keep_every_promise() {
    let next = AtomicU64::new(0);
    let work = || {
        let mut totals = Totals::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= SEEDS {
                return totals;
            }
            match sim::run(seed) {
                Ok(summary) => totals.add(&summary),
                Err(violation) => panic!("{violation}"),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut runs = 0;
        for worker in workers {
            let totals = worker.join().expect("every seed holds");
            eprintln!("{totals}");
            runs += totals.runs;
            // What never happens proves nothing.
            assert!(totals.rerouted > 100 && totals.late > 100 && totals.taken_back > 100, "{totals}");
            assert!(totals.displayed > 100, "{totals}");
        }
        assert_eq!(runs, SEEDS);
    });
}

/// Each of these has found something that the first ten thousand do not.
const FOUND: [u64; 5] = [
    // A queue was stuck behind a message that had gone on to another leg, or was about to.
    1_063_714, 2_168_423, 3_828_231,
    // Something overtook a message that was being cancelled, and a crash brought that back.
    1_179_201, // Whoever came while the channel was down got what had waited for them last.
    3_631_208,
];

#[test]
fn seeds_that_have_found_something_hold() {
    for seed in FOUND {
        if let Err(violation) = sim::run(seed) {
            panic!("{violation}");
        }
    }
}
