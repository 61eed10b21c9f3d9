//! What the content server is told: where, how much, and who is let in.

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use http::{HeaderValue, StatusCode};
use model::{Cause, Duration, Timestamp};
use smol_str::SmolStr;

use super::MediaRange;

/// What stays until the next start.
#[derive(Clone)]
pub struct FilesSettings {
    /// A folder of its own.
    pub folder: PathBuf,
    /// What devices and people reach this listener by, without a slash at the end: `https://ft.example.kr`.
    pub public_url: String,
    /// Who may upload.
    pub guard: Arc<dyn UploadGuard>,
    /// Set while nothing may be taken: the gateway stops, or the disk is full.
    pub closed: Arc<dyn Fn() -> Option<Cause> + Send + Sync>,
    /// The clock.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Unpredictable numbers: the names of files come from here.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Called for everything that is worth counting.
    pub observe: Arc<dyn Fn(FileEvent) + Send + Sync>,
}

/// What a reload may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLimits {
    /// Octets of one file.
    pub octets_max: u64,
    /// Octets of one thumbnail; they are held in memory.
    pub thumbnail_octets_max: u64,
    /// Octets of all files together.
    pub space_max: u64,
    /// Octets that stay free on the disk.
    pub free_min: u64,
    /// How long a file can be fetched.
    pub keep: Duration,
    /// How long an interrupted upload can go on.
    pub unfinished_keep: Duration,
    /// What may be stored.
    pub types: Vec<MediaRange>,
    /// Uploads at the same time.
    pub uploads_max: usize,
    /// Uploads of one user in a minute.
    pub user_uploads_per_minute_max: u32,
    /// An upload from which nothing comes for so long is interrupted.
    pub stall_timeout: Duration,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self {
            octets_max: 100 << 20,
            thumbnail_octets_max: 64 << 10,
            space_max: 20 << 30,
            free_min: 256 << 20,
            keep: Duration::from_secs(30 * 86_400),
            unfinished_keep: Duration::from_secs(86_400),
            types: MediaRange::parse("*/*").into_iter().collect(),
            uploads_max: 256,
            user_uploads_per_minute_max: 60,
            stall_timeout: Duration::from_secs(30),
        }
    }
}

/// Who may upload: Digest over the users of the RCS channel (RFC 7616), as the composition root knows them.
pub trait UploadGuard: Send + Sync {
    /// Judges what a call shows.
    fn judge(&self, call: &Shown<'_>) -> Verdict;
}

/// What a call shows of its caller.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub method: &'a str,
    /// Path and query, as in the request line.
    pub target: &'a str,
    /// The values of `Authorization`.
    pub authorization: &'a [&'a [u8]],
    /// The other end of the connection.
    pub peer: Option<IpAddr>,
}

/// What is thought of it.
#[derive(Clone)]
pub enum Verdict {
    /// This user; the same text for the same user, however it was written.
    Known(SmolStr),
    /// Values of `WWW-Authenticate`, strongest first.
    Challenge(Vec<HeaderValue>),
    /// A user who may not, from where the call comes.
    Forbidden,
}

/// What happened, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileEvent {
    /// A file is stored, with so many octets.
    Stored(u64),
    /// Octets came.
    Received(u64),
    /// Octets were handed on to a connection.
    Sent(u64),
    /// A file is fetched; with `true` a part of it.
    Fetched(bool),
    /// An upload went on where it had been interrupted.
    Resumed,
    /// Files whose time was over, and uploads that nobody went on with.
    Swept {
        expired: u64,
        abandoned: u64,
    },
    /// Octets of all files now.
    Space(u64),
    Refused(FileRefusal),
}

/// Why a call about a file was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileRefusal {
    Malformed,
    Forbidden,
    Unknown,
    Expired,
    LengthMissing,
    TooLarge,
    MediaType,
    Range,
    Slow,
    Superseded,
    Rate,
    Busy,
    NoRoom,
    Internal,
}

impl FileRefusal {
    /// The status says it all.
    pub(super) fn of(status: StatusCode) -> Option<Self> {
        Some(match status {
            StatusCode::BAD_REQUEST => Self::Malformed,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::Unknown,
            StatusCode::GONE => Self::Expired,
            StatusCode::LENGTH_REQUIRED => Self::LengthMissing,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::MediaType,
            StatusCode::RANGE_NOT_SATISFIABLE => Self::Range,
            StatusCode::REQUEST_TIMEOUT => Self::Slow,
            StatusCode::CONFLICT => Self::Superseded,
            StatusCode::TOO_MANY_REQUESTS => Self::Rate,
            StatusCode::SERVICE_UNAVAILABLE => Self::Busy,
            StatusCode::INSUFFICIENT_STORAGE => Self::NoRoom,
            StatusCode::INTERNAL_SERVER_ERROR => Self::Internal,
            _ => return None,
        })
    }
}
