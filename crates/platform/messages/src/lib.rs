//! The message log: OCPP frames as they passed, bounded and searchable.
//!
//! # The idea
//! A log is read when something is wrong, and must never be what is wrong. So it has a database of its own,
//! `messages.db`, beside the store: its growth, its loss or its slowness touches nothing that is owed to a station.
//! [`MessageLog::push`] hands a frame to a writer task and returns at once; the writer files what it has in batches.
//!
//! # Invariants
//! - [`MessageLog::push`] never waits. When the writer is [`QUEUE`] frames behind, frames are dropped and counted
//!   (`voltwin_message_log_dropped_total`).
//! - [`MessageLog::search`] shows everything that was pushed before it was called.
//! - Bounded by age, by frames of a station and by frames of a tenant ([`Limits`]); a search looks at
//!   [`SCAN_MAX`] frames at most and then says where to go on.
//! - A power cut may take the last moments (`synchronous=NORMAL`): this is a log, the journal is the truth.
//! - Secrets are masked by whoever pushes; nothing here looks into a payload but the search for a text.
//!
//! # Example
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use voltwin_core::Timestamp;
//! use voltwin_messages::{Filter, Frame, Limits, MessageLog};
//!
//! let dir = tempfile::tempdir()?;
//! let log = MessageLog::open(dir.path(), Limits::default()).await?;
//! let (tenant, station) = ("demo".parse()?, "ST-01".parse()?);
//! log.push(Frame {
//!     at: Timestamp::from_millis(1_795_000_000_000),
//!     direction: "in",
//!     kind: "call",
//!     action: Some("Heartbeat".to_owned()),
//!     id: Some("1".to_owned()),
//!     payload: r#"[2,"1","Heartbeat",{}]"#.to_owned(),
//!     outcome: None,
//!     trace: None,
//!     ..Frame::of(&tenant, &station)
//! });
//! let page = log.search(&tenant, &Filter::default(), None, 10).await?;
//! assert_eq!(page.items[0].action.as_deref(), Some("Heartbeat"));
//! log.close().await;
//! # Ok(())
//! # }
//! ```

mod error;
mod read;
mod write;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use voltwin_core::{TenantId, Timestamp, TraceId, TwinId};

pub use crate::error::MessageLogError;
pub use crate::read::{Filter, Logged, Outcome, Page, SCAN_MAX};

/// Frames that may wait for the writer; more are dropped and counted.
pub const QUEUE: usize = 16_384;

const SCHEMA: &str = include_str!("schema.sql");
const SCHEMA_VERSION: i64 = 1;
const READERS: u32 = 2;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_NOTADB: i32 = 26;

/// How much is kept; what is older goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Frames of one station; up to a quarter more for a while.
    pub per_station: u32,
    /// Frames of one tenant; up to a quarter more for a while.
    pub per_tenant: u32,
    /// Days that a frame is kept.
    pub days: u32,
}

impl Default for Limits {
    /// 10,000 frames a station, 1,000,000 a tenant, 30 days.
    fn default() -> Self {
        Self { per_station: 10_000, per_tenant: 1_000_000, days: 30 }
    }
}

/// One frame on its way into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whose station.
    pub tenant: TenantId,
    /// Which station.
    pub station: TwinId,
    /// When it passed.
    pub at: Timestamp,
    /// `in` from the station, `out` to it.
    pub direction: &'static str,
    /// `call`, `result`, `error`, `send` or `malformed`.
    pub kind: &'static str,
    /// The action, of the call that it answers if it is an answer.
    pub action: Option<String>,
    /// The message id.
    pub id: Option<String>,
    /// The frame as text, without secrets.
    pub payload: String,
    /// What became of it, if anything but `ok`.
    pub outcome: Option<String>,
    /// The trace that its events carry.
    pub trace: Option<TraceId>,
}

impl Frame {
    /// An empty frame of a station, to be filled.
    #[must_use]
    pub fn of(tenant: &TenantId, station: &TwinId) -> Self {
        Self {
            tenant: tenant.clone(),
            station: station.clone(),
            at: Timestamp::default(),
            direction: "in",
            kind: "call",
            action: None,
            id: None,
            payload: String::new(),
            outcome: None,
            trace: None,
        }
    }
}

/// What the writer is given.
pub(crate) enum Job {
    File(Box<Frame>),
    /// Answer when all that came before is filed.
    Flush(oneshot::Sender<()>),
    /// As [`Job::Flush`], and end.
    Close(oneshot::Sender<()>),
}

/// The message log of one data folder. Clones share it.
#[derive(Debug, Clone)]
pub struct MessageLog {
    jobs: mpsc::Sender<Job>,
    readers: SqlitePool,
}

impl MessageLog {
    /// Opens the log in a data folder, makes it when there is none, and starts its writer. The folder must be held
    /// by the store's lock.
    ///
    /// # Errors
    /// [`MessageLogError::Corrupt`], [`MessageLogError::NewerSchema`], [`MessageLogError::Database`].
    pub async fn open(dir: &Path, limits: Limits) -> Result<Self, MessageLogError> {
        let path = dir.join("messages.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("journal_size_limit", "67108864")
            .pragma("wal_autocheckpoint", "4000")
            .disable_statement_logging();
        let opening = |source: sqlx::Error| {
            let code = source.as_database_error().and_then(|e| e.code()?.parse::<i32>().ok()).unwrap_or(0);
            match code & 0xff {
                SQLITE_NOTADB | SQLITE_CORRUPT => {
                    MessageLogError::Corrupt { path: path.clone(), reason: source.to_string() }
                }
                _ => MessageLogError::database("open")(source),
            }
        };
        let mut writer: SqliteConnection = options.connect().await.map_err(opening)?;
        let found: i64 =
            sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut writer).await.map_err(opening)?;
        if found > SCHEMA_VERSION {
            return Err(MessageLogError::NewerSchema { path, found, known: SCHEMA_VERSION });
        }
        sqlx::raw_sql(SCHEMA).execute(&mut writer).await.map_err(opening)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.pragma("query_only", "on"))
            .await
            .map_err(opening)?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        tokio::spawn(write::run(writer, queue, limits));
        Ok(Self { jobs, readers })
    }

    /// Files a frame soon; never waits. A frame that finds the queue full is dropped and counted.
    pub fn push(&self, frame: Frame) {
        if self.jobs.try_send(Job::File(Box::new(frame))).is_err() {
            metrics::counter!("voltwin_message_log_dropped_total").increment(1);
        }
    }

    /// Returns when everything pushed before is filed.
    pub async fn flush(&self) {
        let (done, filed) = oneshot::channel();
        if self.jobs.send(Job::Flush(done)).await.is_ok() {
            let _ = filed.await;
        }
    }

    /// Files what waits and ends; later frames are dropped, later searches fail.
    pub async fn close(&self) {
        let (done, filed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            let _ = filed.await;
        }
        self.readers.close().await;
    }
}
