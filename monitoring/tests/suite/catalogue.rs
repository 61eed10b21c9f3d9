//! The catalogue is what is scraped, within its budget, and METRICS.md says the same.

use std::{collections::HashMap, time::Duration};

use model::{ChannelId, ChannelKind};
use monitoring::{CHANNELS_NAMED_MAX, Kind, Observer, Registry, definitions, metrics_md};

use crate::common::{Life, gateway};

/// A scraped family: its type and its lines.
fn scraped(registry: &Registry) -> HashMap<String, (String, usize)> {
    let text = registry.render();
    let mut families: HashMap<String, (String, usize)> = HashMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            current = name.to_owned();
            families.insert(current.clone(), (kind.to_owned(), 0));
        } else if !line.starts_with('#') {
            families.get_mut(&current).expect("a type before the first sample").1 += 1;
        }
    }
    families
}

#[test]
fn every_metric_is_there_from_the_start_and_no_other() {
    let (registry, _) = gateway();
    let families = scraped(&registry);
    for definition in definitions() {
        let kind = match definition.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let Some((found, samples)) = families.get(definition.name) else {
            panic!("{} is not scraped", definition.name)
        };
        assert_eq!(found, kind, "{}", definition.name);
        // A named channel adds to `other`, esme-1 and smsc-1.
        let channels = if definition.per_channel { 3 } else { 1 };
        let values: usize = definition.labels.iter().map(|label| label.values.len().max(1)).product();
        let lines = if definition.kind == Kind::Histogram { definition.buckets.len() + 3 } else { 1 };
        assert_eq!(*samples, channels * values * lines, "{}", definition.name);
    }
    let named = definitions().count();
    assert_eq!(families.len(), named, "a metric is scraped that the catalogue does not have: {families:?}");
}

#[test]
fn names_follow_the_rules() {
    for definition in definitions() {
        let name = definition.name;
        assert!(name.starts_with("gateway_") || name.starts_with("process_"), "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{name}");
        assert_eq!(
            name.ends_with("_total"),
            definition.kind == Kind::Counter,
            "{name}: counters end in _total"
        );
        assert!(definition.help.ends_with('.') && definition.help.len() > 8, "{name} needs a sentence");
        assert_eq!(definition.buckets.is_empty(), definition.kind != Kind::Histogram, "{name}");
        assert!(definition.buckets.is_sorted_by(|a, b| a < b), "{name}: buckets ascend");
    }
}

#[test]
fn a_thousand_channels_stay_within_the_budget() {
    let (registry, _) = gateway();
    for id in 100..1_100 {
        let name = format!("account-with-a-long-name-{id}");
        registry.channel(ChannelId(id), ChannelKind::Esme, &name).expect("a channel");
    }
    let families = scraped(&registry);
    for (name, (_, series)) in &families {
        assert!(*series <= 2_000, "{name} has {series} series");
    }
    assert!(families.values().map(|(_, series)| series).sum::<usize>() < 50_000);
    let text = registry.render();
    assert!(text.len() < 2 * 1_024 * 1_024, "{} octets", text.len());
    let named = text.lines().filter(|line| line.starts_with("gateway_peer_sessions{")).count();
    assert_eq!(named, CHANNELS_NAMED_MAX + 1, "and `other`");
}

#[test]
fn nobody_is_named_in_what_is_scraped() {
    let (registry, _) = gateway();
    Observer::new(registry.clone()).committed(&Life::accepted().batch(), Duration::ZERO);
    let text = registry.render();
    for canary in ["5309", "86753", "canary"] {
        assert!(!text.contains(canary), "{canary}");
    }
}

#[test]
fn the_document_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/METRICS.md");
    let fresh = metrics_md();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &fresh).expect("METRICS.md can be written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == fresh, "METRICS.md is stale: run `UPDATE=1 cargo test -p monitoring`");
}
