//! Algorithms, secrets and the digest itself (RFC 7616 §3.4, RFC 3310 §3.3).

use std::fmt;

use md5::Md5;
use rsip::headers::auth::Qop;
use sha2::digest::Digest;
use sha2::{Sha256, Sha512_256};

/// How a response is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Algorithm {
    hash: Hash,
    /// `-sess`: the first half is bound to nonce and cnonce.
    session: bool,
    /// AKAv1: the password is the RES of the card.
    aka: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Hash {
    Md5,
    Sha512_256,
    Sha256,
}

impl Algorithm {
    /// `MD5`, also meant when no algorithm is named.
    pub const MD5: Self = Self { hash: Hash::Md5, session: false, aka: false };
    /// `MD5-sess`
    pub const MD5_SESS: Self = Self { session: true, ..Self::MD5 };
    /// `SHA-256`
    pub const SHA_256: Self = Self { hash: Hash::Sha256, ..Self::MD5 };
    /// `SHA-256-sess`
    pub const SHA_256_SESS: Self = Self { hash: Hash::Sha256, ..Self::MD5_SESS };
    /// `SHA-512-256`
    pub const SHA_512_256: Self = Self { hash: Hash::Sha512_256, ..Self::MD5 };
    /// `SHA-512-256-sess`
    pub const SHA_512_256_SESS: Self = Self { hash: Hash::Sha512_256, ..Self::MD5_SESS };
    /// `AKAv1-MD5`
    pub const AKAV1_MD5: Self = Self { aka: true, ..Self::MD5 };

    const ALL: [(Self, &'static str); 7] = [
        (Self::SHA_256, "SHA-256"),
        (Self::SHA_256_SESS, "SHA-256-sess"),
        (Self::SHA_512_256, "SHA-512-256"),
        (Self::SHA_512_256_SESS, "SHA-512-256-sess"),
        (Self::MD5, "MD5"),
        (Self::MD5_SESS, "MD5-sess"),
        (Self::AKAV1_MD5, "AKAv1-MD5"),
    ];

    /// Of the `algorithm` parameter, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|&(algorithm, _)| algorithm)
    }

    /// As written in the parameter.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|&&(algorithm, _)| algorithm == self).map_or("MD5", |&(_, name)| name)
    }

    /// Whether the password is the RES of a card.
    #[must_use]
    pub const fn is_aka(self) -> bool {
        self.aka
    }

    /// Which of two a client should take: SHA-256, SHA-512-256, MD5 in this order, sessions after the plain one.
    #[must_use]
    pub const fn strength(self) -> u8 {
        let hash = match self.hash {
            Hash::Sha256 => 4,
            Hash::Sha512_256 => 2,
            Hash::Md5 => 0,
        };
        hash + !self.session as u8
    }

    /// Lower-case hexadecimal of the hash of `parts` joined by colons.
    fn hash(self, parts: &[&[u8]]) -> String {
        fn joined<D: Digest>(parts: &[&[u8]]) -> String {
            let mut hash = D::new();
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    hash.update(b":");
                }
                hash.update(part);
            }
            hex(&hash.finalize())
        }
        match self.hash {
            Hash::Md5 => joined::<Md5>(parts),
            Hash::Sha256 => joined::<Sha256>(parts),
            Hash::Sha512_256 => joined::<Sha512_256>(parts),
        }
    }

    /// H(user:realm:password), what a server may keep instead of the password.
    #[must_use]
    pub fn ha1(self, username: &str, realm: &str, password: &[u8]) -> String {
        self.hash(&[username.as_bytes(), realm.as_bytes(), password])
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn hex(octets: &[u8]) -> String {
    octets
        .iter()
        .flat_map(|b| [b >> 4, b & 15])
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}

/// What both sides know.
#[derive(Clone, Copy)]
pub enum Secret<'a> {
    /// A password, or the RES of a card.
    Password(&'a [u8]),
    /// H(user:realm:password) of the algorithm's hash, lower-case hexadecimal.
    Ha1(&'a str),
}

/// Nothing of it is ever shown.
impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What goes into a response.
pub(super) struct Ingredients<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) username: &'a str,
    pub(super) realm: &'a str,
    pub(super) nonce: &'a str,
    pub(super) uri: &'a str,
    pub(super) cnonce: &'a str,
    /// As on the wire.
    pub(super) nc: &'a str,
    pub(super) qop: Option<&'a Qop>,
    pub(super) method: &'a str,
    pub(super) body: &'a [u8],
}

impl Ingredients<'_> {
    /// Lower-case hexadecimal.
    pub(super) fn response(&self, secret: Secret<'_>) -> String {
        let h = |parts: &[&[u8]]| self.algorithm.hash(parts);
        let mut ha1 = match secret {
            Secret::Password(password) => self.algorithm.ha1(self.username, self.realm, password),
            Secret::Ha1(ha1) => ha1.to_ascii_lowercase(),
        };
        let nonce = self.nonce.as_bytes();
        let cnonce = self.cnonce.as_bytes();
        if self.algorithm.session {
            ha1 = h(&[ha1.as_bytes(), nonce, cnonce]);
        }
        let method = self.method.as_bytes();
        let uri = self.uri.as_bytes();
        let ha2 = match self.qop {
            Some(Qop::AuthInt) => h(&[method, uri, h(&[self.body]).as_bytes()]),
            _ => h(&[method, uri]),
        };
        match self.qop {
            Some(qop) => {
                let qop = qop.to_string();
                h(&[ha1.as_bytes(), nonce, self.nc.as_bytes(), cnonce, qop.as_bytes(), ha2.as_bytes()])
            }
            None => h(&[ha1.as_bytes(), nonce, ha2.as_bytes()]),
        }
    }
}
