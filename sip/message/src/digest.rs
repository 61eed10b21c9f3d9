//! Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760; AKA: RFC 3310), both sides, and the bare bones of Bearer
//! (RFC 8898).
//!
//! A server: [`Guard`] makes the challenges and judges what comes back; the caller finds the secret in between. A client:
//! [`Challenge::strongest`], then [`Challenge::answer`]. With AKA the nonce comes from the network ([`aka_nonce`]), the
//! secret is the `RES` of the card, and the guard's nonces play no part: use [`Credentials::verify`].

mod algorithm;
mod challenge;
mod credentials;
mod guard;
mod nonce;
mod params;

pub use algorithm::{Algorithm, Secret};
pub use challenge::{Answer, Challenge};
pub use credentials::{Authorization, Credentials};
pub use guard::{Guard, Judgement};
pub use nonce::{NonceCounts, NonceKey};
pub use rsip::headers::auth::Qop;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Why an authentication header cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Another scheme than Digest: not ours to read.
    #[error("another scheme")]
    Scheme,
    /// An algorithm that we do not know: the credential is as good as absent (RFC 8760 §2.4).
    #[error("unknown algorithm")]
    Algorithm,
    /// Not `name=value, …`, or a parameter twice.
    #[error("malformed")]
    Malformed,
    /// A parameter that must be there is not.
    #[error("{0} missing")]
    Missing(&'static str),
}

/// The nonce of an AKA challenge: RAND and AUTN (RFC 3310 §3.2).
#[must_use]
pub fn aka_nonce(rand: &[u8; 16], autn: &[u8; 16]) -> String {
    STANDARD.encode([rand.as_slice(), autn].concat())
}

/// RAND and AUTN out of the nonce of an AKA challenge; what stands behind them is the server's own.
#[must_use]
pub fn aka_vector(nonce: &str) -> Option<([u8; 16], [u8; 16])> {
    let octets = STANDARD.decode(nonce).ok()?;
    let rand = octets.get(..16)?.try_into().ok()?;
    let autn = octets.get(16..32)?.try_into().ok()?;
    Some((rand, autn))
}

/// The AUTS of a synchronisation failure: 14 octets (RFC 3310 §3.4).
#[must_use]
pub fn auts(credentials: &Credentials) -> Option<[u8; 14]> {
    STANDARD.decode(credentials.auts.as_deref()?).ok()?.try_into().ok()
}
