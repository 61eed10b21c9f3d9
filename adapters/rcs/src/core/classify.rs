//! Which service a request is for (rcs sheet §3), after it was judged by what it says alone (RFC 3261 §8.2).
//!
//! A service that comes is a row of [`METHODS`] and a variant of [`Service`].

use sip_message::{Method, Objection, Request, Served, judge};

/// Who answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// MESSAGE: messages, notifications, typing, revocations; the body says which.
    Pager,
    Register,
    Options,
    /// NOTIFY: what the core says about devices.
    Notify,
    /// INVITE outside a dialog.
    Invite,
    /// A request within a dialog.
    Within,
    /// REFER: members of a group come and go.
    Refer,
    /// SUBSCRIBE: the state of a group.
    Subscribe,
}

/// A method that we serve.
struct Row {
    method: Method,
    service: Service,
    /// Types of bodies that are read.
    media: &'static [&'static str],
}

const METHODS: &[Row] = &[
    Row { method: Method::MESSAGE, service: Service::Pager, media: MESSAGES },
    Row { method: Method::REGISTER, service: Service::Register, media: ANYTHING },
    Row { method: Method::OPTIONS, service: Service::Options, media: ANYTHING },
    Row { method: Method::NOTIFY, service: Service::Notify, media: &["application/reginfo+xml"] },
    Row { method: Method::INVITE, service: Service::Invite, media: DESCRIPTIONS },
    Row { method: Method::BYE, service: Service::Within, media: ANYTHING },
    Row { method: Method::UPDATE, service: Service::Within, media: DESCRIPTIONS },
    Row { method: Method::REFER, service: Service::Refer, media: LISTS },
    Row { method: Method::SUBSCRIBE, service: Service::Subscribe, media: ANYTHING },
];

/// What a MESSAGE may hold: CPIM with whatever is inside, and what plain clients send without it.
const MESSAGES: &[&str] = &[
    "message/cpim",
    "text/plain",
    "message/imdn+xml",
    "application/im-iscomposing+xml",
    "application/im-iscomposing+xm",
    "application/vnd.gsma.rcs-ft-http+xml",
    "application/vnd.gsma.rcspushlocation+xml",
    "text/vcard",
    "text/x-vcard",
    "application/vnd.3gpp.sms",
];

/// A description of a session, alone or with a message.
const DESCRIPTIONS: &[&str] = &["application/sdp", "multipart/mixed"];
/// What an INVITE is answered with.
const ANSWERS: &[&str] = &["application/sdp"];

/// People that a REFER is about.
const LISTS: &[&str] = &["application/resource-lists+xml", "multipart/mixed"];

/// Bodies that are not looked at.
const ANYTHING: &[&str] = &["*/*"];

/// What is named in Allow. CANCEL and ACK are the transactions' business and belong in it.
pub(super) const ALLOWED: &[Method] = &[
    Method::MESSAGE,
    Method::OPTIONS,
    Method::REGISTER,
    Method::NOTIFY,
    Method::INVITE,
    Method::ACK,
    Method::CANCEL,
    Method::BYE,
    Method::UPDATE,
    Method::REFER,
    Method::SUBSCRIBE,
];

/// Extensions that may be required.
const EXTENSIONS: &[&str] =
    &["path", "outbound", "gruu", "timer", "recipient-list-invite", "multiple-refer", "norefersub"];

/// Whether a MESSAGE may hold a body of that type, parameters or not.
pub(super) fn is_message(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    MESSAGES.iter().any(|known| known.eq_ignore_ascii_case(essence))
}

/// The service, or what is wrong with the request.
pub(super) fn classify(request: &Request) -> Result<Service, Objection> {
    let row = METHODS.iter().find(|row| row.method == request.method);
    let media = row.map_or(ANYTHING, |row| row.media);
    let served = Served { methods: ALLOWED, extensions: EXTENSIONS, media, answers: ANSWERS, forwards: true };
    judge(request, &served)?;
    Ok(match row.map_or(Service::Options, |row| row.service) {
        Service::Invite if request.to_tag().is_some() => Service::Within,
        service => service,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_allowed() {
        for row in METHODS {
            assert!(ALLOWED.contains(&row.method), "{:?}", row.method);
        }
    }
}
