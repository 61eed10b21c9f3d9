//! Answers that need no body of their own: refusals, and the header-only PDUs.

use crate::pdu::{EncodeError, Out, out};
use crate::tlv::TlvWriter;
use crate::{Command, CommandStatus, Header, limits};

/// Appends the response to `request` with `status`, or `generic_nack` when the standard knows no such
/// request. Nothing is appended for what is never answered: responses, `outbind`,
/// `alert_notification`.
///
/// A refused request gets the header only, as the standard wants; `deliver_sm_resp` always has its
/// one NUL.
pub fn answer<O: Out>(request: Command, status: CommandStatus, sequence: u32, out: &mut O) {
    let Some(command) = answering(request) else { return };
    if command == Command::DeliverSmResp {
        out.put(&Header { command, status, sequence }.encode(limits::HEADER_OCTETS as u32 + 1));
        out.put(&[0]);
    } else {
        encode_empty(command, status, sequence, out);
    }
}

/// [`answer`] with TLVs behind it: `congestion_state` to a 5.0 peer, `delivery_failure_reason`, … What
/// stands between header and TLVs is left empty, so that the peer finds them.
pub fn answer_with<O: Out>(
    request: Command,
    status: CommandStatus,
    sequence: u32,
    out: &mut O,
    tlvs: impl FnOnce(&mut TlvWriter<'_, O>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let Some(command) = answering(request) else { return Ok(()) };
    out::pdu(out, command, status, sequence, false, |out| {
        let empty: &[u8] = match command {
            Command::QuerySmResp => &[0; 4],
            Command::SubmitMultiResp => &[0; 2],
            Command::BindReceiverResp
            | Command::BindTransmitterResp
            | Command::BindTransceiverResp
            | Command::SubmitSmResp
            | Command::DeliverSmResp
            | Command::DataSmResp
            | Command::BroadcastSmResp
            | Command::QueryBroadcastSmResp => &[0],
            _ => &[],
        };
        out.put(empty);
        tlvs(&mut TlvWriter::new(out))
    })
}

fn answering(request: Command) -> Option<Command> {
    match request {
        Command::Unknown(_) if !request.is_response() => Some(Command::GenericNack),
        known => known.response(),
    }
}

/// Appends a positive response that carries an id (`submit_sm_resp`, `data_sm_resp`, …): what
/// [`SubmitSmResp`](crate::pdu::SubmitSmResp) would write, with no struct in between.
#[inline]
pub fn answer_with_id<O: Out>(
    request: Command,
    sequence: u32,
    message_id: &[u8],
    out: &mut O,
) -> Result<(), EncodeError> {
    let command = request.response().unwrap_or(Command::GenericNack);
    out::pdu(out, command, CommandStatus::ROK, sequence, false, |out| {
        out::text(out, message_id, limits::MESSAGE_ID, "message_id")?;
        // A positive submit_multi_resp lists, after the id, no destination that failed.
        if command == Command::SubmitMultiResp {
            out.put(&[0]);
        }
        Ok(())
    })
}

/// Appends a PDU without a body: `enquire_link`, `unbind`, `generic_nack` and their like.
#[inline]
pub fn encode_empty<O: Out>(command: Command, status: CommandStatus, sequence: u32, out: &mut O) {
    out.put(&Header { command, status, sequence }.encode(limits::HEADER_OCTETS as u32));
}
