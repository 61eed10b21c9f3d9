//! The one binary: a carrier messaging gateway and the commands that run, check and prove it.

mod command;
mod demo;
mod devices;
mod directory;
mod figures;
mod handset;
mod lookup;
mod loopback;
mod policy;
mod shelf;

mod runtime;
mod settings;
mod smsc;
mod texts;
mod upkeep;
mod watch;
mod wiring;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Measured against the system allocator on the SMPP path; see the README.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A gateway between IP messengers and a carrier's SMS: stored and metered before it answers.
///
/// Without a command it runs; without a configuration it runs with everything on this machine, SQLite in ./data
/// and a simulated carrier.
#[derive(Debug, Parser)]
#[command(name = "gateway", version, about, after_help = EXIT_CODES)]
struct Cli {
    /// The configuration file; without one, the built-in defaults for first tries.
    #[arg(long, short, global = true, value_name = "FILE", env = "GATEWAY_CONFIG")]
    config: Option<PathBuf>,
    /// Sets one value, over the file and the environment: `smpp.listen=127.0.0.1:2776`.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 it failed, the message says what to do; 2 the command line is wrong; \
3 `verify` or `sim` found something that does not add up; 78 the configuration is wrong.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until SIGTERM or Ctrl-C; SIGHUP reloads the configuration. The default.
    Run,
    /// Shows the gateway at work: a simulated SMSC, handset and messenger over real loopback sockets.
    Demo(command::demo::Demo),
    /// An RCS phone in the terminal, for first tries: shows what it gets, and writes what is typed.
    Phone(command::phone::Phone),
    /// Reads the configuration and says what is wrong with it, with line and column.
    Check {
        /// Also prints the configuration as understood.
        #[arg(long)]
        show: bool,
    },
    /// Probes the surroundings: store, addresses, certificates, the SMSCs' ports.
    Doctor,
    /// Tells the life of one message.
    Explain {
        /// Its id, as the sender got it.
        message: String,
    },
    /// Proves that messages and usage records add up, on a running or a stopped store.
    Verify {
        /// One line of JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Replays simulated worlds: every fault, no sockets, a virtual clock.
    Sim(command::sim::Sim),
    /// Prints the JSON schema of the configuration.
    Schema,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Two providers may be linked in; ours is chosen before anybody asks.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("another TLS provider was installed first");
    }
    let sources = command::sources(cli.config.as_deref(), &cli.set);
    let command = cli.command.unwrap_or(Command::Run);
    match command {
        Command::Run => command::run::run(&sources),
        Command::Demo(demo) => demo.run(&sources),
        Command::Phone(phone) => phone.run(),
        Command::Check { show } => command::check::check(&sources, show),
        Command::Doctor => command::doctor::doctor(&sources),
        Command::Explain { message } => command::explain::explain(&sources, &message),
        Command::Verify { json } => command::verify::verify(&sources, json),
        Command::Sim(sim) => sim.run(),
        Command::Schema => command::check::schema(),
    }
}
