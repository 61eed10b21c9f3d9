//! Transfer protocol data units between handset and service centre (3GPP TS 23.040 §9.2).
//!
//! The message type's two bits mean different things in each direction, and a report has a failure cause
//! exactly when an RP-ERROR carries it; so both are said to [`Tpdu::decode`]. Reserved bits are dropped,
//! missing user data is flagged, octets after the end are ignored.

use crate::alphabet::Alphabet;
use crate::octets::{DecodeError, Reader};
use crate::user_data::UserData;

mod address;
mod codes;
mod from_mobile;
mod parameters;
mod time;
mod to_mobile;

pub use address::{Address, AddressError, DIGITS_MAX, Npi, SEPTETS_MAX, Ton};
pub use codes::{CommandType, FailureCause, Pid, Status, StatusClass};
pub use from_mobile::{Command, DeliverReport, Submit};
pub use parameters::Parameters;
pub use time::{Civil, Enhanced, Period, Relative, Timestamp, Validity};
pub use to_mobile::{Deliver, StatusReport, SubmitReport};

// Bits of the first octet that several types share.
const MTI: u8 = 0b11;
const LOOP_PREVENTION: u8 = 0x08;
const LOOP_OR_VPF: u8 = 0x18;
const STATUS_REPORT: u8 = 0x20;
const USER_DATA_HEADER: u8 = 0x40;
const REPLY_PATH: u8 = 0x80;

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    FromMobile,
    ToMobile,
}

/// The RP message that carries a TPDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    Data,
    Ack,
    Error,
}

/// One TPDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tpdu {
    Submit(Submit),
    Command(Command),
    DeliverReport(DeliverReport),
    Deliver(Deliver),
    StatusReport(StatusReport),
    SubmitReport(SubmitReport),
}

/// Why a TPDU cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("user data is longer than {octets_max} octets")]
pub struct EncodeError {
    /// What this TPDU has room for.
    pub octets_max: usize,
}

impl Tpdu {
    /// Reads one TPDU.
    pub fn decode(octets: &[u8], direction: Direction, carrier: Carrier) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(octets);
        let first = reader.octet()?;
        let reader = &mut reader;
        let is_error = carrier == Carrier::Error;
        match (direction, carrier, first & MTI) {
            (Direction::FromMobile, Carrier::Data, Submit::MTI) => {
                Submit::decode(first, reader).map(Self::Submit)
            }
            (Direction::FromMobile, Carrier::Data, Command::MTI) => {
                Command::decode(first, reader).map(Self::Command)
            }
            (Direction::FromMobile, Carrier::Ack | Carrier::Error, DeliverReport::MTI) => {
                DeliverReport::decode(first, is_error, reader).map(Self::DeliverReport)
            }
            // A handset reads the reserved type as DELIVER (§9.2.3.1).
            (Direction::ToMobile, Carrier::Data, Deliver::MTI | 0b11) => {
                Deliver::decode(first, reader).map(Self::Deliver)
            }
            (Direction::ToMobile, Carrier::Data, StatusReport::MTI) => {
                StatusReport::decode(first, reader).map(Self::StatusReport)
            }
            (Direction::ToMobile, Carrier::Ack | Carrier::Error, SubmitReport::MTI) => {
                SubmitReport::decode(first, is_error, reader).map(Self::SubmitReport)
            }
            (_, _, got) => Err(DecodeError::UnexpectedType { got }),
        }
    }

    /// The octets. Whether a report belongs into an RP-ACK or an RP-ERROR follows from its failure cause.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(176);
        match self {
            Self::Submit(submit) => submit.encode(&mut out),
            Self::Command(command) => command.encode(&mut out),
            Self::DeliverReport(report) => report.encode(&mut out),
            Self::Deliver(deliver) => deliver.encode(&mut out),
            Self::StatusReport(report) => report.encode(&mut out),
            Self::SubmitReport(report) => report.encode(&mut out),
        }?;
        Ok(out)
    }
}

const fn flag(is_set: bool, bit: u8) -> u8 {
    if is_set { bit } else { 0 }
}

fn user_data_into(
    data: &UserData,
    alphabet: Alphabet,
    octets_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    data.pack_into(alphabet, octets_max, out).ok_or(EncodeError { octets_max })
}
