//! Where messages stand that ended long ago: read from the journal.

use std::sync::Arc;

use engine::journal::{Entry, Event};
use kit::Lookup;
use model::{ChannelId, Disposition, MessageId, Standing};
use store::Store;

pub(crate) struct Journal(pub(crate) Arc<dyn Store>);

impl Lookup for Journal {
    fn standing(&self, origin: ChannelId, message: MessageId) -> kit::Standing<'_> {
        Box::pin(async move {
            let entries = match self.0.history(message).await {
                Ok(entries) => entries?,
                Err(error) => {
                    tracing::warn!(%error, "a message could not be looked up");
                    return None;
                }
            };
            standing(origin, message, &entries)
        })
    }
}

fn standing(origin: ChannelId, message: MessageId, entries: &[Entry]) -> Option<Standing> {
    let mine = entries.iter().any(
        |entry| matches!(&entry.event, Event::Accepted(accepted) if accepted.submission.origin == origin),
    );
    if !mine {
        return None;
    }
    let ended = entries.iter().rev().find_map(|entry| match entry.event {
        Event::Final { disposition, cause, .. } => {
            Some(Standing { message, disposition, cause, changed_at: entry.at })
        }
        _ => None,
    });
    let open = || Standing {
        message,
        disposition: Disposition::Accepted,
        cause: None,
        changed_at: message.accepted_at(),
    };
    Some(ended.unwrap_or_else(open))
}
