use std::collections::{BTreeSet, HashMap};

use serde_json::json;
use sqlx::{AssertSqlSafe, SqliteConnection};
use voltwin_core::{PropertyName, Seq, TenantId, TwinId};

use crate::segment::Row;
use crate::{History, HistoryError, Point};

/// Rows of one insert statement, greatest first, so that few different statements are ever prepared.
const CHUNKS: [usize; 4] = [2048, 256, 32, 1];
/// The cache of series is emptied when it reaches this size and fills again from the database.
const SERIES_CACHED_MAX: usize = 1_000_000;

type Name = (TenantId, TwinId, PropertyName);

impl History {
    /// Adds points, and remembers that the feed is written up to `upto`, in one transaction. When `upto` is not
    /// beyond [`History::cursor`] nothing happens: the feed was read again from an earlier place.
    ///
    /// # Errors
    /// [`HistoryError::DiskFull`], [`HistoryError::Database`]; then nothing of it is there.
    pub async fn append(&self, points: &[Point], upto: Seq) -> Result<(), HistoryError> {
        let fail = HistoryError::database("append");
        let mut known = self.inner.series.lock().await;
        let mut tx = self.inner.db.begin("append").await?;
        let done = sqlx::query("UPDATE feed SET seq = ?1 WHERE seq < ?1")
            .bind(i64::try_from(upto.0).unwrap_or(i64::MAX))
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        if done.rows_affected() == 0 {
            return tx.commit().await;
        }
        if known.len() >= SERIES_CACHED_MAX {
            known.clear();
        }
        let mut rows = Vec::with_capacity(points.len());
        let mut unknown: Vec<(Name, usize)> = Vec::new();
        for point in points.iter().filter(|point| point.value.is_finite()) {
            let name = (point.tenant.clone(), point.twin.clone(), point.property.clone());
            let series = known.get(&name).copied().unwrap_or_else(|| {
                unknown.push((name, rows.len()));
                0
            });
            rows.push(Row { series, at_us: point.at.as_micros(), value: point.value });
        }
        let names: BTreeSet<&Name> = unknown.iter().map(|(name, _)| name).collect();
        let added = add_series(tx.conn(), names.into_iter().cloned().collect()).await.map_err(&fail)?;
        for (name, place) in &unknown {
            rows[*place].series = *added.get(name).ok_or_else(|| fail(sqlx::Error::RowNotFound))?;
        }
        // One key of the table after the other is several times faster than here and there.
        rows.sort_by_key(|row| (row.at_us, row.series));
        self.tell_sealer(&rows);
        insert(tx.conn(), &rows).await.map_err(&fail)?;
        tx.commit().await?;
        known.extend(added);
        Ok(())
    }

    /// How far the feed is written; 0 at first.
    ///
    /// # Errors
    /// [`HistoryError::Database`].
    pub async fn cursor(&self) -> Result<Seq, HistoryError> {
        let seq: i64 = sqlx::query_scalar("SELECT seq FROM feed")
            .fetch_one(self.inner.db.readers())
            .await
            .map_err(HistoryError::database("read the cursor"))?;
        Ok(Seq(seq.unsigned_abs()))
    }

    /// Called within the write transaction, so that it is ordered with the sealer's own.
    fn tell_sealer(&self, sorted: &[Row]) {
        let mut late = self.inner.late();
        if let (Some(upto), Some(first)) = (late.upto_us, sorted.first()) {
            late.touched |= first.at_us <= upto;
        }
    }
}

/// The numbers of series, of which some may be new. A new fleet brings hundreds of thousands of them at once: all that
/// come together take two statements.
async fn add_series(
    conn: &mut SqliteConnection,
    names: Vec<Name>,
) -> Result<HashMap<Name, i64>, sqlx::Error> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let json = json!(names).to_string();
    sqlx::query(
        "INSERT INTO series (tenant, twin, property)
         SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(&json)
    .execute(&mut *conn)
    .await?;
    let numbers: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT named.key, series.id FROM json_each(?) AS named CROSS JOIN series
         ON tenant = named.value ->> 0 AND twin = named.value ->> 1 AND property = named.value ->> 2",
    )
    .bind(&json)
    .fetch_all(conn)
    .await?;
    let named = |(place, id): (i64, i64)| Some((names.get(usize::try_from(place).ok()?)?.clone(), id));
    Ok(numbers.into_iter().filter_map(named).collect())
}

async fn insert(conn: &mut SqliteConnection, mut rows: &[Row]) -> Result<(), sqlx::Error> {
    for size in CHUNKS {
        if rows.len() < size {
            continue;
        }
        let sql = format!(
            "INSERT INTO hot (at_us, series, value) VALUES (?,?,?){}
             ON CONFLICT DO UPDATE SET value = excluded.value",
            ",(?,?,?)".repeat(size - 1)
        );
        while let Some((chunk, rest)) = rows.split_at_checked(size) {
            let mut query = sqlx::query(AssertSqlSafe(sql.as_str()));
            for row in chunk {
                query = query.bind(row.at_us).bind(row.series).bind(row.value);
            }
            query.execute(&mut *conn).await?;
            rows = rest;
        }
    }
    Ok(())
}
