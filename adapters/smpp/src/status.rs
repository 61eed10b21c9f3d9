//! `command_status`: the outcome carried in a response header (SMPP 3.4 §5.1.3, SMPP 5.0 §4.7.6).
//!
//! A newtype and not an enum: vendors use 0x400–0x4FF and invent others, and any value a peer sends
//! must reach the owner of the message unchanged.

use std::fmt;

use crate::version::Version;

/// A `command_status`; every `u32` is one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CommandStatus(pub u32);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $value:literal,)*) => {
        impl CommandStatus {
            $($(#[$doc])* pub const $name: Self = Self($value);)*

            /// Every status that has a name, in numeric order.
            pub const NAMED: &'static [Self] = &[$(Self::$name),*];

            /// The standard's name, or `None` for vendor and reserved values.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(concat!("ESME_", stringify!($name))),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// No error.
    ROK = 0x0000_0000,
    /// Message length invalid.
    RINVMSGLEN = 0x0000_0001,
    /// Command length invalid.
    RINVCMDLEN = 0x0000_0002,
    /// Unknown command id.
    RINVCMDID = 0x0000_0003,
    /// Command not allowed in this bind state.
    RINVBNDSTS = 0x0000_0004,
    /// Already bound.
    RALYBND = 0x0000_0005,
    /// Bad `priority_flag`.
    RINVPRTFLG = 0x0000_0006,
    /// Bad `registered_delivery`.
    RINVREGDLVFLG = 0x0000_0007,
    /// System error.
    RSYSERR = 0x0000_0008,
    /// Bad source address.
    RINVSRCADR = 0x0000_000A,
    /// Bad destination address.
    RINVDSTADR = 0x0000_000B,
    /// Bad `message_id`.
    RINVMSGID = 0x0000_000C,
    /// Bind failed.
    RBINDFAIL = 0x0000_000D,
    /// Bad password.
    RINVPASWD = 0x0000_000E,
    /// Bad `system_id`.
    RINVSYSID = 0x0000_000F,
    /// `cancel_sm` failed.
    RCANCELFAIL = 0x0000_0011,
    /// `replace_sm` failed.
    RREPLACEFAIL = 0x0000_0013,
    /// Message queue full.
    RMSGQFUL = 0x0000_0014,
    /// Bad `service_type`.
    RINVSERTYP = 0x0000_0015,
    /// Bad number of destinations.
    RINVNUMDESTS = 0x0000_0033,
    /// Bad distribution list name.
    RINVDLNAME = 0x0000_0034,
    /// Bad `dest_flag`.
    RINVDESTFLAG = 0x0000_0040,
    /// Submit with replace is not valid here.
    RINVSUBREP = 0x0000_0042,
    /// Bad `esm_class`.
    RINVESMCLASS = 0x0000_0043,
    /// Cannot submit to a distribution list.
    RCNTSUBDL = 0x0000_0044,
    /// `submit_sm`, `submit_multi` or `data_sm` failed.
    RSUBMITFAIL = 0x0000_0045,
    /// Bad source TON.
    RINVSRCTON = 0x0000_0048,
    /// Bad source NPI.
    RINVSRCNPI = 0x0000_0049,
    /// Bad destination TON.
    RINVDSTTON = 0x0000_0050,
    /// Bad destination NPI.
    RINVDSTNPI = 0x0000_0051,
    /// Bad `system_type`.
    RINVSYSTYP = 0x0000_0053,
    /// Bad `replace_if_present_flag`.
    RINVREPFLAG = 0x0000_0054,
    /// Bad number of messages.
    RINVNUMMSGS = 0x0000_0055,
    /// Rate limit exceeded.
    RTHROTTLED = 0x0000_0058,
    /// Bad `schedule_delivery_time`.
    RINVSCHED = 0x0000_0061,
    /// Bad `validity_period`.
    RINVEXPIRY = 0x0000_0062,
    /// Predefined message unknown.
    RINVDFTMSGID = 0x0000_0063,
    /// Receiver's temporary error: the message centre should retry.
    RX_T_APPN = 0x0000_0064,
    /// Receiver's permanent error: the message centre should drop.
    RX_P_APPN = 0x0000_0065,
    /// Receiver rejects the message.
    RX_R_APPN = 0x0000_0066,
    /// `query_sm` failed.
    RQUERYFAIL = 0x0000_0067,
    /// TLV area malformed.
    RINVTLVSTREAM = 0x0000_00C0,
    /// TLV not allowed here.
    RTLVNOTALLWD = 0x0000_00C1,
    /// TLV length invalid.
    RINVTLVLEN = 0x0000_00C2,
    /// Required TLV missing.
    RMISSINGTLV = 0x0000_00C3,
    /// TLV value invalid.
    RINVTLVVAL = 0x0000_00C4,
    /// Delivery failed (transaction mode).
    RDELIVERYFAILURE = 0x0000_00FE,
    /// Unknown error.
    RUNKNOWNERR = 0x0000_00FF,
    /// 5.0: not authorised for this `service_type`.
    RSERTYPUNAUTH = 0x0000_0100,
    /// 5.0: prohibited from this operation.
    RPROHIBITED = 0x0000_0101,
    /// 5.0: `service_type` unavailable.
    RSERTYPUNAVAIL = 0x0000_0102,
    /// 5.0: `service_type` denied.
    RSERTYPDENIED = 0x0000_0103,
    /// 5.0: bad `data_coding`.
    RINVDCS = 0x0000_0104,
    /// 5.0: bad source subunit.
    RINVSRCADDRSUBUNIT = 0x0000_0105,
    /// 5.0: bad destination subunit.
    RINVDSTADDRSUBUNIT = 0x0000_0106,
    /// 5.0: bad broadcast frequency interval.
    RINVBCASTFREQINT = 0x0000_0107,
    /// 5.0: bad broadcast alias.
    RINVBCASTALIAS_NAME = 0x0000_0108,
    /// 5.0: bad broadcast area format.
    RINVBCASTAREAFMT = 0x0000_0109,
    /// 5.0: bad number of broadcast areas.
    RINVNUMBCAST_AREAS = 0x0000_010A,
    /// 5.0: bad broadcast content type.
    RINVBCASTCNTTYPE = 0x0000_010B,
    /// 5.0: bad broadcast message class.
    RINVBCASTMSGCLASS = 0x0000_010C,
    /// 5.0: `broadcast_sm` failed.
    RBCASTFAIL = 0x0000_010D,
    /// 5.0: `query_broadcast_sm` failed.
    RBCASTQUERYFAIL = 0x0000_010E,
    /// 5.0: `cancel_broadcast_sm` failed.
    RBCASTCANCELFAIL = 0x0000_010F,
    /// 5.0: bad repeat count.
    RINVBCAST_REP = 0x0000_0110,
    /// 5.0: bad service group.
    RINVBCASTSRVGRP = 0x0000_0111,
    /// 5.0: bad channel indicator.
    RINVBCASTCHANIND = 0x0000_0112,
}

impl CommandStatus {
    /// True for `ESME_ROK` only.
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// The range message centres may use as they like; never a reason to fail.
    pub const fn is_vendor(self) -> bool {
        matches!(self.0, 0x400..=0x4FF)
    }

    /// What to send instead to a peer that may not know this status: 5.0 codes go only to peers
    /// that said 5.0, others read `ESME_RSUBMITFAIL`.
    #[must_use]
    pub const fn for_peer(self, version: Version) -> Self {
        match self.0 {
            0x100..=0x112 if !version.allows_v50() => Self::RSUBMITFAIL,
            _ => self,
        }
    }
}

impl fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "status {:#010x}", self.0),
        }
    }
}

impl fmt::Debug for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_numbers() {
        assert!(CommandStatus::NAMED.is_sorted());
        assert_eq!(CommandStatus::RX_T_APPN.to_string(), "ESME_RX_T_APPN");
        assert_eq!(CommandStatus(0x22).to_string(), "status 0x00000022");
        assert!(CommandStatus(0x4FF).is_vendor() && !CommandStatus(0x500).is_vendor());
    }
}
