//! `gateway explain`: the life of one message, from the journal.

use std::{collections::HashMap, process::ExitCode};

use config::Sources;
use miette::{IntoDiagnostic, miette};
use model::{ChannelId, MessageId};
use store::OpenMode;

use crate::wiring::open_store;

pub(crate) fn explain(sources: &Sources, message: &str) -> ExitCode {
    let loaded = match super::load(sources) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    super::block_on(tell(loaded.config, message))
}

#[expect(clippy::print_stdout, reason = "the answer of the command")]
async fn tell(config: config::Config, message: &str) -> miette::Result<ExitCode> {
    let id: MessageId = message.parse().into_diagnostic()?;
    let store = open_store(&config, OpenMode::Read).await?;
    let names: HashMap<ChannelId, String> = store
        .channels()
        .await
        .into_diagnostic()?
        .into_iter()
        .map(|channel| (channel.id, channel.name.to_string()))
        .collect();
    let entries = store.history(id).await.into_diagnostic()?.ok_or_else(|| {
        miette!("no message {id} was accepted here; search by number with GET /v1/messages?number=…")
    })?;
    let name =
        |channel: ChannelId| names.get(&channel).cloned().unwrap_or_else(|| format!("channel-{}", channel.0));
    print!("{}", engine::ladder(id, &entries, &name));
    Ok(ExitCode::SUCCESS)
}
