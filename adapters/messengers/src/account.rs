//! What one configured messenger account consists of, whatever the messenger.

use http::Uri;
use model::ChannelId;
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use subtle::ConstantTimeEq;

use crate::Secret;

/// One account at one messenger.
#[derive(Debug, Clone)]
pub struct Account {
    /// The channel this account is.
    pub channel: ChannelId,
    /// The channel's name; users of this messenger carry it.
    pub name: SmolStr,
    /// What the messenger's server shows when it calls us; any one suffices, so that secrets can be
    /// changed by overlap. Empty refuses every call.
    pub credentials: Vec<Credential>,
    /// Where we push to. `None`: the messenger's server pulls.
    pub push_url: Option<Uri>,
    /// Signs what we push.
    pub push_secret: Option<Secret>,
}

/// How the messenger's server proves who it is.
#[derive(Debug, Clone)]
pub enum Credential {
    /// `Authorization: Bearer …`.
    Bearer(TokenDigest),
    /// The headers of Standard Webhooks.
    Signature(Secret),
}

/// SHA-256 of a bearer token: the token itself is never kept. Tokens are random, so no slow hash is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    #[must_use]
    pub const fn from_octets(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// In constant time.
    #[must_use]
    pub fn matches(&self, token: &str) -> bool {
        self.0.ct_eq(&Self::of(token).0).into()
    }
}
