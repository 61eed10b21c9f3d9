//! What both drivers share about sockets: streams with and without TLS, the clock, writing with a deadline.

use std::{
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::BytesMut;
use model::Timestamp;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

/// Octets read at once; a PDU of the usual size is about a hundred.
pub(crate) const READ_OCTETS: usize = 64 << 10;
/// A peer that takes nothing for so long is gone (F24).
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// The clock of the drivers. The tables get it as a value.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

pub(crate) fn plain(stream: TcpStream) -> (Reader, Writer) {
    let (reader, writer) = stream.into_split();
    (Box::new(reader), Box::new(writer))
}

pub(crate) fn tls<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: S) -> (Reader, Writer) {
    let (reader, writer) = tokio::io::split(stream);
    (Box::new(reader), Box::new(writer))
}

/// Writes everything and leaves the buffer empty for the next round.
pub(crate) async fn write(writer: &mut Writer, buffer: &mut BytesMut) -> io::Result<()> {
    if buffer.is_empty() {
        return Ok(());
    }
    match tokio::time::timeout(WRITE_TIMEOUT, writer.write_all(buffer)).await {
        Ok(result) => result?,
        Err(_) => return Err(io::ErrorKind::TimedOut.into()),
    }
    buffer.clear();
    Ok(())
}
