//! Durations: each within what makes sense for it.

use super::Findings;
use crate::{
    Config, OnAnswerLost, Period, Retry,
    path::{Path, at},
    report::ProblemKind,
};

const MILLISECOND: Period = Period::from_millis(1);
const SECOND: Period = Period::from_secs(1);
const HOUR: Period = Period::from_hours(1);
const DAY: Period = Period::from_days(1);
const WEEK: Period = Period::from_days(7);
const MONTH: Period = Period::from_days(31);

pub(super) fn check(config: &Config, findings: &mut Findings) {
    let mut within = |path: Path, value: Period, min: Period, max: Period| {
        if value < min || value > max {
            let name = path.last_key().unwrap_or_default();
            let message = format!("`{name}` is {value}, allowed are {min} to {max}");
            findings.error(ProblemKind::OutOfRange, path, message, "choose a duration within these bounds");
        }
    };
    let (http, smpp, policy, limits) = (&config.http, &config.smpp, &config.policy, &config.limits);
    for (section, key, value, min, max) in [
        ("http", "request_timeout", http.request_timeout, SECOND, HOUR),
        ("http", "idle_timeout", http.idle_timeout, SECOND, HOUR),
        ("smpp", "bind_timeout", smpp.bind_timeout, SECOND, HOUR),
        ("smpp", "enquire_link", smpp.enquire_link, SECOND, HOUR),
        ("smpp", "inactivity", smpp.inactivity, Period::ZERO, DAY),
        ("smpp", "answer_timeout", smpp.answer_timeout, SECOND, HOUR),
        ("smpp", "pdu_timeout", smpp.pdu_timeout, SECOND, HOUR),
        ("policy", "validity_default", policy.validity_default, SECOND, MONTH),
        ("policy", "validity_max", policy.validity_max, SECOND, MONTH),
        ("policy", "idempotency_window", policy.idempotency_window, SECOND, MONTH),
        ("limits", "batch_delay", limits.batch_delay, Period::ZERO, SECOND),
        ("limits", "early_receipt_wait", limits.early_receipt_wait, SECOND, HOUR),
        ("limits", "reassembly_wait", limits.reassembly_wait, SECOND, DAY),
        ("limits", "drain", limits.drain, Period::ZERO, HOUR),
    ] {
        within(at![section, key], value, min, max);
    }
    if let Some(rcs) = &config.rcs {
        for (key, value, min, max) in [
            ("t1", rcs.t1, Period::from_millis(10), Period::from_secs(60)),
            ("t2", rcs.t2, rcs.t1, Period::from_secs(120)),
            ("t4", rcs.t4, rcs.t1, Period::from_secs(120)),
            ("session_idle", rcs.session_idle, Period::from_secs(10), Period::from_secs(86_400)),
            // Less is not allowed by RFC 4028 §5.
            ("handset_answer", rcs.handset_answer, SECOND, Period::from_secs(600)),
            ("session_refresh", rcs.session_refresh, Period::from_secs(90), Period::from_secs(86_400)),
            ("registration_min", rcs.registration_min, SECOND, DAY),
            ("registration_max", rcs.registration_max, rcs.registration_min, MONTH),
            ("fallback_after", rcs.fallback_after, SECOND, WEEK),
            ("receipt_window", rcs.receipt_window, SECOND, MONTH),
            ("keep", rcs.keep, SECOND, MONTH),
            ("capability_expiry", rcs.capability_expiry, SECOND, Period::from_days(366)),
        ] {
            within(at!["rcs", key], value, min, max);
        }
    }
    within(at!["policy", "codes", "validity"], policy.codes.validity, Period::from_secs(30), HOUR);
    let mut retry = |path: Path, retry: &Retry| {
        for (key, pauses) in [("unreachable", &retry.unreachable), ("failure", &retry.failure)] {
            for (at, pause) in pauses.iter().enumerate() {
                within(path.key(key).index(at), *pause, MILLISECOND, DAY);
            }
        }
    };
    retry(at!["policy", "retry"], &policy.retry);
    for (at, channel) in config.channels.iter().enumerate() {
        if let Some(own) = &channel.retry {
            retry(at!["channel", at, "retry"], own);
        }
    }
    for (at, channel) in config.channels.iter().enumerate() {
        let here = at!["channel", at];
        within(here.key("enquire_link"), channel.enquire_link, SECOND, HOUR);
        within(here.key("answer_timeout"), channel.answer_timeout, Period::from_millis(100), HOUR);
        within(here.key("reconnect_max"), channel.reconnect_max, SECOND, HOUR);
        within(here.key("receipt_window"), channel.receipt_window, SECOND, MONTH);
        if let OnAnswerLost::ResendAfter(period) = channel.on_answer_lost {
            within(here.key("on_answer_lost"), period, SECOND, WEEK);
        }
        if let Some(loopback) = &channel.loopback {
            within(here.key("loopback").key("receipt_after"), loopback.receipt_after, Period::ZERO, HOUR);
            within(here.key("loopback").key("reply_after"), loopback.reply_after, Period::ZERO, HOUR);
        }
    }
    for (at, account) in config.accounts.iter().enumerate() {
        if let Some(smpp) = &account.smpp {
            within(at!["account", at, "smpp", "receipts", "keep"], smpp.receipts.keep, SECOND, MONTH);
        }
    }
    for (at, messenger) in config.messengers.iter().enumerate() {
        within(at!["messenger", at, "push_timeout"], messenger.push_timeout, SECOND, HOUR);
        within(at!["messenger", at, "keep"], messenger.keep, SECOND, MONTH);
    }
}
