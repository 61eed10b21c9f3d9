//! Signatures by the Standard Webhooks specification 1.0: `webhook-id`, `webhook-timestamp` and
//! `webhook-signature`, HMAC-SHA256 over `id.timestamp.body`.

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use model::Timestamp;
use sha2::Sha256;

pub(crate) const ID: HeaderName = HeaderName::from_static("webhook-id");
pub(crate) const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
pub(crate) const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// How far a timestamp may lie from our clock, either way.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// A shorter key could be guessed from one captured call.
const SECRET_OCTETS_MIN: usize = 16;
/// Signatures looked at in one header; more than one is a change of secrets under way.
const SIGNATURES_MAX: usize = 8;

/// A shared secret. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

/// The text is not a usable secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    #[error("after `whsec_` a secret is base64")]
    NotBase64,
    #[error("a secret has at least 16 octets")]
    TooShort,
}

/// Why a call is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    #[error("webhook-id, webhook-timestamp and webhook-signature are needed")]
    Missing,
    #[error("webhook-timestamp is more than five minutes from our clock")]
    Stale,
    #[error("no signature in webhook-signature fits")]
    Mismatch,
}

impl Secret {
    /// `whsec_` and base64, or the octets of any other text.
    ///
    /// # Errors
    /// See [`BadSecret`].
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let octets = match text.strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| BadSecret::NotBase64)?,
            None => text.as_bytes().to_vec(),
        };
        if octets.len() < SECRET_OCTETS_MIN { Err(BadSecret::TooShort) } else { Ok(Self(octets.into())) }
    }

    /// The three headers for `body`, sent now under `id`.
    pub(crate) fn sign(&self, now: Timestamp, id: &str, body: &[u8], headers: &mut HeaderMap) {
        let timestamp = now.secs().to_string();
        let signature =
            format!("v1,{}", STANDARD.encode(self.mac(id, &timestamp, body).finalize().into_bytes()));
        for (name, value) in [(ID, id), (TIMESTAMP, &timestamp), (SIGNATURE, &signature)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
    }

    /// Whether somebody with the secret sent `body` within [`TOLERANCE`] of `now`.
    pub(crate) fn verify(
        &self,
        now: Timestamp,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), BadSignature> {
        let text =
            |name| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(BadSignature::Missing);
        let (id, timestamp, signatures) = (text(ID)?, text(TIMESTAMP)?, text(SIGNATURE)?);
        let sent: i64 = timestamp.parse().map_err(|_| BadSignature::Stale)?;
        if now.secs().abs_diff(sent) > TOLERANCE.as_secs() {
            return Err(BadSignature::Stale);
        }
        let mac = self.mac(id, timestamp, body);
        let fits = signatures.split(' ').take(SIGNATURES_MAX).any(|signature| {
            // `verify_slice` compares in constant time.
            signature
                .strip_prefix("v1,")
                .and_then(|encoded| STANDARD.decode(encoded).ok())
                .is_some_and(|octets| mac.clone().verify_slice(&octets).is_ok())
        });
        if fits { Ok(()) } else { Err(BadSignature::Mismatch) }
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of every length");
        for piece in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(piece);
        }
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the specification's own test suite.
    const EXAMPLE_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn example() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ID, HeaderValue::from_static("msg_p5jXN8AQM9LWM0D4loKWxJek"));
        headers.insert(TIMESTAMP, HeaderValue::from_static("1614265330"));
        headers
            .insert(SIGNATURE, HeaderValue::from_static("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        headers
    }

    #[test]
    fn the_published_example_verifies() {
        let secret = Secret::parse(EXAMPLE_SECRET).unwrap();
        let now = Timestamp::from_secs(1_614_265_330);
        assert_eq!(secret.verify(now, &example(), br#"{"test": 2432232314}"#), Ok(()));
        let mut headers = HeaderMap::new();
        secret.sign(now, "msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#, &mut headers);
        assert_eq!(headers, example());
    }

    #[test]
    fn every_part_is_covered() {
        let secret = Secret::parse(EXAMPLE_SECRET).unwrap();
        let now = Timestamp::from_secs(1_614_265_330);
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(secret.verify(now, &example(), b"{}"), Err(BadSignature::Mismatch));
        let mut headers = example();
        headers.insert(ID, HeaderValue::from_static("msg_other"));
        assert_eq!(secret.verify(now, &headers, body), Err(BadSignature::Mismatch));
        let mut headers = example();
        headers.insert(TIMESTAMP, HeaderValue::from_static("1614265331"));
        assert_eq!(secret.verify(now, &headers, body), Err(BadSignature::Mismatch));
        let mut headers = example();
        headers.remove(SIGNATURE);
        assert_eq!(secret.verify(now, &headers, body), Err(BadSignature::Missing));
    }

    #[test]
    fn the_tolerance_holds_both_ways() {
        let secret = Secret::parse(EXAMPLE_SECRET).unwrap();
        for (offset, fits) in [(-301, false), (-300, true), (300, true), (301, false)] {
            let now = Timestamp::from_secs(1_614_265_330 + offset);
            assert_eq!(secret.verify(now, &example(), br#"{"test": 2432232314}"#).is_ok(), fits, "{offset}");
        }
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let mut headers = example();
        headers.insert(
            SIGNATURE,
            HeaderValue::from_static("v1a,xx v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        );
        let secret = Secret::parse(EXAMPLE_SECRET).unwrap();
        assert_eq!(
            secret.verify(Timestamp::from_secs(1_614_265_330), &headers, br#"{"test": 2432232314}"#),
            Ok(())
        );
    }

    #[test]
    fn secrets_have_two_spellings_and_no_debug() {
        assert_eq!(Secret::parse("whsec_%%%"), Err(BadSecret::NotBase64));
        assert_eq!(Secret::parse("short"), Err(BadSecret::TooShort));
        let raw = Secret::parse("0123456789abcdef").unwrap();
        assert_eq!(raw, Secret::parse("whsec_MDEyMzQ1Njc4OWFiY2RlZg==").unwrap());
        assert!(!format!("{raw:?}").contains("0123"));
    }
}
