//! The user data of a message, wherever the PDU keeps it (SMPP 3.4 §5.3.2.32, TS 23.040 §9.2.3.24).

use crate::CommandStatus;
use crate::pdu::{DataSm, DecodeError, DeliverSm, EsmClass, Problem, ReplaceSm, SubmitMulti, SubmitSm};
use crate::tlv::{Sar, Tlvs};

/// What to do when `short_message` and `message_payload` both hold octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BothTexts {
    /// `ESME_RINVMSGLEN`, as the standard says.
    #[default]
    Refuse,
    /// Take `message_payload`.
    PreferPayload,
}

/// The user data of one message.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct UserData<'a> {
    /// The user data header with its length octet; empty when there is none.
    pub header: &'a [u8],
    /// What follows it, in the alphabet of `data_coding`.
    pub text: &'a [u8],
    /// The segment this is, by TLVs. `None` also when there is a header: a header goes before them.
    pub sar: Option<Sar>,
    /// There was a header *and* the TLVs; worth counting.
    pub sar_ignored: bool,
}

impl std::fmt::Debug for UserData<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserData")
            .field("header", &self.header.len())
            .field("text", &self.text.len())
            .field("sar", &self.sar)
            .finish_non_exhaustive()
    }
}

impl<'a> UserData<'a> {
    /// Finds the user data and splits its header off.
    #[inline]
    pub fn of(
        esm_class: EsmClass,
        short_message: &'a [u8],
        tlvs: &Tlvs<'a>,
        both: BothTexts,
    ) -> Result<Self, DecodeError> {
        let (payload, sar) =
            if tlvs.is_empty() { (None, None) } else { (tlvs.message_payload(), tlvs.sar()?) };
        let octets = match payload {
            Some(payload) if short_message.is_empty() => payload,
            Some([]) | None => short_message,
            Some(payload) if both == BothTexts::PreferPayload => payload,
            Some(_) => {
                return Err(DecodeError {
                    status: CommandStatus::RINVMSGLEN,
                    field: "message_payload",
                    problem: Problem::Conflict,
                });
            }
        };
        if !esm_class.udhi() {
            return Ok(Self { header: &[], text: octets, sar, sar_ignored: false });
        }
        // UDHL counts what follows it, and at least one octet of it must be there.
        let header = octets.first().map(|&udhl| usize::from(udhl) + 1);
        match header.and_then(|header| octets.split_at_checked(header)) {
            Some((header, text)) => Ok(Self { header, text, sar: None, sar_ignored: sar.is_some() }),
            None => Err(DecodeError {
                status: CommandStatus::RINVESMCLASS,
                field: "esm_class",
                problem: Problem::Conflict,
            }),
        }
    }
}

macro_rules! user_data {
    ($($pdu:ident)*) => {
        $(impl<'a> $pdu<'a> {
            /// The user data, from `short_message` or `message_payload`.
            #[inline]
            pub fn user_data(&self, both: BothTexts) -> Result<UserData<'a>, DecodeError> {
                UserData::of(self.esm_class, self.short_message, &self.tlvs, both)
            }
        })*
    };
}

user_data! { SubmitSm DeliverSm SubmitMulti }

impl<'a> DataSm<'a> {
    /// The user data, from `message_payload`.
    pub fn user_data(&self) -> Result<UserData<'a>, DecodeError> {
        UserData::of(self.esm_class, &[], &self.tlvs, BothTexts::PreferPayload)
    }
}

impl<'a> ReplaceSm<'a> {
    /// The new text. Whether it starts with a header the stored message knows.
    pub fn user_data(&self, stored: EsmClass, both: BothTexts) -> Result<UserData<'a>, DecodeError> {
        UserData::of(stored, self.short_message, &self.tlvs, both)
    }
}
