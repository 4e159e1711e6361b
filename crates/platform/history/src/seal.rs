use std::collections::HashSet;
use std::fs;
use std::path::Path;

use futures_util::TryStreamExt as _;
use sqlx::{Executor as _, Row as _, SqliteConnection};
use voltwin_core::Timestamp;

use crate::db::Db;
use crate::segment::{self, Row};
use crate::{History, HistoryError, SealReport};

/// The most rows of one segment: 24 MB in memory while it is written, about 5 MB on disk.
pub const SEGMENT_ROWS_MAX: usize = 1_000_000;

/// A segment that lies on the disk and is not registered yet.
struct Written {
    file: String,
    from_us: i64,
    to_us: i64,
    /// The last row that it took from the hot table, in that table's order.
    last: (i64, i64),
    rows: u64,
}

impl History {
    /// Moves all values before `older_than` from the hot table into segments. Appending and reading go on meanwhile.
    ///
    /// # Errors
    /// [`HistoryError::DiskFull`], [`HistoryError::Folder`], [`HistoryError::Database`]; what was not sealed is
    /// still in the hot table.
    pub async fn seal(&self, older_than: Timestamp) -> Result<SealReport, HistoryError> {
        self.seal_by(older_than, SEGMENT_ROWS_MAX).await
    }

    async fn seal_by(&self, older_than: Timestamp, rows_max: usize) -> Result<SealReport, HistoryError> {
        let _one_at_a_time = self.inner.sealing.lock().await;
        let mut report = SealReport::default();
        loop {
            let rows = self.seal_next(older_than, rows_max).await;
            self.inner.late().upto_us = None;
            match rows? {
                0 => return Ok(report),
                rows => {
                    report.segments += 1;
                    report.rows += rows;
                }
            }
        }
    }

    /// Seals one segment and returns its rows; 0 when nothing is left.
    async fn seal_next(&self, older_than: Timestamp, rows_max: usize) -> Result<u64, HistoryError> {
        // Within a write transaction: an append that was under way before is done and will be read, one that comes
        // after will tell.
        let barrier = self.inner.db.begin("start sealing").await?;
        {
            let mut late = self.inner.late();
            late.upto_us = Some(older_than.as_micros());
            late.touched = false;
        }
        barrier.commit().await?;
        let mut reader =
            self.inner.db.readers().acquire().await.map_err(HistoryError::database("read the hot table"))?;
        let written = self.write_next(&mut reader, older_than, rows_max).await?;
        drop(reader);
        let Some(written) = written else { return Ok(0) };
        let mut tx = self.inner.db.begin("register a segment").await?;
        let touched = self.inner.late().touched;
        if !touched {
            register(tx.conn(), &written).await?;
            tx.commit().await?;
            return Ok(written.rows);
        }
        // Something older arrived after the rows were read: once more, with appending held up.
        let stale = self.inner.segments_dir.join(&written.file);
        fs::remove_file(&stale).map_err(HistoryError::folder("remove", stale))?;
        let written = self.write_next(tx.conn(), older_than, rows_max).await?;
        let Some(written) = written else { return Ok(0) };
        register(tx.conn(), &written).await?;
        tx.commit().await?;
        Ok(written.rows)
    }

    /// Writes the oldest rows to a file, which is on the disk but not registered when this returns.
    async fn write_next(
        &self,
        conn: &mut SqliteConnection,
        older_than: Timestamp,
        rows_max: usize,
    ) -> Result<Option<Written>, HistoryError> {
        let mut rows =
            oldest(conn, older_than, rows_max).await.map_err(HistoryError::database("read the hot table"))?;
        let (Some(first), Some(last)) = (rows.first().copied(), rows.last().copied()) else {
            return Ok(None);
        };
        let dir = self.inner.segments_dir.clone();
        let stem = format!("{}-{}", first.at_us, last.at_us);
        let count = rows.len() as u64;
        let write = move || {
            // The same span again happens when values older than a segment arrive after it.
            let mut file = format!("{stem}.parquet");
            for n in 2.. {
                if !dir.join(&file).try_exists().map_err(HistoryError::folder("read", &dir))? {
                    break;
                }
                file = format!("{stem}-{n}.parquet");
            }
            segment::write(&dir, &file, &mut rows).map(|()| file)
        };
        let file = tokio::task::spawn_blocking(write).await.unwrap_or_else(|error| {
            Err(HistoryError::folder("write", &self.inner.segments_dir)(std::io::Error::other(error)))
        })?;
        let last_key = (last.at_us, last.series);
        Ok(Some(Written { file, from_us: first.at_us, to_us: last.at_us, last: last_key, rows: count }))
    }
}

async fn oldest(
    conn: &mut SqliteConnection,
    older_than: Timestamp,
    rows_max: usize,
) -> Result<Vec<Row>, sqlx::Error> {
    let mut stream =
        sqlx::query("SELECT at_us, series, value FROM hot WHERE at_us < ? ORDER BY at_us, series LIMIT ?")
            .bind(older_than.as_micros())
            .bind(i64::try_from(rows_max).unwrap_or(i64::MAX))
            .fetch(conn);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(Row { at_us: row.try_get(0)?, series: row.try_get(1)?, value: row.try_get(2)? });
    }
    Ok(rows)
}

async fn register(conn: &mut SqliteConnection, written: &Written) -> Result<(), HistoryError> {
    let fail = HistoryError::database("register a segment");
    sqlx::query("INSERT INTO segments (file, from_us, to_us, rows) VALUES (?, ?, ?, ?)")
        .bind(&written.file)
        .bind(written.from_us)
        .bind(written.to_us)
        .bind(i64::try_from(written.rows).unwrap_or(i64::MAX))
        .execute(&mut *conn)
        .await
        .map_err(&fail)?;
    let done = sqlx::query("DELETE FROM hot WHERE (at_us, series) <= (?, ?)")
        .bind(written.last.0)
        .bind(written.last.1)
        .execute(conn)
        .await
        .map_err(&fail)?;
    debug_assert_eq!(done.rows_affected(), written.rows, "what is removed is what was sealed");
    Ok(())
}

/// Removes what a seal that was killed left behind: files that no row names.
pub(crate) async fn sweep(db: &Db, dir: &Path) -> Result<(), HistoryError> {
    let fail = HistoryError::database("list segments");
    let rows = db.readers().fetch_all("SELECT file FROM segments").await.map_err(&fail)?;
    let files =
        rows.iter().map(|row| row.try_get(0)).collect::<Result<HashSet<String>, _>>().map_err(&fail)?;
    let mut found = HashSet::new();
    for entry in fs::read_dir(dir).map_err(HistoryError::folder("read", dir))? {
        let entry = entry.map_err(HistoryError::folder("read", dir))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if files.contains(&name) {
            found.insert(name);
        } else if name.ends_with(".parquet") || name.ends_with(".parquet.tmp") {
            tracing::info!(file = name, "removing a segment that was never registered");
            fs::remove_file(entry.path()).map_err(HistoryError::folder("remove", entry.path()))?;
        }
    }
    for missing in files.difference(&found) {
        tracing::error!(file = missing, "a sealed segment is missing: reading its time will fail");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use voltwin_core::Seq;

    use super::*;
    use crate::Point;

    fn point(second: i64, value: f64) -> Point {
        Point {
            tenant: "a".parse().unwrap(),
            twin: "S".parse().unwrap(),
            property: "power_w".parse().unwrap(),
            at: Timestamp::from_millis(second * 1000),
            value,
        }
    }

    async fn all(history: &History) -> Vec<(Timestamp, f64)> {
        let p = point(0, 0.0);
        let end = Timestamp::from_millis(i64::MAX / 2000);
        history.range(&p.tenant, &p.twin, &p.property, p.at, end, 1000).await.unwrap()
    }

    #[tokio::test]
    async fn a_kill_before_registration_doubles_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let history = History::open(dir.path()).await.unwrap();
        let points: Vec<_> = (0..100).map(|s| point(s, s as f64)).collect();
        history.append(&points, Seq(1)).await.unwrap();
        let before = all(&history).await;
        let mut reader = history.inner.db.readers().acquire().await.unwrap();
        let end = Timestamp::from_millis(50_000);
        let written = history.write_next(&mut reader, end, 1000).await.unwrap().unwrap();
        assert!(dir.path().join("history").join(&written.file).exists());
        fs::write(dir.path().join("history/7-9.parquet.tmp"), b"half").unwrap();
        drop(reader);
        assert_eq!(all(&history).await, before);
        history.close().await;
        let history = History::open(dir.path()).await.unwrap();
        assert_eq!(fs::read_dir(dir.path().join("history")).unwrap().count(), 0);
        assert_eq!(all(&history).await, before);
        assert_eq!(history.seal(end).await.unwrap(), SealReport { segments: 1, rows: 50 });
        assert_eq!(all(&history).await, before);
    }

    #[tokio::test]
    async fn what_arrives_late_while_sealing_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let history = History::open(dir.path()).await.unwrap();
        history.append(&(0..100).map(|s| point(s * 2, 1.0)).collect::<Vec<_>>(), Seq(1)).await.unwrap();
        let end = Timestamp::from_millis(300_000);
        // Segments of 7 rows give the appends many moments to fall between reading and registration.
        let sealing = history.seal_by(end, 7);
        let appending = async {
            for s in 0..100 {
                history.append(&[point(s * 2 + 1, 2.0)], Seq(2 + s.unsigned_abs())).await.unwrap();
            }
        };
        let (report, ()) = tokio::join!(sealing, appending);
        report.unwrap();
        let expected: Vec<_> = (0..200)
            .map(|s| (Timestamp::from_millis(s * 1000), if s % 2 == 0 { 1.0 } else { 2.0 }))
            .collect();
        assert_eq!(all(&history).await, expected);
        history.seal_by(end, 7).await.unwrap();
        assert_eq!(all(&history).await, expected);
    }
}
