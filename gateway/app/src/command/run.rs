//! `gateway run`: serve until told to stop.

use std::process::ExitCode;

use config::Sources;
use miette::IntoDiagnostic;
use monitoring::{LogFormat, LogOutput, LogSettings, init_logging};
use tokio::signal::unix::{SignalKind, signal};

use crate::wiring::{self, Gateway};

pub(crate) fn run(sources: &Sources) -> ExitCode {
    let loaded = match super::load(sources) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    super::block_on(serve(sources, loaded.config))
}

async fn serve(sources: &Sources, config: config::Config) -> miette::Result<ExitCode> {
    let registry = wiring::registry()?;
    let format = match config.log.format {
        config::LogFormat::Json => LogFormat::Json,
        config::LogFormat::Text => LogFormat::Text,
    };
    let settings = LogSettings { filter: config.log.level.as_str(), format, output: LogOutput::Stderr };
    let _log = init_logging(&registry, settings).into_diagnostic()?;
    let simulated = config.channels.iter().any(|channel| channel.kind == config::ChannelKind::Loopback);
    let mut gateway = Gateway::start(config, registry).await?;
    for (what, addr) in gateway.listening() {
        tracing::info!(%addr, "{what} listens");
    }
    if simulated {
        tracing::warn!("a simulated carrier answers: nothing leaves this machine");
    }

    let mut terminate = signal(SignalKind::terminate()).into_diagnostic()?;
    let mut interrupt = signal(SignalKind::interrupt()).into_diagnostic()?;
    let mut hangup = signal(SignalKind::hangup()).into_diagnostic()?;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => reload(&mut gateway, sources).await,
            error = gateway.broken() => return Err(error),
        }
    }
    tracing::info!("draining");
    gateway.drain().await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// A configuration that cannot be used leaves the old one in place.
async fn reload(gateway: &mut Gateway, sources: &Sources) {
    match config::load(sources) {
        Ok(loaded) => {
            if let Err(error) = gateway.reload(loaded.config).await {
                tracing::error!(%error, "the configuration was not reloaded");
                gateway.not_reloaded();
            }
        }
        Err(report) => {
            gateway.not_reloaded();
            for problem in &report.problems {
                tracing::error!(problem = %problem.line(), "the new configuration cannot be used; the old one stays");
            }
        }
    }
}
