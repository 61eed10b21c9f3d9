//! What an SMPP message says beside its text and addresses, kept octet for octet for another SMPP link.

use bytes::{BufMut, Bytes, BytesMut};

use crate::tlv::{Leniency, Tag, Tlvs};

/// Parameters that have no word in the gateway's model. Most messages have none, and then nothing is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried<'a> {
    pub service_type: &'a [u8],
    pub protocol_id: u8,
    pub priority_flag: u8,
    /// The bits of `esm_class` other than the header flag.
    pub esm_class: u8,
    pub tlvs: Option<Tlvs<'a>>,
}

/// Format of the stored octets.
const FORMAT: u8 = 1;

impl<'a> Carried<'a> {
    /// Octets for the journal; empty when there is nothing to say.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let tlvs = self.tlvs.filter(|tlvs| tlvs.iter().any(|tlv| is_carried(tlv.tag)));
        let plain = self.service_type.is_empty()
            && self.protocol_id == 0
            && self.priority_flag == 0
            && self.esm_class == 0;
        if plain && tlvs.is_none() {
            return Bytes::new();
        }
        let mut octets =
            BytesMut::with_capacity(5 + self.service_type.len() + tlvs.map_or(0, |tlvs| tlvs.octets().len()));
        // A service type has at most five octets, so its length fits.
        let length = u8::try_from(self.service_type.len()).unwrap_or(0);
        octets.put_slice(&[FORMAT, self.protocol_id, self.priority_flag, self.esm_class, length]);
        octets.put_slice(self.service_type.get(..usize::from(length)).unwrap_or_default());
        for tlv in tlvs.iter().flat_map(Tlvs::iter).filter(|tlv| is_carried(tlv.tag)) {
            octets.put_u16(tlv.tag.0);
            octets.put_u16(u16::try_from(tlv.value.len()).unwrap_or(0));
            octets.put_slice(tlv.value);
        }
        octets.freeze()
    }

    /// Reads them back. What cannot be read was not written by us and says nothing.
    #[must_use]
    pub fn decode(octets: &'a [u8]) -> Self {
        let [FORMAT, protocol_id, priority_flag, esm_class, length, rest @ ..] = octets else {
            return Self::default();
        };
        let Some((service_type, tlvs)) = rest.split_at_checked(usize::from(*length)) else {
            return Self::default();
        };
        Self {
            service_type,
            protocol_id: *protocol_id,
            priority_flag: *priority_flag,
            esm_class: *esm_class,
            tlvs: Tlvs::decode(tlvs, Leniency::Lenient).ok().filter(|tlvs| !tlvs.is_empty()),
        }
    }
}

/// The text travels as content, and receipts and congestion are about one link.
fn is_carried(tag: Tag) -> bool {
    !matches!(
        tag,
        Tag::MESSAGE_PAYLOAD
            | Tag::RECEIPTED_MESSAGE_ID
            | Tag::MESSAGE_STATE
            | Tag::NETWORK_ERROR_CODE
            | Tag::CONGESTION_STATE
            | Tag::QOS_TIME_TO_LIVE
            | Tag::SC_INTERFACE_VERSION
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_message_carries_nothing() {
        assert!(Carried::default().encode().is_empty());
        assert_eq!(Carried::decode(&[]), Carried::default());
    }

    #[test]
    fn vendor_tlvs_come_back_octet_for_octet() {
        let area = [0x14, 0x03, 0, 2, 0xAB, 0xCD, 0x04, 0x24, 0, 1, b'x'];
        let tlvs = Tlvs::decode(&area, Leniency::Strict).expect("two TLVs");
        let carried = Carried {
            service_type: b"CMT",
            protocol_id: 0x41,
            priority_flag: 2,
            esm_class: 0x80,
            tlvs: Some(tlvs),
        };
        let octets = carried.encode();
        let back = Carried::decode(&octets);
        assert_eq!(
            (back.service_type, back.protocol_id, back.priority_flag, back.esm_class),
            (&b"CMT"[..], 0x41, 2, 0x80)
        );
        let back = back.tlvs.expect("one is left");
        assert_eq!(
            back.iter().map(|tlv| (tlv.tag.0, tlv.value.to_vec())).collect::<Vec<_>>(),
            [(0x1403, vec![0xAB, 0xCD])]
        );
    }
}
