//! Credentials (RFC 3261 §20.7, RFC 7616 §3.4).

use std::fmt;

use smol_str::SmolStr;
use subtle::ConstantTimeEq;

use super::algorithm::{Algorithm, Ingredients, Secret};
use super::params::{self, keep};
use super::{AuthError, Qop};
use crate::octets::{self, trim};
use crate::params::Quoted;
use crate::uri::{Uri, UriRef};

/// One Authorization or Proxy-Authorization of scheme Digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The private identity.
    pub username: SmolStr,
    /// Whose user.
    pub realm: SmolStr,
    /// Of the challenge; empty in the first REGISTER of an IMS client.
    pub nonce: SmolStr,
    /// The Request-URI as the client wrote it.
    pub uri: SmolStr,
    /// Hexadecimal.
    pub response: SmolStr,
    /// How it was computed.
    pub algorithm: Algorithm,
    /// The client's own nonce.
    pub cnonce: SmolStr,
    /// Of the challenge.
    pub opaque: Option<SmolStr>,
    /// Eight hexadecimal digits, as on the wire.
    pub nc: Option<SmolStr>,
    /// `None` from an RFC 2069 client.
    pub qop: Option<Qop>,
    /// AKA synchronisation failure (RFC 3310 §3.4).
    pub auts: Option<SmolStr>,
}

/// Any Authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization<'a> {
    /// Digest.
    Digest(Box<Credentials>),
    /// A bearer token (RFC 8898).
    Bearer(&'a str),
}

impl<'a> Authorization<'a> {
    /// Of one header value.
    ///
    /// # Errors
    /// [`AuthError::Scheme`] for other schemes, otherwise what is wrong with the credentials.
    pub fn parse(value: &'a [u8]) -> Result<Self, AuthError> {
        let (scheme, rest) = params::scheme(value);
        if !scheme.eq_ignore_ascii_case(b"Bearer") {
            return Credentials::parse(value).map(|credentials| Self::Digest(Box::new(credentials)));
        }
        let token = octets::text(trim(rest));
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic() && b != b',') {
            return Err(AuthError::Malformed);
        }
        Ok(Self::Bearer(token))
    }
}

impl Credentials {
    /// Of one header value.
    ///
    /// # Errors
    /// [`AuthError`] says why it is no credential.
    pub fn parse(value: &[u8]) -> Result<Self, AuthError> {
        let (mut username, mut realm, mut nonce, mut uri) = (None, None, None, None);
        let (mut response, mut algorithm, mut cnonce, mut opaque) = (None, None, None, None);
        let (mut nc, mut qop, mut auts) = (None, None, None);
        params::each(value, |name, value| {
            let slot = match name {
                _ if name.eq_ignore_ascii_case("username") => &mut username,
                _ if name.eq_ignore_ascii_case("realm") => &mut realm,
                _ if name.eq_ignore_ascii_case("nonce") => &mut nonce,
                _ if name.eq_ignore_ascii_case("uri") => &mut uri,
                _ if name.eq_ignore_ascii_case("response") => &mut response,
                _ if name.eq_ignore_ascii_case("algorithm") => &mut algorithm,
                _ if name.eq_ignore_ascii_case("cnonce") => &mut cnonce,
                _ if name.eq_ignore_ascii_case("opaque") => &mut opaque,
                _ if name.eq_ignore_ascii_case("nc") => &mut nc,
                _ if name.eq_ignore_ascii_case("qop") => &mut qop,
                _ if name.eq_ignore_ascii_case("auts") => &mut auts,
                _ => return Ok(()),
            };
            keep(slot, &value)
        })?;
        let algorithm = match algorithm {
            None => Algorithm::MD5,
            Some(text) => Algorithm::parse(&text).ok_or(AuthError::Algorithm)?,
        };
        let qop = match qop {
            None => None,
            Some(text) => Some(Qop::try_from(text.as_str()).map_err(|_| AuthError::Malformed)?),
        };
        if qop.is_some() {
            let count = nc.as_ref().ok_or(AuthError::Missing("nc"))?;
            if count.len() != 8 || u32::from_str_radix(count, 16).is_err() || count.starts_with('+') {
                return Err(AuthError::Malformed);
            }
            if cnonce.is_none() {
                return Err(AuthError::Missing("cnonce"));
            }
        }
        Ok(Self {
            username: username.ok_or(AuthError::Missing("username"))?,
            realm: realm.ok_or(AuthError::Missing("realm"))?,
            nonce: nonce.ok_or(AuthError::Missing("nonce"))?,
            uri: uri.ok_or(AuthError::Missing("uri"))?,
            response: response.ok_or(AuthError::Missing("response"))?,
            algorithm,
            cnonce: cnonce.unwrap_or_default(),
            opaque,
            nc,
            qop,
            auts,
        })
    }

    /// The nonce count; 0 without `qop`.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.nc.as_deref().and_then(|nc| u32::from_str_radix(nc, 16).ok()).unwrap_or(0)
    }

    /// Whether the response is the one that `secret` makes. Takes the same time wherever they differ.
    #[must_use]
    pub fn verify(&self, secret: Secret<'_>, method: &str, body: &[u8]) -> bool {
        let expected = Ingredients {
            algorithm: self.algorithm,
            username: &self.username,
            realm: &self.realm,
            nonce: &self.nonce,
            uri: &self.uri,
            cnonce: &self.cnonce,
            nc: self.nc.as_deref().unwrap_or(""),
            qop: self.qop.as_ref(),
            method,
            body,
        }
        .response(secret);
        let given = self.response.to_ascii_lowercase();
        expected.as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// Whether `uri` names what the request line names: the same octets, or an equivalent URI (RFC 3261 §22.4).
    #[must_use]
    pub fn is_for(&self, target: &Uri) -> bool {
        self.uri == target.as_str()
            || UriRef::parse(self.uri.as_bytes()).is_ok_and(|uri| uri.is_same_as(target))
    }
}

/// The header value.
impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest username={}, realm={}", Quoted(&self.username), Quoted(&self.realm))?;
        write!(f, ", nonce={}, uri={}", Quoted(&self.nonce), Quoted(&self.uri))?;
        write!(f, ", response={}, algorithm={}", Quoted(&self.response), self.algorithm)?;
        if let (Some(qop), Some(nc)) = (&self.qop, &self.nc) {
            write!(f, ", qop={qop}, nc={nc}, cnonce={}", Quoted(&self.cnonce))?;
        }
        if let Some(opaque) = &self.opaque {
            write!(f, ", opaque={}", Quoted(opaque))?;
        }
        if let Some(auts) = &self.auts {
            write!(f, ", auts={}", Quoted(auts))?;
        }
        Ok(())
    }
}

/// Neither who nor what.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("algorithm", &self.algorithm)
            .field("qop", &self.qop)
            .finish_non_exhaustive()
    }
}
