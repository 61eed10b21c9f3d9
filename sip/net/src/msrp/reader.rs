//! Octets in: frames, as they come, and a clock on them.

use bytes::BytesMut;
use sip_msrp::Decoder;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::{Instant, timeout, timeout_at},
};

use super::{Event, connection::Connection, connections::Shared};
use crate::Ended;

/// Octets asked for at once: few from a peer that says little.
const READ_OCTETS_MIN: usize = 4 << 10;
const READ_OCTETS_MAX: usize = 64 << 10;
/// Octets that are still read and thrown away behind our last word.
const LINGER_OCTETS_MAX: usize = 4 << 20;

/// Reads until the connection ends, and says why.
pub(super) async fn read<R: AsyncRead + Unpin>(
    shared: &Shared,
    connection: &Connection,
    mut reader: R,
) -> (Ended, R) {
    let until = connection.ending.run_until_cancelled(follow(shared, connection, &mut reader)).await;
    (until.unwrap_or(Ended::Stopped), reader)
}

async fn follow<R: AsyncRead + Unpin>(shared: &Shared, connection: &Connection, reader: &mut R) -> Ended {
    let Shared { settings, numbers, feed, .. } = shared;
    let mut decoder = Decoder::new(settings.frames);
    let mut buffer = BytesMut::new();
    let mut room = READ_OCTETS_MIN;
    // Since when a frame, or a piece of one, has been coming.
    let mut begun: Option<Instant> = None;
    loop {
        buffer.reserve(room);
        let reading = reader.read_buf(&mut buffer);
        let came = match begun {
            Some(begun) => timeout_at(begun + settings.frame_timeout, reading).await,
            // How long nothing may come is a matter of the sessions.
            None => Ok(reading.await),
        };
        let octets = match came {
            Ok(Ok(0)) => return Ended::Closed,
            Ok(Ok(octets)) => octets,
            Ok(Err(_)) => return Ended::Broken,
            Err(_elapsed) => return Ended::Slow,
        };
        if octets >= room {
            room = (room * 2).min(READ_OCTETS_MAX);
        } else if octets < room / 4 {
            room = (room / 2).max(READ_OCTETS_MIN);
        }
        numbers.octets_in.add(octets);
        let mut frames = Vec::new();
        let cut = decoder.cut(&mut buffer, &mut frames);
        if !frames.is_empty() {
            numbers.frames_in.add(frames.len());
            begun = None;
            // What came before a break is good. Nothing is read while this waits, and the peer feels it.
            feed.frames(connection.id, frames).await;
        }
        if let Err(error) = cut {
            numbers.broken.one();
            feed.tell(Event::Broken { connection: connection.id, error });
            // The driver answers and closes.
            drop(timeout(settings.write_timeout, connection.ending.cancelled()).await);
            return Ended::Framing;
        }
        if buffer.is_empty() {
            begun = None;
        } else {
            begun.get_or_insert_with(Instant::now);
        }
    }
}

/// What comes behind our last word is thrown away: a connection that is closed over unread octets takes what
/// it was told along.
pub(super) async fn linger<R: AsyncRead + Unpin>(shared: &Shared, connection: &Connection, mut reader: R) {
    if !matches!(connection.ended(), Some(Ended::Stopped | Ended::Framing | Ended::Slow)) {
        return;
    }
    let throwing = async {
        let mut buffer = vec![0; READ_OCTETS_MIN];
        let mut left = LINGER_OCTETS_MAX;
        while let Ok(octets @ 1..) = reader.read(&mut buffer).await {
            left = left.saturating_sub(octets);
            if left == 0 {
                break;
            }
        }
    };
    drop(timeout(shared.settings.linger, shared.stop.run_until_cancelled(throwing)).await);
}
