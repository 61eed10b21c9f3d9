//! What is wrong with a configuration, for the person who wrote it.

use std::{fmt, ops::Range, sync::Arc};

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// Everything that keeps a configuration from being used. The process that sees it ends with
/// [`EXIT_CONFIG`](crate::EXIT_CONFIG).
#[derive(Debug, Clone)]
pub struct Report {
    /// At least one, in the order of the file.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone)]
pub struct Problem {
    pub kind: ProblemKind,
    pub severity: Severity,
    /// One sentence without the place. Never repeats a secret.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Which value; empty for the whole file.
    pub path: crate::Path,
    /// Where the value was written, unless it is a default.
    pub place: Option<Place>,
}

/// Whether the gateway can start nevertheless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// The kinds of things that can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file cannot be read.
    Unreadable,
    /// The file is not TOML.
    Syntax,
    /// An override by environment or flag leads nowhere.
    Override,
    UnknownKey,
    MissingKey,
    WrongType,
    OutOfRange,
    /// A value that cannot be understood.
    Misspelt,
    /// A reference to something that is not there.
    UnknownName,
    /// Two of what there may be one of.
    Duplicate,
    /// Keys that do not go together.
    Conflict,
    /// Allowed only when asked for.
    Unsafe,
    /// A secret that cannot be had or used.
    Secret,
    /// A file that cannot be used.
    File,
}

impl ProblemKind {
    /// Stable, for scripts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "config::unreadable",
            Self::Syntax => "config::syntax",
            Self::Override => "config::override",
            Self::UnknownKey => "config::unknown_key",
            Self::MissingKey => "config::missing_key",
            Self::WrongType => "config::wrong_type",
            Self::OutOfRange => "config::out_of_range",
            Self::Misspelt => "config::misspelt",
            Self::UnknownName => "config::unknown_name",
            Self::Duplicate => "config::duplicate",
            Self::Conflict => "config::conflict",
            Self::Unsafe => "config::unsafe",
            Self::Secret => "config::secret",
            Self::File => "config::file",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::UnknownKey => "no such key",
            Self::MissingKey => "in here",
            Self::UnknownName => "no such name",
            Self::Duplicate => "again here",
            _ => "here",
        }
    }
}

/// Where something was written: in the file, an environment variable or a flag. Secrets in it are masked.
#[derive(Clone)]
pub struct Place {
    source: Arc<NamedSource<String>>,
    range: Range<usize>,
    line: usize,
    column: usize,
}

impl Place {
    /// `range` counts octets of the text of `source`.
    pub(crate) fn new(source: Arc<NamedSource<String>>, range: Range<usize>) -> Self {
        let before = source.inner().get(..range.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { source, range, line, column }
    }

    /// The file, `environment` or `flags`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// Counted from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Characters, counted from 1.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    pub(crate) fn order(&self) -> (usize, usize) {
        (self.line, self.column)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.name(), self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.kind.code()))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|place| &*place.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        let label =
            LabeledSpan::new_primary_with_span(Some(self.kind.label().to_owned()), place.range.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// The headline; [`Report::lines`] has one line per problem, `miette` draws them with their places.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [_] => f.write_str("the configuration has an error"),
            many => write!(f, "the configuration has {} errors", many.len()),
        }
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

impl Report {
    /// `gateway.toml:41:8: message (help)`, one line per problem.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.problems.iter().map(Problem::line).collect()
    }
}

impl Problem {
    /// `gateway.toml:41:8: message (help)`.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
        line.push_str(&self.message);
        if let Some(help) = &self.help {
            line.push_str(&format!(" ({help})"));
        }
        line
    }
}
