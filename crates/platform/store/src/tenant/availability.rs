use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use voltwin_core::Timestamp;

use super::TenantStore;
use crate::row::{Fields, bad, limit_plus_one, number_cursor, page};
use crate::{Page, StoreError};

/// Changes that one read returns at most.
const CHANGES_MAX: i64 = 200_000;
/// Exclusions that one tenant may have.
const EXCLUSIONS_MAX: i64 = 10_000;

/// That a twin took a state of availability: `online`, `offline`, `up`, `Faulted`, `Unavailable` or `gone`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// The station or connector.
    pub twin: String,
    /// When we heard of it.
    pub at: Timestamp,
    /// The state.
    pub state: String,
}

/// An outage that does not count against uptime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// Its number within the tenant.
    pub id: i64,
    /// A connector, EVSE, station, site or zone, or `*` for all.
    pub scope: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Why, in a word.
    pub cause: String,
    /// Why, for a person.
    pub note: String,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What one connector was used for in a span of time.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectorUse {
    /// The station.
    pub station: String,
    /// EVSE number, from 1.
    pub evse: u32,
    /// Connector of the EVSE, from 1.
    pub connector: u32,
    /// Seconds that transactions took.
    pub busy_s: f64,
    /// Energy delivered in Wh; of a transaction that reaches beyond the span the part by time.
    pub energy_wh: f64,
    /// Transactions that started in the span.
    pub sessions: u64,
    /// Those of them that have ended and delivered less than the threshold.
    pub failed_starts: u64,
}

impl TenantStore {
    /// How a station and its connectors changed from the state that held at `from` on, before `to`, by twin and time.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn status_changes(
        &self,
        station: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<StatusChange>, StoreError> {
        let rows = sqlx::query(
            "SELECT twin, at_us, state FROM status_history h
             WHERE tenant = ?1 AND (twin = ?2 OR (twin > ?2 || ':' AND twin < ?2 || ';')) AND at_us < ?4
                 AND at_us >= coalesce((SELECT max(at_us) FROM status_history p
                     WHERE p.tenant = ?1 AND p.twin = h.twin AND p.at_us <= ?3), 0)
             ORDER BY twin, at_us LIMIT ?5",
        )
        .bind(self.tenant.as_str())
        .bind(station)
        .bind(from.as_micros())
        .bind(to.as_micros())
        .bind(CHANGES_MAX)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("read the status history"))?;
        rows.iter().map(change).collect()
    }

    /// How often each connector became `Faulted` in a span of time.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn fault_counts(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT twin, count(*) FROM status_history
             WHERE tenant = ? AND state = 'Faulted' AND at_us >= ? AND at_us < ? GROUP BY twin ORDER BY twin",
        )
        .bind(self.tenant.as_str())
        .bind(from.as_micros())
        .bind(to.as_micros())
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("count faults"))?;
        Ok(rows.into_iter().map(|(twin, count)| (twin, count.unsigned_abs())).collect())
    }

    /// Since when anything of this tenant is watched.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn watched_since(&self) -> Result<Option<Timestamp>, StoreError> {
        let since: Option<i64> = sqlx::query_scalar("SELECT min(at_us) FROM status_history WHERE tenant = ?")
            .bind(self.tenant.as_str())
            .fetch_one(self.db.readers())
            .await
            .map_err(StoreError::database("read the status history"))?;
        Ok(since.map(Timestamp::from_micros))
    }

    /// What each connector was used for in a span of time, by station, EVSE and connector; unused ones are absent.
    /// Of a transaction that still runs its newest event is the end.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn connector_use(
        &self,
        from: Timestamp,
        to: Timestamp,
        failed_below_wh: f64,
    ) -> Result<Vec<ConnectorUse>, StoreError> {
        let rows = sqlx::query(
            "SELECT station, evse, connector, total(busy_us) / 1e6 AS busy_s,
                 total(CASE WHEN length_us > 0 THEN energy_uwh * (busy_us * 1.0 / length_us)
                     WHEN new THEN energy_uwh ELSE 0 END) / 1e6 AS energy_wh,
                 sum(new) AS sessions, sum(new AND ended AND energy_uwh < ?4 * 1e6) AS failed_starts
             FROM (
                 SELECT station, bill ->> '$.evse' AS evse, coalesce(bill ->> '$.connector', 1) AS connector, energy_uwh,
                     max(0, coalesce(ended_at_us, last_at_us) - started_at_us) AS length_us,
                     max(0, min(coalesce(ended_at_us, last_at_us), ?3) - max(started_at_us, ?2)) AS busy_us,
                     started_at_us >= ?2 AND started_at_us < ?3 AS new, ended_at_us IS NOT NULL AS ended
                 FROM transactions
                 WHERE tenant = ?1 AND last_at_us >= ?2 AND started_at_us < ?3 AND bill ->> '$.evse' IS NOT NULL
             ) GROUP BY station, evse, connector ORDER BY station, evse, connector",
        )
        .bind(self.tenant.as_str())
        .bind(from.as_micros())
        .bind(to.as_micros())
        .bind(failed_below_wh)
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("sum the use of connectors"))?;
        rows.iter().map(connector_use).collect()
    }

    /// Says that outages of a scope do not count. `id`, `by` and `at` of `new` are filled in here.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the tenant has 10,000 of them, [`StoreError::DiskFull`],
    /// [`StoreError::Database`].
    pub async fn add_exclusion(&self, new: Exclusion) -> Result<Exclusion, StoreError> {
        let mut tx = self.db.begin("add an exclusion").await?;
        let (id, count): (i64, i64) = sqlx::query_as(
            "SELECT coalesce(max(id), 0) + 1, count(*) FROM uptime_exclusions WHERE tenant = ?",
        )
        .bind(self.tenant.as_str())
        .fetch_one(tx.conn())
        .await
        .map_err(StoreError::database("add an exclusion"))?;
        if count >= EXCLUSIONS_MAX {
            let id = format!("number {EXCLUSIONS_MAX}");
            return Err(StoreError::Conflict { what: "exclusion", id });
        }
        let new = Exclusion { id, ..new };
        sqlx::query(
            "INSERT INTO uptime_exclusions (tenant, id, scope, from_us, to_us, cause, note, by, at_us)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(self.tenant.as_str())
        .bind(new.id)
        .bind(&new.scope)
        .bind(new.from.as_micros())
        .bind(new.to.as_micros())
        .bind(&new.cause)
        .bind(&new.note)
        .bind(&new.by)
        .bind(new.at.as_micros())
        .execute(tx.conn())
        .await
        .map_err(self.unknown_tenant("add an exclusion"))?;
        let detail = format!("{} from {} to {}: {}", new.scope, new.from, new.to, new.cause);
        self.commit_as(tx, (&new.by, new.at), ("uptime_exclusion.add", &new.id.to_string(), &detail)).await?;
        Ok(new)
    }

    /// Takes an exclusion back.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::DiskFull`], [`StoreError::Database`].
    pub async fn remove_exclusion(&self, id: i64, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin("remove an exclusion").await?;
        let done = sqlx::query("DELETE FROM uptime_exclusions WHERE tenant = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(id)
            .execute(tx.conn())
            .await
            .map_err(StoreError::database("remove an exclusion"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "exclusion", id: id.to_string() });
        }
        self.commit_as(tx, (by, at), ("uptime_exclusion.remove", &id.to_string(), "")).await
    }

    /// Exclusions, newest first.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor that is not ours, [`StoreError::Database`].
    pub async fn exclusions(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Exclusion>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM uptime_exclusions WHERE tenant = ? AND id < ? ORDER BY id DESC LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(number_cursor(cursor, i64::MAX)?)
        .bind(limit_plus_one(limit))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list exclusions"))?;
        let items = rows.iter().map(exclusion).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| item.id.to_string()))
    }

    /// All exclusions that touch a span of time, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn exclusions_between(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Exclusion>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM uptime_exclusions WHERE tenant = ? AND to_us > ? AND from_us < ? ORDER BY id",
        )
        .bind(self.tenant.as_str())
        .bind(from.as_micros())
        .bind(to.as_micros())
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list exclusions"))?;
        rows.iter().map(exclusion).collect()
    }
}

fn change(row: &SqliteRow) -> Result<StatusChange, StoreError> {
    let fields = Fields(row);
    Ok(StatusChange { twin: fields.text("twin")?, at: fields.time("at_us")?, state: fields.text("state")? })
}

fn exclusion(row: &SqliteRow) -> Result<Exclusion, StoreError> {
    let fields = Fields(row);
    Ok(Exclusion {
        id: fields.get("id")?,
        scope: fields.text("scope")?,
        from: fields.time("from_us")?,
        to: fields.time("to_us")?,
        cause: fields.text("cause")?,
        note: fields.text("note")?,
        by: fields.text("by")?,
        at: fields.time("at_us")?,
    })
}

fn connector_use(row: &SqliteRow) -> Result<ConnectorUse, StoreError> {
    let fields = Fields(row);
    let small = |column| u32::try_from(fields.get::<i64>(column)?).map_err(bad(column));
    Ok(ConnectorUse {
        station: fields.text("station")?,
        evse: small("evse")?,
        connector: small("connector")?,
        busy_s: fields.get("busy_s")?,
        energy_wh: fields.get("energy_wh")?,
        sessions: fields.get::<i64>("sessions")?.unsigned_abs(),
        failed_starts: fields.get::<i64>("failed_starts")?.unsigned_abs(),
    })
}
