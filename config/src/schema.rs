//! The JSON schema of the file, from the structs and their comments.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::Config;

/// The JSON schema (draft 2020-12) of the file. The committed copy is `gateway.schema.json`.
#[must_use]
pub fn schema() -> Value {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Config>();
    schema.to_value()
}
