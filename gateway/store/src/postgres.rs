//! The store on PostgreSQL: the same tables, one writing connection, a pool of readers.
//!
//! A commit is one statement, so its outcome is known even to somebody who only sees the rows: after a lost
//! connection the batch is there, whole, or it is not.

mod read;
mod write;

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::Mutex;

use self::write::Writer;
use crate::{
    OpenMode, StoreError,
    columns::signed,
    sql::{LADDER, postgres as sql},
};

const READERS: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub struct Postgres {
    readers: PgPool,
    /// None when opened for reading.
    writer: Option<Mutex<Writer>>,
}

impl Postgres {
    /// # Errors
    /// When the database cannot be reached, or belongs to another version of the gateway.
    pub async fn open(url: &str, mode: OpenMode) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            // The address may hold a password, so the error is not passed on.
            .map_err(|_| StoreError::Broken("the address of the database cannot be read".into()))?
            .application_name("gateway")
            .options([("synchronous_commit", "on")])
            .disable_statement_logging();
        let writer = match mode {
            OpenMode::Write => Some(Mutex::new(Writer::open(options.clone()).await?)),
            OpenMode::Read => None,
        };
        let readers = PgPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(PATIENCE)
            .connect_with(options.options([("default_transaction_read_only", "on")]))
            .await
            .map_err(|error| fault(0, &error))?;
        let mut reader = readers.acquire().await.map_err(|error| fault(0, &error))?;
        expect_layout(layout(&mut reader).await?)?;
        drop(reader);
        Ok(Self { readers, writer })
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let connecting = tokio::time::timeout(PATIENCE, options.connect());
    let connected = connecting.await.map_err(|_| StoreError::Unavailable("no answer".into()))?;
    let mut connection = connected.map_err(|error| fault(0, &error))?;
    if layout(&mut connection).await? < known() {
        climb(&mut connection).await?;
    }
    expect_layout(layout(&mut connection).await?)?;
    Ok(connection)
}

async fn climb(connection: &mut PgConnection) -> Result<(), StoreError> {
    let mut transaction = connection.begin().await.map_err(|error| fault(0, &error))?;
    transaction.execute(sql::LOCK_LAYOUT).await.map_err(|error| fault(0, &error))?;
    if !has_layout(&mut transaction).await? {
        transaction.execute(sql::NEW_LAYOUT).await.map_err(|error| fault(0, &error))?;
    }
    let from = usize::try_from(layout(&mut transaction).await?).unwrap_or(usize::MAX);
    for (number, step) in (1_i64..).zip(LADDER).skip(from) {
        transaction.execute(step.postgres).await.map_err(|error| fault(0, &error))?;
        let climbed = sqlx::query(sql::CLIMBED).bind(number).execute(&mut *transaction).await;
        climbed.map_err(|error| fault(0, &error))?;
    }
    transaction.commit().await.map_err(|error| fault(0, &error))
}

async fn has_layout(connection: &mut PgConnection) -> Result<bool, StoreError> {
    sqlx::query_scalar(sql::HAS_LAYOUT).fetch_one(connection).await.map_err(|error| fault(0, &error))
}

async fn layout(connection: &mut PgConnection) -> Result<i64, StoreError> {
    if !has_layout(connection).await? {
        return Ok(0);
    }
    sqlx::query_scalar(sql::LAYOUT).fetch_one(connection).await.map_err(|error| fault(0, &error))
}

fn known() -> i64 {
    signed(LADDER.len() as u64)
}

fn expect_layout(found: i64) -> Result<(), StoreError> {
    if found == known() { Ok(()) } else { Err(StoreError::Layout { found, known: known() }) }
}

/// Sorts errors of PostgreSQL by what can be done about them. `seq` is the batch being written, or zero.
fn fault(seq: u64, error: &sqlx::Error) -> StoreError {
    // https://www.postgresql.org/docs/current/errcodes-appendix.html
    const NOT_NULL: &str = "23502";
    const UNIQUE: &str = "23505";
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            match (&*code, error.constraint()) {
                (NOT_NULL, _) if error.table() == Some("journal") => StoreError::Fenced,
                (UNIQUE, Some("usage_once")) => StoreError::Duplicate { seq },
                (UNIQUE, Some("journal_pkey" | "usage_pkey")) => StoreError::Conflict { seq },
                _ if passes(&code) => StoreError::Unavailable(error.message().into()),
                _ => StoreError::Broken(error.to_string().into()),
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StoreError::Unavailable(error.to_string().into()),
        _ => StoreError::Broken(error.to_string().into()),
    }
}

/// Connections, resources, operators who stop or switch servers, and rows held by others.
fn passes(code: &str) -> bool {
    ["08", "53", "57", "58", "40"].iter().any(|class| code.starts_with(class))
        || ["55P03", "25006", "55006"].contains(&code)
}
