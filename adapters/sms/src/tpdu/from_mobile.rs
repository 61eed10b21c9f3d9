//! What a handset sends: SMS-SUBMIT, SMS-COMMAND, SMS-DELIVER-REPORT (3GPP TS 23.040 §9.2.2).

use super::parameters::Parameters;
use super::{
    Address, CommandType, EncodeError, Enhanced, FailureCause, LOOP_OR_VPF, Pid, REPLY_PATH, Relative,
    STATUS_REPORT, Timestamp, USER_DATA_HEADER, Validity, flag, user_data_into,
};
use crate::alphabet::Alphabet;
use crate::dcs::Dcs;
use crate::octets::{DecodeError, Reader};
use crate::user_data::UserData;

const REJECT_DUPLICATES: u8 = 0x04;
const VPF_ENHANCED: u8 = 0x08;
const VPF_RELATIVE: u8 = 0x10;
const VPF_ABSOLUTE: u8 = 0x18;

/// SMS-SUBMIT (§9.2.2.2): a message for the service centre to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submit {
    pub reject_duplicates: bool,
    pub status_report_requested: bool,
    pub reply_path: bool,
    /// TP-MR, which a status report repeats.
    pub reference: u8,
    pub destination: Address,
    pub pid: Pid,
    pub dcs: Dcs,
    pub validity: Validity,
    pub user_data: UserData,
}

impl Submit {
    pub(super) const MTI: u8 = 0b01;

    pub(super) fn decode(first: u8, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let reference = reader.octet()?;
        let destination = Address::decode(reader)?;
        let [pid, dcs] = reader.array()?;
        let validity = match first & LOOP_OR_VPF {
            VPF_RELATIVE => Validity::Relative(Relative(reader.octet()?)),
            VPF_ENHANCED => Validity::Enhanced(Enhanced(reader.array()?)),
            VPF_ABSOLUTE => Validity::Absolute(Timestamp(reader.array()?)),
            _ => Validity::Unspecified,
        };
        let length = reader.octet()?;
        let udhi = first & USER_DATA_HEADER != 0;
        Ok(Self {
            reject_duplicates: first & REJECT_DUPLICATES != 0,
            status_report_requested: first & STATUS_REPORT != 0,
            reply_path: first & REPLY_PATH != 0,
            reference,
            destination,
            pid: Pid(pid),
            dcs: Dcs(dcs),
            validity,
            user_data: UserData::unpack(Dcs(dcs).alphabet(), length, udhi, reader.rest()),
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let format = match self.validity {
            Validity::Unspecified => 0,
            Validity::Relative(_) => VPF_RELATIVE,
            Validity::Enhanced(_) => VPF_ENHANCED,
            Validity::Absolute(_) => VPF_ABSOLUTE,
        };
        out.push(
            Self::MTI
                | flag(self.reject_duplicates, REJECT_DUPLICATES)
                | format
                | flag(self.status_report_requested, STATUS_REPORT)
                | flag(self.user_data.header.is_some(), USER_DATA_HEADER)
                | flag(self.reply_path, REPLY_PATH),
        );
        out.push(self.reference);
        self.destination.encode(out);
        out.extend_from_slice(&[self.pid.0, self.dcs.0]);
        match self.validity {
            Validity::Unspecified => {}
            Validity::Relative(Relative(octet)) => out.push(octet),
            Validity::Enhanced(Enhanced(octets)) | Validity::Absolute(Timestamp(octets)) => {
                out.extend_from_slice(&octets);
            }
        }
        user_data_into(&self.user_data, self.dcs.alphabet(), 140, out)
    }
}

/// SMS-COMMAND (§9.2.2.4): something about an earlier SUBMIT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub status_report_requested: bool,
    /// TP-MR of this command.
    pub reference: u8,
    pub pid: Pid,
    pub command: CommandType,
    /// TP-MN: the reference of the SUBMIT meant.
    pub number: u8,
    pub destination: Address,
    /// Octets, behind a header when there is one.
    pub data: UserData,
}

impl Command {
    pub(super) const MTI: u8 = 0b10;

    pub(super) fn decode(first: u8, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [reference, pid, command, number] = reader.array()?;
        let destination = Address::decode(reader)?;
        let length = reader.octet()?;
        let udhi = first & USER_DATA_HEADER != 0;
        Ok(Self {
            status_report_requested: first & STATUS_REPORT != 0,
            reference,
            pid: Pid(pid),
            command: CommandType(command),
            number,
            destination,
            data: UserData::unpack(Alphabet::Octets, length, udhi, reader.rest()),
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.push(
            Self::MTI
                | flag(self.status_report_requested, STATUS_REPORT)
                | flag(self.data.header.is_some(), USER_DATA_HEADER),
        );
        out.extend_from_slice(&[self.reference, self.pid.0, self.command.0, self.number]);
        self.destination.encode(out);
        user_data_into(&self.data, Alphabet::Octets, 157, out)
    }
}

/// SMS-DELIVER-REPORT (§9.2.2.1a): the handset's answer to a DELIVER or STATUS-REPORT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverReport {
    /// There exactly when an RP-ERROR carries the report.
    pub failure_cause: Option<FailureCause>,
    pub parameters: Parameters,
}

impl DeliverReport {
    pub(super) const MTI: u8 = 0b00;

    pub(super) fn decode(first: u8, is_error: bool, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let failure_cause = if is_error { Some(FailureCause(reader.octet()?)) } else { None };
        let announced = Parameters::announced(reader)?;
        let parameters = Parameters::decode(reader, announced, first & USER_DATA_HEADER != 0)?;
        Ok(Self { failure_cause, parameters })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.push(Self::MTI | flag(self.parameters.has_header(), USER_DATA_HEADER));
        out.extend(self.failure_cause.map(|cause| cause.0));
        out.push(self.parameters.announcing());
        self.parameters.encode(159 - usize::from(self.failure_cause.is_some()), out)
    }
}
