//! What an operator may set, and whom a connection is to.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use sip_msrp::{Fingerprint, Limits};
use smol_str::SmolStr;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Asked at each handshake, so that certificates can be replaced while we run.
pub type Acceptor = Arc<dyn Fn() -> TlsAcceptor + Send + Sync>;
/// Asked at each connect.
pub type Connector = Arc<dyn Fn() -> TlsConnector + Send + Sync>;

/// How the other end proves who it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Proof {
    /// By the certificate that it announced in `a=fingerprint`; whoever signed it.
    Fingerprint(Fingerprint),
    /// By a certificate for this name, from somebody we trust.
    Name(SmolStr),
}

/// Where a connection goes. `Debug` shows no address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The address of the next hop.
    pub remote: SocketAddr,
    /// TLS, and how the other end proves itself; `None`: plain TCP.
    pub tls: Option<Proof>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

/// Of all MSRP connections of one process.
#[derive(Clone)]
pub struct Settings {
    /// Dials others whose certificate was announced; it takes any, because the fingerprint decides.
    pub by_fingerprint: Option<Connector>,
    /// Dials others that prove a name.
    pub by_name: Option<Connector>,
    /// What a peer may make the decoder of its connection hold.
    pub frames: Limits,
    /// Octets read and not taken by the driver yet. Over it nothing is read, and peers feel it.
    pub queue_octets_max: usize,
    /// Connections in both directions.
    pub connections_max: usize,
    /// Connections that came in from one address.
    pub connections_per_source_max: usize,
    /// Octets that wait to be written on one connection; over it the connection is closed.
    pub connection_octets_max: usize,
    /// For the connect.
    pub dial_timeout: Duration,
    /// For the TLS handshake.
    pub handshake_timeout: Duration,
    /// For the next frame, or the next piece of a long one, once it has begun.
    pub frame_timeout: Duration,
    /// A peer that takes nothing for so long is gone.
    pub write_timeout: Duration,
    /// A peer is heard so long after our last word, so that it can read it.
    pub linger: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            by_fingerprint: None,
            by_name: None,
            frames: Limits::default(),
            queue_octets_max: 32 << 20,
            connections_max: 20_000,
            connections_per_source_max: 200,
            connection_octets_max: 4 << 20,
            dial_timeout: Duration::from_secs(4),
            handshake_timeout: Duration::from_secs(10),
            frame_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            linger: Duration::from_secs(1),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("by_fingerprint", &self.by_fingerprint.is_some())
            .field("by_name", &self.by_name.is_some())
            .field("queue_octets_max", &self.queue_octets_max)
            .field("connections_max", &self.connections_max)
            .finish_non_exhaustive()
    }
}
