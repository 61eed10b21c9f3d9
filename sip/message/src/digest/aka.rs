//! The server's side of AKA (RFC 3310): the guard's own registrar for clients with a card.
//!
//! Nothing is kept between challenge and answer: behind RAND and AUTN the nonce carries its time and proof, and the
//! expected RES follows from RAND alone. Sequence numbers follow the clock (TS 33.102 annex C.1.1.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use super::algorithm::{Algorithm, Secret};
use super::challenge::Challenge;
use super::credentials::Credentials;
use super::guard::{Guard, Judgement};
use super::milenage::Card;
use super::nonce::{Nonce, NonceKey, PROOF};
use crate::headers::{HeaderValue, Headers};
use crate::message::Request;
use crate::name::Name;

/// The AMF of our challenges: separation bit off, as for access that is not LTE's.
const AMF: [u8; 2] = [0, 0];
/// RAND, AUTN and the time.
const MADE: usize = 16 + 16 + 8;
/// Microseconds in a step of the sequence number.
const STEP_US: i64 = 100_000;
/// Bits of a sequence number that say which array of the card it belongs to.
const INDEX_BITS: u32 = 5;

/// RAND and AUTN of a nonce.
type Vector = ([u8; 16], [u8; 16]);

/// The sequence number of a challenge made now; above what a card saw that was challenged a tenth of a second ago.
#[must_use]
pub fn sequence_number(now_us: i64) -> u64 {
    (u64::try_from(now_us.div_euclid(STEP_US)).unwrap_or(0) << INDEX_BITS) & 0xffff_ffff_ffff
}

/// The nonce of an AKA challenge: RAND and AUTN (RFC 3310 §3.2).
#[must_use]
pub fn aka_nonce(rand: &[u8; 16], autn: &[u8; 16]) -> String {
    STANDARD.encode([rand.as_slice(), autn].concat())
}

/// RAND and AUTN out of the nonce of an AKA challenge; what stands behind them is the server's own.
#[must_use]
pub fn aka_vector(nonce: &str) -> Option<Vector> {
    let octets = STANDARD.decode(nonce).ok()?;
    Some((octets.get(..16)?.try_into().ok()?, octets.get(16..32)?.try_into().ok()?))
}

/// The AUTS of a synchronisation failure: 14 octets (RFC 3310 §3.4).
#[must_use]
pub fn auts(credentials: &Credentials) -> Option<[u8; 14]> {
    STANDARD.decode(credentials.auts.as_deref()?).ok()?.try_into().ok()
}

impl NonceKey {
    fn make_aka(&self, now_us: i64, (rand, autn): &Vector, realm: &str, source: &[u8]) -> String {
        let made = [rand.as_slice(), autn, &now_us.to_be_bytes()].concat();
        let proof = self.proof(&made, realm, source);
        STANDARD.encode([made, proof.to_vec()].concat())
    }

    fn read_aka(&self, nonce: &str, realm: &str, source: &[u8]) -> Option<(Nonce, Vector)> {
        let octets: [u8; MADE + PROOF] = STANDARD.decode(nonce).ok()?.try_into().ok()?;
        let (made, proof) = octets.split_at(MADE);
        let ours = self.proof(made, realm, source);
        if !bool::from(ours.as_slice().ct_eq(proof)) {
            return None;
        }
        let made_us = i64::from_be_bytes(made.get(32..)?.try_into().ok()?);
        let vector = (made.get(..16)?.try_into().ok()?, made.get(16..32)?.try_into().ok()?);
        Some((Nonce { made_us, proof: u128::from_be_bytes(ours) }, vector))
    }
}

impl Guard {
    /// Puts an AKA challenge for one card behind `headers`. `rand` is random; `sqn` is [`sequence_number`], or what
    /// [`Guard::synchronised`] gave.
    #[expect(clippy::too_many_arguments, reason = "what a challenge is made of, each given from outside")]
    pub fn challenge_aka(
        &self,
        now_us: i64,
        rand: [u8; 16],
        source: &[u8],
        card: &Card,
        sqn: u64,
        name: &Name,
        headers: &mut Headers,
    ) {
        let vector = card.vector(&rand, sqn, AMF);
        let nonce = self.key.make_aka(now_us, &(rand, vector.autn), self.realm(), source);
        let challenge = Challenge::new(self.realm(), &nonce, Algorithm::AKAV1_MD5);
        headers.push(name.clone(), HeaderValue::display(challenge));
    }

    /// Judges the AKA credentials of a card's user. First ask [`Guard::synchronised`] when they have an `auts`.
    pub fn judge_aka(
        &mut self,
        now_us: i64,
        source: &[u8],
        request: &Request,
        credentials: &Credentials,
        card: &Card,
    ) -> Judgement {
        if credentials.algorithm != Algorithm::AKAV1_MD5 || credentials.auts.is_some() {
            return Judgement::Unfit;
        }
        if let Some(unfit) = self.unfit(request, credentials) {
            return unfit;
        }
        // The first REGISTER has an empty nonce, and no answer to anything.
        let Some((nonce, (rand, _))) = self.key.read_aka(&credentials.nonce, self.realm(), source) else {
            return Judgement::Stale;
        };
        let res = card.vector(&rand, 0, AMF).res;
        if !credentials.verify(Secret::Password(&res), request.method.as_str(), &request.body) {
            return Judgement::Wrong;
        }
        self.fresh(now_us, nonce, credentials)
    }

    /// The sequence number for another challenge, when a card says that ours was too low: `None` when the card or the
    /// challenge is not the right one.
    #[must_use]
    pub fn synchronised(&self, source: &[u8], credentials: &Credentials, card: &Card) -> Option<u64> {
        let (_, (rand, _)) = self.key.read_aka(&credentials.nonce, self.realm(), source)?;
        let highest = card.synchronised(&rand, &auts(credentials)?)?;
        Some((highest + (1 << INDEX_BITS)) & 0xffff_ffff_ffff)
    }
}
