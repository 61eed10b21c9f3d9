//! `submit_multi`: one message to many (SMPP 3.4 §4.5).

use std::fmt;

use crate::limits::{ADDRESS, DESTINATIONS_MAX, DL_NAME, MESSAGE_ID, SERVICE_TYPE, TIME};
use crate::pdu::cursor::Cursor;
use crate::pdu::list::Item;
use crate::pdu::{Address, DecodeError, EncodeError, Out, Problem, out};
use crate::{CommandStatus, Version};

body! {
    /// `submit_multi`.
    pub struct SubmitMulti as request SubmitMulti {
        /// Teleservice, usually empty.
        service_type: text("service_type", SERVICE_TYPE, RINVSERTYP),
        /// From.
        source: addr("source_addr", ADDRESS, RINVSRCADR),
        /// To; never empty when it came from a peer.
        destinations: list of Destination("dest_address"),
        /// Mode, kind and header flag.
        esm_class: esm_class("esm_class"),
        /// TP-PID.
        protocol_id: octet("protocol_id"),
        /// 0–3.
        priority_flag: octet("priority_flag"),
        /// When to deliver; empty is now.
        schedule_delivery_time: text("schedule_delivery_time", TIME, RINVSCHED),
        /// Until when; empty is the default of the message centre.
        validity_period: text("validity_period", TIME, RINVEXPIRY),
        /// Receipts asked for.
        registered_delivery: registered("registered_delivery"),
        /// 1 replaces a pending message.
        replace_if_present_flag: octet("replace_if_present_flag"),
        /// Alphabet.
        data_coding: octet("data_coding"),
        /// Predefined message.
        sm_default_msg_id: octet("sm_default_msg_id"),
        /// The user data, unless it is in `message_payload`.
        short_message: message("short_message"),
        /// TLVs.
        tlvs: tlvs("tlvs"),
    }
}

impl SubmitMulti<'_> {
    /// Is the number of destinations within what this version, and our own limit, allows?
    pub fn check_destinations(&self, version: Version, limit: usize) -> Result<(), DecodeError> {
        let standard = if version.allows_v50() { DESTINATIONS_MAX } else { DESTINATIONS_MAX - 1 };
        if self.destinations.len() > limit.min(standard) {
            return Err(DecodeError {
                status: CommandStatus::RINVNUMDESTS,
                field: "number_of_dests",
                problem: Problem::Value,
            });
        }
        Ok(())
    }
}

body! {
    /// The response to `submit_multi`.
    pub struct SubmitMultiResp as response SubmitMultiResp {
        /// `None` when there is no body, or one without a NUL; `Some` may be empty.
        message_id: optional_text("message_id", MESSAGE_ID),
        /// Destinations that were refused.
        unsuccessful: list of Unsuccessful("unsuccess_sme"),
        /// `congestion_state` in 5.0.
        tlvs: tlvs("tlvs"),
    }
}

/// One destination of `submit_multi`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Destination<'a> {
    /// A number.
    Address(Address<'a>),
    /// A distribution list that the message centre keeps.
    List(&'a [u8]),
}

impl fmt::Debug for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::List(name) => write!(f, "list[{}]", name.len()),
        }
    }
}

impl<'a> Item<'a> for Destination<'a> {
    const COUNT: &'static str = "number_of_dests";

    fn check_count(count: u8) -> Result<(), DecodeError> {
        if count > 0 {
            return Ok(());
        }
        Err(DecodeError { status: CommandStatus::RINVNUMDESTS, field: Self::COUNT, problem: Problem::Value })
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        match cursor.octet("dest_flag")? {
            1 => Ok(Self::Address(cursor.address(ADDRESS, CommandStatus::RINVDSTADR, "destination_addr")?)),
            2 => Ok(Self::List(cursor.text(DL_NAME, CommandStatus::RINVDLNAME, "dl_name")?)),
            _ => Err(DecodeError {
                status: CommandStatus::RINVDESTFLAG,
                field: "dest_flag",
                problem: Problem::Value,
            }),
        }
    }

    fn write<O: Out>(&self, out: &mut O) -> Result<(), EncodeError> {
        match self {
            Self::Address(address) => {
                out.put(&[1]);
                address.write(out, ADDRESS, "destination_addr")
            }
            Self::List(name) => {
                out.put(&[2]);
                out::text(out, name, DL_NAME, "dl_name")
            }
        }
    }
}

/// A destination of `submit_multi` that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsuccessful<'a> {
    /// Which.
    pub address: Address<'a>,
    /// Why.
    pub status: CommandStatus,
}

impl<'a> Item<'a> for Unsuccessful<'a> {
    const COUNT: &'static str = "no_unsuccess";
    /// Most message centres leave the list out when they refuse the whole request.
    const MAY_BE_ABSENT: bool = true;

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        let address = cursor.address(ADDRESS, CommandStatus::RINVDSTADR, "destination_addr")?;
        let status = u32::from_be_bytes(cursor.fixed("error_status_code")?);
        Ok(Self { address, status: CommandStatus(status) })
    }

    fn write<O: Out>(&self, out: &mut O) -> Result<(), EncodeError> {
        self.address.write(out, ADDRESS, "destination_addr")?;
        out.put(&self.status.0.to_be_bytes());
        Ok(())
    }
}
