//! Status codes of responses and reports (RFC 4975 §10, RFC 4976 §7, RFC 7701 §8).

use std::fmt;

/// A code of three digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status(u16);

impl Status {
    /// The next hop has it.
    pub const OK: Self = Self(200);
    /// The request cannot be understood.
    pub const UNINTELLIGIBLE: Self = Self(400);
    /// A relay wants to know who asks.
    pub const UNAUTHORIZED: Self = Self(401);
    /// Not allowed.
    pub const FORBIDDEN: Self = Self(403);
    /// No member is reached by this URI.
    pub const NO_SUCH_RECIPIENT: Self = Self(404);
    /// Nobody answered downstream.
    pub const TIMED_OUT: Self = Self(408);
    /// No more of this message, please.
    pub const STOP_SENDING: Self = Self(413);
    /// The content type was not agreed on.
    pub const MEDIA_TYPE: Self = Self(415);
    /// A parameter is out of bounds.
    pub const OUT_OF_BOUNDS: Self = Self(423);
    /// The nickname cannot be read.
    pub const NICKNAME_MALFORMED: Self = Self(424);
    /// Somebody else has the nickname.
    pub const NICKNAME_TAKEN: Self = Self(425);
    /// Members cannot be written to privately.
    pub const NO_PRIVATE_MESSAGES: Self = Self(428);
    /// No such session here.
    pub const NO_SESSION: Self = Self(481);
    /// The method is not known.
    pub const NOT_IMPLEMENTED: Self = Self(501);
    /// The session is bound to another connection.
    pub const ON_ANOTHER_CONNECTION: Self = Self(506);

    /// A code of three digits, if it is one.
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 100 && code <= 999 { Some(Self(code)) } else { None }
    }

    /// Three digits.
    pub(crate) fn parse(octets: &[u8]) -> Option<Self> {
        let digits: &[u8; 3] = octets.try_into().ok()?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Self::new(digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')))
    }

    /// The number.
    pub const fn code(self) -> u16 {
        self.0
    }

    /// 200 to 299.
    pub const fn is_success(self) -> bool {
        self.0 / 100 == 2
    }

    /// What is written behind the code.
    pub const fn comment(self) -> &'static str {
        match self {
            Self::OK => "OK",
            Self::UNINTELLIGIBLE => "Bad Request",
            Self::UNAUTHORIZED => "Unauthorized",
            Self::FORBIDDEN => "Forbidden",
            Self::NO_SUCH_RECIPIENT => "Not Found",
            Self::TIMED_OUT => "Request Timeout",
            Self::STOP_SENDING => "Stop Sending Message",
            Self::MEDIA_TYPE => "Unsupported Media Type",
            Self::OUT_OF_BOUNDS => "Parameter Out of Bounds",
            Self::NICKNAME_MALFORMED => "Malformed Nickname",
            Self::NICKNAME_TAKEN => "Nickname In Use",
            Self::NO_PRIVATE_MESSAGES => "Private Messages Not Supported",
            Self::NO_SESSION => "No Such Session",
            Self::NOT_IMPLEMENTED => "Not Implemented",
            Self::ON_ANOTHER_CONNECTION => "Session In Use",
            _ => "Other",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({})", self.0)
    }
}
