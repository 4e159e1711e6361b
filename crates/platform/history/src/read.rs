use std::collections::BTreeMap;

use sqlx::{Acquire as _, Row as _};
use voltwin_core::{PropertyName, TenantId, Timestamp, TwinId};

use crate::segment::{self, Wanted};
use crate::{Bucket, History, HistoryError};

/// The most points of one [`History::range`].
pub const RANGE_MAX: usize = 100_000;
/// The most buckets of one [`History::downsample`].
pub const BUCKETS_MAX: usize = 2_000;
/// The most properties of one [`History::properties`].
const PROPERTIES_MAX: i64 = 500;

impl History {
    /// The values of a property with `from <= time < to`, in order of time, at most `limit` and 100,000.
    ///
    /// # Errors
    /// [`HistoryError::Database`], [`HistoryError::Corrupt`] when a segment cannot be read.
    pub async fn range(
        &self,
        tenant: &TenantId,
        twin: &TwinId,
        property: &PropertyName,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Timestamp, f64)>, HistoryError> {
        let Some(series) = self.series(tenant, twin, property).await? else { return Ok(Vec::new()) };
        let limit = limit.min(RANGE_MAX);
        let wanted = Wanted { series, from_us: from.as_micros(), to_us: to.as_micros(), limit };
        let values = self.read(wanted).await?;
        Ok(values.into_iter().map(|(us, value)| (Timestamp::from_micros(us), value)).collect())
    }

    /// `from <= time < to` in `points` (1 to 2,000) spans of equal length, each with its figures; spans without a
    /// value are absent.
    ///
    /// # Errors
    /// [`HistoryError::Invalid`] for another number of points, and as [`History::range`].
    pub async fn downsample(
        &self,
        tenant: &TenantId,
        twin: &TwinId,
        property: &PropertyName,
        from: Timestamp,
        to: Timestamp,
        points: usize,
    ) -> Result<Vec<Bucket>, HistoryError> {
        if !(1..=BUCKETS_MAX).contains(&points) {
            return Err(HistoryError::Invalid {
                field: "points",
                value: points.to_string(),
                rule: "1 to 2000",
            });
        }
        let Some(series) = self.series(tenant, twin, property).await? else { return Ok(Vec::new()) };
        let (from_us, to_us) = (from.as_micros(), to.as_micros());
        let width_us = (to_us - from_us).max(1).unsigned_abs().div_ceil(points as u64);
        let mut buckets = Buckets { from_us, width_us, done: Vec::new() };
        let mut next_us = from_us;
        // Piece by piece, so that a year of values never lies in memory at once.
        loop {
            let values = self.read(Wanted { series, from_us: next_us, to_us, limit: RANGE_MAX }).await?;
            values.iter().for_each(|(us, value)| buckets.add(*us, *value));
            match values.last() {
                Some(last) if values.len() == RANGE_MAX => next_us = last.0 + 1,
                _ => return Ok(buckets.done),
            }
        }
    }

    /// The properties of a twin that have values, by name, at most 500.
    ///
    /// # Errors
    /// [`HistoryError::Database`].
    pub async fn properties(
        &self,
        tenant: &TenantId,
        twin: &TwinId,
    ) -> Result<Vec<PropertyName>, HistoryError> {
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT property FROM series WHERE tenant = ? AND twin = ? ORDER BY property LIMIT ?",
        )
        .bind(tenant.as_str())
        .bind(twin.as_str())
        .bind(PROPERTIES_MAX)
        .fetch_all(self.inner.db.readers())
        .await
        .map_err(HistoryError::database("list properties"))?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    async fn series(
        &self,
        tenant: &TenantId,
        twin: &TwinId,
        property: &PropertyName,
    ) -> Result<Option<i64>, HistoryError> {
        sqlx::query_scalar("SELECT id FROM series WHERE tenant = ? AND twin = ? AND property = ?")
            .bind(tenant.as_str())
            .bind(twin.as_str())
            .bind(property.as_str())
            .fetch_optional(self.inner.db.readers())
            .await
            .map_err(HistoryError::database("look for a series"))
    }

    /// The first `limit` wanted values of segments and hot table together. Where several have the same instant the
    /// newest counts: the hot table before any segment, a later segment before an earlier one.
    async fn read(&self, wanted: Wanted) -> Result<Vec<(i64, f64)>, HistoryError> {
        if wanted.from_us >= wanted.to_us || wanted.limit == 0 {
            return Ok(Vec::new());
        }
        let (files, hot) =
            self.sources(wanted).await.map_err(HistoryError::database("read the hot table"))?;
        if files.is_empty() {
            return Ok(hot);
        }
        let dir = self.inner.segments_dir.clone();
        let merge = move || {
            let mut merged = BTreeMap::new();
            for file in files {
                merged.extend(segment::read(&dir.join(file), wanted)?);
                // Every source gave its own first values, so what is beyond the limit here is beyond it for good.
                while merged.len() > wanted.limit {
                    merged.pop_last();
                }
            }
            merged.extend(hot);
            Ok(merged.into_iter().take(wanted.limit).collect())
        };
        tokio::task::spawn_blocking(merge).await.unwrap_or_else(|error| {
            Err(HistoryError::folder("read", &self.inner.segments_dir)(std::io::Error::other(error)))
        })
    }

    /// The segments that may hold wanted values, oldest first, and the wanted hot values, both as of one moment: a
    /// seal between the two would hide or double what it moves.
    async fn sources(&self, wanted: Wanted) -> Result<(Vec<String>, Vec<(i64, f64)>), sqlx::Error> {
        let mut conn = self.inner.db.readers().acquire().await?;
        let mut tx = conn.begin().await?;
        let files =
            sqlx::query_scalar("SELECT file FROM segments WHERE to_us >= ? AND from_us < ? ORDER BY id")
                .bind(wanted.from_us)
                .bind(wanted.to_us)
                .fetch_all(&mut *tx)
                .await?;
        let rows = sqlx::query(
            "SELECT at_us, value FROM hot WHERE at_us >= ? AND at_us < ? AND series = ? ORDER BY at_us LIMIT ?",
        )
        .bind(wanted.from_us)
        .bind(wanted.to_us)
        .bind(wanted.series)
        .bind(i64::try_from(wanted.limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let hot = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        Ok((files, hot.collect::<Result<_, sqlx::Error>>()?))
    }
}

/// Figures of spans of equal length; values come in order of time.
struct Buckets {
    from_us: i64,
    width_us: u64,
    done: Vec<Bucket>,
}

impl Buckets {
    fn add(&mut self, at_us: i64, value: f64) {
        let index = (at_us - self.from_us).unsigned_abs() / self.width_us;
        let start_us = self.from_us + i64::try_from(index * self.width_us).unwrap_or(i64::MAX);
        let t = Timestamp::from_micros(start_us);
        match self.done.last_mut().filter(|bucket| bucket.t == t) {
            Some(bucket) => {
                bucket.count += 1;
                bucket.min = bucket.min.min(value);
                bucket.max = bucket.max.max(value);
                // Welford's update: no sum that grows until small values are lost in it.
                bucket.mean += (value - bucket.mean) / bucket.count as f64;
            }
            None => self.done.push(Bucket { t, min: value, mean: value, max: value, count: 1 }),
        }
    }
}
