//! The dashboard imports anywhere, explains itself, and asks only for what exists (operations sheet §5).

use std::{collections::BTreeSet, fmt::Write as _};

use monitoring::definitions;
use serde_json::Value;

use crate::expressions::{known_metrics, metrics_of, promtool};

const UNITS: [&str; 5] = ["short", "reqps", "s", "percentunit", "bytes"];
/// Metrics without a panel, and why.
const EXCUSES: [(&str, &str); 2] = [
    ("gateway_channel_info", "says what kind a channel is: a template variable and a filter of alerts"),
    ("process_virtual_memory_bytes", "resident memory is what costs"),
];

fn dashboard() -> Value {
    serde_json::from_str(include_str!("../../grafana/gateway.json")).expect("JSON")
}

fn panels(dashboard: &Value) -> Vec<&Value> {
    let panels = dashboard["panels"].as_array().expect("panels");
    panels.iter().filter(|panel| panel["type"] != "row").collect()
}

/// With Grafana's variables filled in.
fn expressions(dashboard: &Value) -> Vec<String> {
    let targets =
        panels(dashboard).into_iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    targets
        .map(|target| target["expr"].as_str().expect("an expression"))
        .map(|expr| expr.replace("$__rate_interval", "5m").replace("$node", ".*").replace("$channel", ".*"))
        .collect()
}

/// Without what a histogram adds to its name.
fn family(series: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|suffix| series.strip_suffix(suffix)).unwrap_or(series)
}

#[test]
fn it_imports_anywhere() {
    let dashboard = dashboard();
    assert_eq!(dashboard["schemaVersion"], 38);
    assert_eq!(dashboard["uid"], "messaging-gateway");
    assert_eq!(dashboard["__inputs"][0]["pluginId"], "prometheus");
    assert!(dashboard["refresh"].is_string() && dashboard["time"]["from"].is_string());
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    let named = |name: &str| variables.iter().find(|variable| variable["name"] == name).expect("a variable");
    assert_eq!(named("datasource")["type"], "datasource");
    for name in ["node", "channel"] {
        assert_eq!(named(name)["includeAll"], true, "{name}");
    }
    for panel in panels(&dashboard) {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
    }
}

#[test]
fn every_panel_explains_itself() {
    let dashboard = dashboard();
    let mut ids = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().expect("a title");
        let defaults = &panel["fieldConfig"]["defaults"];
        assert!(ids.insert(panel["id"].as_u64()), "{title}: its id is taken");
        assert!(
            panel["description"].as_str().is_some_and(|text| text.ends_with('.')),
            "{title}: a description"
        );
        assert!(UNITS.iter().any(|unit| defaults["unit"] == *unit), "{title}: a unit");
        assert!(defaults["thresholds"]["steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{title}");
        for target in panel["targets"].as_array().expect("targets") {
            assert!(
                target["legendFormat"].as_str().is_some_and(|legend| !legend.is_empty()),
                "{title}: a legend"
            );
        }
    }
}

#[test]
fn rows_are_the_parts_of_the_gateway() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().expect("panels");
    let rows: Vec<_> =
        panels.iter().filter(|panel| panel["type"] == "row").map(|row| &row["title"]).collect();
    assert_eq!(rows, ["Overview", "Channels", "Queues", "Usage", "Store", "RCS", "Files", "Process"]);
}

#[test]
fn every_expression_parses() {
    let mut rules = String::from("groups:\n  - name: dashboard\n    rules:\n");
    for (n, expression) in expressions(&dashboard()).iter().enumerate() {
        let quoted = expression.replace('\'', "''");
        writeln!(rules, "      - {{ record: 'panel:target{n}:x', expr: '{quoted}' }}").expect("a line");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dashboard.yml");
    std::fs::write(&file, rules).expect("a file");
    let output = promtool().args(["check", "rules"]).arg(&file).output().expect("promtool starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn every_expression_names_only_metrics_that_exist() {
    let known = known_metrics();
    for expression in expressions(&dashboard()) {
        let named = metrics_of(&expression);
        assert!(!named.is_empty(), "{expression}");
        for metric in named {
            assert!(known.contains(&metric), "{metric} in {expression}");
        }
    }
}

#[test]
fn every_metric_has_a_panel_or_an_excuse() {
    let dashboard = dashboard();
    let shown: BTreeSet<String> = expressions(&dashboard)
        .iter()
        .flat_map(|expression| metrics_of(expression))
        .map(|series| family(&series).to_owned())
        .collect();
    for definition in definitions() {
        let excused = EXCUSES.iter().any(|(name, _)| *name == definition.name);
        let has_panel = shown.contains(definition.name);
        assert!(has_panel || excused, "{} has no panel", definition.name);
        assert!(!(has_panel && excused), "{} has a panel and an excuse", definition.name);
    }
    for (name, _) in EXCUSES {
        assert!(definitions().any(|definition| definition.name == name), "{name} is excused but not there");
    }
}
