//! Addresses in TPDUs and in RP messages (3GPP TS 23.040 §9.1.2.5, TS 24.011 §8.2.5).

use std::fmt;

use smol_str::{SmolStr, SmolStrBuilder};

use crate::gsm7;
use crate::octets::{DecodeError, Reader};

/// Digits that fit the value's ten octets.
pub const DIGITS_MAX: usize = 20;
/// Septets that fit the value's ten octets.
pub const SEPTETS_MAX: usize = 11;
/// Digit characters by their half-octet; 0xF is filling.
const DIGITS: [char; 15] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'a', 'b', 'c'];
const FILLING: u8 = 0xF;

/// Type of number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Ton {
    Unknown = 0,
    International = 1,
    National = 2,
    NetworkSpecific = 3,
    Subscriber = 4,
    /// The value is text in the default alphabet.
    Alphanumeric = 5,
    Abbreviated = 6,
    Reserved = 7,
}

impl Ton {
    const fn of_type_octet(octet: u8) -> Self {
        match octet >> 4 & 0b111 {
            0 => Self::Unknown,
            1 => Self::International,
            2 => Self::National,
            3 => Self::NetworkSpecific,
            4 => Self::Subscriber,
            5 => Self::Alphanumeric,
            6 => Self::Abbreviated,
            _ => Self::Reserved,
        }
    }
}

/// Numbering plan identification, four bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Npi(u8);

impl Npi {
    pub const UNKNOWN: Self = Self(0);
    /// The telephone numbering plan, E.164.
    pub const TELEPHONE: Self = Self(1);
    pub const X121: Self = Self(3);
    pub const TELEX: Self = Self(4);
    pub const NATIONAL: Self = Self(8);
    pub const PRIVATE: Self = Self(9);
    pub const ERMES: Self = Self(10);

    /// The plan of these four bits; higher ones are dropped.
    pub const fn new(bits: u8) -> Self {
        Self(bits & 0x0F)
    }

    /// The four bits.
    pub const fn bits(self) -> u8 {
        self.0
    }
}

/// An address that can be written: digits, or a name of up to eleven septets.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    ton: Ton,
    npi: Npi,
    value: SmolStr,
}

/// Why a value is no address. Says nothing of the value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("an address takes {got} places, {max} fit")]
    TooLong { got: usize, max: usize },
    #[error("a character of the address has no code")]
    NotEncodable,
}

impl Address {
    /// An address of this type. Digits are `0`–`9`, `*`, `#`, `a`, `b`, `c`; an alphanumeric value is text of
    /// the default alphabet.
    pub fn new(ton: Ton, npi: Npi, value: &str) -> Result<Self, AddressError> {
        let (got, max) = if ton == Ton::Alphanumeric {
            (gsm7::septets(value).ok_or(AddressError::NotEncodable)?, SEPTETS_MAX)
        } else if value.chars().all(|c| DIGITS.contains(&c)) {
            (value.len(), DIGITS_MAX)
        } else {
            return Err(AddressError::NotEncodable);
        };
        if got > max {
            return Err(AddressError::TooLong { got, max });
        }
        Ok(Self { ton, npi, value: value.into() })
    }

    /// An international telephone number, without its plus sign.
    pub fn international(digits: &str) -> Result<Self, AddressError> {
        Self::new(Ton::International, Npi::TELEPHONE, digits)
    }

    /// A sender's name.
    pub fn alphanumeric(name: &str) -> Result<Self, AddressError> {
        Self::new(Ton::Alphanumeric, Npi::UNKNOWN, name)
    }

    /// Type of number.
    pub fn ton(&self) -> Ton {
        self.ton
    }

    /// Numbering plan.
    pub fn npi(&self) -> Npi {
        self.npi
    }

    /// The digits or the name, without any plus sign.
    pub fn value(&self) -> &str {
        &self.value
    }

    fn type_octet(&self) -> u8 {
        0x80 | (self.ton as u8) << 4 | self.npi.bits()
    }

    /// The form of TPDUs: the length counts useful half-octets of the value.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [length, kind] = reader.array()?;
        let half_octets = usize::from(length);
        if half_octets > DIGITS_MAX {
            return Err(DecodeError::OutOfRange {
                field: "address length",
                got: u32::from(length),
                max: DIGITS_MAX as u32,
            });
        }
        let octets = reader.take(half_octets.div_ceil(2))?;
        let ton = Ton::of_type_octet(kind);
        let value = if ton == Ton::Alphanumeric {
            gsm7::decode(&gsm7::unpack(octets, 0, half_octets * 4 / 7)).into()
        } else {
            digits(octets, half_octets)
        };
        Ok(Self { ton, npi: Npi::new(kind), value })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        if self.ton == Ton::Alphanumeric {
            // `new` and `decode` let only encodable names in.
            let septets = gsm7::encode(&self.value).unwrap_or_default();
            out.push(u8::try_from((septets.len() * 7).div_ceil(4)).unwrap_or(0));
            out.push(self.type_octet());
            gsm7::pack_into(&septets, 0, out);
        } else {
            out.push(u8::try_from(self.value.len()).unwrap_or(0));
            out.push(self.type_octet());
            push_digits(&self.value, out);
        }
    }

    /// The form of RP messages: the length counts octets with the type octet, and may be zero. Only digits.
    pub(crate) fn decode_rp(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let length = reader.octet()?;
        let mut octets = Reader::new(reader.take(usize::from(length))?);
        if length == 0 {
            return Ok(None);
        }
        let kind = octets.octet()?;
        let ton = Ton::of_type_octet(kind);
        let value = octets.rest();
        if ton == Ton::Alphanumeric {
            return Err(DecodeError::OutOfRange {
                field: "RP address type",
                got: u32::from(kind),
                max: 0xCF,
            });
        }
        if value.len() * 2 > DIGITS_MAX {
            let max = DIGITS_MAX as u32 / 2 + 1;
            return Err(DecodeError::OutOfRange { field: "RP address length", got: u32::from(length), max });
        }
        Ok(Some(Self { ton, npi: Npi::new(kind), value: digits(value, DIGITS_MAX) }))
    }

    pub(crate) fn encode_rp(&self, out: &mut Vec<u8>) {
        out.push(u8::try_from(1 + self.value.len().div_ceil(2)).unwrap_or(0));
        out.push(self.type_octet());
        push_digits(&self.value, out);
    }
}

/// Type and length only: the value is somebody's number.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({:?}, {}, {} places)", self.ton, self.npi.bits(), self.value.chars().count())
    }
}

/// At most `count` digits, first digit in the low half; filling ends them.
fn digits(octets: &[u8], count: usize) -> SmolStr {
    let halves = octets.iter().flat_map(|octet| [octet & 0x0F, octet >> 4]).take(count);
    let mut value = SmolStrBuilder::new();
    for digit in halves.map_while(|half| DIGITS.get(usize::from(half))) {
        value.push(*digit);
    }
    value.finish()
}

fn push_digits(value: &str, out: &mut Vec<u8>) {
    let mut halves = value.chars().filter_map(|c| DIGITS.iter().position(|&digit| digit == c));
    while let Some(low) = halves.next() {
        let high = halves.next().map_or(FILLING, |high| high as u8);
        out.push(high << 4 | low as u8);
    }
}
