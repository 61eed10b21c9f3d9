//! ESMEs bind to us: the listener, the accounts, the sessions.
//!
//! A connection is two tasks. The reader cuts PDUs, hands whole batches to the intake and waits while the
//! gateway has no room; the writer turns answers and deliveries into octets, as many as are there, in one
//! write. They share the send window, locked once per batch.

mod account;
mod authenticate;
mod binding;
mod reader;
mod requests;
mod waiting;
mod writer;

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock, atomic::AtomicUsize, atomic::Ordering},
    time::Duration,
};

use kit::{Intake, Lookup, Watch};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::account::turn;
pub use self::account::{Account, AccountSettings, PasswordCheck};
use self::authenticate::Failures;
use crate::{
    Version,
    limits::PDU_OCTETS_MAX,
    session::{BindManners, TimerOptions},
    socket,
};

/// What an operator may set about the listener.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Our own id in bind responses.
    pub system_id: String,
    pub version: Version,
    pub timers: TimerOptions,
    /// Larger PDUs close the connection.
    pub pdu_octets_max: usize,
    pub connections_max: usize,
    /// Protocol offences before a connection is closed.
    pub strikes_max: u32,
    /// Before a refused bind is answered.
    pub refusal_delay: Duration,
    /// How binds are refused.
    pub manners: BindManners,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            system_id: "gateway".into(),
            version: Version::V50,
            timers: TimerOptions::default(),
            pdu_octets_max: PDU_OCTETS_MAX,
            connections_max: 1_000,
            strikes_max: 20,
            refusal_delay: Duration::from_millis(500),
            manners: BindManners::default(),
        }
    }
}

/// The SMPP server.
pub struct Server {
    pub(super) settings: ServerSettings,
    pub(super) intake: Arc<dyn Intake>,
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) watch: Arc<dyn Watch>,
    failures: Failures,
    accounts: RwLock<HashMap<String, Arc<Account>>>,
    connections: AtomicUsize,
}

impl Server {
    #[must_use]
    pub fn new(
        settings: ServerSettings,
        intake: Arc<dyn Intake>,
        lookup: Arc<dyn Lookup>,
        watch: Arc<dyn Watch>,
    ) -> Arc<Self> {
        Arc::new(Self {
            settings,
            intake,
            lookup,
            watch,
            failures: Failures::default(),
            accounts: RwLock::default(),
            connections: AtomicUsize::new(0),
        })
    }

    /// Puts these accounts in the place of the old ones. Sessions of accounts that are gone are closed;
    /// those of accounts that stay go on with the new settings.
    pub fn set_accounts(&self, accounts: impl IntoIterator<Item = Arc<Account>>) {
        let accounts: HashMap<String, Arc<Account>> =
            accounts.into_iter().map(|a| (a.system_id(), a)).collect();
        let mut current = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        for (system_id, old) in current.iter() {
            if !accounts.get(system_id).is_some_and(|new| Arc::ptr_eq(new, old)) {
                old.close();
            }
        }
        *current = accounts;
    }

    pub(super) fn account(&self, system_id: &[u8]) -> Option<Arc<Account>> {
        let system_id = std::str::from_utf8(system_id).ok()?;
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).get(system_id).cloned()
    }

    /// Accepts connections until told to stop; then every session finishes what it has in hand and unbinds.
    ///
    /// # Errors
    /// When the listener itself breaks.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        tls: Option<Arc<dyn Fn() -> TlsAcceptor + Send + Sync>>,
        stop: CancellationToken,
    ) -> io::Result<()> {
        let sessions = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                // Out of file descriptors: existing sessions live on (F08).
                Err(error) => {
                    tracing::warn!(%error, "an SMPP connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            if self.connections.load(Ordering::Relaxed) >= self.settings.connections_max {
                tracing::warn!("too many SMPP connections; one more was closed");
                continue;
            }
            self.connections.fetch_add(1, Ordering::Relaxed);
            let (server, tls, stop) = (self.clone(), tls.as_ref().map(|tls| tls()), stop.clone());
            sessions.spawn(async move {
                if let Err(error) = server.session(stream, peer, tls, stop).await {
                    tracing::debug!(%error, "an SMPP connection ended");
                }
                server.connections.fetch_sub(1, Ordering::Relaxed);
            });
        }
        sessions.close();
        sessions.wait().await;
        Ok(())
    }

    async fn session(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        tls: Option<TlsAcceptor>,
        stop: CancellationToken,
    ) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let (reader, writer) = match tls {
            None => socket::plain(stream),
            Some(acceptor) => {
                let handshake = tokio::time::timeout(Duration::from_secs(10), acceptor.accept(stream));
                socket::tls(handshake.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??)
            }
        };
        reader::run(self, reader, writer, peer, stop).await
    }
}
