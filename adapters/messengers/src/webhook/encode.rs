//! From the gateway's words to events.

use std::borrow::Cow;

use model::{
    Address, Cause, Class, Disposition, Outgoing, OutgoingMessage, Pii, Refusal, Report, Signal, SignalKind,
    Timestamp,
};
use serde::Serialize;

use super::{SHOWN, decode::Carried, envelope::Party, error_class::ErrorClass};
use crate::Account;

/// Seconds after which a typing mark fades when nothing follows it.
const TYPING_TTL_S: u64 = 6;

#[derive(Serialize)]
struct Event<'a, B> {
    id: Cow<'a, str>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conv: Option<Cow<'a, str>>,
    from: Party<'a>,
    to: [Party<'a>; 1],
    ts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u64>,
    body: B,
    #[serde(skip_serializing_if = "Option::is_none")]
    re: Option<Target<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    want: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crypto: Option<&'static str>,
}

#[derive(Serialize)]
struct Target<'a> {
    target: &'a str,
}

pub(super) fn event(account: &Account, now: Timestamp, outgoing: &Outgoing) -> Result<String, Refusal> {
    match outgoing {
        Outgoing::Message(message) => text(account, now, message),
        Outgoing::Report(report) => receipt(account, report),
        // A person may have read it already; the profile has no word that could be sure.
        Outgoing::Revoke(_) => Err(Refusal::ours(Cause::Policy)),
        Outgoing::Signal(signal) => typing(account, now, signal),
    }
}

/// The id under which the peer knows an outgoing item. Sent again, an item has the same id, so that the
/// peer takes it once. Signals are not worth one.
pub(super) fn id(outgoing: &Outgoing) -> Option<String> {
    match outgoing {
        Outgoing::Message(message) => Some(message.message.to_string()),
        Outgoing::Report(report) => Some(format!("{}.{}", report.message, state(report))),
        Outgoing::Revoke(_) | Outgoing::Signal(_) => None,
    }
}

fn text(account: &Account, now: Timestamp, message: &OutgoingMessage) -> Result<String, Refusal> {
    #[derive(Serialize)]
    struct Body<'a> {
        text: &'a str,
    }
    let submission = &message.submission;
    // Octets of a short message are decoded before a messenger sees them: codecs do not live here.
    let Some(text) = submission.content.words() else { return Err(Refusal::ours(Cause::Unencodable)) };
    let to = message.to.as_ref().unwrap_or(&submission.to);
    if let Address::User(user) = to.reveal(SHOWN)
        && user.messenger != account.name
    {
        return Err(Refusal::ours(Cause::BadDestination));
    }
    write(&Event {
        id: Cow::Owned(message.message.to_string()),
        kind: "text",
        conv: None,
        from: shown(account, message.from.as_ref().unwrap_or(&submission.from)),
        to: [shown(account, to)],
        ts: submission.received_at.millis(),
        // Less than a second left is still a second: zero would mean that it has expired.
        ttl: submission.expires_at.map(|expires_at| expires_at.since(now).as_secs().max(1)),
        body: Body { text },
        re: None,
        want: if message.want_receipt { &["delivered", "read"] } else { &[] },
        class: Some(match submission.class {
            Class::Person => "p2p",
            Class::Transactional => "a2p_info",
            Class::OneTimePassword => "a2p_auth",
            Class::Advertising => "a2p_ad",
        }),
        crypto: Some("hop"),
    })
}

fn receipt(account: &Account, report: &Report) -> Result<String, Refusal> {
    #[derive(Serialize)]
    struct Body<'a> {
        ids: [&'a str; 1],
        state: &'static str,
        /// The other side is sure.
        certain: bool,
        /// Our id of the message.
        msg: String,
        segments: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        class: Option<ErrorClass>,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        native: Option<&'a str>,
    }
    let submission = &report.submission;
    let msg = report.message.to_string();
    let reference = submission.reference.as_deref().unwrap_or(&msg);
    let carried: Carried<'_> = serde_json::from_slice(&submission.carried).unwrap_or_default();
    let state = state(report);
    write(&Event {
        id: Cow::Owned(format!("{msg}.{state}")),
        kind: if matches!(state, "delivered" | "read") { state } else { "receipt" },
        conv: carried.conv,
        from: shown(account, &submission.to),
        to: [shown(account, &submission.from)],
        ts: report.at.millis(),
        ttl: None,
        body: Body {
            ids: [reference],
            state,
            certain: !matches!(
                report.disposition,
                Disposition::Unknown | Disposition::Lost | Disposition::HandedOver
            ),
            msg: msg.clone(),
            segments: report.segments,
            cause: report.cause.map(Cause::code),
            class: report.cause.map(ErrorClass::of),
            text: report.cause.map(Cause::text),
            native: report.code.as_deref(),
        },
        re: Some(Target { target: reference }),
        want: &[],
        class: None,
        crypto: None,
    })
}

/// The state of the message in the federation's words (§2.4).
const fn state(report: &Report) -> &'static str {
    match report.disposition {
        Disposition::Accepted => "accepted",
        Disposition::Sent => "sent",
        Disposition::Unknown => "uncertain",
        Disposition::Delivered if report.displayed => "read",
        Disposition::Delivered => "delivered",
        Disposition::HandedOver => "handed_over",
        Disposition::Expired => "expired",
        Disposition::Cancelled => "recalled",
        Disposition::Undeliverable => "failed",
        Disposition::Rejected => "rejected",
        Disposition::Lost => "lost",
    }
}

fn typing(account: &Account, now: Timestamp, signal: &Signal) -> Result<String, Refusal> {
    #[derive(Serialize)]
    struct Body {
        on: bool,
        ttl_s: u64,
    }
    let SignalKind::Typing { on } = signal.kind;
    write(&Event {
        // Several in one batch are different events.
        id: Cow::Owned(format!("typing.{}.{}.{}", now.micros(), signal.from, signal.to).replace('#', "")),
        kind: "typing",
        conv: None,
        from: shown(account, &signal.from),
        to: [shown(account, &signal.to)],
        ts: now.millis(),
        ttl: Some(TYPING_TTL_S),
        body: Body { on, ttl_s: TYPING_TTL_S },
        re: None,
        want: &[],
        class: None,
        crypto: None,
    })
}

fn shown<'a>(account: &Account, address: &'a Pii<Address>) -> Party<'a> {
    Party::shown(address, SHOWN, &account.name)
}

fn write(event: &impl Serialize) -> Result<String, Refusal> {
    serde_json::to_string(event).map_err(|_| Refusal::ours(Cause::Internal))
}
