//! The content server: files that devices send each other as links (RCS file transfer over HTTP, GSMA RCC.07; RCS sheet
//! §11.1, §11.2), and that services and messengers put here for them.
//!
//! ```text
//! POST /files                            empty: who are you; then the form with tid, Thumbnail and File
//! GET  /files?tid=…&get_upload_info      how far an interrupted upload has come
//! PUT  /files/u/{id}                     the rest of it
//! GET  /files?tid=…&get_download_info    the answer of a complete one, once more
//! GET  /files/d/{id}, /files/d/{id}/t    the file, its thumbnail
//! GET  /f/{short}                        the file, by the link that people get
//! POST /v1/files                         the same for accounts and messengers (`v1/files.rs`)
//! ```

mod answer;
mod card;
mod draft;
mod feed;
mod fetch;
mod form;
mod id;
mod media;
mod name;
mod pace;
mod parts;
mod range;
mod raw;
mod resume;
mod settings;
mod shelf;
mod turns;

use std::{future::Future, io, sync::Arc};

use arc_swap::ArcSwap;
use axum::{
    Router,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use http::{StatusCode, header, request};
use model::{Duration, Timestamp};
use smallvec::SmallVec;

use self::{
    answer::Urls,
    card::Owner,
    id::FileId,
    pace::{Pace, Place},
    shelf::{Room, Shelf},
    turns::Turns,
};
use crate::{Api, PeerIp, Problem};

pub use media::MediaRange;
pub(crate) use raw::store;
pub use settings::{FileEvent, FileLimits, FileRefusal, FilesSettings, Shown, UploadGuard, Verdict};
pub use shelf::Swept;

/// The content server. Shared by its handlers and by whoever sweeps it.
pub struct Files {
    settings: FilesSettings,
    limits: ArcSwap<FileLimits>,
    shelf: Arc<Shelf>,
    pace: Arc<Pace>,
    turns: Arc<Turns>,
}

impl Files {
    /// Opens the folder. Interrupted uploads of the last process can go on.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub async fn open(settings: FilesSettings, limits: FileLimits) -> io::Result<Arc<Self>> {
        let folder = settings.folder.clone();
        let shelf = blocking(move || Shelf::open(&folder)).await?;
        let limits = ArcSwap::from_pointee(limits);
        let files = Self { settings, limits, shelf, pace: Arc::default(), turns: Arc::default() };
        files.observe(FileEvent::Space(files.shelf.used()));
        Ok(Arc::new(files))
    }

    /// How the address of a file becomes the link that people get.
    #[must_use]
    pub fn short_links(&self) -> ShortLinks {
        let url = &self.settings.public_url;
        ShortLinks { long: format!("{url}/files/d/"), short: format!("{url}/f/"), digits: id::SHORT_DIGITS }
    }

    /// From now on these hold; uploads under way keep theirs.
    pub fn set_limits(&self, limits: FileLimits) {
        self.limits.store(Arc::new(limits));
    }

    /// Throws away files whose time is over, uploads that nobody went on with, and what a crash left behind. To be called
    /// now and then.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub async fn sweep(&self) -> io::Result<Swept> {
        let (shelf, now) = (self.shelf.clone(), self.now());
        let swept = blocking(move || shelf.sweep(now)).await?;
        self.observe(FileEvent::Swept { expired: swept.expired, abandoned: swept.abandoned });
        self.observe(FileEvent::Space(self.shelf.used()));
        Ok(swept)
    }

    fn now(&self) -> Timestamp {
        (self.settings.now)()
    }

    /// From now on for at least so long, in whole seconds: that is how it is told.
    fn until(&self, keep: Duration) -> i64 {
        let almost_a_second = Duration::from_micros(999_999);
        Timestamp::from_secs((self.now() + keep + almost_a_second).secs()).micros()
    }

    fn new_id(&self) -> FileId {
        FileId::new(std::array::from_fn(|_| (self.settings.random)()))
    }

    fn urls(&self) -> Urls<'_> {
        Urls(&self.settings.public_url)
    }

    fn observe(&self, event: FileEvent) {
        (self.settings.observe)(event);
    }

    /// Whoever calls from a device.
    fn owner(&self, head: &request::Parts) -> Result<Owner, Refused> {
        let values = head.headers.get_all(header::AUTHORIZATION);
        let authorization: SmallVec<[&[u8]; 2]> = values.iter().map(|value| value.as_bytes()).collect();
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let peer = head.extensions.get::<PeerIp>().map(|PeerIp(ip)| *ip);
        let shown = Shown { method: head.method.as_str(), target, authorization: &authorization, peer };
        match self.settings.guard.judge(&shown) {
            Verdict::Known(user) => Ok(Owner::user(&user)),
            Verdict::Challenge(challenges) => Err(Refused::Challenge(challenges)),
            Verdict::Forbidden => Err(Refused::Problem(
                Problem::new(StatusCode::FORBIDDEN, "forbidden", "this user may not upload from here")
                    .close(),
            )),
        }
    }

    /// A place among the uploads under way, and room for what was announced.
    fn admit(&self, octets: u64) -> Result<(Place, Room), Problem> {
        let limits = self.limits.load();
        let place = self.pace.place(limits.uploads_max).ok_or_else(answer::busy)?;
        let room = self.shelf.reserve(octets, limits.space_max, limits.free_min);
        Ok((place, room.ok_or_else(answer::no_room)?))
    }

    /// Refuses while nothing may be taken.
    fn is_open(&self) -> Result<(), Problem> {
        (self.settings.closed)().map_or(Ok(()), |cause| Err(Problem::of(cause).close()))
    }

    /// Counts an upload of this owner.
    fn count(&self, owner: &Owner) -> Result<(), Problem> {
        let max = self.limits.load().user_uploads_per_minute_max;
        self.pace.count(self.now(), owner, max).map_err(|secs| {
            Problem::of(model::Cause::Throttled)
                .detail(format!("at most {max} uploads a minute are taken from one sender"))
                .retry_after(secs)
                .close()
        })
    }

    /// Refusals are counted where they leave.
    fn answered(&self, answer: Result<Response, Refused>) -> Response {
        let response = answer.unwrap_or_else(IntoResponse::into_response);
        if let Some(refusal) = FileRefusal::of(response.status()) {
            self.observe(FileEvent::Refused(refusal));
        }
        response
    }
}

/// What devices and people may call. Without a content server there is nothing at these paths.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/files", post(form::post).get(resume::info))
        .route("/files/u/{id}", put(resume::put))
        .route("/files/d/{id}", get(fetch::file))
        .route("/files/d/{id}/t", get(fetch::thumbnail))
        .route("/f/{short}", get(fetch::link))
}

/// What stands before the id of a file, in its address and in the link that people get, and how much of the id stands in
/// that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortLinks {
    pub long: String,
    pub short: String,
    pub digits: usize,
}

/// The content server, where there is one.
pub(crate) struct Served(pub(crate) Arc<Files>);

impl FromRequestParts<Api> for Served {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut request::Parts, api: &Api) -> Result<Self, Problem> {
        api.services.files.clone().map(Self).ok_or_else(Problem::no_such_path)
    }
}

/// Why a device is not served.
enum Refused {
    /// It has not shown who it is.
    Challenge(Vec<http::HeaderValue>),
    Problem(Problem),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Problem(answer::disk(&error))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Challenge(challenges) => {
                let problem = Problem::new(
                    StatusCode::UNAUTHORIZED,
                    "unauthorized",
                    "the call carries no valid digest",
                );
                let mut response = problem.into_response();
                for challenge in challenges {
                    response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
                }
                response
            }
        }
    }
}

/// What waits for the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Runs to its end also when the caller has gone: what has arrived must be put away.
async fn to_the_end(
    work: impl Future<Output = Result<Response, Refused>> + Send + 'static,
) -> Result<Response, Refused> {
    tokio::spawn(work).await.unwrap_or_else(|_panicked| {
        tracing::error!("an upload panicked");
        Err(Problem::internal().close().into())
    })
}

/// The announced length of a body.
fn announced(headers: &http::HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
