//! Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760; AKA: RFC 3310), both sides, and the bare bones of Bearer
//! (RFC 8898).
//!
//! A server: [`Guard`] makes the challenges and judges what comes back; the caller finds the secret in between, a
//! password or its hash, or for AKA the [`Card`]. A client: [`Challenge::strongest`], then [`Challenge::answer`]; with AKA
//! its secret is the `res` of [`Card::answer`].

mod aka;
mod algorithm;
mod challenge;
mod credentials;
mod guard;
mod milenage;
mod nonce;
mod params;

pub use aka::{aka_nonce, aka_vector, auts, sequence_number};
pub use algorithm::{Algorithm, Secret};
pub use challenge::{Answer, Challenge};
pub use credentials::{Authorization, Credentials};
pub use guard::{Guard, Judgement};
pub use milenage::{Card, CardError, Vector};
pub use nonce::{NonceCounts, NonceKey};
pub use rsip::headers::auth::Qop;

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
