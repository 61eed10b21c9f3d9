//! The body of an upload, as it comes: slowly, or not at all.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use model::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Slower than this, over all, is as good as not at all: octets per second.
const SPEED_MIN: u64 = 2 << 10;
/// What a slow beginning is forgiven.
const GRACE: Duration = Duration::from_secs(60);

/// See the module.
pub(super) struct Feed {
    body: Body,
    stall_timeout: Duration,
    end: Instant,
}

/// Why no more comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// The connection broke.
    Off,
    /// Nothing came for too long, or too little.
    Slow,
    /// The device is here again with another connection.
    Superseded,
}

impl Feed {
    /// A body of so many announced octets.
    pub(super) fn new(body: Body, octets: u64, stall_timeout: Duration) -> Self {
        let time = GRACE + Duration::from_secs(octets / SPEED_MIN);
        Self { body, stall_timeout, end: Instant::now() + time }
    }

    /// The next octets; `None` at the end.
    pub(super) async fn next(&mut self, stop: &CancellationToken) -> Result<Option<Bytes>, Broken> {
        loop {
            let end = self.end.min(Instant::now() + self.stall_timeout);
            let frame = tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Broken::Superseded),
                frame = self.body.frame() => frame,
                () = tokio::time::sleep_until(end) => return Err(Broken::Slow),
            };
            match frame {
                None => return Ok(None),
                Some(Err(_broken)) => return Err(Broken::Off),
                Some(Ok(frame)) => {
                    // Trailers say nothing to us.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }
}
