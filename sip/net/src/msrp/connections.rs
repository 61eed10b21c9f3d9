//! All connections, and what a driver may do with them without waiting.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use hashbrown::HashMap;
use sip_msrp::{Action, ConnectionId};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Acceptor, Event, Inbox, Settings, Target, accept, connection::Connection, dial, inbox::Feed, reader,
    writer,
};
use crate::{Counter, Ended};

/// What an operator may want to know: numbers that only grow, and one that does not.
#[derive(Debug, Default)]
pub struct Numbers {
    /// Connections that stand.
    pub standing: Counter,
    /// Connections that came in.
    pub accepted: Counter,
    /// Connections that came in and were one too many.
    pub turned_away: Counter,
    /// Connections that we opened.
    pub dialled: Counter,
    /// Connections that we could not open.
    pub dial_failed: Counter,
    /// TLS handshakes that came to nothing, either way.
    pub handshake_failed: Counter,
    /// Frames and pieces of long ones that came in.
    pub frames_in: Counter,
    /// Octets that came in.
    pub octets_in: Counter,
    /// Octets that left.
    pub octets_out: Counter,
    /// Streams that could not be followed.
    pub broken: Counter,
    /// Peers that were too slow, either way.
    pub slow: Counter,
}

/// The sockets of MSRP. A clone is the same connections.
#[derive(Clone)]
pub struct Connections {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) feed: Feed,
    pub(super) numbers: Numbers,
    pub(super) stop: CancellationToken,
    tasks: TaskTracker,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    by_id: HashMap<ConnectionId, Arc<Connection>>,
    /// Those we dialled; the ones that came in are from ports that nobody listens at.
    by_target: HashMap<Target, ConnectionId>,
    /// Connections from one address, handshakes included.
    by_source: HashMap<IpAddr, usize>,
    /// Came in, and are still in their handshake.
    greeting: usize,
    last: u64,
}

impl Connections {
    /// Nothing yet. Everything ends with `stop`, and so does the inbox when the last clone is gone.
    pub fn new(settings: Settings, stop: CancellationToken) -> (Self, Inbox) {
        let (feed, inbox) = Feed::new(settings.queue_octets_max);
        let shared = Shared {
            settings,
            feed,
            numbers: Numbers::default(),
            stop,
            tasks: TaskTracker::new(),
            table: Mutex::default(),
        };
        (Self { shared: Arc::new(shared) }, inbox)
    }

    /// Listens, with TLS when there is an acceptor for it. Gives the address, which matters for port 0. Has to
    /// be called inside of a runtime.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at.
    pub fn listen(&self, address: SocketAddr, tls: Option<Acceptor>) -> io::Result<SocketAddr> {
        let socket = socket2::Socket::new(
            socket2::Domain::for_address(address),
            socket2::Type::STREAM,
            Some(socket2::Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(1024)?;
        let listener = TcpListener::from_std(socket.into())?;
        let address = listener.local_addr()?;
        let shared = self.shared.clone();
        let stop = shared.stop.clone();
        self.shared.tasks.spawn(stop.run_until_cancelled_owned(accept::accept(listener, tls, shared)));
        Ok(address)
    }

    /// A connection to there: the one that we opened before, or a new one that is still to stand. `None`: one
    /// too many. [`Event::Opened`] or [`Event::Closed`] says what became of it.
    pub fn connect(&self, target: Target) -> Option<ConnectionId> {
        let (connection, fresh) = self.shared.to(target)?;
        let id = connection.id;
        if fresh {
            let shared = self.shared.clone();
            self.shared.tasks.spawn(async move { dial::dial(&shared, &connection).await });
        }
        Some(id)
    }

    /// Writes as soon as the other end takes it. What is written to a connection that is gone is dropped;
    /// [`Event::Closed`] has said so or will.
    pub fn write(&self, connection: ConnectionId, octets: Bytes) {
        let one = self.shared.lock().by_id.get(&connection).cloned();
        if let Some(one) = one {
            one.push(octets);
        }
    }

    /// Closes after what waits was written.
    pub fn close(&self, connection: ConnectionId) {
        let one = self.shared.lock().by_id.get(&connection).cloned();
        if let Some(one) = one {
            one.end(Ended::Stopped);
        }
    }

    /// Does what is to be done with connections, and leaves the other actions where they are.
    pub fn perform(&self, actions: &mut Vec<Action>) {
        actions.retain_mut(|action| match action {
            Action::Write { connection, octets } => {
                self.write(*connection, std::mem::take(octets));
                false
            }
            Action::Close { connection } => {
                self.close(*connection);
                false
            }
            _ => true,
        });
    }

    /// The numbers.
    pub fn numbers(&self) -> &Numbers {
        &self.shared.numbers
    }

    /// Waits until everything that ended with `stop` is over.
    pub async fn closed(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("numbers", &self.shared.numbers).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Counts somebody in who came to us, before anything else is done for them. False: one too many.
    pub(super) fn admit(&self, source: IpAddr) -> bool {
        let mut table = self.lock();
        let from_there = table.by_source.get(&source).copied().unwrap_or(0);
        let full = table.by_id.len() + table.greeting >= self.settings.connections_max;
        if full || from_there >= self.settings.connections_per_source_max {
            return false;
        }
        *table.by_source.entry(source).or_insert(0) += 1;
        table.greeting += 1;
        true
    }

    /// The handshake of somebody admitted came to nothing.
    pub(super) fn dismiss(&self, source: IpAddr) {
        let mut table = self.lock();
        table.greeting = table.greeting.saturating_sub(1);
        table.release(source);
    }

    /// Somebody admitted is connected.
    pub(super) fn accepted(&self, source: IpAddr) -> Arc<Connection> {
        let mut table = self.lock();
        table.greeting = table.greeting.saturating_sub(1);
        table.insert(None, Some(source), self)
    }

    fn to(&self, target: Target) -> Option<(Arc<Connection>, bool)> {
        let mut table = self.lock();
        let standing = table.by_target.get(&target).and_then(|id| table.by_id.get(id));
        if let Some(connection) = standing.filter(|connection| connection.is_open()) {
            return Some((connection.clone(), false));
        }
        if table.by_id.len() + table.greeting >= self.settings.connections_max {
            return None;
        }
        Some((table.insert(Some(target), None, self), true))
    }

    /// Runs a connection that stands until it ends, either way.
    pub(super) async fn run<S>(&self, connection: &Connection, opened: Event, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.numbers.standing.one();
        self.feed.tell(opened);
        let (reader, writer) = tokio::io::split(stream);
        let reading = async {
            let (why, reader) = reader::read(self, connection, reader).await;
            connection.end(why);
            reader
        };
        let writing = async {
            let written = writer::write(self, connection, writer).await;
            if let Err(error) = &written {
                connection.end(broken(error));
            }
            written.is_ok()
        };
        let (reader, written) = tokio::join!(reading, writing);
        if written {
            reader::linger(self, connection, reader).await;
        }
        self.numbers.standing.less();
        self.finish(connection);
    }

    /// The connection is none any more: the driver hears why.
    pub(super) fn finish(&self, connection: &Connection) {
        let why = connection.ended().unwrap_or(Ended::Closed);
        if matches!(why, Ended::Slow | Ended::Overflow) {
            self.numbers.slow.one();
        }
        self.lock().remove(connection);
        self.feed.tell(Event::Closed { connection: connection.id, why });
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(
        &mut self,
        target: Option<Target>,
        source: Option<IpAddr>,
        Shared { settings, stop, .. }: &Shared,
    ) -> Arc<Connection> {
        self.last += 1;
        let id = ConnectionId(self.last);
        if let Some(target) = target.clone() {
            self.by_target.insert(target, id);
        }
        let connection = Connection::new(id, target, source, settings.connection_octets_max, stop);
        let connection = Arc::new(connection);
        self.by_id.insert(id, connection.clone());
        connection
    }

    fn remove(&mut self, connection: &Connection) {
        if self.by_id.remove(&connection.id).is_none() {
            return;
        }
        if let Some(target) = &connection.target
            // A newer one may have taken its place.
            && self.by_target.get(target) == Some(&connection.id)
        {
            self.by_target.remove(target);
        }
        if let Some(source) = connection.source {
            self.release(source);
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

/// Chunks and answers are small, and somebody waits for them.
pub(super) fn tune(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "an MSRP connection keeps small segments back");
    }
}

fn broken(error: &io::Error) -> Ended {
    match error.kind() {
        io::ErrorKind::TimedOut => Ended::Overflow,
        _ => Ended::Broken,
    }
}
