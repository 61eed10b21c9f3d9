//! The optional end of reports, announced by TP-PI (3GPP TS 23.040 §9.2.3.27).

use super::{EncodeError, Pid, user_data_into};
use crate::alphabet::Alphabet;
use crate::dcs::Dcs;
use crate::octets::{DecodeError, Reader};
use crate::user_data::UserData;

const HAS_PID: u8 = 0x01;
const HAS_DCS: u8 = 0x02;
const HAS_USER_DATA: u8 = 0x04;
const CONTINUED: u8 = 0x80;

/// What a report may add to its fixed fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters {
    pub pid: Option<Pid>,
    /// Without it, user data is read in the default alphabet.
    pub dcs: Option<Dcs>,
    pub user_data: Option<UserData>,
}

impl Parameters {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pid.is_none() && self.dcs.is_none() && self.user_data.is_none()
    }

    fn alphabet(&self) -> Alphabet {
        self.dcs.unwrap_or_default().alphabet()
    }

    pub(super) fn has_header(&self) -> bool {
        self.user_data.as_ref().is_some_and(|data| data.header.is_some())
    }

    /// Reads TP-PI. Octets that continue it announce nothing that is known.
    pub(super) fn announced(reader: &mut Reader<'_>) -> Result<u8, DecodeError> {
        let announced = reader.octet()?;
        let mut last = announced;
        while last & CONTINUED != 0 {
            last = reader.octet()?;
        }
        Ok(announced)
    }

    pub(super) fn decode(reader: &mut Reader<'_>, announced: u8, udhi: bool) -> Result<Self, DecodeError> {
        let mut parameters = Self::default();
        if announced & HAS_PID != 0 {
            parameters.pid = Some(Pid(reader.octet()?));
        }
        if announced & HAS_DCS != 0 {
            parameters.dcs = Some(Dcs(reader.octet()?));
        }
        if announced & HAS_USER_DATA != 0 {
            let length = reader.octet()?;
            let data = UserData::unpack(parameters.alphabet(), length, udhi, reader.rest());
            parameters.user_data = Some(data);
        }
        Ok(parameters)
    }

    pub(super) fn announcing(&self) -> u8 {
        let flag = |is_there, flag| if is_there { flag } else { 0 };
        flag(self.pid.is_some(), HAS_PID)
            | flag(self.dcs.is_some(), HAS_DCS)
            | flag(self.user_data.is_some(), HAS_USER_DATA)
    }

    pub(super) fn encode(&self, octets_max: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend(self.pid.map(|pid| pid.0));
        out.extend(self.dcs.map(|dcs| dcs.0));
        match &self.user_data {
            Some(data) => user_data_into(data, self.alphabet(), octets_max, out),
            None => Ok(()),
        }
    }
}
