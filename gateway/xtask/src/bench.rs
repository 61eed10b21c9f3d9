//! Measurements, printed as tables for the README.

mod measure;
mod restart;
mod sip;
mod smpp;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

/// How long each measurement runs.
#[derive(Clone, Copy)]
pub(crate) struct Period {
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

impl Period {
    fn of(seconds: u64) -> Self {
        Self { warm_up: Duration::from_secs(2), measured: Duration::from_secs(seconds) }
    }
}

pub(crate) fn run(words: &[String]) -> Result<()> {
    let mut seconds = 10;
    let mut messages = 1_000_000;
    let mut only = None;
    let mut binary = None;
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| anyhow::anyhow!("{word} needs a value"));
        match word.as_str() {
            "--seconds" => seconds = value()?.parse()?,
            "--messages" => messages = value()?.parse()?,
            "--binary" => binary = Some(PathBuf::from(value()?)),
            "--only" => only = Some(value()?.clone()),
            _ => bail!("bench does not know {word}"),
        }
    }
    match words.first().map(String::as_str) {
        Some("smpp") => smpp::run(Period::of(seconds), only.as_deref(), binary),
        Some("sip") => sip::run(Period::of(seconds), only.as_deref(), binary),
        Some("restart") => restart::run(messages, binary),
        _ => bail!(
            "bench what?\n  smpp     [--seconds 10] [--only load|kannel|gateway]  SMPP to SMPP, with Kannel in the same run\n  \
             sip      [--seconds 10] [--only load|kamailio|gateway]  SIP to SMPP, with Kamailio in the same run\n  \
             restart  [--messages 1000000]                         restart with open messages, memory of each"
        ),
    }
}
