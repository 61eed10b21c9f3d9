//! Where a store under test lives, and a way to damage it behind its back.

use std::{path::PathBuf, sync::Arc};

use sqlx::{AssertSqlSafe, Connection, Executor};
use store::{OpenMode, Postgres, Sqlite, Store, testing::Cluster};

pub(crate) enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn postgres(cluster: &Cluster) -> Self {
        Self::Postgres(cluster.database().expect("a database"))
    }

    fn file(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("gateway.db")
    }

    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        self.open_for(OpenMode::Write).await
    }

    pub(crate) async fn open_for(&self, mode: OpenMode) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(folder) => Arc::new(Sqlite::open(&Self::file(folder), mode).await.expect("opens")),
            Self::Postgres(url) => Arc::new(Postgres::open(url, mode).await.expect("opens")),
        }
    }

    /// Runs a statement as somebody who is not the store.
    pub(crate) async fn tamper(&self, sqlite: &str, postgres: &str) {
        match self {
            Self::Sqlite(folder) => {
                let url = format!("sqlite://{}", Self::file(folder).display());
                let mut connection = sqlx::SqliteConnection::connect(&url).await.expect("connects");
                connection.execute(AssertSqlSafe(sqlite.to_owned())).await.expect("tampers");
                connection.close().await.expect("closes");
            }
            Self::Postgres(url) => {
                let mut connection = sqlx::PgConnection::connect(url).await.expect("connects");
                connection.execute(AssertSqlSafe(postgres.to_owned())).await.expect("tampers");
                connection.close().await.expect("closes");
            }
        }
    }

    /// Whether these octets stand in any file of the store. Only SQLite erases files itself; PostgreSQL is
    /// asked for the rows.
    pub(crate) async fn holds(&self, canary: &str) -> bool {
        match self {
            Self::Sqlite(folder) => std::fs::read_dir(folder.path())
                .expect("reads")
                .map(|file| std::fs::read(file.expect("a file").path()).expect("reads"))
                .any(|octets| octets.windows(canary.len()).any(|window| window == canary.as_bytes())),
            Self::Postgres(url) => {
                let mut connection = sqlx::PgConnection::connect(url).await.expect("connects");
                let count: i64 = sqlx::query_scalar(
                    "SELECT (SELECT count(*) FROM open_batch WHERE position($1 IN contents) > 0)
                          + (SELECT count(*) FROM content_override WHERE position($1 IN contents) > 0)
                          + (SELECT count(*) FROM journal WHERE position($1 IN payload) > 0)",
                )
                .bind(canary.as_bytes())
                .fetch_one(&mut connection)
                .await
                .expect("counts");
                count > 0
            }
        }
    }
}
