//! Sizes that the protocol fixes (SMPP 3.4 §2.7, §4, §5; SMPP 5.0 §4).
//!
//! C-octet sizes include the closing NUL, as in the standard's tables.

/// The fixed header of every PDU.
pub const HEADER_OCTETS: usize = 16;
/// Largest PDU we take unless configured otherwise. A legal PDU may carry one TLV of 65,535 octets.
pub const PDU_OCTETS_MAX: usize = 70_000;
/// Octets a reader should offer to one read of the socket.
pub const READ_OCTETS: usize = 65_536;

/// `system_id`.
pub const SYSTEM_ID: usize = 16;
/// `password`.
pub const PASSWORD: usize = 9;
/// `system_type`.
pub const SYSTEM_TYPE: usize = 13;
/// `address_range`.
pub const ADDRESS_RANGE: usize = 41;
/// `service_type`.
pub const SERVICE_TYPE: usize = 6;
/// Addresses of `submit_sm`, `deliver_sm` and most others.
pub const ADDRESS: usize = 21;
/// Addresses of `data_sm` and `alert_notification`.
pub const LONG_ADDRESS: usize = 65;
/// `message_id`.
pub const MESSAGE_ID: usize = 65;
/// Times: either empty or sixteen characters, and the NUL.
pub const TIME: usize = 17;
/// `dl_name`.
pub const DL_NAME: usize = 21;

/// `short_message` of SMPP 5.0, and of any peer we read from.
pub const SHORT_MESSAGE_OCTETS_MAX: usize = 255;
/// `short_message` of SMPP 3.4; what we write unless the peer said 5.0.
pub const SHORT_MESSAGE_OCTETS_MAX_V34: usize = 254;
/// Destinations of one `submit_multi` (5.0; 3.4 stops at 254).
pub const DESTINATIONS_MAX: usize = 255;
/// Value of one TLV.
pub const TLV_OCTETS_MAX: usize = 65_535;

/// First sequence number of a session, and the one after [`SEQUENCE_MAX`].
pub const SEQUENCE_FIRST: u32 = 1;
/// Last sequence number before the wrap.
pub const SEQUENCE_MAX: u32 = 0x7FFF_FFFF;
