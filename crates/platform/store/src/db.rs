//! The database file: opened once, one writer, a few readers.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, Row as _, SqlSafeStr as _, SqliteConnection,
};
use tokio::sync::MutexGuard;

use crate::recall::{Recall, Writes};
use crate::{StoreError, StoreOptions};

/// Readers beside the one writer.
const READERS: u32 = 4;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Above this size the check at start reads the schema only: a full check reads every page and would delay a
/// restart by minutes.
const FULL_CHECK_BYTES_MAX: u64 = 256 * 1024 * 1024;
const PAGE_BYTES: u64 = 4096;

/// What every handle to the store shares.
#[derive(Debug)]
pub(crate) struct Db {
    pub(crate) dir: PathBuf,
    readers: SqlitePool,
    writer: tokio::sync::Mutex<Option<SqliteConnection>>,
    options: SqliteConnectOptions,
    /// 0 = no limit but the disk.
    bytes_max: AtomicU64,
    lock: Mutex<Option<File>>,
    pub(crate) recall: Recall,
}

impl Db {
    pub(crate) async fn open(dir: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let bytes_max = options.database_bytes_max;
        create_private(dir).map_err(StoreError::folder("create", dir))?;
        let lock = match lock(dir) {
            Err(StoreError::Locked { .. }) if options.beside => None,
            locked => Some(locked?),
        };
        let path = dir.join("voltwin.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("journal_size_limit", "67108864")
            .pragma("wal_autocheckpoint", "4000")
            .disable_statement_logging();
        let opening = |source| StoreError::opening(path.clone(), source);
        let mut writer = options.connect().await.map_err(opening)?;
        check(&mut writer, &path).await?;
        migrate(&mut writer, &path).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.clone().pragma("query_only", "on"))
            .await
            .map_err(opening)?;
        let db = Self {
            dir: dir.to_owned(),
            readers,
            writer: tokio::sync::Mutex::new(None),
            options,
            bytes_max: AtomicU64::new(bytes_max.unwrap_or(0)),
            lock: Mutex::new(lock),
            recall: Recall::default(),
        };
        db.limit(&mut writer).await.map_err(StoreError::database("limit the size"))?;
        *db.writer.lock().await = Some(writer);
        Ok(db)
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Starts a write transaction; waits for the one before to end.
    pub(crate) async fn begin(&self, operation: &'static str) -> Result<WriteTx<'_>, StoreError> {
        let fail = StoreError::database(operation);
        let mut slot = self.writer.lock().await;
        let mut conn = match slot.take() {
            Some(conn) => conn,
            None => {
                let mut conn = self.options.connect().await.map_err(&fail)?;
                self.limit(&mut conn).await.map_err(&fail)?;
                conn
            }
        };
        conn.execute("BEGIN IMMEDIATE").await.map_err(&fail)?;
        Ok(WriteTx { operation, slot, conn, writes: &self.recall.writes })
    }

    pub(crate) async fn set_bytes_max(&self, bytes_max: Option<u64>) {
        self.bytes_max.store(bytes_max.unwrap_or(0), Ordering::Relaxed);
        // The next writer starts with the new limit.
        let writer = self.writer.lock().await.take();
        close(writer).await;
    }

    async fn limit(&self, conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let bytes_max = self.bytes_max.load(Ordering::Relaxed);
        if bytes_max > 0 {
            let pages = (bytes_max / PAGE_BYTES).clamp(1, u64::from(u32::MAX - 2));
            conn.execute(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))).await?;
        }
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        let writer = self.writer.lock().await.take();
        close(writer).await;
        self.lock.lock().take();
    }
}

async fn close(writer: Option<SqliteConnection>) {
    if let Some(conn) = writer
        && let Err(error) = conn.close().await
    {
        tracing::warn!(%error, "closing the database connection failed");
    }
}

/// An open write transaction. Dropping it before [`WriteTx::commit`], for an error or because the caller went
/// away, drops its connection too, and SQLite undoes what it did: a connection whose transaction SQLite has
/// already rolled back (full disk) would otherwise be taken for one in a transaction.
pub(crate) struct WriteTx<'a> {
    operation: &'static str,
    slot: MutexGuard<'a, Option<SqliteConnection>>,
    conn: SqliteConnection,
    writes: &'a Writes,
}

impl WriteTx<'_> {
    pub(crate) fn conn(&mut self) -> &mut SqliteConnection {
        &mut self.conn
    }

    /// Makes it durable.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let writes = self.writes;
        let done = self.commit_events().await;
        // also when it failed: it may be on the disk all the same
        writes.count();
        done
    }

    /// Makes events durable, which change nothing that is remembered but topics of records.
    pub(crate) async fn commit_events(mut self) -> Result<(), StoreError> {
        self.conn.execute("COMMIT").await.map_err(StoreError::database(self.operation))?;
        *self.slot = Some(self.conn);
        Ok(())
    }
}

/// Makes the folder so that nobody else can look into it: it holds hashes of secrets and what stations say. One that
/// exists is left as its owner has it.
fn create_private(dir: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(StoreError::folder("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let read = file.take(20).read_to_string(&mut pid);
            let known = read.is_ok() && !pid.trim().is_empty();
            let pid = if known { pid.trim().to_owned() } else { "unknown".to_owned() };
            return Err(StoreError::Locked { dir: dir.to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(StoreError::folder("lock", &path)(error)),
    }
    let mut write_pid = || {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    write_pid().map_err(StoreError::folder("write", &path))?;
    Ok(file)
}

async fn check(conn: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let opening = |source| StoreError::opening(path.to_owned(), source);
    let bytes = fs::metadata(path).map(|m| m.len()).unwrap_or(0);
    if bytes > FULL_CHECK_BYTES_MAX {
        tracing::info!(bytes, "large database: checking the schema only");
        conn.fetch_all("SELECT count(*) FROM sqlite_schema").await.map_err(opening)?;
        return Ok(());
    }
    let row = conn.fetch_one("PRAGMA quick_check(1)").await.map_err(opening)?;
    let verdict: String = row.try_get(0).map_err(opening)?;
    if verdict == "ok" { Ok(()) } else { Err(StoreError::Corrupt { path: path.to_owned(), reason: verdict }) }
}

/// One text per schema version; never changed once released, only followed by the next.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "journal and registry", include_str!("../migrations/0001_registry.sql")),
    (2, "records and notes", include_str!("../migrations/0002_records.sql")),
    (3, "money", include_str!("../migrations/0003_money.sql")),
    (4, "security", include_str!("../migrations/0004_security.sql")),
    (5, "jobs, uptime", include_str!("../migrations/0005_desk.sql")),
    (6, "partners by OCPI", include_str!("../migrations/0006_ocpi.sql")),
    (7, "validation", include_str!("../migrations/0007_validation.sql")),
    (8, "files", include_str!("../migrations/0008_files.sql")),
    (9, "id tokens, local lists", include_str!("../migrations/0009_id_tokens.sql")),
    (10, "partners out of reach", include_str!("../migrations/0010_partners.sql")),
    (11, "campaigns", include_str!("../migrations/0011_campaigns.sql")),
    (12, "certificates", include_str!("../migrations/0012_certificates.sql")),
    (13, "bills", include_str!("../migrations/0013_bills.sql")),
    (14, "telemetry", include_str!("../migrations/0014_telemetry.sql")),
    (15, "instances", include_str!("../migrations/0015_instances.sql")),
    (16, "events", include_str!("../migrations/0016_events.sql")),
    (18, "states of processors", include_str!("../migrations/0018_processor_states.sql")),
    (19, "swap networks", include_str!("../migrations/0019_swap.sql")),
];

async fn migrate(conn: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let migration = |&(version, what, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, what.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let migrator = Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect());
    migrator.run_direct(None, conn, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => {
            let known = MIGRATIONS.iter().map(|m| m.0).max().unwrap_or(0);
            StoreError::NewerSchema { path: path.to_owned(), found, known }
        }
        MigrateError::VersionMismatch(version) => StoreError::Corrupt {
            path: path.to_owned(),
            reason: format!("schema version {version} is not the one that was released"),
        },
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
            StoreError::opening(path.to_owned(), source)
        }
        other => StoreError::Database { operation: "migrate", source: sqlx::Error::Migrate(Box::new(other)) },
    })
}
