//! `gateway check` and `gateway schema`: the configuration before it is used.

use std::process::ExitCode;

use config::Sources;

#[expect(clippy::print_stdout, reason = "the answer of the command")]
pub(crate) fn check(sources: &Sources, show: bool) -> ExitCode {
    let loaded = match super::load(sources) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let config = &loaded.config;
    if show {
        println!("{}", serde_json::to_string_pretty(config).unwrap_or_default());
    }
    println!(
        "the configuration is good: {} accounts, {} channels, {} messengers, {} routes",
        config.accounts.len(),
        config.channels.len(),
        config.messengers.len(),
        config.routes.len()
    );
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "the answer of the command")]
pub(crate) fn schema() -> ExitCode {
    println!("{}", serde_json::to_string_pretty(&config::schema()).unwrap_or_default());
    ExitCode::SUCCESS
}
