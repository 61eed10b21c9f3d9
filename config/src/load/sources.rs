//! Where a configuration comes from.

use std::{path::PathBuf, sync::Arc};

use super::overrides::PREFIX;
use crate::value::{Environment, ProcessEnvironment};

/// Where a configuration comes from. Later ones win: the defaults, the file, the environment, the flags.
#[derive(Clone)]
pub struct Sources {
    /// The file; without one, the defaults.
    pub document: Option<Document>,
    /// Environment variables; only those that begin with `GATEWAY__` are looked at.
    pub variables: Vec<(String, String)>,
    /// `key=value`, as in `smpp.listen=127.0.0.1:2776` or `channel.skt.rate=100`.
    pub flags: Vec<String>,
    /// Where `env:` and `file:` secrets come from.
    pub environment: Arc<dyn Environment + Send + Sync>,
}

/// The text of the configuration, or the file it is in.
#[derive(Debug, Clone)]
pub enum Document {
    File(PathBuf),
    Text { name: String, text: String },
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            document: None,
            variables: Vec::new(),
            flags: Vec::new(),
            environment: Arc::new(ProcessEnvironment),
        }
    }
}

impl Sources {
    /// No file, no overrides: the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.document = Some(Document::File(path.into()));
        self
    }

    /// `name` stands for the file in errors.
    #[must_use]
    pub fn with_text(mut self, name: &str, text: &str) -> Self {
        self.document = Some(Document::Text { name: name.to_owned(), text: text.to_owned() });
        self
    }

    /// The overrides in the environment of this process.
    #[must_use]
    pub fn with_process_variables(self) -> Self {
        let ours = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        self.with_variables(ours)
    }

    #[must_use]
    pub fn with_variables(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.variables.extend(variables.into_iter().filter(|(name, _)| name.starts_with(PREFIX)));
        // The environment has no order of its own; errors should have one.
        self.variables.sort();
        self
    }

    #[must_use]
    pub fn with_flags(mut self, flags: impl IntoIterator<Item = String>) -> Self {
        self.flags.extend(flags);
        self
    }

    #[must_use]
    pub fn with_environment(mut self, environment: impl Environment + Send + Sync + 'static) -> Self {
        self.environment = Arc::new(environment);
        self
    }
}
