//! The writer: one connection, one commit at a time.

use model::{ChannelKind, Timestamp};
use sqlx::{Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{checkpoint::Checkpoint, connect, fault, pack};
use crate::{
    Channel, Purged, StoreError,
    columns::{channel_kind, signed, unsigned},
    prepared::Prepared,
    sql::sqlite as sql,
};

#[derive(Debug)]
pub(super) struct Writer {
    options: SqliteConnectOptions,
    /// Taken out while it works. When a commit is abandoned half-way or fails, the connection goes with it,
    /// and its transaction with the connection.
    connection: Option<SqliteConnection>,
    epoch: i64,
    last_seq: u64,
    last_usage: u64,
    checkpoint: Checkpoint,
}

impl Writer {
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let mut connection = session(&options).await?;
        let epoch = number(&mut connection, sql::RAISE_EPOCH).await?;
        let checkpoint = Checkpoint::default();
        let mut writer = Self { options, connection: None, epoch, last_seq: 0, last_usage: 0, checkpoint };
        writer.look_up(&mut connection).await?;
        writer.connection = Some(connection);
        Ok(writer)
    }

    async fn take(&mut self) -> Result<SqliteConnection, StoreError> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let mut connection = session(&self.options).await?;
        if number(&mut connection, sql::EPOCH).await? != self.epoch {
            return Err(StoreError::Fenced);
        }
        self.look_up(&mut connection).await?;
        Ok(connection)
    }

    /// Where writing goes on.
    async fn look_up(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        self.last_seq = unsigned(number(connection, sql::LAST_SEQ).await?);
        self.last_usage = unsigned(number(connection, sql::LAST_USAGE).await?);
        Ok(())
    }

    pub(super) async fn write(&mut self, prepared: Prepared) -> Result<(), StoreError> {
        let mut connection = self.take().await?;
        let (seq, expected) = (prepared.batch.seq, self.last_seq + 1);
        if seq < expected {
            let known = same(&mut connection, seq, &prepared.digest).await;
            self.connection = Some(connection);
            return if known? == Some(true) { Ok(()) } else { Err(StoreError::Conflict { seq }) };
        }
        if seq > expected {
            self.connection = Some(connection);
            return Err(StoreError::OutOfOrder { seq, expected });
        }
        let records = prepared.batch.usage.len() as u64;
        let (weight, digest) = (prepared.weight(), prepared.digest);
        let written = self.execute(&mut connection, prepared).await;
        match written.map_err(|error| fault(seq, &error)) {
            Ok(()) => {
                self.last_seq = seq;
                self.last_usage += records;
                self.checkpoint.written(weight, &self.options, &mut connection).await;
                self.connection = Some(connection);
                Ok(())
            }
            // An abandoned commit may have taken place after we looked; then this is the same batch.
            Err(error @ (StoreError::Conflict { .. } | StoreError::Duplicate { .. })) => {
                drop(connection);
                let mut connection = self.take().await?;
                let known = same(&mut connection, seq, &digest).await;
                self.connection = Some(connection);
                if known? == Some(true) { Ok(()) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    /// The values of the view `batch`, in its order.
    async fn execute(
        &self,
        connection: &mut SqliteConnection,
        prepared: Prepared,
    ) -> Result<(), sqlx::Error> {
        let batch = &prepared.batch;
        let overrides = pack::overrides(&prepared.overrides);
        let changes = prepared.facts.iter().filter_map(|place| batch.facts.get(*place));
        let (facts, forgotten, forgotten_count) = pack::facts(changes);
        let (usage, usage_rest) = pack::usage(&batch.usage);
        sqlx::query(sql::WRITE)
            .bind(signed(batch.seq))
            .bind(batch.at.micros())
            .bind(prepared.first_accepted.map(|id| signed(id.as_u64())))
            .bind(prepared.digest.to_vec())
            .bind(prepared.payload)
            .bind(self.epoch)
            .bind(prepared.hashes)
            .bind(prepared.contents)
            .bind(prepared.opens)
            .bind(pack::json(&batch.touches))
            .bind(pack::json(&prepared.erase))
            .bind(pack::json(&prepared.close))
            .bind(usage)
            .bind(batch.usage.len() as i64)
            .bind(overrides.index)
            .bind(overrides.data)
            .bind(overrides.count)
            .bind(signed(self.last_usage + 1))
            .bind(facts.index)
            .bind(facts.data)
            .bind(facts.count)
            .bind(forgotten)
            .bind(forgotten_count)
            .bind(usage_rest)
            .execute(connection)
            .await
            .map(drop)
    }

    pub(super) async fn channel_id(&mut self, name: &str, kind: ChannelKind) -> Result<Channel, StoreError> {
        let mut connection = self.take().await?;
        let inserted =
            sqlx::query(sql::NEW_CHANNEL).bind(name).bind(channel_kind(kind)).execute(&mut connection).await;
        inserted.map_err(|error| fault(0, &error))?;
        let row = sqlx::query(sql::CHANNEL).bind(name).fetch_one(&mut connection).await;
        let channel = super::read::channel(&row.map_err(|error| fault(0, &error))?)?;
        self.connection = Some(connection);
        Ok(channel)
    }

    pub(super) async fn secret(&mut self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        let mut connection = self.take().await?;
        let inserted =
            sqlx::query(sql::NEW_SECRET).bind(name).bind(fresh.as_slice()).execute(&mut connection).await;
        inserted.map_err(|error| fault(0, &error))?;
        let value = sqlx::query_scalar(sql::SECRET).bind(name).fetch_one(&mut connection).await;
        let value: Vec<u8> = value.map_err(|error| fault(0, &error))?;
        self.connection = Some(connection);
        value.try_into().map_err(|_| StoreError::Corrupt { seq: 0, what: "a secret has another length" })
    }

    /// Below which batch the journal may go.
    pub(super) async fn purge_below(&mut self, before: Timestamp) -> Result<i64, StoreError> {
        let mut connection = self.take().await?;
        let below =
            sqlx::query_scalar(sql::PURGE_BELOW).bind(before.micros()).fetch_one(&mut connection).await;
        let below: Option<i64> = below.map_err(|error| fault(0, &error))?;
        self.connection = Some(connection);
        Ok(below.unwrap_or(0))
    }

    /// One helping. Nothing purged means that it is done.
    pub(super) async fn purge(&mut self, now: Timestamp, below: i64) -> Result<Purged, StoreError> {
        let mut connection = self.take().await?;
        let purged = self.purge_on(&mut connection, now, below).await?;
        self.connection = Some(connection);
        Ok(purged)
    }

    async fn purge_on(
        &self,
        connection: &mut SqliteConnection,
        now: Timestamp,
        below: i64,
    ) -> Result<Purged, StoreError> {
        let lost = |error: sqlx::Error| fault(0, &error);
        connection.execute(sql::BEGIN).await.map_err(lost)?;
        if number(connection, sql::EPOCH).await? != self.epoch {
            return Err(StoreError::Fenced);
        }
        let last: i64 = sqlx::query_scalar(sql::PURGE_STEP)
            .bind(below)
            .fetch_one(&mut *connection)
            .await
            .map_err(lost)?;
        let mut purged = Purged::default();
        if last > 0 {
            let gone = sqlx::query(sql::PURGE_JOURNAL).bind(last).execute(&mut *connection).await;
            purged.batches = gone.map_err(lost)?.rows_affected();
            for statement in [sql::PURGE_PARTIES, sql::PURGE_TOUCHES] {
                sqlx::query(statement).bind(last).execute(&mut *connection).await.map_err(lost)?;
            }
        }
        // What a trigger does is not counted.
        let expired = sqlx::query_scalar(sql::EXPIRED_FACTS).bind(now.micros()).fetch_one(&mut *connection);
        purged.facts = unsigned(expired.await.map_err(lost)?);
        sqlx::query(sql::PURGE_FACTS).bind(now.micros()).execute(&mut *connection).await.map_err(lost)?;
        connection.execute(sql::COMMIT).await.map_err(lost)?;
        Ok(purged)
    }

    /// Empties the log. No commit is under way while the writer is held.
    pub(super) async fn empty_log(&mut self) {
        self.checkpoint.empty_log(&self.options).await;
    }

    pub(super) async fn close(&mut self) {
        self.checkpoint.empty_log(&self.options).await;
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the store did not close cleanly");
        }
    }
}

async fn session(options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let mut connection = connect(options).await?;
    connection.execute(sql::SESSION).await.map_err(|error| fault(0, &error))?;
    Ok(connection)
}

/// Whether what stands under this number is this batch; `None` when nothing stands there.
async fn same(
    connection: &mut SqliteConnection,
    seq: u64,
    digest: &[u8],
) -> Result<Option<bool>, StoreError> {
    let found = sqlx::query_scalar(sql::DIGEST).bind(signed(seq)).fetch_optional(connection).await;
    let found: Option<Vec<u8>> = found.map_err(|error| fault(seq, &error))?;
    Ok(found.map(|found| found == digest))
}

async fn number(connection: &mut SqliteConnection, statement: &'static str) -> Result<i64, StoreError> {
    sqlx::query_scalar(statement).fetch_one(connection).await.map_err(|error| fault(0, &error))
}
