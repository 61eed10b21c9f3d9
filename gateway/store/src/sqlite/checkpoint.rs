//! Bringing the write-ahead log into the database without keeping commits waiting.
//!
//! A passive checkpoint beside the commits copies almost everything, but commits that come meanwhile keep
//! the log from ever being done with. So a second, tiny one follows on the writer's own connection, between
//! two commits; after it the log starts anew from its beginning.

use sqlx::{ConnectOptions, Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::task::JoinHandle;

use crate::sql::sqlite as sql;

/// When the log has grown by this much it is brought in. Commits wait behind what the disk writes meanwhile: with
/// eight times as much they did for 30 ms, once in a second at full load.
const DUE_OCTETS: u64 = 4 << 20;

#[derive(Debug, Default)]
pub(super) struct Checkpoint {
    /// Octets logged since the last time, roughly.
    logged: u64,
    beside: Option<JoinHandle<Option<SqliteConnection>>>,
    /// The connection beside the writer's, between two times.
    idle: Option<SqliteConnection>,
}

impl Checkpoint {
    /// After each commit.
    pub(super) async fn written(
        &mut self,
        octets: u64,
        options: &SqliteConnectOptions,
        connection: &mut SqliteConnection,
    ) {
        self.logged += octets;
        match &self.beside {
            None if self.logged >= DUE_OCTETS => {
                self.logged = 0;
                let (idle, options) = (self.idle.take(), options.clone());
                self.beside =
                    Some(tokio::spawn(async move { beside(idle, &options, &[sql::CHECKPOINT]).await }));
            }
            Some(task) if task.is_finished() => {
                self.join().await;
                report(connection.execute(sql::CHECKPOINT).await.err());
            }
            _ => {}
        }
    }

    /// Brings everything in and empties the log, unless a reader still needs it.
    pub(super) async fn empty_log(&mut self, options: &SqliteConnectOptions) {
        self.join().await;
        self.logged = 0;
        let idle = self.idle.take();
        if let Some(connection) = beside(idle, options, &[sql::CHECKPOINT, sql::EMPTY_LOG]).await {
            report(connection.close().await.err());
        }
    }

    async fn join(&mut self) {
        let Some(task) = self.beside.take() else { return };
        match task.await {
            Ok(connection) => self.idle = connection,
            Err(_) => tracing::warn!("a checkpoint was cut off"),
        }
    }
}

/// On a connection of its own, which does not wait for others. It is given back when it is still good.
async fn beside(
    idle: Option<SqliteConnection>,
    options: &SqliteConnectOptions,
    statements: &[&'static str],
) -> Option<SqliteConnection> {
    let mut connection = match idle {
        Some(connection) => connection,
        None => {
            let options = options.clone().busy_timeout(std::time::Duration::from_millis(20));
            options.connect().await.map_err(|error| report(Some(error))).ok()?
        }
    };
    for statement in statements {
        if let Err(error) = connection.execute(*statement).await {
            report(Some(error));
            return None;
        }
    }
    Some(connection)
}

/// The next time does what this time did not.
fn report(error: Option<sqlx::Error>) {
    if let Some(error) = error {
        tracing::warn!(%error, "a checkpoint failed");
    }
}
