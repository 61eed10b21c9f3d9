//! A broken promise, and how to see it again.

use std::fmt;

use model::Duration;

/// Which promise (the gateway's invariants; those without a number are rules that follow from them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Invariant {
    /// I1: a positive answer only after the commit.
    AnswerAfterCommit,
    /// I2: accepted = final + open, and one final state for each.
    OneEnd,
    /// I3: usage is what the journal implies, each record once.
    UsageOnce,
    /// I4: dispositions only move forward.
    Forward,
    /// I5: another channel only after certain failure.
    CertainFallback,
    /// I6: a lost answer is visible, and what may be a repetition says so.
    LostIsVisible,
    /// I7: order per sender, recipient and channel.
    Order,
    /// What the journal says happened did happen outside.
    Truth,
    /// Nothing leaves before its commit, after its validity, or where a rule forbids it.
    HandOver,
    /// One answer for each request, the same message for the same key.
    Answers,
    /// Nothing is left in memory, and nothing held in the store, when all is over.
    NothingLeft,
    /// Batches keep the contract with the store.
    Contract,
}

impl Invariant {
    /// Its number and its words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnswerAfterCommit => "I1 (a positive answer only after the commit)",
            Self::OneEnd => "I2 (exactly one final state)",
            Self::UsageOnce => "I3 (usage exactly once)",
            Self::Forward => "I4 (dispositions move forward)",
            Self::CertainFallback => "I5 (another channel only after certain failure)",
            Self::LostIsVisible => "I6 (a lost answer is visible)",
            Self::Order => "I7 (order per sender, recipient and channel)",
            Self::Truth => "truth (what is recorded did happen)",
            Self::HandOver => "hand-over (committed, valid, permitted)",
            Self::Answers => "answers (one for each request)",
            Self::NothingLeft => "nothing left when all is over",
            Self::Contract => "contract between engine and store",
        }
    }
}

/// A run that broke a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub seed: u64,
    pub invariant: Invariant,
    /// Since the world began.
    pub at: Duration,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, invariant, at, what } = self;
        writeln!(f, "seed {seed}")?;
        writeln!(f, "t+{}.{:06} {}: {what}", at.as_secs(), at.subsec_micros(), invariant.as_str())?;
        write!(f, "replay with: gateway sim --seed {seed}")
    }
}

impl std::error::Error for Violation {}

/// What a check found, before it is known in which run.
pub(crate) type Found = (Invariant, String);

/// Fails a check with its reason.
pub(crate) fn ensure(holds: bool, invariant: Invariant, what: impl FnOnce() -> String) -> Result<(), Found> {
    if holds { Ok(()) } else { Err((invariant, what())) }
}
