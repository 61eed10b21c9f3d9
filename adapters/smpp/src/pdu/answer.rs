//! Answers that need no body of their own: refusals, and the header-only PDUs.

use crate::pdu::{EncodeError, Out, out};
use crate::{Command, CommandStatus, Header, limits};

/// Appends the response to `request` with `status`, or `generic_nack` when the standard knows no such
/// request. Nothing is appended for what is never answered: responses, `outbind`,
/// `alert_notification`.
///
/// A refused request gets the header only, as the standard wants; `deliver_sm_resp` always has its
/// one NUL.
pub fn answer<O: Out>(request: Command, status: CommandStatus, sequence: u32, out: &mut O) {
    let command = match request {
        Command::Unknown(_) if !request.is_response() => Command::GenericNack,
        known => match known.response() {
            Some(response) => response,
            None => return,
        },
    };
    if command == Command::DeliverSmResp {
        out.put(&Header { command, status, sequence }.encode(limits::HEADER_OCTETS as u32 + 1));
        out.put(&[0]);
    } else {
        encode_empty(command, status, sequence, out);
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
    out::pdu(out, command, CommandStatus::ROK, sequence, |out| {
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
