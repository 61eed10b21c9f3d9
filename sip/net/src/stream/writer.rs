//! Octets out: everything that waits in one write.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::connection::Connection;

/// Memory kept for the next write.
const KEPT_OCTETS: usize = 64 << 10;
/// A peer that takes nothing for so long while we close is gone.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Writes until the connection is ending and nothing waits any more.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    connection: &Connection,
    mut writer: W,
    patience: Duration,
) -> io::Result<()> {
    let mut waiting: Vec<Bytes> = Vec::new();
    let mut buffer = BytesMut::new();
    loop {
        connection.drain(&mut waiting);
        let patience = if connection.ending.is_cancelled() { patience.min(CLOSE_TIMEOUT) } else { patience };
        match waiting.as_slice() {
            [] if connection.ending.is_cancelled() => break,
            [] => {
                connection.wake.notified().await;
                continue;
            }
            [one] => write_unless_aborted(connection, &mut writer, one, patience).await?,
            // Copying is cheaper than a record or a call for each.
            several => {
                for octets in several {
                    buffer.extend_from_slice(octets);
                }
                write_unless_aborted(connection, &mut writer, &buffer, patience).await?;
                buffer.clear();
                if buffer.capacity() > KEPT_OCTETS {
                    buffer = BytesMut::new();
                }
            }
        }
        waiting.clear();
        connection.touch();
    }
    timeout(CLOSE_TIMEOUT, writer.shutdown()).await.unwrap_or(Ok(()))
}

async fn write_unless_aborted<W: AsyncWrite + Unpin>(
    connection: &Connection,
    writer: &mut W,
    octets: &[u8],
    patience: Duration,
) -> io::Result<()> {
    let written = connection.aborted.run_until_cancelled(write_all(writer, octets, patience)).await;
    written.unwrap_or_else(|| Err(io::ErrorKind::ConnectionAborted.into()))
}

/// The clock starts again with every octet that is taken.
async fn write_all<W: AsyncWrite + Unpin>(
    writer: &mut W,
    mut octets: &[u8],
    patience: Duration,
) -> io::Result<()> {
    while !octets.is_empty() {
        let written =
            timeout(patience, writer.write(octets)).await.map_err(|_| io::ErrorKind::TimedOut)??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        octets = octets.get(written..).unwrap_or_default();
    }
    timeout(patience, writer.flush()).await.map_err(|_| io::ErrorKind::TimedOut)?
}
