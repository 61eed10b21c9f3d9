//! Methods (RFC 3261 §7.1). They are case sensitive and any token is one.

use std::fmt;

use smol_str::SmolStr;

use crate::octets;

/// A method: one that `rsip` knows, or any other token.
///
/// The constants serve as patterns: `match request.method { Method::MESSAGE => …, _ => … }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// One of the fourteen of the SIP RFCs.
    Known(rsip::Method),
    /// Something else; legal, and answered 501.
    Other(SmolStr),
}

macro_rules! methods {
    ($($constant:ident $variant:ident $text:literal)*) => {
        impl Method {
            $(#[doc = concat!("`", $text, "`")] pub const $constant: Self = Self::Known(rsip::Method::$variant);)*

            /// The method of that token; `None` when it is no token.
            #[must_use]
            pub fn parse(octets: &[u8]) -> Option<Self> {
                match octets {
                    $(_ if octets == $text.as_bytes() => Some(Self::$constant),)*
                    _ if octets::is_token(octets) => Some(Self::Other(SmolStr::new(octets::text(octets)))),
                    _ => None,
                }
            }

            /// As written in a request line.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::Known(rsip::Method::$variant) => $text,)*
                    Self::Other(text) => text,
                }
            }
        }
    };
}

methods! {
    MESSAGE Message "MESSAGE"
    OPTIONS Options "OPTIONS"
    REGISTER Register "REGISTER"
    INVITE Invite "INVITE"
    ACK Ack "ACK"
    BYE Bye "BYE"
    CANCEL Cancel "CANCEL"
    NOTIFY Notify "NOTIFY"
    SUBSCRIBE Subscribe "SUBSCRIBE"
    REFER Refer "REFER"
    UPDATE Update "UPDATE"
    INFO Info "INFO"
    PRACK PRack "PRACK"
    PUBLISH Publish "PUBLISH"
}

impl From<rsip::Method> for Method {
    fn from(method: rsip::Method) -> Self {
        Self::Known(method)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
