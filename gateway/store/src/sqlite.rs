//! The embedded store: one SQLite file, one writer, readers beside it.
//!
//! Every commit is flushed before it is answered (`synchronous = FULL`), and freed room is overwritten
//! (`secure_delete`), so that an erased text is gone from the file. The write-ahead log is brought into the
//! file beside the commits rather than by them, see `checkpoint`.

mod checkpoint;
mod pack;
mod read;
mod write;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, Executor, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::Mutex;

use self::write::Writer;
use crate::{
    OpenMode, StoreError,
    columns::signed,
    sql::{LADDER, sqlite as sql},
};

/// How long a commit waits for another process that writes: one that opens the store, at most.
const BUSY: Duration = Duration::from_secs(5);
const PAGE: u32 = 4096;
/// The log is cut back to this when it starts anew, and commits do the work themselves from here on.
const LOG_OCTETS: u32 = 64 << 20;
const READERS: u32 = 4;

/// See the module.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    readers: SqlitePool,
    /// None when opened for reading.
    writer: Option<Mutex<Writer>>,
}

impl Sqlite {
    /// # Errors
    /// When the file cannot be opened, or belongs to another version of the gateway.
    pub async fn open(path: &Path, mode: OpenMode) -> Result<Self, StoreError> {
        let options = options(path);
        let writer = match mode {
            OpenMode::Write => {
                create(path).map_err(|error| StoreError::Unavailable(error.to_string().into()))?;
                Some(Mutex::new(Writer::open(options.clone()).await?))
            }
            OpenMode::Read => None,
        };
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY)
            .connect_with(options.read_only(true).row_buffer_size(1_024).pragma("cache_size", "-8192"))
            .await
            .map_err(|error| fault(0, &error))?;
        let mut reader = readers.acquire().await.map_err(|error| fault(0, &error))?;
        expect_layout(layout(&mut reader).await?)?;
        drop(reader);
        Ok(Self { path: path.to_owned(), readers, writer })
    }
}

/// The file holds numbers and texts of people: it is for its owner only, and the log takes after it.
fn create(path: &Path) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new();
    file.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(path).map(drop)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .page_size(PAGE)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-16384")
        .pragma("wal_autocheckpoint", (LOG_OCTETS / PAGE).to_string())
        .pragma("journal_size_limit", LOG_OCTETS.to_string())
        .disable_statement_logging()
}

fn writing(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.create_if_missing(true).journal_mode(SqliteJournalMode::Wal)
}

/// Opens the file for writing and climbs the ladder.
async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let mut connection = writing(options.clone()).connect().await.map_err(|error| fault(0, &error))?;
    if layout(&mut connection).await? < known() {
        climb(&mut connection).await?;
    }
    expect_layout(layout(&mut connection).await?)?;
    Ok(connection)
}

async fn climb(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(sql::BEGIN).await.map_err(|error| fault(0, &error))?;
    // Asked again under the lock: another process may have climbed meanwhile.
    let from = usize::try_from(layout(&mut transaction).await?).unwrap_or(usize::MAX);
    for step in LADDER.iter().skip(from) {
        transaction.execute(step.sqlite).await.map_err(|error| fault(0, &error))?;
    }
    transaction.commit().await.map_err(|error| fault(0, &error))
}

async fn layout(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    sqlx::query_scalar(sql::LAYOUT).fetch_one(connection).await.map_err(|error| fault(0, &error))
}

fn known() -> i64 {
    signed(LADDER.len() as u64)
}

fn expect_layout(found: i64) -> Result<(), StoreError> {
    if found == known() { Ok(()) } else { Err(StoreError::Layout { found, known: known() }) }
}

/// Sorts errors of SQLite by what can be done about them. `seq` is the batch being written, or zero.
fn fault(seq: u64, error: &sqlx::Error) -> StoreError {
    // https://www.sqlite.org/rescode.html
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const IOERR: i32 = 10;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    const NOT_NULL: i32 = 1299;
    const PRIMARY_KEY: i32 = 1555;
    const UNIQUE: i32 = 2067;
    match error {
        sqlx::Error::Database(error) => {
            let code: i32 = error.code().and_then(|code| code.parse().ok()).unwrap_or(0);
            let text = error.message();
            match code {
                NOT_NULL if text.ends_with("journal.epoch") => StoreError::Fenced,
                UNIQUE if text.contains("usage.event") => StoreError::Duplicate { seq },
                PRIMARY_KEY if text.ends_with("journal.seq") || text.ends_with("usage.sequence") => {
                    StoreError::Conflict { seq }
                }
                _ => match code & 0xff {
                    BUSY | LOCKED | IOERR | FULL | CANTOPEN => StoreError::Unavailable(text.into()),
                    _ => StoreError::Broken(error.to_string().into()),
                },
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StoreError::Unavailable(error.to_string().into()),
        _ => StoreError::Broken(error.to_string().into()),
    }
}
