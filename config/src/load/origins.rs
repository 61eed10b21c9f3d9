//! Which source each value came from.

use std::collections::BTreeMap;

use super::tree::{Node, Texts, Value};
use crate::path::Path;

/// Which source each value came from.
#[derive(Debug, Clone, Default)]
pub struct Origins(BTreeMap<String, Origin>);

/// The source of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File {
        name: String,
        line: usize,
        column: usize,
    },
    /// The name of the variable.
    Environment(String),
    /// The key of the flag.
    Flag(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Flag(key) => write!(f, "flag {key}"),
        }
    }
}

impl Origins {
    /// The source of the value at `path`, as in `smpp.listen` or `channel[0].rate`.
    #[must_use]
    pub fn of(&self, path: &str) -> &Origin {
        self.0.get(path).unwrap_or(&Origin::Default)
    }

    /// Every value that is not a default, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Origin)> {
        self.0.iter().map(|(path, origin)| (path.as_str(), origin))
    }

    pub(crate) fn of_file(root: &Node, texts: &Texts) -> Self {
        let mut origins = BTreeMap::new();
        root.walk(&Path::root(), &mut |path, node| {
            let leaf = match &node.value {
                Value::Table(_) => false,
                Value::List(items) => !items.iter().any(|item| matches!(item.value, Value::Table(_))),
                _ => true,
            };
            if let (true, Some(place)) = (leaf, texts.place(&node.at)) {
                let origin = Origin::File {
                    name: place.name().to_owned(),
                    line: place.line(),
                    column: place.column(),
                };
                origins.insert(path.to_string(), origin);
            }
        });
        Self(origins)
    }

    pub(crate) fn set(&mut self, path: &Path, origin: Origin) {
        self.0.insert(path.to_string(), origin);
    }
}
