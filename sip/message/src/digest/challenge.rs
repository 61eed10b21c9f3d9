//! Challenges (RFC 3261 §20.44, RFC 7616 §3.3).

use std::fmt;

use smol_str::SmolStr;

use super::algorithm::{Algorithm, Ingredients, Secret};
use super::credentials::Credentials;
use super::params::{self, keep};
use super::{AuthError, Qop};
use crate::params::Quoted;

/// One WWW-Authenticate or Proxy-Authenticate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Whose users are asked for.
    pub realm: SmolStr,
    /// To be hashed with the answer.
    pub nonce: SmolStr,
    /// How.
    pub algorithm: Algorithm,
    /// Whether `auth` is offered.
    pub auth: bool,
    /// Whether `auth-int` is offered. With neither, the answer has no `qop` (RFC 2069).
    pub auth_int: bool,
    /// To be sent back.
    pub opaque: Option<SmolStr>,
    /// The nonce was old, the secret may be right: answer again without asking anybody.
    pub stale: bool,
}

impl Challenge {
    /// With `qop="auth"`.
    #[must_use]
    pub fn new(realm: &str, nonce: &str, algorithm: Algorithm) -> Self {
        Self {
            realm: realm.into(),
            nonce: nonce.into(),
            algorithm,
            auth: true,
            auth_int: false,
            opaque: None,
            stale: false,
        }
    }

    /// Of one header value.
    ///
    /// # Errors
    /// [`AuthError`] says why it cannot be answered.
    pub fn parse(value: &[u8]) -> Result<Self, AuthError> {
        let (mut realm, mut nonce, mut opaque, mut algorithm) = (None, None, None, None);
        let (mut auth, mut auth_int, mut stale) = (false, false, false);
        params::each(value, |name, value| {
            match name {
                _ if name.eq_ignore_ascii_case("realm") => keep(&mut realm, &value)?,
                _ if name.eq_ignore_ascii_case("nonce") => keep(&mut nonce, &value)?,
                _ if name.eq_ignore_ascii_case("opaque") => keep(&mut opaque, &value)?,
                _ if name.eq_ignore_ascii_case("algorithm") => keep(&mut algorithm, &value)?,
                _ if name.eq_ignore_ascii_case("stale") => stale = value.eq_ignore_ascii_case("true"),
                _ if name.eq_ignore_ascii_case("qop") => {
                    for option in value.split(',').map(str::trim) {
                        auth |= option.eq_ignore_ascii_case("auth");
                        auth_int |= option.eq_ignore_ascii_case("auth-int");
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        let algorithm = match algorithm {
            None => Algorithm::MD5,
            Some(text) => Algorithm::parse(&text).ok_or(AuthError::Algorithm)?,
        };
        Ok(Self {
            realm: realm.ok_or(AuthError::Missing("realm"))?,
            nonce: nonce.ok_or(AuthError::Missing("nonce"))?,
            algorithm,
            auth,
            auth_int,
            opaque,
            stale,
        })
    }

    /// The strongest that we can answer, of all the header values.
    pub fn strongest<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let readable = values.into_iter().filter_map(|value| Self::parse(value).ok());
        readable.reduce(
            |best, next| if next.algorithm.strength() > best.algorithm.strength() { next } else { best },
        )
    }

    /// The credentials that answer it.
    #[must_use]
    pub fn answer(&self, with: &Answer<'_>) -> Credentials {
        let qop = match (self.auth, self.auth_int) {
            (true, _) => Some(Qop::Auth),
            (false, true) => Some(Qop::AuthInt),
            (false, false) => None,
        };
        let mut credentials = Credentials {
            username: with.username.into(),
            realm: self.realm.clone(),
            nonce: self.nonce.clone(),
            uri: with.uri.into(),
            response: SmolStr::default(),
            algorithm: self.algorithm,
            cnonce: if qop.is_some() { with.cnonce.into() } else { SmolStr::default() },
            opaque: self.opaque.clone(),
            nc: qop.is_some().then(|| smol_str::format_smolstr!("{:08x}", with.count)),
            qop,
            auts: None,
        };
        credentials.response = Ingredients {
            algorithm: credentials.algorithm,
            username: &credentials.username,
            realm: &credentials.realm,
            nonce: &credentials.nonce,
            uri: &credentials.uri,
            cnonce: &credentials.cnonce,
            nc: credentials.nc.as_deref().unwrap_or(""),
            qop: credentials.qop.as_ref(),
            method: with.method,
            body: with.body,
        }
        .response(with.secret)
        .into();
        credentials
    }
}

/// What a client puts into its answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The private identity.
    pub username: &'a str,
    /// Its secret; the RES for AKA.
    pub secret: Secret<'a>,
    /// Of the request.
    pub method: &'a str,
    /// The Request-URI as written.
    pub uri: &'a str,
    /// For `auth-int`.
    pub body: &'a [u8],
    /// Random text of our own.
    pub cnonce: &'a str,
    /// How many requests with this nonce, this one included.
    pub count: u32,
}

/// The header value.
impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest realm={}, nonce={}", Quoted(&self.realm), Quoted(&self.nonce))?;
        write!(f, ", algorithm={}", self.algorithm)?;
        match (self.auth, self.auth_int) {
            (true, true) => f.write_str(", qop=\"auth,auth-int\"")?,
            (true, false) => f.write_str(", qop=\"auth\"")?,
            (false, true) => f.write_str(", qop=\"auth-int\"")?,
            (false, false) => {}
        }
        if let Some(opaque) = &self.opaque {
            write!(f, ", opaque={}", Quoted(opaque))?;
        }
        if self.stale {
            f.write_str(", stale=true")?;
        }
        Ok(())
    }
}
