//! One-octet parameters whose every value is legal to receive: protocol identifier, status, failure cause.

/// TP-PID (TS 23.040 §9.2.3.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Pid(pub u8);

impl Pid {
    pub const NORMAL: Self = Self(0x00);
    /// Type 0: acknowledged and thrown away without a sign.
    pub const SILENT: Self = Self(0x40);
    pub const DEVICE_TRIGGER: Self = Self(0x48);
    pub const RETURN_CALL: Self = Self(0x5F);
    pub const ME_DATA_DOWNLOAD: Self = Self(0x7D);
    pub const ME_DEPERSONALISATION: Self = Self(0x7E);
    pub const SIM_DATA_DOWNLOAD: Self = Self(0x7F);

    /// Replaces an earlier message of the same type, 1 to 7, from the same sender.
    pub const fn replace_type(self) -> Option<u8> {
        match self.0 {
            0x41..=0x47 => Some(self.0 - 0x40),
            _ => None,
        }
    }
}

/// TP-ST (TS 23.040 §9.2.3.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u8);

/// What a status means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusClass {
    /// The transaction is completed.
    Done,
    /// Not yet, and the service centre is still trying.
    Trying,
    /// Failed for good.
    Failed,
    /// Failed for now, and the service centre has given up.
    GaveUp,
    Reserved,
}

impl Status {
    pub const RECEIVED: Self = Self(0x00);
    pub const FORWARDED: Self = Self(0x01);
    pub const REPLACED: Self = Self(0x02);
    pub const NOT_OBTAINABLE: Self = Self(0x43);
    pub const EXPIRED: Self = Self(0x46);
    pub const DELETED_BY_ORIGINATOR: Self = Self(0x47);
    pub const DELETED_BY_ADMINISTRATOR: Self = Self(0x48);
    pub const DOES_NOT_EXIST: Self = Self(0x49);

    /// The class; unknown values have the one of their top three bits.
    pub const fn class(self) -> StatusClass {
        match self.0 {
            0x00..=0x1F => StatusClass::Done,
            0x20..=0x3F => StatusClass::Trying,
            0x40..=0x5F => StatusClass::Failed,
            0x60..=0x7F => StatusClass::GaveUp,
            0x80..=0xFF => StatusClass::Reserved,
        }
    }
}

/// TP-FCS (TS 23.040 §9.2.3.22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FailureCause(pub u8);

impl FailureCause {
    pub const TELEMATIC_NOT_SUPPORTED: Self = Self(0x80);
    pub const TYPE_0_NOT_SUPPORTED: Self = Self(0x81);
    pub const CANNOT_REPLACE: Self = Self(0x82);
    pub const PID_ERROR: Self = Self(0x8F);
    pub const ALPHABET_NOT_SUPPORTED: Self = Self(0x90);
    pub const CLASS_NOT_SUPPORTED: Self = Self(0x91);
    pub const DCS_ERROR: Self = Self(0x9F);
    pub const COMMAND_CANNOT_BE_DONE: Self = Self(0xA0);
    pub const COMMAND_UNSUPPORTED: Self = Self(0xA1);
    pub const COMMAND_ERROR: Self = Self(0xAF);
    pub const TPDU_NOT_SUPPORTED: Self = Self(0xB0);
    pub const SC_BUSY: Self = Self(0xC0);
    pub const NO_SC_SUBSCRIPTION: Self = Self(0xC1);
    pub const SC_SYSTEM_FAILURE: Self = Self(0xC2);
    pub const INVALID_ADDRESS: Self = Self(0xC3);
    pub const DESTINATION_BARRED: Self = Self(0xC4);
    pub const DUPLICATE_REJECTED: Self = Self(0xC5);
    pub const VPF_NOT_SUPPORTED: Self = Self(0xC6);
    pub const VP_NOT_SUPPORTED: Self = Self(0xC7);
    pub const SIM_STORAGE_FULL: Self = Self(0xD0);
    pub const NO_SIM_STORAGE: Self = Self(0xD1);
    pub const ERROR_IN_MS: Self = Self(0xD2);
    pub const MEMORY_EXCEEDED: Self = Self(0xD3);
    pub const SIM_TOOLKIT_BUSY: Self = Self(0xD4);
    pub const SIM_DOWNLOAD_ERROR: Self = Self(0xD5);
    pub const UNSPECIFIED: Self = Self(0xFF);
}

/// TP-CT, what an SMS-COMMAND asks for (TS 23.040 §9.2.3.19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandType(pub u8);

impl CommandType {
    pub const ENQUIRY: Self = Self(0x00);
    pub const CANCEL_STATUS_REPORT: Self = Self(0x01);
    pub const DELETE: Self = Self(0x02);
    pub const ENABLE_STATUS_REPORT: Self = Self(0x03);
}
