//! Who comes to us.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::run;
use crate::{Listen, Transport, endpoint::Shared};

/// Out of descriptors, or the peer has gone already. Trying again at once would spin (F08).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections for the life of the listener.
pub(crate) async fn accept(listener: TcpListener, listen: Listen, shared: Arc<Shared>) {
    loop {
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a SIP connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if !shared.table.admit(remote.ip(), shared.bounds()) {
            shared.counters.turned_away.one();
            continue;
        }
        shared.counters.accepted.one();
        let connection = shared.clone();
        shared.spawn(async move { greet(connection, stream, remote, listen).await });
    }
}

async fn greet(shared: Arc<Shared>, stream: TcpStream, remote: SocketAddr, listen: Listen) {
    shared.tune(&stream);
    if listen.transport != Transport::Tls {
        let connection = shared.table.accepted(listen.transport, remote, listen.class, shared.bounds());
        let (reader, writer) = stream.into_split();
        return run(&shared, &connection, reader, writer).await;
    }
    let shaken = match &shared.settings.tls.acceptor {
        Some(acceptor) => timeout(shared.settings.handshake_timeout, acceptor().accept(stream)).await.ok(),
        None => None,
    };
    let Some(Ok(stream)) = shaken else {
        shared.counters.handshake_failed.one();
        shared.table.dismiss(remote.ip());
        return;
    };
    let connection = shared.table.accepted(listen.transport, remote, listen.class, shared.bounds());
    let (reader, writer) = tokio::io::split(stream);
    run(&shared, &connection, reader, writer).await;
}
