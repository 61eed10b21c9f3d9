//! From the tree to the structs, collecting what cannot be understood on the way.

use serde_path_to_error::Segment;

use super::tree::Node;
use crate::{
    Config,
    path::{Path, Step},
    report::ProblemKind,
};

/// A value that serde refused.
pub(crate) struct Refused {
    pub(crate) kind: ProblemKind,
    pub(crate) path: Path,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// The outcome: what could be read, and what could not.
pub(crate) struct Decoded {
    pub(crate) config: Config,
    /// What was read: the tree without what could not be.
    pub(crate) tree: Node,
    pub(crate) refused: Vec<Refused>,
    /// Tables that were left out because something they need could not be read.
    pub(crate) left_out: Vec<Path>,
}

/// More than this, and the file is something else.
const REFUSED_MAX: usize = 100;

/// Serde stops at the first value it refuses, so that value is taken out and the rest tried again.
pub(crate) fn decode(mut tree: Node) -> Decoded {
    let mut refused = Vec::new();
    let mut left_out = Vec::new();
    while refused.len() + left_out.len() < REFUSED_MAX {
        let error = match serde_path_to_error::deserialize::<_, Config>(tree.to_toml()) {
            Ok(config) => return Decoded { config, tree, refused, left_out },
            Err(error) => error,
        };
        let path = tree.original(&Path::from(error.path().iter().filter_map(step).collect::<Vec<_>>()));
        let message = error.inner().message();
        if message.starts_with("missing field") {
            // Said already: by the comparison with the schema, or when the value was refused.
            left_out.push(path.clone());
        } else {
            let (what, help) = message
                .split_once('\n')
                .map_or((message, None), |(what, help)| (what, Some(help.to_owned())));
            let name = path.last_key().unwrap_or_default();
            refused.push(Refused {
                kind: ProblemKind::Misspelt,
                message: format!("`{name}`: {what}"),
                help,
                path: path.clone(),
            });
        }
        if path.steps().is_empty() {
            break;
        }
        tree.remove(&path);
    }
    Decoded { config: Config::bare(), tree, refused, left_out }
}

fn step(segment: &Segment) -> Option<Step> {
    match segment {
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}
