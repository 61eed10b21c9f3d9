//! What is counted about calls.

use std::collections::BTreeSet;

use crate::support::{Gateway, Home, SIMULATED};

#[test]
fn every_documented_path_has_a_series_of_its_own() {
    let home = Home::new(SIMULATED);
    let gateway = Gateway::start(&home);
    let traffic = gateway.caller("demo").get("/openapi.json").is(200).json();
    let management = gateway.management("/openapi.json").is(200).json();
    let mut paths: BTreeSet<String> =
        ["/livez", "/metrics", "/readyz", "/openapi.json", "unmatched", "other"].map(str::to_owned).into();
    for document in [&traffic, &management] {
        paths.extend(document["paths"].as_object().expect("paths").keys().cloned());
    }
    assert!(paths.len() > 15, "{paths:?}");
    for path in paths {
        gateway.metric(&series(&path, "2xx"));
    }
}

#[test]
fn calls_are_counted_by_pattern_never_by_what_was_written() {
    let home = Home::new(SIMULATED);
    let gateway = Gateway::start(&home);
    gateway.caller("demo").get("/v1/messages/01900000-0000-7000-8000-000000000000").is(404);
    gateway.caller("demo").get("/nothing/here").is(404);
    gateway.caller("nobody").get("/v1/messages").is(401);
    assert_eq!(gateway.metric(&series("/v1/messages/{id}", "4xx")), 1.0);
    assert_eq!(gateway.metric(&series("unmatched", "4xx")), 1.0);
    assert_eq!(gateway.metric(&series("/v1/messages", "4xx")), 1.0);
    let text = gateway.management("/metrics").is(200).body;
    assert!(!text.contains("01900000") && !text.contains("nothing/here"), "a path as it was written");
}

fn series(path: &str, status: &str) -> String {
    format!("gateway_http_requests_total{{path=\"{path}\",status=\"{status}\"}}")
}
