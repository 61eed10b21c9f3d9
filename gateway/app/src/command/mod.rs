//! The commands, one file each, and what they share.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod phone;
pub(crate) mod run;
pub(crate) mod sim;
pub(crate) mod verify;

use std::{path::Path, process::ExitCode};

use config::{EXIT_CONFIG, Loaded, Sources};

/// The file, the environment and the flags.
pub(crate) fn sources(file: Option<&Path>, set: &[String]) -> Sources {
    let sources = Sources::new().with_process_variables().with_flags(set.iter().cloned());
    match file {
        Some(file) => sources.with_file(file),
        None => sources,
    }
}

/// Loads, or tells what is wrong and how the process ends.
#[expect(clippy::print_stderr, reason = "errors of a command go to the terminal")]
pub(crate) fn load(sources: &Sources) -> Result<Loaded, ExitCode> {
    match config::load(sources) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                eprintln!("{:?}", miette::Report::new(warning.clone()));
            }
            Ok(loaded)
        }
        Err(report) => {
            eprintln!("{:?}", miette::Report::new(report));
            Err(ExitCode::from(EXIT_CONFIG))
        }
    }
}

/// Runs a future to its end and turns its error into text and an exit code.
#[expect(clippy::print_stderr, reason = "errors of a command go to the terminal")]
pub(crate) fn block_on(future: impl Future<Output = miette::Result<ExitCode>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the runtime could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(future) {
        Ok(code) => code,
        Err(report) => {
            eprintln!("{report:?}");
            ExitCode::FAILURE
        }
    }
}
