//! Interrupted uploads: how far they have come, and the rest of them (RCS sheet §11.1 step 4).

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use http::{StatusCode, header, request};

use super::{
    FileEvent, Files, Refused, Served, announced,
    answer::{self, Stop},
    blocking,
    card::{Card, Owner},
    draft::Draft,
    feed::Feed,
    id::FileId,
    name,
    range::{BadPiece, Piece},
    to_the_end,
};
use crate::{Problem, query::Segment};

pub(super) async fn info(Served(files): Served, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let answer = tell(&files, &head).await;
    files.answered(answer)
}

async fn tell(files: &Files, head: &request::Parts) -> Result<Response, Refused> {
    let owner = files.owner(head)?;
    let question = Question::of(head.uri.query().unwrap_or_default());
    let question = question
        .ok_or_else(|| answer::malformed("ask with tid and either get_upload_info or get_download_info"))?;
    let (shelf, transaction) = (files.shelf.clone(), owner.transaction(question.tid.trim_ascii().as_bytes()));
    let id = blocking(move || shelf.transaction(&transaction)).await?.ok_or_else(answer::unknown)?;
    // The connection of the upload is broken, or its device would not ask: what it brought is all there is.
    let _turn = files.turns.take(id.short().as_str()).await;
    let (card, stored) = card_of(files, &id, &owner).await?;
    match (question.wants, card.size) {
        (Wants::Upload, _) if stored == 0 => Err(answer::unknown().into()),
        (Wants::Upload, _) => Ok(files.urls().resume(&id, stored)),
        (Wants::Download, Some(_)) => Ok(files.urls().transfer(&card, &id)),
        (Wants::Download, None) => Err(answer::unknown().detail("the upload is not complete").into()),
    }
}

/// The card of a file of this owner, and how much of it there is. Those of others do not exist.
async fn card_of(files: &Files, id: &FileId, owner: &Owner) -> Result<(Card, u64), Problem> {
    let (shelf, short) = (files.shelf.clone(), id.short());
    let read = blocking(move || Ok((shelf.card(&short)?, shelf.stored(&short)))).await;
    let (card, stored) = read.map_err(|error| answer::disk(&error))?;
    let card = card.filter(|card| card.is_named(id) && card.owner == *owner).ok_or_else(answer::unknown)?;
    if card.is_over(files.now()) { Err(answer::expired()) } else { Ok((card, stored)) }
}

#[derive(Debug, PartialEq, Eq)]
struct Question {
    tid: String,
    wants: Wants,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Upload,
    Download,
}

impl Question {
    /// `tid=…&get_upload_info`, in any order.
    fn of(query: &str) -> Option<Self> {
        let (mut tid, mut wants) = (None, None);
        for part in query.split('&') {
            match part.split_once('=').unwrap_or((part, "")) {
                ("tid", value) => tid = Some(name::percent_decoded(value)),
                ("get_upload_info", _) => wants = Some(Wants::Upload),
                ("get_download_info", _) => wants = Some(Wants::Download),
                _ => {}
            }
        }
        Some(Self { tid: tid.filter(|tid| !tid.trim().is_empty())?, wants: wants? })
    }
}

pub(super) async fn put(Served(files): Served, Segment(id): Segment, request: Request) -> Response {
    let answer = go_on(files.clone(), &id, request).await;
    files.answered(answer)
}

async fn go_on(files: Arc<Files>, id: &str, request: Request) -> Result<Response, Refused> {
    let (head, body) = request.into_parts();
    let owner = files.owner(&head)?;
    files.is_open()?;
    let id = FileId::parse(id).ok_or_else(|| answer::unknown().close())?;
    let range = head.headers.get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let piece = Piece::parse(range.unwrap_or_default()).map_err(|bad| match bad {
        BadPiece::Malformed => answer::malformed("send Content-Range: bytes FIRST-LAST/TOTAL").close(),
        BadPiece::Impossible => no_such_range(None),
    })?;
    let octets = announced(&head.headers).ok_or_else(answer::length_missing)?;
    if octets != piece.octets() {
        return Err(answer::malformed("the body is not as long as its range").close().into());
    }
    let limits = files.limits.load_full();
    if piece.total > limits.octets_max {
        return Err(answer::too_large(limits.octets_max).into());
    }
    let (place, room) = files.admit(octets)?;
    let feed = Feed::new(body, octets, limits.stall_timeout);
    to_the_end(async move {
        let _place = place;
        let turn = files.turns.take(id.short().as_str()).await;
        let (mut card, stored) = card_of(&files, &id, &owner).await.map_err(Problem::close)?;
        if card.size.is_some() || piece.first > stored {
            return Err(no_such_range(Some(stored)).into());
        }
        if piece.first != stored {
            return Err(answer::malformed("the range does not join what has arrived").close().into());
        }
        // It has all the time of a new one.
        card.until_us = files.until(limits.unfinished_keep);
        let (shelf, renewed) = (files.shelf.clone(), card.clone());
        blocking(move || shelf.put_card(&renewed)).await?;
        files.observe(FileEvent::Resumed);
        let draft = Draft::go_on(files.clone(), (id, card), room, turn).await?;
        receive(&files, draft, feed, piece).await
    })
    .await
}

async fn receive(files: &Files, mut draft: Draft, mut feed: Feed, piece: Piece) -> Result<Response, Refused> {
    let stop = draft.stop();
    let end = loop {
        match feed.next(&stop).await {
            Ok(Some(octets)) => {
                if let Err(stop) = draft.write(&octets).await {
                    break stop;
                }
            }
            // The length that was announced has come.
            Ok(None) if draft.stored() == piece.total => {
                let (id, card) = draft.complete().await?;
                return Ok(files.urls().transfer(&card, &id));
            }
            Ok(None) => {
                let (id, stored) = draft.pause().await?;
                return Ok(files.urls().resume(&id, stored));
            }
            Err(broken) => break Stop::Broken(broken),
        }
    };
    Err(draft.leave(end).await.into())
}

/// 416, with what there is.
fn no_such_range(stored: Option<u64>) -> Problem {
    let problem = Problem::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "no_such_range",
        "the upload has no place for this range",
    )
    .close();
    let range = stored.and_then(|stored| format!("bytes */{stored}").try_into().ok());
    match range {
        Some(range) => problem.header(header::CONTENT_RANGE, range),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_in_any_order() {
        let asked = |query| Question::of(query).map(|question| (question.tid, question.wants));
        assert_eq!(asked("tid=a%2Db&get_upload_info"), Some(("a-b".to_owned(), Wants::Upload)));
        assert_eq!(asked("get_download_info=&tid=x&more=1"), Some(("x".to_owned(), Wants::Download)));
        for query in ["", "tid=x", "get_upload_info", "tid=&get_upload_info", "tid=%20&get_upload_info"] {
            assert_eq!(asked(query), None, "{query}");
        }
    }
}
