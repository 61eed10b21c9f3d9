//! What an SMSC delivers: messages of phones and receipts, and the answers they get (SMS sheet §1.8, rows
//! 39 and 40).

use bytes::BytesMut;
use model::{Answer, Cause, Inbound, ReceiptState, Retry, SessionId, Ticket, Timestamp};

use super::ClientSettings;
use crate::{
    Command, CommandStatus, Frame, Version,
    ids::Learned,
    pdu::{self, DataSm, DecodeError, DeliverSm},
    receipt::{ReceiptFields, is_receipt},
    tlv::Leniency,
    translate::{self, submission_of_data, submission_of_deliver},
};

/// What a ticket's token says: the sequence number, and which of the two PDUs it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    sequence: u32,
    is_data: bool,
}

impl Token {
    const fn encode(self) -> u64 {
        (self.is_data as u64) << 32 | self.sequence as u64
    }

    pub(super) const fn decode(token: u64) -> Self {
        Self { sequence: token as u32, is_data: token >> 32 != 0 }
    }

    pub(super) fn answer(self, answer: &Answer, buffer: &mut BytesMut) {
        let command = if self.is_data { Command::DataSm } else { Command::DeliverSm };
        let status = status(answer);
        if self.is_data && status.is_ok() {
            // The id is mandatory in data_sm_resp; we have none to give.
            let _fits = pdu::answer_with_id(command, self.sequence, b"", buffer);
        } else {
            pdu::answer(command, status, self.sequence, buffer);
        }
    }
}

/// Whether the SMSC keeps what we did not take.
fn status(answer: &Answer) -> CommandStatus {
    match answer {
        Answer::Refused(refusal) if is_fleeting(refusal.cause) => CommandStatus::RX_T_APPN,
        Answer::Refused(refusal) if matches!(refusal.retry, Retry::Scheduled | Retry::After(_)) => {
            CommandStatus::RX_T_APPN
        }
        Answer::Refused(refusal) => match refusal.cause {
            Cause::Policy
            | Cause::OptedOut
            | Cause::AdvertisingRule
            | Cause::QuietHours
            | Cause::SenderNotRegistered => CommandStatus::RX_R_APPN,
            _ => CommandStatus::RX_P_APPN,
        },
        _ => CommandStatus::ROK,
    }
}

/// Causes that are about us and now, not about the message.
const fn is_fleeting(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::QueueFull
            | Cause::StoreUnavailable
            | Cause::Draining
            | Cause::Throttled
            | Cause::Internal
            | Cause::LinkDown
    )
}

/// What is needed to read what arrives, the same for one batch.
pub(super) struct Reading<'a> {
    pub(super) settings: &'a ClientSettings,
    pub(super) learned: Learned,
    pub(super) session: SessionId,
    pub(super) version: Version,
    pub(super) now: Timestamp,
    /// Why messages are not taken now.
    pub(super) closed: Option<Cause>,
}

/// Why something is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// It cannot be read.
    Unreadable(CommandStatus),
    /// Not now.
    Closed(Cause),
}

impl Reading<'_> {
    /// A `deliver_sm` or `data_sm`.
    pub(super) fn arrival(&self, frame: &Frame<'_>) -> Result<Inbound, NotTaken> {
        let is_data = frame.header.command == Command::DataSm;
        let ticket = Ticket {
            session: self.session,
            token: Token { sequence: frame.header.sequence, is_data }.encode(),
        };
        // Nothing at all can be committed. In other cases receipts are welcome: they end what is open, and so
        // make room.
        if let Some(cause @ (Cause::StoreUnavailable | Cause::Internal)) = self.closed {
            return Err(NotTaken::Closed(cause));
        }
        if is_data { self.data(frame.body, ticket) } else { self.deliver(frame.body, ticket) }
    }

    fn deliver(&self, body: &[u8], ticket: Ticket) -> Result<Inbound, NotTaken> {
        let pdu = DeliverSm::decode(body, Leniency::Lenient).map_err(unreadable)?;
        if is_receipt(pdu.esm_class, &pdu.tlvs) {
            return Ok(self.receipt(&ReceiptFields::of_deliver(&pdu), &pdu.source, &pdu.destination, ticket));
        }
        self.open()?;
        let submission = submission_of_deliver(&pdu, &self.from()).map_err(NotTaken::Unreadable)?;
        Ok(Inbound::Submit { submission, ticket })
    }

    fn data(&self, body: &[u8], ticket: Ticket) -> Result<Inbound, NotTaken> {
        let pdu = DataSm::decode(body, Leniency::Lenient).map_err(unreadable)?;
        if is_receipt(pdu.esm_class, &pdu.tlvs) {
            return Ok(self.receipt(&ReceiptFields::of_data(&pdu), &pdu.source, &pdu.destination, ticket));
        }
        self.open()?;
        let submission = submission_of_data(&pdu, &self.from()).map_err(NotTaken::Unreadable)?;
        Ok(Inbound::Submit { submission, ticket })
    }

    fn receipt(
        &self,
        fields: &ReceiptFields<'_>,
        source: &pdu::Address<'_>,
        destination: &pdu::Address<'_>,
        ticket: Ticket,
    ) -> Inbound {
        let mut receipt = translate::receipt(fields, source, destination, &self.learned);
        if receipt.state == ReceiptState::Accepted && !self.settings.accepted_is_final {
            receipt.state = ReceiptState::Enroute;
        }
        Inbound::Receipt { channel: self.settings.channel, receipt, ticket: Some(ticket) }
    }

    fn open(&self) -> Result<(), NotTaken> {
        self.closed.map_or(Ok(()), |cause| Err(NotTaken::Closed(cause)))
    }

    fn from(&self) -> translate::From<'_> {
        translate::From {
            origin: self.settings.channel,
            text: &self.settings.text,
            class: self.settings.class,
            version: self.version,
            now: self.now,
        }
    }
}

fn unreadable(error: DecodeError) -> NotTaken {
    NotTaken::Unreadable(error.status)
}

#[cfg(test)]
mod tests {
    use model::Refusal;

    use super::*;

    #[test]
    fn an_smsc_keeps_what_is_refused_for_a_while_only() {
        let refused = |cause| status(&Answer::Refused(Refusal::ours(cause)));
        for cause in
            [Cause::QueueFull, Cause::StoreUnavailable, Cause::Draining, Cause::Throttled, Cause::Internal]
        {
            assert_eq!(refused(cause), CommandStatus::RX_T_APPN, "{cause:?}");
        }
        assert_eq!(refused(Cause::Policy), CommandStatus::RX_R_APPN);
        assert_eq!(refused(Cause::BadDestination), CommandStatus::RX_P_APPN);
        assert_eq!(status(&Answer::Taken), CommandStatus::ROK);
        let later = Refusal { retry: Retry::Scheduled, ..Refusal::ours(Cause::Policy) };
        assert_eq!(status(&Answer::Refused(later)), CommandStatus::RX_T_APPN);
    }

    #[test]
    fn a_token_says_which_pdu_it_was() {
        let token = Token { sequence: u32::MAX, is_data: true };
        assert_eq!(Token::decode(token.encode()), token);
    }
}
