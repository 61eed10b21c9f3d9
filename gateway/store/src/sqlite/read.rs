//! Reading rows beside the writer.

use async_trait::async_trait;
use engine::journal::Fact;
use model::{ChannelId, ChannelKind, MessageId, Timestamp};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{Sqlite, fault, pack, write::Writer};
use crate::{
    Bounds, Channel, Purged, StoreError, StoreSize, UsageRow,
    columns::{UsageColumns, message, read_channel_kind, read_fact_kind, signed, unsigned},
    database::{Database, Held, Page, Row},
    prepared::Prepared,
    sql::sqlite as sql,
};

#[async_trait]
impl Database for Sqlite {
    async fn write(&self, prepared: Prepared) -> Result<(), StoreError> {
        self.writer().await?.write(prepared).await
    }

    async fn bounds(&self) -> Result<Bounds, StoreError> {
        let mut moment = self.readers.begin_with(sql::BEGIN_READING).await.map_err(lost)?;
        let first: i64 = sqlx::query_scalar(sql::FIRST_SEQ).fetch_one(&mut *moment).await.map_err(lost)?;
        let last: i64 = sqlx::query_scalar(sql::LAST_SEQ).fetch_one(&mut *moment).await.map_err(lost)?;
        let usage: i64 = sqlx::query_scalar(sql::LAST_USAGE).fetch_one(&mut *moment).await.map_err(lost)?;
        let open: Vec<i64> =
            sqlx::query_scalar(sql::OPEN_BIRTHS).fetch_all(&mut *moment).await.map_err(lost)?;
        moment.rollback().await.map_err(lost)?;
        Ok(Bounds {
            first_seq: unsigned(first),
            last_seq: unsigned(last),
            last_usage: unsigned(usage),
            open_births: open.into_iter().map(unsigned).collect(),
        })
    }

    async fn open_births(&self) -> Result<Vec<u64>, StoreError> {
        let births: Vec<i64> =
            sqlx::query_scalar(sql::OPEN_BIRTHS).fetch_all(&self.readers).await.map_err(lost)?;
        Ok(births.into_iter().map(unsigned).collect())
    }

    async fn rows_after(&self, after: u64, limit: u32) -> Result<Vec<Row>, StoreError> {
        let query = sqlx::query(sql::ROWS_AFTER).bind(signed(after)).bind(limit);
        query.fetch_all(&self.readers).await.map_err(lost)?.iter().map(row).collect()
    }

    async fn rows(&self, seqs: &[u64]) -> Result<Vec<Row>, StoreError> {
        let query = sqlx::query(sql::ROWS).bind(pack::json(seqs));
        query.fetch_all(&self.readers).await.map_err(lost)?.iter().map(row).collect()
    }

    async fn last_accepting(&self) -> Result<Option<Row>, StoreError> {
        let found = sqlx::query(sql::LAST_ACCEPTING).fetch_optional(&self.readers).await.map_err(lost)?;
        found.as_ref().map(row).transpose()
    }

    async fn accepting(&self, page: &Page) -> Result<Vec<Row>, StoreError> {
        let query = sqlx::query(if page.party.is_some() { sql::ACCEPTING_PARTY } else { sql::ACCEPTING })
            .bind(page.below)
            .bind(signed(page.from.as_u64()))
            .bind(page.limit);
        let query = match page.party {
            Some(hash) => query.bind(hash.to_vec()),
            None => query,
        };
        query.fetch_all(&self.readers).await.map_err(lost)?.iter().map(row).collect()
    }

    async fn birth(&self, message: MessageId) -> Result<Option<u64>, StoreError> {
        let query = sqlx::query_scalar(sql::BIRTH).bind(signed(message.as_u64()));
        Ok(query.fetch_optional(&self.readers).await.map_err(lost)?.map(unsigned))
    }

    async fn touches(&self, births: &[u64]) -> Result<Vec<u64>, StoreError> {
        let query = sqlx::query_scalar(sql::TOUCHES).bind(pack::json(births));
        let seqs: Vec<i64> = query.fetch_all(&self.readers).await.map_err(lost)?;
        Ok(seqs.into_iter().map(unsigned).collect())
    }

    async fn contents(&self, births: &[u64]) -> Result<Vec<Held>, StoreError> {
        let mut held = Vec::new();
        for statement in [sql::CONTENTS, sql::OVERRIDES] {
            let query = sqlx::query(statement).bind(pack::json(births));
            for row in query.fetch_all(&self.readers).await.map_err(lost)? {
                held.push(Held { birth: unsigned(get(&row, 0)?), octets: get(&row, 1)? });
            }
        }
        Ok(held)
    }

    async fn usage(
        &self,
        after: u64,
        limit: u32,
        origin: Option<ChannelId>,
    ) -> Result<Vec<UsageRow>, StoreError> {
        let query = sqlx::query(if origin.is_some() { sql::USAGE_OF_ORIGIN } else { sql::USAGE })
            .bind(signed(after))
            .bind(limit);
        let query = match origin {
            Some(origin) => query.bind(origin.0),
            None => query,
        };
        query.fetch_all(&self.readers).await.map_err(lost)?.iter().map(|row| usage(row)?.read()).collect()
    }

    async fn facts(&self) -> Result<Vec<Fact>, StoreError> {
        let rows = sqlx::query(sql::FACTS).fetch_all(&self.readers).await.map_err(lost)?;
        rows.iter()
            .map(|row| {
                let what = "a fact is of an unknown kind";
                let kind = read_fact_kind(get(row, 0)?).ok_or(StoreError::Corrupt { seq: 0, what })?;
                let expires_at = get::<Option<i64>>(row, 3)?.map(Timestamp::from_micros);
                Ok(Fact { kind, key: get(row, 1)?, value: get(row, 2)?, expires_at })
            })
            .collect()
    }

    async fn channels(&self) -> Result<Vec<Channel>, StoreError> {
        let rows = sqlx::query(sql::CHANNELS).fetch_all(&self.readers).await.map_err(lost)?;
        rows.iter().map(channel).collect()
    }

    async fn channel_id(&self, name: &str, kind: ChannelKind) -> Result<Channel, StoreError> {
        self.writer().await?.channel_id(name, kind).await
    }

    async fn secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        self.writer().await?.secret(name, fresh).await
    }

    async fn size(&self) -> Result<StoreSize, StoreError> {
        let rows = sqlx::query(sql::SIZE).fetch_one(&self.readers).await.map_err(lost)?;
        let mut octets = 0;
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            octets += std::fs::metadata(path).map_or(0, |file| file.len());
        }
        let room = rustix::fs::statvfs(&self.path).ok();
        Ok(StoreSize {
            octets,
            free: room.map(|room| room.f_bavail.saturating_mul(room.f_frsize)),
            batches: unsigned(get(&rows, 0)?),
            open_batches: unsigned(get(&rows, 1)?),
            usage: unsigned(get(&rows, 2)?),
            facts: unsigned(get(&rows, 3)?),
        })
    }

    async fn purge(&self, now: Timestamp, before: Timestamp) -> Result<Purged, StoreError> {
        let below = self.writer().await?.purge_below(before).await?;
        let mut all = Purged::default();
        loop {
            // The writer is let go between helpings, so that commits are not kept waiting.
            let purged = self.writer().await?.purge(now, below).await?;
            if purged == Purged::default() {
                break;
            }
            all.batches += purged.batches;
            all.facts += purged.facts;
        }
        self.writer().await?.empty_log().await;
        Ok(all)
    }

    async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.lock().await.close().await;
        }
    }
}

impl Sqlite {
    async fn writer(&self) -> Result<tokio::sync::MutexGuard<'_, Writer>, StoreError> {
        Ok(self.writer.as_ref().ok_or(StoreError::ReadOnly)?.lock().await)
    }
}

fn row(row: &SqliteRow) -> Result<Row, StoreError> {
    Ok(Row {
        seq: unsigned(get(row, 0)?),
        at: Timestamp::from_micros(get(row, 1)?),
        epoch: unsigned(get(row, 2)?),
        first_accepted: get::<Option<i64>>(row, 3)?.and_then(message),
        digest: get(row, 4)?,
        payload: get(row, 5)?,
    })
}

pub(super) fn channel(row: &SqliteRow) -> Result<Channel, StoreError> {
    let (id, name, kind): (i64, String, String) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
    match (u16::try_from(id), read_channel_kind(&kind)) {
        (Ok(id), Some(kind)) => Ok(Channel { id: ChannelId(id), name: name.into(), kind }),
        _ => Err(StoreError::Corrupt { seq: 0, what: "a channel cannot be read" }),
    }
}

fn usage(row: &SqliteRow) -> Result<UsageColumns, StoreError> {
    Ok(UsageColumns {
        sequence: get(row, 0)?,
        batch: get(row, 1)?,
        rating: get(row, 2)?,
        message: get(row, 3)?,
        leg: get(row, 4)?,
        event: get(row, 5)?,
        at: get(row, 6)?,
        service: get(row, 7)?,
        outcome: get(row, 8)?,
        origin: get(row, 9)?,
        channel: get(row, 10)?,
        class: get(row, 11)?,
        lane: get(row, 12)?,
        segments: get(row, 13)?,
        octets: get(row, 14)?,
        sender: get(row, 15)?,
        recipient: get(row, 16)?,
        cause: get(row, 17)?,
        parent: get(row, 18)?,
        charging_id: get(row, 19)?,
    })
}

/// A damaged file may hold anything anywhere.
fn get<'r, T>(row: &'r SqliteRow, place: usize) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(place).map_err(lost)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn lost(error: sqlx::Error) -> StoreError {
    fault(0, &error)
}
