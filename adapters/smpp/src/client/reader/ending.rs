//! Why a link ended.

use std::{fmt, io};

use crate::{CommandStatus, frame::FramingError, pdu};

/// Why a link ended.
#[derive(Debug)]
pub(in super::super) enum Ending {
    Stopped,
    Refused(CommandStatus),
    /// The bind cannot be written.
    Settings(pdu::EncodeError),
    NotBound,
    Closed,
    Broken(io::Error),
    Unbound,
    Silent,
    Stalled,
    Framing(FramingError),
    Strikes,
    /// The SMSC says that we are not bound, or that it has lost the thread.
    Confused(CommandStatus),
}

impl Ending {
    /// Whether what we still have to say may reach the other side.
    pub(super) const fn is_orderly(&self) -> bool {
        !matches!(self, Self::Closed | Self::Broken(_) | Self::Silent | Self::Stalled)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("told to stop"),
            Self::Refused(status) => write!(f, "bind refused: {status}"),
            Self::Settings(error) => write!(f, "cannot bind: {error}"),
            Self::NotBound => f.write_str("no answer to the bind"),
            Self::Closed => f.write_str("closed by the SMSC"),
            Self::Broken(error) => write!(f, "{error}"),
            Self::Unbound => f.write_str("unbound by the SMSC"),
            Self::Silent => f.write_str("no answer to enquire_link"),
            Self::Stalled => f.write_str("stopped in the middle of a PDU"),
            Self::Framing(error) => write!(f, "{error}"),
            Self::Strikes => f.write_str("too many requests that make no sense"),
            Self::Confused(status) => write!(f, "the SMSC answered {status}"),
        }
    }
}
