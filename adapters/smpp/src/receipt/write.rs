//! Our own receipts: the text of the standard, and the TLVs for a peer that reads them.

use crate::civil::Civil;
use crate::limits::SHORT_MESSAGE_OCTETS_MAX_V34;
use crate::pdu::{Address, DeliverSm, EncodeError, EsmClass, Out};
use crate::receipt::MessageState;
use crate::time::two;
use crate::tlv::{NetworkErrorCode, Tag};
use crate::{Command, CommandStatus, Version};

/// Octets of the original message that a receipt repeats.
const EXCERPT_OCTETS: usize = 20;

/// A receipt that we owe an ESME.
#[derive(Debug, Clone, Copy)]
pub struct OwnReceipt<'a> {
    /// The id we answered `submit_sm` with.
    pub message_id: &'a [u8],
    /// Messages submitted under that id.
    pub submitted: u16,
    /// Of those, delivered.
    pub delivered: u16,
    /// When it was submitted.
    pub submitted_us: i64,
    /// When it came to this.
    pub done_us: i64,
    /// What it came to.
    pub state: MessageState,
    /// `err:`, 0–999.
    pub error: u16,
    /// What the network said, where it said something.
    pub network_error: Option<NetworkErrorCode>,
    /// The original text in ASCII, of which 20 octets are repeated; empty to keep it private.
    pub text: &'a [u8],
    /// An intermediate notification.
    pub intermediate: bool,
}

impl OwnReceipt<'_> {
    /// The text of the standard. Dates are UTC.
    pub fn text(&self, version: Version) -> ReceiptText {
        let mut text = ReceiptText::EMPTY;
        let state = self.state.for_peer(version);
        text.push(b"id:").push(self.message_id);
        text.push(b" sub:").push(&three(self.submitted)).push(b" dlvrd:").push(&three(self.delivered));
        text.push(b" submit date:").push(&minute(self.submitted_us));
        text.push(b" done date:").push(&minute(self.done_us));
        text.push(b" stat:").push(state.text().as_bytes()).push(b" err:").push(&three(self.error));
        text.push(b" text:");
        // A short_message is ASCII here; octets that are not would be read in the wrong alphabet.
        for &octet in self.text.iter().take(EXCERPT_OCTETS) {
            text.push(&[if matches!(octet, 0x20..=0x7E) { octet } else { b'?' }]);
        }
        text
    }

    /// Appends the `deliver_sm`. `source` is whom the message went to, `destination` who sent it.
    pub fn encode<O: Out>(
        &self,
        source: Address<'_>,
        destination: Address<'_>,
        version: Version,
        sequence: u32,
        out: &mut O,
    ) -> Result<(), EncodeError> {
        let text = self.text(version);
        let deliver = DeliverSm {
            source,
            destination,
            esm_class: if self.intermediate { EsmClass::INTERMEDIATE } else { EsmClass::RECEIPT },
            short_message: text.as_bytes(),
            ..DeliverSm::default()
        };
        deliver.encode_as(Command::DeliverSm, CommandStatus::ROK, sequence, out, |tlvs| {
            if version.allows_tlvs() {
                tlvs.text(Tag::RECEIPTED_MESSAGE_ID, self.message_id)?;
                tlvs.octet(Tag::MESSAGE_STATE, self.state.for_peer(version).octet())?;
                if let Some(code) = self.network_error {
                    tlvs.network_error_code(code)?;
                }
            }
            Ok(())
        })
    }
}

/// The text of a receipt, on the stack.
#[derive(Clone, Copy)]
pub struct ReceiptText {
    octets: [u8; SHORT_MESSAGE_OCTETS_MAX_V34],
    length: usize,
}

impl ReceiptText {
    const EMPTY: Self = Self { octets: [0; SHORT_MESSAGE_OCTETS_MAX_V34], length: 0 };

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }

    /// Appends what fits. All of it does: an id of 64, an excerpt of 20 and the rest stay below 200.
    fn push(&mut self, octets: &[u8]) -> &mut Self {
        let room = self.octets.get_mut(self.length..).unwrap_or_default();
        let fits = room.len().min(octets.len());
        if let (Some(room), Some(octets)) = (room.get_mut(..fits), octets.get(..fits)) {
            room.copy_from_slice(octets);
        }
        self.length += fits;
        self
    }
}

impl std::fmt::Debug for ReceiptText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReceiptText[{}]", self.length)
    }
}

fn three(number: u16) -> [u8; 3] {
    let number = number.min(999);
    let [tens, ones] = two((number % 100) as u8);
    [b'0' + (number / 100) as u8, tens, ones]
}

fn minute(at_us: i64) -> [u8; 10] {
    let civil = Civil::of(at_us);
    let [hour, minute, _] = civil.hour_minute_second();
    let mut text = [0; 10];
    let year = civil.year.rem_euclid(100) as u8;
    for (place, number) in text.chunks_exact_mut(2).zip([year, civil.month, civil.day, hour, minute]) {
        place.copy_from_slice(&two(number));
    }
    text
}
