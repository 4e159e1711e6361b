//! The history of availability as its writer sees it: all tenants, in the order of the feed.

use std::collections::HashMap;

use voltwin_core::{Seq, TenantId, Timestamp};

use crate::journal::signed;
use crate::row::Fields;
use crate::tenant::StatusChange;
use crate::{Store, StoreError};

/// The name of the writer's place in the feed.
const CURSOR: &str = "availability";
/// The most gaps that are kept.
const GAPS_MAX: i64 = 10_000;

impl Store {
    /// The newest state of every twin that is watched, and the writer's place in the feed; `None` before the first
    /// write.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn availability(
        &self,
    ) -> Result<(HashMap<(TenantId, String), String>, Option<Seq>), StoreError> {
        let rows = sqlx::query(
            "SELECT tenant, twin, state FROM status_history h WHERE at_us =
                 (SELECT max(at_us) FROM status_history n WHERE n.tenant = h.tenant AND n.twin = h.twin)",
        )
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("read the status history"))?;
        let read = |row| {
            let fields = Fields(row);
            Ok(((fields.tenant()?, fields.text("twin")?), fields.text("state")?))
        };
        let states = rows.iter().map(read).collect::<Result<_, StoreError>>()?;
        Ok((states, self.cursor(CURSOR).await?))
    }

    /// Adds changes, the writer's place and that it watched at `alive`, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn add_status_changes(
        &self,
        changes: &[(TenantId, StatusChange)],
        upto: Seq,
        alive: Timestamp,
    ) -> Result<(), StoreError> {
        let fail = StoreError::database("write the status history");
        let mut tx = self.db.begin("write the status history").await?;
        let row = |(tenant, change): &(TenantId, StatusChange)| {
            serde_json::json!([tenant.as_str(), change.twin, change.at.as_micros(), change.state])
        };
        let rows = serde_json::Value::from(changes.iter().map(row).collect::<Vec<_>>()).to_string();
        sqlx::query(
            "INSERT INTO status_history (tenant, twin, at_us, state)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true
             ON CONFLICT DO UPDATE SET state = excluded.state",
        )
        .bind(rows)
        .execute(tx.conn())
        .await
        .map_err(&fail)?;
        sqlx::query(
            "INSERT INTO cursors (name, seq) VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq",
        )
        .bind(CURSOR)
        .bind(signed(upto))
        .execute(tx.conn())
        .await
        .map_err(&fail)?;
        sqlx::query("INSERT INTO watch (name, at_us) VALUES ('alive', ?) ON CONFLICT DO UPDATE SET at_us = excluded.at_us")
            .bind(alive.as_micros())
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        tx.commit().await
    }

    /// Until when the writer of the status history is known to have watched.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn watched_until(&self) -> Result<Option<Timestamp>, StoreError> {
        let alive: Option<i64> = sqlx::query_scalar("SELECT at_us FROM watch WHERE name = 'alive'")
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read the status history"))?;
        Ok(alive.map(Timestamp::from_micros))
    }

    /// Writes down a span in which nobody watched.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn add_watch_gap(&self, from: Timestamp, to: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin("write a gap").await?;
        sqlx::query("INSERT INTO watch_gaps (from_us, to_us) VALUES (?, ?) ON CONFLICT DO UPDATE SET to_us = excluded.to_us")
            .bind(from.as_micros())
            .bind(to.as_micros())
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("write a gap"))?;
        tx.commit().await
    }

    /// Spans in which nobody watched that touch a span of time, oldest first, at most 10,000.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn watch_gaps(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(Timestamp, Timestamp)>, StoreError> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT from_us, to_us FROM watch_gaps WHERE to_us > ? AND from_us < ? ORDER BY from_us LIMIT ?",
        )
        .bind(from.as_micros())
        .bind(to.as_micros())
        .bind(GAPS_MAX)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("read gaps"))?;
        Ok(rows.into_iter().map(|(a, b)| (Timestamp::from_micros(a), Timestamp::from_micros(b))).collect())
    }

    /// Forgets what lies before `before`, but for the state that each twin had then.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn prune_availability(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.db.begin("prune the status history").await?;
        let fail = StoreError::database("prune the status history");
        let done = sqlx::query(
            "DELETE FROM status_history AS h WHERE at_us < ?1 AND EXISTS (SELECT 1 FROM status_history n
                 WHERE n.tenant = h.tenant AND n.twin = h.twin AND n.at_us > h.at_us AND n.at_us <= ?1)",
        )
        .bind(before.as_micros())
        .execute(tx.conn())
        .await
        .map_err(&fail)?;
        sqlx::query("DELETE FROM watch_gaps WHERE to_us < ?")
            .bind(before.as_micros())
            .execute(tx.conn())
            .await
            .map_err(&fail)?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }
}
