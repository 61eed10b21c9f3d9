//! Compares the tree with the JSON schema: keys, types, alternatives, ranges, lengths.
//!
//! Serde would stop at the first difference. Here every one is found, with its place, and what the schema
//! promises to editors is what the gateway enforces.

use serde_json::Value as Json;

use super::{
    suggest::closest,
    tree::{Node, Value},
};
use crate::{path::Path, report::ProblemKind};

/// One difference.
pub(crate) struct Difference {
    pub(crate) kind: ProblemKind,
    pub(crate) path: Path,
    /// Point at the key rather than at the value.
    pub(crate) at_key: bool,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// The key that was probably meant.
    pub(crate) meant: Option<Path>,
}

/// A schema with the references and alternatives around it, as seen by a value that is there.
#[derive(Clone)]
pub(crate) struct Shape<'a> {
    root: &'a Json,
    layers: Vec<&'a Json>,
}

impl<'a> Shape<'a> {
    pub(crate) fn of(root: &'a Json) -> Self {
        Self::at(root, root)
    }

    fn at(root: &'a Json, schema: &'a Json) -> Self {
        let mut shape = Self { root, layers: Vec::new() };
        shape.add(schema, 0);
        shape
    }

    /// Alternatives only ever say "or nothing", so they can be laid over each other.
    fn add(&mut self, schema: &'a Json, depth: usize) {
        assert!(depth < 16, "references of the schema do not run in circles");
        self.layers.push(schema);
        if let Some(reference) =
            schema.get("$ref").and_then(Json::as_str).and_then(|name| name.strip_prefix('#'))
            && let Some(target) = self.root.pointer(reference)
        {
            self.add(target, depth + 1);
        }
        for key in ["allOf", "anyOf"] {
            for alternative in schema.get(key).and_then(Json::as_array).into_iter().flatten() {
                self.add(alternative, depth + 1);
            }
        }
    }

    fn facet(&self, name: &str) -> Option<&'a Json> {
        self.layers.iter().find_map(|layer| layer.get(name))
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.facet(name).and_then(Json::as_i64)
    }

    /// The keys of a table, in no particular order.
    pub(crate) fn keys(&self) -> Vec<&'a str> {
        let properties = self.facet("properties").and_then(Json::as_object);
        properties.into_iter().flatten().map(|(key, _)| key.as_str()).collect()
    }

    pub(crate) fn key(&self, key: &str) -> Option<Self> {
        let schema = self.facet("properties")?.get(key)?;
        Some(Self::at(self.root, schema))
    }

    pub(crate) fn items(&self) -> Option<Self> {
        self.facet("items").map(|schema| Self::at(self.root, schema))
    }

    pub(crate) fn is_table(&self) -> bool {
        self.facet("properties").is_some()
    }

    /// `string`, `integer`, … as the schema calls them.
    pub(crate) fn takes(&self, kind: &str) -> bool {
        self.layers.iter().any(|layer| match layer.get("type") {
            Some(Json::String(only)) => only == kind,
            Some(Json::Array(several)) => several.iter().any(|one| one == kind),
            _ => false,
        })
    }

    /// The closed list of values, if it is one.
    fn choices(&self) -> Vec<&'a str> {
        let mut choices = Vec::new();
        for layer in &self.layers {
            let single = layer.get("const").into_iter();
            let several = layer.get("enum").and_then(Json::as_array).into_iter().flatten();
            choices.extend(single.chain(several).filter_map(Json::as_str));
            for alternative in layer.get("oneOf").and_then(Json::as_array).into_iter().flatten() {
                choices.extend(Self::at(self.root, alternative).choices());
            }
        }
        choices
    }

    fn expected(&self) -> String {
        let names = [
            ("string", "a string"),
            ("integer", "an integer"),
            ("boolean", "true or false"),
            ("array", "a list"),
            ("object", "a table"),
        ];
        let taken: Vec<&str> =
            names.iter().filter(|(kind, _)| self.takes(kind)).map(|(_, name)| *name).collect();
        taken.join(" or ")
    }
}

/// Every difference between the tree and the schema.
pub(crate) fn compare(root: &Node, shape: &Shape<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    value(root, shape, &Path::root(), &mut found);
    found
}

fn value(node: &Node, shape: &Shape<'_>, path: &Path, found: &mut Vec<Difference>) {
    let mut differs = |kind, message: String, help: Option<String>| {
        found.push(Difference { kind, path: path.clone(), at_key: false, message, help, meant: None });
    };
    let name = path.last_key().unwrap_or_default();
    let kind = match &node.value {
        Value::String(_) => "string",
        Value::Integer(_) => "integer",
        Value::Bool(_) => "boolean",
        Value::List(_) => "array",
        Value::Table(_) => "object",
        Value::Float(_) | Value::Foreign(_) => "nothing a key takes",
        Value::Gone => return,
    };
    let choices = shape.choices();
    // Types that are written as strings say themselves what they expect, and better.
    let is_spelt = shape.takes("string")
        && choices.is_empty()
        && matches!(node.value, Value::Integer(_) | Value::Float(_) | Value::Bool(_));
    if !shape.takes(kind) && !is_spelt && (choices.is_empty() || kind != "string") {
        let help = if choices.is_empty() { None } else { Some(one_of(&choices)) };
        let expected = if choices.is_empty() { shape.expected() } else { "a string".to_owned() };
        return differs(
            ProblemKind::WrongType,
            format!("`{name}` takes {expected}, not {}", node.kind()),
            help,
        );
    }
    match &node.value {
        Value::String(text) => {
            if !choices.is_empty() && !choices.contains(&text.as_str()) {
                let help = closest(text, choices.iter().copied()).map_or_else(
                    || one_of(&choices),
                    |meant| format!("did you mean \"{meant}\"? {}", one_of(&choices)),
                );
                differs(ProblemKind::Misspelt, format!("`{name}` cannot be {}", quoted(text)), Some(help));
            } else {
                let length = text.chars().count();
                if let Some(limits) = outside(length, shape.number("minLength"), shape.number("maxLength")) {
                    differs(
                        ProblemKind::OutOfRange,
                        format!("`{name}` has {length} characters, allowed are {limits}"),
                        None,
                    );
                }
            }
        }
        Value::Integer(integer) => {
            let (min, max) = (shape.number("minimum"), shape.number("maximum").or_else(|| bound(shape)));
            if integer_outside(*integer, min, max) {
                differs(
                    ProblemKind::OutOfRange,
                    format!("`{name}` is {integer}, allowed are {}", limits(min, max)),
                    None,
                );
            }
        }
        Value::List(items) => {
            if let Some(limits) = outside(items.len(), shape.number("minItems"), shape.number("maxItems")) {
                differs(
                    ProblemKind::OutOfRange,
                    format!("`{name}` has {} elements, allowed are {limits}", items.len()),
                    None,
                );
            }
            if let Some(inner) = shape.items() {
                for (index, item) in items.iter().enumerate() {
                    value(item, &inner, &path.index(index), found);
                }
            }
        }
        Value::Table(_) => table(node, shape, path, found),
        Value::Float(_) | Value::Bool(_) | Value::Foreign(_) | Value::Gone => {}
    }
}

fn table(node: &Node, shape: &Shape<'_>, path: &Path, found: &mut Vec<Difference>) {
    let Value::Table(entries) = &node.value else { return };
    let keys = shape.keys();
    let mut meant = Vec::new();
    for entry in entries {
        let below = path.key(&entry.key);
        let Some(inner) = shape.key(&entry.key) else {
            let suggestion = closest(
                &entry.key,
                keys.iter().copied().filter(|key| !entries.iter().any(|entry| entry.key == *key)),
            );
            meant.extend(suggestion);
            let help = suggestion.map_or_else(|| known(&keys), |key| format!("did you mean `{key}`?"));
            let place = path.last_key().map_or_else(String::new, |table| format!(" in `{table}`"));
            found.push(Difference {
                kind: ProblemKind::UnknownKey,
                path: below,
                at_key: true,
                message: format!("there is no key `{}`{place}", entry.key),
                help: Some(help),
                meant: suggestion.map(|key| path.key(key)),
            });
            continue;
        };
        value(&entry.node, &inner, &below, found);
    }
    let required =
        shape.facet("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    for key in required {
        if entries.iter().any(|entry| entry.key == key) || meant.contains(&key) {
            continue;
        }
        let name = path.last_key().unwrap_or_default();
        let about = shape.key(key).and_then(|inner| inner.facet("description")).and_then(Json::as_str);
        found.push(Difference {
            kind: ProblemKind::MissingKey,
            path: path.clone(),
            at_key: false,
            message: format!("`{name}` needs the key `{key}`"),
            help: about.map(|about| format!("{key}: {about}")),
            meant: None,
        });
    }
}

/// What the width of the type allows, where the schema names only that.
fn bound(shape: &Shape<'_>) -> Option<i64> {
    match shape.facet("format").and_then(Json::as_str)? {
        "uint8" => Some(i64::from(u8::MAX)),
        "uint16" => Some(i64::from(u16::MAX)),
        "uint32" => Some(i64::from(u32::MAX)),
        _ => None,
    }
}

fn integer_outside(value: i64, min: Option<i64>, max: Option<i64>) -> bool {
    min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max)
}

fn outside(length: usize, min: Option<i64>, max: Option<i64>) -> Option<String> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    integer_outside(length, min, max).then(|| limits(min, max))
}

fn limits(min: Option<i64>, max: Option<i64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} and more"),
        (None, Some(max)) => format!("up to {max}"),
        (None, None) => "any".to_owned(),
    }
}

fn one_of(choices: &[&str]) -> String {
    format!("it is one of {}", choices.join(", "))
}

/// Alternatives are words; whatever is longer is not repeated.
fn quoted(text: &str) -> String {
    if text.chars().count() <= 32 && !text.chars().any(char::is_control) {
        format!("\"{text}\"")
    } else {
        "this".to_owned()
    }
}

fn known(keys: &[&str]) -> String {
    format!("the keys here are {}", keys.join(", "))
}
