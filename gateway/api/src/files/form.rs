//! `POST /files`: the two steps of an upload (RCS sheet §11.1).

use std::sync::Arc;

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

use super::{
    Files, Place, Refused, Room, Served, announced,
    answer::{self, Stop},
    card::{Card, Owner, Transaction},
    draft::{Beginning, Draft},
    feed::Feed,
    id::FileId,
    media, name,
    parts::{self, Event, Head, Parts},
    to_the_end,
};
use crate::Problem;

/// Octets of a form besides its file and its thumbnail.
const FORM_OCTETS_MAX: u64 = 64 << 10;
const TID_OCTETS_MAX: usize = 128;
/// Octets of parts that nobody knows.
const SKIPPED_OCTETS_MAX: usize = 16 << 10;

pub(super) async fn post(Served(files): Served, request: Request) -> Response {
    let answer = take(files.clone(), request).await;
    files.answered(answer)
}

async fn take(files: Arc<Files>, request: Request) -> Result<Response, Refused> {
    let (head, body) = request.into_parts();
    let owner = files.owner(&head)?;
    files.is_open()?;
    let octets = match announced(&head.headers) {
        Some(0) => return Ok(StatusCode::NO_CONTENT.into_response()),
        Some(octets) => octets,
        None if head.headers.contains_key(header::TRANSFER_ENCODING) => {
            return Err(answer::length_missing().into());
        }
        None => return Ok(StatusCode::NO_CONTENT.into_response()),
    };
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default();
    if !sip_rcs::mime::essence(content_type).eq_ignore_ascii_case("multipart/form-data") {
        return Err(Problem::unsupported_media_type("send a multipart/form-data").close().into());
    }
    let boundary = parts::boundary(content_type)
        .ok_or_else(|| answer::malformed("the form has no usable boundary").close())?;
    let limits = files.limits.load_full();
    if octets > limits.octets_max.saturating_add(limits.thumbnail_octets_max).saturating_add(FORM_OCTETS_MAX)
    {
        return Err(answer::too_large(limits.octets_max).into());
    }
    files.count(&owner)?;
    let (place, room) = files.admit(octets)?;
    let feed = Feed::new(body, octets, limits.stall_timeout);
    let form = Form {
        owner,
        place,
        room: Some(room),
        files,
        tid: None,
        thumbnail: None,
        field: Field::None,
        file: None,
    };
    to_the_end(form.receive(feed, Parts::new(boundary))).await
}

/// A form that is being received.
struct Form {
    files: Arc<Files>,
    owner: Owner,
    place: Place,
    /// Until the file begins.
    room: Option<Room>,
    tid: Option<Transaction>,
    thumbnail: Option<(String, Vec<u8>)>,
    field: Field,
    file: Option<Draft>,
}

/// The part that is being received.
enum Field {
    None,
    Tid(Vec<u8>),
    Thumbnail(String, Vec<u8>),
    File,
    Skipped(usize),
}

impl Form {
    async fn receive(mut self, mut feed: Feed, mut parts: Parts) -> Result<Response, Refused> {
        let read = self.read(&mut feed, &mut parts).await;
        let stored: Result<(FileId, Card), Problem> = match (read, self.file) {
            (Ok(()), Some(file)) if file.stored() > 0 => file.complete().await,
            (Ok(()), Some(file)) => Err(file.leave(answer::malformed("the file is empty").into()).await),
            (Ok(()), None) => Err(answer::malformed("the form has no part `File`")),
            (Err(stop), Some(file)) => Err(file.leave(stop).await),
            (Err(Stop::Refused(problem)), None) => Err(problem.close()),
            (Err(Stop::Broken(broken)), None) => Err(broken.into()),
        };
        drop(self.place);
        let (id, card) = stored?;
        Ok(self.files.urls().transfer(&card, &id))
    }

    async fn read(&mut self, feed: &mut Feed, parts: &mut Parts) -> Result<(), Stop> {
        let mut stop = tokio_util::sync::CancellationToken::new();
        let mut finished = false;
        loop {
            while let Some(event) = parts.next().map_err(|error| answer::malformed(error.text()).close())? {
                match event {
                    Event::Begin(head) => {
                        self.begin(head).await?;
                        if let Some(file) = &self.file {
                            stop = file.stop();
                        }
                    }
                    Event::Data(data) => self.data(&data).await?,
                    Event::End => self.end()?,
                    Event::Finished => finished = true,
                }
            }
            match feed.next(&stop).await {
                Ok(Some(octets)) => parts.push(&octets),
                // What follows the last boundary is ignored; it need not come either.
                Ok(None) | Err(_) if finished => return Ok(()),
                Ok(None) => return Err(answer::malformed("the form ends without its boundary").into()),
                Err(broken) => return Err(broken.into()),
            }
        }
    }

    async fn begin(&mut self, head: Head) -> Result<(), Stop> {
        let limits = self.files.limits.load_full();
        let in_order = |right: bool| {
            let wrong = "the parts are tid, Thumbnail and File, each once and in this order";
            if right { Ok(()) } else { Err(answer::malformed(wrong).close()) }
        };
        let content_type = media::read(head.content_type.as_deref())
            .ok_or_else(|| answer::malformed("a content type is none").close());
        match head.name.to_ascii_lowercase().as_str() {
            "tid" => {
                in_order(self.tid.is_none() && self.thumbnail.is_none() && self.file.is_none())?;
                self.field = Field::Tid(Vec::new());
            }
            "thumbnail" => {
                in_order(self.thumbnail.is_none() && self.file.is_none())?;
                let content_type = content_type?;
                if !media::is_image(&content_type) {
                    return Err(Problem::unsupported_media_type("a thumbnail is an image").close().into());
                }
                self.field = Field::Thumbnail(content_type, Vec::new());
            }
            "file" => {
                in_order(self.file.is_none())?;
                let content_type = content_type?;
                if !media::is_allowed(&limits.types, &content_type) {
                    return Err(Problem::unsupported_media_type("files of this type are not taken")
                        .close()
                        .into());
                }
                let room = self.room.take().ok_or_else(answer::no_room)?;
                let from = Beginning {
                    owner: self.owner.clone(),
                    transaction: self.tid.take(),
                    name: name::clean(&head.filename.unwrap_or_default()),
                    content_type,
                    thumbnail: self.thumbnail.take(),
                };
                self.file = Some(Draft::begin(self.files.clone(), from, room).await?);
                self.field = Field::File;
            }
            _ => self.field = Field::Skipped(0),
        }
        Ok(())
    }

    async fn data(&mut self, data: &[u8]) -> Result<(), Stop> {
        match &mut self.field {
            Field::Tid(tid) => {
                tid.extend_from_slice(data);
                if tid.len() > TID_OCTETS_MAX {
                    return Err(answer::malformed("the tid is too long").close().into());
                }
            }
            Field::Thumbnail(_, octets) => {
                octets.extend_from_slice(data);
                let max = self.files.limits.load().thumbnail_octets_max;
                if octets.len() as u64 > max {
                    return Err(answer::too_large(max).into());
                }
            }
            Field::File => {
                if let Some(file) = &mut self.file {
                    file.write(data).await?;
                }
            }
            Field::Skipped(octets) => {
                *octets += data.len();
                if *octets > SKIPPED_OCTETS_MAX {
                    return Err(answer::malformed("a part that nobody knows is too long").close().into());
                }
            }
            Field::None => {}
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        match std::mem::replace(&mut self.field, Field::None) {
            Field::Tid(tid) => {
                let tid = tid.trim_ascii();
                if tid.is_empty() {
                    return Err(answer::malformed("the tid is empty").close().into());
                }
                self.tid = Some(self.owner.transaction(tid));
            }
            // An empty one is none.
            Field::Thumbnail(kind, octets) if !octets.is_empty() => self.thumbnail = Some((kind, octets)),
            _ => {}
        }
        Ok(())
    }
}
