//! The carrier in a box: a seeded world around the real engine.
//!
//! Because the engine takes time and randomness as values, a whole life of a gateway (its store, SMSCs,
//! ESMEs, messengers, phones, and everything that goes wrong between them) runs in a millisecond on a
//! virtual clock, and every run is a function of one number. After each run the invariants of the gateway
//! are checked against a book that is kept beside it. Start at [`world::World`].

mod agenda;
mod book;
mod carrier;
mod exchange;
mod gateway;
mod handset;
mod judge;
pub mod ladders;
mod links;
mod people;
mod policy;
mod random;
mod scenario;
mod store;
mod story;
mod texts;
mod violation;
mod world;

use std::{collections::BTreeMap, fmt, ops::Range};

use model::{Disposition, Duration};

pub use scenario::{Faults, Scenario};
pub use violation::{Invariant, Violation};
pub use world::World;

/// Runs the world of one seed and checks it.
///
/// # Errors
/// The first broken promise.
pub fn run(seed: u64) -> Result<Summary, Violation> {
    World::new(seed, Scenario::of(seed)).run()
}

/// Runs the world of one seed and tells what happened, whether it held or not.
pub fn tell(seed: u64) -> (String, Result<Summary, Violation>) {
    let mut world = World::new(seed, Scenario::of(seed)).told();
    let result = world.run();
    (world.ladder(), result)
}

/// Runs many seeds, up to the first that breaks a promise. `progress` hears how many are done.
///
/// # Errors
/// The first broken promise.
pub fn run_many(seeds: Range<u64>, mut progress: impl FnMut(u64)) -> Result<Totals, Violation> {
    let mut totals = Totals::default();
    for seed in seeds {
        totals.add(&run(seed)?);
        progress(totals.runs);
    }
    Ok(totals)
}

/// Ways to break the world on purpose, each of which a check must notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sabotage {
    /// Answers leave when the commit begins.
    AnswerBeforeCommit,
    /// The store loses the usage records of a batch.
    UsageForgotten,
    /// The store loses the facts of a batch.
    FactsForgotten,
    /// The last entry of every batch is missing after a restart.
    JournalTorn,
    /// A lost answer is reported as "never sent".
    LossHidden,
    /// Positive answers of the other side never get to the engine.
    OutcomeSwallowed,
    /// Channels send what they are given last to first.
    OrderReversed,
    /// SMSCs report the delivery of what no phone got.
    ReceiptInvented,
    /// The RCS network says that it has taken a message back, and delivers it all the same.
    RevocationFeigned,
    /// Nobody tells the gateway that somebody has come.
    PresenceUnheard,
}

impl Sabotage {
    pub const ALL: [Self; 10] = [
        Self::AnswerBeforeCommit,
        Self::UsageForgotten,
        Self::FactsForgotten,
        Self::JournalTorn,
        Self::LossHidden,
        Self::OutcomeSwallowed,
        Self::OrderReversed,
        Self::ReceiptInvented,
        Self::RevocationFeigned,
        Self::PresenceUnheard,
    ];
}

/// What came of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub seed: u64,
    /// Virtual time.
    pub lasted: Duration,
    pub accepted: u64,
    pub ends: BTreeMap<Disposition, u64>,
    pub usage: u64,
    pub batches: u64,
    pub hand_overs: u64,
    pub answers_lost: u64,
    pub rerouted: u64,
    /// Receipts that came when they changed nothing any more.
    pub late: u64,
    pub taken_back: u64,
    /// Messages of which the gateway heard that they were seen.
    pub displayed: u64,
    pub crashes: u32,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends: Vec<String> =
            self.ends.iter().map(|(end, count)| format!("{count} {}", end.as_str())).collect();
        write!(
            f,
            "seed {}: {} s; {} accepted ({}); {} usage records; {} batches; {} hand-overs, {} answers lost, \
             {} rerouted, {} taken back, {} late receipts, {} displayed; {} crashes",
            self.seed,
            self.lasted.as_secs(),
            self.accepted,
            ends.join(", "),
            self.usage,
            self.batches,
            self.hand_overs,
            self.answers_lost,
            self.rerouted,
            self.taken_back,
            self.late,
            self.displayed,
            self.crashes
        )
    }
}

/// What came of many runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    pub runs: u64,
    pub accepted: u64,
    pub ends: BTreeMap<Disposition, u64>,
    pub usage: u64,
    pub hand_overs: u64,
    pub answers_lost: u64,
    pub rerouted: u64,
    pub late: u64,
    pub taken_back: u64,
    pub displayed: u64,
    pub crashes: u64,
}

impl Totals {
    /// Adds a run.
    pub fn add(&mut self, run: &Summary) {
        self.runs += 1;
        self.accepted += run.accepted;
        for (end, count) in &run.ends {
            *self.ends.entry(*end).or_default() += count;
        }
        self.usage += run.usage;
        self.hand_overs += run.hand_overs;
        self.answers_lost += run.answers_lost;
        self.rerouted += run.rerouted;
        self.late += run.late;
        self.taken_back += run.taken_back;
        self.displayed += run.displayed;
        self.crashes += u64::from(run.crashes);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends: Vec<String> =
            self.ends.iter().map(|(end, count)| format!("{count} {}", end.as_str())).collect();
        write!(
            f,
            "{} runs; {} accepted ({}); {} usage records; {} hand-overs, {} answers lost, {} rerouted, \
             {} taken back, {} late receipts, {} displayed; {} crashes",
            self.runs,
            self.accepted,
            ends.join(", "),
            self.usage,
            self.hand_overs,
            self.answers_lost,
            self.rerouted,
            self.taken_back,
            self.late,
            self.displayed,
            self.crashes
        )
    }
}
