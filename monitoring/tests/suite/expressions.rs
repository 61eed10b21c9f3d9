//! Just enough of PromQL to see which metrics an expression names.

use std::{collections::BTreeSet, process::Command};

use monitoring::{Kind, definitions};

/// Fails with what to do when promtool is missing.
pub(crate) fn promtool() -> Command {
    let there =
        Command::new("promtool").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(there, "promtool is missing: apt-get install prometheus");
    Command::new("promtool")
}

/// Every series name an expression may use: the catalogue as scraped, what rules record, and `up`.
pub(crate) fn known_metrics() -> BTreeSet<String> {
    let mut known = BTreeSet::from(["up".to_owned()]);
    for definition in definitions() {
        let suffixes: &[&str] =
            if definition.kind == Kind::Histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
        known.extend(suffixes.iter().map(|suffix| format!("{}{suffix}", definition.name)));
    }
    let rules = include_str!("../../prometheus/recording.yml");
    known.extend(rules.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).map(str::to_owned));
    known
}

/// The metrics an expression selects.
pub(crate) fn metrics_of(expression: &str) -> BTreeSet<String> {
    const WORDS: &[&str] = &[
        "and",
        "or",
        "unless",
        "offset",
        "bool",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
    ];
    const LISTS: &[&str] = &["by", "without", "on", "ignoring", "group_left", "group_right"];
    let mut metrics = BTreeSet::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '{' {
            rest = after_matchers(rest);
        } else if first == '[' {
            rest = rest.split_once(']').map_or("", |(_, after)| after);
        } else if first == '"' {
            rest = after_string(rest);
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            rest = after.trim_start();
            if LISTS.contains(&word) && rest.starts_with('(') {
                rest = rest.split_once(')').map_or("", |(_, after)| after);
            } else if !WORDS.contains(&word) && !rest.starts_with('(') && !is_aggregation(word, rest) {
                metrics.insert(word.to_owned());
            }
        } else if first.is_ascii_digit() {
            // A number or a duration such as 1w.
            rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.');
        } else {
            rest = rest.split_at(first.len_utf8()).1;
        }
        rest = rest.trim_start();
    }
    metrics
}

/// `sum by (x) (…)`: the word is followed by a list, not by a bracket.
fn is_aggregation(word: &str, rest: &str) -> bool {
    ["sum", "max", "min", "avg", "count", "topk"].contains(&word)
        && (rest.starts_with("by ") || rest.starts_with("without "))
}

fn after_matchers(mut rest: &str) -> &str {
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            rest = after_string(rest);
            continue;
        }
        rest = rest.split_at(first.len_utf8()).1;
        if first == '}' {
            break;
        }
    }
    rest
}

/// Our expressions hold no escaped quotes.
fn after_string(rest: &str) -> &str {
    rest.split('"').nth(1).map_or("", |inside| rest.split_at((inside.len() + 2).min(rest.len())).1)
}

#[test]
fn metrics_are_told_from_words_labels_and_functions() {
    let named = |expression| metrics_of(expression).into_iter().collect::<Vec<_>>();
    assert_eq!(
        named(r#"sum by (job, le) (rate(a_bucket{x="b} c", y=~"d"}[5m])) > 14.4 * 0.00001"#),
        ["a_bucket"]
    );
    assert_eq!(named("job:x:y offset 1w and on (job) max(z) unless q"), ["job:x:y", "q", "z"]);
    assert_eq!(named("time() - (t > 0)"), ["t"]);
    assert_eq!(named("histogram_quantile(0.99, h_bucket)"), ["h_bucket"]);
}
