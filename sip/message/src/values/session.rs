//! Session-Expires (RFC 4028), Refer-To and Referred-By (RFC 3515, RFC 3892), RAck (RFC 3262).

use std::fmt;

use super::{Item, Value};
use crate::address::NameAddr;
use crate::fault::Malformed;
use crate::method::Method;
use crate::name::Name;
use crate::octets::{self, is_space, trim};

/// Who refreshes a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresher {
    /// The client of the request.
    Uac,
    /// The server of the request.
    Uas,
}

/// Session-Expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionExpires {
    /// The session ends so many seconds after the last refresh.
    pub seconds: u32,
    /// `None` before it is agreed.
    pub refresher: Option<Refresher>,
}

impl Value<'_> for SessionExpires {
    const NAME: Name = Name::SessionExpires;

    fn parse(value: &[u8]) -> Result<Self, Malformed> {
        let Item { value, params } = Item::parse(value)?;
        let seconds = octets::number(value.as_bytes()).map_err(|_| Malformed::Number)?;
        let refresher = match params.get("refresher") {
            None => None,
            Some(who) if who.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(who) if who.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            Some(_) => return Err(Malformed::Params),
        };
        Ok(Self { seconds, refresher })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

/// Refer-To: where to go. Its URI may carry `method` and headers.
#[derive(Debug, Clone, Copy)]
pub struct ReferTo<'a>(pub NameAddr<'a>);

impl<'a> Value<'a> for ReferTo<'a> {
    const NAME: Name = Name::ReferTo;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        NameAddr::parse(value).map(Self)
    }
}

/// Referred-By: on whose behalf.
#[derive(Debug, Clone, Copy)]
pub struct ReferredBy<'a>(pub NameAddr<'a>);

impl<'a> Value<'a> for ReferredBy<'a> {
    const NAME: Name = Name::ReferredBy;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        NameAddr::parse(value).map(Self)
    }
}

/// RAck: which reliable provisional response is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RAck {
    /// RSeq of the response.
    pub response: u32,
    /// CSeq number of the request.
    pub number: u32,
    /// Method of the request.
    pub method: Method,
}

impl Value<'_> for RAck {
    const NAME: Name = Name::RAck;

    fn parse(value: &[u8]) -> Result<Self, Malformed> {
        let mut words = trim(value).split(|&b| is_space(b)).filter(|word| !word.is_empty());
        let mut number = || octets::number(words.next().unwrap_or_default()).map_err(|_| Malformed::Number);
        let (response, number) = (number()?, number()?);
        let method = words.next().and_then(Method::parse).ok_or(Malformed::Token)?;
        if words.next().is_some() {
            return Err(Malformed::Trailing);
        }
        Ok(Self { response, number, method })
    }
}
