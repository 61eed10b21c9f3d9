//! `METRICS.md`, written from the definitions.

use crate::{
    catalogue::{CHANNELS_NAMED_MAX, definitions},
    family::{Definition, Kind},
};

/// The whole document; `tests/metrics_md.rs` compares it with the committed one.
#[must_use]
pub fn metrics_md() -> String {
    let mut text = String::from(INTRODUCTION);
    text.push_str("| metric | type | labels | what it says |\n|---|---|---|---|\n");
    for definition in definitions() {
        line(&mut text, definition);
    }
    text.push_str("\n## Label values\n\n");
    for (label, values) in label_values() {
        text.push_str(&format!("* {label}: {}\n", values.join(", ")));
    }
    text.push_str("\n## Buckets\n\n");
    for definition in definitions().filter(|d| !d.buckets.is_empty()) {
        let bounds: Vec<String> = definition.buckets.iter().map(ToString::to_string).collect();
        text.push_str(&format!("* `{}`: {}\n", definition.name, bounds.join(" ")));
    }
    text.push_str(LATER);
    text
}

const INTRODUCTION: &str = "\
# Metrics

Generated from the definitions in `src/catalogue.rs`; `UPDATE=1 cargo test -p monitoring` writes it anew.

Every series exists from the start of the process, or of its channel, with zero. The label `channel` is the
name of a configured channel; no label ever carries a number, a message id, a text or an account's secret.

";

const LATER: &str = "
## Alerts for later

These alerts of the operations sheet §4 need parts this product does not have yet:

| alert | waits for |
|---|---|
| UsageRecordLag, CdrFilesStuck | export of usage records |
| ChargingUnavailable, IntentsOld, RefundBacklog | online charging |
| DeadLetters | a dead-letter queue: messages that exhaust their attempts end as `undeliverable` |
| ShardUnowned, ShardTwoOwners, ReplicationLag | several nodes |
| CertificateExpires | reading the expiry of loaded certificates |
| ClockStep | a comparison of the wall clock with a monotonic one |
| AitSuspect | the firewall's view of traffic inflation |
";

fn line(text: &mut String, definition: &Definition) {
    let kind = match definition.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let labels: Vec<String> = definition.label_names().into_iter().map(|name| format!("`{name}`")).collect();
    text.push_str(&format!(
        "| `{}` | {kind} | {} | {} |\n",
        definition.name,
        labels.join(", "),
        definition.help
    ));
}

/// Every label with each set of values it has, and who has it.
fn label_values() -> Vec<(String, &'static [&'static str])> {
    let mut seen: Vec<(&'static str, &'static [&'static str], Vec<&'static str>)> = Vec::new();
    for definition in definitions() {
        for label in definition.labels {
            match seen.iter_mut().find(|(name, values, _)| *name == label.name && *values == label.values) {
                Some((_, _, metrics)) => metrics.push(definition.name),
                None => seen.push((label.name, label.values, vec![definition.name])),
            }
        }
    }
    seen.sort_by_key(|(name, _, metrics)| (*name, metrics.first().copied()));
    let describe = |(name, values, metrics): (&'static str, &'static [&'static str], Vec<&'static str>)| {
        let metrics: Vec<String> = metrics.into_iter().map(|metric| format!("`{metric}`")).collect();
        let values = if values.is_empty() { &["known at start"] as &[_] } else { values };
        (format!("`{name}` of {}", metrics.join(", ")), values)
    };
    let mut all: Vec<_> = seen.into_iter().map(describe).collect();
    all.insert(
        0,
        (
            format!("`channel`: the names of the first {CHANNELS_NAMED_MAX} configured channels, then"),
            &["other"],
        ),
    );
    all
}
