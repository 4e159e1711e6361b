//! Telemetry over time: a hot window, then sealed Parquet segments.
//!
//! New values go to a SQLite table clustered by time. From time to time the older part is sealed: sorted by series,
//! written to `history/<from>-<to>.parquet`, and registered in the same transaction that removes it from the hot
//! table. A reader asks both and gets the same answer before and after.
//!
//! # Invariants
//! - Exactly once: values and the place in the feed that they came from are one transaction; an append up to a place
//!   that is already there changes nothing.
//! - A series has one value per instant; the one that came last counts, wherever it lies.
//! - A segment file is written whole, synced and renamed before it is registered; a file that no row names is
//!   removed when the history is opened.
//! - Memory is bounded: a segment has at most [`SEGMENT_ROWS_MAX`] rows, a read at most [`RANGE_MAX`] points.
//!
//! # Example
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use voltwin_core::{Seq, Timestamp};
//! use voltwin_history::{History, Point};
//!
//! let dir = tempfile::tempdir()?;
//! let history = History::open(dir.path()).await?;
//! let (tenant, twin, property) = ("demo".parse()?, "ST-01:1".parse()?, "power_w".parse()?);
//! let at = Timestamp::from_millis(1_795_000_000_000);
//! let point = Point { tenant, twin, property, at, value: 7_400.0 };
//! history.append(std::slice::from_ref(&point), Seq(1)).await?;
//! history.seal(at.plus_seconds(1.0)).await?;
//! let values =
//!     history.range(&point.tenant, &point.twin, &point.property, at, at.plus_seconds(1.0), 10).await?;
//! assert_eq!(values, [(at, 7_400.0)]);
//! # Ok(())
//! # }
//! ```

mod append;
mod db;
mod error;
mod read;
mod seal;
mod segment;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::Mutex;
use voltwin_core::{PropertyName, TenantId, Timestamp, TwinId};

use crate::db::Db;
pub use crate::error::HistoryError;
pub use crate::read::{BUCKETS_MAX, RANGE_MAX};
pub use crate::seal::SEGMENT_ROWS_MAX;

/// One value of one property of one twin.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Whose.
    pub tenant: TenantId,
    /// Of which twin.
    pub twin: TwinId,
    /// Of which property; its unit is in its name.
    pub property: PropertyName,
    /// When, by the source's clock.
    pub at: Timestamp,
    /// The value; one that is not finite is left out.
    pub value: f64,
}

/// All values of a span of time in figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bucket {
    /// Where the span starts.
    pub t: Timestamp,
    /// The least value.
    pub min: f64,
    /// The mean of the values.
    pub mean: f64,
    /// The greatest value.
    pub max: f64,
    /// How many there are, at least 1.
    pub count: u64,
}

/// What one [`History::seal`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SealReport {
    /// Segments written.
    pub segments: u64,
    /// Rows moved into them.
    pub rows: u64,
}

/// The telemetry of all tenants in one data folder. Clones share it.
#[derive(Debug, Clone)]
pub struct History {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    segments_dir: PathBuf,
    /// Series that are known to be in the database.
    series: Mutex<HashMap<(TenantId, TwinId, PropertyName), i64>>,
    /// Serialises sealing.
    sealing: Mutex<()>,
    /// What an append must tell a running seal.
    late: std::sync::Mutex<Late>,
}

/// Up to where a running seal has read, and whether anything was appended there since.
#[derive(Debug, Default)]
struct Late {
    upto_us: Option<i64>,
    touched: bool,
}

impl History {
    /// Opens the history in a data folder, and makes it when there is none. The folder must be held by the store's
    /// lock: two processes may not work on one history.
    ///
    /// # Errors
    /// [`HistoryError::Folder`], [`HistoryError::Corrupt`], [`HistoryError::NewerSchema`].
    pub async fn open(dir: &Path) -> Result<Self, HistoryError> {
        let segments_dir = dir.join("history");
        fs::create_dir_all(&segments_dir).map_err(HistoryError::folder("create", &segments_dir))?;
        let db = Db::open(&dir.join("history.db")).await?;
        seal::sweep(&db, &segments_dir).await?;
        let inner = Inner {
            db,
            segments_dir,
            series: Mutex::default(),
            sealing: Mutex::default(),
            late: std::sync::Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Closes the database; later calls on any clone fail.
    pub async fn close(&self) {
        self.inner.db.close().await;
    }
}

impl Inner {
    fn late(&self) -> std::sync::MutexGuard<'_, Late> {
        self.late.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
