//! `gateway sim`: replay simulated worlds.

use std::process::ExitCode;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// Replays this one world and tells what happened in it.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Runs a range of worlds: `0..10000`.
    #[arg(long, value_name = "A..B", default_value = "0..1000")]
    seeds: String,
}

impl Sim {
    #[expect(clippy::print_stdout, clippy::print_stderr, reason = "the answer of the command")]
    pub(crate) fn run(&self) -> ExitCode {
        if let Some(seed) = self.seed {
            let (story, result) = sim::tell(seed);
            println!("{story}");
            return match result {
                Ok(summary) => {
                    println!("{summary}");
                    ExitCode::SUCCESS
                }
                Err(violation) => {
                    eprintln!("{violation}");
                    ExitCode::from(super::verify::EXIT_MISMATCH)
                }
            };
        }
        let range = self
            .seeds
            .split_once("..")
            .and_then(|(a, b)| Some(a.trim().parse::<u64>().ok()?..b.trim().parse::<u64>().ok()?));
        let Some(range) = range else {
            eprintln!("--seeds takes a range such as 0..10000");
            return ExitCode::from(2);
        };
        let total = range.end.saturating_sub(range.start);
        let result = sim::run_many(range, |done| {
            if done % 1_000 == 0 {
                eprintln!("{done} of {total} worlds");
            }
        });
        match result {
            Ok(summary) => {
                println!("{summary}\nevery invariant holds in each of {total} worlds");
                ExitCode::SUCCESS
            }
            Err(violation) => {
                eprintln!("{violation}");
                ExitCode::from(super::verify::EXIT_MISMATCH)
            }
        }
    }
}
