//! Where the store is.

use std::{fmt, path::PathBuf, str::FromStr};

use super::{
    Environment, SecretError, SecretRef,
    spelling::{Misspelt, Spelled, spelled},
};

/// `sqlite:` and a path, `postgres://…`, or a reference (`env:NAME`, `file:/path`) to such a text, because a
/// PostgreSQL address usually contains a password. `Debug` and `Display` leave the password out.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    Sqlite(PathBuf),
    /// The whole address, as the database client takes it.
    Postgres(Box<str>),
    Secret(SecretRef),
}

const HELP: &str = r#"write "sqlite:./data/gateway.db", "postgres://user:password@host/database", "env:NAME" or "file:/path""#;

impl StoreUrl {
    /// Follows a reference; the answer is `Sqlite` or `Postgres`.
    pub fn resolve(&self, environment: &dyn Environment) -> Result<Self, StoreUrlError> {
        let Self::Secret(reference) = self else { return Ok(self.clone()) };
        match reference.resolve(environment)?.expose().parse()? {
            Self::Secret(_) => {
                Err(StoreUrlError::Misspelt(Misspelt::new("this reference leads to another reference", HELP)))
            }
            url => Ok(url),
        }
    }
}

/// Why the address of the store cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("{}", .0.what)]
    Misspelt(#[from] Misspelt),
}

impl FromStr for StoreUrl {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(Misspelt::new("after sqlite: comes the path of the database", HELP));
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.into()));
        }
        if text.starts_with("env:") || text.starts_with("file:") {
            return text.parse().map(Self::Secret).map_err(|wrong: Misspelt| Misspelt::new(wrong.what, HELP));
        }
        Err(Misspelt::new("this is not the address of a store", HELP))
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Secret(reference) => reference.fmt(f),
            Self::Postgres(url) => {
                // Everything before the last @ may hold the password, and so may a parameter.
                let bare = url.split('?').next().unwrap_or_default();
                let host = bare
                    .rsplit_once('@')
                    .map_or_else(|| bare.split_once("://").map_or("", |(_, rest)| rest), |(_, host)| host);
                write!(f, "postgres://{host}")
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Spelled for StoreUrl {
    const EXPECTED: &'static str = r#"the address of a store, such as "sqlite:./data/gateway.db""#;
}

spelled!(StoreUrl, "StoreUrl", {
    "description": "sqlite: and a path, a postgres:// address, or a reference (env:NAME, file:/path) to one of them.",
    "type": "string",
    "pattern": "^(sqlite:.+|postgres(ql)?://.+|env:[A-Za-z0-9_]+|file:.+)$",
    "examples": ["sqlite:./data/gateway.db", "env:GATEWAY_STORE"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        for url in [
            "postgres://user:hunter2@db/gw",
            "postgres://user:hun@ter2@db/gw",
            "postgresql://db/gw?password=hunter2",
        ] {
            let url: StoreUrl = url.parse().unwrap();
            assert_eq!(format!("{url} {url:?}"), "postgres://db/gw postgres://db/gw");
        }
    }

    #[test]
    fn reads_each_kind() {
        assert_eq!(
            "sqlite:./data/gateway.db".parse::<StoreUrl>().unwrap(),
            StoreUrl::Sqlite("./data/gateway.db".into())
        );
        assert_eq!("sqlite:///var/gw.db".parse::<StoreUrl>().unwrap(), StoreUrl::Sqlite("/var/gw.db".into()));
        assert!("mysql://db".parse::<StoreUrl>().is_err());
        assert!("sqlite:".parse::<StoreUrl>().is_err());
    }
}
