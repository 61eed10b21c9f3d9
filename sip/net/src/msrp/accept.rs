//! Who comes to us.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use sip_msrp::Security;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{
    Acceptor, Event,
    connections::{Shared, tune},
    tls,
};

/// Out of descriptors, or the peer has gone already. Trying again at once would spin (F08).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections for the life of the listener.
pub(super) async fn accept(listener: TcpListener, tls: Option<Acceptor>, shared: Arc<Shared>) {
    loop {
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "an MSRP connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if !shared.admit(remote.ip()) {
            shared.numbers.turned_away.one();
            continue;
        }
        shared.numbers.accepted.one();
        let (greeted, tls) = (shared.clone(), tls.clone());
        shared.spawn(async move { greet(&greeted, stream, remote, tls).await });
    }
}

async fn greet(shared: &Shared, stream: TcpStream, remote: SocketAddr, tls: Option<Acceptor>) {
    tune(&stream);
    let opened = |connection, security| Event::Opened { connection, security, remote, incoming: true };
    let Some(acceptor) = tls else {
        let connection = shared.accepted(remote.ip());
        return shared.run(&connection, opened(connection.id, Security::Plain), stream).await;
    };
    let shaking = timeout(shared.settings.handshake_timeout, acceptor().accept(stream));
    let Some(Ok(Ok(stream))) = shared.stop.run_until_cancelled(shaking).await else {
        shared.numbers.handshake_failed.one();
        return shared.dismiss(remote.ip());
    };
    let connection = shared.accepted(remote.ip());
    let shown = tls::shown(stream.get_ref().1.peer_certificates());
    shared.run(&connection, opened(connection.id, Security::Tls(shown)), stream).await;
}
