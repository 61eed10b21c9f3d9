//! Typed values of the TLVs the gateway acts on.
//!
//! The octets a length claims are always the octets read; the value is judged afterwards, by the one
//! who needs it. A TLV that nobody needs may have any length.

use super::{Tag, Tlvs};
use crate::CommandStatus;
use crate::pdu::{DecodeError, Problem};

/// `network_error_code`: which network, and its own cause value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkErrorCode {
    /// 1 ANSI-136 access denied, 2 IS-95 access denied, 3 GSM, 7 SMPP, 8 message centre, …
    pub network: u8,
    /// The network's cause.
    pub code: u16,
}

impl NetworkErrorCode {
    /// The value on the wire.
    pub const fn octets(self) -> [u8; 3] {
        let [high, low] = self.code.to_be_bytes();
        [self.network, high, low]
    }
}

/// The three `sar_` TLVs, which act only together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sar {
    /// `sar_msg_ref_num`.
    pub reference: u16,
    /// `sar_total_segments`, at least 1.
    pub total: u8,
    /// `sar_segment_seqnum`, 1 up to `total`.
    pub number: u8,
}

impl<'a> Tlvs<'a> {
    /// The first value of a tag.
    #[inline]
    pub fn get(&self, tag: Tag) -> Option<&'a [u8]> {
        self.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// Every value of a repeatable tag, in order.
    pub fn all(&self, tag: Tag) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// The value of a tag the request cannot do without.
    pub fn require(&self, tag: Tag) -> Result<&'a [u8], DecodeError> {
        self.get(tag).ok_or(DecodeError {
            status: CommandStatus::RMISSINGTLV,
            field: "tlv",
            problem: Problem::Missing,
        })
    }

    /// The value as exactly `N` octets, or `ESME_RINVTLVLEN`.
    #[inline]
    pub fn fixed<const N: usize>(&self, tag: Tag) -> Result<Option<[u8; N]>, DecodeError> {
        let Some(value) = self.get(tag) else { return Ok(None) };
        value.try_into().map(Some).map_err(|_| WRONG_LENGTH)
    }

    /// A one-octet value, or `ESME_RINVTLVLEN`.
    #[inline]
    pub fn octet(&self, tag: Tag) -> Result<Option<u8>, DecodeError> {
        Ok(self.fixed(tag)?.map(|[octet]: [u8; 1]| octet))
    }

    /// A two-octet value, or `ESME_RINVTLVLEN`.
    #[inline]
    pub fn word(&self, tag: Tag) -> Result<Option<u16>, DecodeError> {
        Ok(self.fixed(tag)?.map(u16::from_be_bytes))
    }

    /// A four-octet value, or `ESME_RINVTLVLEN`.
    pub fn long(&self, tag: Tag) -> Result<Option<u32>, DecodeError> {
        Ok(self.fixed(tag)?.map(u32::from_be_bytes))
    }

    /// A C-octet string as `tag` carries it: up to the first NUL, or all of it when there is none.
    pub fn text(&self, tag: Tag) -> Option<&'a [u8]> {
        let value = self.get(tag)?;
        value.split(|&octet| octet == 0).next()
    }

    /// `message_payload`.
    #[inline]
    pub fn message_payload(&self) -> Option<&'a [u8]> {
        self.get(Tag::MESSAGE_PAYLOAD)
    }

    /// `receipted_message_id`, never empty.
    pub fn receipted_message_id(&self) -> Option<&'a [u8]> {
        self.text(Tag::RECEIPTED_MESSAGE_ID).filter(|id| !id.is_empty())
    }

    /// `message_state`, raw; `None` also when its length is wrong, for it only ever informs.
    pub fn message_state(&self) -> Option<u8> {
        self.octet(Tag::MESSAGE_STATE).ok().flatten()
    }

    /// `network_error_code`.
    pub fn network_error_code(&self) -> Option<NetworkErrorCode> {
        let [network, high, low] = self.fixed(Tag::NETWORK_ERROR_CODE).ok().flatten()?;
        Some(NetworkErrorCode { network, code: u16::from_be_bytes([high, low]) })
    }

    /// `congestion_state`, 0–100; legal on any response.
    pub fn congestion_state(&self) -> Option<u8> {
        self.octet(Tag::CONGESTION_STATE).ok().flatten().filter(|&load| load <= 100)
    }

    /// `sc_interface_version`.
    pub fn sc_interface_version(&self) -> Option<u8> {
        self.octet(Tag::SC_INTERFACE_VERSION).ok().flatten()
    }

    /// `user_message_reference`, or `ESME_RINVTLVLEN`.
    pub fn user_message_reference(&self) -> Result<Option<u16>, DecodeError> {
        self.word(Tag::USER_MESSAGE_REFERENCE)
    }

    /// `qos_time_to_live` in seconds, or `ESME_RINVTLVLEN`.
    pub fn qos_time_to_live(&self) -> Result<Option<u32>, DecodeError> {
        self.long(Tag::QOS_TIME_TO_LIVE)
    }

    /// The segment this message is. `None` when one of the three is missing, and when their numbers
    /// make no sense: such a message is a message of its own. Wrong lengths are `ESME_RINVTLVLEN`.
    pub fn sar(&self) -> Result<Option<Sar>, DecodeError> {
        let (mut reference, mut total, mut number) = (None, None, None);
        for tlv in self.iter() {
            match tlv.tag {
                Tag::SAR_MSG_REF_NUM if reference.is_none() => {
                    let octets = tlv.value.try_into().map_err(|_| WRONG_LENGTH)?;
                    reference = Some(u16::from_be_bytes(octets));
                }
                Tag::SAR_TOTAL_SEGMENTS if total.is_none() => total = Some(one(tlv.value)?),
                Tag::SAR_SEGMENT_SEQNUM if number.is_none() => number = Some(one(tlv.value)?),
                _ => {}
            }
        }
        let (Some(reference), Some(total), Some(number)) = (reference, total, number) else {
            return Ok(None);
        };
        Ok((number >= 1 && number <= total).then_some(Sar { reference, total, number }))
    }
}

const WRONG_LENGTH: DecodeError =
    DecodeError { status: CommandStatus::RINVTLVLEN, field: "tlv", problem: Problem::WrongLength };

fn one(value: &[u8]) -> Result<u8, DecodeError> {
    match value {
        [octet] => Ok(*octet),
        _ => Err(WRONG_LENGTH),
    }
}
