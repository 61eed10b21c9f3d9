//! What is said about a file: the documents of GSMA RCC.07, and refusals.

use std::io;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use model::Cause;
use sip_rcs::{
    Private,
    file::{FileInfo, FileTransfer, ResumeInfo},
};

use super::{card::Card, feed::Broken, id::FileId};
use crate::Problem;

/// Also what a message carries that speaks of a file.
const FILE_XML: &str = "application/vnd.gsma.rcs-ft-http+xml";
const RESUME_XML: &str = "application/xml";

/// Where files are found.
pub(super) struct Urls<'a>(pub(super) &'a str);

impl Urls<'_> {
    pub(super) fn file(&self, id: &FileId) -> String {
        format!("{}/files/d/{}", self.0, id.as_str())
    }

    pub(super) fn thumbnail(&self, id: &FileId) -> String {
        format!("{}/files/d/{}/t", self.0, id.as_str())
    }

    /// Where an interrupted upload goes on.
    pub(super) fn rest(&self, id: &FileId) -> String {
        format!("{}/files/u/{}", self.0, id.as_str())
    }

    /// For people, in a short message.
    pub(super) fn link(&self, id: &FileId) -> String {
        format!("{}/f/{}", self.0, id.short().as_str())
    }

    /// The file as devices tell each other of it.
    pub(super) fn transfer(&self, card: &Card, id: &FileId) -> Response {
        let of = |url: String, size: u64, content_type: &str| FileInfo {
            size: Some(size),
            content_type: content_type.to_owned(),
            url: Private(url),
            until_us: Some(card.until_us),
            ..FileInfo::default()
        };
        let file = FileInfo {
            name: Some(Private(card.name.clone())),
            branded_url: Some(Private(self.link(id))),
            ..of(self.file(id), card.size.unwrap_or_default(), &card.content_type)
        };
        let thumbnail = card.thumbnail.as_ref();
        let thumbnail = thumbnail.map(|it| of(self.thumbnail(id), it.size, &it.content_type));
        let mut xml = Vec::with_capacity(1_024);
        FileTransfer { file, thumbnail }.write(&mut xml);
        document(FILE_XML, xml)
    }

    /// How far an upload has come; there is at least one octet.
    pub(super) fn resume(&self, id: &FileId, stored: u64) -> Response {
        let mut xml = Vec::with_capacity(512);
        ResumeInfo { start: 0, end: stored.saturating_sub(1), url: Private(self.rest(id)) }.write(&mut xml);
        document(RESUME_XML, xml)
    }
}

fn document(content_type: &'static str, xml: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        // Names of files are in it.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, xml).into_response()
}

/// Why an upload ends early.
pub(super) enum Stop {
    /// What has arrived is kept for a second try.
    Broken(Broken),
    /// It is thrown away.
    Refused(Problem),
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Refused(disk(&error))
    }
}

impl From<Broken> for Problem {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Off => malformed("the body broke off").close(),
            Broken::Slow => Self::body_too_slow(),
            Broken::Superseded => {
                Self::new(StatusCode::CONFLICT, "superseded", "the upload goes on over another connection")
                    .close()
            }
        }
    }
}

/// What the disk says. Its own words may name paths, so they stay in the log.
pub(super) fn disk(error: &io::Error) -> Problem {
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return no_room();
    }
    tracing::error!(kind = ?error.kind(), "the folder of files failed");
    Problem::internal().close()
}

pub(super) fn malformed(detail: &'static str) -> Problem {
    Problem::of(Cause::Malformed).detail(detail)
}

pub(super) fn no_room() -> Problem {
    Problem::new(StatusCode::INSUFFICIENT_STORAGE, "no_room", "there is no room for the file").close()
}

pub(super) fn length_missing() -> Problem {
    Problem::new(StatusCode::LENGTH_REQUIRED, "length_missing", "the length of the body must be announced")
        .detail("room is kept for it before it is read: send Content-Length")
        .close()
}

pub(super) fn too_large(octets_max: u64) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "file_too_large", "the file is too large")
        .detail(format!("at most {octets_max} octets are taken"))
        .close()
}

pub(super) const fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no_such_file", "there is no such file")
}

pub(super) const fn expired() -> Problem {
    Problem::new(StatusCode::GONE, "file_expired", "the file is no longer kept")
}

pub(super) fn busy() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_uploads", "too many uploads are under way")
        .retry_after(10)
        .close()
}
