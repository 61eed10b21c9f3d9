//! Addresses: telephone numbers as networks write them, and users of messengers.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Who a message is from or to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Address {
    Number(Number),
    User(User),
}

/// A number exactly as a network wrote it: digits, `*`, `#`, or an alphanumeric sender.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Number {
    pub ton: Ton,
    pub npi: Npi,
    /// Without a leading `+`; the type of number says it.
    pub digits: SmolStr,
}

/// A messenger user who may have no number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct User {
    /// The name of the messenger's channel.
    pub messenger: SmolStr,
    pub id: SmolStr,
}

/// Type of number (TS 23.040 §9.1.2.5; the same values in SMPP 3.4 §5.2.5). Reserved values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ton(pub u8);

impl Ton {
    pub const UNKNOWN: Self = Self(0);
    pub const INTERNATIONAL: Self = Self(1);
    pub const NATIONAL: Self = Self(2);
    pub const NETWORK: Self = Self(3);
    pub const SUBSCRIBER: Self = Self(4);
    pub const ALPHANUMERIC: Self = Self(5);
    pub const ABBREVIATED: Self = Self(6);
}

/// Numbering plan (TS 23.040 §9.1.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Npi(pub u8);

impl Npi {
    pub const UNKNOWN: Self = Self(0);
    pub const E164: Self = Self(1);
}

/// An E.164 number: 5 to 15 digits, country code first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Msisdn(u64);

impl std::fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "msisdn {}", crate::Pii::new(self.0))
    }
}

impl Msisdn {
    /// Digits without `+`. E.164 numbers never begin with zero.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        if !(5..=15).contains(&digits.len())
            || !digits.bytes().all(|b| b.is_ascii_digit())
            || digits.starts_with('0')
        {
            return None;
        }
        digits.parse().ok().map(Self)
    }

    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        Self(value)
    }

    /// The international form: digits only.
    #[must_use]
    pub fn digits(self) -> SmolStr {
        smol_str::format_smolstr!("{}", self.0)
    }
}

/// How nationally written numbers become E.164 in the operator's country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberingPlan {
    /// Country code, e.g. `82`.
    pub country: SmolStr,
    /// Dialled before a national number, e.g. `0`; may be empty.
    pub trunk: SmolStr,
    /// Dialled before an international number, longest first, e.g. `00700`, `002`, `001`, `00`.
    pub international: Vec<SmolStr>,
}

impl NumberingPlan {
    /// The Korean plan (messengers sheet §11.1).
    #[must_use]
    pub fn korea() -> Self {
        Self {
            country: "82".into(),
            trunk: "0".into(),
            international: ["00700", "001", "002", "00"].map(SmolStr::from).to_vec(),
        }
    }

    /// The E.164 number behind what was written, or `None` for short codes, representative numbers
    /// (15xx, 16xx, 18xx), star codes and alphanumeric senders: those have no E.164 form and are never guessed.
    #[must_use]
    pub fn e164(&self, number: &Number) -> Option<Msisdn> {
        let digits = number.digits.strip_prefix('+').unwrap_or(&number.digits);
        match number.ton {
            Ton::ALPHANUMERIC | Ton::ABBREVIATED | Ton::NETWORK | Ton::SUBSCRIBER => None,
            Ton::INTERNATIONAL => Msisdn::parse(&self.without_inner_trunk(digits)),
            Ton::NATIONAL => Msisdn::parse(&smol_str::format_smolstr!(
                "{}{}",
                self.country,
                digits.strip_prefix(self.trunk.as_str()).unwrap_or(digits)
            )),
            _ => self.dialled(number.digits.as_str()),
        }
    }

    /// A number as a person dials or writes it, type unknown.
    fn dialled(&self, written: &str) -> Option<Msisdn> {
        if let Some(international) = written.strip_prefix('+') {
            return Msisdn::parse(&self.without_inner_trunk(international));
        }
        for prefix in &self.international {
            if let Some(international) = written.strip_prefix(prefix.as_str()) {
                return Msisdn::parse(&self.without_inner_trunk(international));
            }
        }
        if !self.trunk.is_empty()
            && let Some(national) = written.strip_prefix(self.trunk.as_str())
        {
            // Shorter than any subscriber number: a service code such as 011 or 0100.
            return if national.len() < 7 {
                None
            } else {
                Msisdn::parse(&smol_str::format_smolstr!("{}{national}", self.country))
            };
        }
        // Without trunk or international prefix only a full international number is unambiguous.
        if written.len() >= 10 { Msisdn::parse(&self.without_inner_trunk(written)) } else { None }
    }

    /// `82 010…` is a common slip for `82 10…`.
    fn without_inner_trunk(&self, international: &str) -> SmolStr {
        if !self.trunk.is_empty()
            && let Some(rest) = international.strip_prefix(self.country.as_str())
            && let Some(national) = rest.strip_prefix(self.trunk.as_str())
        {
            return smol_str::format_smolstr!("{}{national}", self.country);
        }
        international.into()
    }
}

impl Number {
    /// A number in international form.
    #[must_use]
    pub fn international(msisdn: Msisdn) -> Self {
        Self { ton: Ton::INTERNATIONAL, npi: Npi::E164, digits: msisdn.digits() }
    }

    /// A number or sender name as a person writes it: `+8210…`, `010…`, `15881234`, `ACME`.
    #[must_use]
    pub fn written(text: &str) -> Self {
        let compact: SmolStr = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
        match compact.strip_prefix('+') {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                Self { ton: Ton::INTERNATIONAL, npi: Npi::E164, digits: digits.into() }
            }
            _ if !compact.is_empty()
                && compact.bytes().all(|b| b.is_ascii_digit() || b == b'*' || b == b'#') =>
            {
                Self { ton: Ton::UNKNOWN, npi: Npi::E164, digits: compact }
            }
            _ => Self { ton: Ton::ALPHANUMERIC, npi: Npi::UNKNOWN, digits: text.trim().into() },
        }
    }
}

impl Address {
    #[must_use]
    pub const fn number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            Self::User(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e164(text: &str) -> Option<u64> {
        NumberingPlan::korea().e164(&Number::written(text)).map(Msisdn::as_u64)
    }

    #[test]
    fn korean_numbers_in_every_spelling() {
        for spelling in [
            "010-1234-5678",
            "+82 10 1234 5678",
            "+82 010 1234 5678",
            "821012345678",
            "0082-10-1234-5678",
            "00700821012345678",
        ] {
            assert_eq!(e164(spelling), Some(821_012_345_678), "{spelling}");
        }
        assert_eq!(e164("02-123-4567"), Some(8_221_234_567));
    }

    #[test]
    fn numbers_without_e164_are_not_guessed() {
        for special in ["1588-1234", "114", "#1234", "ACME", "1335"] {
            assert_eq!(e164(special), None, "{special}");
        }
    }
}
