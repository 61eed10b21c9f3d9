//! Headers of the occasion: which conversation a message belongs to, and what networks charge it by (rcs sheet §2).

use model::{Address, Submission};
use sip_message::{HeaderValue, Name};
use sip_transaction::hash::Hasher;
use smallvec::{SmallVec, smallvec};

use super::Core;
use crate::translate::Carried;

impl Core {
    /// Conversation-ID and Contribution-ID: those of the sender, or made so that one conversation always has the
    /// same and one message always has the same (rcs sheet §2).
    pub(super) fn conversation(
        &self,
        carried: &Carried<'_>,
        from: &Address,
        to: &Address,
        message: u64,
    ) -> SmallVec<[(Name, HeaderValue); 3]> {
        let conversation = match carried.conversation {
            Some(id) => HeaderValue::display(id),
            None => {
                let (from, to) = (digits(from), digits(to));
                let (first, second) = if from <= to { (from, to) } else { (to, from) };
                self.uuid(b"conversation", &[first.as_bytes(), second.as_bytes()], 0)
            }
        };
        let contribution = match carried.contribution {
            Some(id) => HeaderValue::display(id),
            None => self.uuid(b"contribution", &[], message),
        };
        let mut headers: SmallVec<[(Name, HeaderValue); 3]> =
            smallvec![(Name::ConversationId, conversation), (Name::ContributionId, contribution)];
        if let Some(id) = carried.in_reply_to {
            headers.push((Name::InReplyToContributionId, HeaderValue::display(id)));
        }
        headers
    }

    /// P-Charging-Vector (RFC 7315 §4.6): the id that the message came with, or one of our own for a leg of our own.
    pub(super) fn charging_vector(&self, submission: &Submission, message: u64) -> HeaderValue {
        match &submission.charging_id {
            Some(id) => format!("icid-value=\"{}\"", id.replace(['"', '\\'], "")).into(),
            None => {
                let icid = self.uuid(b"icid", &[], message);
                let icid = String::from_utf8_lossy(icid.as_bytes()).into_owned();
                format!("icid-value=\"{icid}\";icid-generated-at={}", self.settings.domain).into()
            }
        }
    }

    /// A UUID made of what it names (RFC 9562 §5.8: version 8).
    fn uuid(&self, space: &[u8], parts: &[&[u8]], number: u64) -> HeaderValue {
        let mut hasher = Hasher::new(self.namer.seed());
        hasher.part(space);
        parts.iter().for_each(|part| hasher.part(part));
        hasher.word(number);
        let hash = hasher.finish();
        let versioned = hash & !(0xF << 76 | 0x3 << 62) | 0x8 << 76 | 0x2 << 62;
        HeaderValue::display(crate::translate::Id::Uuid(versioned))
    }
}

fn digits(address: &Address) -> &str {
    match address {
        Address::Number(number) => &number.digits,
        Address::User(user) => &user.id,
    }
}
