//! Feature tags (RFC 3840, RFC 3841, 3GPP TS 24.229 §7.2A): what a device says it can do.
//!
//! [`Features`] is the set behind the parameters of one Contact or Accept-Contact, services and applications by
//! their short names; [`Capabilities`] is what the gateway keeps of it.

mod capabilities;
mod set;
mod urn;

pub use capabilities::Capabilities;
pub use set::{FEATURE_OCTETS_MAX, FEATURES_MAX, Features, Wanted};
pub use urn::{iari, icsi, service_name, service_urn};

/// Names of single tags.
pub mod tag {
    pub const ICSI: &str = "+g.3gpp.icsi-ref";
    pub const IARI: &str = "+g.3gpp.iari-ref";
    /// Before IARI had its own: read only.
    pub const APP_REF: &str = "+g.3gpp.app_ref";
    pub const SIP_IM: &str = "+g.oma.sip-im";
    pub const LARGE_MESSAGE: &str = "+g.oma.sip-im.large-message";
    pub const SMS_OVER_IP: &str = "+g.3gpp.smsip";
    pub const PAGER_LARGE: &str = "+g.gsma.rcs.cpm.pager-large";
    pub const REVOCATION: &str = "+g.gsma.rcs.msgrevoke";
    pub const FALLBACK: &str = "+g.gsma.rcs.msgfallback";
    pub const BOT_VERSION: &str = "+g.gsma.rcs.botversion";
    pub const IS_BOT: &str = "+g.gsma.rcs.isbot";
    pub const CPIM_EXTENSIONS: &str = "+g.gsma.rcs.cpimext";
    pub const MLS_VERSION: &str = "+g.gsma.rcs.mls.mls-version";
    pub const MLS_KEYS: &str = "+g.gsma.rcs.mls.mls-kds";
    /// When `active`, RCS does not reach the device over packet data.
    pub const DATA_OFF: &str = "+g.3gpp.ps-data-off";
    pub const AUTOMATA: &str = "automata";
    pub const IS_FOCUS: &str = "isfocus";
}
