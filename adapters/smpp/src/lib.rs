//! SMPP 3.4 and 5.0: the protocol as pure functions (SMPP v3.4 issue 1.2, SMPP v5.0).
//!
//! Octets and the time come in as values, octets and decisions go out; no socket, clock or
//! randomness lives in these modules. The two drivers, [`server`] and [`client`], are the only ones with
//! sockets; they decide nothing. A reader starts at [`frame`] (octets to PDUs), then [`pdu`]
//! (one PDU), then [`session`] (what may be said when).

mod civil;
mod socket;

pub mod client;
pub mod command;
pub mod frame;
pub mod header;
pub mod ids;
pub mod limits;
pub mod pace;
pub mod pdu;
pub mod receipt;
pub mod retry;
pub mod server;
pub mod session;
pub mod status;
pub mod time;
pub mod tlv;
pub mod translate;
pub mod version;
pub mod window;

pub use command::Command;
pub use frame::{Batch, Frame, Framer, FramingError};
pub use header::Header;
pub use status::CommandStatus;
pub use tlv::{Tag, Tlvs};
pub use version::Version;
