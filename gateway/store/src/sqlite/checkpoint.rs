//! Bringing the write-ahead log into the database without keeping commits waiting.
//!
//! A passive checkpoint beside the commits copies almost everything, but commits that come meanwhile keep
//! the log from ever being done with. So a second, tiny one follows on the writer's own connection, between
//! two commits; after it the log starts anew from its beginning.

use sqlx::{ConnectOptions, Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::task::JoinHandle;

use crate::sql::sqlite as sql;

/// When the log has grown by this much it is brought in.
const DUE_OCTETS: u64 = 32 << 20;

#[derive(Debug, Default)]
pub(super) struct Checkpoint {
    /// Octets logged since the last time, roughly.
    logged: u64,
    beside: Option<JoinHandle<()>>,
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
                let options = options.clone();
                self.beside = Some(tokio::spawn(async move { beside(&options, &[sql::CHECKPOINT]).await }));
            }
            Some(task) if task.is_finished() => {
                self.beside = None;
                report(connection.execute(sql::CHECKPOINT).await.err());
            }
            _ => {}
        }
    }

    /// Brings everything in and empties the log, unless a reader still needs it.
    pub(super) async fn empty_log(&mut self, options: &SqliteConnectOptions) {
        if let Some(task) = self.beside.take()
            && task.await.is_err()
        {
            tracing::warn!("a checkpoint was cut off");
        }
        self.logged = 0;
        beside(options, &[sql::CHECKPOINT, sql::EMPTY_LOG]).await;
    }
}

/// On a connection of its own, which does not wait for others.
async fn beside(options: &SqliteConnectOptions, statements: &[&'static str]) {
    let options = options.clone().busy_timeout(std::time::Duration::from_millis(20));
    let mut connection = match options.connect().await {
        Ok(connection) => connection,
        Err(error) => return report(Some(error)),
    };
    for statement in statements {
        report(connection.execute(*statement).await.err());
    }
    report(connection.close().await.err());
}

/// The next time does what this time did not.
fn report(error: Option<sqlx::Error>) {
    if let Some(error) = error {
        tracing::warn!(%error, "a checkpoint failed");
    }
}
