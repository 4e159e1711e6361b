use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};
use voltwin_core::{AlarmId, Severity};

use super::TenantStore;
use crate::row::{Fields, bad, limit_plus_one, page, time_cursor};
use crate::{Alarm, AlarmFilter, Counts, Page, StoreError};

impl TenantStore {
    /// Alarms, newest first.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor that is not ours, [`StoreError::Database`].
    pub async fn alarms(
        &self,
        filter: AlarmFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Alarm>, StoreError> {
        let (before_us, before_id) = time_cursor(cursor)?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM alarms WHERE tenant = ");
        query.push_bind(self.tenant.as_str());
        if filter == AlarmFilter::Open {
            query.push(" AND cleared_at_us IS NULL");
        }
        query.push(" AND (raised_at_us, id) < (").push_bind(before_us);
        query.push(", ").push_bind(before_id);
        query.push(") ORDER BY raised_at_us DESC, id DESC LIMIT ").push_bind(limit_plus_one(limit));
        let rows = query.build().fetch_all(self.db.readers()).await;
        let rows = rows.map_err(StoreError::database("list alarms"))?;
        let items = rows.iter().map(alarm).collect::<Result<Vec<_>, _>>()?;
        Ok(page(items, limit, |item| format!("{}.{}", item.raised_at.as_micros(), item.id)))
    }

    /// One alarm.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn alarm(&self, id: AlarmId) -> Result<Option<Alarm>, StoreError> {
        let row = sqlx::query("SELECT * FROM alarms WHERE tenant = ? AND id = ?")
            .bind(self.tenant.as_str())
            .bind(id.to_string())
            .fetch_optional(self.db.readers())
            .await
            .map_err(StoreError::database("read an alarm"))?;
        row.as_ref().map(alarm).transpose()
    }

    /// The open alarm of a twin with this code.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn open_alarm(&self, twin: &str, code: &str) -> Result<Option<Alarm>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM alarms WHERE tenant = ? AND twin = ? AND code = ? AND cleared_at_us IS NULL",
        )
        .bind(self.tenant.as_str())
        .bind(twin)
        .bind(code)
        .fetch_optional(self.db.readers())
        .await
        .map_err(StoreError::database("read an alarm"))?;
        row.as_ref().map(alarm).transpose()
    }

    /// The open alarms with this code, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn open_alarms(&self, code: &str, limit: usize) -> Result<Vec<Alarm>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM alarms WHERE tenant = ? AND code = ? AND cleared_at_us IS NULL ORDER BY id LIMIT ?",
        )
        .bind(self.tenant.as_str())
        .bind(code)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.db.readers())
        .await
        .map_err(StoreError::database("list alarms"))?;
        rows.iter().map(alarm).collect()
    }

    /// What the overview counts.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let fail = StoreError::database("count");
        let rows = sqlx::query(
            "SELECT severity, count(*) AS n, sum(acknowledged_at_us IS NULL) AS unacknowledged
             FROM alarms WHERE tenant = ? AND cleared_at_us IS NULL GROUP BY severity",
        )
        .bind(self.tenant.as_str())
        .fetch_all(self.db.readers())
        .await
        .map_err(&fail)?;
        let mut counts = Counts::default();
        for row in &rows {
            let fields = Fields(row);
            let n = fields.get::<i64>("n")?.unsigned_abs();
            counts.unacknowledged += fields.get::<i64>("unacknowledged")?.unsigned_abs();
            match fields.word("severity")? {
                Severity::Critical => counts.critical = n,
                Severity::Major => counts.major = n,
                Severity::Minor => counts.minor = n,
                Severity::Info => counts.info = n,
            }
        }
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM transactions INDEXED BY transactions_active
                 WHERE tenant = ?1 AND state = 'active') AS active,
                 (SELECT count(*) FROM claims WHERE tenant = ?1) AS claims",
        )
        .bind(self.tenant.as_str())
        .fetch_one(self.db.readers())
        .await
        .map_err(&fail)?;
        counts.active_transactions = Fields(&row).get::<i64>("active")?.unsigned_abs();
        counts.claims = Fields(&row).get::<i64>("claims")?.unsigned_abs();
        Ok(counts)
    }
}

fn alarm(row: &SqliteRow) -> Result<Alarm, StoreError> {
    let fields = Fields(row);
    Ok(Alarm {
        id: fields.text("id")?.parse().map_err(bad("id"))?,
        twin: fields.text("twin")?,
        station: fields.get("station")?,
        code: fields.text("code")?,
        severity: fields.word("severity")?,
        message: fields.text("message")?,
        raised_at: fields.time("raised_at_us")?,
        cleared_at: fields.time_opt("cleared_at_us")?,
        acknowledged_at: fields.time_opt("acknowledged_at_us")?,
        acknowledged_by: fields.get("acknowledged_by")?,
    })
}
