//! Binds and `outbind` (SMPP 3.4 §4.1).

use crate::limits::{ADDRESS_RANGE, PASSWORD, SYSTEM_ID, SYSTEM_TYPE};
use crate::pdu::{EncodeError, Out};
use crate::tlv::{Tag, TlvWriter};
use crate::{Command, CommandStatus, Version};

/// Which of the three binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindKind {
    /// The ESME submits.
    Transmitter,
    /// The ESME receives.
    Receiver,
    /// Both.
    Transceiver,
}

impl BindKind {
    /// The kind of a bind or bind response; `None` for anything else.
    pub const fn of(command: Command) -> Option<Self> {
        match command {
            Command::BindTransmitter | Command::BindTransmitterResp => Some(Self::Transmitter),
            Command::BindReceiver | Command::BindReceiverResp => Some(Self::Receiver),
            Command::BindTransceiver | Command::BindTransceiverResp => Some(Self::Transceiver),
            _ => None,
        }
    }

    /// The request.
    pub const fn command(self) -> Command {
        match self {
            Self::Transmitter => Command::BindTransmitter,
            Self::Receiver => Command::BindReceiver,
            Self::Transceiver => Command::BindTransceiver,
        }
    }

    /// Its response.
    pub const fn response(self) -> Command {
        match self {
            Self::Transmitter => Command::BindTransmitterResp,
            Self::Receiver => Command::BindReceiverResp,
            Self::Transceiver => Command::BindTransceiverResp,
        }
    }

    /// May the ESME submit on this bind?
    pub const fn transmits(self) -> bool {
        !matches!(self, Self::Receiver)
    }

    /// May the message centre deliver on this bind?
    pub const fn receives(self) -> bool {
        !matches!(self, Self::Transmitter)
    }
}

body! {
    /// `bind_transmitter`, `bind_receiver` and `bind_transceiver`.
    pub struct Bind {
        /// Who binds.
        system_id: text("system_id", SYSTEM_ID, RINVSYSID),
        /// With what.
        password: text("password", PASSWORD, RINVPASWD),
        /// As what kind of system.
        system_type: text("system_type", SYSTEM_TYPE, RINVSYSTYP),
        /// Version the ESME speaks.
        interface_version: octet("interface_version"),
        /// Type of number of the addresses served.
        addr_ton: octet("addr_ton"),
        /// Numbering plan of the addresses served.
        addr_npi: octet("addr_npi"),
        /// Addresses served, a pattern; usually empty.
        address_range: text("address_range", ADDRESS_RANGE, RBINDFAIL),
        /// TLVs, of which the standard lists none.
        tlvs: tlvs("tlvs"),
    }
}

impl Bind<'_> {
    /// Appends the PDU. On an error nothing is appended.
    pub fn encode<O: Out>(&self, kind: BindKind, sequence: u32, out: &mut O) -> Result<(), EncodeError> {
        self.encode_as(kind.command(), CommandStatus::ROK, sequence, out, |_| Ok(()))
    }
}

body! {
    /// The response to a bind. On an error its body may be missing.
    pub struct BindResp {
        /// The message centre's own id.
        system_id: optional_text("system_id", SYSTEM_ID),
        /// `sc_interface_version`, if the message centre is 3.4 or later.
        tlvs: tlvs("tlvs"),
    }
}

impl BindResp<'_> {
    /// Appends the PDU. On an error nothing is appended.
    pub fn encode<O: Out>(
        &self,
        kind: BindKind,
        status: CommandStatus,
        sequence: u32,
        out: &mut O,
    ) -> Result<(), EncodeError> {
        self.encode_as(kind.response(), status, sequence, out, |_| Ok(()))
    }

    /// Appends a positive response with `sc_interface_version`, which an ESME older than 3.4 is
    /// spared.
    pub fn encode_accepted<O: Out>(
        system_id: &[u8],
        kind: BindKind,
        ours: Version,
        theirs: Version,
        sequence: u32,
        out: &mut O,
    ) -> Result<(), EncodeError> {
        let response = BindResp { system_id: Some(system_id), ..BindResp::default() };
        response.encode_as(
            kind.response(),
            CommandStatus::ROK,
            sequence,
            out,
            |more: &mut TlvWriter<'_, O>| {
                if theirs.allows_tlvs() {
                    more.octet(Tag::SC_INTERFACE_VERSION, ours.octet())?;
                }
                Ok(())
            },
        )
    }
}

body! {
    /// `outbind`: the message centre dialled and asks to be bound to. Never answered.
    pub struct Outbind as request Outbind {
        /// The message centre's id.
        system_id: text("system_id", SYSTEM_ID, RINVSYSID),
        /// Its password.
        password: text("password", PASSWORD, RINVPASWD),
        /// TLVs, of which the standard lists none.
        tlvs: tlvs("tlvs"),
    }
}
