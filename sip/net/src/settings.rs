//! What an operator may set, and how much of everything there may be.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use sip_message::Limits;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::{SourceRate, Transport, resolve::CacheLimits};

/// One address to listen at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    pub transport: Transport,
    /// A concrete address: on a wildcard the answer may leave from another address than the one asked.
    pub address: SocketAddr,
    /// The row of the transaction layer's settings that holds for what comes in here.
    pub class: u8,
}

/// Certificates and trust come ready made.
#[derive(Clone, Default)]
pub struct TlsSettings {
    /// Asked at each handshake, so that certificates can be replaced while we run. Needed to listen.
    pub acceptor: Option<Arc<dyn Fn() -> TlsAcceptor + Send + Sync>>,
    /// Asked at each connect. Needed to connect.
    pub connector: Option<Arc<dyn Fn() -> TlsConnector + Send + Sync>>,
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings")
            .field("acceptor", &self.acceptor.is_some())
            .field("connector", &self.connector.is_some())
            .finish()
    }
}

/// Of one endpoint.
#[derive(Debug, Clone)]
pub struct Settings {
    pub listen: Vec<Listen>,
    pub tls: TlsSettings,
    /// Sockets for each UDP address; the system spreads peers over them.
    pub udp_sockets: usize,
    /// Asked of the system for each UDP socket, in each direction; it may give less.
    pub udp_buffer_octets: usize,
    /// Datagrams of one length for one peer leave as one, cut by the network card (UDP segmentation offload):
    /// half the work for each, but a capture on this machine may show them uncut.
    pub udp_segmentation: bool,
    /// Datagrams that wait for one socket while the system takes none.
    pub udp_waiting_max: usize,
    pub datagram: Limits,
    pub stream: Limits,
    /// Messages read and not taken by the driver yet. Over it requests are answered 503.
    pub queue_messages_max: usize,
    /// How much one source may ask.
    pub source_rate: Option<SourceRate>,
    /// What a 503 asks for, in seconds.
    pub retry_after_s: u32,
    /// Connections in both directions.
    pub connections_max: usize,
    /// Connections that came in from one address.
    pub connections_per_source_max: usize,
    /// Octets that wait to be written on one connection; over it the connection is closed.
    pub connection_octets_max: usize,
    pub dial_timeout: Duration,
    pub handshake_timeout: Duration,
    /// From the first octet of a message to its last, and from the accept to the first message.
    pub message_timeout: Duration,
    /// A connection on which nothing comes or goes for so long is closed.
    pub idle_timeout: Duration,
    /// A peer that takes nothing for so long is gone.
    pub write_timeout: Duration,
    /// A stream waits so long for room in the queue before its requests are answered 503.
    pub patience: Duration,
    pub dns: CacheLimits,
    /// Destinations being looked up at the same time.
    pub resolving_max: usize,
    /// Tokens that wait for one of them.
    pub resolving_tokens_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            tls: TlsSettings::default(),
            udp_sockets: 1,
            udp_buffer_octets: 8 << 20,
            udp_segmentation: false,
            udp_waiting_max: 4_096,
            datagram: Limits::DATAGRAM,
            stream: Limits::STREAM,
            queue_messages_max: 4_096,
            source_rate: None,
            retry_after_s: 5,
            connections_max: 20_000,
            connections_per_source_max: 200,
            connection_octets_max: 1 << 20,
            dial_timeout: Duration::from_secs(4),
            handshake_timeout: Duration::from_secs(10),
            message_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(3_600),
            write_timeout: Duration::from_secs(30),
            patience: Duration::from_millis(200),
            dns: CacheLimits::default(),
            resolving_max: 1_024,
            resolving_tokens_max: 65_536,
        }
    }
}
