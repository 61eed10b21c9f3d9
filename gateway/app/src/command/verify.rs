//! `gateway verify`: R1 to R3 and R5 of the charging sheet §16, recomputed from the journal.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use config::Sources;
use miette::IntoDiagnostic;
use store::{OpenMode, Rating, verify::Report};

use crate::wiring::open_store;

/// Something does not add up.
pub(crate) const EXIT_MISMATCH: u8 = 3;

pub(crate) fn verify(sources: &Sources, json: bool) -> ExitCode {
    let loaded = match super::load(sources) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    super::block_on(prove(loaded.config, json))
}

#[expect(clippy::print_stdout, reason = "the answer of the command")]
async fn prove(config: config::Config, json: bool) -> miette::Result<ExitCode> {
    let store = open_store(&config, OpenMode::Read).await?;
    let terminal = std::io::stderr().is_terminal();
    let report = store::verify::verify(&*store, move |done, total| {
        if terminal {
            // Progress is a courtesy; a closed terminal is no reason to stop.
            let _shown = write!(std::io::stderr(), "\r{done} of {total} batches ");
        }
    })
    .await
    .into_diagnostic()?;
    if terminal {
        let _shown = writeln!(std::io::stderr());
    }
    println!("{}", if json { as_json(&report) } else { as_table(&report) });
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_MISMATCH) })
}

pub(crate) fn as_table(report: &Report) -> String {
    let balanced = report.accepted == report.finals + report.open;
    let rated: u64 = report.ratings.iter().sum();
    let mut out = format!(
        "R1  accepted {} = final {} + open {}   {}\n",
        report.accepted,
        report.finals,
        report.open,
        mark(balanced)
    );
    out += &format!(
        "R2  billable events in the journal {} = usage records {}   {}\n",
        report.usage_implied,
        report.usage_rows,
        mark(report.usage_implied == report.usage_rows)
    );
    out += &format!(
        "R3  usage records {} = rated {} + zero-rated {} + waiting for a tariff {} + not chargeable {}   {}\n",
        report.usage_rows,
        report.ratings[Rating::Rated as usize],
        report.ratings[Rating::ZeroRated as usize],
        report.ratings[Rating::Suspended as usize],
        report.ratings[Rating::NotChargeable as usize],
        mark(rated == report.usage_rows)
    );
    for fault in &report.faults {
        out += &format!("    {fault:?}\n");
    }
    out + if report.is_clean() {
        "clean"
    } else {
        "NOT CLEAN: stop exporting usage and look at the lines above"
    }
}

const fn mark(good: bool) -> &'static str {
    if good { "ok" } else { "MISMATCH" }
}

fn as_json(report: &Report) -> String {
    serde_json::json!({
        "clean": report.is_clean(),
        "batches": report.batches,
        "accepted": report.accepted,
        "final": report.finals,
        "open": report.open,
        "usage_implied": report.usage_implied,
        "usage_rows": report.usage_rows,
        "last_sequence": report.last_sequence,
        "faults": report.fault_count,
        "first_faults": report.faults.iter().map(|fault| format!("{fault:?}")).collect::<Vec<_>>(),
    })
    .to_string()
}
