//! Policy and limits: that the values fit each other.

use super::Findings;
use crate::{BadZone, Config, QuietHours, Sender, path::at, report::ProblemKind};

pub(super) fn check(config: &Config, findings: &mut Findings) {
    let policy = &config.policy;
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if !digits(&policy.country) || !(1..=3).contains(&policy.country.len()) || policy.country.starts_with('0')
    {
        findings.error(
            ProblemKind::Misspelt,
            at!["policy", "country"],
            "this is not a country calling code",
            r#"write one to three digits without + and zeros before them, for example "82""#,
        );
    }
    if !digits(&policy.trunk_prefix) || policy.trunk_prefix.len() > 3 {
        findings.error(
            ProblemKind::Misspelt,
            at!["policy", "trunk_prefix"],
            "this is not a trunk prefix",
            r#"write up to three digits, for example "0", or nothing"#,
        );
    }
    if policy.validity_default > policy.validity_max {
        findings.clash(
            ProblemKind::Conflict,
            [at!["policy", "validity_default"], at!["policy", "validity_max"]],
            format!("`validity_default` is longer than `validity_max`, {}", policy.validity_max),
            "raise the one or lower the other",
        );
    }
    if let Some(quiet) = &policy.advertising.quiet_hours {
        quiet_hours(quiet, findings);
    }
    codes(config, findings);
    limits(config, findings);
}

fn quiet_hours(quiet: &QuietHours, findings: &mut Findings) {
    let here = at!["policy", "advertising", "quiet_hours"];
    for (key, time) in [("from", quiet.from), ("to", quiet.to)] {
        if time.minute() != 0 {
            findings.error(
                ProblemKind::OutOfRange,
                here.key(key),
                "the night begins and ends with a full hour",
                r#"for example "21:00""#,
            );
        }
    }
    if quiet.from == quiet.to {
        findings.error(
            ProblemKind::Conflict,
            here.key("to"),
            "the night ends when it begins",
            "without quiet hours, leave the whole table out",
        );
    }
    match quiet.utc_offset_secs() {
        Ok(_) => {}
        Err(BadZone::Unknown) => findings.error(
            ProblemKind::UnknownName,
            here.key("zone"),
            "there is no such time zone",
            r#"write an IANA name, for example "Asia/Seoul""#,
        ),
        Err(BadZone::SummerTime) => findings.error(
            ProblemKind::OutOfRange,
            here.key("zone"),
            "this time zone has summer time, and the night is kept by a fixed offset",
            r#"use a zone without it, for example "Asia/Seoul""#,
        ),
    }
}

fn codes(config: &Config, findings: &mut Findings) {
    let codes = &config.policy.codes;
    if !codes.text.contains("{code}") {
        findings.error(
            ProblemKind::Misspelt,
            at!["policy", "codes", "text"],
            "this text has no place for the code",
            "write {code} where the code stands",
        );
    }
    if let Sender::Number(pattern) = &codes.sender
        && pattern.count() != Some(1)
    {
        findings.error(
            ProblemKind::Misspelt,
            at!["policy", "codes", "sender"],
            "codes come from one number",
            "write a single number or a name",
        );
    }
}

fn limits(config: &Config, findings: &mut Findings) {
    let limits = &config.limits;
    if limits.hot_messages_max > limits.open_messages_max {
        findings.clash(
            ProblemKind::Conflict,
            [at!["limits", "hot_messages_max"], at!["limits", "open_messages_max"]],
            format!("more messages in memory than there may be open, {}", limits.open_messages_max),
            "lower `hot_messages_max` or raise `open_messages_max`",
        );
    }
    let sizes = [
        (at!["http", "body_octets_max"], config.http.body_octets_max, 1 << 10, 1 << 30),
        (at!["smpp", "pdu_octets_max"], config.smpp.pdu_octets_max, 512, 1 << 20),
        (at!["limits", "text_octets_max"], limits.text_octets_max, 160, 1 << 20),
    ];
    for (path, size, min, max) in sizes {
        if !(min..=max).contains(&size.get()) {
            let name = path.last_key().unwrap_or_default();
            let message = format!(
                "`{name}` is {size}, allowed are {} to {}",
                crate::Octets::new(min),
                crate::Octets::new(max)
            );
            findings.error(ProblemKind::OutOfRange, path, message, r#"for example "64KiB""#);
        }
    }
}
