//! MSRP over real sockets of this machine: user agents, raw octets, TLS, bounds.

mod bounds;
mod raw;
mod talk;
mod tls;

use std::{net::SocketAddr, time::Duration};

use sip_msrp::{Action, Path, SessionKey, Uri};
use tokio_util::sync::CancellationToken;

use super::{Batch, Connections, Event, Inbox, Settings, Target, testing::Peer};

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(20);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what).await.expect("in time")
}

fn peer() -> Peer {
    Peer::new(Settings::default(), None).unwrap()
}

fn plain(remote: SocketAddr) -> Target {
    Target { remote, tls: None }
}

/// A session between two peers; the first one is to be the active end.
fn agree(active: &mut Peer, passive: &mut Peer) -> [SessionKey; 2] {
    let (ours, theirs): (Uri, Uri) = (active.uri(), passive.uri());
    let one = active.session(ours.clone(), Path::from(theirs.clone())).unwrap();
    let other = passive.session(theirs, Path::from(ours)).unwrap();
    [one, other]
}

fn is_bound(action: &Action, key: SessionKey) -> bool {
    matches!(action, Action::Bound { session, .. } if *session == key)
}

/// Connections without sessions, listening.
fn listening(settings: Settings) -> (Connections, Inbox, SocketAddr, CancellationToken) {
    let stop = CancellationToken::new();
    let (connections, inbox) = Connections::new(settings, stop.clone());
    let address = connections.listen(SocketAddr::from(([127, 0, 0, 1], 0)), None).unwrap();
    (connections, inbox, address, stop)
}

async fn event(inbox: &mut Inbox) -> Event {
    let batch: Batch = soon(inbox.recv()).await.unwrap();
    let (mut events, room) = batch.into_parts();
    drop(room);
    assert_eq!(events.len(), 1);
    events.remove(0)
}
