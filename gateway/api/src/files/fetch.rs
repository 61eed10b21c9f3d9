//! `GET` of files: whole or in part, by whoever knows their name.

use std::{io, sync::Arc};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::{
    FileEvent, Files, Refused, Served, answer, blocking,
    card::Card,
    id::{FileId, ShortId},
    name,
    range::{Wanted, wanted},
};
use crate::{Problem, query::Segment};

/// Octets read from the disk at once.
const CHUNK_OCTETS: usize = 64 << 10;

pub(super) async fn file(Served(files): Served, Segment(id): Segment, headers: HeaderMap) -> Response {
    let answer = by_id(&files, &id, Content::File, &headers).await;
    files.answered(answer)
}

pub(super) async fn thumbnail(Served(files): Served, Segment(id): Segment, headers: HeaderMap) -> Response {
    let answer = by_id(&files, &id, Content::Thumbnail, &headers).await;
    files.answered(answer)
}

pub(super) async fn link(Served(files): Served, Segment(short): Segment, headers: HeaderMap) -> Response {
    let answer = async {
        let short = ShortId::parse(&short).ok_or_else(answer::unknown)?;
        let card = card_of(&files, short).await?;
        send(&files, short, &card, Content::File, &headers).await
    };
    let answer = answer.await;
    files.answered(answer)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    File,
    Thumbnail,
}

async fn by_id(
    files: &Arc<Files>,
    id: &str,
    what: Content,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let id = FileId::parse(id).ok_or_else(answer::unknown)?;
    let card = card_of(files, id.short()).await?;
    if !card.is_named(&id) {
        return Err(answer::unknown().into());
    }
    send(files, id.short(), &card, what, headers).await
}

/// The card of a file that is complete and still kept.
async fn card_of(files: &Files, short: ShortId) -> Result<Card, Refused> {
    let shelf = files.shelf.clone();
    let card = blocking(move || shelf.card(&short)).await?;
    let card = card.filter(|card| card.size.is_some()).ok_or_else(answer::unknown)?;
    if card.is_over(files.now()) { Err(answer::expired().into()) } else { Ok(card) }
}

async fn send(
    files: &Arc<Files>,
    short: ShortId,
    card: &Card,
    what: Content,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let (path, size, content_type, part) = match (what, &card.thumbnail) {
        (Content::File, _) => {
            (files.shelf.data(&short), card.size.unwrap_or_default(), &card.content_type, "file")
        }
        (Content::Thumbnail, Some(thumbnail)) => {
            (files.shelf.thumbnail(&short), thumbnail.size, &thumbnail.content_type, "thumbnail")
        }
        (Content::Thumbnail, None) => return Err(answer::unknown().into()),
    };
    let etag = card.etag(part);
    let mut response = Response::new(Body::empty());
    describe(response.headers_mut(), card, what, content_type, &etag);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| names(known, &etag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let (status, first, last) = match wanted(headers, size, &etag) {
        Wanted::Whole => (StatusCode::OK, 0, size.saturating_sub(1)),
        Wanted::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first, last),
        Wanted::Nothing => return Err(no_such_range(size).into()),
    };
    let octets = if size == 0 { 0 } else { last - first + 1 };
    let body = content(files.clone(), &path, size, first, octets).await?;
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_LENGTH, HeaderValue::from(octets));
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = HeaderValue::try_from(format!("bytes {first}-{last}/{size}"))
    {
        fields.insert(header::CONTENT_RANGE, range);
    }
    *response.body_mut() = body;
    files.observe(FileEvent::Fetched(status == StatusCode::PARTIAL_CONTENT));
    Ok(response)
}

/// A browser must not take a file of a stranger for a page of ours.
fn describe(fields: &mut HeaderMap, card: &Card, what: Content, content_type: &str, etag: &str) {
    let unknown = || HeaderValue::from_static(super::media::UNKNOWN);
    fields.insert(header::CONTENT_TYPE, HeaderValue::try_from(content_type).unwrap_or_else(|_| unknown()));
    let name = if what == Content::File { card.name.as_str() } else { "thumbnail" };
    fields.insert(header::CONTENT_DISPOSITION, name::attachment(name));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        fields.insert(header::ETAG, etag);
    }
    for (name, value) in [
        (header::ACCEPT_RANGES, "bytes"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "private, max-age=3600"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
}

fn names(known: &HeaderValue, etag: &str) -> bool {
    let Ok(known) = known.to_str() else { return false };
    known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == etag)
}

fn no_such_range(size: u64) -> Problem {
    let problem = Problem::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "no_such_range",
        "the file has nothing in this range",
    );
    match format!("bytes */{size}").try_into() {
        Ok(range) => problem.header(header::CONTENT_RANGE, range),
        Err(_) => problem,
    }
}

/// So many octets from `first` on, read as the connection takes them.
async fn content(
    files: Arc<Files>,
    path: &std::path::Path,
    size: u64,
    first: u64,
    octets: u64,
) -> Result<Body, Refused> {
    let mut file = tokio::fs::File::open(path).await?;
    // A file of another length is not the one that was stored.
    if file.metadata().await?.len() != size {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    file.seek(io::SeekFrom::Start(first)).await?;
    file.set_max_buf_size(CHUNK_OCTETS);
    let chunks = stream::try_unfold((file, octets), move |(mut file, left)| {
        let files = files.clone();
        async move {
            if left == 0 {
                return Ok::<_, io::Error>(None);
            }
            let wanted = usize::try_from(left).unwrap_or(CHUNK_OCTETS).min(CHUNK_OCTETS);
            let mut chunk = vec![0; wanted];
            let read = file.read(&mut chunk).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            chunk.truncate(read);
            files.observe(FileEvent::Sent(read as u64));
            Ok(Some((Bytes::from(chunk), (file, left - read as u64))))
        }
    });
    Ok(Body::from_stream(chunks))
}
