//! Octets out: everything that waits in one write.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::{connection::Connection, connections::Shared};

/// Memory kept for the next write.
const KEPT_OCTETS: usize = 64 << 10;
/// A peer that takes nothing for so long while we close is gone.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Writes until the connection is ending and nothing waits any more.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    shared: &Shared,
    connection: &Connection,
    mut writer: W,
) -> io::Result<()> {
    let written = connection.aborted.run_until_cancelled(write_all(shared, connection, &mut writer)).await;
    written.unwrap_or_else(|| Err(io::ErrorKind::ConnectionAborted.into()))
}

async fn write_all<W: AsyncWrite + Unpin>(
    shared: &Shared,
    connection: &Connection,
    writer: &mut W,
) -> io::Result<()> {
    let mut waiting: Vec<Bytes> = Vec::new();
    let mut together = BytesMut::new();
    loop {
        connection.drain(&mut waiting);
        let ending = connection.ending.is_cancelled();
        let patience = if ending { CLOSE_TIMEOUT } else { shared.settings.write_timeout };
        let octets = match waiting.as_slice() {
            [] if ending => break,
            [] => {
                connection.wake_or_ending().await;
                continue;
            }
            [one] => {
                write_some(writer, one, patience).await?;
                one.len()
            }
            // Copying is cheaper than a record or a call for each.
            several => {
                several.iter().for_each(|octets| together.extend_from_slice(octets));
                write_some(writer, &together, patience).await?;
                together.len()
            }
        };
        shared.numbers.octets_out.add(octets);
        connection.written(octets);
        waiting.clear();
        together.clear();
        if together.capacity() > KEPT_OCTETS {
            together = BytesMut::new();
        }
    }
    timeout(CLOSE_TIMEOUT, writer.shutdown()).await.unwrap_or(Ok(()))
}

/// The clock starts again with every octet that is taken.
async fn write_some<W: AsyncWrite + Unpin>(
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

impl Connection {
    /// Something waits, or nothing more will.
    async fn wake_or_ending(&self) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = self.ending.cancelled() => {}
        }
    }
}
