//! Short messages over IMS (TS 23.040, TS 24.011, TS 24.341): TPDUs and the gateway's words. Values in, values out.
//!
//! What a TPDU says and the gateway has no word for is kept with the message ([`Kept`]), so that its status report
//! fits it and a recipient who is reached by a TPDU too loses nothing.

mod inbound;
mod outbound;

use bytes::Bytes;
use model::{Npi, Number, Ton};
use serde::{Deserialize, Serialize};
use sms::{
    dcs::{Dcs, MessageClass},
    tpdu,
};

pub use self::{
    inbound::{Origin, Repeat, submission_of_submit},
    outbound::{Centre, deliver_tpdus, status_of, status_report_tpdu, submit_report_tpdu},
};
use super::Back;

/// What an SMS-SUBMIT says beside its text and addresses, octets of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// TP-MR: a status report repeats it.
    pub reference: u8,
    pub pid: u8,
    pub dcs: u8,
    pub reply_path: bool,
    /// TP-SRR.
    pub report_wanted: bool,
    /// When it was taken, in seconds: the TP-SCTS that its sender was told.
    pub taken_s: i64,
    pub back: Option<Back>,
}

/// First octet of what is stored; no other format begins with it.
const FORMAT: u8 = 0x53;

impl Kept {
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let octets = postcard::to_extend(&FORMAT, Vec::with_capacity(32))
            .and_then(|octets| postcard::to_extend(self, octets));
        // Nothing in it can fail to be written; if it could, the message would be worth more than its extras.
        octets.map_or_else(|_| Bytes::new(), Bytes::from)
    }

    /// Reads them back; `None` for what did not come as a short message.
    #[must_use]
    pub fn decode(octets: &[u8]) -> Option<Self> {
        match octets.split_first() {
            Some((&FORMAT, rest)) => postcard::from_bytes(rest).ok(),
            _ => None,
        }
    }
}

/// The gateway's word for a TP-DCS (sms sheet §7); `None` for what nobody can read: compressed and reserved ones.
#[must_use]
pub const fn data_coding_of(dcs: Dcs) -> Option<u8> {
    if dcs.is_compressed() {
        return None;
    }
    match dcs.0 {
        0x84 => Some(0x0E),
        // Message waiting, and classes without more: the same value.
        0xC0..=0xFF => Some(dcs.0),
        0x80..=0xBF => None,
        _ => {
            let class = dcs.0 & 0b11;
            let has_class = dcs.0 & 0x10 != 0;
            Some(match (dcs.0 >> 2 & 0b11, has_class) {
                (1, false) => 0x04,
                (1, true) => 0xF4 | class,
                // Of the classes of UCS-2 only the flash has a word.
                (2, true) if class == 0 => 0x18,
                (2, _) => 0x08,
                (_, false) => 0x00,
                (_, true) => 0xF0 | class,
            })
        }
    }
}

/// The TP-DCS for the gateway's word; `None` when TP-DCS has none and the text is written anew.
#[must_use]
pub const fn dcs_of(data_coding: u8) -> Option<Dcs> {
    match data_coding {
        0x00 => Some(Dcs::GSM7),
        0x02 | 0x04 => Some(Dcs::OCTETS),
        0x08 => Some(Dcs::UCS2),
        0x18 => Dcs::new(sms::Alphabet::Ucs2, Some(MessageClass::Flash)),
        0x0E | 0x84 => Some(Dcs::KS_C_5601),
        0xC0..=0xFF => Some(Dcs(data_coding)),
        _ => None,
    }
}

/// A number of a TPDU as the gateway keeps numbers; `None` without digits, and for names.
#[must_use]
pub fn number_of_tpdu(address: &tpdu::Address) -> Option<Number> {
    if address.value().is_empty() || address.ton() == tpdu::Ton::Alphanumeric {
        return None;
    }
    Some(Number {
        ton: Ton(address.ton() as u8),
        npi: Npi(address.npi().bits()),
        digits: address.value().into(),
    })
}

/// The gateway's number, or name, as a TPDU writes it; `None` for what does not fit there. A name is cut.
#[must_use]
pub fn tpdu_address(number: &Number) -> Option<tpdu::Address> {
    if number.ton == Ton::ALPHANUMERIC {
        let mut name = number.digits.as_str();
        loop {
            match tpdu::Address::alphanumeric(name) {
                Ok(address) => return Some(address),
                Err(tpdu::AddressError::TooLong { .. }) => {
                    let (at, _) = name.char_indices().next_back()?;
                    name = name.get(..at)?;
                }
                Err(tpdu::AddressError::NotEncodable) => return None,
            }
        }
    }
    let digits = number.digits.strip_prefix('+').unwrap_or(&number.digits);
    let ton = match number.ton.0 {
        1 => tpdu::Ton::International,
        2 => tpdu::Ton::National,
        3 => tpdu::Ton::NetworkSpecific,
        4 => tpdu::Ton::Subscriber,
        6 => tpdu::Ton::Abbreviated,
        _ if digits.len() < number.digits.len() => tpdu::Ton::International,
        _ => tpdu::Ton::Unknown,
    };
    tpdu::Address::new(ton, tpdu::Npi::new(number.npi.0), digits)
        .ok()
        .filter(|address| !address.value().is_empty())
}

/// A time as handsets are told it, on a clock so many quarters of an hour east of UTC.
#[must_use]
pub fn stamp(seconds: i64, quarter_hours: i8) -> tpdu::Timestamp {
    // Zeros say nothing; a clock that is off by decades does neither.
    tpdu::Timestamp::of_unix_seconds(seconds, quarter_hours).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sms sheet §7.
    #[test]
    fn each_coding_has_its_word() {
        for (dcs, word) in [
            (0x00, Some(0x00)),
            (0x04, Some(0x04)),
            (0x08, Some(0x08)),
            (0x84, Some(0x0E)),
            (0x10, Some(0xF0)),
            (0x16, Some(0xF6)),
            (0x18, Some(0x18)),
            (0x19, Some(0x08)),
            (0x48, Some(0x08)),
            (0xC8, Some(0xC8)),
            (0xE1, Some(0xE1)),
            (0xF5, Some(0xF5)),
            (0x20, None),
            (0x85, None),
        ] {
            assert_eq!(data_coding_of(Dcs(dcs)), word, "{dcs:#04x}");
        }
        assert_eq!(dcs_of(0x03), None, "there is no Latin-1 on the air");
        for word in [0x00, 0x04, 0x08, 0x18, 0x0E, 0xC8, 0xF0, 0xF6] {
            assert_eq!(dcs_of(word).and_then(data_coding_of), Some(word), "{word:#04x}");
        }
    }

    #[test]
    fn numbers_keep_their_type_and_names_are_cut() {
        let there_and_back = |text: &str| {
            let address = tpdu_address(&Number::written(text)).expect("fits");
            (address.ton(), number_of_tpdu(&address).map(|number| number == Number::written(text)))
        };
        assert_eq!(there_and_back("+821012345678"), (tpdu::Ton::International, Some(true)));
        assert_eq!(there_and_back("15881234"), (tpdu::Ton::Unknown, Some(true)));
        assert_eq!(there_and_back("#1234"), (tpdu::Ton::Unknown, Some(true)));
        assert_eq!(there_and_back("ACME"), (tpdu::Ton::Alphanumeric, None));
        let long = tpdu_address(&Number::written("ACME Bank and Trust")).expect("cut");
        assert_eq!(long.value(), "ACME Bank a");
        assert_eq!(tpdu_address(&Number::written("은행")), None, "no letters for it on the air");
        assert_eq!(tpdu_address(&Number::written("+123456789012345678901")), None, "21 digits");
    }

    #[test]
    fn what_is_kept_is_no_other_format() {
        let kept = Kept {
            reference: 7,
            pid: 0x40,
            dcs: 0x84,
            reply_path: true,
            report_wanted: true,
            taken_s: 1_800_000_000,
            back: None,
        };
        let octets = kept.encode();
        assert_eq!(Kept::decode(&octets), Some(kept));
        assert_eq!(crate::translate::Carried::decode(&octets), crate::translate::Carried::default());
        assert_eq!(Kept::decode(&[]), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_are_nothing(octets: Vec<u8>) {
            let _read = Kept::decode(&octets);
        }
    }
}
