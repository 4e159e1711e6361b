//! The hot window's database: one writer, two readers.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};

use crate::HistoryError;

const SCHEMA: &str = include_str!("schema.sql");
const SCHEMA_VERSION: i64 = 1;
const READERS: u32 = 2;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_NOTADB: i32 = 26;

#[derive(Debug)]
pub(crate) struct Db {
    readers: SqlitePool,
    writer: Mutex<Option<SqliteConnection>>,
    options: SqliteConnectOptions,
}

impl Db {
    pub(crate) async fn open(path: &Path) -> Result<Self, HistoryError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("journal_size_limit", "67108864")
            .pragma("wal_autocheckpoint", "4000")
            .disable_statement_logging();
        let opening = |source: sqlx::Error| {
            let code =
                source.as_database_error().and_then(|e| e.code()?.parse::<i32>().ok()).unwrap_or(0) & 0xff;
            match code {
                SQLITE_NOTADB | SQLITE_CORRUPT => HistoryError::corrupt(path)(source),
                _ => HistoryError::database("open")(source),
            }
        };
        let mut writer = options.connect().await.map_err(opening)?;
        let found: i64 =
            sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut writer).await.map_err(opening)?;
        if found > SCHEMA_VERSION {
            return Err(HistoryError::NewerSchema { path: path.to_owned(), found, known: SCHEMA_VERSION });
        }
        sqlx::raw_sql(SCHEMA).execute(&mut writer).await.map_err(opening)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.clone().pragma("query_only", "on"))
            .await
            .map_err(opening)?;
        Ok(Self { readers, writer: Mutex::new(Some(writer)), options })
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Starts a write transaction; waits for the one before to end.
    pub(crate) async fn begin(&self, operation: &'static str) -> Result<WriteTx<'_>, HistoryError> {
        let fail = HistoryError::database(operation);
        let mut slot = self.writer.lock().await;
        let mut conn = match slot.take() {
            Some(conn) => conn,
            None => self.options.connect().await.map_err(&fail)?,
        };
        conn.execute("BEGIN IMMEDIATE").await.map_err(&fail)?;
        Ok(WriteTx { operation, slot, conn })
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        if let Some(conn) = self.writer.lock().await.take()
            && let Err(error) = conn.close().await
        {
            tracing::warn!(%error, "closing the history database failed");
        }
    }
}

/// An open write transaction; dropped before [`WriteTx::commit`] it takes its connection along, and SQLite undoes
/// what it did.
pub(crate) struct WriteTx<'a> {
    operation: &'static str,
    slot: MutexGuard<'a, Option<SqliteConnection>>,
    conn: SqliteConnection,
}

impl WriteTx<'_> {
    pub(crate) fn conn(&mut self) -> &mut SqliteConnection {
        &mut self.conn
    }

    pub(crate) async fn commit(mut self) -> Result<(), HistoryError> {
        self.conn.execute("COMMIT").await.map_err(HistoryError::database(self.operation))?;
        *self.slot = Some(self.conn);
        Ok(())
    }
}
