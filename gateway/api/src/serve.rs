//! Connections: how many, how slow they may be, and how they end.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use crate::{ConnectionLimits, PeerIp, Tls};

/// Serves until `shutdown`, then lets the calls under way finish.
///
/// HTTP/1.1 only: a batch carries what streams would, and one call at a time for each connection makes
/// the number of connections a bound for everything behind them. Each request carries its [`PeerIp`].
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    let turns = Arc::new(Semaphore::new(limits.connections_max));
    let limits = Arc::new(limits);
    loop {
        // The turn comes first: without one, newcomers wait in the operating system's queue.
        let turn = tokio::select! {
            turn = turns.clone().acquire_owned() => turn,
            () = shutdown.cancelled() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let (Ok(turn), Ok((stream, peer))) = (turn, accepted) else {
            // Out of descriptors, or the peer has gone already. Trying again at once would spin.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (router, tls) = (router.clone(), tls.clone());
        let (limits, shutdown) = (limits.clone(), shutdown.clone());
        connections.spawn(async move {
            let _turn = turn;
            if let Err(error) = connect(stream, peer.ip(), tls, router, &limits, shutdown).await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    connections.close();
    if timeout(limits.drain_timeout, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "connections were still busy at the end of the drain");
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

async fn connect(
    stream: TcpStream,
    peer: IpAddr,
    tls: Option<Arc<Tls>>,
    router: Router,
    limits: &ConnectionLimits,
    shutdown: CancellationToken,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => talk(stream, peer, router, limits, shutdown).await,
        Some(tls) => {
            let handshake = timeout(limits.handshake_timeout, tls.acceptor().accept(stream));
            let stream = tokio::select! {
                stream = handshake => stream.map_err(|_elapsed| io::ErrorKind::TimedOut)??,
                () = shutdown.cancelled() => return Ok(()),
            };
            talk(stream, peer, router, limits, shutdown).await
        }
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    router: Router,
    limits: &ConnectionLimits,
    shutdown: CancellationToken,
) -> io::Result<()> {
    // A listener for both families shows IPv4 peers as ::ffff:a.b.c.d.
    let peer = PeerIp(peer.to_canonical());
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        // A router is always ready.
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_octets_max.max(8 << 10))
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    ended.map_err(io::Error::other)
}
