//! The file as a tree in which every key and value knows where it was written.

use std::{ops::Range, sync::Arc};

use miette::NamedSource;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    path::{Path, Step},
    report::Place,
};

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Value,
}

/// What a text is made of. Dates are not: no key takes one.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    String(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    /// Something TOML has and a configuration does not, by what it is called.
    Foreign(&'static str),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// An element that was taken out; the others keep their positions in the file.
    Gone,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: At,
    pub(crate) node: Node,
}

/// Which text, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At {
    /// Position in [`Texts`].
    pub(crate) text: usize,
    pub(crate) range: Range<usize>,
}

/// The texts that values came from: the file, and one for each override. Secrets in them are masked.
#[derive(Debug, Default)]
pub(crate) struct Texts(Vec<Arc<NamedSource<String>>>);

impl Texts {
    pub(crate) fn add(&mut self, name: &str, text: String) -> usize {
        self.0.push(Arc::new(NamedSource::new(name, text)));
        self.0.len() - 1
    }

    /// The file, if there is one, is the first text.
    pub(crate) fn is_override(&self, place: &Place) -> bool {
        matches!(place.name(), "environment" | "flags")
    }

    pub(crate) fn place(&self, at: &At) -> Option<Place> {
        self.0.get(at.text).map(|text| Place::new(Arc::clone(text), at.range.clone()))
    }
}

impl Node {
    pub(crate) fn table(at: At) -> Self {
        Self { at, value: Value::Table(Vec::new()) }
    }

    pub(crate) fn from_table(table: &Spanned<DeTable<'_>>, text: usize) -> Self {
        Self { at: At { text, range: table.span() }, value: entries(table.get_ref(), text) }
    }

    fn from_value(value: &Spanned<DeValue<'_>>, text: usize) -> Self {
        let at = At { text, range: value.span() };
        let value = match value.get_ref() {
            DeValue::String(string) => Value::String(string.as_ref().to_owned()),
            DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(integer) => Value::Integer(integer),
                Err(_) => Value::Foreign("a number of more than 64 bits"),
            },
            DeValue::Float(float) => float.as_str().parse().map_or(Value::Foreign("a number"), Value::Float),
            DeValue::Boolean(boolean) => Value::Bool(*boolean),
            DeValue::Datetime(_) => Value::Foreign("a date"),
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| Self::from_value(item, text)).collect())
            }
            DeValue::Table(table) => entries(table, text),
        };
        Self { at, value }
    }

    /// How the kind of this value is called.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.value {
            Value::String(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a fraction",
            Value::Bool(_) => "a boolean",
            Value::Foreign(what) => what,
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Gone => "nothing",
        }
    }

    fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.value, step) {
            (Value::Table(entries), Step::Key(key)) => {
                entries.iter().find(|entry| entry.key == *key).map(|entry| &entry.node)
            }
            (Value::List(items), Step::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    pub(crate) fn get(&self, path: &Path) -> Option<&Self> {
        path.steps().iter().try_fold(self, |node, step| node.child(step))
    }

    /// The value at `path`, or the closest table around the place where it is not.
    pub(crate) fn nearest(&self, path: &Path) -> &Self {
        let mut node = self;
        for step in path.steps() {
            let Some(child) = node.child(step) else { break };
            node = child;
        }
        node
    }

    /// Takes the value at `path` out.
    pub(crate) fn remove(&mut self, path: &Path) {
        let Some((last, above)) = path.steps().split_last() else { return };
        let mut node = self;
        for step in above {
            let child = match (&mut node.value, step) {
                (Value::Table(entries), Step::Key(key)) => {
                    entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.node)
                }
                (Value::List(items), Step::Index(index)) => items.get_mut(*index),
                _ => None,
            };
            let Some(child) = child else { return };
            node = child;
        }
        match (&mut node.value, last) {
            (Value::Table(entries), Step::Key(key)) => entries.retain(|entry| entry.key != *key),
            (Value::List(items), Step::Index(index)) => {
                if let Some(item) = items.get_mut(*index) {
                    item.value = Value::Gone;
                }
            }
            _ => {}
        }
    }

    /// A path into what [`to_toml`](Self::to_toml) gives, as a path into this tree: the same but for elements
    /// that were taken out.
    pub(crate) fn original(&self, path: &Path) -> Path {
        let mut node = Some(self);
        let steps = path.steps().iter().map(|step| {
            let step = match (node.map(|node| &node.value), step) {
                (Some(Value::List(items)), Step::Index(index)) => {
                    let mut there = (0..items.len())
                        .filter(|at| !matches!(items.get(*at), Some(Self { value: Value::Gone, .. })));
                    Step::Index(there.nth(*index).unwrap_or(*index))
                }
                _ => step.clone(),
            };
            node = node.and_then(|node| node.child(&step));
            step
        });
        Path::from(steps.collect::<Vec<_>>())
    }

    /// For serde, which does not care where things are.
    pub(crate) fn to_toml(&self) -> toml::Value {
        match &self.value {
            Value::String(string) => toml::Value::String(string.clone()),
            Value::Integer(integer) => toml::Value::Integer(*integer),
            Value::Float(float) => toml::Value::Float(*float),
            Value::Bool(boolean) => toml::Value::Boolean(*boolean),
            Value::Foreign(what) => toml::Value::String((*what).to_owned()),
            Value::List(items) => {
                let there = items.iter().filter(|item| !matches!(item.value, Value::Gone));
                toml::Value::Array(there.map(Self::to_toml).collect())
            }
            Value::Gone => toml::Value::Table(toml::Table::new()),
            Value::Table(entries) => toml::Value::Table(
                entries.iter().map(|entry| (entry.key.clone(), entry.node.to_toml())).collect(),
            ),
        }
    }

    /// Every value below that is not a table, and those that are.
    pub(crate) fn walk(&self, path: &Path, visit: &mut dyn FnMut(&Path, &Self)) {
        visit(path, self);
        match &self.value {
            Value::Table(entries) => {
                for entry in entries {
                    entry.node.walk(&path.key(&entry.key), visit);
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    item.walk(&path.index(index), visit);
                }
            }
            _ => {}
        }
    }
}

fn entries(table: &DeTable<'_>, text: usize) -> Value {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().as_ref().to_owned(),
            at: At { text, range: key.span() },
            node: Node::from_value(value, text),
        })
        .collect();
    entries.sort_by_key(|entry| entry.at.range.start);
    Value::Table(entries)
}
