//! A file as the whole body of a call: from accounts and messengers, and from other parts of the gateway.

use std::sync::Arc;

use axum::body::Body;
use http::HeaderMap;
use model::Timestamp;

use super::{
    Files, announced,
    answer::{self, Stop},
    card::Owner,
    draft::{Beginning, Draft},
    feed::Feed,
    media, name,
};
use crate::Problem;

/// A file that can be fetched.
pub(crate) struct Stored {
    pub(crate) url: String,
    /// For people, in a short message.
    pub(crate) link: String,
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) size: u64,
    pub(crate) until: Timestamp,
}

/// Stores the body of a call of an account or a messenger.
pub(crate) async fn store(
    files: Arc<Files>,
    peer: &str,
    filename: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Stored, Problem> {
    files.is_open()?;
    let octets = announced(headers).ok_or_else(answer::length_missing)?;
    let written = headers.get(http::header::CONTENT_TYPE).map(|written| written.to_str().unwrap_or("?"));
    let limits = files.limits.load_full();
    let content_type =
        media::read(written).filter(|content_type| media::is_allowed(&limits.types, content_type));
    let content_type = content_type
        .ok_or_else(|| Problem::unsupported_media_type("files of this type are not taken").close())?;
    if octets == 0 {
        return Err(answer::malformed("the file is empty"));
    }
    if octets > limits.octets_max {
        return Err(answer::too_large(limits.octets_max));
    }
    let owner = Owner::peer(peer);
    files.count(&owner)?;
    let (place, room) = files.admit(octets)?;
    let from =
        Beginning { owner, transaction: None, name: name::clean(filename), content_type, thumbnail: None };
    let mut feed = Feed::new(body, octets, limits.stall_timeout);
    let received = tokio::spawn(async move {
        let _place = place;
        let mut draft = match Draft::begin(files.clone(), from, room).await {
            Ok(draft) => draft,
            Err(Stop::Refused(problem)) => return Err(problem),
            Err(Stop::Broken(broken)) => return Err(broken.into()),
        };
        let stop = draft.stop();
        loop {
            match feed.next(&stop).await {
                Ok(Some(octets)) => {
                    if let Err(stop) = draft.write(&octets).await {
                        return Err(draft.leave(stop).await);
                    }
                }
                Ok(None) => break,
                Err(broken) => return Err(draft.leave(broken.into()).await),
            }
        }
        let (id, card) = draft.complete().await?;
        let urls = files.urls();
        Ok(Stored {
            url: urls.file(&id),
            link: urls.link(&id),
            size: card.size.unwrap_or_default(),
            until: card.until(),
            name: card.name,
            content_type: card.content_type,
        })
    });
    received.await.unwrap_or_else(|_panicked| Err(Problem::internal().close()))
}
