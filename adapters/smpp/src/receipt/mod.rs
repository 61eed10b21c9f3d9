//! Delivery receipts: reading every dialect seen, writing the one of the standard
//! (SMPP 3.4 §2.11, appendix B).
//!
//! A receipt says what became of a message twice: in TLVs and in a text. Either may be missing, cut
//! off or contradict the other; TLVs go first where they make sense.

mod alphabet;
mod state;
mod text;
mod write;

use std::borrow::Cow;
use std::fmt;

pub use state::MessageState;
pub use write::{OwnReceipt, ReceiptText};

use crate::ids::IdText;
use crate::pdu::{DataSm, DeliverSm, EsmClass};
use crate::tlv::{NetworkErrorCode, Tlvs};
use text::TextFields;

/// Does this `deliver_sm` or `data_sm` report on a message we sent, rather than bring one?
pub fn is_receipt(esm_class: EsmClass, tlvs: &Tlvs<'_>) -> bool {
    esm_class.is_receipt()
        || esm_class.is_intermediate()
        || (esm_class.0 & 0x3C == 0
            && tlvs.receipted_message_id().is_some()
            && tlvs.message_state().is_some())
}

/// What a receipt says. `Debug` leaves out the excerpt of the message.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ReceiptFields<'a> {
    /// `receipted_message_id`.
    pub tlv_id: Option<IdText>,
    /// `id:` of the text; may be the same number in another base.
    pub text_id: Option<IdText>,
    /// How far the message came; `None` when the receipt does not say.
    pub state: Option<MessageState>,
    /// `err:` as the peer writes it: digits, hexadecimal or letters.
    pub error: Option<IdText>,
    /// `network_error_code`.
    pub network_error: Option<NetworkErrorCode>,
    /// `submit date:` in microseconds since the epoch, read as if it were UTC: the zone is the
    /// peer's and nowhere stated.
    pub submitted_us: Option<i64>,
    /// `done date:`, likewise.
    pub done_us: Option<i64>,
    /// `sub:`
    pub submitted: Option<u32>,
    /// `dlvrd:`
    pub delivered: Option<u32>,
    /// The excerpt of the original message.
    pub text: Option<Cow<'a, [u8]>>,
    /// An intermediate notification: whatever it says is not the end.
    pub intermediate: bool,
}

impl<'a> ReceiptFields<'a> {
    /// Reads a receipt in a `deliver_sm`.
    pub fn of_deliver(deliver: &DeliverSm<'a>) -> Self {
        Self::read(deliver.esm_class, deliver.short_message, &deliver.tlvs)
    }

    /// Reads a receipt in a `data_sm`.
    pub fn of_data(data: &DataSm<'a>) -> Self {
        Self::read(data.esm_class, &[], &data.tlvs)
    }

    /// Reads a receipt. Never fails: what cannot be read is left out.
    pub fn read(esm_class: EsmClass, short_message: &'a [u8], tlvs: &Tlvs<'a>) -> Self {
        let octets = tlvs.message_payload().filter(|payload| !payload.is_empty()).unwrap_or(short_message);
        let octets = if esm_class.udhi() { without_header(octets) } else { octets };
        let mut fields = match alphabet::plain(octets) {
            Cow::Borrowed(plain) => Self::of_text(TextFields::read(plain), Cow::Borrowed),
            Cow::Owned(plain) => Self::of_text(TextFields::read(&plain), |text| Cow::Owned(text.to_vec())),
        };
        fields.tlv_id = tlvs.receipted_message_id().and_then(IdText::new);
        fields.network_error = tlvs.network_error_code();
        fields.intermediate = esm_class.is_intermediate();
        // Some peers fill the TLV in with a constant 0, which only 5.0 knows: the text knows better.
        let stated = tlvs.message_state().and_then(MessageState::from_octet);
        fields.state = match (stated, fields.state) {
            (None | Some(MessageState::Scheduled), Some(text)) => Some(text),
            (stated, _) => stated,
        };
        fields
    }

    #[inline]
    fn of_text<'t>(fields: TextFields<'t>, keep: impl FnOnce(&'t [u8]) -> Cow<'a, [u8]>) -> Self {
        Self {
            tlv_id: None,
            text_id: fields.id.and_then(IdText::new),
            state: fields.state,
            error: fields.error.and_then(IdText::new),
            network_error: None,
            submitted_us: fields.submitted_us,
            done_us: fields.done_us,
            submitted: fields.submitted,
            delivered: fields.delivered,
            text: fields.text.map(keep),
            intermediate: false,
        }
    }

    /// The ids to match, the one to believe first. Feed each to [`candidates`](crate::ids::candidates).
    pub fn ids(&self) -> impl Iterator<Item = IdText> {
        let text_id = self.text_id.filter(|id| self.tlv_id.as_ref() != Some(id));
        self.tlv_id.into_iter().chain(text_id)
    }

    /// Is this the last word about the message? `accepted_is_final` is a setting of the peer.
    pub fn is_final(&self, accepted_is_final: bool) -> bool {
        !self.intermediate && self.state.is_some_and(|state| state.is_final(accepted_is_final))
    }
}

/// What follows the user data header. Some peers set the flag without one; a receipt is never refused
/// for it.
fn without_header(octets: &[u8]) -> &[u8] {
    match octets {
        [b'i' | b'I', b'd' | b'D', b':', ..] | [] => octets,
        [udhl, rest @ ..] => rest.get(usize::from(*udhl)..).unwrap_or(octets),
    }
}

impl fmt::Debug for ReceiptFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiptFields")
            .field("tlv_id", &self.tlv_id)
            .field("text_id", &self.text_id)
            .field("state", &self.state)
            .field("error", &self.error)
            .field("network_error", &self.network_error)
            .field("submitted_us", &self.submitted_us)
            .field("done_us", &self.done_us)
            .field("submitted", &self.submitted)
            .field("delivered", &self.delivered)
            .field("text_octets", &self.text.as_ref().map(|text| text.len()))
            .field("intermediate", &self.intermediate)
            .finish()
    }
}
