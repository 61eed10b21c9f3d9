//! What links tell, as metrics.

use std::{sync::Mutex, sync::PoisonError, time::Duration};

use kit::Watch;
use model::{Cause, Refusal};
use monitoring::{
    AuthFailure, ChannelMetrics, Ingress, ParseError, PeerState, Protocol, Registry, SessionMetrics,
};

/// The link-level figures of one channel.
pub(crate) struct LinkWatch {
    registry: std::sync::Arc<Registry>,
    metrics: ChannelMetrics,
    /// One per session that is up; which one goes first does not matter.
    sessions: Mutex<Vec<SessionMetrics>>,
}

impl LinkWatch {
    pub(crate) fn new(registry: std::sync::Arc<Registry>, metrics: ChannelMetrics) -> Self {
        Self { registry, metrics, sessions: Mutex::default() }
    }
}

impl Watch for LinkWatch {
    fn up(&self) {
        let mut session = self.metrics.session();
        session.state(PeerState::Bound);
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }

    fn down(&self) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).pop();
    }

    fn reconnecting(&self) {
        self.metrics.reconnected();
    }

    fn window(&self, used: u32, size: u32) {
        if let Some(session) = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).first_mut() {
            session.window(used, size);
        }
    }

    fn round_trip(&self, took: Duration) {
        self.metrics.round_trip(took);
    }

    fn refused(&self, refusal: &Refusal) {
        self.metrics.refused(refusal);
    }

    fn refusing(&self, cause: Cause) {
        self.metrics.rejected(cause);
    }

    fn malformed(&self, framing: bool) {
        self.registry
            .malformed(Protocol::Smpp, if framing { ParseError::Framing } else { ParseError::Value });
    }

    fn auth_failed(&self) {
        self.registry.auth_failed(Ingress::Smpp, AuthFailure::WrongSecret);
    }
}

/// The same for SIP, whose sockets count for themselves what they cannot read.
pub(crate) struct SipWatch(pub(crate) LinkWatch);

impl Watch for SipWatch {
    fn up(&self) {
        self.0.up();
    }

    fn down(&self) {
        self.0.down();
    }

    fn reconnecting(&self) {
        self.0.reconnecting();
    }

    fn window(&self, used: u32, size: u32) {
        self.0.window(used, size);
    }

    fn round_trip(&self, took: Duration) {
        self.0.round_trip(took);
    }

    fn refused(&self, refusal: &Refusal) {
        self.0.refused(refusal);
    }

    fn refusing(&self, cause: Cause) {
        self.0.refusing(cause);
    }

    fn auth_failed(&self) {
        self.0.registry.auth_failed(Ingress::Sip, AuthFailure::WrongSecret);
    }
}

/// The listener before anybody has bound: offences of strangers.
pub(crate) struct ListenerWatch(pub(crate) std::sync::Arc<Registry>);

impl Watch for ListenerWatch {
    fn malformed(&self, framing: bool) {
        self.0.malformed(Protocol::Smpp, if framing { ParseError::Framing } else { ParseError::Value });
    }

    fn refusing(&self, cause: Cause) {
        self.0.refused(cause, 1);
    }

    fn auth_failed(&self) {
        self.0.auth_failed(Ingress::Smpp, AuthFailure::WrongSecret);
    }
}
