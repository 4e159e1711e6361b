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
        let names = unknown.iter().map(|(name, _)| name.clone()).collect();
        let added = add_series(tx.conn(), names).await.map_err(&fail)?;
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

/// The numbers of series, of which some may be new. A new fleet brings hundreds of thousands of them at once: what is
/// known of their twins is asked in one statement, by twin and not by series, and what is new is written without asking.
async fn add_series(
    conn: &mut SqliteConnection,
    names: BTreeSet<Name>,
) -> Result<HashMap<Name, i64>, sqlx::Error> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let mut twins: Vec<(&TenantId, &TwinId)> = names.iter().map(|(tenant, twin, _)| (tenant, twin)).collect();
    twins.dedup();
    let there: Vec<(i64, String, i64)> = sqlx::query_as(
        "SELECT named.key, series.property, series.id FROM json_each(?) AS named CROSS JOIN series
         ON tenant = named.value ->> 0 AND twin = named.value ->> 1",
    )
    .bind(json!(twins).to_string())
    .fetch_all(&mut *conn)
    .await?;
    let named = |(twin, property, id): (i64, String, i64)| {
        let (tenant, twin) = *twins.get(usize::try_from(twin).ok()?)?;
        Some(((tenant.clone(), twin.clone(), property.parse().ok()?), id))
    };
    let mut numbers: HashMap<Name, i64> =
        there.into_iter().filter_map(named).filter(|(name, _)| names.contains(name)).collect();
    let last: i64 =
        sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM series").fetch_one(&mut *conn).await?;
    let new: Vec<(i64, Name)> =
        (last + 1..).zip(names.into_iter().filter(|name| !numbers.contains_key(name))).collect();
    let (into, row) = ("INSERT INTO series (id, tenant, twin, property)", "(?,?,?,?)");
    for chunk in chunks(&new) {
        let sql = format!("{into} VALUES {row}{}", format!(",{row}").repeat(chunk.len() - 1));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (id, (tenant, twin, property)) in chunk {
            query = query.bind(id).bind(tenant.as_str()).bind(twin.as_str()).bind(property.as_str());
        }
        query.execute(&mut *conn).await?;
    }
    numbers.extend(new.into_iter().map(|(id, name)| (name, id)));
    Ok(numbers)
}

async fn insert(conn: &mut SqliteConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    for chunk in chunks(rows) {
        let sql = format!(
            "INSERT INTO hot (at_us, series, value) VALUES (?,?,?){}
             ON CONFLICT DO UPDATE SET value = excluded.value",
            ",(?,?,?)".repeat(chunk.len() - 1)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in chunk {
            query = query.bind(row.at_us).bind(row.series).bind(row.value);
        }
        query.execute(&mut *conn).await?;
    }
    Ok(())
}

/// What one statement carries each, of few sizes.
fn chunks<T>(mut rest: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = CHUNKS.into_iter().find(|size| *size <= rest.len())?;
        let (chunk, left) = rest.split_at(size);
        rest = left;
        Some(chunk)
    })
}
