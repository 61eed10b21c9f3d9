//! The server's side: challenges, and what to think of what comes back (RFC 3261 §22.1, §22.4).

use smallvec::SmallVec;
use smol_str::SmolStr;

use super::Qop;
use super::algorithm::{Algorithm, Secret};
use super::challenge::Challenge;
use super::credentials::Credentials;
use super::nonce::{Nonce, NonceCounts, NonceKey};
use crate::headers::{HeaderValue, Headers};
use crate::message::Request;
use crate::name::Name;

/// Asks the users of one realm for their digest.
#[derive(Debug)]
pub struct Guard {
    realm: SmolStr,
    pub(super) key: NonceKey,
    counts: NonceCounts,
    /// Offered, strongest first.
    pub algorithms: SmallVec<[Algorithm; 3]>,
    /// Whether `auth-int` is offered beside `auth`.
    pub auth_int: bool,
    /// Whether answers without `qop` are taken (RFC 2069): nothing then protects from replays.
    pub without_qop: bool,
    /// How long a nonce is good, µs.
    pub nonce_life_us: i64,
}

/// What credentials are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The user knows the secret.
    Good,
    /// Right perhaps, with a nonce that is old, not ours, or was used with this count: challenge again with `stale`.
    Stale,
    /// The secret is wrong: challenge again, count it.
    Wrong,
    /// Not an answer to this request or to what we offer: challenge again.
    Unfit,
}

impl Guard {
    /// Nonces counted at a time, in each of two generations.
    pub const NONCES: usize = 100_000;
    /// How long a nonce is good: an hour.
    pub const NONCE_LIFE_US: i64 = 3_600_000_000;

    /// Offers SHA-256 and MD5 with `qop="auth"`.
    #[must_use]
    pub fn new(realm: &str, key: NonceKey) -> Self {
        Self {
            realm: realm.into(),
            key,
            counts: NonceCounts::new(Self::NONCES),
            algorithms: SmallVec::from_slice(&[Algorithm::SHA_256, Algorithm::MD5]),
            auth_int: false,
            without_qop: false,
            nonce_life_us: Self::NONCE_LIFE_US,
        }
    }

    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Puts one challenge for each algorithm behind `headers`, as WWW-Authenticate or Proxy-Authenticate.
    pub fn challenge(
        &self,
        now_us: i64,
        random: [u8; 16],
        source: &[u8],
        stale: bool,
        name: &Name,
        headers: &mut Headers,
    ) {
        let nonce = self.key.make(now_us, random, &self.realm, source);
        for &algorithm in &self.algorithms {
            let mut challenge = Challenge::new(&self.realm, &nonce, algorithm);
            challenge.auth_int = self.auth_int;
            challenge.stale = stale;
            headers.push(name.clone(), HeaderValue::display(challenge));
        }
    }

    /// The credentials of a request for this realm, the strongest first found; what cannot be read is as good as absent.
    /// `name` is Authorization or Proxy-Authorization.
    #[must_use]
    pub fn credentials(&self, request: &Request, name: Name) -> Option<Credentials> {
        let readable = request.headers.all(name).filter_map(|value| Credentials::parse(value).ok());
        readable.filter(|credentials| credentials.realm == self.realm).reduce(|best, next| {
            if next.algorithm.strength() > best.algorithm.strength() { next } else { best }
        })
    }

    /// Judges credentials of this realm; `secret` is what the caller found for their user.
    pub fn judge(
        &mut self,
        now_us: i64,
        source: &[u8],
        request: &Request,
        credentials: &Credentials,
        secret: Secret<'_>,
    ) -> Judgement {
        match self.unfit(request, credentials) {
            Some(unfit) => unfit,
            None => {
                self.judge_fit(now_us, source, (request.method.as_str(), &request.body), credentials, secret)
            }
        }
    }

    /// The same for a call of HTTP, given as method and target (RFC 7616 §3.4.6). The target is no URI of SIP and stands
    /// octet for octet; the body is not looked at, so `auth-int` does not fit.
    pub fn judge_http(
        &mut self,
        now_us: i64,
        source: &[u8],
        (method, target): (&str, &str),
        credentials: &Credentials,
        secret: Secret<'_>,
    ) -> Judgement {
        if credentials.qop != Some(Qop::Auth) || credentials.uri != target {
            return Judgement::Unfit;
        }
        self.judge_fit(now_us, source, (method, b""), credentials, secret)
    }

    fn judge_fit(
        &mut self,
        now_us: i64,
        source: &[u8],
        (method, body): (&str, &[u8]),
        credentials: &Credentials,
        secret: Secret<'_>,
    ) -> Judgement {
        if !self.algorithms.contains(&credentials.algorithm) {
            return Judgement::Unfit;
        }
        if !credentials.verify(secret, method, body) {
            return Judgement::Wrong;
        }
        match self.key.read(&credentials.nonce, &self.realm, source) {
            Some(nonce) => self.fresh(now_us, nonce, credentials),
            None => Judgement::Stale,
        }
    }

    /// Whether credentials answer another request, or in another way than asked.
    pub(super) fn unfit(&self, request: &Request, credentials: &Credentials) -> Option<Judgement> {
        let fit = (credentials.qop.is_some() || self.without_qop) && credentials.is_for(&request.uri);
        (!fit).then_some(Judgement::Unfit)
    }

    /// What right credentials are worth by their nonce. Counts are taken only now: nobody else may use up a user's.
    pub(super) fn fresh(&mut self, now_us: i64, nonce: Nonce, credentials: &Credentials) -> Judgement {
        let age_us = now_us.saturating_sub(nonce.made_us);
        let fresh = (0..=self.nonce_life_us).contains(&age_us);
        if fresh && (credentials.qop.is_none() || self.counts.take(now_us, nonce, credentials.count())) {
            Judgement::Good
        } else {
            Judgement::Stale
        }
    }
}
