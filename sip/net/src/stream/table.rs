//! Which connections stand, by number and by peer.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use hashbrown::HashMap;
use smol_str::SmolStr;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use crate::{Flow, Transport};

/// What a connection may be used for again.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) transport: Transport,
    pub(crate) remote: SocketAddr,
    /// The name its certificate proved; empty in the clear, and when the peer came to us.
    pub(crate) name: SmolStr,
}

/// Numbers below are sockets for datagrams.
pub(crate) const FIRST_CONNECTION: u32 = 1 << 16;

pub(crate) struct Table {
    inner: Mutex<Inner>,
    /// Ends every connection there is or will be.
    stop: CancellationToken,
}

#[derive(Default)]
struct Inner {
    by_id: HashMap<u32, Arc<Connection>>,
    by_peer: HashMap<Key, u32>,
    /// Connections from one address, handshakes included.
    by_source: HashMap<IpAddr, usize>,
    /// Connections that came in and are still in their handshake.
    greeting: usize,
    next: u32,
}

/// How many there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) connections_max: usize,
    pub(crate) per_source_max: usize,
    pub(crate) octets_max: usize,
}

impl Table {
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self { inner: Mutex::default(), stop }
    }

    /// Counts somebody in who came to us, before anything else is done for them. False: one too many.
    pub(crate) fn admit(&self, source: IpAddr, bounds: Bounds) -> bool {
        let mut inner = self.lock();
        let from_there = inner.by_source.get(&source).copied().unwrap_or(0);
        let full = inner.by_id.len() + inner.greeting >= bounds.connections_max;
        if full || from_there >= bounds.per_source_max {
            return false;
        }
        *inner.by_source.entry(source).or_insert(0) += 1;
        inner.greeting += 1;
        true
    }

    /// The handshake of somebody admitted came to nothing.
    pub(crate) fn dismiss(&self, source: IpAddr) {
        let mut inner = self.lock();
        inner.greeting = inner.greeting.saturating_sub(1);
        inner.release(source);
    }

    /// Somebody admitted is connected.
    pub(crate) fn accepted(
        &self,
        transport: Transport,
        remote: SocketAddr,
        class: u8,
        bounds: Bounds,
    ) -> Arc<Connection> {
        let mut inner = self.lock();
        inner.greeting = inner.greeting.saturating_sub(1);
        let key = Key { transport, remote, name: SmolStr::default() };
        inner.insert(key, class, Some(remote.ip()), bounds.octets_max, &self.stop)
    }

    /// The connection to that peer: the one that stands, or a new one that is still to be dialled. None: one
    /// too many.
    pub(crate) fn to(&self, key: Key, class: u8, bounds: Bounds) -> Option<(Arc<Connection>, bool)> {
        let mut inner = self.lock();
        let standing = inner.by_peer.get(&key).and_then(|id| inner.by_id.get(id));
        if let Some(connection) = standing.filter(|connection| connection.is_open()) {
            return Some((connection.clone(), false));
        }
        if inner.by_id.len() + inner.greeting >= bounds.connections_max {
            return None;
        }
        Some((inner.insert(key, class, None, bounds.octets_max, &self.stop), true))
    }

    pub(crate) fn get(&self, id: u32) -> Option<Arc<Connection>> {
        self.lock().by_id.get(&id).cloned()
    }

    pub(crate) fn remove(&self, connection: &Connection) {
        let mut inner = self.lock();
        let id = connection.flow.id;
        if inner.by_id.remove(&id).is_none() {
            return;
        }
        // A newer one may have taken its place as the way to that peer.
        if inner.by_peer.get(&connection.key) == Some(&id) {
            inner.by_peer.remove(&connection.key);
        }
        if let Some(source) = connection.source {
            inner.release(source);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn insert(
        &mut self,
        key: Key,
        class: u8,
        source: Option<IpAddr>,
        octets_max: usize,
        stop: &CancellationToken,
    ) -> Arc<Connection> {
        let id = self.number();
        let flow = Flow { id, remote: key.remote, transport: key.transport, class };
        let connection = Arc::new(Connection::new(flow, key.clone(), source, octets_max, stop));
        self.by_id.insert(id, connection.clone());
        self.by_peer.insert(key, id);
        connection
    }

    /// Numbers come again only after four thousand million connections, and never while one stands.
    fn number(&mut self) -> u32 {
        loop {
            self.next = self.next.wrapping_add(1).max(FIRST_CONNECTION);
            if !self.by_id.contains_key(&self.next) {
                return self.next;
            }
        }
    }

    fn release(&mut self, source: IpAddr) {
        if let Some(count) = self.by_source.get_mut(&source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_source.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Ended;

    const BOUNDS: Bounds = Bounds { connections_max: 3, per_source_max: 2, octets_max: 100 };

    fn peer(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn key(remote: &str) -> Key {
        Key { transport: Transport::Tcp, remote: peer(remote), name: SmolStr::default() }
    }

    #[test]
    fn one_source_may_hold_so_many_and_all_together_so_many() {
        let table = Table::new(CancellationToken::new());
        let (one, two) = (peer("127.0.0.1:1"), peer("127.0.0.2:1"));
        assert!(table.admit(one.ip(), BOUNDS));
        assert!(table.admit(one.ip(), BOUNDS));
        assert!(!table.admit(one.ip(), BOUNDS), "the third of one source");
        assert!(table.admit(two.ip(), BOUNDS));
        assert!(!table.admit(peer("127.0.0.3:1").ip(), BOUNDS), "the fourth of all");
        assert!(table.to(key("127.0.0.9:5060"), 0, BOUNDS).is_none(), "dialled ones count too");
        table.dismiss(two.ip());
        assert!(table.to(key("127.0.0.9:5060"), 0, BOUNDS).is_some());
        let connection = table.accepted(Transport::Tcp, one, 0, BOUNDS);
        table.remove(&connection);
        table.remove(&connection);
        assert!(table.admit(one.ip(), BOUNDS), "what is gone gives room once");
        assert!(!table.admit(one.ip(), BOUNDS));
    }

    #[test]
    fn a_connection_to_the_same_peer_is_used_again_until_it_ends() {
        let table = Table::new(CancellationToken::new());
        let (first, fresh) = table.to(key("127.0.0.1:5060"), 3, BOUNDS).unwrap();
        assert!(fresh && first.flow.id >= FIRST_CONNECTION && first.flow.class == 3);
        let (again, fresh) = table.to(key("127.0.0.1:5060"), 3, BOUNDS).unwrap();
        assert!(!fresh && again.flow == first.flow);
        first.end(Ended::Closed);
        let (second, fresh) = table.to(key("127.0.0.1:5060"), 3, BOUNDS).unwrap();
        assert!(fresh && second.flow.id != first.flow.id);
        table.remove(&first);
        let (still, fresh) = table.to(key("127.0.0.1:5060"), 3, BOUNDS).unwrap();
        assert!(!fresh && still.flow == second.flow, "the old one does not take the new one along");
    }

    #[test]
    fn names_proved_by_certificates_are_not_shared() {
        let table = Table::new(CancellationToken::new());
        let tls =
            |name: &str| Key { transport: Transport::Tls, remote: peer("127.0.0.1:1"), name: name.into() };
        let (one, _) = table.to(tls("a.example"), 0, BOUNDS).unwrap();
        let (other, fresh) = table.to(tls("b.example"), 0, BOUNDS).unwrap();
        assert!(fresh && other.flow.id != one.flow.id);
    }

    #[test]
    fn too_much_that_waits_ends_the_connection() {
        let table = Table::new(CancellationToken::new());
        let (connection, _) = table.to(key("127.0.0.1:5060"), 0, BOUNDS).unwrap();
        assert_eq!(connection.push(vec![0; 60].into()), Ok(()));
        assert_eq!(connection.push(vec![0; 40].into()), Ok(()));
        assert_eq!(connection.push(vec![0; 1].into()), Err(Ended::Overflow));
        assert_eq!(connection.push(Bytes::new()), Err(Ended::Overflow));
        assert_eq!(connection.ended(), Some(Ended::Overflow));
    }
}
