//! How a bind is refused. Each of these closes the connection.

use crate::CommandStatus;

/// Why a bind is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindRefusal {
    /// The account has as many binds as it may.
    OverLimit,
    /// Nobody of that name.
    WrongSystemId,
    /// Not the password. Answered after a delay.
    WrongPassword,
    /// Not a `system_type` this account may use.
    SystemType,
}

/// What partners differ about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindManners {
    /// The answer to one bind too many: `ESME_RBINDFAIL`, or `ESME_RALYBND` where partners expect it.
    pub over_limit: CommandStatus,
    /// Answer a wrong name and a wrong password alike, so that names cannot be tried out.
    pub hide_which: bool,
}

impl Default for BindManners {
    fn default() -> Self {
        Self { over_limit: CommandStatus::RBINDFAIL, hide_which: true }
    }
}

impl BindRefusal {
    /// The status of the bind response.
    pub const fn status(self, manners: &BindManners) -> CommandStatus {
        match self {
            Self::OverLimit => manners.over_limit,
            Self::WrongSystemId | Self::WrongPassword if manners.hide_which => CommandStatus::RBINDFAIL,
            Self::WrongSystemId => CommandStatus::RINVSYSID,
            Self::WrongPassword => CommandStatus::RINVPASWD,
            Self::SystemType => CommandStatus::RINVSYSTYP,
        }
    }

    /// Does the answer wait a while, so that guessing is slow?
    pub const fn is_delayed(self) -> bool {
        matches!(self, Self::WrongSystemId | Self::WrongPassword)
    }
}
