//! The committed OpenAPI documents are those of the code.

use std::path::PathBuf;

use crate::world::{Call, World};

fn check(file: &str, document: String) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    let document = document + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == document, "{file} is stale: run `UPDATE=1 cargo test -p api document`");
}

#[test]
fn the_documents_are_up_to_date() {
    check("openapi.json", api::traffic_document().to_pretty_json().unwrap());
    check("openapi-management.json", api::management_document().to_pretty_json().unwrap());
}

#[tokio::test]
async fn the_documents_are_served() {
    let world = World::new().await;
    for (address, document) in
        [(world.traffic, api::traffic_document()), (world.management, api::management_document())]
    {
        let reply = Call::new("GET", "/openapi.json").send(address).await;
        assert_eq!(reply.header("content-type"), "application/json");
        assert_eq!(reply.json(), serde_json::to_value(&document).unwrap());
        assert!(reply.json()["openapi"].as_str().unwrap().starts_with("3.1"));
    }
}

/// A reference to a schema that is not there makes the document useless to generators.
#[test]
fn every_reference_leads_somewhere() {
    for document in [api::traffic_document(), api::management_document()] {
        let document = serde_json::to_value(&document).unwrap();
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(references.len() > 5);
        for reference in references {
            assert!(
                document.pointer(reference.trim_start_matches('#')).is_some(),
                "{reference} leads nowhere"
            );
        }
    }
}

fn collect(value: &serde_json::Value, references: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            if let Some(serde_json::Value::String(reference)) = map.get("$ref") {
                references.push(reference.clone());
            }
            map.values().for_each(|value| collect(value, references));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}
