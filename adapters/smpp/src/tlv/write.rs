//! Appending TLVs to the PDU being written.

use super::{NetworkErrorCode, Sar, Tag, Tlv, Tlvs};
use crate::limits::TLV_OCTETS_MAX;
use crate::pdu::{EncodeError, Out};

/// Appends TLVs straight behind a PDU; see `encode_with` of the PDUs.
#[derive(Debug)]
pub struct TlvWriter<'o, O: Out> {
    out: &'o mut O,
}

impl<'o, O: Out> TlvWriter<'o, O> {
    /// Appends to `out`, which holds the PDU so far.
    pub(crate) const fn new(out: &'o mut O) -> Self {
        Self { out }
    }

    /// One TLV.
    pub fn put(&mut self, tag: Tag, value: &[u8]) -> Result<&mut Self, EncodeError> {
        let Ok(length) = u16::try_from(value.len()) else {
            return Err(EncodeError::TooLong { field: "tlv", octets_max: TLV_OCTETS_MAX });
        };
        let ([t0, t1], [l0, l1]) = (tag.0.to_be_bytes(), length.to_be_bytes());
        self.out.put(&[t0, t1, l0, l1]);
        self.out.put(value);
        Ok(self)
    }

    /// A one-octet value.
    pub fn octet(&mut self, tag: Tag, value: u8) -> Result<&mut Self, EncodeError> {
        self.put(tag, &[value])
    }

    /// A two-octet value.
    pub fn word(&mut self, tag: Tag, value: u16) -> Result<&mut Self, EncodeError> {
        self.put(tag, &value.to_be_bytes())
    }

    /// A C-octet string: the NUL is added here.
    pub fn text(&mut self, tag: Tag, value: &[u8]) -> Result<&mut Self, EncodeError> {
        let Some(length) = u16::try_from(value.len()).ok().and_then(|length| length.checked_add(1)) else {
            return Err(EncodeError::TooLong { field: "tlv", octets_max: TLV_OCTETS_MAX });
        };
        if value.contains(&0) {
            return Err(EncodeError::NulInside { field: "tlv" });
        }
        let ([t0, t1], [l0, l1]) = (tag.0.to_be_bytes(), length.to_be_bytes());
        self.out.put(&[t0, t1, l0, l1]);
        self.out.put(value);
        self.out.put(&[0]);
        Ok(self)
    }

    /// The three TLVs of one segment.
    pub fn sar(&mut self, sar: Sar) -> Result<&mut Self, EncodeError> {
        self.word(Tag::SAR_MSG_REF_NUM, sar.reference)?
            .octet(Tag::SAR_TOTAL_SEGMENTS, sar.total)?
            .octet(Tag::SAR_SEGMENT_SEQNUM, sar.number)
    }

    /// `network_error_code`.
    pub fn network_error_code(&mut self, code: NetworkErrorCode) -> Result<&mut Self, EncodeError> {
        self.put(Tag::NETWORK_ERROR_CODE, &code.octets())
    }

    /// TLVs passed on from another PDU, those that `keep` accepts.
    pub fn pass_on(
        &mut self,
        tlvs: Tlvs<'_>,
        keep: impl Fn(&Tlv<'_>) -> bool,
    ) -> Result<&mut Self, EncodeError> {
        for tlv in tlvs.iter().filter(keep) {
            self.put(tlv.tag, tlv.value)?;
        }
        Ok(self)
    }
}
