//! Where a store is, and what it is opened for.

use std::{fmt, path::PathBuf, sync::Arc};

use crate::{Postgres, Sqlite, Store, StoreError};

/// A file, or a database elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreTarget {
    /// Created when it is missing; its folder is not.
    Sqlite(PathBuf),
    /// As `postgres://user@host/database`.
    Postgres(String),
}

impl fmt::Debug for StoreTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "Sqlite({})", path.display()),
            // The address may hold a password.
            Self::Postgres(_) => write!(f, "Postgres(…)"),
        }
    }
}

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// The one writer. Creates what is missing, and locks out whoever wrote before.
    Write,
    /// Looking at it, beside a running gateway or without one. Disturbs nobody.
    Read,
}

/// Opens the store, whatever database it is on.
///
/// # Errors
/// When it cannot be reached, or belongs to another version of the gateway.
pub async fn open(target: &StoreTarget, mode: OpenMode) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match target {
        StoreTarget::Sqlite(path) => Arc::new(Sqlite::open(path, mode).await?),
        StoreTarget::Postgres(url) => Arc::new(Postgres::open(url, mode).await?),
    })
}
