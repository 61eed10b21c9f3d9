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
pub(crate) const LADDER: &[Step] = &[
    Step { sqlite: include_str!("sql/0001.sqlite.sql"), postgres: include_str!("sql/0001.postgres.sql") },
    Step { sqlite: include_str!("sql/0002.sqlite.sql"), postgres: include_str!("sql/0002.postgres.sql") },
];

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

    /// What a store of the first layout held.
    const OLD: &str = "
        INSERT INTO usage (sequence, batch, message, leg, event, at, service, outcome, origin, channel, class,
                           lane, segments, octets, sender, cause, rating)
        VALUES (1, 1, 77, 0, 3, 5, 1, 4, 1, 2, 3, 3, 2, 100, 821012345678, 'unreachable', 1);
        INSERT INTO channel (id, name, kind) VALUES (1, 'kt', 'smsc')";

    async fn climbed(store: &dyn crate::Store) {
        let rows = store.usage(0, 10, None).await.expect("usage");
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.sequence, row.rating, row.record.segments), (1, crate::Rating::Rated, 2));
        assert_eq!((row.record.parent, row.record.charging_id.as_deref()), (None, None));
        assert_eq!(row.record.cause, Some(model::Cause::Unreachable));
        let ids = [("kt", model::ChannelKind::Smsc, 1), ("ims", model::ChannelKind::Rcs, 2)];
        for (name, kind, id) in ids {
            assert_eq!(store.channel_id(name, kind).await, Ok(model::ChannelId(id)));
        }
    }

    #[tokio::test]
    async fn a_store_of_the_first_layout_climbs_on_sqlite() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("gateway.db");
        let url = format!("sqlite://{}?mode=rwc", file.display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.expect("connects");
        connection.execute(super::LADDER[0].sqlite).await.expect("the first layout");
        connection.execute(OLD).await.expect("rows");
        connection.execute("INSERT INTO fact VALUES (7, x'01', x'02', NULL)").await.expect("a fact");
        connection.close().await.expect("closes");
        let store = Sqlite::open(&file, OpenMode::Write).await.expect("climbs");
        climbed(&store).await;
        assert_eq!(crate::Store::recover(&store).await.expect("recovers").facts.len(), 1);
    }

    #[tokio::test]
    async fn a_store_of_the_first_layout_climbs_on_postgres() {
        let cluster = Cluster::start().expect("a PostgreSQL cluster");
        let url = cluster.database().expect("a database");
        let mut connection = sqlx::PgConnection::connect(&url).await.expect("connects");
        connection.execute(super::postgres::NEW_LAYOUT).await.expect("a ladder");
        connection.execute("INSERT INTO layout VALUES (1)").await.expect("its first step");
        connection.execute(super::LADDER[0].postgres).await.expect("the first layout");
        connection.execute(OLD).await.expect("rows");
        climbed(&Postgres::open(&url, OpenMode::Write).await.expect("climbs")).await;
    }

    fn highest_place(text: &str) -> usize {
        let places = text.split('$').skip(1);
        places
            .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
            .max()
            .unwrap_or(0)
    }
}
