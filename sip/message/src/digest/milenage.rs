//! Authentication vectors of a card (3GPP TS 35.206, TS 33.102 §6.3): what a registrar of its own needs for AKA, and what
//! a client with a card does.

use std::fmt;

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use subtle::ConstantTimeEq;

type Block = [u8; 16];

/// Rotation in octets and constant of each function (TS 35.206 §4.1).
const F1: (usize, u8) = (8, 0);
const F2_F5: (usize, u8) = (0, 1);
const F3: (usize, u8) = (4, 2);
const F4: (usize, u8) = (8, 4);
const F5_STAR: (usize, u8) = (12, 8);

/// Octets of a sequence number.
const SQN: usize = 6;
/// AMF of a synchronisation failure (TS 33.102 §6.3.3).
const AMF_OF_AUTS: [u8; 2] = [0, 0];

/// What a card and its network share.
#[derive(Clone)]
pub struct Card {
    cipher: Aes128,
    opc: Block,
}

/// One challenge and what it yields.
#[derive(Clone, PartialEq, Eq)]
pub struct Vector {
    /// Random, given.
    pub rand: Block,
    /// Proves the network to the card.
    pub autn: Block,
    /// The card's answer: the password of the digest.
    pub res: [u8; 8],
    /// For confidentiality.
    pub ck: Block,
    /// For integrity.
    pub ik: Block,
}

/// Why a card refuses a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// The network does not know the key.
    #[error("the network does not know the key")]
    Foreign,
    /// The sequence number was seen: answer with this AUTS.
    #[error("the sequence number is not new")]
    Synchronise([u8; 14]),
}

impl Card {
    /// Of a key and the operator's constant, which differs from card to card only in this derived form (OPc).
    #[must_use]
    pub fn new(key: &Block, opc: Block) -> Self {
        Self { cipher: Aes128::new(&(*key).into()), opc }
    }

    /// Of a key and the operator's own constant (OP).
    #[must_use]
    pub fn with_op(key: &Block, op: &Block) -> Self {
        let mut card = Self::new(key, [0; 16]);
        card.opc = xor(&card.encrypt(op), op);
        card
    }

    /// The vector for a random number and a sequence number that was not used before.
    #[must_use]
    pub fn vector(&self, rand: &Block, sqn: u64, amf: [u8; 2]) -> Vector {
        let temp = self.temp(rand);
        let out = self.out(&temp, F2_F5);
        let sqn = sqn_octets(sqn);
        let mut autn = [0; 16];
        for (i, octet) in autn[..SQN].iter_mut().enumerate() {
            *octet = sqn[i] ^ out[i];
        }
        autn[6..8].copy_from_slice(&amf);
        autn[8..].copy_from_slice(&self.f1(&temp, sqn, amf)[..8]);
        Vector { rand: *rand, autn, res: last(&out), ck: self.out(&temp, F3), ik: self.out(&temp, F4) }
    }

    /// The card's side: the vector of a challenge whose sequence number is above `highest`.
    ///
    /// # Errors
    /// [`CardError`] when the card would not answer.
    pub fn answer(&self, rand: &Block, autn: &Block, highest: u64) -> Result<Vector, CardError> {
        let out = self.out(&self.temp(rand), F2_F5);
        let sqn = (0..SQN).fold(0, |sqn, i| sqn << 8 | u64::from(autn[i] ^ out[i]));
        let vector = self.vector(rand, sqn, [autn[6], autn[7]]);
        if !bool::from(vector.autn.ct_eq(autn)) {
            return Err(CardError::Foreign);
        }
        if sqn <= highest { Err(CardError::Synchronise(self.auts(rand, highest))) } else { Ok(vector) }
    }

    /// The card's highest sequence number out of an AUTS; `None` when the card did not make it.
    #[must_use]
    pub fn synchronised(&self, rand: &Block, auts: &[u8; 14]) -> Option<u64> {
        let mask = self.out(&self.temp(rand), F5_STAR);
        let sqn = (0..SQN).fold(0, |sqn, i| sqn << 8 | u64::from(auts[i] ^ mask[i]));
        bool::from(self.auts(rand, sqn).ct_eq(auts)).then_some(sqn)
    }

    fn auts(&self, rand: &Block, sqn: u64) -> [u8; 14] {
        let temp = self.temp(rand);
        let mask = self.out(&temp, F5_STAR);
        let sqn = sqn_octets(sqn);
        let mut auts = [0; 14];
        for i in 0..SQN {
            auts[i] = sqn[i] ^ mask[i];
        }
        auts[SQN..].copy_from_slice(&last(&self.f1(&temp, sqn, AMF_OF_AUTS)));
        auts
    }

    fn encrypt(&self, block: &Block) -> Block {
        let mut block = (*block).into();
        self.cipher.encrypt_block(&mut block);
        block.into()
    }

    fn temp(&self, rand: &Block) -> Block {
        self.encrypt(&xor(rand, &self.opc))
    }

    /// Functions 2 to 5.
    fn out(&self, temp: &Block, (turn, constant): (usize, u8)) -> Block {
        let mut block = xor(temp, &self.opc);
        block.rotate_left(turn);
        block[15] ^= constant;
        xor(&self.encrypt(&block), &self.opc)
    }

    /// MAC-A in front, MAC-S behind.
    fn f1(&self, temp: &Block, sqn: [u8; SQN], amf: [u8; 2]) -> Block {
        let half = [&sqn[..], &amf].concat();
        let mut block = self.opc;
        for (octet, given) in block.iter_mut().zip(half.iter().cycle()) {
            *octet ^= given;
        }
        block.rotate_left(F1.0);
        block[15] ^= F1.1;
        xor(&self.encrypt(&xor(&block, temp)), &self.opc)
    }
}

fn sqn_octets(sqn: u64) -> [u8; SQN] {
    let [_, _, rest @ ..] = sqn.to_be_bytes();
    rest
}

fn last(block: &Block) -> [u8; 8] {
    let mut half = [0; 8];
    half.copy_from_slice(&block[8..]);
    half
}

fn xor(a: &Block, b: &Block) -> Block {
    let mut sum = *a;
    for (octet, other) in sum.iter_mut().zip(b) {
        *octet ^= other;
    }
    sum
}

/// Nothing of it is ever shown.
impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Card")
    }
}

impl fmt::Debug for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vector")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets<const N: usize>(hex: &str) -> [u8; N] {
        let mut octets = [0; N];
        for (octet, pair) in octets.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *octet = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        }
        octets
    }

    /// The numbers of TS 35.207 §5.3, set 1.
    #[test]
    fn ts35_207_set_1() {
        let key = octets("465b5ce8b199b49faa5f0a2ee238a6bc");
        let card = Card::with_op(&key, &octets("cdc202d5123e20f62b6d676ac72cb318"));
        assert_eq!(card.opc, octets("cd63cb71954a9f4e48a5994e37a02baf"));
        let rand = octets("23553cbe9637a89d218ae64dae47bf35");
        let vector = card.vector(&rand, 0xff9b_b4d0_b607, octets("b9b9"));
        assert_eq!(vector.res, octets("a54211d5e3ba50bf"));
        assert_eq!(vector.ck, octets("b40ba9a3c58b2a05bbf0d987b21bf8cb"));
        assert_eq!(vector.ik, octets("f769bcd751044604127672711c6d3441"));
        // SQN ^ AK, AMF, MAC-A.
        assert_eq!(vector.autn, octets("55f328b43577b9b94a9ffac354dfafb3"));
        let temp = card.temp(&rand);
        assert_eq!(last(&card.f1(&temp, octets("ff9bb4d0b607"), octets("b9b9"))), octets("01cfaf9ec4e871e9"));
        assert_eq!(card.out(&temp, F5_STAR)[..6], octets::<6>("451e8beca43b"));
    }

    #[test]
    fn ts33_102_6_3_a_card_answers_what_is_new_and_synchronises_what_is_not() {
        let card = Card::new(&[1; 16], [2; 16]);
        let vector = card.vector(&[3; 16], 32, [0x80, 0]);
        assert_eq!(card.answer(&vector.rand, &vector.autn, 31), Ok(vector.clone()));
        let Err(CardError::Synchronise(auts)) = card.answer(&vector.rand, &vector.autn, 77) else {
            panic!("seen")
        };
        assert_eq!(card.synchronised(&vector.rand, &auts), Some(77));
        assert_eq!(card.synchronised(&[4; 16], &auts), None);
        let other = Card::new(&[9; 16], [2; 16]);
        assert_eq!(other.answer(&vector.rand, &vector.autn, 0), Err(CardError::Foreign));
    }
}
