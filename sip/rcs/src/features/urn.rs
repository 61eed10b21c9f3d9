//! Service (ICSI) and application (IARI) identifiers.

use std::borrow::Cow;

use crate::percent;

/// What comes before the name of a service.
pub(super) const ICSI: &str = "urn:urn-7:3gpp-service.ims.icsi.";
/// What comes before the name of an application.
pub(super) const IARI: &str = "urn:urn-7:3gpp-application.ims.iari.";

/// Names of services.
pub mod icsi {
    /// Standalone message, pager mode.
    pub const MSG: &str = "oma.cpm.msg";
    pub const LARGE_MSG: &str = "oma.cpm.largemsg";
    pub const DEFERRED: &str = "oma.cpm.deferred";
    pub const SESSION: &str = "oma.cpm.session";
    pub const SESSION_GROUP: &str = "oma.cpm.session.group";
    pub const MSG_GROUP: &str = "oma.cpm.msg.group";
    pub const LARGE_MSG_GROUP: &str = "oma.cpm.largemsg.group";
    pub const FILE_TRANSFER: &str = "oma.cpm.filetransfer";
    pub const FILE_TRANSFER_GROUP: &str = "oma.cpm.filetransfer.group";
    pub const SYSTEM_MSG: &str = "oma.cpm.systemmsg";
    /// Voice and video: never ours, never stripped.
    pub const MMTEL: &str = "mmtel";
}

/// Names of applications.
pub mod iari {
    /// Chat of OMA SIMPLE IM.
    pub const IM: &str = "rcse.im";
    pub const FILE_TRANSFER: &str = "rcse.ft";
    pub const FILE_TRANSFER_HTTP: &str = "rcs.fthttp";
    pub const FILE_TRANSFER_THUMBNAIL: &str = "rcs.ftthumb";
    pub const FILE_TRANSFER_STORED: &str = "rcs.ftstandfw";
    pub const FILE_TRANSFER_SMS: &str = "rcs.ftsms";
    pub const GROUP_STORED: &str = "rcs.fullsfgroupchat";
    pub const GEO_PUSH: &str = "rcs.geopush";
    pub const GEO_SMS: &str = "rcs.geosms";
    pub const GEO_PULL: &str = "rcs.geopull";
    pub const CHATBOT: &str = "rcs.chatbot";
    pub const CHATBOT_STANDALONE: &str = "rcs.chatbot.sa";
    pub const BOT_MESSAGE: &str = "rcs.xbotmessage";
}

/// The name of the service in `P-Asserted-Service` or `P-Preferred-Service`, where the URN stands unescaped.
#[must_use]
pub fn service_name(urn: &str) -> Option<&str> {
    strip(ICSI, urn.trim_ascii())
}

/// The URN of a service as it stands in `P-Asserted-Service`.
#[must_use]
pub fn service_urn(name: &str) -> String {
    format!("{ICSI}{name}")
}

/// The name after the prefix; case does not matter in `urn:urn-7:`, but does in the rest.
fn strip<'a>(prefix: &str, urn: &'a str) -> Option<&'a str> {
    const SCHEME: usize = "urn:urn-7:".len();
    let (start, name) = urn.split_at_checked(prefix.len())?;
    let same = start.get(..SCHEME)?.eq_ignore_ascii_case(prefix.get(..SCHEME)?)
        && start.get(SCHEME..) == prefix.get(SCHEME..);
    (same && !name.is_empty()).then_some(name)
}

/// As [`strip`] from a URN that may be percent-encoded. The usual spelling of the prefix is taken without decoding.
pub(super) fn name_of<'a>(prefix: &str, urn: &'a str) -> Option<Cow<'a, str>> {
    let mut rest = urn;
    for (at, piece) in prefix.split(':').enumerate() {
        if at > 0 {
            let colon = rest.strip_prefix("%3A").or_else(|| rest.strip_prefix(':'));
            let Some(after) = colon else { return general(prefix, urn) };
            rest = after;
        }
        let Some(after) = rest.strip_prefix(piece) else { return general(prefix, urn) };
        rest = after;
    }
    (!rest.is_empty()).then(|| percent::decoded(rest))
}

fn general<'a>(prefix: &str, urn: &'a str) -> Option<Cow<'a, str>> {
    match percent::decoded(urn) {
        Cow::Borrowed(urn) => strip(prefix, urn).map(Cow::Borrowed),
        Cow::Owned(urn) => strip(prefix, &urn).map(|name| Cow::Owned(name.to_owned())),
    }
}
