//! The writer: one connection, one commit at a time.

use billing::UsageRecord;
use engine::journal::FactChange;
use model::{ChannelKind, Msisdn, Timestamp};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{connect, fault};
use crate::{
    Channel, Purged, StoreError,
    columns::{self, channel_kind, signed, unsigned},
    prepared::Prepared,
    sql::postgres as sql,
};

#[derive(Debug)]
pub(super) struct Writer {
    options: PgConnectOptions,
    /// Taken out while it works. When a commit is abandoned half-way or fails, the connection goes with it.
    connection: Option<PgConnection>,
    epoch: i64,
    last_seq: u64,
    last_usage: u64,
}

impl Writer {
    pub(super) async fn open(options: PgConnectOptions) -> Result<Self, StoreError> {
        let mut connection = connect(&options).await?;
        let epoch = number(&mut connection, sql::RAISE_EPOCH).await?;
        let mut writer = Self { options, connection: None, epoch, last_seq: 0, last_usage: 0 };
        writer.look_up(&mut connection).await?;
        writer.connection = Some(connection);
        Ok(writer)
    }

    async fn take(&mut self) -> Result<PgConnection, StoreError> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let mut connection = connect(&self.options).await?;
        if number(&mut connection, sql::EPOCH).await? != self.epoch {
            return Err(StoreError::Fenced);
        }
        self.look_up(&mut connection).await?;
        Ok(connection)
    }

    /// Where writing goes on.
    async fn look_up(&mut self, connection: &mut PgConnection) -> Result<(), StoreError> {
        self.last_seq = unsigned(number(connection, sql::LAST_SEQ).await?);
        self.last_usage = unsigned(number(connection, sql::LAST_USAGE).await?);
        Ok(())
    }

    pub(super) async fn write(&mut self, prepared: Prepared) -> Result<(), StoreError> {
        let mut connection = self.take().await?;
        let (seq, expected) = (prepared.batch.seq, self.last_seq + 1);
        let digest = prepared.digest;
        if seq < expected {
            let known = same(&mut connection, seq, &digest).await;
            self.connection = Some(connection);
            return if known? == Some(true) { Ok(()) } else { Err(StoreError::Conflict { seq }) };
        }
        if seq > expected {
            self.connection = Some(connection);
            return Err(StoreError::OutOfOrder { seq, expected });
        }
        let records = prepared.batch.usage.len() as u64;
        let written = self.execute(&mut connection, prepared).await;
        match written.map_err(|error| fault(seq, &error)) {
            Ok(()) => {
                self.last_seq = seq;
                self.last_usage += records;
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

    /// The values of `sql::WRITE`, in its order.
    async fn execute(&self, connection: &mut PgConnection, prepared: Prepared) -> Result<(), sqlx::Error> {
        let batch = &prepared.batch;
        let changes = prepared.facts.iter().filter_map(|place| batch.facts.get(*place));
        let (kept, forgotten): (Vec<&FactChange>, Vec<&FactChange>) =
            changes.partition(|fact| fact.value.is_some());
        let (override_ids, override_contents): (Vec<i64>, Vec<Vec<u8>>) =
            prepared.overrides.into_iter().map(|(id, contents)| (signed(id.as_u64()), contents)).unzip();
        let numbers = |list: &[u64]| list.iter().copied().map(signed).collect::<Vec<i64>>();
        let usage = &batch.usage;
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
            .bind(numbers(&batch.touches))
            .bind(numbers(&prepared.erase))
            .bind(numbers(&prepared.close))
            .bind(override_ids)
            .bind(override_contents)
            .bind(signed(self.last_usage + 1))
            .bind(column(usage, |record| signed(record.key.message.as_u64())))
            .bind(column(usage, |record| i16::from(record.key.leg)))
            .bind(column(usage, |record| record.key.event as i16))
            .bind(column(usage, |record| record.at.micros()))
            .bind(column(usage, |record| record.service as i16))
            .bind(column(usage, |record| record.outcome as i16))
            .bind(column(usage, |record| i32::from(record.origin.0)))
            .bind(column(usage, |record| i32::from(record.channel.0)))
            .bind(column(usage, |record| i16::from(columns::class(record.class))))
            .bind(column(usage, |record| i16::from(columns::lane(record.lane))))
            .bind(column(usage, |record| i32::from(record.segments)))
            .bind(column(usage, |record| i64::from(record.octets)))
            .bind(column(usage, |record| record.from.map(|number| signed(Msisdn::as_u64(number)))))
            .bind(column(usage, |record| record.to.map(|number| signed(Msisdn::as_u64(number)))))
            .bind(column(usage, |record| record.cause.map(model::Cause::code)))
            .bind(kept.iter().map(|fact| fact.kind as i16).collect::<Vec<_>>())
            .bind(kept.iter().map(|fact| fact.key.as_slice()).collect::<Vec<_>>())
            .bind(kept.iter().map(|fact| fact.value.as_deref().unwrap_or_default()).collect::<Vec<_>>())
            .bind(kept.iter().map(|fact| fact.expires_at.map(Timestamp::micros)).collect::<Vec<_>>())
            .bind(forgotten.iter().map(|fact| fact.kind as i16).collect::<Vec<_>>())
            .bind(forgotten.iter().map(|fact| fact.key.as_slice()).collect::<Vec<_>>())
            .bind(column(usage, |record| record.parent.map(i16::from)))
            .bind(column(usage, |record| record.charging_id.as_deref().map(str::to_owned)))
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
        connection: &mut PgConnection,
        now: Timestamp,
        below: i64,
    ) -> Result<Purged, StoreError> {
        let lost = |error: sqlx::Error| fault(0, &error);
        let mut helping = connection.begin().await.map_err(lost)?;
        if number(&mut helping, sql::EPOCH_HELD).await? != self.epoch {
            return Err(StoreError::Fenced);
        }
        let last: i64 =
            sqlx::query_scalar(sql::PURGE_STEP).bind(below).fetch_one(&mut *helping).await.map_err(lost)?;
        let mut purged = Purged::default();
        if last > 0 {
            let gone = sqlx::query(sql::PURGE_JOURNAL).bind(last).execute(&mut *helping).await;
            purged.batches = gone.map_err(lost)?.rows_affected();
            for statement in [sql::PURGE_PARTIES, sql::PURGE_TOUCHES] {
                sqlx::query(statement).bind(last).execute(&mut *helping).await.map_err(lost)?;
            }
        }
        let gone = sqlx::query(sql::PURGE_FACTS).bind(now.micros()).execute(&mut *helping).await;
        purged.facts = gone.map_err(lost)?.rows_affected();
        helping.commit().await.map_err(lost)?;
        Ok(purged)
    }

    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the store did not close cleanly");
        }
    }
}

fn column<T>(usage: &[UsageRecord], value: impl Fn(&UsageRecord) -> T) -> Vec<T> {
    usage.iter().map(value).collect()
}

/// Whether what stands under this number is this batch; `None` when nothing stands there.
async fn same(connection: &mut PgConnection, seq: u64, digest: &[u8]) -> Result<Option<bool>, StoreError> {
    let found = sqlx::query_scalar(sql::DIGEST).bind(signed(seq)).fetch_optional(connection).await;
    let found: Option<Vec<u8>> = found.map_err(|error| fault(seq, &error))?;
    Ok(found.map(|found| found == digest))
}

async fn number(connection: &mut PgConnection, statement: &'static str) -> Result<i64, StoreError> {
    sqlx::query_scalar(statement).fetch_one(connection).await.map_err(|error| fault(0, &error))
}
