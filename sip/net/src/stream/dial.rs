//! Whom we call.

use std::{io, sync::Arc};

use rustls_pki_types::ServerName;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::{connection::Connection, finish, run};
use crate::{Transport, endpoint::Shared, inbox::Ended};

/// Opens the connection and runs it. What was queued meanwhile goes out first.
pub(crate) async fn dial(shared: Arc<Shared>, connection: Arc<Connection>) {
    let stream = tokio::select! {
        stream = reach(&shared, &connection) => stream,
        () = connection.ending.cancelled() => Err(Ended::Stopped),
    };
    let stream = match stream {
        Ok(stream) => stream,
        Err(why) => return fail(&shared, &connection, why),
    };
    if connection.key.transport != Transport::Tls {
        shared.counters.dialled.one();
        let (reader, writer) = stream.into_split();
        return run(&shared, &connection, reader, writer).await;
    }
    let Some(stream) = shake(&shared, &connection, stream).await else {
        shared.counters.handshake_failed.one();
        return fail(&shared, &connection, Ended::Handshake);
    };
    shared.counters.dialled.one();
    let (reader, writer) = tokio::io::split(stream);
    run(&shared, &connection, reader, writer).await;
}

async fn reach(shared: &Shared, connection: &Connection) -> Result<TcpStream, Ended> {
    let connecting = async {
        let _turn = shared.dials.acquire().await.map_err(io::Error::other)?;
        let remote = connection.key.remote;
        let socket = if remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Peers may know us by the address we listen at.
        if let Some(local) = shared.local_ip(connection.key.transport, connection.flow.class, remote) {
            socket.bind((local, 0).into())?;
        }
        socket.connect(remote).await
    };
    match timeout(shared.settings.dial_timeout, connecting).await {
        Ok(Ok(stream)) => {
            shared.tune(&stream);
            Ok(stream)
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Err(Ended::Refused),
        Ok(Err(_)) => Err(Ended::Broken),
        Err(_elapsed) => Err(Ended::TimedOut),
    }
}

/// The certificate has to prove the name that was called (RFC 5922 §7).
async fn shake(
    shared: &Shared,
    connection: &Connection,
    stream: TcpStream,
) -> Option<tokio_rustls::client::TlsStream<TcpStream>> {
    let connector = shared.settings.tls.connector.as_ref()?();
    let name = ServerName::try_from(connection.key.name.to_string()).ok()?;
    timeout(shared.settings.handshake_timeout, connector.connect(name, stream)).await.ok()?.ok()
}

fn fail(shared: &Shared, connection: &Connection, why: Ended) {
    connection.end(why);
    shared.counters.dial_failed.one();
    finish(shared, connection);
}
