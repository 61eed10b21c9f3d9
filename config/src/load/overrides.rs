//! Single values from the environment and from flags, laid over the file.

use toml::de::DeTable;

use super::{
    shape::Shape,
    suggest::closest,
    tree::{At, Entry, Node, Texts, Value},
};
use crate::{
    load::mask,
    path::{Path, Step},
};

/// What begins the name of an environment variable that overrides a key.
pub(crate) const PREFIX: &str = "GATEWAY__";

/// One value for one key.
pub(crate) struct Override<'a> {
    /// The variable, or the key of the flag.
    pub(crate) name: &'a str,
    pub(crate) steps: Vec<String>,
    pub(crate) value: &'a str,
    pub(crate) from: From,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Environment,
    Flag,
}

/// An override that leads nowhere.
pub(crate) struct Astray {
    pub(crate) message: String,
    pub(crate) help: String,
    pub(crate) at: At,
}

impl<'a> Override<'a> {
    /// `GATEWAY__CHANNEL__SKT__RATE`.
    pub(crate) fn from_variable(name: &'a str, value: &'a str) -> Option<Self> {
        let steps = name.strip_prefix(PREFIX)?.split("__").map(str::to_lowercase).collect();
        Some(Self { name, steps, value, from: From::Environment })
    }

    /// `channel.skt.rate=100`.
    pub(crate) fn from_flag(flag: &'a str) -> Self {
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        Self { name, steps: name.split('.').map(str::to_owned).collect(), value, from: From::Flag }
    }

    /// Puts the value into the tree; the answer is where.
    pub(crate) fn apply(
        &self,
        root: &mut Node,
        shape: &Shape<'_>,
        texts: &mut Texts,
    ) -> Result<Path, Astray> {
        let shown = match self.from {
            From::Environment => "environment",
            From::Flag => "flags",
        };
        let (path, leaf) = self.find(root, shape).map_err(|(message, help)| {
            let text = texts.add(shown, format!("{}=…", self.name));
            Astray { message, help, at: At { text, range: 0..self.name.len() } }
        })?;
        let hidden = mask::is_secret(&path) || mask::is_telling(self.value);
        let text = texts.add(shown, format!("{}={}", self.name, if hidden { "…" } else { self.value }));
        let start = self.name.len() + 1;
        let end = start + if hidden { "…".len() } else { self.value.len() };
        let key = At { text, range: 0..self.name.len() };
        let mut node = parse(self.value, &leaf);
        node.relocate(&At { text, range: start..end });
        put(root, path.steps(), &key, node);
        Ok(path)
    }

    fn find<'s>(&self, root: &Node, shape: &Shape<'s>) -> Result<(Path, Shape<'s>), (String, String)> {
        let mut shape = shape.clone();
        let mut path = Path::root();
        for step in &self.steps {
            if shape.is_table() {
                let keys = shape.keys();
                let Some(inner) = shape.key(step) else {
                    let help = closest(step, keys.iter().copied()).map_or_else(
                        || format!("the keys here are {}", keys.join(", ")),
                        |key| format!("did you mean `{key}`?"),
                    );
                    return Err((format!("there is no key `{step}` for `{}` to set", self.name), help));
                };
                path = path.key(step);
                shape = inner;
            } else if let Some(inner) = shape.items().filter(Shape::is_table) {
                path = path.index(
                    element(root, &path, step)
                        .map_err(|help| (format!("`{}` names no element", self.name), help))?,
                );
                shape = inner;
            } else {
                return Err((
                    format!("`{}` goes deeper than the key it names", self.name),
                    format!("`{path}` has nothing below it"),
                ));
            }
        }
        if shape.is_table() || shape.items().is_some_and(|inner| inner.is_table()) {
            return Err((
                format!("`{}` names a whole section", self.name),
                format!("name a key in it: {}", shape.items().unwrap_or(shape).keys().join(", ")),
            ));
        }
        Ok((path, shape))
    }
}

/// The position of the element that is called so, or is at that position. One behind the last begins a new
/// element.
fn element(root: &Node, path: &Path, step: &str) -> Result<usize, String> {
    let items = match root.get(path).map(|node| &node.value) {
        Some(Value::List(items)) => items.as_slice(),
        _ => &[],
    };
    let name = |item: &Node| match item.get(&Path::root().key("name")).map(|node| &node.value) {
        Some(Value::String(name)) => name.clone(),
        _ => String::new(),
    };
    // Variables cannot have a hyphen in their names.
    let same = |name: &str| name == step || name.replace('-', "_") == step.replace('-', "_");
    if let Some(index) = items.iter().position(|item| same(&name(item))) {
        return Ok(index);
    }
    match step.parse::<usize>() {
        Ok(index) if index <= items.len() => Ok(index),
        _ => {
            let names: Vec<String> = items.iter().map(name).filter(|name| !name.is_empty()).collect();
            Err(if names.is_empty() {
                format!("there is no {path} in the file; {path} 0 would begin one")
            } else {
                format!("name one of {}, or its position from 0", names.join(", "))
            })
        }
    }
}

/// A string for a key that takes strings, else whatever TOML makes of it.
fn parse(raw: &str, shape: &Shape<'_>) -> Node {
    let nowhere = At { text: 0, range: 0..0 };
    let string = || Node { at: nowhere.clone(), value: Value::String(raw.to_owned()) };
    let bracketed = raw.trim_start().starts_with(['[', '"', '{', '\'']);
    if shape.takes("string") && !bracketed {
        return string();
    }
    let line = format!("value = {raw}");
    let Ok(table) = DeTable::parse(&line) else { return string() };
    let value = Path::root().key("value");
    Node::from_table(&table, 0).get(&value).cloned().unwrap_or_else(string)
}

fn put(node: &mut Node, steps: &[Step], key_at: &At, new: Node) {
    let Some((step, rest)) = steps.split_first() else {
        *node = new;
        return;
    };
    // What is not there yet is a list when a position follows, else a table.
    let empty = || match rest.first() {
        Some(Step::Index(_)) => Node { at: key_at.clone(), value: Value::List(Vec::new()) },
        _ => Node::table(key_at.clone()),
    };
    match step {
        Step::Key(key) => {
            if !matches!(node.value, Value::Table(_)) {
                *node = Node::table(key_at.clone());
            }
            let Value::Table(entries) = &mut node.value else { return };
            let at = entries.iter().position(|entry| entry.key == *key).unwrap_or_else(|| {
                entries.push(Entry { key: key.clone(), at: key_at.clone(), node: empty() });
                entries.len() - 1
            });
            if let Some(entry) = entries.get_mut(at) {
                put(&mut entry.node, rest, key_at, new);
            }
        }
        Step::Index(index) => {
            let Value::List(items) = &mut node.value else { return };
            if *index == items.len() {
                items.push(empty());
            }
            if let Some(item) = items.get_mut(*index) {
                put(item, rest, key_at, new);
            }
        }
    }
}

impl Node {
    /// Everything in an override is at the one place where the override is.
    fn relocate(&mut self, at: &At) {
        self.at = at.clone();
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.relocate(at)),
            Value::Table(entries) => {
                for entry in entries {
                    entry.at = at.clone();
                    entry.node.relocate(at);
                }
            }
            _ => {}
        }
    }
}
