//! Every statement there is, by name. One commit is a handful of statements, however large its batch.

/// Constants, and a list of them all, so that the census below misses none.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        $($(#[$doc])* pub(crate) const $name: &str = $text;)+

        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}

pub(crate) mod postgres;
pub(crate) mod sqlite;

/// One step of the ladder: both databases climb the same steps, each in its own dialect. Steps are never
/// changed once released; a new layout is a new step.
pub(crate) struct Step {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// Step 1 stands first.
pub(crate) const LADDER: &[Step] =
    &[Step { sqlite: include_str!("sql/0001.sqlite.sql"), postgres: include_str!("sql/0001.postgres.sql") }];

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection, Executor, SqlSafeStr, Statement};

    use crate::{OpenMode, Postgres, Sqlite, testing::Cluster};

    #[tokio::test]
    async fn sqlite_understands_every_statement() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("gateway.db");
        Sqlite::open(&file, OpenMode::Write).await.expect("opens");
        let url = format!("sqlite://{}", file.display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.expect("connects");
        connection.execute(super::sqlite::SESSION).await.expect("a session");
        let statements = super::sqlite::ALL.iter().filter(|(name, _)| *name != "SESSION");
        for (name, text) in statements {
            let prepared = connection.prepare(AssertSqlSafe(*text).into_sql_str()).await;
            assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
        }
    }

    #[tokio::test]
    async fn postgres_understands_every_statement() {
        let cluster = Cluster::start().expect("a PostgreSQL cluster");
        let url = cluster.database().expect("a database");
        Postgres::open(&url, OpenMode::Write).await.expect("opens");
        let mut connection = sqlx::PgConnection::connect(&url).await.expect("connects");
        for (name, text) in super::postgres::ALL {
            let prepared = connection.prepare(AssertSqlSafe(*text).into_sql_str()).await;
            let places =
                prepared.as_ref().ok().and_then(|statement| statement.parameters()).map(|of| match of {
                    sqlx::Either::Left(types) => types.len(),
                    sqlx::Either::Right(count) => count,
                });
            assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
            assert_eq!(places, Some(highest_place(text)), "{name} leaves a place out");
        }
    }

    fn highest_place(text: &str) -> usize {
        let places = text.split('$').skip(1);
        places
            .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
            .max()
            .unwrap_or(0)
    }
}
