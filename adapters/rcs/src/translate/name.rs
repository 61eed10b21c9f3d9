//! `imdn.Message-ID` of what we hand over: our own id, and a proof that we gave it out for this recipient.
//!
//! The same message has the same name however often it is handed over, so a device recognises a repetition. A
//! notification is believed when it names a message of ours and comes from whom that message went to; nobody can
//! make up a receipt for somebody else.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::MessageId;
use sip_transaction::hash::{Hasher, Seed};
use smol_str::SmolStr;

use super::Line;
use crate::settings::Secret;

/// Eight octets of each in base64: 22 characters, which a [`SmolStr`] keeps without the heap.
const CHARACTERS: usize = 22;
const OCTETS: usize = 16;

/// Gives names and reads them back.
#[derive(Debug, Clone, Copy)]
pub struct Namer(Seed);

/// What a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageName {
    pub message: MessageId,
    proof: u64,
}

impl Namer {
    #[must_use]
    pub fn new(secret: &Secret<[u8; 16]>) -> Self {
        let [a, b] = halves(*secret.reveal());
        Self(Seed(a, b))
    }

    /// For other things that are to be the same again after a restart.
    pub(crate) const fn seed(&self) -> Seed {
        self.0
    }

    /// The name of a message on its way to `to`.
    #[must_use]
    pub fn name(&self, message: MessageId, to: &Line) -> SmolStr {
        let mut octets = [0; OCTETS];
        let (left, right) = octets.split_at_mut(8);
        left.copy_from_slice(&message.as_u64().to_be_bytes());
        right.copy_from_slice(&self.proof(message, to).to_be_bytes());
        let mut text = [0; CHARACTERS];
        // The room is what sixteen octets take.
        let _written = URL_SAFE_NO_PAD.encode_slice(octets, &mut text);
        SmolStr::new(std::str::from_utf8(&text).unwrap_or_default())
    }

    /// Whether the name was given to a message to `to`.
    #[must_use]
    pub fn is_to(&self, name: &MessageName, to: &Line) -> bool {
        self.proof(name.message, to) == name.proof
    }

    fn proof(&self, message: MessageId, to: &Line) -> u64 {
        let mut hasher = Hasher::new(self.0);
        hasher.word(message.as_u64());
        hasher.part(to.as_str().as_bytes());
        (hasher.finish() >> 64) as u64
    }
}

impl MessageName {
    /// `None` for what we cannot have written.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() != CHARACTERS {
            return None;
        }
        let mut octets = [0; OCTETS];
        // The decoder wants room for a whole number of quanta.
        let mut room = [0; OCTETS + 2];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut room).ok().filter(|length| *length == OCTETS)?;
        octets.copy_from_slice(room.get(..length)?);
        let [message, proof] = halves(octets);
        Some(Self { message: MessageId::from_u64(message)?, proof })
    }
}

fn halves(octets: [u8; 16]) -> [u64; 2] {
    let whole = u128::from_be_bytes(octets);
    [(whole >> 64) as u64, whole as u64]
}

#[cfg(test)]
mod tests {
    use model::{MessageIds, Number, NumberingPlan, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str) -> Line {
        Line::of(&Number::written(text), &NumberingPlan::korea())
    }

    #[test]
    fn a_name_leads_back_to_its_message_and_its_recipient_only() {
        let namer = Namer::new(&Secret::new([7; 16]));
        let message = MessageIds::default().next(Timestamp::from_secs(1_800_000_000));
        let name = namer.name(message, &line("+821011110001"));
        assert_eq!(name, namer.name(message, &line("010-1111-0001")), "the same again");
        assert!(!name.is_heap_allocated());
        let read = MessageName::read(&name).expect("ours");
        assert_eq!(read.message, message);
        assert!(namer.is_to(&read, &line("010-1111-0001")));
        assert!(!namer.is_to(&read, &line("+821011110002")));
        assert!(!Namer::new(&Secret::new([8; 16])).is_to(&read, &line("+821011110001")));
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_or_none(text in ".{0,40}") {
            let _read = MessageName::read(&text);
        }
    }
}
