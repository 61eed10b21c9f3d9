//! All sockets of one SIP element, and the ways over them.

mod names;
mod send;
mod shared;

use std::{fmt, io, net::SocketAddr, sync::Arc};

use smol_str::SmolStr;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use self::names::Resolving;
pub(crate) use self::shared::Shared;
use crate::{
    Flow, Listen, Settings, Transport,
    counters::Counters,
    inbox::{Ended, Inbox},
    resolve::{Abilities, Candidate, Destination, Dns, Resolver},
    stream::{self, Connection, FIRST_CONNECTION, Key},
    udp::{self, Udp},
};

/// Connections the system keeps for us until we accept them.
const BACKLOG: u32 = 1_024;

/// Where a request is to go.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    pub transport: Transport,
    pub remote: SocketAddr,
    /// What the peer's certificate has to prove; see [`Destination::server_name`]. Only for TLS.
    pub server_name: SmolStr,
    /// Which of our listeners we go by; the first one of that family when none is of that class.
    pub class: u8,
}

impl Target {
    /// One of the servers that were found for a destination.
    #[must_use]
    pub fn of(destination: &Destination, server: Candidate, class: u8) -> Self {
        let server_name = match server.transport {
            Transport::Tls => destination.server_name(),
            Transport::Udp | Transport::Tcp => SmolStr::default(),
        };
        Self { transport: server.transport, remote: server.address, server_name, class }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("transport", &self.transport).finish_non_exhaustive()
    }
}

/// Why there is no way to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoFlow {
    #[error("we have no UDP socket of that address family")]
    NoSocket,
    #[error("we have no TLS to connect with")]
    NoTls,
    #[error("there are too many connections")]
    TooMany,
    #[error("we are closing")]
    Stopped,
}

/// All sockets of one SIP element. Must live inside a tokio runtime.
pub struct Endpoint {
    shared: Arc<Shared>,
    sockets: Vec<Arc<Udp>>,
    resolver: Arc<Resolver>,
    resolving: Arc<Resolving>,
}

impl Endpoint {
    /// Opens every address and begins to read. All tasks end with `stop`: what waits is still written then.
    ///
    /// # Errors
    /// When an address cannot be listened at, or TLS is wanted and there is no certificate.
    pub fn bind(
        settings: Settings,
        dns: Arc<dyn Dns>,
        stop: CancellationToken,
    ) -> io::Result<(Arc<Self>, Inbox)> {
        let (mut sockets, mut acceptors, mut listeners) = (Vec::new(), Vec::new(), Vec::new());
        for &listen in &settings.listen {
            let address = match listen.transport {
                Transport::Udp => {
                    let first_id = u32::try_from(sockets.len()).unwrap_or(FIRST_CONNECTION);
                    let bound = Udp::bind(listen, first_id, &settings)?;
                    let address = bound.first().map_or(listen.address, Udp::local);
                    sockets.extend(bound.into_iter().map(Arc::new));
                    address
                }
                Transport::Tls if settings.tls.acceptor.is_none() => {
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, "TLS needs a certificate"));
                }
                Transport::Tcp | Transport::Tls => {
                    let listener = listener(listen.address)?;
                    let address = listener.local_addr()?;
                    acceptors.push((listener, Listen { address, ..listen }));
                    address
                }
            };
            listeners.push(Listen { address, ..listen });
        }
        let resolver = Arc::new(Resolver::new(dns, abilities(&settings, &listeners), settings.dns));
        let (shared, inbox) = Shared::new(settings, listeners, stop);
        let endpoint =
            Arc::new(Self { shared: Arc::new(shared), sockets, resolver, resolving: Arc::default() });
        endpoint.start(acceptors);
        Ok((endpoint, inbox))
    }

    fn start(&self, acceptors: Vec<(TcpListener, Listen)>) {
        let shared = &self.shared;
        for udp in &self.sockets {
            let (reading, writing) = (udp.clone(), udp.clone());
            let (to_read, to_write) = (shared.clone(), shared.clone());
            let (stop_reading, stop_writing) = (shared.stop.clone(), shared.stop.clone());
            shared.spawn(async move {
                let read = stop_reading.run_until_cancelled(udp::read(reading, to_read)).await;
                if let Some(Err(error)) = read {
                    tracing::error!(%error, "a UDP socket can no longer be read");
                }
            });
            shared.spawn(async move {
                let flush = writing.flush(&to_write.counters, &to_write.feed);
                stop_writing.run_until_cancelled(flush).await;
            });
        }
        for (listener, listen) in acceptors {
            let (accepting, stop) = (shared.clone(), shared.stop.clone());
            shared.spawn(async move {
                stop.run_until_cancelled(stream::accept(listener, listen, accepting)).await;
            });
        }
        shared.tasks.close();
    }

    /// Where we listen, with the ports that the system chose.
    #[must_use]
    pub fn listeners(&self) -> &[Listen] {
        &self.shared.listeners
    }

    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// The way to a target: a socket, the connection that stands, or a new one. Never waits: a new connection
    /// is opened beside, takes messages at once, and [`Event::Ended`] tells when it came to nothing.
    ///
    /// # Errors
    /// When there can be none.
    pub fn flow(&self, target: &Target) -> Result<Flow, NoFlow> {
        let shared = &self.shared;
        let name = match target.transport {
            Transport::Udp => {
                return self.socket(target).map(|udp| udp.flow(target.remote)).ok_or(NoFlow::NoSocket);
            }
            Transport::Tls if shared.settings.tls.connector.is_none() => return Err(NoFlow::NoTls),
            Transport::Tls => target.server_name.clone(),
            Transport::Tcp => SmolStr::default(),
        };
        let key = Key { transport: target.transport, remote: target.remote, name };
        if shared.stop.is_cancelled() {
            return Err(NoFlow::Stopped);
        }
        let (connection, fresh) =
            shared.table.to(key, target.class, shared.bounds()).ok_or(NoFlow::TooMany)?;
        connection.set_known();
        let flow = connection.flow();
        if fresh {
            shared.spawn(stream::dial(shared.clone(), connection));
        }
        Ok(flow)
    }

    /// Several sockets of one address share the peers.
    fn socket(&self, target: &Target) -> Option<&Arc<Udp>> {
        let fitting = |udp: &&Arc<Udp>| udp.local().is_ipv4() == target.remote.is_ipv4();
        let class =
            self.sockets.iter().filter(fitting).min_by_key(|udp| udp.class() != target.class)?.class();
        let of_class = || self.sockets.iter().filter(fitting).filter(|udp| udp.class() == class);
        of_class().nth(usize::from(target.remote.port()) % of_class().count().max(1))
    }

    /// Whether anything can still be sent this way.
    #[must_use]
    pub fn is_open(&self, flow: Flow) -> bool {
        match flow.transport {
            Transport::Udp => self.sockets.get(index(flow)).is_some(),
            Transport::Tcp | Transport::Tls => {
                self.shared.table.get(flow.id).is_some_and(|connection| connection.is_open())
            }
        }
    }

    /// Ends a connection; what waits on it is still written.
    pub fn close(&self, flow: Flow) {
        if let Some(connection) = self.connection(flow) {
            connection.end(Ended::Stopped);
        }
    }

    fn connection(&self, flow: Flow) -> Option<Arc<Connection>> {
        if flow.transport == Transport::Udp { None } else { self.shared.table.get(flow.id) }
    }

    /// Messages that the driver has not taken yet.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.feed.queued()
    }

    /// After `stop`: returns when everything is written and closed.
    pub async fn closed(&self) {
        self.shared.tasks.wait().await;
    }
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if address.is_ipv6() {
        SockRef::from(&socket).set_only_v6(true)?;
    }
    // Connections of a process before us may still be closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Streams can be dialled without a listener, datagrams cannot be answered without one.
fn abilities(settings: &Settings, listeners: &[Listen]) -> Abilities {
    let any = |wanted: fn(&Listen) -> bool| listeners.iter().any(wanted);
    Abilities {
        udp: any(|listen| listen.transport == Transport::Udp),
        tcp: true,
        tls: settings.tls.connector.is_some(),
        ipv4: listeners.is_empty() || any(|listen| listen.address.is_ipv4()),
        ipv6: listeners.is_empty() || any(|listen| listen.address.is_ipv6()),
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("listeners", &self.shared.listeners.len())
            .field("connections", &self.shared.counters.connections.get())
            .finish_non_exhaustive()
    }
}

fn index(flow: Flow) -> usize {
    usize::try_from(flow.id).unwrap_or(usize::MAX)
}
