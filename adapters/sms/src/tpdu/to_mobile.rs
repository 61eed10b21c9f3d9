//! What the service centre sends: SMS-DELIVER, SMS-STATUS-REPORT, SMS-SUBMIT-REPORT (3GPP TS 23.040 §9.2.2).

use super::parameters::Parameters;
use super::{
    Address, EncodeError, FailureCause, LOOP_PREVENTION, Pid, REPLY_PATH, STATUS_REPORT, Status, Timestamp,
    USER_DATA_HEADER, flag, user_data_into,
};
use crate::dcs::Dcs;
use crate::octets::{DecodeError, Reader};
use crate::user_data::UserData;

/// TP-MMS is inverted: set when nothing more is waiting.
const NO_MORE: u8 = 0x04;

/// SMS-DELIVER (§9.2.2.1): a message for the handset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliver {
    /// More messages are waiting at the service centre.
    pub more_to_send: bool,
    pub loop_prevention: bool,
    /// The sender has asked for a status report.
    pub status_report_indication: bool,
    pub reply_path: bool,
    pub originator: Address,
    pub pid: Pid,
    pub dcs: Dcs,
    pub timestamp: Timestamp,
    pub user_data: UserData,
}

impl Deliver {
    pub(super) const MTI: u8 = 0b00;

    pub(super) fn decode(first: u8, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let originator = Address::decode(reader)?;
        let [pid, dcs] = reader.array()?;
        let timestamp = Timestamp(reader.array()?);
        let length = reader.octet()?;
        let udhi = first & USER_DATA_HEADER != 0;
        Ok(Self {
            more_to_send: first & NO_MORE == 0,
            loop_prevention: first & LOOP_PREVENTION != 0,
            status_report_indication: first & STATUS_REPORT != 0,
            reply_path: first & REPLY_PATH != 0,
            originator,
            pid: Pid(pid),
            dcs: Dcs(dcs),
            timestamp,
            user_data: UserData::unpack(Dcs(dcs).alphabet(), length, udhi, reader.rest()),
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.push(
            Self::MTI
                | flag(!self.more_to_send, NO_MORE)
                | flag(self.loop_prevention, LOOP_PREVENTION)
                | flag(self.status_report_indication, STATUS_REPORT)
                | flag(self.user_data.header.is_some(), USER_DATA_HEADER)
                | flag(self.reply_path, REPLY_PATH),
        );
        self.originator.encode(out);
        out.extend_from_slice(&[self.pid.0, self.dcs.0]);
        out.extend_from_slice(&self.timestamp.0);
        user_data_into(&self.user_data, self.dcs.alphabet(), 140, out)
    }
}

/// SMS-STATUS-REPORT (§9.2.2.3): what became of a SUBMIT or a COMMAND.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// More messages are waiting at the service centre.
    pub more_to_send: bool,
    pub loop_prevention: bool,
    /// It is about a COMMAND, not a SUBMIT.
    pub is_about_command: bool,
    /// TP-MR of what it is about.
    pub reference: u8,
    pub recipient: Address,
    /// When the service centre took the SUBMIT.
    pub timestamp: Timestamp,
    pub discharge_time: Timestamp,
    pub status: Status,
    pub parameters: Parameters,
}

impl StatusReport {
    pub(super) const MTI: u8 = 0b10;

    pub(super) fn decode(first: u8, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let reference = reader.octet()?;
        let recipient = Address::decode(reader)?;
        let timestamp = Timestamp(reader.array()?);
        let discharge_time = Timestamp(reader.array()?);
        let status = Status(reader.octet()?);
        // The report stands without its optional end, so a broken one counts as absent.
        let udhi = first & USER_DATA_HEADER != 0;
        let parameters = Parameters::announced(reader)
            .and_then(|announced| Parameters::decode(reader, announced, udhi))
            .unwrap_or_default();
        Ok(Self {
            more_to_send: first & NO_MORE == 0,
            loop_prevention: first & LOOP_PREVENTION != 0,
            is_about_command: first & STATUS_REPORT != 0,
            reference,
            recipient,
            timestamp,
            discharge_time,
            status,
            parameters,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.push(
            Self::MTI
                | flag(!self.more_to_send, NO_MORE)
                | flag(self.loop_prevention, LOOP_PREVENTION)
                | flag(self.is_about_command, STATUS_REPORT)
                | flag(self.parameters.has_header(), USER_DATA_HEADER),
        );
        out.push(self.reference);
        self.recipient.encode(out);
        out.extend_from_slice(&self.timestamp.0);
        out.extend_from_slice(&self.discharge_time.0);
        out.push(self.status.0);
        if self.parameters.is_empty() {
            return Ok(());
        }
        out.push(self.parameters.announcing());
        self.parameters.encode(131, out)
    }
}

/// SMS-SUBMIT-REPORT (§9.2.2.2a): the service centre's answer to a SUBMIT or COMMAND.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmitReport {
    /// There exactly when an RP-ERROR carries the report.
    pub failure_cause: Option<FailureCause>,
    pub timestamp: Timestamp,
    pub parameters: Parameters,
}

impl SubmitReport {
    pub(super) const MTI: u8 = 0b01;

    pub(super) fn decode(first: u8, is_error: bool, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let failure_cause = if is_error { Some(FailureCause(reader.octet()?)) } else { None };
        let announced = Parameters::announced(reader)?;
        let timestamp = Timestamp(reader.array()?);
        let parameters = Parameters::decode(reader, announced, first & USER_DATA_HEADER != 0)?;
        Ok(Self { failure_cause, timestamp, parameters })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.push(Self::MTI | flag(self.parameters.has_header(), USER_DATA_HEADER));
        out.extend(self.failure_cause.map(|cause| cause.0));
        out.push(self.parameters.announcing());
        out.extend_from_slice(&self.timestamp.0);
        self.parameters.encode(152 - usize::from(self.failure_cause.is_some()), out)
    }
}
