//! The private headers of IMS (RFC 7315, RFC 5502) that are more than a list of addresses.

use std::borrow::Cow;

use super::{Item, Value};
use crate::address::NameAddr;
use crate::fault::Malformed;
use crate::name::Name;
use crate::octets::trim;
use crate::params::Params;

/// P-Charging-Vector (RFC 7315 §4.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargingVector<'a> {
    /// Names the charging of this session or transaction everywhere.
    pub icid: Cow<'a, str>,
    /// Who made it.
    pub generated_at: Option<Cow<'a, str>>,
    /// The network it comes from.
    pub orig_ioi: Option<Cow<'a, str>>,
    /// The network it goes to.
    pub term_ioi: Option<Cow<'a, str>>,
    /// All of them, as written.
    pub params: Params<'a>,
}

impl<'a> Value<'a> for ChargingVector<'a> {
    const NAME: Name = Name::PChargingVector;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let params = Params::parse_bare(trim(value))?;
        Ok(Self {
            icid: params.text("icid-value").ok_or(Malformed::Params)?,
            generated_at: params.text("icid-generated-at"),
            orig_ioi: params.text("orig-ioi"),
            term_ioi: params.text("term-ioi"),
            params,
        })
    }
}

/// Which side of a session an application server serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionCase {
    /// The user's own requests.
    Originating,
    /// Requests to the user.
    Terminating,
}

/// P-Served-User (RFC 5502).
#[derive(Debug, Clone, Copy)]
pub struct ServedUser<'a> {
    /// Who is served.
    pub address: NameAddr<'a>,
    /// On which side.
    pub session_case: Option<SessionCase>,
    /// Whether the user is registered.
    pub registered: Option<bool>,
}

impl<'a> Value<'a> for ServedUser<'a> {
    const NAME: Name = Name::PServedUser;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let address = NameAddr::parse(value)?;
        let one_of = |name: &str, yes: &str, no: &str| match address.params.get(name) {
            Some(value) if value.eq_ignore_ascii_case(yes) => Some(true),
            Some(value) if value.eq_ignore_ascii_case(no) => Some(false),
            _ => None,
        };
        let session_case = one_of("sescase", "orig", "term").map(|originating| match originating {
            true => SessionCase::Originating,
            false => SessionCase::Terminating,
        });
        Ok(Self { address, session_case, registered: one_of("regstate", "reg", "unreg") })
    }
}

/// P-Called-Party-ID (RFC 7315 §4.2): the identity that was called before retargeting.
#[derive(Debug, Clone, Copy)]
pub struct CalledParty<'a>(pub NameAddr<'a>);

impl<'a> Value<'a> for CalledParty<'a> {
    const NAME: Name = Name::PCalledPartyId;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        NameAddr::parse(value).map(Self)
    }
}

/// One element of P-Access-Network-Info (RFC 7315 §4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessNetwork<'a> {
    /// `3GPP-E-UTRAN-FDD`, `IEEE-802.11`, …
    pub access: &'a str,
    /// The cell and other details.
    pub params: Params<'a>,
    /// Whether the network and not the device says so.
    pub network_provided: bool,
}

impl<'a> Value<'a> for AccessNetwork<'a> {
    const NAME: Name = Name::PAccessNetworkInfo;

    fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let Item { value, params } = Item::parse(value)?;
        Ok(Self { access: value, params, network_provided: params.has("network-provided") })
    }
}
