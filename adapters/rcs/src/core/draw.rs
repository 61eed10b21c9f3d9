//! Values that nobody guesses, drawn from one secret that came in at the start.

use sip_transaction::hash::{Hasher, Seed};
use smol_str::SmolStr;

#[derive(Debug)]
pub(crate) struct Draw {
    seed: Seed,
    drawn: u64,
}

impl Draw {
    pub(crate) const fn new(seed: Seed) -> Self {
        Self { seed, drawn: 0 }
    }

    pub(crate) fn next(&mut self) -> u128 {
        self.drawn += 1;
        let mut hasher = Hasher::new(self.seed);
        hasher.part(b"draw");
        hasher.word(self.drawn);
        hasher.finish()
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.next() as u64
    }

    /// For a tag: sixteen characters.
    pub(crate) fn text(&mut self) -> SmolStr {
        smol_str::format_smolstr!("{:016x}", self.word())
    }
}
