//! Every chore, in Rust.
#![expect(clippy::print_stdout, reason = "chores talk to the person who started them")]

mod bench;
mod flood;
mod gateway;
mod histogram;
mod http;
mod kannel;
mod kill;
mod ledger;
mod line;
mod peers;
mod process;
mod relay;
mod shell;
mod sink;
mod sip;
mod test;
mod tidy;
mod tree;
mod wire;

use std::process::ExitCode;

use anyhow::{Result, bail};

struct Chore {
    name: &'static str,
    does: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const CHORES: &[Chore] = &[
    Chore {
        name: "test",
        does: "peers, tidy, kill and every test; further words go to the test runner",
        run: test::test,
    },
    Chore { name: "ci", does: "format and lints, then test", run: test::ci },
    Chore { name: "tidy", does: "checks what the compiler cannot: graph, purity, shape", run: tidy::run },
    Chore { name: "peers", does: "installs the foreign software that the tests talk to", run: peers::run },
    Chore {
        name: "kill",
        does: "kills the gateway under load, again and again [--cycles 30] [--seed N] [--binary PATH]",
        run: kill::run,
    },
    Chore { name: "bench", does: "measures: smpp, sip, restart", run: bench::run },
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match chore(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let reasons: Vec<_> = error.chain().map(ToString::to_string).collect();
            println!("xtask: {}", reasons.join(": "));
            ExitCode::FAILURE
        }
    }
}

fn chore(words: &[String]) -> Result<()> {
    let Some((name, rest)) = words.split_first() else {
        CHORES.iter().for_each(|chore| println!("cargo xtask {:7} {}", chore.name, chore.does));
        return Ok(());
    };
    match CHORES.iter().find(|chore| chore.name == name) {
        Some(chore) => (chore.run)(rest),
        None => bail!("there is no chore `{name}`; `cargo xtask` lists them"),
    }
}
