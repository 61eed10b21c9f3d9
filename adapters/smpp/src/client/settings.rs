//! What an operator sets about a channel to an SMSC.

use std::{fmt, sync::Arc, time::Duration};

use model::{ChannelId, Class};
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::{
    Version,
    ids::{Learned, Transform},
    pdu::BindKind,
    session::TimerOptions,
    translate::LinkText,
};

/// Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Vec<u8>);

impl Password {
    #[must_use]
    pub fn new(password: impl Into<Vec<u8>>) -> Self {
        Self(password.into())
    }

    pub(super) fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// How the connection is encrypted.
#[derive(Clone)]
pub struct ClientTls {
    /// Asked at each connect, so that certificates can be replaced while we run.
    pub connector: Arc<dyn Fn() -> TlsConnector + Send + Sync>,
    /// The name to find in the certificate.
    pub server_name: ServerName<'static>,
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// Which binds make up one of the binds of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BindMode {
    #[default]
    Transceiver,
    /// A pair of connections, one for each direction.
    TransmitterAndReceiver,
}

impl BindMode {
    pub(super) const fn kinds(self) -> &'static [BindKind] {
        match self {
            Self::Transceiver => &[BindKind::Transceiver],
            Self::TransmitterAndReceiver => &[BindKind::Transmitter, BindKind::Receiver],
        }
    }
}

/// How the ids of answers and receipts relate (SMS sheet §1.10). Every spelling is looked for whatever is
/// said here; this one is looked for first, and so decides when two messages could be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdSpelling {
    /// Nothing is known.
    #[default]
    Auto,
    /// The same text in both.
    Same,
    /// Hexadecimal in the answer, decimal in the receipt.
    HexThenDecimal,
    /// Decimal in the answer, hexadecimal in the receipt.
    DecimalThenHex,
}

impl IdSpelling {
    pub(super) fn learned(self) -> Learned {
        let mut learned = Learned::default();
        let transform = match self {
            Self::Auto | Self::Same => return learned,
            Self::HexThenDecimal => Transform::Hex,
            Self::DecimalThenHex => Transform::Decimal,
        };
        while learned.hint().is_none() {
            learned.hit(transform);
        }
        learned
    }
}

/// What an operator sets about a channel. Where it says *at once*, [`Client::set`](super::Client::set)
/// changes it on links that are up; the rest is followed from the next connect on.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Fixed for the life of the client.
    pub channel: ChannelId,
    /// For the log.
    pub name: String,
    /// Host and port, resolved at each connect.
    pub address: String,
    pub tls: Option<ClientTls>,
    pub system_id: String,
    pub password: Password,
    pub system_type: String,
    pub address_range: String,
    /// What we offer to speak; the SMSC may speak less.
    pub version: Version,
    /// Binds, or pairs of binds. Fixed for the life of the client.
    pub binds: usize,
    /// Fixed for the life of the client.
    pub bind: BindMode,
    /// Submissions that may be unanswered on one bind. At once.
    pub window: usize,
    /// Segments per second over the whole channel; none when zero. At once.
    pub rate: u32,
    /// `inactivity_us` is not followed: a channel stays bound to receive.
    pub timers: TimerOptions,
    /// What is not answered by then has an unknown outcome.
    pub answer_timeout: Duration,
    /// The longest pause between two connects.
    pub reconnect_max: Duration,
    /// How long answers are waited for when we stop.
    pub drain_max: Duration,
    /// At once.
    pub text: LinkText,
    /// Of messages that come in. At once.
    pub class: Class,
    /// `ACCEPTD` is the last word of this SMSC. At once.
    pub accepted_is_final: bool,
    /// At once.
    pub ids: IdSpelling,
}

impl ClientSettings {
    /// A channel with everything else at its default.
    #[must_use]
    pub fn new(channel: ChannelId, name: &str, address: &str, system_id: &str, password: Password) -> Self {
        Self {
            channel,
            name: name.into(),
            address: address.into(),
            tls: None,
            system_id: system_id.into(),
            password,
            system_type: String::new(),
            address_range: String::new(),
            version: Version::V34,
            binds: 1,
            bind: BindMode::default(),
            window: 100,
            rate: 0,
            timers: TimerOptions::default(),
            answer_timeout: Duration::from_secs(60),
            reconnect_max: Duration::from_secs(30),
            drain_max: Duration::from_secs(10),
            text: LinkText::default(),
            class: Class::default(),
            accepted_is_final: true,
            ids: IdSpelling::default(),
        }
    }
}
