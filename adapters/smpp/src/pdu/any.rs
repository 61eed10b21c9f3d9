//! Any PDU: for tools, tests and captures. Drivers match on the command and decode one type.

use crate::pdu::{
    AlertNotification, Bind, BindKind, BindResp, BroadcastSm, BroadcastSmResp, CancelBroadcastSm, CancelSm,
    DataSm, DataSmResp, DecodeError, DeliverSm, DeliverSmResp, EncodeError, Out, Outbind, QueryBroadcastSm,
    QueryBroadcastSmResp, QuerySm, QuerySmResp, ReplaceSm, SubmitMulti, SubmitMultiResp, SubmitSm,
    SubmitSmResp, encode_empty, out,
};
use crate::tlv::Leniency;
use crate::{Command, CommandStatus, Frame};

macro_rules! any {
    (requests { $($request:ident)* } responses { $($response:ident)* }) => {
        /// A decoded PDU.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Pdu<'a> {
            Bind(BindKind, Bind<'a>),
            BindResp(BindKind, BindResp<'a>),
            $($request($request<'a>),)*
            $($response($response<'a>),)*
            /// Header only: `unbind`, `enquire_link`, `generic_nack` and the responses without a body.
            /// Octets a peer put behind the header are left out.
            Empty(Command),
            /// Not of the standard.
            Unknown { id: u32, body: &'a [u8] },
        }

        impl<'a> Pdu<'a> {
            /// Reads the body of a frame.
            pub fn decode(frame: Frame<'a>, leniency: Leniency) -> Result<Self, DecodeError> {
                let body = frame.body;
                Ok(match frame.header.command {
                    command @ (Command::BindReceiver | Command::BindTransmitter | Command::BindTransceiver) => {
                        let kind = BindKind::of(command).unwrap_or(BindKind::Transceiver);
                        Self::Bind(kind, Bind::decode(body, leniency)?)
                    }
                    command @ (Command::BindReceiverResp
                    | Command::BindTransmitterResp
                    | Command::BindTransceiverResp) => {
                        let kind = BindKind::of(command).unwrap_or(BindKind::Transceiver);
                        Self::BindResp(kind, BindResp::decode(body, leniency)?)
                    }
                    $(Command::$request => Self::$request($request::decode(body, leniency)?),)*
                    $(Command::$response => Self::$response($response::decode(body, leniency)?),)*
                    Command::Unknown(id) => Self::Unknown { id, body },
                    command @ (Command::Unbind
                    | Command::UnbindResp
                    | Command::EnquireLink
                    | Command::EnquireLinkResp
                    | Command::GenericNack
                    | Command::CancelSmResp
                    | Command::ReplaceSmResp
                    | Command::CancelBroadcastSmResp) => Self::Empty(command),
                })
            }

            /// Appends the PDU. A request carries no status whatever `status` says.
            pub fn encode<O: Out>(
                &self,
                status: CommandStatus,
                sequence: u32,
                out: &mut O,
            ) -> Result<(), EncodeError> {
                match self {
                    Self::Bind(kind, bind) => bind.encode(*kind, sequence, out),
                    Self::BindResp(kind, response) => response.encode(*kind, status, sequence, out),
                    $(Self::$request(request) => request.encode(sequence, out),)*
                    $(Self::$response(response) => response.encode(status, sequence, out),)*
                    Self::Empty(command) => {
                        let status = if command.is_response() { status } else { CommandStatus::ROK };
                        encode_empty(*command, status, sequence, out);
                        Ok(())
                    }
                    Self::Unknown { id, body } => {
                        out::pdu(out, Command::Unknown(*id), status, sequence, false, |out| {
                            out.put(body);
                            Ok(())
                        })
                    }
                }
            }
        }
    };
}

any! {
    requests {
        Outbind SubmitSm DeliverSm DataSm SubmitMulti QuerySm CancelSm ReplaceSm AlertNotification
        BroadcastSm QueryBroadcastSm CancelBroadcastSm
    }
    responses {
        SubmitSmResp DeliverSmResp DataSmResp SubmitMultiResp QuerySmResp BroadcastSmResp
        QueryBroadcastSmResp
    }
}
