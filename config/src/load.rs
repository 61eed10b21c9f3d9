//! Loading: the file, then the environment, then the flags; every mistake at once, each with its place.
//!
//! 1. The text becomes a tree with places (`tree`), the overrides are laid over it (`overrides`).
//! 2. The tree is compared with the JSON schema (`shape`): unknown and missing keys, types, ranges.
//! 3. What is left is read by serde (`decode`): durations, addresses, secrets and the like.
//! 4. The result is checked as a whole (`crate::check`): names, collisions, secrets.
//!
//! Whatever a step refuses is taken out of the tree, so that the next one speaks only of what is new.

mod decode;
mod mask;
mod origins;
mod overrides;
mod shape;
mod sources;
mod suggest;
mod tree;

use std::collections::HashSet;

use toml::de::DeTable;

pub(crate) use self::suggest::closest;
pub use self::{
    origins::{Origin, Origins},
    sources::{Document, Sources},
};
use self::{
    overrides::Override,
    shape::Shape,
    tree::{At, Node, Texts, Value},
};
use crate::{
    Config,
    check::{Finding, check},
    path::Path,
    report::{Problem, ProblemKind, Report, Severity},
};

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub config: Config,
    /// Which source each value came from.
    pub origins: Origins,
    /// What is allowed and yet seldom meant.
    pub warnings: Vec<Problem>,
}

/// A configuration is a page; this is a mistake in the path.
const FILE_OCTETS_MAX: usize = 4 << 20;

/// Errors of syntax follow from each other, so only the first few are told.
const SYNTAX_ERRORS_MAX: usize = 3;

/// Reads, overlays, decodes and checks.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn load(sources: &Sources) -> Result<Loaded, Report> {
    let mut loading = Loading::default();
    let mut root = loading.read(sources.document.as_ref())?;
    let schema = crate::schema();
    let shape = Shape::of(&schema);
    let mut origins = Origins::of_file(&root, &loading.texts);
    loading.lay_over(sources, &mut root, &shape, &mut origins);

    let whole = root.clone();
    let mut touched = HashSet::new();
    let mut left_out = Vec::new();
    for difference in shape::compare(&whole, &shape) {
        if difference.kind == ProblemKind::MissingKey {
            left_out.push(difference.path.clone());
        }
        let at = if difference.at_key {
            key_at(&whole, &difference.path)
        } else {
            Some(whole.nearest(&difference.path).at.clone())
        };
        root.remove(&difference.path);
        touched.insert(difference.path.clone());
        left_out.extend(difference.meant.clone());
        loading.problem(difference.kind, difference.path, difference.message, difference.help, at.as_ref());
    }
    let decoded = decode::decode(root);
    left_out.extend(decoded.left_out);
    for refused in decoded.refused {
        touched.insert(refused.path.clone());
        let at = whole.nearest(&refused.path).at.clone();
        loading.problem(refused.kind, refused.path, refused.message, refused.help, Some(&at));
    }
    let mut config = decoded.config;
    if !["account", "channel", "messenger", "pool", "route"]
        .iter()
        .any(|key| whole.get(&Path::root().key(key)).is_some())
    {
        config.furnish();
    }
    touched.extend(left_out.iter().cloned());
    for finding in check(&config, &*sources.environment) {
        let path = decoded.tree.original(&finding.path);
        // What was refused above is not there now: that is no news.
        let follows = match finding.kind {
            ProblemKind::Conflict => touched.contains(&path),
            ProblemKind::MissingKey => {
                touched.contains(&path)
                    || left_out.iter().any(|left_out| left_out.parent().as_ref() == Some(&path))
            }
            ProblemKind::UnknownName => is_named(&whole, &left_out, &path),
            _ => false,
        };
        if !follows {
            loading.finding(finding, path, &whole);
        }
    }
    loading.finish(config, origins)
}

#[derive(Default)]
struct Loading {
    texts: Texts,
    problems: Vec<Problem>,
}

impl Loading {
    /// The file as a tree; an empty one without a file.
    fn read(&mut self, document: Option<&Document>) -> Result<Node, Report> {
        let (name, text) = match document {
            None => return Ok(Node::table(At { text: usize::MAX, range: 0..0 })),
            Some(Document::Text { name, text }) => (name.clone(), text.clone()),
            Some(Document::File(path)) => {
                let name = path.display().to_string();
                match std::fs::read_to_string(path) {
                    Ok(text) => (name, text),
                    Err(error) => return Err(unreadable(format!("{name} cannot be read: {error}"))),
                }
            }
        };
        if text.len() > FILE_OCTETS_MAX {
            return Err(unreadable(format!(
                "{name} has {} octets, at most {FILE_OCTETS_MAX} are read",
                text.len()
            )));
        }
        let (table, errors) = DeTable::parse_recoverable(&text);
        if errors.is_empty() {
            // The place in the list is known before the text is, because masking needs the tree.
            let root = Node::from_table(&table, 0);
            self.texts.add(&name, mask::by_tree(&text, &root));
            return Ok(root);
        }
        let source = self.texts.add(&name, mask::by_lines(&text));
        for error in errors.iter().take(SYNTAX_ERRORS_MAX) {
            let range = error.span().unwrap_or(0..0);
            self.problem(
                ProblemKind::Syntax,
                Path::root(),
                error.message().to_owned(),
                None,
                Some(&At { text: source, range }),
            );
        }
        Err(Report { problems: std::mem::take(&mut self.problems) })
    }

    fn lay_over(&mut self, sources: &Sources, root: &mut Node, shape: &Shape<'_>, origins: &mut Origins) {
        let variables =
            sources.variables.iter().filter_map(|(name, value)| Override::from_variable(name, value));
        let flags = sources.flags.iter().map(|flag| Override::from_flag(flag));
        for single in variables.chain(flags) {
            match single.apply(root, shape, &mut self.texts) {
                Ok(path) => origins.set(
                    &path,
                    match single.from {
                        overrides::From::Environment => Origin::Environment(single.name.to_owned()),
                        overrides::From::Flag => Origin::Flag(single.name.to_owned()),
                    },
                ),
                Err(astray) => {
                    self.problem(
                        ProblemKind::Override,
                        Path::root(),
                        astray.message,
                        Some(astray.help),
                        Some(&astray.at),
                    );
                }
            }
        }
    }

    fn problem(
        &mut self,
        kind: ProblemKind,
        path: Path,
        message: String,
        help: Option<String>,
        at: Option<&At>,
    ) {
        let place = at.and_then(|at| self.texts.place(at));
        self.problems.push(Problem { kind, severity: Severity::Error, message, help, path, place });
    }

    fn finding(&mut self, finding: Finding, path: Path, whole: &Node) {
        // At the value; where that is a default, at the one it does not go with; else at the table around it.
        let written =
            [Some(&path), finding.other.as_ref()].into_iter().flatten().find_map(|path| whole.get(path));
        let place = match written {
            Some(node) => self.texts.place(&node.at),
            None if nearest_is_inside(whole, &path) => self.texts.place(&whole.nearest(&path).at),
            None => None,
        };
        let Finding { kind, severity, message, help, .. } = finding;
        self.problems.push(Problem { kind, severity, message, help, path, place });
    }

    fn finish(mut self, config: Config, origins: Origins) -> Result<Loaded, Report> {
        // In the order of the file, then of the overrides; what has no place comes last.
        self.problems.sort_by_key(|problem| {
            problem.place.as_ref().map_or((usize::MAX, (0, 0)), |place| {
                (usize::from(self.texts.is_override(place)), place.order())
            })
        });
        let (errors, warnings): (Vec<_>, Vec<_>) =
            self.problems.into_iter().partition(|problem| problem.severity == Severity::Error);
        if errors.is_empty() {
            Ok(Loaded { config, origins, warnings })
        } else {
            Err(Report { problems: errors })
        }
    }
}

fn unreadable(message: String) -> Report {
    Report {
        problems: vec![Problem {
            kind: ProblemKind::Unreadable,
            severity: Severity::Error,
            message,
            help: Some("without a file, the gateway starts with its defaults".to_owned()),
            path: Path::root(),
            place: None,
        }],
    }
}

fn key_at(root: &Node, path: &Path) -> Option<At> {
    let above = root.get(&path.parent()?)?;
    let Value::Table(entries) = &above.value else { return None };
    let key = path.last_key()?;
    entries.iter().find(|entry| entry.key == key).map(|entry| entry.at.clone())
}

/// The reference at `path` leads to an element that was left out, as far as one can tell.
fn is_named(root: &Node, left_out: &[Path], path: &Path) -> bool {
    let Value::String(name) = &root.nearest(path).value else { return false };
    // Any value will do: perhaps the key `name` is what was misspelt.
    let has_it = |node: &Node| match &node.value {
        Value::Table(entries) => {
            entries.iter().any(|entry| matches!(&entry.node.value, Value::String(text) if text == name))
        }
        _ => false,
    };
    left_out.iter().filter_map(|path| root.get(path)).any(has_it)
}

/// Some level of `path` below the root was written.
fn nearest_is_inside(root: &Node, path: &Path) -> bool {
    path.steps().first().is_some_and(|step| root.get(&Path::from(vec![step.clone()])).is_some())
}
