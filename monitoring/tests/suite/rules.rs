//! Rules load, do what their tests say, and every alert has a firing case, a silent case and a run book.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use crate::expressions::{known_metrics, metrics_of, promtool};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("prometheus")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).expect("a file of this crate")
}

/// The values of `key:` lines, in order.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    text.lines()
        .filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix(key))
        .map(str::trim)
        .collect()
}

fn run(mut command: Command) {
    let output = command.current_dir(folder()).output().expect("promtool starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn rules_load() {
    let mut check = promtool();
    check.args(["check", "rules", "recording.yml", "alerts.yml"]);
    run(check);
}

#[test]
fn rules_do_what_their_tests_say() {
    let mut tests: Vec<_> = fs::read_dir(folder().join("tests"))
        .expect("the tests' folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    tests.sort();
    assert!(tests.len() >= 3);
    let mut test = promtool();
    test.args(["test", "rules"]).args(tests);
    run(test);
}

#[test]
fn every_alert_has_a_firing_and_a_silent_case() {
    let alerts = read("alerts.yml");
    let mut cases: BTreeMap<&str, (u32, u32)> =
        values(&alerts, "alert:").into_iter().map(|alert| (alert, (0, 0))).collect();
    assert!(cases.len() >= 16);
    let tests = read("tests/alerts.yml") + &read("tests/alerts_weekly.yml");
    for (alert, expected) in values(&tests, "alertname:").into_iter().zip(values(&tests, "exp_alerts:")) {
        let (firing, silent) =
            cases.get_mut(alert).unwrap_or_else(|| panic!("{alert} is tested but not defined"));
        if expected == "[]" { *silent += 1 } else { *firing += 1 }
    }
    for (alert, (firing, silent)) in cases {
        assert!(firing >= 1 && silent >= 1, "{alert}: {firing} firing and {silent} silent cases");
    }
}

#[test]
fn every_alert_says_what_to_do() {
    let alerts = read("alerts.yml");
    let runbook = read("runbook.md");
    let names = values(&alerts, "alert:");
    for key in ["summary:", "description:", "runbook:", "severity:", "for:"] {
        assert_eq!(values(&alerts, key).len(), names.len(), "one {key} per alert");
    }
    for (alert, link) in names.iter().zip(values(&alerts, "runbook:")) {
        assert_eq!(link, format!("monitoring/prometheus/runbook.md#{}", alert.to_lowercase()));
        assert!(runbook.lines().any(|line| line == format!("## {alert}")), "{alert} has no section");
    }
    assert!(
        values(&alerts, "severity:").into_iter().all(|severity| severity == "page" || severity == "ticket")
    );
}

#[test]
fn rules_name_only_metrics_that_exist() {
    let known = known_metrics();
    for file in ["recording.yml", "alerts.yml"] {
        for expression in expressions(&read(file)) {
            for metric in metrics_of(&expression) {
                assert!(known.contains(&metric), "{file}: {metric} in {expression}");
            }
        }
    }
}

/// `expr:` on one line, or as a block.
fn expressions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(rest) = line.trim_start().strip_prefix("expr:") else { continue };
        let depth = line.len() - line.trim_start().len();
        let mut expression = rest.trim().trim_start_matches('|').to_owned();
        while let Some(more) = lines.next_if(|next| next.len() - next.trim_start().len() > depth) {
            expression.push(' ');
            expression.push_str(more.trim());
        }
        found.push(expression);
    }
    found
}
