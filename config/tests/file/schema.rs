//! The committed JSON schema is the one of the structs.

use std::{env, fs, path::Path};

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("gateway.schema.json");
    let current = format!("{:#}\n", config::schema());
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == current,
        "config/gateway.schema.json is stale: UPDATE=1 cargo test -p config schema"
    );
}

#[test]
fn every_key_is_described() {
    fn walk(at: &str, schema: &serde_json::Value, bare: &mut Vec<String>) {
        for (key, property) in schema.get("properties").and_then(|all| all.as_object()).into_iter().flatten()
        {
            if property.get("description").is_none() && property.get("$ref").is_none() {
                bare.push(format!("{at}.{key}"));
            }
        }
        for (name, definition) in schema.get("$defs").and_then(|all| all.as_object()).into_iter().flatten() {
            if definition.get("description").is_none() && !name.starts_with("OneOrMany") {
                bare.push(name.clone());
            }
            walk(name, definition, bare);
        }
    }
    let mut bare = Vec::new();
    walk("", &config::schema(), &mut bare);
    assert!(bare.is_empty(), "without a description: {bare:?}");
}
