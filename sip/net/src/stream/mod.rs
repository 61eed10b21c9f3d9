//! Connections: accepted or dialled, one task each, until they end and the driver is told why.

mod accept;
mod connection;
mod dial;
mod reader;
mod table;
#[cfg(test)]
mod tests;
mod writer;

use std::{io, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use self::{
    accept::accept,
    connection::Connection,
    dial::dial,
    table::{Bounds, FIRST_CONNECTION, Key, Table},
};
use crate::{
    endpoint::Shared,
    inbox::{Ended, Event},
};

/// Runs a connection that stands until it ends, either way.
async fn run<R, W>(shared: &Shared, connection: &Arc<Connection>, reader: R, writer: W)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    shared.counters.connections.one();
    let reading = async {
        let why = reader::read(shared, connection, reader).await;
        connection.end(why);
    };
    let writing = async {
        if let Err(error) = writer::write(connection, writer, shared.settings.write_timeout).await {
            connection.end(broken(&error));
        }
    };
    tokio::join!(reading, writing);
    shared.counters.connections.less();
    finish(shared, connection);
}

/// The connection is no way any more: the driver hears why.
fn finish(shared: &Shared, connection: &Connection) {
    let why = connection.ended().unwrap_or(Ended::Closed);
    if matches!(why, Ended::Slow | Ended::Framing | Ended::Overflow) {
        shared.counters.offended.one();
    }
    shared.table.remove(connection);
    if !connection.is_known() {
        return;
    }
    shared.feed.tell(Event::Ended { flow: connection.flow, why });
}

fn broken(error: &io::Error) -> Ended {
    match error.kind() {
        io::ErrorKind::TimedOut => Ended::Overflow,
        _ => Ended::Broken,
    }
}
